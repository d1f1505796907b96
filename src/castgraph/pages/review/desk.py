"""The desk of a review: what is asked, and what becomes of the answers."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from castgraph import __version__
from castgraph.base.tables import NOISE
from castgraph.base.text import counted, quoted
from castgraph.pages.review import grouping as groupings
from castgraph.pages.review.grouping import Grouping
from castgraph.pages.review.questions import (
    KINDS,
    MORE,
    Addresses,
    Question,
    anchor_of,
    asked,
    face,
    open_questions,
    parts_of,
    person_row,
    place_of,
    split_of,
)
from castgraph.pages.review.results import Results, read_results, state
from castgraph.people import corrections
from castgraph.people.corrections import (
    Anchor,
    CorrectionsError,
    Decision,
    Ignore,
    Person,
    find_faces,
    read_anchor,
)
from castgraph.people.corrections.editing import EditError, blocks
from castgraph.people.corrections.reading import decisions, read_text
from castgraph.run import reviewed
from castgraph.run.corrections import (
    ConflictError,
    Rewritten,
    StaleError,
    commit,
    rewritten,
    state_of,
    take_back,
)
from castgraph.run.reviewed import Step

ANSWERS = ("", "yes", "no", "unsure", "name", "ignore", "not_a_face")

FORMAT = 1
"""Of the document that the page takes."""

_MOST_DECISIONS = 2_000  # at a time
_MOST_SIGNS = 20_000_000  # of earlier states of the file, by which it is told what was changed elsewhere
_MOST_ASKED = 200  # questions at a time
_MOST_LISTED = 5_000  # people at a time


class RefusedError(Exception):
    """What is not done; the page is told why.

    Parameters
    ----------
    status
        Of the answer.
    told
        What the answer says, ``error`` in it.
    """

    def __init__(self, status: HTTPStatus, **told: Any) -> None:
        super().__init__(told["error"])
        self.status, self.told = status, told


@dataclass(frozen=True, eq=False)
class _State:
    """What is decided at a moment, and what is open."""

    text: str
    etag: str
    grouping: Grouping
    steps: list[Step]
    questions: list[Question]


@dataclass(frozen=True)
class _Given:
    """What somebody has answered."""

    question: Question | None
    answer: str
    decisions: list[Decision]
    anyway: bool


class Desk:
    """Asks questions about the people of a run, and writes the answers into its file of corrections.

    Parameters
    ----------
    run, clustering
        The results of the run, and the name of the clustering's folder.
    path
        The file of corrections; it need not be there yet.
    addresses
        Tells where the pictures are, of the results that it is given.
    by
        Who answers, unless an answer says it.
    whole
        Whether the answers that are offered name all their faces; see
        `castgraph.pages.review.questions.answers`.

    Raises
    ------
    CorrectionsError
        When the file has faults.
    FileNotFoundError, ValueError, OSError
        When the run is not finished, or tables do not fit each other.

    Notes
    -----
    Whatever is asked of it in several threads is done one after the other. Nothing that was read is trusted
    later: the file and the tables of the run are looked at anew each time, by their content or dates.
    """

    def __init__(
        self,
        run: Path,
        clustering: str,
        path: Path,
        addresses: Callable[[Results], Addresses],
        by: str = "",
        *,
        whole: bool = False,
    ) -> None:
        self._whole = whole
        self.run, self.clustering, self.path, self._by = run, clustering, path, by
        self._make_addresses = addresses
        self._lock = threading.RLock()
        self._texts: OrderedDict[str, str] = OrderedDict()
        self.results = read_results(run, clustering)
        self._addresses = addresses(self.results)
        self._state = self._read(_text(path))

    # ---- what there is -----------------------------------------------------------------------------------

    def document(self, most: int, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Give the page what it begins with: the first questions, and how far the review is.

        Parameters
        ----------
        most
            Questions.
        facts
            What else is in it.
        """
        with self._using(renew=True) as now:
            problems = [each.sentence for each in now.grouping.applied.problems]
            return {
                "format": FORMAT,
                "castgraph": __version__,
                "run": self.run.name,
                "clustering": self.clustering,
                "frame_seconds": self.results.frame_seconds,
                "etag": now.etag,
                "file": str(self.path),
                "by": self._by,
                "notes": [*self.results.notes, *problems],
                "progress": self._progress(now),
                "undo": self._undoable(now),
                **self._asked(now, now.questions[: min(most, _MOST_ASKED)]),
                **facts,
            }

    def questions(self, skip: int, most: int, kind: str = "") -> dict[str, Any]:
        """Give open questions, of all kinds or of one."""
        with self._using() as now:
            found = [each for each in now.questions if kind in ("", each.kind)]
            shown = found[skip : skip + min(most, _MOST_ASKED)]
            return {"etag": now.etag, **self._asked(now, shown), "n_questions": len(found)}

    def people(self, skip: int, most: int, show: str = "all") -> dict[str, Any]:
        """Give the people, the most seen first: all, those with or without a name, or who is left out."""
        with self._using() as now:
            if show == "ignored":
                ignored = self._ignored(now)
                shown = ignored[skip : skip + min(most, _MOST_LISTED)]
                return {"etag": now.etag, "people": shown, "n_people": len(ignored)}
            grouping = now.grouping
            reviewed = {int(grouping.groups[row]) for row in grouping.anchored if row != NOISE}
            order = np.lexsort((grouping.numbers, -grouping.seconds))
            found = [
                group
                for group in grouping.numbers[order].tolist()
                if show not in ("named", "unnamed") or (group in grouping.named) == (show == "named")
            ]
            groups = found[skip : skip + min(most, _MOST_LISTED)]
            return {
                "etag": now.etag,
                "people": [self._listed(grouping, group, group in reviewed) for group in groups],
                "n_people": len(found),
            }

    def faces(self, broadcast: str, number: int, other: tuple[str, int] | None, skip: int) -> dict[str, Any]:
        """Give more faces of the person of a face; with another one, of its part that is not the other's."""
        with self._using() as now:
            results, grouping = self.results, now.grouping
            row = results.row(broadcast, number)
            if row == NOISE or grouping.groups[row] == NOISE:
                raise RefusedError(HTTPStatus.NOT_FOUND, error="no such face of anybody")
            rows, next_to = grouping.rows(int(grouping.groups[row])), None
            if other is not None:
                next_to = results.row(*other)
                if next_to == NOISE or grouping.groups[next_to] != grouping.groups[row]:
                    raise RefusedError(HTTPStatus.NOT_FOUND, error="no such face of this person")
                rows = parts_of(results, grouping, row, next_to)[1]
            ordered = rows[np.lexsort((rows, np.nan_to_num(results.distances[rows], nan=np.inf)))]
            shown = ordered[skip : skip + MORE].tolist()
            more = self._addresses.more(row, next_to) if skip + MORE < len(rows) else None
            return {
                "faces": [face(results, grouping, self._addresses, each, "near") for each in shown],
                "n_faces": len(rows),
                "next": f"{more}&skip={skip + MORE}" if more else None,
            }

    def shown(self) -> tuple[Results, NDArray[np.int8]]:
        """Give what the run knows, and why each face has no person, with what is decided now."""
        with self._using() as now:
            return self.results, now.grouping.why

    def is_outdated(self) -> bool:
        """Tell whether the run has been run again since its tables were read."""
        found = state(self.run, self.clustering)
        return bool(found) and found != self.results.state

    # ---- what is decided ---------------------------------------------------------------------------------

    def decide(self, body: Any, etag: str | None) -> dict[str, Any]:
        """Write an answer down.

        Parameters
        ----------
        body
            What the page sends.
        etag
            Of the file that it takes to be there.

        Returns
        -------
        dict
            What the page is told.

        Raises
        ------
        RefusedError
            When nothing is written.

        Notes
        -----
        What is sent again, since the answer to it was lost, is done once: the state of the file that the page
        takes to be there does not matter where all is in it.
        """
        with self._using() as now:
            if self._is_done(now, body):
                return self._told(now, now)
            self._check(now, etag)
            given = self._given(now, body)
            found, after = self._tried(now, given)
            if found.written or found.text != now.text:
                commit(self.run, self.path, found, now.etag)
            went = tuple(text for change in found.changes for text in change.taken)
            about = given.question.rows if given.question else ()
            reviewed.remember(
                self.run,
                Step(
                    str(self.path.resolve()),
                    given.question.kind if given.question else "",
                    tuple(place_of(self.results, row) for row in about),
                    given.answer,
                    tuple(map(state_of, found.written)),
                    went,
                    next((each.by for each in given.decisions if each.by), self._by),
                    f"{date.today():%Y-%m-%d}",
                ),
            )
            self._state = self._with(found.text, after)
            return self._told(now, self._state)

    def effect(self, body: Any) -> dict[str, Any]:
        """Tell what an answer would change; nothing is written."""
        with self._using() as now:
            _, after = self._tried(now, self._given(now, body))
            return {"effect": self._effect(now.grouping, after)}

    def undo(self, etag: str | None, body: Any = None) -> dict[str, Any]:
        """Take the last answer back, whose decisions are still there.

        Parameters
        ----------
        etag
            Of the file that the page takes to be there.
        body
            May have a ``decision`` of the file: then that is taken back, whoever has written it.
        """
        with self._using() as now:
            self._check(now, etag)
            if isinstance(body, dict) and body.get("decision") is not None:
                return self._without(now, _decision(body["decision"], ""))
            step = self._last(now)
            if step is None:
                raise RefusedError(HTTPStatus.CONFLICT, error="nothing is left that was answered here")
            undone = self._undoable(now)
            text = now.text
            if step.came:
                text, _ = take_back(self.run, self.path, step.came, step.went, now.etag)
            reviewed.forget(self.run, step)
            self._state = self._read(text)
            return {"undone": undone, **self._told(now, self._state)}

    # ---- within ------------------------------------------------------------------------------------------

    def _is_done(self, now: _State, body: Any) -> bool:
        """Tell whether an answer was written already, as it is sent."""
        try:
            listed = [_decision(block, "") for block in self._spelt(now, body["decisions"], is_over=True)]
            found = rewritten(self.run, self.path, now.text, listed, lambda *_: [])
        except (RefusedError, ConflictError, KeyError, TypeError):
            return False
        if found.written:
            return False
        question = body.get("question")
        if question is None:
            return bool(listed)
        if any(each.id == question for each in now.questions):
            return False
        steps = (each for each in reversed(now.steps) if self._question_of(each) == question)
        answered: str | None = next((each.answer for each in steps), None)
        return bool(answered == body.get("answer", ""))

    def _without(self, now: _State, decision: Decision) -> dict[str, Any]:
        """Take one decision out of the file."""
        own = (decision.kind, set(decision.anchors))
        texts = [each.text for each in blocks(str(self.path), now.text)]
        came = [
            state_of(text)
            for text, each in zip(texts, decisions(self.path, now.text), strict=True)
            if (each.kind, set(each.anchors)) == own
        ]
        if not came:
            raise RefusedError(HTTPStatus.CONFLICT, error="the file does not say this any more")
        text, taken = take_back(self.run, self.path, came, (), now.etag)
        for step in now.steps:
            if step.came and {*step.came} <= {*came}:
                reviewed.forget(self.run, step)
        self._state = self._read(text)
        undone = {"answer": "", "kind": "", "question": None, "blocks": taken, "unsure": False}
        return {"undone": undone, **self._told(now, self._state)}

    def _question_of(self, step: Step) -> str | None:
        """Give the ID of the question that a step has answered; None for none."""
        anchors = [read_anchor(each) for each in step.faces]
        rows = find_faces([each for each in anchors if each], self.results.places).tolist()
        if step.kind not in KINDS or not rows or NOISE in rows:
            return None
        return Question(step.kind, tuple(rows), 0, 0, "").id

    def _ignored(self, now: _State) -> list[dict[str, Any]]:
        """Give who is left out, the most seen first: pictures of them are not shown."""
        results, grouping = self.results, now.grouping
        found = [each for each in grouping.decisions if isinstance(each, Ignore)]
        rows = find_faces([each.ignore for each in found], results.places).tolist()
        listed = []
        for decision, row in zip(found, rows, strict=True):
            own = np.empty(0, np.int64)
            if row != NOISE:
                of_one = (results.groups == results.groups[row]) & (grouping.why == grouping.why[row])
                own = np.flatnonzero(of_one)
            known = results.person[own]
            known = known[known != NOISE]
            person = results.ids[int(known[0])] if len(known) else ""
            listed.append(
                {
                    "person": person,
                    "name": f"Person {person}" if person else "",
                    "named": False,
                    "seconds": len(np.unique(results.keys[own])) * results.frame_seconds,
                    "n_faces": len(own),
                    "n_broadcasts": len(np.unique(results.places.broadcast[own])),
                    "anchor": decision.model_dump(mode="json", exclude_none=True)["ignore"],
                    "portrait": None,
                    "more": None,
                    "reviewed": True,
                    "ignored": decision.reason,
                }
            )
        return sorted(listed, key=lambda each: -each["seconds"])

    @contextmanager
    def _using(self, *, renew: bool = False) -> Iterator[_State]:
        """Take the desk alone, with what is decided now; what goes wrong with the file is told."""
        with self._lock:
            try:
                if renew and self.is_outdated():
                    self._renew()
                text = _text(self.path)
                if text != self._state.text:
                    self._state = self._read(text)
                yield self._state
            except StaleError:
                self._check(self._read(_text(self.path)), self._state.etag)
                raise
            except ConflictError as error:
                raise RefusedError(HTTPStatus.CONFLICT, error=str(error)) from error
            except (CorrectionsError, EditError, OSError) as error:
                raise RefusedError(HTTPStatus.CONFLICT, error=str(error)) from error

    def _renew(self) -> None:
        """Read the tables again; while a run is making them the old ones do."""
        try:
            self.results = read_results(self.run, self.clustering)
        except (OSError, ValueError):
            return
        self._addresses = self._make_addresses(self.results)
        self._state = self._read(_text(self.path))

    def _read(self, text: str) -> _State:
        return self._with(text, Grouping(self.results, decisions(self.path, text)))

    def _with(self, text: str, grouping: Grouping) -> _State:
        own = str(self.path.resolve())
        steps = [each for each in reviewed.steps(self.run) if each.file == own]
        etag = state_of(text)
        self._texts[etag] = text
        while len(self._texts) > 1 and sum(map(len, self._texts.values())) > _MOST_SIGNS:
            self._texts.popitem(last=False)
        return _State(text, etag, grouping, steps, list(open_questions(self.results, grouping, steps)))

    def _check(self, now: _State, etag: str | None) -> None:
        """See that the page knows the file as it is."""
        if etag is None:
            raise RefusedError(HTTPStatus.PRECONDITION_REQUIRED, error="If-Match is missing")
        if etag.strip().removeprefix("W/").strip('"') == now.etag:
            return
        before = self._texts.get(etag.strip().strip('"'))
        came = went = None
        if before is not None:
            old, new = (
                Counter(each.text for each in blocks(str(self.path), text)) for text in (before, now.text)
            )
            came, went = list((new - old).elements()), list((old - new).elements())
        raise RefusedError(
            HTTPStatus.PRECONDITION_FAILED,
            error=f"{self.path} was changed elsewhere",
            etag=now.etag,
            came=came,
            went=went,
        )

    def _given(self, now: _State, body: Any) -> _Given:
        """Read what the page sends."""
        if not isinstance(body, dict):
            raise _wrong(f"found {quoted(body)}; allowed: an object")
        own = {"question", "answer", "decisions", "anyway", "by"}
        if others := sorted({*map(str, body)} - own):
            raise _wrong(f"found {quoted(others[0])}; allowed: {', '.join(sorted(own))}")
        answer, listed = body.get("answer", ""), body.get("decisions", [])
        if answer not in ANSWERS:
            raise _wrong(f"answer: found {quoted(answer)}; allowed: {', '.join(filter(None, ANSWERS))}")
        if not isinstance(listed, list) or len(listed) > _MOST_DECISIONS:
            raise _wrong(f"decisions: allowed: a list of at most {_MOST_DECISIONS:,}")
        question = None
        if (name := body.get("question")) is not None:
            question = next((each for each in now.questions if each.id == name), None)
            if question is None:
                raise RefusedError(HTTPStatus.CONFLICT, error="this question is answered")
        if not listed and (answer != "unsure" or question is None):
            raise _wrong("decisions: found none; only a question can be answered unsure")
        if listed and answer == "unsure":
            raise _wrong("decisions: who is unsure decides nothing")
        by = body.get("by") or self._by
        given = [_decision(block, by) for block in self._spelt(now, listed)]
        return _Given(question, answer, given, body.get("anyway") is True)

    def _spelt(self, now: _State, listed: Sequence[Any], *, is_over: bool = False) -> Iterator[Any]:
        """Name the faces of splits that name only two; `is_over` leaves those out that were made already."""
        for block in listed:
            if not (isinstance(block, dict) and "part" in block):
                yield block
                continue
            different = _decision({"different": block["part"]}, "")
            # As they were given: a decision sorts them.
            anchors = [Anchor.model_validate(each) for each in block["part"]]
            one, other = find_faces(anchors, self.results.places).tolist()
            groups = now.grouping.groups
            is_one = NOISE not in (one, other) and groups[one] == groups[other] != NOISE
            if is_one:
                yield split_of(self.results, parts_of(self.results, now.grouping, one, other)[1])
            elif not is_over:
                faces = " and ".join(map(str, different.anchors))
                raise RefusedError(HTTPStatus.CONFLICT, error=f"{faces} are not of one person")

    def _tried(self, now: _State, given: _Given) -> tuple[Rewritten, Grouping]:
        """Write an answer into the text of the file, and tell who is who then."""
        if not given.decisions:
            return Rewritten(now.text, [], []), now.grouping
        others = [each for each in given.decisions if not isinstance(each, Person)]
        persons = len(others) < len(given.decisions)
        of = now.grouping
        if persons and others:
            of = Grouping(self.results, [*of.decisions, *others])
        found = rewritten(self.run, self.path, now.text, given.decisions, self._replaced(of))
        after = Grouping(self.results, decisions(self.path, found.text))
        if not given.anyway:
            self._refuse_doubtful(now, given, after)
        return found, after

    def _replaced(self, of: Grouping) -> Callable[[Sequence[Decision], Decision], list[int]]:
        """Make what tells which names a new name takes the place of: those of the same person."""

        def group(decision: Decision) -> int:
            [row] = find_faces(decision.anchors, self.results.places).tolist()
            return NOISE if row == NOISE else int(of.groups[row])

        def chosen(before: Sequence[Decision], decision: Decision) -> list[int]:
            if not isinstance(decision, Person):
                return [
                    n
                    for n, each in enumerate(before)
                    if decision.kind == "ignore" == each.kind and each.anchors == decision.anchors
                ]
            own = group(decision)
            return [
                n
                for n, each in enumerate(before)
                if isinstance(each, Person)
                and (each.person == decision.person or (own != NOISE and group(each) == own))
            ]

        return chosen

    def _refuse_doubtful(self, now: _State, given: _Given, after: Grouping) -> None:
        """Ask, where a name is somebody else's, or where people of two names become one."""
        persons = [each for each in given.decisions if isinstance(each, Person)]
        rows = find_faces([each.person for each in persons], self.results.places).tolist()
        for decision, row in zip(persons, rows, strict=True):
            group = NOISE if row == NOISE else int(after.groups[row])
            if group != NOISE and (others := after.namesakes(group)):
                told = [
                    person_row(self.results, after, self._addresses, after.stands_for(other))
                    for other in others[:_MOST_ASKED]
                ]
                raise RefusedError(
                    HTTPStatus.CONFLICT,
                    error=f"{counted(len(others), 'person is', 'people are')} called {decision.name} already",
                    others=told,
                )
        before = now.grouping
        for group in {int(after.groups[row]) for row in after.anchored if row != NOISE} - {NOISE}:
            if group in after.named:
                continue
            numbers = {int(each) for each in np.unique(before.groups[after.rows(group)])}
            names = sorted({before.named[each] for each in numbers if each in before.named})
            if len(names) > 1:
                raise RefusedError(
                    HTTPStatus.CONFLICT,
                    error=f"they are called {' and '.join(names)}; which name is right?",
                    names=names,
                )

    def _told(self, before: _State, now: _State) -> dict[str, Any]:
        """Tell the page what an answer has changed."""
        were, are = ({each.id for each in each_of.questions} for each_of in (before, now))
        opened = [each for each in now.questions if each.id not in were]
        return {
            "etag": now.etag,
            "effect": self._effect(before.grouping, now.grouping),
            "progress": self._progress(now),
            "undo": self._undoable(now),
            "closed": sorted(were - are),
            "opened": self._asked(now, opened[:MORE])["questions"],
            "n_questions": len(now.questions),
        }

    def _effect(self, before: Grouping, after: Grouping) -> dict[str, Any]:
        return groupings.effect(before, after, self.results.frame_seconds, self.results.keys)

    def _asked(self, now: _State, questions: Sequence[Question]) -> dict[str, Any]:
        return {
            "questions": [
                asked(each, self.results, now.grouping, self._addresses, whole=self._whole)
                for each in questions
            ],
            "n_questions": len(now.questions),
        }

    def _progress(self, now: _State) -> dict[str, Any]:
        kinds = Counter(each.kind for each in now.questions)
        return {
            **groupings.progress(now.grouping),
            "n_decisions": len(now.grouping.decisions),
            "n_unsure": sum(each.answer == "unsure" for each in now.steps),
            "open": {kind: kinds[kind] for kind in KINDS},
        }

    def _listed(self, grouping: Grouping, group: int, is_reviewed: bool) -> dict[str, Any]:
        rows, best = grouping.rows(group), grouping.stands_for(group)
        person, name = grouping.ids.get(group, ""), grouping.name(group)
        return {
            "person": person,
            "name": name or (f"Person {person}" if person else ""),
            "named": bool(name),
            "seconds": grouping.seconds_of(group),
            "n_faces": len(rows),
            "n_broadcasts": len(np.unique(self.results.places.broadcast[rows])),
            "anchor": anchor_of(self.results, best),
            "portrait": self._addresses.crop(best),
            "more": self._addresses.more(best, None),
            "reviewed": is_reviewed,
            "ignored": "",
        }

    def _last(self, now: _State) -> Step | None:
        """Find the answer that undo takes back."""
        there = {state_of(each.text) for each in blocks(str(self.path), now.text)}
        return next(
            (each for each in reversed(now.steps) if not each.came or there.intersection(each.came)), None
        )

    def _undoable(self, now: _State) -> dict[str, Any] | None:
        step = self._last(now)
        if step is None:
            return None
        texts = [each.text for each in blocks(str(self.path), now.text)]
        return {
            "answer": step.answer,
            "kind": step.kind,
            "question": self._question_of(step),
            "blocks": [text for text in texts if state_of(text) in step.came],
            "unsure": step.answer == "unsure",
        }


