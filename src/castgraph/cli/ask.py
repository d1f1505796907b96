"""Commands that ask what a run found: in SQL, by ready questions, by a photo, and as CSV files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from castgraph.base import times
from castgraph.base.text import counted
from castgraph.cli import output

if TYPE_CHECKING:
    import pyarrow as pa

    from castgraph.ask.views import Views
    from castgraph.ask.who import Person

_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) *(?P<unit>|s|min|h)")
_UNITS = {"": 1, "s": 1, "min": 60, "h": 3600}
_NEAREST = 20
"""Faces that are told by `find` beside the clips and days."""

Unit = StrEnum("Unit", ["day", "week", "show", "station"])
Listing = StrEnum("Listing", ["face", "clip", "day"])


class Questions(TyperGroup):
    """The ready questions; several words in one are SQL."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, once they begin with a question."""
        return super().parse_args(ctx, self.question(args))

    @staticmethod
    def question(args: list[str]) -> list[str]:
        """Put the word before the arguments that is left out before SQL, which has spaces in it."""
        if "--tables" in args:
            return ["tables", *(each for each in args if each != "--tables")]
        return ["sql", *args] if args and re.search(r"\s", args[0].strip()) else args


app = typer.Typer(
    cls=Questions,
    no_args_is_help=True,
    help="Ask the results of a run: 'castgraph ask \"SELECT name, screen_seconds FROM people\" results/demo' "
    "in SQL, or a ready question such as 'castgraph ask together \"Ann Lee\" K7Q2 results/demo'. "
    "'castgraph ask --tables results/demo' tells the tables and what each column means.",
)

