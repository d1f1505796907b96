"""How often people are seen in which broadcasts, and in which broadcasts two people are both seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables

_CELLS = 8 << 20
"""Cells of the table of some people and all broadcasts that are looked up at a time."""

_ROWS = 1 << 20
"""Broadcasts of pairs that are told at a time, about."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Presence:
    """In how many frames of which broadcasts people are seen.

    Attributes
    ----------
    people, broadcasts
        Their IDs, in the order of the alphabet; people who are not seen are among them, too.
    person, broadcast, n_frames
        Of each person and broadcast that shows the person: indices into `people` and `broadcasts`, and the
        frames. Sorted by person, then broadcast; shape (n,).
    """

    people: list[str]
    broadcasts: list[str]
    person: Numbers
    broadcast: Numbers
    n_frames: Numbers

    @property
    def starts(self) -> Numbers:
        """Where the rows of each person begin, and where those of the last end; shape (n_people + 1,)."""
        return np.searchsorted(self.person, np.arange(len(self.people) + 1))


class Shared(NamedTuple):
    """Broadcasts that show both people of a pair, in the order of the pairs.

    Attributes
    ----------
    pairs
        The pairs that this is about, as indices; shape (n_pairs,).
    pair
        Of each broadcast its pair, as an index into `pairs`, in ascending order; shape (n,). A pair that
        shares none is in `pairs` alone.
    broadcast
        Which; shape (n,).
    n_source, n_target
        The frames of it that show the one and the other; shape (n,).
    """

    pairs: Numbers
    pair: Numbers
    broadcast: Numbers
    n_source: Numbers
    n_target: Numbers


def presence(faces: pa.Table, members: tables.Members) -> Presence:
    """Count the frames of each broadcast that show each person.

    Parameters
    ----------
    faces
        The merged face table; only ``broadcast`` and ``frame`` are read.
    members
        Who each face is.

    Examples
    --------
    >>> faces = pa.table({"broadcast": ["B", "A", "A"], "frame": [1, 7, 7]})
    >>> who = tables.Members(np.array([0, 1, 1], np.int32), np.zeros(3, np.int8), ["K7Q2", "A3BC"])
    >>> seen = presence(faces, who)
    >>> [(seen.people[p], seen.broadcasts[b], int(n)) for p, b, n in
    ...     zip(seen.person, seen.broadcast, seen.n_frames, strict=True)]
    [('A3BC', 'A', 1), ('K7Q2', 'B', 1)]
    """
    broadcasts, broadcast = number_broadcasts(faces["broadcast"])
    people, person = number_people(members)
    # Frames of a broadcast one after the other, so that a place among all frames is one number.
    frame = faces["frame"].to_numpy().astype(np.int64)
    at = broadcast.to_numpy().astype(np.int64)
    length = int(frame.max(initial=0)) + 1
    somebody = person != tables.NOISE
    key = (person[somebody] * len(broadcasts) + at[somebody]) * length + frame[somebody]
    rows, n_frames = np.unique(np.unique(key) // length, return_counts=True)
    n = max(1, len(broadcasts))
    return Presence(people, broadcasts, rows // n, rows % n, n_frames)


def number_people(members: tables.Members) -> tuple[list[str], Numbers]:
    """Sort the IDs of the people, and tell of each face the place of its person among them, or `NOISE`."""
    ids = sorted(members.ids)
    place = {name: n for n, name in enumerate(ids)}
    numbers = np.array([*(place[name] for name in members.ids), tables.NOISE], np.int64)
    return ids, numbers[members.person]


def number_broadcasts(column: pa.ChunkedArray) -> tuple[list[str], pa.ChunkedArray]:
    """Replace the broadcasts by their places among the sorted IDs; return the IDs, too."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    names: list[str] = column.chunk(0).dictionary.to_pylist() if column.num_chunks else []
    ids = sorted(set(names))
    rank = {name: number for number, name in enumerate(ids)}
    ranks = pa.array([rank[name] for name in names], pa.int32())
    return ids, pa.chunked_array([ranks.take(chunk.indices) for chunk in column.chunks], pa.int32())


def places(ids: list[str], column: pa.ChunkedArray) -> Numbers:
    """Tell where the IDs of a column are among `ids`."""
    found: Numbers = pc.index_in(column, pa.array(ids, pa.string())).to_numpy().astype(np.int64)
    return found


def shared(seen: Presence, source: Numbers, target: Numbers) -> Iterator[Shared]:
    """Tell which broadcasts show both people of each pair, some pairs at a time.

    Parameters
    ----------
    seen
        Who is seen where.
    source, target
        The pairs, as indices into ``seen.people``; shape (n_pairs,).

    Yields
    ------
    Shared
        Every pair is in one of them; which pairs come together is chosen for speed.

    Notes
    -----
    The broadcasts of the one who is in fewer are looked up in a table of the other's frames; this table has
    some people at a time, so memory does not grow with people times broadcasts.
    """
    starts = seen.starts
    degree = np.diff(starts)
    swapped = degree[source] > degree[target]
    few, many = np.where(swapped, target, source), np.where(swapped, source, target)
    order = np.argsort(many, kind="stable")
    block = max(1, _CELLS // max(1, len(seen.broadcasts)))
    edges = np.searchsorted(many[order], np.arange(0, len(seen.people) + block, block))
    for number, (begin, end) in enumerate(pairwise(edges.tolist())):
        if begin == end:
            continue
        first = number * block
        rows = slice(starts[first], starts[min(first + block, len(seen.people))])
        frames = np.zeros((block, max(1, len(seen.broadcasts))), np.int32)
        frames[seen.person[rows] - first, seen.broadcast[rows]] = seen.n_frames[rows]
        sizes = np.cumsum(degree[few[order[begin:end]]])
        cuts = np.searchsorted(sizes, np.arange(_ROWS, sizes[-1], _ROWS))
        for part in np.split(order[begin:end], np.unique(cuts)):
            if not len(part):
                continue
            lengths = degree[few[part]]
            pair = np.repeat(np.arange(len(part)), lengths)
            ends = np.cumsum(lengths)
            row = np.arange(ends[-1]) + np.repeat(starts[few[part]] - (ends - lengths), lengths)
            broadcast = seen.broadcast[row]
            other = frames[(many[part] - first)[pair], broadcast]
            both = np.flatnonzero(other)
            pair, broadcast = pair[both], broadcast[both]
            own, others = seen.n_frames[row[both]], other[both].astype(np.int64)
            turned = swapped[part][pair]
            yield Shared(part, pair, broadcast, np.where(turned, others, own), np.where(turned, own, others))
