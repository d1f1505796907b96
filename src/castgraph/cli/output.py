"""What commands print: tables, CSV and errors."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from castgraph.base import csvs, times
from castgraph.base.streams import console, write_utf8
from castgraph.base.text import counted, line

MOST_ROWS = 1000
"""Rows of a table that a person looks at."""


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_csv: bool) -> None:
    """Print a table, or CSV. Nothing of it is cut."""
    if as_csv:
        write_utf8()
        csvs.put(sys.stdout, columns, rows)
        return
    table = Table(box=None, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row))
    console().print(table)


class Form(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def form(*, as_csv: bool, as_json: bool) -> Form:
    """Choose how an answer is printed."""
    if as_csv and as_json:
        raise typer.BadParameter("one of --csv and --json", param_hint="--json")
    return Form.CSV if as_csv else Form.JSON if as_json else Form.TABLE


def print_answer(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: Form) -> None:
    """Print an answer of any length: as CSV or JSON row by row, as a table no more than `MOST_ROWS`."""
    if form is Form.JSON:
        write_utf8()
        _put_json(columns, rows)
        sys.stdout.write("\n")
        return
    if form is Form.CSV:
        print_rows(columns, ([csvs.plain(value) for value in row] for row in rows), as_csv=True)
        return
    rows = iter(rows)
    print_rows(columns, ([_told(value) for value in row] for row in islice(rows, MOST_ROWS)), as_csv=False)
    if more := sum(1 for _ in rows):
        typer.echo(f"{counted(more, 'more row')}; --csv and --json tell all", err=True)


def print_json(listings: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]]) -> None:
    """Print several lists of rows, each with its columns, as one JSON object."""
    write_utf8()
    for number, (name, (columns, rows)) in enumerate(listings.items()):
        sys.stdout.write(f"{',' if number else '{'}\n{json.dumps(name)}: ")
        _put_json(columns, rows)
    sys.stdout.write("\n}\n")


def _put_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as a JSON array, a line each."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        values = {name: _as_json(value) for name, value in zip(columns, row, strict=True)}
        sys.stdout.write(",\n" if number else "\n")
        sys.stdout.write(json.dumps(values, ensure_ascii=False, allow_nan=False, default=str))
    sys.stdout.write("\n]")


def _as_json(value: Any) -> Any:
    """Make a value one of JSON, which has no moments and no words for what is not a number."""
    if isinstance(value, datetime):
        return csvs.plain(value)
    if isinstance(value, Decimal):  # what sums of whole numbers are in SQL
        return int(value) if value == int(value) else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return {name: _as_json(each) for name, each in value.items()} if isinstance(value, dict) else value


def _told(value: Any) -> str:
    """Write a value for people; nothing of it is obeyed by a terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return times.second(value)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return line(str(csvs.plain(value)))


def fail(message: object) -> NoReturn:
    """End the command with an error in one line."""
    typer.echo(f"error: {line(str(message))}", err=True)
    raise typer.Exit(1)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is waited for when the block takes more than a second."""
    timer = threading.Timer(1, typer.echo, [f"waiting for {line(what)} …"], {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def failing(*errors: type[Exception], because: str = "") -> Iterator[None]:
    """End the command with an error in one line when the block raises one of `errors`.

    Parameters
    ----------
    errors
        Those that are to be expected. Others are faults of castgraph.
    because
        What is said before the error's own message.
    """
    try:
        yield
    except BrokenPipeError:  # whoever reads it has had enough
        raise
    except errors as error:
        fail(f"{because}{error}")
