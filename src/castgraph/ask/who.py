"""Who is meant by what somebody writes."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from castgraph.ask.views import QueryError, Views
from castgraph.base import times
from castgraph.base.text import quoted
from castgraph.people.ids import read_id

_MOST_TOLD = 5


class Person(NamedTuple):
    """Somebody of the results."""

    person_id: str
    name: str
    screen_seconds: float


def somebody(views: Views, text: str) -> Person:
    """Tell who is meant.

    Parameters
    ----------
    views
        The tables.
    text
        An ID, as somebody may write it down, or a name exactly as the results have it.

    Raises
    ------
    QueryError
        When it is nobody or several; the message says who could be meant.
    """
    rows = views.ask("SELECT person_id, name, screen_seconds FROM people ORDER BY rank").read_all()
    people = {row["person_id"]: Person(**row) for row in rows.to_pylist()}
    wanted, person_id = _key(text), read_id(text)
    found = [
        person for person in people.values() if person.person_id == person_id or _key(person.name) == wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise QueryError(f"{quoted(text)} may be {_listed(found)}; give the ID")
    if person_id and (now := people.get(_merged_into(views, person_id))):
        raise QueryError(f"{person_id} is no more: the faces are now of {_told(now)}")
    near = _near(list(people.values()), wanted)
    raise QueryError(
        f"nobody is called {quoted(text)} or has that ID; "
        + (f"perhaps {_listed(near)}" if near else "the table people tells who there is")
    )


def _merged_into(views: Views, person_id: str) -> str:
    """Tell who has the faces of somebody who is no more; empty where that is not known."""
    if "people_changes" in views.absent:
        return ""
    sql = """SELECT "to" FROM people_changes WHERE kind = 'merged' AND "from" = $id ORDER BY n_faces DESC"""
    rows = views.ask(sql, {"id": person_id}).read_all()["to"].to_pylist()
    return str(rows[0]) if rows else ""


def _near(people: Sequence[Person], wanted: str) -> list[Person]:
    """Find who is called nearly so: those first whose names hold it."""
    text = wanted.casefold()
    if not text:
        return []
    names = [_key(person.name).casefold() for person in people]
    alike = difflib.get_close_matches(text, set(names), _MOST_TOLD, cutoff=0.7)
    ids = difflib.get_close_matches(wanted.upper(), [person.person_id for person in people], cutoff=0.7)
    holding = [person for person, name in zip(people, names, strict=True) if text in name]
    others = [
        person for person, name in zip(people, names, strict=True) if name in alike or person.person_id in ids
    ]
    return list(dict.fromkeys([*holding, *others]))


def _key(name: str) -> str:
    """Write a name as all systems write it: macOS has accents apart."""
    return unicodedata.normalize("NFC", name.strip())


def _told(person: Person) -> str:
    return f"{person.name} ({person.person_id}, {times.duration(person.screen_seconds)} on screen)"


def _listed(people: Sequence[Person]) -> str:
    told = [_told(person) for person in people[:_MOST_TOLD]]
    if len(people) > _MOST_TOLD:
        told.append(f"{len(people) - _MOST_TOLD:,} more")
    return ", or ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
