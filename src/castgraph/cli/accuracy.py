"""Commands about how accurate a run is: a sample for people to judge, and what their answers say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from castgraph.base.streams import console
from castgraph.base.text import counted
from castgraph.cli import output

app = typer.Typer(no_args_is_help=True, help="How accurate a run is, by a sample that people judge.")

_NOT_SAMPLED = "no sample can be drawn: "


def _size(kind: str, what: str) -> object:
    return typer.Option(f"--{kind}", min=0, help=f"How many {what}; 0: none.")


@app.command()
def sample(
    run: Annotated[Path, typer.Argument(help="The results of a finished run, for example results/demo.")],
    clustering: Annotated[
        str, typer.Option(help="Its folder in the run. Default: the recommended one, else the first.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Another one draws another sample.")] = 1,
    frames: Annotated[int, _size("frames", "frames")] = 40,
    faces: Annotated[int, _size("faces", "faces of people")] = 60,
    people: Annotated[int, _size("people", "people")] = 40,
    pairs: Annotated[int, _size("pairs", "pairs of people, two thirds of them alike")] = 60,
    noise: Annotated[int, _size("noise", "faces of nobody")] = 40,
    edges: Annotated[int, _size("edges", "pairs of the network")] = 40,
    to: Annotated[
        Path | None, typer.Option(help="A new folder. Default: accuracy-SEED beside the labels.")
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch ZIPs that were not kept, for the time of need.")
    ] = False,
) -> None:
    """Draw a sample of a run and write a sheet with its pictures and a table to fill in."""
    from castgraph.pages.accuracy import write_sheet
    from castgraph.run.accuracy.answers import ANSWERS
    from castgraph.run.accuracy.draw import draw
    from castgraph.run.accuracy.population import main_clustering, read_population

    sizes = {"frame": frames, "face": faces, "person": people, "pair": pairs, "noise": noise, "edge": edges}
    with output.failing(OSError, ValueError, because=_NOT_SAMPLED):
        chosen = clustering or main_clustering(run)
        folder = to or run / chosen / f"accuracy-{seed}"
        drawn = draw(read_population(run, chosen), sizes, seed)
        problems = write_sheet(folder, run, drawn, fetch=fetch)
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(f"{counted(len(drawn.items), 'piece')} of {run}, {chosen}, seed {seed}")
    typer.echo(f"  {folder / 'sheet.html'}  the pictures and the questions: open it in a browser")
    typer.echo(f"  {folder / ANSWERS}  the table to fill in, if not on the sheet")
    typer.echo("They show faces: keep them where only those who judge can read them.")
    typer.echo(f"Then: castgraph accuracy score {folder}")


@app.command()
def score(
    folder: Annotated[
        Path, typer.Argument(help="The folder of the sample, or the table in it that was filled in.")
    ],
    answers: Annotated[
        Path | None, typer.Option(help="The table, where it is elsewhere, such as a download of the sheet's.")
    ] = None,
    second: Annotated[
        Path | None, typer.Option(help="The answers of somebody else: how far do the two agree?")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="A column that you added to the table: figures for each group in it.")
    ] = None,
) -> None:
    """Tell what the answers say: estimates with intervals, and a sentence to cite."""
    from castgraph.run.accuracy.score import ACCURACY, render, write_score
    from castgraph.run.accuracy.score import score as scored

    if folder.is_file():
        folder, answers = folder.parent, answers or folder
    with output.failing(OSError, ValueError):
        found = scored(folder, answers, second, by)
        write_score(folder / ACCURACY, found)
    console().print(render(found))
    typer.echo(f"\n{folder / ACCURACY}")
