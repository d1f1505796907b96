"""The command that looks for frames."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from castgraph.base import times
from castgraph.base.text import counted
from castgraph.cli import output
from castgraph.cli.ask import AsCsv, AsJson, Clustering, Run

_JPEG = (".jpg", ".jpeg")


def look(
    run: Run,
    text: Annotated[str, typer.Argument(help="What it shows, in words, for embedders that know words.")] = "",
    like: Annotated[
        str, typer.Option(help="What it is like: a frame, as BROADCAST/18, or the file of a picture.")
    ] = "",
    says: Annotated[str, typer.Option(help="Text on the screen.")] = "",
    label: Annotated[str, typer.Option(help="What it shows, as a label such as rocket.")] = "",
    people: Annotated[
        list[str] | None, typer.Option("--with", help="Who is in it: an ID, or a name exactly; repeatable.")
    ] = None,
    faces: Annotated[int | None, typer.Option(min=0, help="How many faces are in it.")] = None,
    setting: Annotated[
        int | None, typer.Option(min=0, help="Of which setting, as settings.jpg has it.")
    ] = None,
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of broadcasts.")
    ] = None,
    last_day: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")
    ] = None,
    station: Annotated[str, typer.Option(help="Only this station, as the IDs have it.")] = "",
    top: Annotated[int, typer.Option(min=1, max=5000, help="How many to find.")] = 50,
    grid: Annotated[Path | None, typer.Option(help="Also draw them with their scores: a file, .jpg.")] = None,
    curve: Annotated[Path | None, typer.Option(help="Also draw the scores in order: a file, .png.")] = None,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Find frames by what they show: in words, like a picture, by label or by text on the screen."""
    form = output.form(as_csv=as_csv, as_json=as_json)
    if text and like:
        raise typer.BadParameter("words or a picture; one of the two", param_hint="--like")
    if first_day and last_day and last_day < first_day:
        raise typer.BadParameter(
            f"the last day is before the first, {times.day(first_day)}", param_hint="--to"
        )
    if grid is not None and grid.suffix.lower() not in _JPEG:
        raise typer.BadParameter(f"found {grid.name!r}; a JPEG is written, .jpg", param_hint="--grid")
    if curve is not None and curve.suffix.lower() != ".png":
        raise typer.BadParameter(f"found {curve.name!r}; a PNG is written, .png", param_hint="--curve")
    from castgraph.base.models import ModelError
    from castgraph.visual.embedder import EmbedderError

    with output.failing(OSError, ValueError, ModelError, EmbedderError):
        from castgraph.ask import look as looking
        from castgraph.ask.results import Results
        from castgraph.ask.views import Views
        from castgraph.ask.who import somebody
        from castgraph.visual.search import drop

        results = Results(run, clustering)
        frames = looking.Frames(results)
        wanted = [somebody(Views(results), each) for each in people or ()]
        filters = looking.Filters(
            wanted,
            faces,
            first_day.date() if first_day else None,
            last_day.date() if last_day else None,
            station,
            setting,
        )
        vector, row, scores, told = None, None, None, [text] if text else []
        if text:
            vector = looking.by_words(frames, text)
        elif like:
            vector, row = looking.by_picture(frames, like)
            told.append(f"like {like}")
        if label:
            names, scores = looking.by_label(frames, label)
            told.append(f"label {', '.join(names)}")
        among = looking.by_text(frames, says) if says else None
        told += [f"says {says}"] if says else []
        told += [f"setting {setting}"] if setting is not None else []
        found = looking.look(frames, filters, vector=vector, scores=scores, among=among, without=row, top=top)
        title = "; ".join([*told, *(f"with {each.name}" for each in wanted)]) or "frames"
        if grid is not None:
            looking.write_grid(grid, title, found, frames)
        has_scores = len(found) > 0 and found["score"].null_count == 0
        if curve is not None and has_scores:
            looking.write_curve(curve, title, found)
    output.print_answer(found.column_names, zip(*found.to_pydict().values(), strict=True), form)
    fall = drop(found["score"].to_numpy(zero_copy_only=False)) if has_scores else None
    falls = (
        f"; scores fall most after {fall.place}, from {fall.before:.3f} to {fall.after:.3f}"
        if fall and fall.place
        else ""
    )
    typer.echo(f"{title}: {counted(len(found), 'picture')}{falls}", err=True)
