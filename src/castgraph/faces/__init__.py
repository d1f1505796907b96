"""Finding and encoding the faces of a broadcast.

An *engine* turns decoded frames into faces (detect → align → embed); `encode` runs one over a broadcast and
gives the face table and the frame table; `merge` joins the tables of all broadcasts of a run and sets the
faces aside that its `Quality` does not let count.
To add an engine is to add a module beside `reference` and a line in `engine.ENGINES`.
"""

from castgraph.faces.encode import Encoded, encode, is_worse, write_encoded
from castgraph.faces.engine import Detection, Engine, Face, load_engine
from castgraph.faces.frame import Frame, UnreadableFrameError, phash, read_frame
from castgraph.faces.merge import broadcast_row, merge
from castgraph.faces.quality import Quality

__all__ = [
    "Detection",
    "Encoded",
    "Engine",
    "Face",
    "Frame",
    "Quality",
    "UnreadableFrameError",
    "broadcast_row",
    "encode",
    "is_worse",
    "load_engine",
    "merge",
    "phash",
    "read_frame",
    "write_encoded",
]
