"""What a review asks, the most that it can put right first, and which faces are looked at for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import LEFT_OUT, NOISE, WHY
from castgraph.pages.review.grouping import Grouping
from castgraph.pages.review.results import Results
from castgraph.people.corrections import Anchor, find_faces, read_anchor
from castgraph.people.suggest import parted
from castgraph.run.reviewed import Step

Integers = NDArray[np.int64]

KINDS = ("same", "split", "member", "who")
"""Is it one person, is it two, whose is this face, who is this."""

FACES = 6
"""Of a row: two near the middle, two far from it, two of other broadcasts."""

MORE = 48
"""Faces at a time, of who wants to see more."""

_MOST_NAMED = 500  # faces that leave a person, in the answers of a question
_APART = 10  # frames between two faces that are worth looking at both
_NOISE = WHY.index("noise")


class Question(NamedTuple):
    """A question that is open.

    Attributes
    ----------
    kind
        One of `KINDS`.
    rows
        The faces that it is about: of two people, of the parts of one (the smaller first), of nobody and of a
        person, or of one person.
    probability, seconds, reason
        As in the table of suggestions.
    """

    kind: str
    rows: tuple[int, ...]
    probability: float
    seconds: float
    reason: str

    @property
    def id(self) -> str:
        """Its name: the same as long as the faces are."""
        return ":".join([self.kind, *map(str, self.rows)])


class Addresses(Protocol):
    """Where the pictures of a page are; None for one that is nowhere."""

    def crop(self, row: int) -> str | None:
        """Give the address of a face."""

    def frames(self, broadcast: int) -> str | None:
        """Give that of the frames of a broadcast, with ``{frame}`` in it."""

    def picture(self, row: int) -> str | None:
        """Give that of the frame of a face."""

    def more(self, row: int, part: int | None) -> str | None:
        """Give that of more faces of the person of a face, or of the part that is not another face's."""


# ---- which -----------------------------------------------------------------------------------------------


def open_questions(results: Results, grouping: Grouping, answered: Sequence[Step]) -> Iterator[Question]:
    """Go through what is not answered: what the table suggests by its gain, then names by screen time.

    What was answered in any way is not asked again, whatever its answer has become of: as long as it would be
    about the same people.
    """
    known = _answered(results, grouping, answered)
    for each in results.suggestions:
        question = Question(*each)
        about = _about(results, grouping, question.kind, question.rows)
        if about is not None and about not in known:
            known.add(about)  # of several that have become one by a merge the first is asked
            yield question
    for at in np.lexsort((grouping.numbers, -grouping.seconds)).tolist():
        group = int(grouping.numbers[at])
        if group not in grouping.named and ("who", frozenset({group})) not in known:
            row = grouping.stands_for(group)
            yield Question("who", (row,), 1.0, float(grouping.seconds[at]), "")


def _about(
    results: Results, grouping: Grouping, kind: str, rows: Sequence[int]
) -> tuple[str, frozenset[int]] | None:
    """Tell what a question is about, by what the faces are now; None where it is none any more."""
    groups = [int(grouping.groups[row]) for row in rows]
    if kind == "member":
        row, group = rows[0], groups[-1]
        if groups[0] != NOISE or grouping.why[row] != _NOISE or group == NOISE:
            return None
        return kind, frozenset({-2 - int(results.tracklet[row]), group})
    if NOISE in groups:
        return None
    if kind == "same":
        both = frozenset(groups)
        return None if len(both) == 1 or both in grouping.different else (kind, both)
    if kind == "split" and groups[0] != groups[-1]:
        return None
    return kind, frozenset(groups)


def _answered(
    results: Results, grouping: Grouping, answered: Sequence[Step]
) -> set[tuple[str, frozenset[int]] | None]:
    """Tell what the questions that were answered are about now."""
    anchors: list[Anchor] = []
    sizes: list[int] = []
    steps = [step for step in answered if step.kind in KINDS]
    for step in steps:
        found = [each for face in step.faces if (each := _anchor(face))]
        sizes.append(len(found))
        anchors += found
    rows = iter(find_faces(anchors, results.places).tolist())
    known: set[tuple[str, frozenset[int]] | None] = set()
    for step, size in zip(steps, sizes, strict=True):
        own = [next(rows) for _ in range(size)]
        if own and NOISE not in own:
            known.add(_about(results, grouping, step.kind, own))
    return known - {None}


def _anchor(text: str) -> Anchor | None:
    try:
        return read_anchor(text)
    except ValueError:
        return None


# ---- in which shape --------------------------------------------------------------------------------------


