"""Commands about an archive: its stations, and the shows of one."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from castgraph.base import times
from castgraph.base.text import counted
from castgraph.cli import output

_ATTEMPTS = 4  # somebody waits

Archive = Annotated[
    str | None,
    typer.Option(help="An address or a folder, as archive.base_url. Default: the GDELT TV Visual Explorer."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="As CSV.")]


def _day(option: str, text: str) -> Any:
    return typer.Option(option, formats=["%Y-%m-%d"], help=text)


def stations(
    archive: Archive = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help="A list of IDs or ZIP addresses instead of an archive.")
    ] = None,
    as_csv: AsCsv = False,
) -> None:
    """Tell which stations an archive has, and since when."""
    from castgraph.archive import FetchError
    from castgraph.archive.address import without_login
    from castgraph.archive.listing import holdings

    asked = listed or archive or holdings.GDELT
    with (
        output.waiting(f"the stations of {without_login(str(asked))}"),
        output.failing(FetchError, ValueError, because=f"{listed}: " if listed else ""),
    ):
        if listed:
            found = holdings.stations_of_list(listed)
        else:
            found = holdings.stations(archive or holdings.GDELT, attempts=_ATTEMPTS)
    rows = [asdict(each) for each in found]
    names = [field.name for field in fields(holdings.Station)]
    known = [name for name in names if any(row[name] is not None for row in rows)]
    told = [["" if row[name] is None else row[name] for name in known] for row in rows]
    output.print_rows(known, told, as_csv=as_csv)
    typer.echo(f"stations: {len(found)}", err=True)


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
    from castgraph.archive.address import without_login
    from castgraph.archive.listing import holdings

    if last < first:
        raise typer.BadParameter(f"the last day is before the first, {times.day(first)}", param_hint="--to")
    days = [first.date() + timedelta(days=n) for n in range((last - first).days + 1)]
    asked = without_login(archive or holdings.GDELT)
    with (
        output.waiting(f"{counted(len(days), 'inventory', 'inventories')} of {asked}"),
        output.failing(FetchError, ValueError),
    ):
        choice = Choice(title=title)
        inventories = holdings.inventories(archive or holdings.GDELT, station, days, attempts=_ATTEMPTS)
    rows: dict[str, list[str]] = {}
    for show in (show for inventory in inventories for show in inventory.shows):
        broadcast = Broadcast.parse(show.id)
        if choice.takes(broadcast):
            rows.setdefault(show.id, [show.id, times.utc(broadcast.start), show.runtime, show.title])
    columns = ["broadcast", "start", "runtime", "title"]
    output.print_rows(columns, [rows[key] for key in sorted(rows)], as_csv=as_csv)
    for inventory in inventories:
        state = "" if inventory.status == "ok" else f"{inventory.status}: {inventory.reason}"
        if inventory.n_refused:
            state = f"entries that are no shows of the station: {inventory.n_refused}"
        if state:
            typer.echo(f"{station} {inventory.day}  {state}", err=True)
    without = sum(inventory.status != "ok" for inventory in inventories)
    typer.echo(f"shows: {len(rows)}; days: {len(days)}, without a usable inventory: {without}", err=True)
