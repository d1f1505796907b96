"""The broadcasts that are not what their title says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from castgraph.base import tables

Path = str | os.PathLike[str]

NEARLY_ALL = 0.8
"""A host is in so large a share of the usual broadcasts of a title, at least."""

FEWEST = 2
"""Of how many it has to be, at least."""

_PRESENTS = ("person", "entity")
"""The kinds of which one may be missing: who, before what; of tables from outside whatever there is."""


def suspects(
    likeness: pa.Table,
    entities: pa.Table | Path,
    *,
    names: Mapping[str, str] | None = None,
    link: Callable[[str], str] | None = None,
) -> pa.Table:
    """List the suspects, with the host that each lacks, and which of them follow each other.

    Parameters
    ----------
    likeness
        What `castgraph.labelling.likeness.judge` gave.
    entities
        What it was given.
    names
        What people are called, by their ID; the ID itself where there is none.
    link
        Gives the address where a broadcast can be seen; empty for none.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.SUSPECTS`, by station and time.
    """
    rows = likeness.to_pylist()
    runs = _runs(rows)
    missing = _missing(rows, entities)
    found = []
    for place, row in enumerate(rows):
        if row["verdict"] != "suspect":
            continue
        absent = missing.get(place, "")
        found.append(
            {
                **row,
                "run": runs[place],
                "missing": absent,
                "missing_name": (names or {}).get(absent, absent),
                "link": link(row["broadcast"]) if link and row["broadcast"] else "",
            }
        )
    return pa.Table.from_pylist(found, tables.SUSPECTS)


def _title(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["station"], row["title"]


def _runs(rows: list[dict[str, Any]]) -> dict[int, int]:
    """Give each suspect its run: no usual broadcast of the title parts those of one."""
    found: dict[int, int] = {}
    last: dict[tuple[str, str], int | None] = {}
    n = 0
    for place, row in enumerate(rows):
        if row["verdict"] == "not judged":
            continue
        run = last.get(_title(row))
        if row["verdict"] != "suspect":
            last[_title(row)] = None
            continue
        if run is None:
            run, n = n, n + 1
        found[place] = last[_title(row)] = run
    return found


def _missing(rows: list[dict[str, Any]], entities: pa.Table | Path) -> dict[int, str]:
    """Find whom, or what, nearly all usual broadcasts of the title have and a suspect has not."""
    key_of = {_key(row): place for place, row in enumerate(rows)}
    asked = {_title(row) for row in rows if row["verdict"] == "suspect"}
    usual = dict.fromkeys(asked, 0)
    for row in rows:
        if _title(row) in asked and row["verdict"] in ("usual", "new host", "new season"):
            usual[_title(row)] += 1
    seen: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = {title: {} for title in asked}
    have: dict[int, set[tuple[str, str]]] = {}
    for key, kind, entity, count in _entities(entities):
        place = key_of.get(key)
        if place is None or kind not in _PRESENTS or _title(rows[place]) not in asked:
            continue
        if rows[place]["verdict"] == "suspect":
            have.setdefault(place, set()).add((kind, entity))
        elif rows[place]["verdict"] in ("usual", "new host", "new season"):
            of = seen[_title(rows[place])].setdefault((kind, entity), [0, 0.0])
            of[0] += 1
            of[1] += count
    found = {}
    for place, row in enumerate(rows):
        if row["verdict"] != "suspect":
            continue
        n = usual[_title(row)]
        absent = [
            (-many, -count, entity)
            for (kind, entity), (many, count) in seen[_title(row)].items()
            if many >= max(NEARLY_ALL * n, FEWEST) and (kind, entity) not in have.get(place, ())
        ]
        if absent:
            found[place] = min(absent)[2]
    return found


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["broadcast"],) if row["broadcast"] is not None else (row["station"], row["day"])


def _entities(entities: pa.Table | Path) -> Any:
    columns = ["broadcast", "station", "day", "kind", "entity", "count"]
    parts = (
        entities.select(columns).to_batches(tables.ROW_GROUP)
        if isinstance(entities, pa.Table)
        else tables.batches(entities, tables.ENTITIES, columns)
    )
    for batch in parts:
        for row in batch.to_pylist():
            yield _key(row), row["kind"], row["entity"], row["count"]
