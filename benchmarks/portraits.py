"""Measure portraits and contact sheets of a made-up year, of which a part is made: seconds of processor.

    uv run python benchmarks/portraits.py [--json FILE] [--broadcasts N] [--data FOLDER]

The year is the reference job in size: 342 broadcasts of 2,215 frames, 774,615 faces, 4,972 people. Sizes of
people follow a power law from 5 faces on, and each has faces all over the broadcasts, so a contact sheet of
48 faces takes about as many frames. The frames are those of the demo (640x360), again and again.

Of the year `--broadcasts` are made, by default 20, with people, faces and frames in proportion: every 17th
person by size. What is measured grows with the faces and people shown, so the year takes 342 / N times as
much; only finding the middle of a person's faces depends on all faces, and those are in proportion as well.

Figures
-------
``--json`` writes ``portraits_cpu_s_year``, the seconds of processor of the year, of one process;
``portraits_wall_s_part``, the time that the part took; ``n_people``, ``n_thumbnails`` and ``n_frames`` of the
part, and ``peak_mb``, the peak memory of the process, the made-up tables included.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from castgraph.archive.broadcast import Broadcast, frame_name
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.people.centre import middles
from castgraph.people.portraits import write_portraits
from castgraph.people.table import people_table

BROADCASTS, FRAMES, FACES, PEOPLE = 342, 2_215, 774_615, 4_972
"""The reference job."""
FEWEST, EXPONENT = 5, 1.04
"""Faces of the smallest person, and the exponent of the power law: 126 faces a person on average."""
SHOWN = 48
FRAME_SECONDS = 4
DEMO = Path(__file__).parents[1] / "resources" / "demo"


def portraits_cpu_s_year(n_broadcasts: int = 20, data: Path | None = None) -> float:
    """Measure a part of the year, and scale it up: seconds of processor of one process."""
    with tempfile.TemporaryDirectory(dir=data) as folder:
        return measure(Path(folder), n_broadcasts)["portraits_cpu_s_year"]


def measure(folder: Path, n_broadcasts: int) -> dict[str, float]:
    """Make the part of the year in a folder, and its portraits and contact sheets."""
    made = year(n_broadcasts)
    faces, embeddings, members, times = made
    middle = middles(embeddings, members.person)
    people = people_table(faces, middle, members, times, frame_seconds=FRAME_SECONDS, n_frames=1)
    write_zips(folder / "zips", faces["broadcast"].combine_chunks().dictionary.to_pylist())
    place = {name: rank for rank, name in enumerate(people["person_id"].to_pylist())}
    ranks = np.array([*(place[name] for name in members.ids), tables.NOISE], np.int32)
    wall, cpu = time.perf_counter(), time.process_time()
    write_portraits(
        people,
        faces,
        ranks[members.person],
        middle.distances,
        middle.outlier,
        times,
        folder / "zips",
        folder / "portraits",
        folder / "contact_sheets",
        link="{}#{}".format,
        sheet_faces=SHOWN,
        scratch=folder / "scratch",
    )
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    counts = np.bincount(members.person[members.person >= 0])
    return {
        "portraits_cpu_s_year": cpu * BROADCASTS / n_broadcasts,
        "portraits_wall_s_part": wall,
        "n_people": len(people),
        "n_thumbnails": int(np.minimum(counts, SHOWN).sum()),
        "n_frames": n_broadcasts * FRAMES,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def year(
    n_broadcasts: int,
) -> tuple[pa.Table, np.ndarray, tables.Members, np.ndarray]:
    """Make up faces, their embeddings, who they are, and when they were on air."""
    rng = np.random.default_rng(0)
    every = BROADCASTS / n_broadcasts
    rank = np.arange(every / 2, PEOPLE, every)
    sizes = (FEWEST * (PEOPLE / rank) ** (1 / EXPONENT)).astype(int)
    n_faces = round(FACES / every)
    person = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[:n_faces]
    person = np.append(person, np.full(n_faces - len(person), tables.NOISE, np.int32))
    rng.shuffle(person)
    first = Broadcast.parse("DEMO1_20240101_180000_Review")
    starts = [first.start + timedelta(days=n) for n in range(n_broadcasts)]
    names = [f"DEMO1_{start:%Y%m%d_%H%M%S}_Review" for start in starts]
    place = np.sort(rng.integers(0, n_broadcasts * FRAMES, n_faces))
    broadcast, frame = np.divmod(place, FRAMES)
    top, left = rng.integers(0, 240, n_faces), rng.integers(0, 520, n_faces)
    size = rng.integers(36, 150, n_faces)
    columns = {
        "broadcast": pa.DictionaryArray.from_arrays(broadcast.astype(np.int32), names),
        "face": np.arange(n_faces) - np.searchsorted(broadcast, broadcast),
        "frame": frame + 1,
        **dict(zip(("top", "right", "bottom", "left"), (top, left + size, top + size, left), strict=True)),
        "sharpness": rng.random(n_faces, np.float32),
    }
    kept = pa.schema([tables.MERGED_FACES.field(name) for name in columns])
    middles = rng.normal(0, 0.05, (len(sizes) + 1, tables.EMBEDDING_SIZE))
    embeddings = (middles[person] + rng.normal(0, 0.025, (n_faces, tables.EMBEDDING_SIZE))).astype(np.float32)
    begin = np.array([start.replace(tzinfo=None) for start in starts], "datetime64[us]")
    times = begin[broadcast] + (frame * FRAME_SECONDS).astype("timedelta64[s]")
    why = (person == tables.NOISE).astype(np.int8)
    ids = [f"A{number:04d}" for number in range(len(sizes))]
    return pa.table(columns).cast(kept), embeddings, tables.Members(person, why, ids), times


def write_zips(folder: Path, names: list[str]) -> None:
    """Write a ZIP a broadcast of the frames of the demo."""
    folder.mkdir()
    pictures = []
    for path in sorted(DEMO.glob("*.zip")):
        with zipfile.ZipFile(path) as demo:
            pictures += [demo.read(entry) for entry in demo.infolist() if entry.filename.endswith(".jpg")]
    for name in names:
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as packed:
            for frame in range(1, FRAMES + 1):
                packed.writestr(f"{name}/{frame_name(name, frame)}", pictures[frame % len(pictures)])


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    broadcasts: Annotated[int, typer.Option(min=1, max=BROADCASTS, help="Broadcasts that are made.")] = 20,
    data: Annotated[Path | None, typer.Option(help="Folder for the ZIPs; they are removed again.")] = None,
) -> None:
    """Measure portraits and contact sheets of a made-up year, of which a part is made."""
    with tempfile.TemporaryDirectory(dir=data) as folder:
        figures = measure(Path(folder), broadcasts)
    for name, value in figures.items():
        sys.stdout.write(f"{name} {value:,.1f}\n")
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
