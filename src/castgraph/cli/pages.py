"""Commands that show pages in a browser, from a server that only this machine reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.text import line
from castgraph.cli import output

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


def _say(address: str) -> None:
    typer.echo(line(address))
    typer.echo("Only this machine reaches it. Ctrl-C ends it.", err=True)
