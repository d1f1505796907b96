"""Measure what is done with the people of a year: how long each part takes.

    uv run python benchmarks/people.py [--json FILE] [--only NAME,NAME,...] [--size N] [--data FOLDER]

The year is made up: faces as `embeddings.py` makes them, in 342 broadcasts of 2,215 frames each. No real face
is in it. All lies in a temporary folder (in ``TMPDIR``, or in ``--data``) and is removed.

Figures
-------
``--json`` writes them flat, seconds each, with ``n_faces``:

- ``find_warm_s``: to find all faces within 0.5 of one face of the host, of whom there are most, with the
  embeddings in the memory of the system; the median of `ROUNDS`;
- ``find_cold_s``: the same with the embeddings on disk alone, opening them included. How fast the disk is
  counts; that of a machine that keeps the file in a memory of its own is faster.

- ``identify_s_774615``: from labels to members, people and changes, with a register of the year before one
  broadcast more; tables read and written;
- ``corrections_10000_s``: 10,000 decisions read from a file and applied;
- ``sightings_s_774615``: sightings, appearances and screen time, read and written;
- ``portraits_cpu_s_year``: portraits and contact sheets, seconds of the processor: those of 20 broadcasts,
  times 342 / 20 (`portraits.py`).

To add a figure is to add a function of a `Year` to `FIGURES`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from castgraph.ask.find import nearest
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.faces.times import face_times, read_frames
from castgraph.people import sightings as people
from castgraph.people.corrections import apply, read_corrections
from castgraph.people.places import read_places
from castgraph.people.record import Given, Written, write_people
from castgraph.people.screen_time import screen_time
from embeddings import Faces, generate
from portraits import portraits_cpu_s_year

FACES = 774_615
"""The reference job: the faces of one year of "60 Minutes"."""
BROADCASTS, FRAMES = 342, 2_215
FRAME_SECONDS = 4
NEAR = 0.5
ROUNDS = 5

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True, slots=True)
class Year:
    """A year that is made up.

    Attributes
    ----------
    folder
        Where ``faces.parquet``, ``frames.parquet`` and the embeddings lie, as the merge writes them.
    person
        Who each face is, -1 for nobody; the host is person 0. Shape (n_faces,).
    n_pictured
        Broadcasts of which portraits are made, as a part of the year.
    """

    folder: Path
    person: NDArray[np.int32]
    n_pictured: int

    @property
    def faces(self) -> Path:
        """The merged face table."""
        return self.folder / "faces.parquet"


# --- the year


def make(folder: Path, n_faces: int, n_pictured: int = 20) -> Year:
    """Make a year of `n_faces` faces, spread evenly over broadcasts and frames."""
    made = generate(n_faces)
    _write_frames(folder / "frames.parquet")
    _write_faces(folder / "faces.parquet", made)
    return Year(folder, made.person, n_pictured)


def broadcast_id(n: int) -> str:
    """Name a broadcast: one a day."""
    day = np.datetime64("2022-01-01") + n
    return f"STATION_{str(day).replace('-', '')}_190000_Show"


def _write_frames(path: Path) -> None:
    numbers = np.arange(1, FRAMES + 1, dtype=np.int32)
    with atomic(path) as part, tables.writer(part, tables.MERGED_FRAMES, {}) as add:
        for n in range(BROADCASTS):
            start = np.datetime64("2022-01-01T19:00", "us") + np.timedelta64(n, "D")
            times = start + (numbers - 1) * np.timedelta64(FRAME_SECONDS * 10**6, "us")
            columns = {
                "broadcast": pa.array([broadcast_id(n)] * FRAMES),
                "frame": numbers,
                "time": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
                "status": pa.array(["ok"] * FRAMES),
                "reason": pa.array([""] * FRAMES),
            }
            add(_filled(columns, tables.MERGED_FRAMES, FRAMES))


def _write_faces(path: Path, made: Faces) -> None:
    n_faces = len(made.embeddings)
    rng = np.random.default_rng(0)
    facts = {"digest": f"of {n_faces} faces that are made up"}
    with atomic(path) as part, tables.writer(part, tables.MERGED_FACES, facts) as add:
        for n, rows in enumerate(np.array_split(np.arange(n_faces), BROADCASTS)):
            if not len(rows):
                continue
            frame = np.sort(rng.integers(1, FRAMES + 1, len(rows))).astype(np.int32)
            top, left, size = (rng.integers(20, 400, len(rows), np.int32) for _ in range(3))
            columns = {
                "broadcast": pa.array([broadcast_id(n)] * len(rows)),
                "face": np.arange(len(rows), dtype=np.int32),
                "frame": frame,
                **dict(
                    zip(("top", "right", "bottom", "left"), (top, left + size, top + size, left), strict=True)
                ),
                "score": rng.random(len(rows), np.float32),
                "sharpness": 100 * rng.random(len(rows), np.float32),
                "set_aside": pa.array([""] * len(rows)),
                "turn": rng.random(len(rows), np.float32),
                "founds": np.ones(len(rows), bool),
            }
            add(_filled(columns, tables.MERGED_FACES, len(rows)))
    with atomic(path.with_name(tables.EMBEDDINGS)) as part, tables.embeddings_writer(part, {}) as add:
        add(made.embeddings)


def _filled(columns: Mapping[str, object], schema: pa.Schema, n_rows: int) -> pa.Table:
    """Make a table of the columns that matter, the others empty."""
    filled = {field.name: columns.get(field.name, pa.nulls(n_rows, field.type)) for field in schema}
    return pa.table(filled).cast(schema)


# --- the figures


def find_warm(year: Year) -> float:
    """Find the faces near to the host's, with the embeddings in memory."""
    return median(_find(year) for _ in range(ROUNDS))


