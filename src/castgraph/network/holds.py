"""How an edge fares elsewhere: in the other clusterings of a run, and in those of other runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.tables import NOISE


class Clustering(NamedTuple):
    """A clustering whose edges are compared.

    Attributes
    ----------
    name
        Its name, or the path of one of another run.
    settings
        The algorithm and, where it has one, its ``eps``.
    person
        Of each face of the run the person, as an index into `ids`; `NOISE` for none. Shape (n_faces,).
    ids
        The people.
    edges
        The pairs, of the schema `castgraph.base.tables.EDGES`; only the ends and the weight are read.
    """

    name: str
    settings: Mapping[str, Any]
    person: NDArray[np.int32]
    ids: Sequence[str]
    edges: pa.Table


def counterparts(person: NDArray[np.int32], other: NDArray[np.int32], n_people: int) -> NDArray[np.int64]:
    """Tell who has most of each person's faces in another clustering.

    Parameters
    ----------
    person, other
        Of each face the person in one clustering and in the other; `NOISE` for none. Shape (n_faces,).
    n_people
        How many people there are in the first.

    Returns
    -------
    ndarray of shape (n_people,)
        The person of the other; `NOISE` for those most of whose faces are nobody's there. Of several with as
        many faces the first.

    Examples
    --------
    >>> one, other = np.array([0, 0, 0, 1, 1, -1]), np.array([2, 2, 0, -1, -1, 0])
    >>> counterparts(one, other, 2).tolist()
    [2, -1]
    """
    rows = np.flatnonzero(person != NOISE)
    width = int(other.max(initial=NOISE)) + 2
    keys, counts = np.unique(
        person[rows].astype(np.int64) * width + (other[rows].astype(np.int64) - NOISE), return_counts=True
    )
    who, there = np.divmod(keys, width)
    order = np.lexsort((there, -counts, who))
    first = order[np.unique(who[order], return_index=True)[1]]
    found = np.full(n_people, NOISE, np.int64)
    found[who[first]] = there[first] + NOISE
    return found


def holds(
    clusterings: Sequence[Clustering],
    others: Sequence[Clustering] = (),
) -> pa.Table:
    """Tell of every edge of every clustering in which of the others it is an edge, too.

    People are matched by their faces: an edge is there in another clustering when those who have most faces
    of its two people are two people, with an edge.

    Parameters
    ----------
    clusterings
        Those of the run.
    others
        Those of other runs with the same broadcasts, which every edge is compared with, too.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.HOLDS`.
    """
    rows: list[dict[str, Any]] = []
    known = {each.name: _by_ends(each.edges) for each in [*clusterings, *others]}
    for one in sorted(clusterings, key=lambda each: each.name):
        compared = [each for each in [*clusterings, *others] if each is not one]
        ends = list(known[one.name])
        place = {name: number for number, name in enumerate(one.ids)}
        pairs = np.array([(place[a], place[b]) for a, b in ends], np.int64).reshape(-1, 2)
        weights = {each.name: _weights(pairs, one, each, known[each.name]) for each in compared}
        weights[one.name] = one.edges["weight"].to_numpy()
        for row, (source, target) in enumerate(ends):
            held = [each.name for each in compared if weights[each.name][row] > 0]
            found = [float(weights[name][row]) for name in [one.name, *held]]
            rows.append(
                {
                    "clustering": one.name,
                    "source": source,
                    "target": target,
                    "holds": _told(one, compared, held),
                    "n_held": len(held),
                    "n_compared": len(compared),
                    "least_weight": min(found),
                    "most_weight": max(found),
                }
            )
    return pa.Table.from_pylist(rows, schema=tables.HOLDS)


def _by_ends(edges: pa.Table) -> dict[tuple[str, str], float]:
    """Give the weight of each edge, in their order."""
    source, target, weight = (edges[name].to_pylist() for name in ("source", "target", "weight"))
    return dict(zip(zip(source, target, strict=True), weight, strict=True))


def _weights(
    pairs: NDArray[np.int64], one: Clustering, other: Clustering, known: Mapping[tuple[str, str], float]
) -> NDArray[np.float64]:
    """Give what the edges of one clustering weigh in another, where it knows them; 0 where they are none."""
    there = counterparts(one.person, other.person, len(one.ids))[pairs]

    def weight(a: int, b: int) -> float:
        if NOISE in (a, b) or a == b:
            return 0.0
        source, target = sorted((other.ids[a], other.ids[b]))
        return float(known.get((source, target), 0.0))

    return np.array([weight(a, b) for a, b in there.tolist()], np.float64)


def _told(one: Clustering, compared: Sequence[Clustering], held: Sequence[str]) -> str:
    """Put into words where an edge holds: over which eps of its algorithm, and in how many others."""
    if not compared:
        return ""
    same = sorted(
        (each for each in [one, *compared] if _kind(each) is not None and _kind(each) == _kind(one)),
        key=lambda each: each.settings["eps"],
    )
    parts = []
    if len(same) > 1:
        low, high = _around(same, one, held)
        parts.append(f"{low:g} to {high:g}" if low < high else f"{low:g} only")
    rest = [each.name for each in compared if each not in same]
    if rest:
        parts.append(f"{sum(name in held for name in rest)} of {len(rest)} others")
    return ", ".join(parts)


def _kind(each: Clustering) -> tuple[str, ...] | None:
    """Tell which clusterings differ by their eps alone; None for one without eps, or of another run."""
    if "eps" not in each.settings or "/" in each.name:
        return None
    return tuple(str(each.settings.get(key)) for key in ("algorithm", "min_samples", "adapt"))


def _around(same: Sequence[Clustering], one: Clustering, held: Sequence[str]) -> tuple[float, float]:
    """Give the eps from which and up to which an edge holds without a gap."""
    place = same.index(one)

    def last(steps: Iterator[Clustering]) -> float:
        eps: float = one.settings["eps"]
        for each in steps:
            if each.name not in held:
                break
            eps = each.settings["eps"]
        return eps

    return last(iter(same[:place][::-1])), last(iter(same[place + 1 :]))
