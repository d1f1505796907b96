"""CSV files: what a spreadsheet opens, so no text in them becomes a formula."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from castgraph.base import files, times
from castgraph.base.text import no_formula, quoted
from castgraph.base.textfiles import NotDecodedError, encoding_of, opened

SEPARATORS = (",", ";", "\t", "|")
"""What may part the cells of a table."""

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # which Excel reads, and some programs write

Row = tuple[int, dict[str, str]]
"""The number of the line in which a row ends, and its cells by the names of the columns."""


def write(path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, atomically.

    Parameters
    ----------
    path
        The file to write.
    columns
        The header.
    rows
        As many values each. Texts are guarded by `castgraph.base.text.no_formula`, and their line breaks
        become line feeds; numbers stay as they are.
    """
    with files.atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        put(file, columns, rows)


def put(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV, as `write` does, to a file that is open, such as ``sys.stdout``."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in rows)


def plain(value: object) -> object:
    """Write a value of a table as programs read it: moments in UTC, and lists with spaces between.

    Examples
    --------
    >>> from datetime import UTC
    >>> plain(datetime(2024, 1, 3, 7, tzinfo=UTC)), plain([1.5, 2.0]), plain(True)
    ('2024-01-03T07:00:00Z', '1.5 2.0', 'true')
    """
    if isinstance(value, datetime):
        return times.exact(value)
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else value


def read(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Read a CSV file, of castgraph or made elsewhere.

    Parameters
    ----------
    path
        The file, in UTF-8 with or without a byte order mark.
    columns
        What it must have; other columns are read as well.

    Returns
    -------
    list of dict
        A row each, by the names of the columns; what a row lacks is empty.

    Raises
    ------
    ValueError
        When a column is not there, or the file is no CSV in UTF-8; the message names the file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            found = list(reader.fieldnames or ())
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    for column in columns:
        if column not in found:
            raise ValueError(f"{path}: no column {column!r}; the columns are {found}")
    return rows


def read_any(path: Path, columns: Collection[str]) -> list[Row]:
    """Read a table as a spreadsheet in any country writes it.

    Parameters
    ----------
    path
        The file: cells parted by any of `SEPARATORS`, names of columns in capitals or with spaces around
        them, a line such as ``sep=;`` above them, blank rows, UTF-8, UTF-16 or UTF-32. In the encodings of
        other countries only ASCII is sure to be read right.
    columns
        What it must have, in small letters; other columns are read as well.

    Returns
    -------
    list of Row
        Without blank rows; cells without the spaces around them, and empty where a row is short.

    Raises
    ------
    ValueError
        When a column is not there or is there twice, or the file is no such table; the message names it.
    """
    try:
        encoding = encoding_of(path)
        try:
            with opened(path, encoding or "utf-8") as file:
                return list(_rows(file, columns))
        except NotDecodedError:
            if encoding:
                raise
        with opened(path, "cp1252", errors="replace") as file:
            return list(_rows(file, columns))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error


def _rows(file: TextIO, columns: Collection[str]) -> Iterator[Row]:
    lines = iter(file)
    first, above = next(((line, n) for n, line in enumerate(lines) if not _is_blank(line)), ("", 0))
    separators: Sequence[str] = SEPARATORS
    if given := separator_line(first):
        separators, first, above = (given,), next(lines, ""), above + 1
    heads = [
        [column_name(cell) for cell in next(csv.reader([first], delimiter=each), [])] for each in separators
    ]
    best = max(range(len(heads)), key=lambda n: len(set(columns) & set(heads[n])))
    head = heads[best]
    for column in columns:
        if head.count(column) != 1:
            found = ", ".join(map(quoted, filter(None, head))) or "none"
            what = f"{head.count(column)} columns are called" if column in head else "no column"
            raise ValueError(f"{what} {column!r}; the columns are {found}")
    reader = csv.reader(itertools.chain([first], lines), delimiter=separators[best])
    next(reader)
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield above + reader.line_num, dict(itertools.zip_longest(head, cells[: len(head)], fillvalue=""))


def _is_blank(line: str) -> bool:
    return not line.strip(' \t\r\n\ufeff"' + "".join(SEPARATORS))


def column_name(cell: str) -> str:
    """Read the name of a column: in small letters, without a byte order mark or spaces around it."""
    return cell.replace("\ufeff", "").strip().lower()


def separator_line(line: str) -> str:
    """Give what a line such as ``sep=;`` says parts the cells; empty when it is no such line."""
    match = _SEPARATOR_LINE.fullmatch(line)
    return match[1] if match else ""


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    # Python does not quote a carriage return alone, and for a spreadsheet it would begin a row.
    return no_formula(value).replace("\r\n", "\n").replace("\r", "\n")
