"""Whom somebody means by an ID or a name."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from castgraph.base import times
from castgraph.base.text import quoted, shortened
from castgraph.people.ids import read_id

COLUMNS = (
    *("person_id", "name", "name_from", "screen_seconds"),
    *("broadcast", "frame", "top", "right", "bottom", "left"),
)
"""What of the people table is looked at."""

_MOST_TOLD = 5
_LONGEST = 60


class WhoError(ValueError):
    """Nobody is meant, or several may be; the message says who."""


def find_person(people: pa.Table, text: str) -> dict[str, Any]:
    """Find the person whom somebody means.

    Parameters
    ----------
    people
        The people table, at least `COLUMNS`.
    text
        An ID, as somebody may write it down, or a name exactly as it is.

    Returns
    -------
    dict
        The row of the person.

    Raises
    ------
    WhoError
        When there is nobody, or several people have the name; the message says who could be meant.
    """
    rows: list[dict[str, Any]] = people.select(list(COLUMNS)).to_pylist()
    wanted, name = read_id(text), unicodedata.normalize("NFC", text.strip())
    found = [row for row in rows if row["name"] == name or (wanted and row["person_id"] == wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise WhoError(f"{quoted(text)} may be {_told(found)}; say the ID")
    alike = {folded(row["name"]): row for row in rows}
    near = [alike[each] for each in difflib.get_close_matches(folded(text), alike, n=_MOST_TOLD)]
    inside = [row for row in rows if folded(text) and folded(text) in folded(row["name"])]
    maybe = {row["person_id"]: row for row in [*inside, *near]}.values()
    hint = f"; did you mean {_told(list(maybe))}?" if maybe else ""
    raise WhoError(f"nobody is called {quoted(text)}{hint or ', and nobody has that ID'}")


def namesakes(people: pa.Table, name: str, but: str) -> list[dict[str, Any]]:
    """Find who else has a name, or one that differs in capitals and spaces only.

    Parameters
    ----------
    people
        The people table.
    name
        The name.
    but
        The ID of a person who does not count.
    """
    rows = people.select(list(COLUMNS)).to_pylist()
    return [row for row in rows if folded(row["name"]) == folded(name) and row["person_id"] != but]


def folded(name: str) -> str:
    """Write a name without capitals, and without what spaces and forms of letters may differ in."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _told(rows: Sequence[dict[str, Any]]) -> str:
    told = [
        f"{row['person_id']} ({shortened(row['name'], _LONGEST)}, {times.duration(row['screen_seconds'])})"
        for row in rows[:_MOST_TOLD]
    ]
    more = f" or {len(rows) - _MOST_TOLD:,} more" if len(rows) > _MOST_TOLD else ""
    return f"{' or '.join(told)}{more}"
