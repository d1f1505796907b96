"""The frames of a broadcast, whatever they come in.

``sources`` makes the ZIP of a broadcast of what it comes from: the archive, another ZIP, a folder of
``images`` or a ``video``, which ``pack`` puts into the archive's layout; ``zips`` takes the frames out of it.
``numbering`` tells which frame each picture of a folder is; ``jpeg`` opens pictures. All that comes from
outside is taken as hostile.
"""
