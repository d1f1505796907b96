"""Which broadcasts there are, and which of them are wanted.

``inventory`` reads what a station had on a day, and ``holdings`` tells what an archive has. ``lists`` reads
files that list broadcasts, by ``table`` where they are tables, and ``folders`` folders that hold them, with
``local``, which tells what a file is. ``choose`` says what is wanted of all that, ``left_alone`` what was not
taken, and ``recordings`` gives IDs to files that have none, by what ``names`` reads out of their names.
"""
