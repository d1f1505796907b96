"""What was asked and answered in a review, step by step: nothing is asked twice, and all can be undone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from castgraph.base import files
from castgraph.people.corrections import Anchor, find_faces, read_anchor
from castgraph.people.corrections.reading import decisions
from castgraph.people.places import Places
from castgraph.run import ledger


@dataclass(frozen=True)
class Step:
    """One answer.

    Attributes
    ----------
    file
        The file of corrections that it was written into.
    kind
        Of the question: same, split, member or who; empty where there was none.
    faces
        Two faces, or one, that the question was about, as ``BROADCAST#FRAME@X,Y``.
    answer
        What was answered, in a word.
    came
        What `castgraph.run.corrections.state_of` gives of the texts of the blocks that came into the file.
    went
        The texts of the blocks whose place they took.
    by, on
        Who answered, and on which day.
    """

    file: str
    kind: str = ""
    faces: tuple[str, ...] = ()
    answer: str = ""
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    by: str = ""
    on: str = ""


def steps(run: Path) -> list[Step]:
    """Read what was answered, the last at the end."""
    found = ledger.read(_entry(run)).get("steps")
    return [each for value in found if (each := _step(value))] if isinstance(found, list) else []


def remember(run: Path, step: Step) -> None:
    """Add an answer."""
    _change(run, lambda known: [*known, step])


def forget(run: Path, step: Step) -> None:
    """Take an answer out again: the last of those that are like it."""

    def without(known: list[Step]) -> list[Step]:
        places = [place for place, each in enumerate(known) if each == step]
        return [each for place, each in enumerate(known) if place not in places[-1:]]

    _change(run, without)


def drop(run: Path, places: Places, rows: Collection[int]) -> int:
    """Take out all answers that hold one of some faces, in a question or in what was replaced.

    Parameters
    ----------
    run
        The results of the run.
    places
        Where its faces are.
    rows
        The faces.

    Returns
    -------
    int
        How many were taken out.
    """
    about = set(rows)
    gone = [each for each in steps(run) if about.intersection(find_faces(_anchors(each), places).tolist())]
    if gone:
        _change(run, lambda known: [each for each in known if each not in gone])
    return len(gone)


def _anchors(step: Step) -> list[Anchor]:
    found = []
    for text in step.faces:
        with suppress(ValueError):
            found.append(read_anchor(text))
    for block in step.went:
        with suppress(ValueError):
            found += [anchor for each in decisions("", block) for anchor in each.anchors]
    return [each for each in found if each]


def _change(run: Path, make: Callable[[list[Step]], list[Step]]) -> None:
    def changed(entry: dict[str, Any]) -> dict[str, Any]:
        return entry | {"steps": [asdict(each) for each in make(steps(run))]}

    ledger.change(_entry(run), changed)


def _step(value: Any) -> Step | None:
    """Read a step that another version, or a hand, may have written."""
    try:
        given = files.known(Step, value)
        lists: dict[str, Any] = {
            key: tuple(map(str, given.pop(key, ()))) for key in ("faces", "came", "went")
        }
        texts: dict[str, Any] = {key: str(each) for key, each in given.items()}
        return Step(**texts, **lists)
    except (TypeError, AttributeError):
        return None


def _entry(run: Path) -> Path:
    return run.resolve().parent / ledger.FOLDER / ledger.REVIEWED / f"{run.resolve().name}.json"