def asked(
    question: Question, results: Results, grouping: Grouping, addresses: Addresses, *, whole: bool = False
) -> dict[str, Any]:
    """Give a question as the page takes it.

    Parameters
    ----------
    whole
        Whether answers name all their faces, however many: where nobody else knows who they are.
    """
    maker = _Shape(results, grouping, addresses)
    own = _ROWS[question.kind](maker, question.rows)
    return {
        "id": question.id,
        "kind": question.kind,
        "probability": question.probability,
        "seconds": question.seconds,
        "gain": question.probability * question.seconds,
        "reason": question.reason,
        "rows": own,
        "answers": answers(question, results, grouping, whole=whole),
    }


def answers(
    question: Question, results: Results, grouping: Grouping, *, whole: bool
) -> dict[str, list[dict[str, Any]]]:
    """Give the decisions that yes and no are: blocks of a file of corrections.

    A split of many faces is ``{"part": [one, other]}``, two faces of a person, unless it is to be `whole`:
    `split_of` makes it of that.
    """
    if question.kind == "who":
        return {}
    one, other = (anchor_of(results, row) for row in question.rows)
    if question.kind == "same":
        return {"yes": [{"same": [one, other]}], "no": [{"different": [one, other]}]}
    if question.kind == "member":
        tracklet = [anchor_of(results, row) for row in tracklet_of(results, grouping, question.rows[0])]
        return {"yes": [{"same": [*tracklet, other]}], "no": [{"different": [one, other]}]}
    leaving = parts_of(results, grouping, *question.rows)[1]
    is_named = whole or len(leaving) <= _MOST_NAMED
    split = split_of(results, leaving) if is_named else {"part": [one, other]}
    # That they are two is said, too: else the two parts would be suggested as one.
    return {
        "yes": [split, {"different": [other, one]}],
        "no": [{"same": [other, one]}],
    }


def split_of(results: Results, rows: Integers) -> dict[str, Any]:
    """Give the decision that faces leave their person."""
    return {"split": [anchor_of(results, row) for row in rows.tolist()]}


def tracklet_of(results: Results, grouping: Grouping, row: int) -> list[int]:
    """Give the faces of nobody that are one person with one of them, by where they are."""
    same = np.flatnonzero(results.tracklet == results.tracklet[row])
    found: list[int] = same[(grouping.groups[same] == NOISE) & (grouping.why[same] == _NOISE)].tolist()
    return found


def parts_of(results: Results, grouping: Grouping, one: int, other: int) -> tuple[Integers, Integers]:
    """Part a person in two by a face of each: the part of `other`, then that of `one`."""
    if (one, other) not in grouping.parts:
        rows = grouping.rows(int(grouping.groups[one]))
        places = np.searchsorted(rows, [one, other]).tolist()
        side = parted(np.asarray(results.embeddings[rows]), *places)
        grouping.parts[one, other] = rows[~side], rows[side]
    return grouping.parts[one, other]


def anchor_of(results: Results, row: int) -> dict[str, Any]:
    """Give the anchor of a face, as a block of corrections has it: its middle."""
    places = results.places
    top, right, bottom, left = places.boxes[:, row].tolist()
    at = [(left + right) / 2, (top + bottom) / 2]
    return {
        "broadcast": places.broadcasts[places.broadcast[row]],
        "frame": int(places.frame[row]),
        "at": [int(each) if each.is_integer() else each for each in at],
    }


def place_of(results: Results, row: int) -> str:
    """Give the anchor of a face in a line."""
    return str(Anchor.model_validate(anchor_of(results, row)))


