"""The broadcasts that are not what their title says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables

Path = str | os.PathLike[str]
Entity = tuple[str, str]
"""Kind and entity."""

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
    asked = sorted({_title(row) for row in rows if row["verdict"] == "suspect"})
    number = {title: n for n, title in enumerate(asked)}
    # Counted are the usual ones of each title together, and each suspect alone.
    group = np.full(len(rows), -1)
    usual = [0] * len(asked)
    for place, row in enumerate(rows):
        title = number.get(_title(row), -1)
        if row["verdict"] == "suspect":
            group[place] = len(asked) + place
        elif title >= 0 and row["verdict"] in ("usual", "new host", "new season"):
            group[place] = title
            usual[title] += 1
    seen: list[list[tuple[int, float, Entity]]] = [[] for _ in asked]
    have: set[tuple[int, Entity]] = set()
    for row in _counted(rows, group, entities).to_pylist():
        entity = row["kind"], row["entity"]
        if row["group"] < len(asked):
            seen[row["group"]].append((row["n"], row["count"], entity))
        else:
            have.add((row["group"] - len(asked), entity))
    found = {}
    for place, row in enumerate(rows):
        if row["verdict"] != "suspect":
            continue
        title = number[_title(row)]
        least = max(NEARLY_ALL * usual[title], FEWEST)
        absent = [
            (-many, -count, entity[1])
            for many, count, entity in seen[title]
            if many >= least and (place, entity) not in have
        ]
        if absent:
            found[place] = min(absent)[2]
    return found


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["broadcast"],) if row["broadcast"] is not None else (row["station"], row["day"])


def _counted(rows: list[dict[str, Any]], group: NDArray[np.int64], entities: pa.Table | Path) -> pa.Table:
    """Sum the entities of each group of broadcasts, and count in how many of them they are.

    Parameters
    ----------
    rows
        The broadcasts.
    group
        The group of each, -1 for none; shape (n,).
    entities
        Read as a stream.
    """
    place_of = {_key(row): place for place, row in enumerate(rows)}
    columns = ["broadcast", "station", "day", "kind", "entity", "count"]
    batches = (
        entities.select(columns).to_batches(tables.ROW_GROUP)
        if isinstance(entities, pa.Table)
        else tables.batches(entities, tables.ENTITIES, columns)
    )
    parts = [_COUNTED.empty_table()]
    for batch in batches:
        presents = pc.is_in(_plain(batch["kind"]), value_set=pa.array(_PRESENTS))
        some = batch.filter(presents)
        codes = [pc.dictionary_encode(some[name], null_encoding="encode") for name in columns[:3]]
        units, where = np.unique(
            np.stack([each.indices.to_numpy() for each in codes]), axis=1, return_inverse=True
        )
        values = [each.dictionary.to_pylist() for each in codes]
        keys = (
            dict(zip(columns, (of[code] for of, code in zip(values, unit, strict=True)), strict=False))
            for unit in units.T.tolist()
        )
        place = np.array([place_of.get(_key(key), -1) for key in keys], np.int64)
        of_row = np.append(group, -1)[place][where.ravel()]
        chosen = pa.array(np.flatnonzero(of_row >= 0))
        counted = [of_row[of_row >= 0], _plain(some["kind"]).take(chosen), some["entity"].take(chosen)]
        part = pa.table(
            [*counted, some["count"].take(chosen), np.ones(len(chosen), np.int64)], schema=_COUNTED
        )
        parts.append(_summed(part))
    return _summed(pa.concat_tables(parts))


_COUNTED = pa.schema(
    {"group": pa.int64(), "kind": pa.string(), "entity": pa.string(), "count": pa.float64(), "n": pa.int64()}
)


def _summed(part: pa.Table) -> pa.Table:
    # By one thread, so that sums do not depend on it.
    keys = ["group", "kind", "entity"]
    found = part.group_by(keys, use_threads=False).aggregate([("count", "sum"), ("n", "sum")])
    return found.rename_columns([*keys, "count", "n"])


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
