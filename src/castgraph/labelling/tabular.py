"""Tables of entities from outside: CSV as any country writes it, TSV, and Parquet."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from castgraph.base.csvs import SEPARATORS, column_name, separator_line
from castgraph.base.text import quoted
from castgraph.base.textfiles import NotDecodedError, encoding_of, opened
from castgraph.labelling.sources import (
    MOST_LINE,
    LeftOut,
    RowError,
    bounded,
    day_of,
    moment_of,
    month_first,
    name_of,
    number_of,
    said_by_id,
    staged,
)

COLUMNS: Mapping[str, Sequence[str]] = {
    "broadcast": ("broadcast", "broadcastid", "iashowid"),
    "station": ("station", "channel"),
    "show": ("show", "showname", "title", "program"),
    "start": ("start",),
    "day": ("day", "date"),
    "kind": ("kind",),
    "entity": ("entity", "entityname", "name", "label", "query"),
    "count": ("count", "n", "seconds", "numseconds", "frames", "value"),
}
"""Column → what it may be called, in small letters, without spaces and underscores."""

_BATCH = 16_384
_MOST_DAYS = 100_000  # different texts of days that are looked at to tell their order
_MOST_GROUP = 4 << 30  # bytes of a row group of Parquet


class Header(NamedTuple):
    """The first row of a table.

    Attributes
    ----------
    separator
        What parts its cells; empty in Parquet.
    names
        The names of all columns, as they are written.
    at
        Which columns hold what, of `COLUMNS`.
    stations
        Columns that are stations, where each has one of its own: their places.
    """

    separator: str
    names: tuple[str, ...]
    at: Mapping[str, int]
    stations: tuple[int, ...]


def header(names: Sequence[str], separator: str = "") -> Header:
    """Tell what the columns of a table hold.

    Raises
    ------
    ValueError
        When something is missing, or a column is there twice.

    Examples
    --------
    >>> found = header(["Date", "Query", "BBC News", "CNN"])
    >>> found.at, found.stations
    ({'day': 0, 'entity': 1}, (2, 3))
    """
    plain = [column_name(name).replace(" ", "").replace("_", "") for name in names]
    at = {
        column: plain.index(called)
        for column, aliases in COLUMNS.items()
        if (called := next((alias for alias in aliases if alias in plain), None))
    }
    shown = ", ".join(quoted(name) for name in names[:50] if name) or "none"
    for place in at.values():
        if plain.count(plain[place]) > 1:
            raise ValueError(f"{plain.count(plain[place])} columns are called {names[place]!r}")
    stations: tuple[int, ...] = ()
    if {"day", "entity"} <= set(at) and not {"count", "station", "broadcast"} & set(at):
        stations = tuple(n for n, name in enumerate(plain) if name and n not in at.values())
        if len({names[n] for n in stations}) < len(stations):
            raise ValueError(f"a station has two columns; the columns are {shown}")
    if "entity" not in at:
        raise ValueError(f"no column 'entity'; the columns are {shown}")
    if not stations:
        if "count" not in at:
            raise ValueError(f"no column 'count'; the columns are {shown}")
        if "broadcast" not in at and not ("station" in at and ("day" in at or "start" in at)):
            raise ValueError(f"no column 'broadcast', nor 'station' and 'day'; the columns are {shown}")
    return Header(separator, tuple(names), at, stations)


def read(path: Path, places: Iterator[int], left_out: LeftOut) -> Iterator[pa.Table]:
    """Read a table as a stream: what is in memory is some thousand rows.

    Parameters
    ----------
    path
        CSV or TSV, packed with gzip or not, in any encoding of `castgraph.base.textfiles`, cells parted by
        any of `castgraph.base.csvs.SEPARATORS`; or Parquet. A row has ``entity``, ``count`` and a
        ``broadcast`` or a ``station`` and a ``day``; ``show``, ``start`` and ``kind`` are read, too. Or each
        station has a column of its own beside ``day`` and ``entity``. See `COLUMNS` for other names of these.
    places
        Numbers for the rows, in order.
    left_out
        What is left out is added.

    Yields
    ------
    pyarrow.Table
        Of the schema `castgraph.labelling.sources.STAGED`.

    Raises
    ------
    ValueError
        When it is no such table.
    """
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    rows = _parquet(path) if is_parquet else _text(path, left_out)
    batch: dict[str, list[Any]] = defaultdict(list)
    for number, row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            values = _unit(row) | {
                "kind": name_of(row["kind"], "kind") if row.get("kind") else "entity",
                "entity": name_of(row.get("entity"), "entity"),
                "count": number_of(row.get("count"), decimal_comma=row.get("separator") not in (None, ",")),
                "place": next(places),
            }
        except RowError as fault:
            left_out.add(fault.why, path, number, fault.found)
            continue
        if values["count"] == 0:
            left_out.counts["the count is 0"] += 1
            continue
        for name, value in values.items():
            batch[name].append(value)
        if len(batch["place"]) >= _BATCH:
            yield staged(batch)
            batch.clear()
    if batch:
        yield staged(batch)


def _unit(row: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what a row counts: a broadcast or a station's day."""
    broadcast = name_of(row["broadcast"], "broadcast") if row.get("broadcast") else None
    said = said_by_id(broadcast) if broadcast else None
    station = row.get("station") or (said.station if said else None)
    if not station and broadcast:
        raise RowError("the broadcast is no broadcast ID, and there is no station", broadcast)
    start = moment_of(row["start"]) if row.get("start") else said.start if said else None
    day = row.get("day")
    found = day_of(day, month_first=row.get("month_first")) if day not in (None, "") else None
    if found is None and start is None:
        raise RowError("no day", day)
    return {
        "broadcast": broadcast,
        "station": name_of(station, "station"),
        "show": name_of(row["show"], "show") if row.get("show") else (said.title or None) if said else None,
        "start": start.replace(microsecond=0) if start else None,
        "day": found,
    }