class _Shape:
    """Makes rows of questions, as the page takes them."""

    def __init__(self, results: Results, grouping: Grouping, addresses: Addresses) -> None:
        self._results, self._grouping, self._addresses = results, grouping, addresses

    def person(self, row: int) -> dict[str, Any]:
        """Make the row of a person, whom a face stands for."""
        rows = self._grouping.rows(int(self._grouping.groups[row]))
        return self._row(rows, self._results.distances[rows], row, self._addresses.more(row, None))

    def parts(self, one: int, other: int) -> list[dict[str, Any]]:
        """Make the rows of the two parts of a person, that of `other` first."""
        made = []
        for rows, own, not_own in zip(
            parts_of(self._results, self._grouping, one, other), (other, one), (one, other), strict=True
        ):
            points = np.asarray(self._results.embeddings[rows])
            apart = np.linalg.norm(points - points.mean(axis=0), axis=1)
            made.append(self._row(rows, apart, own, self._addresses.more(own, not_own)))
        return made

    def nobody(self, row: int) -> dict[str, Any]:
        """Make the row of faces of nobody."""
        rows = np.array(tracklet_of(self._results, self._grouping, row), np.int64)
        return self._row(rows, np.abs(rows - row).astype(float), row, None)

    def _row(
        self, rows: Integers, distances: NDArray[np.floating[Any]], row: int, more: str | None
    ) -> dict[str, Any]:
        results, grouping = self._results, self._grouping
        group = int(grouping.groups[row])
        person = grouping.ids.get(group, "")
        name = grouping.name(group) if group != NOISE else ""
        shown = choose(results, rows, distances)
        return {
            "person": person,
            "name": name or (f"Person {person}" if person else ""),
            "named": bool(name),
            "seconds": len(np.unique(results.keys[rows])) * results.frame_seconds,
            "n_faces": len(rows),
            "n_broadcasts": len(np.unique(results.places.broadcast[rows])),
            "anchor": anchor_of(results, row),
            "faces": [
                face(results, grouping, self._addresses, each, role, is_first=n == 0)
                for n, (each, role) in enumerate(shown)
            ],
            "more": more if len(rows) > len(shown) else None,
        }


_ROWS: dict[str, Any] = {
    "same": lambda maker, rows: [maker.person(rows[0]), maker.person(rows[1])],
    "split": lambda maker, rows: maker.parts(rows[0], rows[1]),
    "member": lambda maker, rows: [maker.nobody(rows[0]), maker.person(rows[1])],
    "who": lambda maker, rows: [maker.person(rows[0])],
}


def person_row(results: Results, grouping: Grouping, addresses: Addresses, row: int) -> dict[str, Any]:
    """Give the row of the person of a face, as the page takes it."""
    return _Shape(results, grouping, addresses).person(row)


def face(
    results: Results,
    grouping: Grouping,
    addresses: Addresses,
    row: int,
    role: str,
    *,
    is_first: bool = False,
) -> dict[str, Any]:
    """Give a face as the page takes it."""
    places = results.places
    number = int(places.broadcast[row])
    broadcast, frame = places.broadcasts[number], int(places.frame[row])
    moment, width, height = results.frame_of(row)
    is_shown = grouping.why[row] not in LEFT_OUT
    return {
        "role": role,
        "broadcast": broadcast,
        "show": results.shows[number],
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None,
        "frame": frame,
        "n_frames": int(results.n_frames[number]),
        "box": places.boxes[:, row].tolist(),
        "width": width,
        "height": height,
        "anchor": anchor_of(results, row),
        "crop": addresses.crop(row) if is_shown else None,
        "frames": addresses.frames(number),
        "picture": addresses.picture(row) if is_first and is_shown else None,
        "link": results.link(broadcast, frame),
    }


def choose(
    results: Results, rows: Integers, distances: NDArray[np.floating[Any]], most: int = FACES
) -> list[tuple[int, str]]:
    """Choose the faces of somebody that are worth a look.

    Parameters
    ----------
    results
        What the run knows.
    rows
        The faces.
    distances
        Of each from the middle of them, NaN where it is not known; shape (n_faces,).
    most
        How many.

    Returns
    -------
    list of (int, str)
        Rows, and why: ``near`` the middle, ``elsewhere`` in other broadcasts, the most central there, and
        ``far`` from the middle. No two are nearly of one moment, as long as there are others.
    """
    order = np.lexsort((rows, np.nan_to_num(distances, nan=np.inf)))
    ordered = rows[order]
    chosen: list[tuple[int, str]] = []
    taken: set[int] = set()

    def take(candidates: Integers, role: str, n: int, *, apart: bool = True) -> None:
        for row in candidates.tolist():
            if n <= 0 or len(chosen) >= most:
                return
            moments = results.keys[[each for each, _ in chosen]]
            is_new = not apart or (np.abs(moments - results.keys[row]) >= _APART).all()
            if row not in taken and is_new:
                taken.add(row)
                chosen.append((row, role))
                n -= 1

    take(ordered, "near", 1)
    broadcast = results.places.broadcast[ordered]
    others, first, counts = np.unique(broadcast, return_index=True, return_counts=True)
    by_size = np.lexsort((others, -counts))
    here = broadcast[0] if len(broadcast) else NOISE
    take(ordered[first[by_size[others[by_size] != here]]], "elsewhere", 2)
    take(ordered[::-1], "far", 2)
    take(ordered, "near", most)
    take(ordered, "near", most, apart=False)
    roles = ("near", "elsewhere", "far")
    return sorted(chosen, key=lambda each: roles.index(each[1]))
