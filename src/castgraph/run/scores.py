"""How good a clustering is, told without labels: by the frames that faces lie in, and by its neighbours.

Two faces in one frame should be two people, and two faces with nearly the same box in neighbouring frames
should be one. Mirrors, screens and replays break the first, cuts the second: both are rates to compare, not
proofs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.clustering.constraints import adjacent_pairs
from castgraph.run.recommend import recommend

PLACE_COLUMNS = ("broadcast", "frame", "top", "right", "bottom", "left", "set_aside")
"""What of the merged face table is read."""

PENALTY = 3
"""How much a share of violations counts against the same share of adjacent pairs that are kept together.

With 1 the balance errs to the permissive side: of a set with known people it chose eps 0.48, with a
precision of 0.874, where 0.42 has 0.999. With 3 it chose right there and on television, and changed no other
choice.
"""

MIN_FACES = 5
"""Faces that a part of a merge or split has at least."""

MIN_SHARE = 0.1
"""What they have to be, at least, of the smaller of the two people."""

Labels = NDArray[np.int32]
Integers = NDArray[np.int64]


class Places(NamedTuple):
    """Where the faces that count are; it depends on no clustering.

    Attributes
    ----------
    n_faces
        Rows of the face table, those set aside included.
    rows
        The rows of the faces that count, by broadcast and frame; shape (n,).
    frames
        The frame of each of them, numbered from 0 over all broadcasts; shape (n,).
    before, after
        The adjacent pairs, as places in `rows`; shape (n_pairs,).
    """

    n_faces: int
    rows: Integers
    frames: Integers
    before: Integers
    after: Integers


class Scores(NamedTuple):
    """What `score` finds.

    Attributes
    ----------
    sweep
        One row a clustering (`castgraph.base.tables.SWEEP`).
    changes
        Who merges and who splits from each to the next (`castgraph.base.tables.SWEEP_CHANGES`).
    recommended
        The clustering to begin with; None when nothing speaks for one.
    reason
        Why, in one sentence.
    """

    sweep: pa.Table
    changes: pa.Table
    recommended: str | None
    reason: str


def score(
    faces: pa.Table,
    clusterings: Mapping[str, Mapping[str, Any]],
    read_labels: Callable[[str], Labels],
    links: Integers | None = None,
) -> Scores:
    """Score all clusterings of a run, and compare each with the next.

    Faces that are set aside do not take part. *Next* is the clustering of the same algorithm and
    `min_samples` with the next larger eps; without eps, that with the next larger `min_samples`.

    - **Violations** are the pairs of faces of one person in one frame, as a rate of all pairs of faces in one
      frame that both have a person. If the labels were shuffled among the faces that have a person, the rate
      would be ``sum(n_k * (n_k - 1)) / (n * (n - 1))``, for people of ``n_k`` faces, ``n`` in all (*chance*).
    - **Adjacent pairs** are what `places` says. Those of one person are given as a share of all of them
      (*kept*), and of those in which both faces have a person (*agreement*).
    - The **adjusted Rand index** with the next is over the faces that have a person in both; the share of the
      faces that are noise in only one of the two stands beside it.
    - **Changes**: a part is what a person has in common with a person of the next, when it is at least
      `MIN_FACES` faces and at least `MIN_SHARE` of the smaller of the two. Two or more parts of one person
      of the next are a merge, two or more parts of one person of this clustering a split.

    Parameters
    ----------
    faces
        The merged face table; only `PLACE_COLUMNS` are read.
    clusterings
        For each clustering its ``algorithm`` and, where it has them, ``eps`` and ``min_samples``.
    read_labels
        Gives the labels of the clustering of that name, of shape (n_faces,), int32; -1 is noise. Those of
        only two clusterings are kept at a time.
    links
        Shape (n_pairs, 2): rows of faces that must be one person, such as
        `castgraph.run.constraints.must_links` gives; None for none.

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        When there are not as many labels as faces.
    """
    where = places(faces)
    links = np.empty((0, 2), np.int64) if links is None else links
    rows: list[dict[str, Any]] = []
    changes: list[pa.Table] = [tables.SWEEP_CHANGES.empty_table()]
    for series in _series(clusterings):
        before: Labels | None = None
        for name in series:
            labels = read_labels(name)
            if labels.shape != (where.n_faces,):
                raise ValueError(
                    f"labels of {name}: shape {labels.shape} does not fit {where.n_faces} faces; "
                    "one label a face is needed"
                )
            whole = labels
            labels = labels[where.rows]
            if before is not None:
                likeness, found = _compare(where.frames, before, labels)
                names = (pa.repeat(end, found.num_rows) for end in (rows[-1]["clustering"], name))
                changes.append(pa.table([*names, *found.columns], tables.SWEEP_CHANGES.names))
                rows[-1] |= {"next": name, **likeness}
            settings = {key: clusterings[name].get(key) for key in ("algorithm", "eps", "min_samples")}
            rows.append({"clustering": name, **settings, **_scores(where, labels, links, whole)})
            before = labels
    recommended, reason = recommend(rows)
    for row in rows:
        row["recommended"] = row["clustering"] == recommended
    return Scores(
        pa.Table.from_pylist(rows, schema=tables.SWEEP),
        pa.concat_tables(part.cast(tables.SWEEP_CHANGES) for part in changes),
        recommended,
        reason,
    )


def places(faces: pa.Table) -> Places:
    """Find the frames of the faces that count, and the adjacent pairs among them.

    What an adjacent pair is, `castgraph.clustering.constraints.adjacent_pairs` tells.

    Parameters
    ----------
    faces
        The merged face table; only `PLACE_COLUMNS` are read.

    Returns
    -------
    Places

    """
    rows = np.flatnonzero(pc.equal(faces["set_aside"], "").to_numpy())
    broadcasts = faces["broadcast"].unify_dictionaries().combine_chunks().indices.to_numpy()
    keys = broadcasts[rows].astype(np.int64) << 32 | faces["frame"].to_numpy()[rows]
    order = np.argsort(keys, kind="stable")
    rows, keys = rows[order], keys[order]
    boxes = np.stack([faces[side].to_numpy()[rows] for side in ("top", "right", "bottom", "left")])
    before, after = adjacent_pairs(keys, boxes).T
    frames = np.unique(keys, return_inverse=True)[1]
    return Places(len(faces), rows, frames, before, after)


def adjusted_rand(common: Integers, left: Integers, right: Integers) -> float | None:
    """Compare two partitions of the same items by the pairs of items that they keep together.

    Parameters
    ----------
    common
        How many items a group of the left and a group of the right have in common, for all that have any.
    left, right
        How many items each group has.

    Returns
    -------
    float or None
        1 for the same partition, about 0 for unrelated ones; None for fewer than two items.

    References
    ----------
    L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.
    """
    n_items = int(common.sum())
    if n_items < 2:
        return None
    in_both, in_left, in_right = _n_pairs(common), _n_pairs(left), _n_pairs(right)
    # In Python's integers: the product of two numbers of pairs is too large for 64 bits.
    expected = in_left * in_right / (n_items * (n_items - 1) // 2)
    most = (in_left + in_right) / 2
    return 1.0 if most == expected else (in_both - expected) / (most - expected)


def _series(clusterings: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Sort the clusterings into those that differ in one number only; DBSCAN comes first."""
    series: dict[tuple[bool, str, int], list[tuple[float, str]]] = {}
    for name, settings in clusterings.items():
        algorithm, eps, min_samples = (settings.get(key) for key in ("algorithm", "eps", "min_samples"))
        step, same = (min_samples, None) if eps is None else (eps, min_samples)
        series.setdefault((algorithm != "dbscan", str(algorithm), same or 0), []).append((step or 0, name))
    return [[name for _, name in sorted(steps)] for _, steps in sorted(series.items())]


