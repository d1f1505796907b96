"""Finding and encoding the faces of a broadcast.

An *engine* turns decoded frames into faces (detect → align → embed); `encode.encode` runs one over a
broadcast and gives the face table and the frame table; `merge.merge` joins the tables of all broadcasts of a
run and sets the faces aside that its `quality.Quality` does not let count; `times.face_times` tells when each
face was on air.
To add an engine is to add a module beside `reference` and a line in `engine.ENGINES`; a detector for the
engine ``fast``, a module beside `hog` and a line in `detectors.DETECTORS`. An embedder of the
user's own is a file that `embedder.load_embedder` loads in the place of dlib's (`embed`).
"""
