"""The labels of a clustering, and the face table that they belong to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph.base import files
from castgraph.base.tables.parquet import (
    TableError,
    by_broadcast,
    opened,
    provenance,
    read_provenance,
    writer,
)
from castgraph.base.tables.registry import LABELS, MERGED_FACES

NOISE = -1
"""The label of a face that belongs to no person, because it is like too few others or is set aside."""


def write_labels(
    path: str | os.PathLike[str],
    faces: str | os.PathLike[str],
    labels: NDArray[np.int32],
    settings: Mapping[str, Any],
    n_set_aside: int,
) -> None:
    """Write the labels of a clustering with their provenance, atomically; a broadcast at a time is read.

    Parameters
    ----------
    path
        The label table to write.
    faces
        The merged face table. The labels get its keys and its digest, by which `read_labels` knows it again.
    labels
        Shape (n_faces,), in the order of the merged face table.
    settings
        The algorithm and what it was given.
    n_set_aside
        How many of the faces do not count.

    Raises
    ------
    ValueError
        When there are not as many labels as faces.
    """
    n_faces = pq.read_metadata(faces).num_rows
    if labels.shape != (n_faces,):
        raise ValueError(f"labels of shape {labels.shape} do not fit the {n_faces} faces of {faces}")
    facts = provenance(
        "clustering",
        settings,
        digest=read_provenance(faces).get("digest"),
        n_faces=n_faces,
        n_set_aside=n_set_aside,
        n_people=int(labels.max(initial=NOISE)) + 1,
        n_noise=int((labels == NOISE).sum()) - n_set_aside,
    )
    end = 0
    with files.atomic(path) as part, writer(part, LABELS, facts) as add:
        for broadcast, [face] in by_broadcast(faces, MERGED_FACES, ["face"]):
            begin, end = end, end + len(face)
            names = pa.DictionaryArray.from_arrays(np.zeros(len(face), np.int32), [broadcast])
            add(pa.table([names, face, labels[begin:end]], LABELS.names))


def read_labels(labels: str | os.PathLike[str], faces: str | os.PathLike[str]) -> NDArray[np.int32]:
    """Read the labels of a clustering, once it is known that they belong to the face table.

    Digest and key are compared; a broadcast at a time is in memory beside the labels.

    Parameters
    ----------
    labels
        The label table.
    faces
        The merged face table.

    Returns
    -------
    ndarray of shape (n_faces,), int32
        The label of each face, in the order of the face table; `NOISE` for none.

    Raises
    ------
    TableError
        When they were made of other faces, or either table was made by an earlier castgraph.
    """
    with opened(labels, LABELS) as found, opened(faces, MERGED_FACES) as needed:
        n_faces = needed.metadata.num_rows
        fits = found.metadata.num_rows == n_faces
    digest = read_provenance(faces).get("digest")
    fits = fits and digest is not None and digest == read_provenance(labels).get("digest")
    values = np.empty(n_faces, np.int32)
    if fits:
        end = 0
        keys = by_broadcast(faces, MERGED_FACES, ["face"])
        rows = by_broadcast(labels, LABELS, ["face", "label"])
        # As many in all, so that neither is left over when all before are equal.
        for (broadcast, [face]), (name, [number, label]) in zip(keys, rows, strict=False):
            if not (broadcast == name and np.array_equal(face, number)):
                fits = False
                break
            begin, end = end, end + len(label)
            values[begin:end] = label
    if not fits:
        raise TableError(f"{labels} were made of other faces than those of {faces}; make them again")
    return values
