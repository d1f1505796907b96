"""The faces of a run that count: all but those a quality filter set aside."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import tables


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
        Shape (n_counted, 128), float32: the embeddings.
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

    Parameters
    ----------
    faces
        Path of a `castgraph.tables.MERGED_FACES`.
    """
    places = pq.read_table(faces, columns=["broadcast", "set_aside"])
    counted = pc.equal(places["set_aside"], "").to_numpy()
    points = np.empty((int(counted.sum()), tables.EMBEDDING_SIZE), dtype=np.float32)
    end = 0
    with pq.ParquetFile(faces) as file:
        for batch in file.iter_batches(columns=["embedding", "set_aside"]):
            kept = pa.Table.from_batches([batch]).filter(pc.equal(batch["set_aside"], ""))
            begin, end = end, end + len(kept)
            points[begin:end] = tables.embeddings(kept["embedding"])
    names = pc.run_end_encode(places["broadcast"].filter(counted).cast(pa.string()).combine_chunks())
    return CountedFaces(points, counted, _portions(points, names))


def _portions(points: NDArray[np.float32], names: pa.RunEndEncodedArray) -> tuple[Portion, ...]:
    portions, begin = [], 0
    for name, end in zip(names.values.to_pylist(), names.run_ends.to_pylist(), strict=True):
        digest = hashlib.blake2b(points[begin:end].data, digest_size=16).hexdigest()
        portions.append(Portion(name, end - begin, digest))
        begin = end
    return tuple(portions)
