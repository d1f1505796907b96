"""Finding and encoding the faces of a broadcast.

An *engine* turns decoded frames into faces (detect → align → embed); `encode` runs one over a broadcast and
gives the face table and the frame table; `merge` joins the tables of all broadcasts of a run.
To add an engine is to add a module beside `reference` and a line in `engine.ENGINES`.
"""

from castgraph.faces.encode import encode
from castgraph.faces.engine import Engine, Face, load_engine
from castgraph.faces.frame import UnreadableFrameError, phash, read_frame
from castgraph.faces.merge import merge

__all__ = [
    "Engine",
    "Face",
    "UnreadableFrameError",
    "encode",
    "load_engine",
    "merge",
    "phash",
    "read_frame",
]
