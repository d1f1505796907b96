"""The constraints of a run: pairs of faces of which frames tell whether they are one person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.clustering.constraints import (
    FEW_PAIRS,
    NEAR,
    Constraints,
    adjacent_pairs,
    constraints,
    eps_range,
)
from castgraph.clustering.distances import squared_distances
from castgraph.run.counted import CountedFaces

KINDS = ("must", "cannot")


def find(faces: CountedFaces) -> Constraints:
    """Find the constraints among the faces that count; pairs are rows of these."""
    return constraints(faces.points, *faces.places(), near=NEAR * faces.scale)


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
        cannot be one person are linked to each other; and ``eps``, what `eps_range` proposes (two numbers, or
        None), with how many ``adjacent`` pairs and pairs in ``one_frame`` it rests on.
    """
    found = find(faces)
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
            _distances(faces, pairs),
            contradicted,
        ],
        tables.CONSTRAINTS.names,
    ).cast(tables.CONSTRAINTS)
    adjacent = _distances(faces, adjacent_pairs(*faces.places()))
    one_frame = table["distance"].to_numpy()[kind == KINDS.index("cannot")]
    counts = {
        "n_must": len(found.must),
        "n_cannot": len(found.cannot),
        "n_tracklets": int((np.bincount(found.tracklet, minlength=1) > 1).sum()),
        "n_contradicted": int(contradicted.sum()),
        "eps": eps_range(adjacent, one_frame),
        "eps_pairs": {"adjacent": len(adjacent), "one_frame": len(one_frame)},
    }
    return table, counts


def proposed(facts: Mapping[str, Any]) -> str:
    """Tell in a sentence which eps the pairs of a run propose.

    Parameters
    ----------
    facts
        The provenance of a table of constraints, or the counts that come with it.
    """
    n_adjacent, n_one_frame = (f"{n:,}" for n in facts["eps_pairs"].values())
    if facts["eps"]:
        low, high = facts["eps"]
        return (
            f"Compare eps from {low:.2f} to {high:.2f}: three in four of the {n_adjacent} adjacent pairs "
            f"are nearer than {low:.2f}, and one in twenty of the {n_one_frame} pairs in one frame are "
            f"nearer than {high:.2f}."
        )
    if min(facts["eps_pairs"].values()) < FEW_PAIRS:
        return (
            f"No eps is proposed: there are {n_adjacent} adjacent pairs and {n_one_frame} pairs in one "
            f"frame, and fewer than {FEW_PAIRS} tell too little."
        )
    return (
        f"No eps is proposed: too many of the {n_one_frame} pairs in one frame are as near as the "
        f"{n_adjacent} adjacent pairs, so the embeddings do not tell these people apart."
    )


def out_of_range(facts: Mapping[str, Any], eps: Collection[float]) -> str:
    """Tell where all eps of a run lie outside of what its pairs propose; empty where they do not."""
    if not (facts["eps"] and eps):
        return ""
    low, high = facts["eps"]
    if any(low <= value <= high for value in eps):
        return ""
    return f"Every eps of this run lies outside of what its pairs propose. {proposed(facts)}"


def _distances(faces: CountedFaces, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.sqrt(squared_distances(faces.points, *pairs.T.astype(np.int32))).astype(np.float32)


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
