"""Faces that are to be forgotten: of their embeddings nothing is left but zeros, and they stay counted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.boxes import BOX, found_again
from castgraph.base.locks import locked

FORGOTTEN = "forgotten"
"""Why such a face is set aside."""

SCHEMA = pa.schema(
    [("broadcast", pa.dictionary(pa.int32(), pa.string())), ("frame", pa.int32())]
    + [(side, pa.int32()) for side in BOX]
)
"""Where faces are that are to be forgotten, one a row, in order."""


def read_forgotten(path: Path) -> pa.Table:
    """Read where faces are that are to be forgotten; of the schema `SCHEMA`, empty where there is no file.

    Raises
    ------
    TableError
        When the file is not whole: what was to be forgotten must not come back unnoticed.
    """
    try:
        return tables.read(path, SCHEMA)
    except FileNotFoundError:
        return SCHEMA.empty_table()


def remember_to_forget(path: Path, places: pa.Table) -> None:
    """Add to where faces are that are to be forgotten, atomically; nobody else adds meanwhile.

    Parameters
    ----------
    path
        The file; it is made when it is not there.
    places
        Of the schema `SCHEMA`.
    """
    with locked(path.with_suffix(".lock")):
        known = pa.concat_tables([read_forgotten(path), places]).unify_dictionaries().combine_chunks()
        plain = known.set_column(0, "broadcast", known["broadcast"].cast(pa.string()))
        each = plain.group_by(SCHEMA.names).aggregate([])
        ordered = each.sort_by([(name, "ascending") for name in SCHEMA.names])
        tables.write(path, ordered.cast(SCHEMA), tables.provenance("forget", {}), SCHEMA)


def among(frames: NDArray[np.int32], boxes: NDArray[np.int32], places: pa.Table) -> NDArray[np.bool_]:
    """Tell which faces of a broadcast are to be forgotten.

    Parameters
    ----------
    frames, boxes
        The frame of each face, ascending, of shape (n_faces,); its top, right, bottom and left, of shape
        (4, n_faces).
    places
        Where the faces to be forgotten are, of this broadcast; whichever detector found them.

    Returns
    -------
    ndarray of shape (n_faces,), bool
    """
    of = np.stack([places[side].to_numpy() for side in BOX])
    rows = found_again(frames.astype(np.int64), boxes, places["frame"].to_numpy().astype(np.int64), of)
    found = np.zeros(len(frames), bool)
    found[rows[rows >= 0]] = True
    return found


def forget(faces: pa.Table, places: pa.Table) -> pa.Table:
    """Forget faces of one broadcast: each stays a row, with zeros for the embedding.

    Parameters
    ----------
    faces
        A face table of `castgraph.faces.encode.encode`.
    places
        Where the faces to be forgotten are, of the schema `SCHEMA`; other broadcasts do not matter.
    """
    here = faces["broadcast"].unique().to_pylist()
    wanted = places.filter(pc.is_in(places["broadcast"].cast(pa.string()), pa.array(here, pa.string())))
    if not len(wanted):
        return faces
    boxes = np.stack([faces[side].to_numpy() for side in BOX])
    gone = among(faces["frame"].to_numpy(), boxes, wanted)
    embeddings = tables.embeddings(faces["embedding"])
    embeddings[gone] = 0
    number = faces.schema.get_field_index("embedding")
    column = pa.FixedSizeListArray.from_arrays(embeddings.ravel(), embeddings.shape[1])
    return faces.set_column(number, faces.schema.field(number), column)


def is_forgotten(embeddings: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell of which faces nothing but zeros is left; an encoder gives no such embedding.

    Parameters
    ----------
    embeddings
        Shape (n_faces, d).

    Examples
    --------
    >>> is_forgotten(np.array([[0, 0], [0, 0.5]], np.float32)).tolist()
    [True, False]
    """
    return np.asarray(~embeddings.any(axis=1))


def forget_in_file(path: str | os.PathLike[str], places: pa.Table) -> int:
    """Forget faces in the face table of a broadcast, atomically; a table without any stays as it is.

    Returns
    -------
    int
        How many were not forgotten before.

    Raises
    ------
    TableError
        When it is no face table of now.
    """
    schema = tables.encoded_faces(tables.embedding_size(path))
    before = tables.read(path, schema)
    after = forget(before, places)
    known, now = (is_forgotten(tables.embeddings(each["embedding"])).sum() for each in (before, after))
    if now > known:
        tables.write(path, after, tables.read_provenance(path), schema)
    return int(now - known)