def _text(path: Path) -> str:
    return read_text(path) if path.exists() else ""


def _wrong(reason: str) -> RefusedError:
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error=reason)


def _decision(block: Any, by: Any) -> Decision:
    """Read a decision that the page sends: a block of a file of corrections."""
    if not isinstance(block, dict):
        raise _wrong(f"decisions: found {quoted(block)}; allowed: an object")
    kinds = [key for key in block if key in corrections.KINDS]
    if len(kinds) != 1:
        raise _wrong(
            f"decisions: found {quoted(list(block))}; allowed: one of {', '.join(corrections.KINDS)}"
        )
    kind = corrections.KINDS[kinds[0]]
    given = {"on": date.today(), **({"by": by} if by else {}), **block}
    try:
        # Through JSON nothing of Python's comes in; a list of anchors is sorted as the commands do.
        found = kind.model_validate(given)
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise _wrong(_told_of(error, kind)) from error
    anchors = tuple(sorted(set(found.anchors), key=lambda each: each.place))
    if len(anchors) < len(found.anchors):
        raise _wrong(f"{kind.kind}: found one face twice")
    return found.model_copy(update={kind.kind: anchors}) if len(anchors) > 1 else found


def _told_of(error: Exception, kind: type[Decision]) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    key = str(first["loc"][0])
    allowed = kind.model_fields[key].description if key in kind.model_fields else ", ".join(kind.model_fields)
    found = "nothing" if first["type"] == "missing" else quoted(first.get("input"))
    return f"{'.'.join(map(str, first['loc']))}: found {found}; allowed: {allowed}"
