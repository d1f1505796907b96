"""The explorer: a clustering as a folder of pages that opens by a double click, every number with its frames.

``evidence`` makes the pictures of frames, in which faces are blurred; ``columns`` writes tables as script
files, since a page that is opened from a file may read nothing else; ``data`` makes these tables, ``atlas``
the portraits in one picture, and ``folder`` puts all of it together.
"""
