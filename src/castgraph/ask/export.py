"""Tables of a run as CSV, with the names of people in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from castgraph.ask.results import ALL_FACES, Results
from castgraph.ask.views import of_run, rows_of
from castgraph.base import csvs, tables
from castgraph.base.text import quoted

_NAMES: Mapping[str, str] = {
    "person_id": "name",
    "other_id": "other_name",
    "source": "source_name",
    "target": "target_name",
    "from": "from_name",
    "to": "to_name",
}
"""A column of IDs, and that of names which is put behind it."""

_OF_PEOPLE = ("person_id", "other_id", "source", "target")


class Exported(NamedTuple):
    """A table that was written.

    Attributes
    ----------
    path
        The file.
    n_rows
        Its rows.
    n_hidden
        Rows that are left out: of people below `people.min_seconds`, and of faces that are ignored or none.
    """

    path: Path
    n_rows: int
    n_hidden: int


def export(results: Results, names: list[str], to: Path) -> Iterator[Exported]:
    """Write tables as CSV, some rows at a time.

    Parameters
    ----------
    results
        The run and its clustering.
    names
        Tables of the registry.
    to
        The folder that gets a file each, named after the table; it is made when it is not there.

    Yields
    ------
    Exported
        As each is written. Texts are guarded against spreadsheets, moments are UTC, and embeddings left out.

    Raises
    ------
    ValueError
        When there is no such table, before anything is written, or one is of an earlier castgraph.
    OSError
        When a table is not there or a file cannot be written.
    """
    known = of_run()
    for name in names:
        if name not in known:
            raise ValueError(f"no table {quoted(name)}; there are: {', '.join(known)}")
    for name in names:
        if not (path := results.path(name)).is_file():
            raise ValueError(f"no table {name}: there is no {path}; the run has not made it")
    hidden_faces, (called, shown) = results.left_out(), _people(results)
    for name in names:
        yield _written(results, name, to / f"{name}.csv", called, shown, hidden_faces)


def _people(results: Results) -> tuple[dict[str, str], set[str | None] | None]:
    """Tell what people are called, and who may be shown; None for everybody."""
    path = results.path("people")
    if not results.clustering or not path.is_file():
        return {}, None
    people = tables.read(path, tables.PEOPLE, ["person_id", "name", "screen_seconds"]).to_pylist()
    called = {row["person_id"]: row["name"] for row in people}
    if not results.min_seconds:
        return called, None
    shown = {row["person_id"] for row in people if row["screen_seconds"] >= results.min_seconds}
    return called, {*shown, None, ""}


def _written(
    results: Results,
    name: str,
    path: Path,
    called: Mapping[str, str],
    shown: set[str | None] | None,
    hidden_faces: set[tuple[str, int]],
) -> Exported:
    kind = tables.TABLES[name]
    names = [column for column in kind.schema.names if column != "embedding"]
    # The table of people has names; in sweep_changes `from` is a clustering.
    without = ("people", "sweep_changes")
    joined = {column: _NAMES[column] for column in names if column in _NAMES and name not in without}
    header = [each for column in names for each in (column, *([joined[column]] if column in joined else []))]
    people = [column for column in _OF_PEOPLE if column in names]
    faces = ALL_FACES.get(name, ())
    counts = {True: 0, False: 0}

    def rows() -> Iterator[list[Any]]:
        for batch in tables.batches(results.path(name), kind.schema, names):
            for row in (dict(zip(names, values, strict=True)) for values in rows_of(batch)):
                hidden = shown is not None and any(row[column] not in shown for column in people)
                hidden |= any((row["broadcast"], row[column]) in hidden_faces for column in faces)
                counts[hidden] += 1
                if not hidden:
                    yield _cells(row, joined, called)

    csvs.write(path, header, rows())
    return Exported(path, counts[False], counts[True])


def _cells(row: Mapping[str, Any], joined: Mapping[str, str], called: Mapping[str, str]) -> list[Any]:
    cells: list[Any] = []
    for column, value in row.items():
        cells.append(csvs.plain(value))
        if column in joined:
            cells.append(called.get(value, ""))
    return cells
