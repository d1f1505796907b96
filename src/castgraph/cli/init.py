"""The command that begins a run on one's own recordings."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.text import counted
from castgraph.cli import output

_MOST_TOLD = 20  # lines


def init(
    folder: Annotated[Path, typer.Argument(help="What lies in it: videos, ZIPs, folders of pictures.")],
    station: Annotated[
        str, typer.Option(help="The station in the IDs, letters and digits: for example MYTV.")
    ],
    timezone: Annotated[
        str, typer.Option(help="The time zone of times in names, such as Europe/Moscow; IDs are in UTC.")
    ] = "UTC",
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The day of those whose names say none."),
    ] = None,
    date_from_file: Annotated[
        bool, typer.Option("--date-from-file", help="Else they began when their file was last changed.")
    ] = False,
    name: Annotated[str, typer.Option(help="Of the run and of the two files. Default: the folder's.")] = "",
    depth: Annotated[int, typer.Option(min=0, help="How many folders deep to look.")] = 5,
    force: Annotated[bool, typer.Option("--force", help="Replace the files if they are there.")] = False,
) -> None:
    """Write a configuration and a table of IDs for the recordings in a folder, ready to run."""
    from castgraph.archive.listing.choose import time_zone
    from castgraph.archive.listing.left_alone import grouped
    from castgraph.archive.listing.recordings import Dates
    from castgraph.run.init import begin

    if day and date_from_file:
        raise typer.BadParameter("one of --date and --date-from-file", param_hint="--date")
    with output.failing(ValueError, OSError):
        dates = Dates(time_zone(timezone), day.date() if day else None, date_from_file)
        begun = begin(folder, station, dates, name=name, depth=depth, force=force)
    words = {"video": "video", "zip": "ZIP", "folder": "folder of pictures"}
    kinds = ", ".join(
        counted(number, words[kind], "folders of pictures" if kind == "folder" else "")
        for kind, number in sorted(begun.kinds.items())
    )
    typer.echo(f"{begun.table.name}: {counted(len(begun.rows), 'broadcast')} ({kinds})")
    guessed: dict[str, int] = {}
    for row in begun.rows:
        guessed[row.guessed] = guessed.get(row.guessed, 0) + 1
    for what, number in guessed.items():
        if what:
            typer.echo(f"  {number:,} with a guess: {what}")
    typer.echo(f"{begun.config.name}: the configuration; times in names were taken for {timezone}")
    for heading, left in (
        ("Without an ID, as comments in the table", begun.without_id),
        ("Left alone", begun.left_alone),
    ):
        if left:
            typer.echo(f"{heading}:")
            for told in grouped(left, _MOST_TOLD):
                typer.echo(f"  {told}")
    typer.echo("Check the table, then run:")
    typer.echo(f"  uv run snakemake --cores all --configfile {shlex.quote(begun.config.name)}")
