"""What the answers tell: a table of measures, each an estimate from the questions of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from castgraph.run.accuracy.estimate import Estimate, proportion
from castgraph.run.accuracy.questions import UNSURE, questions

FEW = 30
"""Fewer judged pieces than this are said to be too few."""

Item = Mapping[str, Any]

Term = tuple[float, float, float]
"""Of a piece: how many, of how many, and its weight."""


class Measure(NamedTuple):
    """Something that the answers tell.

    Attributes
    ----------
    name
        Its key in ``accuracy.json``.
    kind
        The kind of pieces that it is told by.
    title
        Its line in the table.
    term
        What a piece that was judged counts, by its answers in the order of its questions; each as `Term` has
        it.
    sentence
        How it is cited; ``{share}``, ``{interval}``, ``{n}`` pieces, and sums ``{hits}`` of ``{total}``.
    is_cited
        Whether it is part of the sentence that sums all up.
    """

    name: str
    kind: str
    title: str
    term: Callable[[Item, Sequence[str]], Term]
    sentence: str
    is_cited: bool = True


def _found(item: Item, answers: Sequence[str]) -> Term:
    found = item["boxes"] - _false(answers)
    return found, found + int(answers[0]), 1


def _true_boxes(item: Item, answers: Sequence[str]) -> Term:
    return item["boxes"] - _false(answers), item["boxes"], 1


def _false(answers: Sequence[str]) -> int:
    return int(answers[1]) if len(answers) > 1 else 0


def _agreement(item: Item, answers: Sequence[str]) -> float:
    return 1 - int(answers[0]) / float(item["others"])


def _b_cubed(item: Item, answers: Sequence[str]) -> Term:
    others = item["n_faces"] - 1
    return (1 + others * _agreement(item, answers)) / item["n_faces"], 1, 1


def _pairwise(item: Item, answers: Sequence[str]) -> Term:
    others = item["n_faces"] - 1
    return others * _agreement(item, answers), others, 1


def _within(item: Item, answers: Sequence[str]) -> Term:
    return _agreement(item, answers), 1, 1


def _is(*words: str, weight: str = "") -> Callable[[Item, Sequence[str]], Term]:
    def term(item: Item, answers: Sequence[str]) -> Term:
        return float(answers[0] in words), 1, item[weight] if weight else 1

    return term


def _has_person(item: Item, answers: Sequence[str]) -> Term:
    return float(answers[0] not in ("0", "x")), 1, 1


MEASURES = (
    Measure(
        "faces_found",
        "frame",
        "visible faces that were found (recall of faces)",
        _found,
        "{hits} of {total} faces visible in {n} frames had been found ({share}, {interval})",
    ),
    Measure(
        "boxes_right",
        "frame",
        "boxes that show a face (precision of faces)",
        _true_boxes,
        "{hits} of {total} boxes in {n} frames showed a face ({share}, {interval})",
        is_cited=False,
    ),
    Measure(
        "person_right_by_face",
        "face",
        "precision of people, by face (B-cubed)",
        _b_cubed,
        "the faces of a person showed who the drawn face of that person shows in {share} ({interval}) on "
        "average over {n} faces (B-cubed precision)",
    ),
    Measure(
        "person_right_by_pair",
        "face",
        "precision of people, by pair of faces",
        _pairwise,
        "of the pairs of faces within people {share} ({interval}) showed one person (pairwise precision, by "
        "{n} faces)",
        is_cited=False,
    ),
    Measure(
        "person_right_by_person",
        "person",
        "precision of people, by person",
        _within,
        "averaged over {n} people, {share} ({interval}) of the pairs of faces within a person showed one "
        "person",
        is_cited=False,
    ),
    Measure(
        "people_split",
        "pair",
        "people whose nearest other person is the same",
        _is("yes", weight="near"),
        "{share} ({interval}) of the people were the same as the person nearest to them, so split ({n} "
        "pairs)",
    ),
    Measure(
        "pairs_apart",
        "pair",
        "pairs of people that are two people",
        _is("no", weight="weight"),
        "of all pairs of people {share} ({interval}) were two people (by {n} pairs; near ones drawn more "
        "often, and weighted)",
        is_cited=False,
    ),
    Measure(
        "noise_has_person",
        "noise",
        "faces of nobody that are of a person of the run",
        _has_person,
        "{hits} of {total} faces put to nobody showed one of the three most similar people ({share}, "
        "{interval})",
    ),
    Measure(
        "noise_no_face",
        "noise",
        "faces of nobody that are no face",
        _is("x"),
        "{hits} of {total} faces put to nobody were no face ({share}, {interval})",
        is_cited=False,
    ),
    Measure(
        "edges_right",
        "edge",
        "pairs of the network of which the frame shows both",
        _is("yes", "apart"),
        "for {hits} of {total} pairs of the network, a frame drawn from those that make the pair showed both "
        "({share}, {interval})",
    ),
    Measure(
        "edges_together",
        "edge",
        "pairs of the network that it shows together",
        _is("yes"),
        "for {hits} of {total} it showed them together, not one in a clip or on a screen ({share}, "
        "{interval})",
    ),
)
"""All measures, in the order of the sheet."""


class Result(NamedTuple):
    """What was found for a measure.

    Attributes
    ----------
    measure
        Which.
    estimate
        The share and its interval.
    hits, total
        The sums of the sample, without weights.
    """

    measure: Measure
    estimate: Estimate
    hits: float
    total: float


class Tally(NamedTuple):
    """How the pieces of a kind were judged.

    Attributes
    ----------
    drawn
        How many there are.
    judged, unsure, blank
        Those with all answers; those with a ``?``; those without an answer, or not with all.
    """

    drawn: int
    judged: int
    unsure: int
    blank: int


def measure(items: Sequence[Item], answers: Mapping[str, str]) -> Iterator[Result]:
    """Estimate every measure that something was judged for.

    Parameters
    ----------
    items
        The pieces, as in ``sample.json``.
    answers
        Question → answer, as `castgraph.run.accuracy.answers.read_answers` gives them.
    """
    judged = {each["id"]: given for each in items if (given := _judged(each, answers))}
    for each in MEASURES:
        terms = [
            each.term(item, judged[item["id"]])
            for item in items
            if item["kind"] == each.kind and item["id"] in judged
        ]
        if terms:
            hits, totals, weights = zip(*terms, strict=True)
            estimate = proportion(hits, totals, weights)
            if estimate.n_units:
                yield Result(each, estimate, sum(hits), sum(totals))


def tally(items: Sequence[Item], answers: Mapping[str, str]) -> dict[str, Tally]:
    """Count how the pieces of each kind were judged."""
    counts: dict[str, list[int]] = {}
    for item in items:
        given = [answers.get(each.id, "") for each in questions(item)]
        place = 2 if UNSURE in given else 1 if all(given) else 3
        count = counts.setdefault(item["kind"], [0, 0, 0, 0])
        count[0] += 1
        count[place] += 1
    return {kind: Tally(*count) for kind, count in counts.items()}


def wrong(items: Sequence[Item], answers: Mapping[str, str]) -> list[Item]:
    """List the pieces in which something was found wrong, but faces that were missed."""
    by_kind: dict[str, list[Measure]] = {}
    for each in MEASURES:
        if each.name in _PERFECT:
            by_kind.setdefault(each.kind, []).append(each)
    found = []
    for item in items:
        given = _judged(item, answers)
        if given:
            terms = [(each, each.term(item, given)) for each in by_kind.get(item["kind"], ())]
            if any(x < d if _PERFECT[each.name] else x > 0 for each, (x, d, _) in terms):
                found.append(item)
    return found


_PERFECT = {
    "boxes_right": 1,
    "person_right_by_face": 1,
    "person_right_by_person": 1,
    "pairs_apart": 1,
    "noise_has_person": 0,
    "edges_right": 1,
}
"""Measure → what it would be without a fault."""


def _judged(item: Item, answers: Mapping[str, str]) -> list[str]:
    """Give the answers about a piece, or nothing unless all are there and sure."""
    given = [answers.get(each.id, "") for each in questions(item)]
    return given if all(given) and UNSURE not in given else []
