"""The file of corrections of a run: where it is, whom people mean, and changing it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.text import quoted, shortened
from castgraph.people import who
from castgraph.people.corrections import (
    Anchor,
    Decision,
    Different,
    Ignore,
    Person,
    Problem,
    Same,
    apply,
    read_anchor,
    read_corrections,
)
from castgraph.people.corrections.editing import blocks, change, with_decision, without_decision
from castgraph.people.corrections.reading import decisions
from castgraph.people.places import read_places
from castgraph.people.record import reasons
from castgraph.run import ledger
from castgraph.run.accuracy.population import main_clustering

_MOST_REMEMBERED = 1000  # decisions that can be undone, of a file
_OPPOSITES: dict[type[Decision], type[Decision]] = {Same: Different, Different: Same}


class Meant(NamedTuple):
    """A face that somebody means, and the person where it was meant by one; `told` is what to call it."""

    anchor: Anchor
    person: dict[str, Any] | None
    told: str


def file_of(run: Path) -> Path | None:
    """Tell the file of corrections that the configuration of a run names; None where it names none.

    Raises
    ------
    FileNotFoundError, ValueError
        When the run keeps no configuration, or what is there is none; the message names the file.
    """
    path = run / "config.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}; these are not the results of a run")
    try:
        named: str | None = (yaml.safe_load(path.read_text(encoding="utf-8")).get("people") or {}).get(
            "corrections"
        )
    except (yaml.YAMLError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not the configuration of a run") from error
    if not named:
        return None
    here = Path.cwd()
    folders = (run.resolve().parent.parent, here)  # a run works in the folder that results/ is in
    path = next((folder / named for folder in folders if (folder / named).exists()), folders[0] / named)
    return path.relative_to(here) if path.is_relative_to(here) else path


def clustering_of(run: Path, wanted: str = "") -> str:
    """Tell which clustering is meant: the wanted one, the only one with people, or the one to look at first.

    Raises
    ------
    FileNotFoundError, ValueError
        When there is none.
    """
    there = sorted(path.parent.name for path in run.glob("*/people.parquet"))
    if wanted and wanted not in there:
        raise ValueError(f"{run} has no people of {quoted(wanted)}; there are: {', '.join(there) or 'none'}")
    return wanted or (there[0] if len(there) == 1 else main_clustering(run))


def people_of(run: Path, wanted: str = "") -> pa.Table:
    """Read the people of a run.

    Raises
    ------
    FileNotFoundError, ValueError
        When there are none, or an earlier castgraph wrote them.
    """
    path = run / clustering_of(run, wanted) / "people.parquet"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}; the run is not finished")
    return tables.read(path, tables.PEOPLE)


def meant(texts: Sequence[str], people: Callable[[], pa.Table]) -> list[Meant]:
    """Find whom somebody means.

    Parameters
    ----------
    texts
        IDs, names or ``BROADCAST#FRAME@X,Y``.
    people
        Gives the people table, which is not asked for where no text needs it.

    Raises
    ------
    ValueError
        When a text means nobody, or may mean several.
    """
    found: list[Meant] = []
    table: pa.Table | None = None
    for text in texts:
        if anchor := read_anchor(text):
            found.append(Meant(anchor, None, f"the person at {anchor}"))
            continue
        table = people() if table is None else table
        row = who.find_person(table, text)
        middle = ((row["left"] + row["right"]) / 2, (row["top"] + row["bottom"]) / 2)
        anchor = Anchor(broadcast=row["broadcast"], frame=row["frame"], at=middle)
        found.append(Meant(anchor, row, called(row)))
    return found


def called(person: dict[str, Any]) -> str:
    """Name a person in a sentence."""
    unnamed = person["name"] == f"Person {person['person_id']}"
    return str(person["person_id"] if unnamed else f"{shortened(person['name'], 60)} ({person['person_id']})")


def namesakes(
    people: pa.Table | None, path: Path, decision: Person, person: dict[str, Any] | None
) -> list[str]:
    """Tell who else has a name that is to be given, by the people table and by the file of corrections.

    Parameters
    ----------
    people
        The people; None where they are not known.
    path
        The file.
    decision
        What is to come in.
    person
        The row of the person who gets the name, where it is known.
    """
    but = person["person_id"] if person else ""
    told = [called(row) for row in who.namesakes(people, decision.name, but)] if people is not None else []
    if told or not path.is_file():
        return told
    return [
        f"the person at {each.person} ({path}, line {each.line})"
        for each in read_corrections(path)
        if isinstance(each, Person)
        and who.folded(each.name) == who.folded(decision.name)
        and each.person != decision.person
        and each.name != given_name(person)
    ]


def given_name(person: dict[str, Any] | None) -> str:
    """Give the name that a correction has given to a person; empty where none has."""
    return str(person["name"]) if person and person["name_from"] == "correction" else ""


class Change(NamedTuple):
    """What became of a file of corrections.

    Attributes
    ----------
    line
        Of the decision that came in.
    was_there
        Whether it said so before; then the file stays as it was.
    taken
        The text of the decisions that went, which it replaces.
    """

    line: int
    was_there: bool
    taken: list[str]


class StaleError(ValueError):
    """A file of corrections that is not as somebody takes it to be; `text` is what it holds."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"{path} was changed meanwhile")
        self.text = text


