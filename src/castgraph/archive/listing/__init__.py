"""Which broadcasts there are, and which of them are wanted.

``inventory`` reads what a station had on a day, ``choose`` reads lists of broadcasts and narrows them, and
``holdings`` tells what an archive has.
"""
