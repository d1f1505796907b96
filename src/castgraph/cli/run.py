"""Commands about a run: what it found, what has become of its broadcasts, and asking for some again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.statuses import ASK_AGAIN, NOT_OK
from castgraph.base.streams import console
from castgraph.base.text import counted
from castgraph.cli import output

Again = StrEnum("Again", list(NOT_OK))  # type: ignore[misc]  # the words are those of the table

_WORKFLOW = Path(__file__).resolve().parents[3] / "Snakefile"
"""The workflow beside the library, as in a clone of the project."""

_NOT_A_RUN = "not the results of a run, or of one that has not chosen its broadcasts: "


def plan(
    config: Annotated[
        Path, typer.Argument(help="The configuration of a run, for example config/config.yaml.")
    ],
    cores: Annotated[
        int, typer.Option(min=1, help="Cores that the run will have; all of this machine's.")
    ] = (os.cpu_count() or 1),
    snakefile: Annotated[
        Path | None, typer.Option(help="The workflow, where it is neither here nor where castgraph lies.")
    ] = None,
) -> None:
    """Tell what a run would do: what is there, what is made (again) and why, and what it takes."""
    workflow = next(
        (path for path in (snakefile, Path("Snakefile"), _WORKFLOW) if path and path.is_file()), None
    )
    if workflow is None:
        output.fail("no Snakefile here; name that of castgraph with --snakefile")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--logger", "castgraph", "--cores", str(cores)]
    command += ["--snakefile", str(workflow), "--configfile", str(config)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 (no shell)
    for told in done.stderr.splitlines() if done.returncode else []:
        if not told.startswith("Using workflow specific profile"):
            typer.echo(told, err=True)
    raise typer.Exit(done.returncode)


def summary(
    run: Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")],
) -> None:
    """Tell what a run read and found."""
    from castgraph.run.summary import render

    file = run / "summary.json" if run.is_dir() else run
    try:
        console().print(render(json.loads(file.read_text(encoding="utf-8")), file.parent))
    except FileNotFoundError:
        output.fail(f"no {file}; the run is not finished, or its results are elsewhere")
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        output.fail(f"{file} is not a summary of castgraph ({error!r})")


def status(
    run: Annotated[
        Path, typer.Argument(help="The results of a run, for example results/demo; finished or not.")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="All of it as CSV.")] = False,
) -> None:
    """Tell what has become of each broadcast, and what was left alone: what is not ok, and why."""
    from castgraph.archive import read_left_alone
    from castgraph.run.status import State, render, states

    with output.failing(OSError, KeyError, ValueError, because=_NOT_A_RUN):
        found, left = states(run), read_left_alone(run / "left_alone.csv")
    if as_csv:
        rows = [state[:-1] for state in found]
        rows += [(each.path, "entry", "left alone", each.reason) for each in left]
        output.print_rows(State._fields[:-1], rows, as_csv=True)
    else:
        console().print(render(found, left))


def retry(
    run: Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")],
    statuses: Annotated[
        list[Again] | None, typer.Option("--status", help="Only what has this status; may be given again.")
    ] = None,
) -> None:
    """Have the next run ask again for what is missing, unreachable, damaged or partial, and nothing else."""
    from castgraph.run.status import KINDS, ask_for_again

    with output.failing(OSError, KeyError, ValueError, because=_NOT_A_RUN):
        kinds = Counter(state.kind for state in ask_for_again(run, statuses or ASK_AGAIN))
    if not kinds:
        typer.echo(f"{run}: nothing to ask for again")
        return
    counts = " and ".join(counted(number, kind, KINDS[kind]) for kind, number in sorted(kinds.items()))
    typer.echo(f"{run}: the next run will ask again for {counts}")
