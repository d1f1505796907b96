"""Commands about the people of a run: who they are, and what is decided about them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from castgraph.base.text import counted, line, visible
from castgraph.cli import output

if TYPE_CHECKING:
    import pyarrow as pa

    from castgraph.people.corrections import Decision, Person
    from castgraph.run.corrections import Meant

app = typer.Typer(
    no_args_is_help=True,
    help="Who is who in a run: names, and who is one person or not, in a file of corrections.",
)

Run = Annotated[Path, typer.Argument(help="The results of a run, for example results/demo.")]
Clustering = Annotated[
    str, typer.Option(help="Its folder in the run. Default: the only one, or the recommended.")
]
File = Annotated[
    Path | None, typer.Option(help="The file of corrections. Default: people.corrections of the run.")
]
By = Annotated[str, typer.Option(help="Who decides it.")]
Note = Annotated[str, typer.Option(help="Anything else to remember.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="As CSV.")]
Whom = Annotated[str, typer.Argument(help="An ID, a name, or BROADCAST#FRAME@X,Y.")]
Faces = Annotated[list[str], typer.Argument(help="IDs, names, or BROADCAST#FRAME@X,Y.")]

Kind = TypeVar("Kind", bound="Decision")


@app.command("list")
def list_(run: Run, clustering: Clustering = "", as_csv: AsCsv = False) -> None:
    """Tell who there is, the most seen first."""
    from castgraph.base import times
    from castgraph.run.corrections import people_of

    with failing():
        people = people_of(run, clustering).to_pylist()
    rows = [
        [
            row["person_id"],
            line(row["name"]),
            row["screen_seconds"] if as_csv else times.duration(row["screen_seconds"]),
            row["n_broadcasts"],
        ]
        for row in people
    ]
    output.print_rows(["person_id", "name", "screen_seconds", "n_broadcasts"], rows, as_csv=as_csv)


@app.command()
def changes(run: Run, clustering: Clustering = "") -> None:
    """Tell what became of those who were known before the last run."""
    from castgraph.base import tables
    from castgraph.people.identify import sentences
    from castgraph.run.corrections import clustering_of, people_of

    with failing():
        chosen = clustering_of(run, clustering)
        people = people_of(run, chosen).to_pylist()
        found = tables.read(run / chosen / "people_changes.parquet", tables.PEOPLE_CHANGES)
    names = {row["person_id"]: row["name"] for row in people if row["name_from"]}
    for sentence in sentences(found, names) or ["Nobody has changed."]:
        typer.echo(line(sentence))


@app.command()
def rename(
    run: Run,
    person: Whom,
    name: Annotated[str, typer.Argument(help="The name.")],
    source: Annotated[str, typer.Option(help="Where it is known from, such as a caption in a frame.")],
    anyway: Annotated[bool, typer.Option("--anyway", help="Although somebody else has the name.")] = False,
    clustering: Clustering = "",
    file: File = None,
    by: By = "",
    note: Note = "",
) -> None:
    """Give a person a name; nobody is merged by it."""
    from castgraph.people.corrections import Person

    desk = _Desk(run, clustering, file)
    with failing():
        [found] = desk.meant([person])
        decision = desk.decide(Person, [found], by, note, name=name, source=source)
        others = [] if anyway else desk.namesakes(decision, found)
        if others:
            raise ValueError(
                f"{' and '.join(others)} is called {decision.name}: if it is one person, say "
                "castgraph people same; if two people have the name, say --anyway"
            )
        desk.add(decision, f"{found.told} is called {decision.name}", found)


@app.command()
def same(
    run: Run, people: Faces, clustering: Clustering = "", file: File = None, by: By = "", note: Note = ""
) -> None:
    """Say that several are one person."""
    from castgraph.people.corrections import Same

    desk = _Desk(run, clustering, file)
    with failing():
        found = desk.meant(people)
        desk.add(desk.decide(Same, found, by, note), f"{_and(found)} are one person")


@app.command()
def different(
    run: Run, people: Faces, clustering: Clustering = "", file: File = None, by: By = "", note: Note = ""
) -> None:
    """Say that two are not one person, which is never asked again."""
    from castgraph.people.corrections import Different

    desk = _Desk(run, clustering, file)
    with failing():
        found = desk.meant(people)
        desk.add(desk.decide(Different, found, by, note), f"{_and(found)} are two people")


@app.command()
def split(
    run: Run,
    faces: Annotated[list[str], typer.Argument(help="BROADCAST#FRAME@X,Y of each face.")],
    clustering: Clustering = "",
    file: File = None,
    by: By = "",
    note: Note = "",
) -> None:
    """Say that faces are not of their person; together they are one."""
    from castgraph.people.corrections import Split

    desk = _Desk(run, clustering, file)
    with failing():
        found = desk.meant(faces)
        if persons := [each.told for each in found if each.person]:
            raise ValueError(
                f"{persons[0]} is a person: which faces leave? Say each as BROADCAST#FRAME@X,Y; "
                "the contact sheet shows them"
            )
        places = ", ".join(str(each.anchor) for each in found)
        desk.add(desk.decide(Split, found, by, note), f"one person of their own: {places}")


@app.command()
def ignore(
    run: Run,
    person: Whom,
    reason: Annotated[str, typer.Option(help="Why.")],
    clustering: Clustering = "",
    file: File = None,
    by: By = "",
    note: Note = "",
) -> None:
    """Leave a person out everywhere."""
    from castgraph.people.corrections import Ignore

    desk = _Desk(run, clustering, file)
    with failing():
        [found] = desk.meant([person])
        desk.add(desk.decide(Ignore, [found], by, note, reason=reason), f"{found.told} is left out")


@app.command()
def forget(
    whom: Annotated[
        list[str],
        typer.Argument(
            metavar="[PERSON]... RUN",
            help="IDs, names, or BROADCAST#FRAME@X,Y; and the results of the run.",
            show_default=False,
        ),
    ],
    all_unnamed: Annotated[
        bool, typer.Option("--all-unnamed", help="Everybody without a name, and the faces of nobody.")
    ] = False,
    clustering: Clustering = "",
    file: File = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Delete for good what people could be known by again: embeddings and pictures; counts stay."""
    from castgraph.run import forget as forgetting
    from castgraph.run.corrections import file_of

    first, *others = whom
    *texts, last = [*others, first] if _is_run(first) and not _is_run(whom[-1]) else whom  # either order
    run = Path(last)
    if bool(texts) == all_unnamed:
        raise typer.BadParameter("people, or --all-unnamed, and the results of a run", param_hint="PERSON")
    with failing():
        corrections = file or file_of(run)
        chosen = forgetting.choose(run, clustering, texts)
        n_faces = counted(len(chosen.faces), "face")
        n_broadcasts = counted(len(chosen.faces["broadcast"].unique()), "broadcast")
        told = line(", ".join(chosen.told))
        typer.echo(f"{told}: {n_faces} in {n_broadcasts}")
        if not yes:
            question = "Delete their embeddings and pictures for good, in every run beside this one?"
            typer.confirm(question, abort=True)
        done = forgetting.forget(run, chosen, corrections)
    typer.echo(f"forgotten: {counted(done.n_encoded, 'face')} in the encodings")
    for path, n in done.runs.items():
        typer.echo(f"  {n:,} in {path.name}")
    for path in done.deleted:
        typer.echo(f"  deleted: {os.path.relpath(path)}")
    if done.taken:
        typer.echo(f"{corrections}: taken out:")
        _show(done.taken)
    for name in chosen.names:
        typer.echo(f"A gallery, lists of your own and the frames themselves may still show {line(name)}.")
    for path in done.runs:
        config = shlex.quote(str(run.parent / path.name / "config.yaml"))
        typer.echo(
            f"make the tables of {path.name} again: uv run snakemake --cores all --configfile {config}"
        )
    if done.not_reached:
        output.fail("not everything was reached:\n" + "\n".join(done.not_reached))


