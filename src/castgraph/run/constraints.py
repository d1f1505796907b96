"""The constraints of a run: pairs of faces of which frames tell whether they are one person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.clustering.constraints import NEAR, constraints
from castgraph.clustering.distances import squared_distances
from castgraph.run.counted import CountedFaces

KINDS = ("must", "cannot")


def constraint_table(faces: CountedFaces) -> tuple[pa.Table, dict[str, Any]]:
    """Find the constraints among the faces that count.

    Parameters
    ----------
    faces
        The faces of a run.

    Returns
    -------
    table : Table
        With the columns of `castgraph.base.tables.CONSTRAINTS`.
    counts : dict
        How many there are of each kind, how many tracklets of two faces or more, and how many pairs that
        cannot be one person are linked to each other.
    """
    frames, boxes = faces.places()
    found = constraints(faces.points, frames, boxes, near=NEAR * faces.scale)
    pairs = np.sort(np.concatenate([found.must, found.cannot]), axis=1)
    kind = np.repeat(np.arange(2, dtype=np.int32), [len(found.must), len(found.cannot)])
    contradicted = np.concatenate([np.zeros(len(found.must), dtype=bool), found.contradictions])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, kind, contradicted = pairs[order], kind[order], contradicted[order]
    broadcasts, numbers = _keys(faces)
    names = [portion.broadcast for portion in faces.portions]
    table = pa.table(
        [
            pa.DictionaryArray.from_arrays(broadcasts[pairs[:, 0]], names),
            *(numbers[side] for side in pairs.T),
            pa.DictionaryArray.from_arrays(kind, list(KINDS)),
            np.sqrt(squared_distances(faces.points, *pairs.T.astype(np.int32))).astype(np.float32),
            contradicted,
        ],
        tables.CONSTRAINTS.names,
    ).cast(tables.CONSTRAINTS)
    counts = {
        "n_must": len(found.must),
        "n_cannot": len(found.cannot),
        "n_tracklets": int((np.bincount(found.tracklet, minlength=1) > 1).sum()),
        "n_contradicted": int(contradicted.sum()),
    }
    return table, counts


def _keys(faces: CountedFaces) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give for each face that counts its broadcast, as a place among the portions, and its number there."""
    sizes = [portion.n_faces for portion in faces.portions]
    numbers = np.concatenate(
        [np.empty(0, np.int32)]
        + [face for _, [face] in tables.by_broadcast(faces.path, tables.MERGED_FACES, ["face"])]
    )
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), numbers[faces.counted]


def must_links(constraints: pa.Table, faces: pa.Table) -> NDArray[np.int64]:
    """Give the rows of faces that must be one person.

    Parameters
    ----------
    constraints
        What `constraint_table` gives.
    faces
        The merged face table; only ``broadcast`` is read.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int64
    """
    # The faces of a broadcast are numbered from 0, and follow each other.
    names = faces["broadcast"].unify_dictionaries().combine_chunks()
    begins = {name: part.start for name, part in tables.runs(names)} if len(names) else {}
    must = constraints.filter(pc.equal(constraints["kind"], "must"))
    told = must["broadcast"].unify_dictionaries().combine_chunks()
    first = np.array([begins[name] for name in told.dictionary.to_pylist()], np.int64)
    begin = first[told.indices.to_numpy()] if len(told) else np.empty(0, np.int64)
    return np.stack([begin + must[side].to_numpy() for side in ("face", "other")], axis=1)
