"""Who is who: groups of faces take the IDs of the people who had those faces before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.base.text import counted
from castgraph.people.ids import mint
from castgraph.people.places import Places
from castgraph.people.register import Register, faces_of, register_of

FEWEST = 3
"""Faces that are worth a sentence."""


@dataclass(frozen=True, eq=False)
class Identified:
    """Who is who.

    Attributes
    ----------
    ids
        The people, in the order of their first faces.
    person
        Of each face its person, as an index into `ids`; `NOISE` for none. Shape (n_faces,), int32.
    register
        What is known from now on.
    changes
        What became of those that were known; of the schema `castgraph.base.tables.PEOPLE_CHANGES`.
    """

    ids: list[str]
    person: NDArray[np.int32]
    register: Register
    changes: pa.Table


def identify(places: Places, groups: NDArray[np.int32], known: Register | None = None) -> Identified:
    """Give every group of faces the ID of the person who had most of its faces.

    Parameters
    ----------
    places
        Where the faces are.
    groups
        The group of each face, whatever its number; `NOISE` for none. Shape (n_faces,), int32.
    known
        Who was known before, perhaps by faces of another detector or of other broadcasts; None for nobody.

    Returns
    -------
    Identified

    Raises
    ------
    ValueError
        When there are not as many groups as faces.

    Notes
    -----
    Every known person wants to be the group with most of his or her faces, and every group the known person
    of most of its faces: the matching is stable, one to one (D. Gale and L. S. Shapley, 1962). Somebody who
    was merged into another wants the faces of then, and those count for the other last; where both are still
    one group, the other is preferred. Ties go by the ID, and to the group seen first. A group that is left
    gets a new ID, made of its first face. So nothing but the faces counts, not the numbers of the groups, and
    to ask again with the register that was returned changes nothing.

    Who has no group stays in the register with the faces of last time: if the group is there again, so is
    the ID.

    Examples
    --------
    >>> day = ["NTV_20220519_083000"]
    >>> frame = np.arange(1, 7, dtype=np.int32)
    >>> boxes = np.tile(np.array([[10], [60], [60], [10]], np.int32), 6)
    >>> places = Places(day, np.zeros(6, np.int32), frame - 1, frame, boxes)
    >>> first = identify(places, np.array([0, 0, 0, 1, 1, -1], np.int32))
    >>> again = identify(places, np.array([7, 7, 4, 4, 4, 4], np.int32), first.register)
    >>> again.ids == first.ids, again.person.tolist()
    (True, [0, 0, 1, 1, 1, 1])
    """
    if groups.shape != (len(places),):
        raise ValueError(
            f"groups of shape {groups.shape} do not fit {len(places)} faces; one a face is needed"
        )
    members = np.flatnonzero(groups != NOISE)
    _, first, person = np.unique(groups[members], return_index=True, return_inverse=True)
    order = np.argsort(first)
    numbers = np.full(len(places), NOISE, np.int32)
    numbers[members] = np.argsort(order)[person]
    first = members[first[order]]

    face = faces_of(known, places) if known else np.empty(0, np.int64)
    shared = list(_shared(known, face, numbers)) if known else []
    ids = _given(shared, len(first))
    taken = set(known.ids) if known else set()
    for group, row in enumerate(first.tolist()):
        if not ids[group]:
            top, right, bottom, left = places.boxes[:, row].tolist()
            broadcast = places.broadcasts[places.broadcast[row]]
            ids[group] = mint(broadcast, int(places.frame[row]), (top, right, bottom, left), taken)
            taken.add(ids[group])
    return Identified(
        ids,
        numbers,
        _registered(known, face, places, numbers, ids),
        _changes(known, shared, places, numbers, ids, first),
    )


class _Shared(NamedTuple):
    """Faces that a known person had and a group has."""

    id: str
    was_now: bool
    group: int
    n_faces: int
    n_own: int  # of them, faces of nobody else who ever was merged
    row: int  # the first of them


def _shared(known: Register, face: NDArray[np.int64], numbers: NDArray[np.int32]) -> Iterator[_Shared]:
    found = np.flatnonzero(face >= 0)
    found = found[numbers[face[found]] != NOISE]
    # Two entries of one person may lead to one face.
    keys = np.unique((known.person[found].astype(np.int64) << 32) + face[found])
    who, rows = keys >> 32, keys & 0xFFFFFFFF
    claimed = np.zeros(len(numbers), bool)
    claimed[rows[~known.now[who]]] = True
    pairs, first, of, counts = np.unique(
        (who << 32) + numbers[rows], return_index=True, return_inverse=True, return_counts=True
    )
    own = np.bincount(of, ~claimed[rows], minlength=len(pairs)).astype(np.int64)
    for pair, place, n_faces, n_own in zip(
        pairs.tolist(), first.tolist(), counts.tolist(), own.tolist(), strict=True
    ):
        person, is_now = pair >> 32, bool(known.now[pair >> 32])
        n_own = n_own if is_now else n_faces
        yield _Shared(known.ids[person], is_now, pair & 0xFFFFFFFF, n_faces, n_own, int(rows[place]))


def _given(shared: Sequence[_Shared], n_groups: int) -> list[str]:
    """Match those who were known with the groups; the ID of each group, empty for none."""
    wishes: dict[str, list[_Shared]] = {}
    for each in sorted(shared, key=lambda each: (-each.n_own, -each.n_faces, each.group), reverse=True):
        wishes.setdefault(each.id, []).append(each)  # the dearest last
    chosen: list[_Shared | None] = [None] * n_groups
    waiting = sorted(wishes, reverse=True)
    while waiting:
        name = waiting.pop()
        if wishes[name]:
            wish = wishes[name].pop()
            other = chosen[wish.group]
            if other is None or _rank(wish) < _rank(other):
                chosen[wish.group] = wish
                if other is not None:
                    waiting.append(other.id)
            else:
                waiting.append(name)
    return [each.id if each else "" for each in chosen]


def _rank(each: _Shared) -> tuple[bool, int, str]:
    """Tell how dear somebody is to a group: who is now, then by the faces that they share."""
    return not each.was_now, -each.n_faces, each.id


def _registered(
    known: Register | None,
    face: NDArray[np.int64],
    places: Places,
    numbers: NDArray[np.int32],
    names: Sequence[str],
) -> Register:
    """Enter the people of now, and keep the faces of others, and those that are in nobody now."""
    if known is None:
        return register_of(places, numbers, names)
    now = np.flatnonzero(numbers != NOISE)
    ids = sorted({*known.ids, *names})
    number = {name: place for place, name in enumerate(ids)}
    here = np.isin(ids, names)
    was = np.array([number[name] for name in known.ids], np.int32)[known.person]
    # Of somebody who is somebody now, only what no one has now: such as broadcasts that are not in the run.
    in_person = np.zeros(len(face), bool)
    in_person[face >= 0] = numbers[face[face >= 0]] != NOISE
    kept = np.flatnonzero(~here[was] | ~in_person)
    broadcasts = sorted({*known.broadcasts, *places.broadcasts})
    place = {name: n for n, name in enumerate(broadcasts)}
    old, new = (
        np.array([place[name] for name in names_], np.int32)
        for names_ in (known.broadcasts, places.broadcasts)
    )
    return Register(
        ids,
        here,
        np.concatenate([was[kept], np.array([number[name] for name in names], np.int32)[numbers[now]]]),
        broadcasts,
        np.concatenate([old[known.broadcast[kept]], new[places.broadcast[now]]]),
        np.concatenate([known.frame[kept], places.frame[now]]),
        np.concatenate([known.boxes[:, kept], places.boxes[:, now]], axis=1),
    )


def _changes(
    known: Register | None,
    shared: Sequence[_Shared],
    places: Places,
    numbers: NDArray[np.int32],
    ids: Sequence[str],
    first: NDArray[np.int64],
) -> pa.Table:
    """Tell what became of everybody: (from, to, kind, n_faces, n_from, n_to, broadcast, frame)."""
    sizes = np.bincount(numbers[numbers != NOISE], minlength=len(ids)).tolist()

    def place(row: int) -> tuple[str, int]:
        return places.broadcasts[places.broadcast[row]], int(places.frame[row])

    before, were = {}, set[str]()
    if known:
        counts = np.bincount(known.person, minlength=len(known.ids)).tolist()
        before = dict(zip(known.ids, counts, strict=True))
        were = {name for name, now in zip(known.ids, known.now.tolist(), strict=True) if now}
    rows: list[tuple[Any, ...]] = []
    now = set(ids)
    for each in shared:
        to = ids[each.group]
        if each.was_now or each.id == to:
            kind = "kept" if each.id == to else "split" if each.id in now else "merged"
            rows.append(
                (each.id, to, kind, each.n_faces, before[each.id], sizes[each.group], *place(each.row))
            )
    gone = sorted(were - {row[0] for row in rows})
    rows += [(name, "", "gone", before[name], before[name], 0, None, None) for name in gone]
    for group, name in enumerate(ids):
        if name not in before:
            rows.append(("", name, "new", sizes[group], 0, sizes[group], *place(int(first[group]))))
    rows.sort(key=lambda row: (row[2], -row[3], *row[:2]))
    names = tables.PEOPLE_CHANGES.names
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows], schema=tables.PEOPLE_CHANGES
    )


def sentences(changes: pa.Table, names: Mapping[str, str] | None = None) -> list[str]:
    """Put what became of people into sentences; who is kept or new without more is not told.

    Parameters
    ----------
    changes
        Of the schema `castgraph.base.tables.PEOPLE_CHANGES`.
    names
        What people are called, by ID, where that is not the ID.

    Returns
    -------
    list of str
        The change of the most faces first. Of splits only those of `FEWEST` faces or more.

    Examples
    --------
    >>> rows = [{"from": "M3XA", "to": "K7Q2", "kind": "merged", "n_faces": 412, "n_from": 412, "n_to": 900,
    ...          "broadcast": "NTV_20220519_083000", "frame": 7}]
    >>> sentences(pa.Table.from_pylist(rows, schema=tables.PEOPLE_CHANGES))
    ['M3XA is now K7Q2: 412 faces; look at NTV_20220519_083000, frame 7.']
    """
    called = names or {}

    def told(name: str) -> str:
        return f"{called[name]} ({name})" if name in called else name

    found = []
    for row in changes.to_pylist():
        n_faces = counted(row["n_faces"], "face")
        where = f"look at {row['broadcast']}, frame {row['frame']}"
        if row["kind"] == "merged":
            found.append((row, f"{told(row['from'])} is now {told(row['to'])}: {n_faces}; {where}."))
        elif row["kind"] == "split" and row["n_faces"] >= FEWEST:
            found.append((row, f"{n_faces} of {told(row['from'])} are now {told(row['to'])}; {where}."))
        elif row["kind"] == "gone":
            found.append((row, f"{told(row['from'])} is gone: none of {n_faces} has a person."))
    return [text for _, text in sorted(found, key=lambda each: -each[0]["n_faces"])]