def _is_run(text: str) -> bool:
    return (Path(text) / "faces.parquet").is_file()


@app.command()
def add(
    run: Run,
    decisions: Annotated[
        Path, typer.Argument(help="A file of decisions, such as the page of a review saves.", dir_okay=False)
    ],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also those that would not apply, or contradict others.")
    ] = False,
    clustering: Clustering = "",
    file: File = None,
) -> None:
    """Bring the decisions of another file in: all of them, or none."""
    from castgraph.run.corrections import bring_in

    desk = _Desk(run, clustering, file)
    with failing():
        found = bring_in(run, clustering, desk.path, decisions, anyway=anyway)
        n_there = sum(change.was_there for change in found.changes)
        told = f"{counted(len(found.written), 'decision')} of {decisions}"
        typer.echo(f"{desk.path}: {line(told)}{f', {n_there:,} were there' if n_there else ''}")
        desk.tell_how_to_apply()


@app.command()
def undo(
    run: Run,
    at: Annotated[
        int | None,
        typer.Option("--line", min=1, help="The decision at this line. Default: the last that was added."),
    ] = None,
    file: File = None,
) -> None:
    """Take a decision out of the file again."""
    from castgraph.run.corrections import undo as taken_out

    desk = _Desk(run, "", file)
    with failing():
        path = desk.path
        begin, taken = taken_out(run, path, at or 0)
    typer.echo(f"{path}, line {begin}: taken out:")
    _show([taken])
    desk.tell_how_to_apply()


