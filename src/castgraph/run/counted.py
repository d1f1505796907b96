"""The faces of a run that count: all but those a quality filter set aside."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables


class Portion(NamedTuple):
    """The counted faces of one broadcast; they follow each other."""

    broadcast: str
    n_faces: int
    digest: str  # of their embeddings


@dataclass(frozen=True)
class CountedFaces:
    """The faces of a run that count, in the order of the face table.

    Attributes
    ----------
    points
        Shape (n_counted, 128), float32: the embeddings. They may be read-only.
    counted
        Shape (n_faces,), bool: which faces of the table count.
    portions
        The broadcasts that have such faces, in order.
    """

    points: NDArray[np.float32]
    counted: NDArray[np.bool_]
    portions: tuple[Portion, ...]

    @property
    def n_set_aside(self) -> int:
        """How many faces of the table do not count."""
        return int((~self.counted).sum())

    def labels(self, cluster: Callable[[NDArray[np.float32]], NDArray[np.int32]]) -> NDArray[np.int32]:
        """Cluster the faces that count, as if the others were not there.

        Parameters
        ----------
        cluster
            Gives one label a point; -1 is noise. It is not called when no face counts.

        Returns
        -------
        ndarray of shape (n_faces,), int32
            The label of a face that is set aside is -1.
        """
        return self.spread(cluster(self.points) if len(self.points) else np.empty(0, dtype=np.int32))

    def spread(self, found: NDArray[np.int32]) -> NDArray[np.int32]:
        """Put labels of the counted faces, shape (n_counted,), among those of all faces."""
        labels = np.full(len(self.counted), tables.NOISE, dtype=np.int32)
        labels[self.counted] = found
        return labels


def read_counted(faces: str | os.PathLike[str]) -> CountedFaces:
    """Read a merged face table, with no embedding in memory twice.

    Where every face counts, the points are the file of the embeddings itself, mapped into memory: clustering
    takes the same time, and what it does not use at a time need not be in memory.

    Parameters
    ----------
    faces
        Path of a `castgraph.base.tables.MERGED_FACES`, with its embeddings beside it.

    Raises
    ------
    ValueError
        As `castgraph.base.tables.open_embeddings`.
    """
    embeddings = tables.open_embeddings(faces)
    counted = np.empty(len(embeddings), dtype=bool)
    sizes: dict[str, int] = {}
    begin = 0
    for batch in tables.batches(faces, tables.MERGED_FACES, ["broadcast", "set_aside"]):
        counts = pc.equal(batch["set_aside"], "").to_numpy(zero_copy_only=False)
        counted[begin : begin + len(batch)] = counts
        begin += len(batch)
        for name, rows in tables.runs(batch["broadcast"]):
            if n := int(counts[rows].sum()):
                sizes[name] = sizes.get(name, 0) + n
    points = embeddings.view(np.ndarray) if counted.all() else _chosen(embeddings, counted)
    return CountedFaces(points, counted, _portions(points, sizes))


def _chosen(
    embeddings: np.memmap[Any, np.dtype[np.float32]], counted: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Copy the rows that count. The file is read rather than mapped, so that they are in memory once."""
    size = embeddings.shape[1]
    points = np.empty((int(counted.sum()), size), dtype=np.float32)
    end = 0
    with Path(str(embeddings.filename)).open("rb") as file:
        file.seek(embeddings.offset)
        for start in range(0, len(counted), tables.ROW_GROUP):
            chosen = counted[start : start + tables.ROW_GROUP]
            block = np.fromfile(file, embeddings.dtype, len(chosen) * size).reshape(-1, size)[chosen]
            begin, end = end, end + len(block)
            points[begin:end] = block
    return points


def _portions(points: NDArray[np.float32], sizes: Mapping[str, int]) -> tuple[Portion, ...]:
    portions, begin = [], 0
    for name, n in sizes.items():
        digest = hashlib.blake2b(points[begin : begin + n].data, digest_size=16).hexdigest()
        portions.append(Portion(name, n, digest))
        begin += n
    return tuple(portions)