class Conflict(NamedTuple):
    """A decision that a file contradicts: the decision, the one in the file, and why in words."""

    decision: Decision
    other: Decision
    told: str


class ConflictError(ValueError):
    """Decisions that a file contradicts; the message has a line for each."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__("\n".join(each.told for each in conflicts))
        self.conflicts = conflicts


class Rewritten(NamedTuple):
    """The text of a file of corrections after decisions came in.

    Attributes
    ----------
    text
        The new text.
    changes
        What became of each decision.
    written
        The texts of the blocks that came.
    """

    text: str
    changes: list[Change]
    written: list[str]


Replaced = Callable[[Sequence[Decision], Decision], list[int]]
"""Tells of the decisions in a file those whose place another takes, in the order of the file."""


def state_of(text: str) -> str:
    """Give what tells the text of a file from any other."""
    return _digest(text)


def rewritten(
    run: Path, path: Path, text: str, coming: Sequence[Decision], replaced: Replaced | None = None
) -> Rewritten:
    """Write decisions into the text of a file of corrections.

    Parameters
    ----------
    run, path
        The results of the run, and the file; for messages.
    text
        What the file holds.
    coming
        What comes in, one after the other. What the file says already is not written again.
    replaced
        As `Replaced`. By default a name, or who is left out, takes the place of what was said of the same
        face.

    Raises
    ------
    CorrectionsError, EditError
        When the file has faults, or there is no place.
    ConflictError
        When the opposite was decided; all of it is told.
    """
    replaced = replaced or (lambda before, decision: _replaced(path, before, decision, ""))
    if conflicts := [each for new in coming if (each := _opposite(run, path, decisions(path, text), new))]:
        raise ConflictError(conflicts)
    taken: list[list[str]] = []
    came: list[bool] = []
    for decision in coming:
        before = decisions(path, text)
        says = {_says(each) for each in before}
        came.append(_says(decision) not in says)
        taken.append([])
        if not came[-1]:
            continue
        if conflict := _opposite(run, path, before, decision):  # with one that comes along
            raise ConflictError([conflict])
        for number in reversed(replaced(before, decision)):
            text, gone = without_decision(str(path), text, number)
            taken[-1].append(gone)
        text = with_decision(str(path), text, decision)
    after = {_says(each): number for number, each in enumerate(decisions(path, text))}
    found = blocks(str(path), text)
    numbers = [after.get(_says(each)) for each in coming]
    changes = [
        Change(0 if number is None else found[number].lines.start, was_there=not is_new, taken=gone)
        for number, is_new, gone in zip(numbers, came, taken, strict=True)
    ]
    written = [
        found[number].text
        for number, is_new in zip(numbers, came, strict=True)
        if is_new and number is not None
    ]
    return Rewritten(text, changes, written)


def add_all(
    run: Path,
    path: Path,
    coming: Sequence[Decision],
    replaced: Replaced | None = None,
) -> Rewritten:
    """Write decisions into the file of corrections: all of them, or none.

    Parameters
    ----------
    run, path, coming, replaced
        As for `rewritten`.

    Raises
    ------
    CorrectionsError, EditError, ConflictError
        As `rewritten`.
    OSError
        When the file cannot be written.
    """
    return _add(run, path, lambda text: rewritten(run, path, text, coming, replaced))


def _add(run: Path, path: Path, make: Callable[[str], Rewritten]) -> Rewritten:
    found = Rewritten("", [], [])

    def made(text: str) -> str:
        nonlocal found
        found = make(text)
        return found.text

    change(path, made)
    _note_written(run, path, found)
    return found


def commit(run: Path, path: Path, found: Rewritten, expected: str) -> None:
    """Write what `rewritten` gave into the file of corrections.

    Parameters
    ----------
    run, path
        The results of the run, and the file.
    found
        What it gave.
    expected
        What `state_of` gives of the text that it was given.

    Raises
    ------
    StaleError
        When the file holds another text by now.
    CorrectionsError, OSError
        When it cannot be read or written.
    """

    def make(text: str) -> str:
        if state_of(text) != expected:
            raise StaleError(path, text)
        return found.text

    change(path, make)
    _note_written(run, path, found)


def _note_written(run: Path, path: Path, found: Rewritten) -> None:
    if found.written:
        _note(run, path, lambda known: [*known, *map(_digest, found.written)])


def add(run: Path, path: Path, decision: Decision, replaced: str = "") -> Change:
    """Write a decision into the file of corrections.

    Parameters
    ----------
    run, path
        The results of the run, and the file.
    decision
        What comes in. Of a name, or of who is left out, it takes the place of what was said of the same face.
    replaced
        A name that is no longer that of the person.

    Raises
    ------
    CorrectionsError, EditError
        When the file has faults, or there is no place.
    ValueError
        When the opposite was decided.
    OSError
        When the file cannot be written.
    """

    def chosen(before: Sequence[Decision], decision: Decision) -> list[int]:
        return _replaced(path, before, decision, replaced)

    [found] = add_all(run, path, [decision], chosen).changes
    return found


def bring_in(run: Path, wanted: str, path: Path, source: Path, *, anyway: bool = False) -> Rewritten:
    """Write the decisions of another file into the file of corrections: all of them, or none.

    Parameters
    ----------
    run, wanted
        The results of the run, and one of its clusterings, as for `clustering_of`. Where it has no labels, or
        has them of other faces, it is not told what would not apply.
    path, source
        The file of corrections, and the other one.
    anyway
        Whether to write what would not apply, or contradicts others, all the same.

    Raises
    ------
    CorrectionsError, EditError
        When a file has faults, or there is no place.
    ConflictError
        When the file says the opposite, or another name of the same face, or, unless `anyway`, decisions
        would not apply; all of it is told.
    OSError
        When the file cannot be written.
    """
    coming = read_corrections(source)

    def make(text: str) -> Rewritten:
        before = decisions(path, text)
        conflicts = [each for new in coming if (each := _other_name(path, before, new))]
        try:
            found = rewritten(run, path, text, coming)
        except ConflictError as error:
            raise ConflictError([*error.conflicts, *conflicts]) from None
        if conflicts:
            raise ConflictError(conflicts)
        told = [] if anyway else _new_problems(run, wanted, path, text, found.text)
        if told:
            raise ConflictError([Conflict(coming[0], coming[0], each) for each in told])
        return found

    return _add(run, path, make)


def _other_name(path: Path, before: Sequence[Decision], decision: Decision) -> Conflict | None:
    """Find another name of the same face."""
    for each in before:
        if not (isinstance(decision, Person) and isinstance(each, Person)):
            continue
        if each.person == decision.person and each.name != decision.name:
            told = (
                f"{decision.file}, line {decision.line}: calls the person at {each.person} "
                f"{quoted(decision.name)}; {path}, line {each.line}: {quoted(each.name)}"
            )
            return Conflict(decision, each, told)
    return None


def _new_problems(run: Path, wanted: str, path: Path, before: str, after: str) -> list[str]:
    """Tell what would not apply, or contradict others, of the decisions that came into a file."""
    found = _labelled(run, wanted)
    if found is None:
        return []
    faces, groups, why = found
    places = read_places(faces)
    problems = [apply(decisions(path, text), places, groups, why).problems for text in (before, after)]
    lines = {_says(each): each.line for each in decisions(path, after)}
    moved = {each.line: lines.get(_says(each), 0) for each in decisions(path, before)}
    known = {(each.kind, *(moved[line] for line in each.decisions)) for each in problems[0]}
    return [
        f"as it would be written, {each.sentence}"
        for each in problems[1]
        if each.kind != "question" and (each.kind, *each.decisions) not in known
    ]


def take_back(
    run: Path, path: Path, came: Collection[str], went: Sequence[str], expected: str
) -> tuple[str, list[str]]:
    """Take decisions out of the file of corrections, and put those back whose place they had taken.

    Parameters
    ----------
    run, path
        The results of the run, and the file.
    came
        What `state_of` gives of the texts of the blocks to take out; those that are not there any more are
        left alone.
    went
        The texts of the blocks to put back.
    expected
        As for `commit`.

    Returns
    -------
    text : str
        What the file holds now.
    taken : list of str
        The texts of the blocks that were taken out.

    Raises
    ------
    CorrectionsError, EditError, ConflictError, StaleError, OSError
        As `rewritten` and `commit`.
    """
    after, taken = "", list[str]()

    def make(text: str) -> str:
        nonlocal after
        if state_of(text) != expected:
            raise StaleError(path, text)
        there = [n for n, each in enumerate(blocks(str(path), text)) if _digest(each.text) in came]
        for number in reversed(there):
            text, gone = without_decision(str(path), text, number)
            taken.append(gone)
        back = [each for block in went for each in decisions("", block)]
        after = rewritten(run, path, text, back).text
        return after

    change(path, make)
    gone = set(map(_digest, taken))
    _note(run, path, lambda known: [each for each in known if each not in gone])
    return after, taken[::-1]


def _opposite(run: Path, path: Path, before: Sequence[Decision], decision: Decision) -> Conflict | None:
    """Find a decision in a file that says the opposite of another."""
    for each in before:
        if type(each) is _OPPOSITES.get(type(decision)) and _is_about(each, decision):
            own = f"{decision.file}, line {decision.line}: {decision.kind}, but " if decision.file else ""
            told = (
                f"{own}{path}, line {each.line}: says {each.kind} of these faces; take that out first, with "
                f"castgraph people undo {run} --line {each.line}"
            )
            return Conflict(decision, each, told)
    return None


def problems(run: Path, wanted: str, path: Path, line: int) -> list[Problem]:
    """Tell what of a decision does not apply to a clustering, or contradicts others.

    Parameters
    ----------
    run, wanted
        The results of the run, and one of its clusterings, as for `clustering_of`. Where it has no labels, or
        has them of other faces, nothing can be told.
    path, line
        The file of corrections, and the first line of the decision.
    """
    labelled = _labelled(run, wanted)
    if labelled is None:
        return []
    faces, groups, why = labelled
    found = apply(read_corrections(path), read_places(faces), groups, why)
    return [each for each in found.problems if line in each.decisions]


def _labelled(run: Path, wanted: str) -> tuple[Path, NDArray[np.int32], NDArray[np.int8]] | None:
    """Read what a clustering says of each face; None where nothing can be told."""
    faces = run / "faces.parquet"
    try:
        groups = tables.read_labels(run / clustering_of(run, wanted) / "labels.parquet", faces)
        return faces, groups, reasons(faces, groups)
    except (FileNotFoundError, ValueError):
        return None


def undo(run: Path, path: Path, at: int = 0) -> tuple[int, str]:
    """Take a decision out of the file of corrections.

    Parameters
    ----------
    run, path
        The results of the run, and the file.
    at
        A line of the decision, from 1; with 0 it is the last that `add` wrote and that is still there.

    Returns
    -------
    line : int
        Where the decision began.
    taken : str
        Its text.

    Raises
    ------
    CorrectionsError, EditError
        When the file has faults, or can only be changed by hand.
    ValueError
        When there is nothing to take out.
    OSError
        When the file cannot be written.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {path}; nothing was decided yet")
    known = _remembered(run, path)
    line, taken = 0, ""

    def make(text: str) -> str:
        nonlocal line, taken
        decisions(path, text)  # for its faults
        before = blocks(str(path), text)
        if at:
            number = next((n for n, each in enumerate(before) if at in each.lines), None)
            if number is None:
                raise ValueError(f"{path} has no decision at line {at}")
        else:
            places = {_digest(each.text): n for n, each in enumerate(before)}
            number = next((places[each] for each in reversed(known) if each in places), None)
            if number is None:
                raise ValueError(
                    f"{path} has no decision any more that castgraph people added here; "
                    "--line N takes out the one at a line"
                )
        line = before[number].lines.start
        text, taken = without_decision(str(path), text, number)
        return text

    change(path, make)
    digest = _digest(taken)
    _note(run, path, lambda known: [each for each in known if each != digest])
    return line, taken