@contextmanager
def failing() -> Iterator[None]:
    """End the command with a line for each thing that is wrong."""
    from castgraph.people.corrections import CorrectionsError
    from castgraph.run.corrections import ConflictError

    with output.failing(OSError, ValueError):
        try:
            yield
        except (CorrectionsError, ConflictError) as error:
            *others, last = str(error).splitlines()
            for each in others:
                typer.echo(f"error: {line(each)}", err=True)
            output.fail(last)


def _and(found: list[Meant]) -> str:
    *others, last = (each.told for each in found)
    return f"{', '.join(others)} and {last}" if others else last


def _show(blocks: list[str]) -> None:
    for told in (each for block in blocks for each in block.splitlines()):
        typer.echo(f"  {visible(told)}")


class _Desk:
    """Where decisions about a run are made: what is known of it, and its file of corrections."""

    def __init__(self, run: Path, clustering: str, file: Path | None) -> None:
        self._run, self._clustering, self._file = run, clustering, file

    @cached_property
    def path(self) -> Path:
        """The file of corrections."""
        if self._file:
            return self._file
        if self._named is None:
            raise ValueError(
                f"{self._run}: the configuration names no file of corrections; write people.corrections into "
                "it, or name a file with --file"
            )
        return self._named

    @cached_property
    def _named(self) -> Path | None:
        from castgraph.run.corrections import file_of

        return file_of(self._run)

    def _people(self) -> pa.Table:
        from castgraph.run.corrections import people_of

        return people_of(self._run, self._clustering)

    def meant(self, texts: list[str]) -> list[Meant]:
        """Find whom somebody means."""
        from castgraph.run.corrections import meant

        return meant(texts, self._people)

    def decide(self, kind: type[Kind], found: list[Meant], by: str, note: str, **own: str) -> Kind:
        """Make a decision of today about them."""
        from castgraph.people.corrections import decide

        anchors = sorted((each.anchor for each in found), key=lambda each: each.place)
        return decide(kind, anchors, by=by, on=date.today(), note=note, **own)

    def namesakes(self, decision: Person, found: Meant) -> list[str]:
        """Tell who else has the name."""
        from castgraph.run.corrections import namesakes

        has_people = found.person is not None or any(self._run.glob("*/people.parquet"))
        return namesakes(self._people() if has_people else None, self.path, decision, found.person)

    def add(self, decision: Decision, told: str, found: Meant | None = None) -> None:
        """Write a decision down, and tell what was done and how to apply it."""
        from castgraph.run.corrections import add, given_name, problems

        change = add(self._run, self.path, decision, given_name(found.person if found else None))
        if change.was_there:
            typer.echo(f"{self.path}, line {change.line}: says so already: {line(told)}")
        else:
            typer.echo(f"{self.path}, line {change.line}: {line(told)}")
        if change.taken:
            typer.echo("instead of:")
            _show(change.taken)
        for problem in problems(self._run, self._clustering, self.path, change.line):
            typer.echo(f"but: {line(problem.sentence)}")
        self.tell_how_to_apply()

    def tell_how_to_apply(self) -> None:
        """Tell the command with which the next run applies what was decided."""
        config = self._run / "config.yaml"
        if self._named is None or self._named.resolve() != self.path.resolve():
            typer.echo(
                f"{config} does not name this file: write it into people.corrections of the configuration"
            )
        typer.echo(f"apply it: uv run snakemake --cores all --configfile {shlex.quote(str(config))}")
