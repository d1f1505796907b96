"""What commands print: tables, CSV and errors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from castgraph.base import csvs
from castgraph.base.streams import console, write_utf8
from castgraph.base.text import line


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
    except errors as error:
        fail(f"{because}{error}")
