"""The embeddings of a run: a file of their own beside the merged face table."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph.base.tables.parquet import TableError
from castgraph.base.tables.registry import EMBEDDING_SIZE

_EMBEDDING = np.dtype("<f4")

EMBEDDINGS = "embeddings.npy"
"""The file beside a merged face table that holds the embeddings of its rows."""


def embeddings(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Turn an embedding column into an array.

    Parameters
    ----------
    column
        The column ``embedding`` of a face table.

    Returns
    -------
    ndarray of shape (n_faces, size), float32
    """
    flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate([np.empty(0, np.float32), *flat]).reshape(len(column), column.type.list_size)


def embedding_size(path: str | os.PathLike[str]) -> int:
    """Tell how many numbers an embedding of the encoded faces in a file has.

    Raises
    ------
    TableError
        When the file is not whole, or holds no embeddings.
    """
    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from error
    kind = schema.field("embedding").type if "embedding" in schema.names else None
    if kind is None or not pa.types.is_fixed_size_list(kind):
        raise TableError(
            f"{path} has no column embedding of lists of one size: it was made by an earlier castgraph; "
            "the next run makes it again"
        )
    return int(kind.list_size)


@contextmanager
def embeddings_writer(
    path: str | os.PathLike[str], facts: dict[str, Any], size: int = EMBEDDING_SIZE
) -> Iterator[Callable[[NDArray[np.float32]], None]]:
    """Write the embeddings of a merged face table block by block.

    Parameters
    ----------
    path
        The file to write: float32, shape (n_faces, size), C order. It is written in place: give what
        `castgraph.base.files.atomic` yields.
    facts
        Gets, when the block ends, an entry ``embeddings``: ``file``, ``shape``, ``dtype``, and ``blake2b`` of
        the array's bytes.
    size
        Numbers of an embedding.

    Yields
    ------
    callable
        Takes blocks of shape (n, size), float32, in the order of the rows.
    """
    n_faces, digest = 0, hashlib.blake2b(digest_size=16)
    with Path(path).open("wb") as file:

        def write_header() -> None:
            # As long for any number of rows: NumPy leaves room for it to grow.
            header = {"descr": _EMBEDDING.str, "fortran_order": False, "shape": (n_faces, size)}
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, header)

        def add(block: NDArray[np.float32]) -> None:
            nonlocal n_faces
            data = np.ascontiguousarray(block, dtype=_EMBEDDING).data
            file.write(data)
            digest.update(data)
            n_faces += len(block)

        write_header()
        yield add
        write_header()
    facts["embeddings"] = {
        "file": EMBEDDINGS,
        "shape": [n_faces, size],
        "dtype": _EMBEDDING.name,
        "blake2b": digest.hexdigest(),
    }


def open_embeddings(faces: str | os.PathLike[str]) -> np.memmap[Any, np.dtype[np.float32]]:
    """Open the embeddings of a merged face table; only what is used of them is read.

    Parameters
    ----------
    faces
        The merged face table, with `EMBEDDINGS` beside it.

    Returns
    -------
    memmap of shape (n_faces, size), float32
        Row i is that of row i of the table. It cannot be written to.

    Raises
    ------
    ValueError
        When the file is not there, is not whole, or is not of as many faces.
    """
    path = Path(faces).with_name(EMBEDDINGS)
    n_faces = pq.read_metadata(faces).num_rows
    try:
        found = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} should hold the embeddings of {faces}, and cannot be read: {error}"
        ) from error
    size = found.shape[-1] if found.ndim == 2 else 0
    if size < 1 or (len(found), found.dtype, found.flags.c_contiguous) != (n_faces, _EMBEDDING, True):
        order = "C" if found.flags.c_contiguous else "Fortran"
        raise ValueError(
            f"{path} holds {found.dtype} of shape {found.shape} in {order} order; for {faces} it has to be "
            f"{_EMBEDDING} of shape ({n_faces}, n) in C order"
        )
    return found