def _scores(where: Places, labels: Labels, links: Integers, whole: Labels) -> dict[str, Any]:
    """Score one clustering by itself; `whole` are the labels of all faces, which `links` are rows of."""
    known = labels >= 0
    people, frames = labels[known], where.frames[known]
    n_faces = np.bincount(people)
    largest = int(n_faces.max(initial=0))
    frame_pairs = _n_pairs(np.bincount(frames))
    violations = _n_pairs(np.unique(frames * len(n_faces) + people, return_counts=True)[1])
    violation_rate = _share(violations, frame_pairs)
    chance = _share(_n_pairs(n_faces), len(people) * (len(people) - 1) // 2)

    left, right = labels[where.before], labels[where.after]
    one, both = (left >= 0) ^ (right >= 0), (left >= 0) & (right >= 0)
    same = int(np.count_nonzero(both & (left == right)))
    kept = _share(same, len(left))
    return {
        "n_people": int(np.count_nonzero(n_faces)),
        "n_noise": len(labels) - len(people),
        "noise_share": _share(len(labels) - len(people), len(labels)),
        "largest": largest,
        "largest_share": _share(largest, len(labels)),
        "frame_pairs": frame_pairs,
        "violations": violations,
        "violation_rate": violation_rate,
        "chance": chance,
        "violation_ratio": None if violation_rate is None or not chance else violation_rate / chance,
        "adjacent_pairs": len(left),
        "adjacent_same": same,
        "adjacent_different": int(np.count_nonzero(both)) - same,
        "adjacent_one_noise": int(np.count_nonzero(one)),
        "adjacent_agreement": _share(same, int(np.count_nonzero(both))),
        "adjacent_kept": kept,
        **_links(links, whole),
        "balance": None if kept is None or violation_rate is None else kept - PENALTY * violation_rate,
    }


def _links(links: Integers, labels: Labels) -> dict[str, int]:
    """Tell how many of the pairs that must be one person are."""
    one, other = labels[links].T if len(links) else np.empty((2, 0), np.int32)
    known = (one >= 0) & (other >= 0)
    kept = int(np.count_nonzero(known & (one == other)))
    return {
        "links": len(links),
        "links_kept": kept,
        "links_broken": int(np.count_nonzero(known)) - kept,
    }


def _compare(frames: Integers, left: Labels, right: Labels) -> tuple[dict[str, Any], pa.Table]:
    """Compare a clustering with the next.

    Returns
    -------
    likeness : dict
        The columns of `castgraph.base.tables.SWEEP` that tell how it differs from the next.
    changes : Table
        The columns of `castgraph.base.tables.SWEEP_CHANGES` without the names of the two.
    """
    both = (left >= 0) & (right >= 0)
    n_left, n_right = (np.bincount(labels[labels >= 0], minlength=1) for labels in (left, right))
    # A cell is what a person of the left and a person of the right have in common.
    cells, cell, common = np.unique(
        left[both].astype(np.int64) * len(n_right) + right[both], return_inverse=True, return_counts=True
    )
    ends = np.divmod(cells, len(n_right))
    smaller = np.minimum(n_left[ends[0]], n_right[ends[1]])
    parts = np.flatnonzero((common >= MIN_FACES) & (common >= MIN_SHARE * smaller))
    merged, split = (_in_several(parts, whole, common) for whole in ends[::-1])
    chosen = np.concatenate([merged, split])
    changes = {
        "kind": np.repeat(["merge", "split"], [len(merged), len(split)]),
        "person_from": ends[0][chosen],
        "person_to": ends[1][chosen],
        "n_from": n_left[ends[0][chosen]],
        "n_to": n_right[ends[1][chosen]],
        "n_faces": common[chosen],
        "same_frame": np.concatenate(
            [
                _seen_together(frames[both], cell, some, whole)
                for some, whole in ((merged, ends[1]), (split, ends[0]))
            ]
        ),
    }
    likeness = {
        "ari_next": adjusted_rand(common, *(np.bincount(end, common).astype(np.int64) for end in ends)),
        "moved_next": _share(int(np.count_nonzero((left >= 0) ^ (right >= 0))), len(left)),
        "merges_next": len(np.unique(ends[1][merged])),
        "splits_next": len(np.unique(ends[0][split])),
    }
    return likeness, pa.table(changes)


def _in_several(parts: Integers, whole: Integers, common: Integers) -> Integers:
    """Keep the parts of wholes with several; wholes with most faces outside the largest part come first.

    Parameters
    ----------
    parts
        Cells.
    whole, common
        The whole that each cell belongs to, and its faces.
    """
    _, group, n_parts = np.unique(whole[parts], return_inverse=True, return_counts=True)
    largest = np.zeros(len(n_parts), np.int64)
    np.maximum.at(largest, group, common[parts])
    outside = np.bincount(group, common[parts], len(n_parts)) - largest
    order = np.lexsort((parts, -common[parts], group, -outside[group]))
    return parts[order[n_parts[group[order]] > 1]]


def _seen_together(frames: Integers, cell: Integers, parts: Integers, whole: Integers) -> Integers:
    """Count for each part the frames that show it together with another part of its whole.

    Parameters
    ----------
    frames, cell
        The frame and the cell of each face; shape (n,).
    parts
        Cells.
    whole
        The whole that each cell belongs to.
    """
    part_of = np.full(len(whole), -1, np.int64)
    part_of[parts] = np.arange(len(parts))
    part = part_of[cell]
    seen = part >= 0
    frame, part = np.divmod(np.unique(frames[seen] * len(parts) + part[seen]), max(len(parts), 1))
    _, group = np.unique(whole[parts], return_inverse=True)
    _, place, n_parts = np.unique(frame * len(parts) + group[part], return_inverse=True, return_counts=True)
    return np.bincount(part[n_parts[place] > 1], minlength=len(parts))


def _n_pairs(counts: Integers) -> int:
    """Tell how many pairs there are within groups of these sizes."""
    return int((counts * (counts - 1) // 2).sum())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
