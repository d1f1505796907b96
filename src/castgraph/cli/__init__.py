"""The command ``castgraph``; every subcommand only forwards to the library."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from castgraph import __version__
from castgraph.run import summary as summaries

if TYPE_CHECKING:
    from castgraph.run.status import State

Again = StrEnum("Again", ["missing", "unreachable", "damaged", "partial", "empty"])

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Who appears with whom on television.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Who appears with whom on television; the workflow itself is run by ``snakemake``."""


@app.command()
def summary(
    run: Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")],
) -> None:
    """Tell what a run read and found."""
    file = run / "summary.json" if run.is_dir() else run
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        summaries.show(found, file.parent)
    except FileNotFoundError:
        typer.echo(f"error: no {file}; the run is not finished, or its results are elsewhere", err=True)
        raise typer.Exit(1) from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        typer.echo(f"error: {file} is not a summary of castgraph ({error!r})", err=True)
        raise typer.Exit(1) from None


def _states(work: Callable[[], list[State]]) -> list[State]:
    try:
        return work()
    except (OSError, KeyError, ValueError) as error:
        typer.echo(
            f"error: not the results of a run, or of one that has not chosen its broadcasts: {error}",
            err=True,
        )
        raise typer.Exit(1) from None


@app.command()
def status(
    run: Annotated[
        Path, typer.Argument(help="The results of a run, for example results/demo; finished or not.")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="All broadcasts and inventories as CSV.")] = False,
) -> None:
    """Tell what has become of each broadcast: what is missing, damaged or partial, and why."""
    from castgraph.run.status import State, render, states  # loads much, as do all stages

    found = _states(lambda: states(run))
    if as_csv:
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerows([State._fields[:-1], *(state[:-1] for state in found)])
    else:
        summaries.console().print(render(found))


@app.command()
def retry(
    run: Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")],
    statuses: Annotated[
        list[Again] | None, typer.Option("--status", help="Only what has this status; may be given again.")
    ] = None,
) -> None:
    """Have the next run ask again for what is missing, unreachable, damaged or partial, and nothing else."""
    from castgraph.run.status import ASK_AGAIN, ask_for_again

    kinds = Counter(state.kind for state in _states(lambda: ask_for_again(run, statuses or ASK_AGAIN)))
    if not kinds:
        typer.echo(f"{run}: nothing to ask for again")
        return
    words = {"broadcast": ("broadcast", "broadcasts"), "inventory": ("inventory", "inventories")}
    counts = " and ".join(f"{n} {words[kind][n > 1]}" for kind, n in sorted(kinds.items()))
    typer.echo(f"{run}: the next run will ask again for {counts}")


_ATTEMPTS = 4  # somebody waits

Archive = Annotated[
    str | None,
    typer.Option(help="An address or a folder, as archive.base_url. Default: the GDELT TV Visual Explorer."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="As CSV.")]


def _day(option: str, text: str) -> Any:
    return typer.Option(option, formats=["%Y-%m-%d"], help=text)


@app.command()
def stations(
    archive: Archive = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help="A list of IDs or ZIP addresses instead of an archive.")
    ] = None,
    as_csv: AsCsv = False,
) -> None:
    """Tell which stations an archive has, and since when."""
    from castgraph.archive import FetchError
    from castgraph.archive.listing import holdings

    try:
        if listed:
            found = holdings.stations_of_list(listed)
        else:
            found = holdings.stations(archive or holdings.GDELT, attempts=_ATTEMPTS)
    except (FetchError, ValueError) as error:
        typer.echo(f"error: {f'{listed}: ' if listed else ''}{error}", err=True)
        raise typer.Exit(1) from None
    rows = [asdict(each) for each in found]
    names = [field.name for field in fields(holdings.Station)]
    known = [name for name in names if any(row[name] is not None for row in rows)]
    _print(known, [["" if row[name] is None else str(row[name]) for name in known] for row in rows], as_csv)
    typer.echo(f"stations: {len(found)}", err=True)


@app.command()
def shows(
    station: Annotated[str, typer.Argument(help="As the archive writes it, for example RUSSIA1.")],
    first: Annotated[datetime, _day("--from", "First day.")],
    last: Annotated[datetime, _day("--to", "Last day, included.")],
    title: Annotated[
        str, typer.Option(help="Regular expression, searched in the title part of the ID.")
    ] = "",
    archive: Archive = None,
    as_csv: AsCsv = False,
) -> None:
    """Tell which shows an archive lists of a station, and of which days it has no list."""
    from castgraph.archive import Broadcast, Choice, FetchError
    from castgraph.archive.listing import holdings
    from castgraph.archive.listing.inventory import no_formula

    if last < first:
        raise typer.BadParameter(f"the last day is before the first, {first:%Y-%m-%d}", param_hint="--to")
    days = [first.date() + timedelta(days=n) for n in range((last - first).days + 1)]
    try:
        choice = Choice(title=title)
        inventories = holdings.inventories(archive or holdings.GDELT, station, days, attempts=_ATTEMPTS)
    except (FetchError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    rows: dict[str, list[str]] = {}
    for show in (show for inventory in inventories for show in inventory.shows):
        broadcast = Broadcast.parse(show.id)
        if choice.takes(broadcast):
            start = f"{broadcast.start:%Y-%m-%d %H:%M:%SZ}"
            rows.setdefault(show.id, [show.id, start, no_formula(show.runtime), no_formula(show.title)])
    _print(["broadcast", "start", "runtime", "title"], [rows[key] for key in sorted(rows)], as_csv)
    for inventory in inventories:
        state = "" if inventory.status == "ok" else f"{inventory.status}: {inventory.reason}"
        if inventory.n_refused:
            state = f"entries that are no shows of the station: {inventory.n_refused}"
        if state:
            typer.echo(f"{station} {inventory.day}  {state}", err=True)
    without = sum(inventory.status != "ok" for inventory in inventories)
    typer.echo(f"shows: {len(rows)}; days: {len(days)}, without a usable inventory: {without}", err=True)


def _print(columns: list[str], rows: list[list[str]], as_csv: bool) -> None:
    """Print a table. Nothing of it is cut, and on anything but a terminal no line is broken."""
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *rows])
        return
    table = Table(box=None, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console()
    (console if console.is_terminal else Console(width=1000)).print(table)


@app.command()
def models() -> None:
    """Check the model files and convert them ahead, so that no job has to wait for it."""
    # Imported here: it loads onnxruntime, which no other command needs.
    from castgraph.base.models import ModelError
    from castgraph.faces.models import prepare

    try:
        files = prepare()
    except ModelError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for file in files:
        typer.echo(f"{file.state:<13}  {file.checksum[:16]}  {file.path}")
