"""Who is meant in a question."""

from __future__ import annotations

from typing import NamedTuple

from castgraph.ask.views import QueryError, Views
from castgraph.people.ids import read_id
from castgraph.people.who import COLUMNS, WhoError, find_person


class Person(NamedTuple):
    """Somebody of the results."""

    person_id: str
    name: str


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
        When it is nobody or several; the message says who could be meant, and who has the faces of somebody
        who was merged.
    """
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    people = views.ask(f"SELECT {columns} FROM people ORDER BY rank").read_all()  # noqa: S608 (constants)
    try:
        found = find_person(people, text)
    except WhoError as error:
        person_id = read_id(text)
        if person_id and (now := _merged_into(views, person_id)):
            raise QueryError(f"{person_id} is no more: the faces are now of {now}") from error
        raise QueryError(str(error)) from error
    return Person(found["person_id"], found["name"])


def _merged_into(views: Views, person_id: str) -> str:
    """Tell who has the faces of somebody who is no more; empty where that is not known."""
    if "people_changes" in views.absent:
        return ""
    sql = """
        SELECT name || ' (' || "to" || ')' AS now FROM people_changes JOIN names ON "to" = person_id
        WHERE kind = 'merged' AND "from" = $id ORDER BY n_faces DESC
    """
    rows = views.ask(sql, {"id": person_id}).read_all()["now"].to_pylist()
    return str(rows[0]) if rows else ""