_Rows = Iterator[tuple[int, Any]]


def _text(path: Path, left_out: LeftOut) -> _Rows:
    """Give the rows of CSV by their columns, or what is wrong with one."""
    encoding = encoding_of(path)
    errors = "strict" if encoding else "replace"
    days: set[str] = set()
    not_numbers: set[int] = set()
    try:
        head = _looked_at(path, encoding or "utf-8", "strict", days, not_numbers)
    except NotDecodedError:
        if encoding:
            raise
        encoding = "cp1252"
        head = _looked_at(path, encoding, errors, days, not_numbers)
    if not_numbers:
        names = ", ".join(quoted(head.names[n]) for n in sorted(not_numbers))
        raise ValueError(
            f"no column 'count', and columns that hold other than numbers are no stations: {names}"
        )
    known = {"month_first": month_first(days), "separator": head.separator}
    with opened(path, encoding or "utf-8", errors=errors) as file:
        rows = _cells(file, path, left_out)
        next(rows)
        for number, cells in rows:
            yield from _by_column(number, cells, head, known)


def _by_column(number: int, cells: Sequence[Any], head: Header, known: Mapping[str, Any]) -> _Rows:
    row = {**known, **{name: cells[n] for name, n in head.at.items() if n < len(cells)}}
    if not head.stations:
        yield number, row
    for n in head.stations:
        if n < len(cells) and cells[n] not in (None, ""):
            yield number, {**row, "station": head.names[n], "count": cells[n]}


def _looked_at(path: Path, encoding: str, errors: str, days: set[str], not_numbers: set[int]) -> Header:
    """Read a table once for its header, for what its days look like, and to see that it can be decoded."""
    with opened(path, encoding, errors=errors) as file:
        rows = _cells(file, path, LeftOut())
        first = next(rows, None)
        if first is None:
            raise ValueError("holds nothing")
        head = first[1]
        assert isinstance(head, Header)
        for _, cells in rows:
            place = head.at.get("day", len(cells))
            if place < len(cells) and len(days) < _MOST_DAYS:
                days.add(cells[place][:40])
            for n in head.stations:
                if n < len(cells) and cells[n]:
                    try:
                        number_of(cells[n], decimal_comma=head.separator != ",")
                    except RowError:
                        not_numbers.add(n)
    return head


def _cells(file: TextIO, path: Path, left_out: LeftOut) -> Iterator[tuple[int, Any]]:
    """Give first the header of a table, then the cells of each row that is not blank, with its line."""
    n_lines = 0

    def lines() -> Iterator[str]:
        nonlocal n_lines
        for n_lines, text in bounded(file, path):
            if text is None:
                left_out.add(f"a line of more than {MOST_LINE:,} characters", path, n_lines)
            else:
                yield text

    texts = lines()
    first = next((text for text in texts if text.strip(' \t\r\n\ufeff"' + "".join(SEPARATORS))), "")
    separators: Sequence[str] = SEPARATORS
    if given := separator_line(first.strip("\ufeff\r\n")):
        separators, first = (given,), next(texts, "")
    if not first:
        raise ValueError("holds nothing")
    head = _best_header(first, separators)
    yield n_lines, head
    while True:
        reader = csv.reader(texts, delimiter=head.separator)
        before = n_lines
        try:
            for row in reader:
                if any(cells := [cell.strip() for cell in row]):
                    yield n_lines, cells
                before = n_lines
            return
        except csv.Error as error:
            left_out.add("no CSV", path, n_lines, str(error), n=max(1, n_lines - before))


def _best_header(first: str, separators: Sequence[str]) -> Header:
    """Read the first row by the separator that gives the most columns that are known."""
    fault: ValueError | None = None
    found: list[Header] = []
    for separator in separators:
        try:
            names = next(csv.reader([first], delimiter=separator), [])
            found.append(header([name.replace("\ufeff", "").strip() for name in names], separator))
        except csv.Error as error:
            fault = fault or ValueError(str(error))
        except ValueError as error:
            # What is said is of the separator that parts the row.
            fault = error if fault is None or separator in first else fault
    if not found:
        raise fault or ValueError("holds nothing")
    return max(found, key=lambda head: len(head.at) + len(head.stations))


def _parquet(path: Path) -> _Rows:
    """Give the rows of Parquet by their columns."""
    try:
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            for n in range(file.num_row_groups):
                if file.metadata.row_group(n).total_byte_size > _MOST_GROUP:
                    raise ValueError(f"a row group takes more than {_MOST_GROUP >> 30} GB")
            names = file.schema_arrow.names
            head = header(names)
            wanted = [names[n] for n in sorted({*head.at.values(), *head.stations})]
            head = header(wanted)
            number = 0
            for batch in file.iter_batches(_BATCH, columns=wanted, use_threads=False):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield from _by_column(number, cells, head, {})
    except (pa.ArrowException, OSError, UnicodeError, OverflowError) as error:
        raise ValueError(f"cannot be read ({error})") from error
