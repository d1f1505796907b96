"""Commands about a run: what it found, what has become of its broadcasts, and asking for some again."""

from __future__ import annotations

import json
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.statuses import ASK_AGAIN, NOT_OK
from castgraph.base.text import counted
from castgraph.cli import output

Again = StrEnum("Again", list(NOT_OK))  # type: ignore[misc]  # the words are those of the table

_NOT_A_RUN = "not the results of a run, or of one that has not chosen its broadcasts: "


def summary(
    run: Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")],
) -> None:
    """Tell what a run read and found."""
    from castgraph.run.summary import render

    file = run / "summary.json" if run.is_dir() else run
    try:
        output.console().print(render(json.loads(file.read_text(encoding="utf-8")), file.parent))
    except FileNotFoundError:
        output.fail(f"no {file}; the run is not finished, or its results are elsewhere")
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        output.fail(f"{file} is not a summary of castgraph ({error!r})")


def status(
    run: Annotated[
        Path, typer.Argument(help="The results of a run, for example results/demo; finished or not.")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="All broadcasts and inventories as CSV.")] = False,
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
        output.console().print(render(found, left))


def retry(
    run: Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")],
    statuses: Annotated[
        list[Again] | None, typer.Option("--status", help="Only what has this status; may be given again.")
    ] = None,
) -> None:
    """Have the next run ask again for what is missing, unreachable, damaged or partial, and nothing else."""
    from castgraph.run.status import ask_for_again

    with output.failing(OSError, KeyError, ValueError, because=_NOT_A_RUN):
        kinds = Counter(state.kind for state in ask_for_again(run, statuses or ASK_AGAIN))
    if not kinds:
        typer.echo(f"{run}: nothing to ask for again")
        return
    many = {"broadcast": "broadcasts", "inventory": "inventories"}
    counts = " and ".join(counted(number, kind, many[kind]) for kind, number in sorted(kinds.items()))
    typer.echo(f"{run}: the next run will ask again for {counts}")
