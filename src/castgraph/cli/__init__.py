"""The command ``castgraph``, a module a group of commands; each of them only forwards to the library.

What a command needs is imported where it runs: all of it would take longer to load than most commands take.
"""

from typing import Annotated

import typer

from castgraph import __version__
from castgraph.base.streams import take_any_text
from castgraph.cli import accuracy, archive, ask, init, labelling, look, models, pages, people, run

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
    take_any_text()


for command in (
    *(init.init, run.plan, run.status, run.retry, run.summary),
    *(archive.stations, archive.shows, models.models),
    *(ask.find, ask.said, ask.export, look.look, labelling.labelling, pages.explore, pages.review),
):
    app.command()(command)
app.add_typer(accuracy.app, name="accuracy")
app.add_typer(people.app, name="people")
app.add_typer(ask.app, name="ask")
