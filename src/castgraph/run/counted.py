"""The faces of a run that count: all but those a quality filter set aside."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.clustering.adapt import adapted

UNIT_SCALE = 1.75
"""How much farther apart faces are by an embedder of the user's own than by dlib's, about.

Its embeddings are of unit length, and those of two people about at right angles: 1.41 apart. dlib's are 0.81
apart (median of the sample of television).
"""

BOX = ("top", "right", "bottom", "left")
"""The columns of a face's box."""


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
        Shape (n_counted, size), float32: the embeddings. They may be read-only.
    counted
        Shape (n_faces,), bool: which faces of the table count.
    portions
        The broadcasts that have such faces, in order.
    founding
        Shape (n_counted,), bool: which of them can found a person.
    path
        The face table.
    """

    points: NDArray[np.float32]
    counted: NDArray[np.bool_]
    portions: tuple[Portion, ...]
    founding: NDArray[np.bool_]
    path: Path

    @property
    def n_set_aside(self) -> int:
        """How many faces of the table do not count."""
        return int((~self.counted).sum())

    @property
    def scale(self) -> float:
        """What distances measured with dlib's embedder are multiplied by: 1, or `UNIT_SCALE`."""
        return scale_of(self.path)

    def founders(self) -> CountedFaces:
        """Give the faces that can found a person, as if no others counted."""
        if self.founding.all():
            return self
        counted = self.counted.copy()
        counted[counted] = self.founding
        begins = np.cumsum([0, *(portion.n_faces for portion in self.portions)])
        sizes = {
            portion.broadcast: n
            for portion, begin in zip(self.portions, begins[:-1], strict=True)
            if (n := int(self.founding[begin : begin + portion.n_faces].sum()))
        }
        points = self.points[self.founding]
        everyone = np.ones(len(points), dtype=bool)
        return CountedFaces(points, counted, _portions(points, sizes), everyone, self.path)

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Read where the faces that count are.

        Returns
        -------
        frames : ndarray of shape (n_counted,), int64
            The frame of each; neighbouring ones of a broadcast differ by 1, and there are gaps between
            broadcasts.
        boxes : ndarray of shape (4, n_counted), int32
            Top, right, bottom and left.
        """
        frames = np.empty(len(self.counted), np.int64)
        boxes = np.empty((4, len(self.counted)), np.int32)
        end = number = 0
        for _, columns in tables.by_broadcast(self.path, tables.MERGED_FACES, ["frame", *BOX]):
            begin, end, number = end, end + len(columns[0]), number + 1
            frames[begin:end] = columns[0].astype(np.int64) + (number << 32)
            boxes[:, begin:end] = columns[1:]
        return frames[self.counted], boxes[:, self.counted]

    def spread(self, found: NDArray[np.int32]) -> NDArray[np.int32]:
        """Put labels of the counted faces, shape (n_counted,), among those of all faces."""
        labels = np.full(len(self.counted), tables.NOISE, dtype=np.int32)
        labels[self.counted] = found
        return labels


def scale_of(faces: str | os.PathLike[str]) -> float:
    """Tell what distances measured with dlib's embedder are multiplied by: 1, or `UNIT_SCALE`.

    Parameters
    ----------
    faces
        Path of the merged face table, which names the embedder.
    """
    settings = tables.read_provenance(faces).get("settings", {})
    return UNIT_SCALE if settings.get("embedder") else 1.0


def read_counted(faces: str | os.PathLike[str], matrix: NDArray[np.float32] | None = None) -> CountedFaces:
    """Read a merged face table, with no embedding in memory twice.

    Where every face counts, the points are the file of the embeddings itself, mapped into memory: clustering
    takes the same time, and what it does not use at a time need not be in memory.

    Parameters
    ----------
    faces
        Path of a `castgraph.base.tables.MERGED_FACES`, with its embeddings beside it.
    matrix
        By which embeddings are mapped (`castgraph.clustering.adapt`), which takes a copy; None for none.

    Raises
    ------
    ValueError
        As `castgraph.base.tables.open_embeddings`.
    """
    embeddings = tables.open_embeddings(faces)
    counted = np.empty(len(embeddings), dtype=bool)
    founds = np.empty(len(embeddings), dtype=bool)
    sizes: dict[str, int] = {}
    begin = 0
    for batch in tables.batches(faces, tables.MERGED_FACES, ["broadcast", "set_aside", "founds"]):
        counts = pc.equal(batch["set_aside"], "").to_numpy(zero_copy_only=False)
        counted[begin : begin + len(batch)] = counts
        founds[begin : begin + len(batch)] = batch["founds"].to_numpy(zero_copy_only=False)
        begin += len(batch)
        for name, rows in tables.runs(batch["broadcast"]):
            if n := int(counts[rows].sum()):
                sizes[name] = sizes.get(name, 0) + n
    points = embeddings.view(np.ndarray) if counted.all() else _chosen(embeddings, counted)
    if matrix is not None:
        points = adapted(points, matrix)
    return CountedFaces(points, counted, _portions(points, sizes), founds[counted], Path(faces))


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
