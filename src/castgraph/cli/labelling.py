"""The command that looks for broadcasts that are not what their title says in tables from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.text import counted, line
from castgraph.cli import output


def labelling(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="TABLE...",
            help="Tables of entities by station and day or by broadcast, GDELT's VGEG files, or folders.",
        ),
    ],
    to: Annotated[Path, typer.Option("--output", help="The folder to write tables and page into.")],
    timezone: Annotated[
        str, typer.Option(help="Whose days are compared, such as America/Los_Angeles.")
    ] = "UTC",
    weekdays: Annotated[
        str, typer.Option(help="The days of the week that are compared: mon-fri, or mon,wed,fri.")
    ] = "mon-fri",
    above: Annotated[
        float,
        typer.Option(
            min=0, help="A station's count of an entity on a day counts where it is more than this."
        ),
    ] = 10,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 1,
    memory: Annotated[int, typer.Option(min=1, help="What counting may take, in GB.")] = 3,
) -> None:
    """Find broadcasts, or days of stations, that are not what their title says, in tables from outside."""
    from castgraph.archive.listing.choose import time_zone

    try:
        time_zone(timezone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error
    days = _weekdays(weekdays)
    with output.failing(OSError, ValueError):
        from castgraph.labelling.found import write_found
        from castgraph.labelling.outside import read_entities
        from castgraph.pages.labelling import write_labelling

        to.mkdir(parents=True, exist_ok=True)
        entities = to / "entities.parquet"
        read = read_entities(sources, entities, timezone=timezone, threads=threads, memory=f"{memory}GB")
        found = write_found(
            to,
            entities,
            timezone=timezone,
            weekdays=days,
            above=above,
            threads=threads,
            memory=f"{memory}GB",
            scratch=to,
        )
        page = to / "labelling.html"
        write_labelling(page, to, of=", ".join(path.name for path in sources))
    for told in read.told:
        typer.echo(line(f"left out: {told}"), err=True)
    left = sum(read.left_out.values())
    typer.echo(
        line(
            f"{counted(read.n_rows, 'row')} of {counted(read.n_files, 'file')} read, {left:,} left out; "
            f"{counted(len(found), 'suspect')}"
        )
    )
    typer.echo(line(f"open {page}"))


def _weekdays(text: str) -> list[str]:
    """Read days of the week, one by one or from one to another."""
    from castgraph.archive.listing.choose import WEEKDAYS

    found: list[str] = []
    for part in text.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            allowed = f"found {text!r}; allowed: {', '.join(WEEKDAYS)}, or spans such as mon-fri"
            raise typer.BadParameter(allowed, param_hint="--weekdays")
        begin = WEEKDAYS.index(first)
        span = (WEEKDAYS.index(last) - begin) % 7 if dash else 0
        found += [WEEKDAYS[(begin + n) % 7] for n in range(span + 1)]
    return sorted(set(found), key=WEEKDAYS.index)
