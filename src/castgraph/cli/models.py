"""The command about model files."""

from __future__ import annotations

import typer

from castgraph.cli import output


def models() -> None:
    """Check the model files and convert them ahead, so that no job has to wait for it."""
    from castgraph.base.models import ModelError, prepare
    from castgraph.faces.models import FILES
    from castgraph.visual.lite0 import LITE0

    with output.failing(ModelError):
        files = prepare([*FILES.values(), LITE0])
    for file in files:
        typer.echo(f"{file.state:<13}  {file.checksum[:16]}  {file.path}")
