"""Tables of recordings: CSV as spreadsheets in any country write it."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from castgraph.archive.listing.left_alone import LeftAlone
from castgraph.archive.listing.local import is_recording
from castgraph.base.csvs import SEPARATORS, column_name
from castgraph.base.text import counted, quoted

_KNOWN = ("broadcast", "source", "guessed", "station", "start", "title", "program", "origin")
"""Columns about which nothing is said: those that are read, of `castgraph init` and of ``selected.csv``."""

_PATH = re.compile(r"(?:\.{0,2}/|~/|[A-Za-z]:\\|\\\\|[a-z]+://)")
_TOLD = 10  # rows that are told one by one
_MOST_TRIED = 100  # values that are looked for on the disk


Entry = tuple[int, str, str]
"""What a line of a list says: its number, the ID, or what should be one, and the source."""


class Header(NamedTuple):
    """The first row of a table.

    Attributes
    ----------
    separator
        What parts its cells.
    columns
        Their names in small letters.
    """

    separator: str
    columns: tuple[str, ...]


def header(line: str, separator: str = "") -> Header | None:
    """Read the first row of a table; None when it is none, as no column is called ``broadcast``.

    Parameters
    ----------
    line
        The row.
    separator
        What parts its cells; empty when that is not known.

    Raises
    ------
    ValueError
        When it is a table without that column, or with a column twice.
    """
    for each in [separator] if separator else SEPARATORS:
        try:
            columns = tuple(column_name(cell) for cell in next(csv.reader([line], delimiter=each)))
        except csv.Error:
            continue
        while columns and not columns[-1]:
            columns = columns[:-1]
        if "broadcast" in columns or "source" in columns or separator:
            if "broadcast" not in columns:
                raise ValueError(f"no column 'broadcast'; the columns are {', '.join(map(quoted, columns))}")
            for name in ("broadcast", "source"):
                if columns.count(name) > 1:
                    raise ValueError(f"{columns.count(name)} columns are called {name!r}")
            return Header(each, columns)
    return None


def rows(lines: Iterable[tuple[int, str]], head: Header, here: Path, first: int) -> Iterator[Entry]:
    """Give the entries of a table.

    Parameters
    ----------
    lines
        What follows the first row, with the numbers of the lines.
    head
        The first row.
    here
        Where relative paths start from.
    first
        The number of the line of the first row.

    Raises
    ------
    ValueError
        At the end, when rows cannot be used: it tells how many, and the first ten with their lines.
    """
    number = last = first

    def counting() -> Iterator[str]:
        nonlocal number
        for number, line in lines:  # noqa: B007
            yield line

    broadcast_at = head.columns.index("broadcast")
    source_at = head.columns.index("source") if "source" in head.columns else None
    others = [n for n, name in enumerate(head.columns) if name not in _KNOWN and source_at is None]
    wrong: list[str] = []
    tries = itertools.repeat(True, _MOST_TRIED)
    try:
        for row in csv.reader(counting(), delimiter=head.separator, strict=True):
            cells, last = [cell.strip() for cell in row], number
            if not any(cells):
                continue
            if any(cells[len(head.columns) :]):
                wrong.append(f"line {number}: {len(cells)} cells, and {len(head.columns)} columns")
                continue
            cells += [""] * (len(head.columns) - len(cells))
            broadcast, source = cells[broadcast_at], "" if source_at is None else cells[source_at]
            if broadcast.startswith("#"):
                continue
            if not broadcast:
                what = f"the source {quoted(source)}" if source else "something"
                wrong.append(f"line {number}: {what}, and no broadcast")
                continue
            for each in others:
                _refuse_sources(head.columns[each], cells[each], here, look=next(tries, False))
            yield number, broadcast, source
    except csv.Error as error:
        raise ValueError(f"the row behind line {last} is no CSV ({error})") from error
    if wrong:
        told = "; ".join(wrong[:_TOLD]) + ("; …" if len(wrong) > _TOLD else "")
        raise ValueError(f"{counted(len(wrong), 'row')} cannot be used: {told}")


def unread(path: str, columns: Sequence[str]) -> list[LeftAlone]:
    """Tell which columns of a table are not read, unless they are known to be of no account."""
    names = [name or "without a name" for name in columns if name not in _KNOWN]
    return [LeftAlone(f"{path}, column {name}", "not read; those are broadcast and source") for name in names]


def _refuse_sources(column: str, value: str, here: Path, *, look: bool) -> None:
    """Refuse a table whose sources are in a column of another name: the archive would be asked instead."""
    is_source = bool(value) and (
        is_recording(value) or _PATH.match(value) or (look and os.path.exists(here / value))  # noqa: PTH110
    )
    if is_source:
        raise ValueError(
            f"no column 'source', and the column {quoted(column)} holds paths or addresses "
            f"({quoted(value)}): call it source"
        )
