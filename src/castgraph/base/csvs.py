"""CSV files: what a spreadsheet opens, so no text in them becomes a formula."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TextIO

from castgraph.base import files
from castgraph.base.text import no_formula


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


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    # Python does not quote a carriage return alone, and for a spreadsheet it would begin a row.
    return no_formula(value).replace("\r\n", "\n").replace("\r", "\n")
