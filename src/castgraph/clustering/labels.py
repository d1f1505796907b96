"""Labels for the faces of a run, of which some may be set aside."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import tables


def label_faces(
    faces: str | os.PathLike[str], cluster: Callable[[NDArray[np.float32]], NDArray[np.int32]]
) -> NDArray[np.int32]:
    """Cluster the faces that count, as if those set aside were not there.

    Parameters
    ----------
    faces
        The merged face table (`castgraph.tables.MERGED_FACES`).
    cluster
        Gives one label a point, for points of shape (n, 128), float32; -1 is noise.

    Returns
    -------
    ndarray of shape (n_faces,), int32
        In the order of the face table. The label of a face that is set aside is -1.
    """
    counts = pc.field("set_aside") == ""
    counted = pc.equal(pq.read_table(faces, columns=["set_aside"])["set_aside"], "").to_numpy()
    # Filtered while it is read: the embeddings are never in memory beside a copy of those that count.
    points = tables.embeddings(pq.read_table(faces, columns=["embedding"], filters=counts)["embedding"])
    labels = np.full(len(counted), tables.NOISE, dtype=np.int32)
    labels[counted] = cluster(points)
    return labels
