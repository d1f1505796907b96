"""The command ``castgraph``; every subcommand only forwards to the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from castgraph import __version__
from castgraph import summary as summaries

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


@app.command()
def models() -> None:
    """Check the model files and convert them ahead, so that no job has to wait for it."""
    # Imported here: it loads onnxruntime, which no other command needs.
    from castgraph.faces.models import ModelError, prepare

    try:
        files = prepare()
    except ModelError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for file in files:
        typer.echo(f"{file.state:<13}  {file.checksum[:16]}  {file.path}")
