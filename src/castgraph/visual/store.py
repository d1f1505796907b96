"""The frames of a run as a store: a table with a row each, and the vectors of different pictures beside it.

Near-identical frames of a broadcast share the vector of the first of them, so the vectors are those of the
rows whose ``alike`` is their own ``frame``, in their order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables

VECTORS = "vectors.npy"
"""The file beside the table of frames that holds the vectors."""


def read_embedded(
    path: str | os.PathLike[str], columns: Sequence[str]
) -> tuple[pa.Table, NDArray[np.float32]]:
    """Read the embedded frames of one broadcast.

    Parameters
    ----------
    path
        Its table.
    columns
        Which columns to read besides the embedding.

    Returns
    -------
    table : Table
        The frames that could be read.
    vectors : ndarray of shape (n, size), float32
        Of unit length.

    Raises
    ------
    TableError
        When an earlier castgraph made the table.
    """
    schema = tables.visual(tables.embedding_size(path))
    names = list(dict.fromkeys([*columns, "status", "embedding"]))
    table = tables.read(path, schema, names)
    table = table.filter(pc.equal(table["status"], "ok"))
    vectors = tables.embeddings(table["embedding"]).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # of half precision they are not quite 1
    return table.select(list(columns)), (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


@contextmanager
def vectors_writer(path: Path, size: int = 0) -> Iterator[Callable[[NDArray[np.float32]], None]]:
    """Write vectors block by block, in place; without `size` the first block tells how long they are."""
    n = 0
    with path.open("wb") as file:

        def header() -> None:
            # As long for any number of rows: NumPy leaves room for it to grow.
            file.seek(0)
            told = {"descr": "<f4", "fortran_order": False, "shape": (n, size)}
            np.lib.format.write_array_header_1_0(file, told)

        def add(block: NDArray[np.float32]) -> None:
            nonlocal n, size
            if not n and not size:
                size = block.shape[1]
            if block.shape[1] != size:
                raise ValueError(f"vectors of {block.shape[1]} numbers behind those of {size}")
            file.write(np.ascontiguousarray(block, "<f4").data)
            n += len(block)

        header()
        yield add
        header()


def open_vectors(frames: str | os.PathLike[str]) -> np.memmap[Any, np.dtype[np.float32]]:
    """Open the vectors beside a table of frames; only what is used of them is read.

    Returns
    -------
    memmap of shape (n_pictures, size)
        It cannot be written to.

    Raises
    ------
    ValueError
        When the file is not there, or does not fit the table.
    """
    path = Path(frames).with_name(VECTORS)
    try:
        found = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} should hold the vectors of {frames}, and cannot be read: {error}"
        ) from error
    told = tables.read_provenance(frames).get("n_pictures")
    if found.ndim != 2 or found.dtype != np.dtype("<f4") or len(found) != told:
        raise ValueError(
            f"{path} holds {found.dtype} of shape {found.shape}; for {frames} it has to be float32 of {told} "
            "rows"
        )
    return found


def leaders(frame: NDArray[np.integer], alike: NDArray[np.integer]) -> NDArray[np.int64]:
    """Give the rows of a table of frames that have a vector, in its order."""
    return np.flatnonzero(frame == alike)


def leader_of(
    broadcast: NDArray[np.integer], frame: NDArray[np.integer], alike: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Give each frame the place of its vector.

    Parameters
    ----------
    broadcast, frame, alike
        Of rows in the order of the table; the broadcast as a number that does not fall.

    Returns
    -------
    ndarray of shape (n,), int64
    """
    key = np.asarray(broadcast, np.int64) << 32
    first = key | frame
    return np.searchsorted(first[leaders(frame, alike)], key | alike)