def find_cold(year: Year) -> float:
    """Find them with the embeddings on disk."""
    seconds = []
    for _ in range(ROUNDS):
        with year.faces.with_name(tables.EMBEDDINGS).open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        seconds.append(_find(year))
    return median(seconds)


def _find(year: Year) -> float:
    row = int(np.flatnonzero(year.person == 0)[0])
    start = time.perf_counter()
    found = tables.open_embeddings(year.faces)
    rows, _ = nearest(found, np.array(found[row]), NEAR)
    seconds = time.perf_counter() - start
    if row not in rows:
        raise RuntimeError("a face was not found by itself")
    return seconds


def identify(year: Year) -> float:
    """Tell who is who, once it is known who was who without the last broadcast."""
    labels = year.folder / "labels.parquet"
    tables.write_labels(labels, year.faces, year.person, {"algorithm": "made up"}, 0)
    given = Given(year.faces, year.folder / "frames.parquet", labels)
    written = Written(*(year.folder / f"{name}.parquet" for name in ("members", "people", "people_changes")))
    register = year.folder / "register" / "made-up.parquet"
    write_people(written, given, register, frame_seconds=FRAME_SECONDS)
    before = year.person.copy()
    before[-(len(before) // BROADCASTS) :] = tables.NOISE
    for labelled in (before, year.person):
        tables.write_labels(labels, year.faces, labelled, {"algorithm": "made up"}, 0)
        start = time.perf_counter()
        write_people(written, given, register, frame_seconds=FRAME_SECONDS)
        seconds = time.perf_counter() - start
    return seconds


def corrections(year: Year) -> float:
    """Read and apply 10,000 decisions: names, pairs that are one, pairs that are two."""
    places = read_places(year.faces)
    rows = np.random.default_rng(1).choice(len(places), min(20_000, len(places)), replace=False).tolist()
    anchors = (
        f"{{broadcast: {places.broadcasts[places.broadcast[row]]}, frame: {places.frame[row]}, "
        f"at: [{(left + right) / 2}, {(top + bottom) / 2}]}}"
        for row in rows
        for top, right, bottom, left in [places.boxes[:, row].tolist()]
    )
    path = year.folder / "corrections.yaml"
    with path.open("w", encoding="utf-8") as file:
        for number, (one, other) in enumerate(zip(anchors, anchors, strict=False)):
            if number % 10 == 0:
                file.write(f"- person: {one}\n  name: Somebody {number}\n  source: made up\n")
            else:
                file.write(f"- {'same' if number % 2 else 'different'}:\n  - {one}\n  - {other}\n")
    why = np.where(year.person == tables.NOISE, tables.WHY.index("noise"), 0).astype(np.int8)
    start = time.perf_counter()
    apply(read_corrections(path), places, year.person, why)
    return time.perf_counter() - start


def sightings(year: Year) -> float:
    """Write every face of every person, the stretches in which each is seen, and how long that is."""
    ids = [f"P{person:05d}" for person in range(int(year.person.max()) + 1)]
    why = np.where(year.person == tables.NOISE, tables.WHY.index("noise"), 0).astype(np.int8)
    members = tables.Members(year.person, why, ids)
    frames = year.folder / "frames.parquet"
    distances = np.zeros(len(year.person), np.float32)
    start = time.perf_counter()
    places, times = read_places(year.faces), face_times(year.faces, frames)
    seen = people.sightings(places, members, distances, times, "{}#{}".format)
    joined = people.appearances(
        places, members, times, "{}#{}".format, frame_seconds=FRAME_SECONDS, gap_seconds=12
    )
    on_screen = screen_time(places, members, times, read_frames(frames), FRAME_SECONDS)
    for name, table in (("sightings", seen), ("appearances", joined), ("screen_time", on_screen)):
        tables.write(year.folder / f"{name}.parquet", table, {})
    return time.perf_counter() - start


FIGURES: Mapping[str, Callable[[Year], float]] = {
    "find_warm_s": find_warm,
    "find_cold_s": find_cold,
    "identify_s_774615": identify,
    "corrections_10000_s": corrections,
    "sightings_s_774615": sightings,
    "portraits_cpu_s_year": lambda year: portraits_cpu_s_year(year.n_pictured, year.folder),
}
"""Name → what measures it, in seconds."""

TARGETS: Mapping[str, float] = {
    "find_warm_s": 0.15,
    "find_cold_s": 1.5,
    "identify_s_774615": 15,
    "corrections_10000_s": 10,
    "sightings_s_774615": 10,
    "portraits_cpu_s_year": 184,
}


def measure(year: Year, names: list[str]) -> dict[str, float]:
    """Measure the figures of these names, one after the other."""
    return {name: FIGURES[name](year) for name in names}


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    only: Annotated[str, typer.Option(help="Figures, by their names.")] = ",".join(FIGURES),
    size: Annotated[int, typer.Option(min=100, help="How many faces.")] = FACES,
    data: Annotated[Path | None, typer.Option(help="Where the temporary folder is made.")] = None,
) -> None:
    """Measure what is done with the people of a year."""
    names = only.split(",")
    if unknown := [name for name in names if name not in FIGURES]:
        sys.exit(f"error: --only {unknown[0]}: there are {', '.join(FIGURES)}")
    with tempfile.TemporaryDirectory(dir=data) as folder, Console(stderr=True).status("making the year"):
        figures = measure(make(Path(folder), size), names)
    table = Table("", "seconds", "target", title=f"{size:,} faces")
    for name, seconds in figures.items():
        table.add_row(name, f"{seconds:.3f}", f"{TARGETS[name]:g}" if size == FACES else "-")
    console.print(table)
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps({**figures, "n_faces": size}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
