"""Entities from outside: tables, and GDELT's files, brought into the one table that everything here reads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from castgraph.archive.listing.choose import time_zone
from castgraph.base import files, tables
from castgraph.base.text import counted
from castgraph.base.textfiles import encoding_of, opened
from castgraph.labelling import tabular, vgeg
from castgraph.labelling.sources import STAGED, LeftOut

_JSON = (".json", ".jsonl", ".ndjson")
_ENDINGS = (*_JSON, ".csv", ".tsv", ".tab", ".txt", ".parquet")
"""How the files of a folder end that are read, also with ``.gz`` behind it."""

_TWICE = "the same entity of the same broadcast or day is there twice; the first counts"

# Parts of a show are added up; of a table's rows that say the same the first counts.
_MERGED = """
SELECT broadcast, station, min("show") AS "show", min(start) AS start, day, kind, entity,
    CASE WHEN min(place) < 0 THEN sum(count) FILTER (place < 0) ELSE arg_min(count, place) END AS count,
    count(*) FILTER (place >= 0) - (min(place) >= 0)::BIGINT AS twice
FROM staged GROUP BY broadcast, station, day, kind, entity
ORDER BY station, start, day, broadcast, kind, entity
"""


@dataclass(frozen=True)
class Outside:
    """What was read of sources from outside.

    Attributes
    ----------
    n_files
        Files that were read.
    n_rows
        Rows of the table that was written.
    left_out
        Why → how many rows, lines or files were left out.
    told
        The first of each reason, with its file and line.
    """

    n_files: int
    n_rows: int
    left_out: Mapping[str, int]
    told: Sequence[str]


def read_entities(
    sources: Sequence[Path],
    out: Path,
    *,
    timezone: str | None = None,
    threads: int = 1,
    memory: str = "2GB",
) -> Outside:
    r"""Read entities from tables, GDELT's files or folders of either, and write them as one table.

    Parameters
    ----------
    sources
        Files or folders; see `castgraph.labelling.tabular.read` and `castgraph.labelling.vgeg.read`.
    out
        The table to write, of the schema `castgraph.base.tables.ENTITIES`.
    timezone
        The time zone whose days part a show that runs past midnight, where each second has its time: its rows
        then have a day; None to leave shows whole.
    threads, memory
        For sorting; what does not fit into memory is put on the disk beside `out`.

    Returns
    -------
    Outside
        What was read, and what was left out, counted.

    Raises
    ------
    ValueError
        When a file that is named is no such table, or nothing at all could be read.

    Notes
    -----
    In memory are one line and one show, or some thousand rows, and what DuckDB needs for sorting.

    Examples
    --------
    >>> rows = "CBS;30.11.2012;desk;12\nCBS;30.11.2012;map;0\n"
    >>> _ = Path("seen.csv").write_text("Station;Day;Entity;Count\n" + rows)
    >>> found = read_entities([Path("seen.csv")], Path("entities.parquet"))
    >>> found.n_rows, found.left_out
    (1, {'the count is 0': 1})
    """
    zone = time_zone(timezone) if timezone else None
    left_out = LeftOut()
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".entities.", suffix=files.PART, dir=out.parent) as scratch:
        stage = Path(scratch) / "staged.parquet"
        n_files = 0
        with tables.writer(stage, STAGED, {}) as add:
            for path, parts in _parts(sources, zone, left_out):
                n_files += 1
                try:
                    for part in parts:
                        add(part)
                except ValueError as error:
                    if path in sources:
                        raise ValueError(f"{path}: {error}") from error
                    left_out.add("a file of a folder that cannot be read", path, found=str(error))
        n_rows = _merge(stage, out, left_out, threads, memory)
    return Outside(n_files, n_rows, dict(sorted(left_out.counts.items())), left_out.told)


def _parts(
    sources: Sequence[Path], zone: Any, left_out: LeftOut
) -> Iterator[tuple[Path, Iterator[pa.Table]]]:
    """Give each file with what is read of it."""
    places, seen = itertools.count(), vgeg.Seen()
    for path in _files(sources, left_out):
        if _is_json(path):
            yield path, vgeg.read(path, zone, seen, left_out)
        else:
            yield path, tabular.read(path, places, left_out)


def _files(sources: Sequence[Path], left_out: LeftOut) -> Iterator[Path]:
    """Find the files of the sources, those of a folder sorted by name; each once."""
    found: set[str] = set()
    for source in sources:
        if not source.exists():
            raise ValueError(f"{source}: there is no such file or folder")
        for path in _walk(source, left_out) if source.is_dir() else [source]:
            real = os.path.realpath(path)
            if real in found:
                left_out.add("the file is there twice", path)
                continue
            found.add(real)
            yield path


def _walk(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not files.is_hidden(name))
        for name in sorted(names):
            path = Path(here) / name
            if files.is_hidden(name):
                continue
            if not name.lower().removesuffix(".gz").endswith(_ENDINGS) or not path.is_file():
                left_out.add("no table and no file of JSON lines, by its name", path)
                continue
            yield path


def _is_json(path: Path) -> bool:
    """Tell whether a file holds JSON, by its name or how it begins; damage is seen when it is read."""
    if path.name.lower().removesuffix(".gz").endswith(_JSON):
        return True
    try:
        with opened(path, encoding_of(path) or "utf-8", errors="replace") as file:
            return file.read(1024).lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    except ValueError:
        return False


def _merge(stage: Path, out: Path, left_out: LeftOut, threads: int, memory: str) -> int:
    """Sort what was read, and leave out what is there twice."""
    import duckdb  # only this needs it

    config: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": str(stage.parent),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    n_rows = n_twice = 0
    facts = tables.provenance("entities", {})
    with duckdb.connect(":memory:", config=config) as connection, files.atomic(out) as part:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_parquet(str(stage)).create_view("staged")
        with tables.writer(part, tables.ENTITIES, facts) as add:
            for batch in connection.sql(_MERGED).to_arrow_reader(tables.ROW_GROUP):
                n_rows += len(batch)
                n_twice += pc.sum(batch["twice"]).as_py() or 0
                add(pa.table(batch).drop_columns("twice").cast(tables.ENTITIES))
            if n_twice:
                left_out.counts[_TWICE] += n_twice
            facts |= {"n_rows": n_rows, "left_out": dict(sorted(left_out.counts.items()))}
        if not n_rows:
            told = f": {left_out.told[0]}" if left_out.told else ""
            n = sum(left_out.counts.values())
            raise ValueError(f"nothing could be read of the sources; {counted(n, 'row')} left out{told}")
    return n_rows