def _replaced(path: Path, before: Sequence[Decision], decision: Decision, replaced: str) -> list[int]:
    """Find the decisions whose place a new one takes, in the order of the file."""
    if not isinstance(decision, Person | Ignore):
        return []
    same = [
        n for n, each in enumerate(before) if each.kind == decision.kind and each.anchors == decision.anchors
    ]
    named = [n for n, each in enumerate(before) if isinstance(each, Person) and each.name == replaced]
    if same or not named:
        return same
    if len(named) > 1:
        lines = " and ".join(str(before[n].line) for n in named)
        raise ValueError(
            f"{path}, lines {lines}: call people {quoted(replaced)}; first take out the one that is meant, "
            "with castgraph people undo and --line"
        )
    return named


def _is_about(one: Decision, other: Decision) -> bool:
    """Tell whether all faces of one decision are in the other."""
    return set(one.anchors) <= set(other.anchors) or set(other.anchors) <= set(one.anchors)


def _says(decision: Decision) -> tuple[object, ...]:
    """Give what a decision says, whoever made it and when."""
    own = {*type(decision).model_fields} - {*Decision.model_fields, decision.kind}
    anchors = sorted(decision.anchors, key=lambda each: each.place)
    return decision.kind, *anchors, *(getattr(decision, key) for key in sorted(own))


def _digest(block: str) -> str:
    return hashlib.blake2b(block.encode(), digest_size=16).hexdigest()


def _remembered(run: Path, path: Path) -> list[str]:
    found = ledger.read(_entry(run)).get(str(path.resolve()))
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _note(run: Path, path: Path, make: Callable[[list[str]], list[str]]) -> None:
    """Change what is remembered of a file."""

    def changed(entry: dict[str, Any]) -> dict[str, Any]:
        return entry | {str(path.resolve()): make(_remembered(run, path))[-_MOST_REMEMBERED:]}

    ledger.change(_entry(run), changed)


def _entry(run: Path) -> Path:
    return run.resolve().parent / ledger.FOLDER / ledger.CORRECTED
