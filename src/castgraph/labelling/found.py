"""Everything that is found in the entities of broadcasts, as tables."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from castgraph.archive.listing.choose import WEEKDAYS
from castgraph.base import csvs, tables
from castgraph.labelling import dips
from castgraph.labelling.likeness import judge
from castgraph.labelling.published import correlate
from castgraph.labelling.suspects import suspects

TABLES: Mapping[str, pa.Schema] = {
    "correlation": tables.CORRELATION,
    "dips": tables.DIPS,
    "likeness": tables.LIKENESS,
    "suspects": tables.SUSPECTS,
}
"""What is written, each as Parquet and CSV."""


def write_found(
    folder: Path,
    entities: Path,
    *,
    timezone: str,
    weekdays: Sequence[str],
    above: float,
    broadcasts: Path | None = None,
    names: Mapping[str, str] | None = None,
    link: Callable[[str], str] | None = None,
    threads: int = 1,
    memory: str = "2GB",
    scratch: str | os.PathLike[str] | None = None,
) -> pa.Table:
    """Correlate the stations, judge each broadcast, and write what comes of it.

    Parameters
    ----------
    folder
        Gets `TABLES`, as Parquet and CSV.
    entities
        A table of the schema `castgraph.base.tables.ENTITIES`.
    timezone, weekdays, above
        As the section ``labelling`` of the configuration has them.
    broadcasts
        The broadcasts of a run, so that those without any entity are told of, too; None for tables from
        outside.
    names
        person_id → name.
    link
        Gives the address where a broadcast can be seen; None for nowhere.
    threads, memory, scratch
        As for `castgraph.labelling.published.correlate`.

    Returns
    -------
    Table
        The suspects.
    """
    days = [WEEKDAYS.index(each) for each in weekdays]
    correlation = correlate(
        entities,
        timezone=timezone,
        weekdays=days,
        above=above,
        threads=threads,
        memory=memory,
        scratch=scratch,
    )
    departing = dips.find(correlation)
    likeness = judge(entities, departing, broadcasts=broadcasts, timezone=timezone)
    found = {
        "correlation": correlation,
        "dips": departing,
        "likeness": likeness,
        "suspects": suspects(likeness, entities, names=names or {}, link=link),
    }
    facts = tables.provenance(
        "suspects",
        {"timezone": timezone, "weekdays": list(weekdays), "above": above},
        n_judged=sum(verdict != "not judged" for verdict in likeness["verdict"].to_pylist()),
        n_suspects=len(found["suspects"]),
    )
    for name, schema in TABLES.items():
        tables.write(folder / f"{name}.parquet", found[name], facts, schema)
        csvs.write(folder / f"{name}.csv", schema.names, _rows(found[name]))
    return found["suspects"]


def _rows(table: pa.Table) -> Iterator[list[object]]:
    for batch in table.to_batches(tables.ROW_GROUP):
        columns = [column.to_pylist() for column in batch.columns]
        yield from ([_cell(value) for value in row] for row in zip(*columns, strict=True))


def _cell(value: object) -> object:
    """Write a value of a table; what is undefined is empty."""
    return None if isinstance(value, float) and math.isnan(value) else csvs.plain(value)
