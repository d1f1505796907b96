"""Commands that show pages in a browser, from a server that only this machine reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.text import line
from castgraph.cli import output
from castgraph.cli.people import failing

Run = Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")]
Clustering = Annotated[
    str, typer.Option(help="Its folder in the run. Default: the only one, or the recommended.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port. Default: any that is free.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]


def explore(run: Run, clustering: Clustering = "", port: Port = 0, no_browser: NoBrowser = False) -> None:
    """Show the explorer of a run, with every frame of its ZIPs."""
    from castgraph.pages.server.explore import explore as shown

    with output.failing(OSError, ValueError):
        shown(run, clustering, say=_say, port=port, browser=not no_browser)


def review(
    run: Run,
    clustering: Clustering = "",
    corrections: Annotated[
        Path | None, typer.Option(help="The file of corrections. Default: people.corrections of the run.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who decides.")] = "",
    page: Annotated[
        Path | None, typer.Option(help="Write a page into this folder that needs no server.", file_okay=False)
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Questions of such a page.")] = 200,
    port: Port = 0,
    no_browser: NoBrowser = False,
) -> None:
    """Ask about the people of a run, and write the answers into its file of corrections."""
    from castgraph.pages.server.review import corrections_file
    from castgraph.pages.server.review import review as asked

    with failing():
        if page is None:
            asked(run, clustering, corrections, say=_say, by=by, port=port, browser=not no_browser)
            return
        from castgraph.pages.review.folder import bring_in, write_review
        from castgraph.pages.server.workflow import by_hand
        from castgraph.run.corrections import clustering_of

        path = corrections_file(run, corrections)
        chosen, command = clustering_of(run, clustering), by_hand(run)
        for problem in write_review(page, run, chosen, path, most=most, by=by, command=command):
            typer.echo(line(problem), err=True)
        typer.echo(line(f"open {page / 'index.html'}"))
        typer.echo(line(f"bring in what it saves: {bring_in(run)}"))


def _say(text: str) -> None:
    typer.echo(line(text))