Run = Annotated[
    Path, typer.Argument(help="The results of a run, such as results/demo, or of one of its clusterings.")
]
Clustering = Annotated[
    str, typer.Option(help="The clustering, by its folder. Default: the recommended or the only one.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="As CSV.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Memory = Annotated[int, typer.Option("--memory-mb", min=50, help="What the question may take, in MB.")]
_MEMORY_MB = 2000
One = Annotated[str, typer.Argument(help="A person: the ID, or the name exactly.")]
Some = Annotated[list[str], typer.Argument(help="People: IDs, or names exactly.")]


@app.command()
def sql(
    statement: Annotated[
        str, typer.Argument(metavar="SQL", help="One statement that reads, in DuckDB's SQL; times are UTC.")
    ],
    run: Run,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    memory_mb: Memory = _MEMORY_MB,
) -> None:
    """Answer a question in SQL; the word sql can be left out."""
    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering, memory_mb) as views:
        _print(views.ask(statement), form)


@app.command()
def tables(run: Run, clustering: Clustering = "", as_csv: AsCsv = False, as_json: AsJson = False) -> None:
    """Tell the tables that can be asked, and what each column means; also as castgraph ask --tables RUN."""
    form = output.form(as_csv=as_csv, as_json=as_json)
    from castgraph.ask.views import of_run

    with _asking(run, clustering, _MEMORY_MB) as views:
        columns = views.columns()
        if form is not output.Form.TABLE:
            rows = [(*each, each.table not in views.absent) for each in columns]
            output.print_answer(("table", "column", "type", "meaning", "is_there"), rows, form)
            return
        for name in dict.fromkeys(each.table for each in columns):
            what = of_run()[name].what if name in of_run() else "who is called what"
            absent = f" (not there: {views.absent[name]})" if name in views.absent else ""
            typer.echo(f"\n{name}: {what}{absent}")
            output.print_answer(
                ("column", "type", "meaning"), [each[1:] for each in columns if each.table == name], form
            )


@app.command()
def together(
    one: One,
    other: One,
    run: Run,
    within: Annotated[
        str,
        typer.Option(
            help="Also frames of one while the other is seen so much earlier or later: 8s, 2min, 1h."
        ),
    ] = "0s",
    text: Annotated[
        bool, typer.Option("--text", help="Instead: what was said meanwhile, where there are transcripts.")
    ] = False,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Find every frame that shows two people together, or what was said then."""
    from castgraph.ask import questions

    seconds = _seconds(within)
    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        first_one, second_one = _people(views, [one, other])
        if text:
            from castgraph.ask.said import TOGETHER, said_together

            output.print_answer(TOGETHER, said_together(views, first_one, second_one, seconds), form)
        else:
            _print(questions.together(views, first_one, second_one, seconds), form)


@app.command()
def first(
    people: Some, run: Run, clustering: Clustering = "", as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Find the first frame that shows each of some people."""
    from castgraph.ask import questions

    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        _print(questions.first(views, _people(views, people)), form)


@app.command()
def timeline(
    people: Some,
    run: Run,
    by: Annotated[Unit, typer.Option(help="What to divide it by; weeks begin on Monday.")] = Unit.day,
    timezone: Annotated[
        str, typer.Option(help="Where days begin at midnight, such as Europe/Moscow.")
    ] = "UTC",
    every: Annotated[bool, typer.Option("--all", help="Also what was read and does not show them.")] = False,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Tell how long people are on screen by day, week, show or station."""
    from castgraph.ask import questions

    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        who = _people(views, people)
        _print(questions.timeline(views, who, by.value, timezone=timezone, every=every), form)


@app.command()
def partners(
    person: One, run: Run, clustering: Clustering = "", as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Tell with whom a person is seen, and how often."""
    from castgraph.ask import questions

    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        _print(questions.partners(views, *_people(views, [person])), form)


@app.command()
def words(
    people: Annotated[list[str], typer.Argument(help="One person or two: IDs, or names exactly.")],
    run: Run,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Tell which words stand out while a person, or both of two people, are on the screen."""
    from castgraph.ask.said import WORDS
    from castgraph.ask.said import words as standing_out

    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        output.print_answer(WORDS, standing_out(views, _people(views, people)), form)


@app.command()
def show(
    broadcast: Annotated[str, typer.Argument(help="The ID of a broadcast.")],
    run: Run,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Tell who is seen in a broadcast, and how long."""
    from castgraph.ask import questions

    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        _print(questions.show(views, broadcast), form)


@app.command()
def diff(
    before: Annotated[
        str,
        typer.Argument(
            help="The results of a run or a clustering, such as results/demo/eps-0.40; with "
            ":2024-01 behind it, of one month."
        ),
    ],
    after: Annotated[str, typer.Argument(help="The same, to compare it with.")],
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Tell which people and pairs are gained and lost between runs, clusterings or months."""
    form = output.form(as_csv=as_csv, as_json=as_json)
    with output.failing(OSError, ValueError):
        from castgraph.ask.diff import COLUMNS, Side
        from castgraph.ask.diff import diff as compared

        found = compared(Side.of(before), Side.of(after))
    output.print_answer(COLUMNS, found.rows, form)
    typer.echo(
        f"in both: {counted(found.n_people, 'person', 'people')}, {counted(found.n_pairs, 'pair')}; "
        f"people are matched by their {found.matched_by}",
        err=True,
    )


def said(
    phrase: Annotated[str, typer.Argument(help="One or more words; case and accents do not matter.")],
    run: Run,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Find where words are said, and who was on the screen then."""
    from castgraph.ask.said import SAID
    from castgraph.ask.said import said as found_in

    form = output.form(as_csv=as_csv, as_json=as_json)
    with _asking(run, clustering) as views:
        rows = found_in(views, phrase)
    output.print_answer(SAID, rows, form)
    nobody = sum(not row[SAID.index("people")] for row in rows)
    broadcasts = len({row[0] for row in rows})
    typer.echo(
        f"said {counted(len(rows), 'time')} in {counted(broadcasts, 'broadcast')}; "
        f"nobody of the people was on the screen {counted(nobody, 'time')}",
        err=True,
    )


def find(
    photo: Annotated[
        Path | None, typer.Argument(help="A picture with a face, or several; see --face.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The results of a run, such as results/demo, or of a clustering.")
    ] = None,
    person: Annotated[
        str, typer.Option(help="Instead of a photo: who else is near to the middle of a person's faces.")
    ] = "",
    face: Annotated[int | None, typer.Option(min=1, help="Which face of the photo, from the left.")] = None,
    max_distance: Annotated[
        float, typer.Option(min=0, help="The largest distance of a face; a smaller one is stricter.")
    ] = 0.5,
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of broadcasts.")
    ] = None,
    last_day: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")
    ] = None,
    station: Annotated[str, typer.Option(help="Only this station, as the IDs have it.")] = "",
    by: Annotated[
        Listing | None,
        typer.Option(help="One of the three: faces, clips (adjacent frames joined) or days."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Also write a contact sheet of the nearest faces: a file, .jpg."),
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="For the sheet, fetch ZIPs that were not kept, for a while."),
    ] = False,
    clustering: Clustering = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Find the faces of a run that are near to the face in a photo: when, where, and who they are."""
    form = output.form(as_csv=as_csv, as_json=as_json)
    if run is None:
        raise typer.BadParameter("the results of a run are needed", param_hint="--run")
    if (photo is None) == (not person):
        raise typer.BadParameter("a photo, or --person; one of the two", param_hint="PHOTO")
    if first_day and last_day and last_day < first_day:
        raise typer.BadParameter(
            f"the last day is before the first, {times.day(first_day)}", param_hint="--to"
        )
    if sheet is not None and sheet.suffix.lower() not in (".jpg", ".jpeg"):
        raise typer.BadParameter(f"found {sheet.name!r}; a JPEG is written, .jpg", param_hint="--sheet")
    with output.failing(*_expected()):
        from castgraph.ask import find as finding
        from castgraph.ask.photo import one_face, run_engine
        from castgraph.ask.results import Results
        from castgraph.ask.views import Views
        from castgraph.ask.who import somebody
        from castgraph.faces.photo import faces_of

        results = Results(run, clustering)
        problems: list[str] = []
        if photo is not None:
            without = ""
            point: Any = one_face(photo, faces_of(photo, run_engine(results)), face)
        else:
            whom = somebody(Views(results), person)
            without = whom.person_id
            point = finding.middle(results, without)
        found = finding.matches(
            results,
            point,
            max_distance,
            without=without,
            first=first_day.date() if first_day else None,
            last=last_day.date() if last_day else None,
            station=station,
        )
        seconds = results.frame_seconds
        if sheet is not None:
            from castgraph.ask.sheet import write_sheet
            from castgraph.run.shown import RunFrames

            title = photo.name if photo is not None else f"near to {whom.name}"
            problems = write_sheet(sheet, title, found, RunFrames(results.run, fetch=fetch))
    for problem in problems:
        typer.echo(problem, err=True)
    listings: dict[str, tuple[Sequence[str], Sequence[Sequence[Any]]]] = {
        "face": (found.column_names, list(zip(*found.to_pydict().values(), strict=True))),
        "clip": (finding.CLIPS, finding.clips(found, seconds)),
        "day": (finding.DAYS, finding.days(found, seconds)),
    }
    if by is not None or form is output.Form.CSV:
        output.print_answer(*listings[by.value if by else "face"], form)
    elif form is output.Form.JSON:
        output.print_json({f"{name}s": listing for name, listing in listings.items()})
    else:
        columns, rows = listings["face"]
        typer.echo("The nearest faces:")
        output.print_answer(columns, rows[:_NEAREST], form)
        for name, heading in (("clip", "Clips"), ("day", "Days")):
            typer.echo(f"\n{heading}:")
            output.print_answer(*listings[name], form)
    n_frames = len({row[3:5] for row in listings["face"][1]})
    on_screen = times.duration(n_frames * seconds)
    typer.echo(
        f"{counted(len(found), 'face')} in {counted(n_frames, 'frame')} ({on_screen}), "
        f"{counted(len(listings['clip'][1]), 'clip')}, {counted(len(listings['day'][1]), 'day')}; "
        f"distance up to {max_distance:g}",
        err=True,
    )


def export(
    run: Run,
    names: Annotated[
        list[str],
        typer.Argument(metavar="TABLE...", help="Tables, such as sightings; see castgraph ask --tables."),
    ],
    to: Annotated[
        Path | None, typer.Option(help="The folder to write to. Default: export, beside the tables.")
    ] = None,
    clustering: Clustering = "",
) -> None:
    """Write tables as CSV files, with the names of people in them."""
    with output.failing(*_expected()):
        from castgraph.ask.export import export as exported
        from castgraph.ask.results import Results

        results = Results(run, clustering)
        folder = to or results.run / results.clustering / "export"
        for each in exported(results, names, folder):
            left = f"; {counted(each.n_hidden, 'row')} left out" if each.n_hidden else ""
            typer.echo(f"{each.path}  {counted(each.n_rows, 'row')}{left}")


# ---- what they share -------------------------------------------------------------------------------------


def _expected() -> tuple[type[Exception], ...]:
    from castgraph.base.models import ModelError

    return OSError, ValueError, ModelError


@contextmanager
def _asking(run: Path, clustering: str, memory_mb: int = _MEMORY_MB) -> Iterator[Views]:
    """Open the tables; what is wrong with them or with the question ends the command with a sentence."""
    with output.failing(OSError, ValueError):
        from castgraph.ask.results import Results
        from castgraph.ask.views import Views

        yield Views(Results(run, clustering), memory_mb)


def _people(views: Views, texts: Iterable[str]) -> list[Person]:
    from castgraph.ask.who import somebody

    return [somebody(views, text) for text in texts]


def _print(answer: pa.RecordBatchReader, form: output.Form) -> None:
    from castgraph.ask.views import rows_of

    names: list[str] = []
    for name in answer.schema.names:  # of SQL there may be several of one name
        names.append(next(each for n in count() if (each := f"{name}_{n}" if n else name) not in names))
    output.print_answer(names, (row for batch in answer for row in rows_of(batch)), form)


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(
            f"found {text!r}; a time such as 8s, 2min or 1h is needed", param_hint="--within"
        )
    return float(match["number"]) * _UNITS[match["unit"]]
