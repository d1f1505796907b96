"""Measure what is done with the network of a year: how long each part takes, and in how much memory.

    uv run python benchmarks/network.py [--json FILE] [--only NAME,NAME,...] [--size N] [--broadcasts N]

The year is made up, as that of `people.py`: faces and people as `embeddings.py` makes them, in 342 broadcasts
of 2,215 frames each, or in as many as are asked for. No real face is in it.

Figures
-------
``--json`` writes them flat, with ``n_faces`` and ``n_broadcasts``. Each is measured in a process of its own;
its peak of memory, the year's own tables included, is beside it, ``graph_peak_mb`` beside ``graph_s``:

- ``graph_s``: from faces and members to all pairs, counted in all layers;
- ``significance_s``: all pairs compared with chance;
- ``dynamic_s``: the network of the 1,000 strongest over time: weights by week, centrality and communities of
  each week, ``centrality.parquet`` and ``dynamic.gexf``. Everybody is in every week of this year;
- ``replays_cpu_s``: what is on air again, from the merged tables of as many broadcasts of made-up stills
  (`stills.py`) on, seconds of the processor; ``replays_found`` is the share of the scenes put there again
  that is found at its place.

To add a figure is to add a function of a `Year` to `FIGURES`.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

import stills
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.network import weekly
from castgraph.network.cooccurrence import by_day, cooccurrences, strongest
from castgraph.network.gexf import write_dynamic_gexf
from castgraph.network.graph import build
from castgraph.network.presence import presence
from castgraph.network.replays import read_stills, replays
from castgraph.network.significance import compared
from embeddings import population
from people import BROADCASTS, FACES, FRAME_SECONDS, FRAMES, broadcast_id

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True, slots=True)
class Year:
    """A year that is made up: the merged faces, who they are, and when each was on air."""

    faces: pa.Table
    members: tables.Members
    times: np.ndarray
    n_frames: Mapping[str, int]
    """Of each broadcast the frames that were read."""


def make(n_faces: int, n_broadcasts: int = BROADCASTS) -> Year:
    """Make a year of `n_faces` faces, spread evenly over broadcasts and frames."""
    rng = np.random.default_rng(0)
    person, _ = population(n_faces, rng)
    broadcast = np.sort(rng.integers(0, n_broadcasts, n_faces)).astype(np.int32)
    frame = rng.integers(1, FRAMES + 1, n_faces).astype(np.int32)
    order = np.lexsort((frame, broadcast))
    names = [broadcast_id(n) for n in range(n_broadcasts)]
    starts = np.array([f"{name[8:12]}-{name[12:14]}-{name[14:16]}T19:00" for name in names], "datetime64[us]")
    times = starts[broadcast] + (frame[order] - 1) * np.timedelta64(FRAME_SECONDS * 10**6, "us")
    faces = pa.table(
        {"broadcast": pa.DictionaryArray.from_arrays(broadcast, pa.array(names)), "frame": frame[order]}
    )
    why = np.where(person == tables.NOISE, tables.WHY.index("noise"), 0).astype(np.int8)
    ids = [f"P{n:05d}" for n in range(int(person.max()) + 1)]
    return Year(faces, tables.Members(person, why, ids), times, dict.fromkeys(names, FRAMES))


# --- the figures


def graph(year: Year) -> float:
    """Count all pairs."""
    start = time.perf_counter()
    cooccurrences(year.faces, year.members, year.times)
    return time.perf_counter() - start


def significance(year: Year) -> float:
    """Compare all pairs with chance."""
    edges = cooccurrences(year.faces, year.members, year.times)
    start = time.perf_counter()
    compared(edges, presence(year.faces, year.members), year.n_frames)
    return time.perf_counter() - start


def dynamic(year: Year) -> float:
    """Write the network of the strongest pairs over time."""
    edges = strongest(cooccurrences(year.faces, year.members, year.times), EDGES)
    people = {"person_id": year.members.ids, "name": [f"Person {name}" for name in year.members.ids]}
    known = pa.table(
        {name: people.get(name, pa.nulls(len(year.members.ids))) for name in tables.PEOPLE.names}
    )
    whole = build(edges, known.cast(tables.PEOPLE), link=lambda broadcast, frame: "")
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        weights = weekly.weights(by_day(year.faces, year.members, year.times, edges))
        standing = weekly.centrality(weights, dict(whole.nodes(data="community")))
        tables.write(Path(folder) / "centrality.parquet", standing, {}, tables.CENTRALITY)
        write_dynamic_gexf(whole, weights, standing, Path(folder) / "dynamic.gexf", "week")
        return time.perf_counter() - start


FIGURES: Mapping[str, Callable[[Year], float]] = {
    "graph_s": graph,
    "significance_s": significance,
    "dynamic_s": dynamic,
}
"""Name → what measures it, in seconds."""

REPLAYS = "replays_cpu_s"
TARGETS: Mapping[str, float] = {"graph_s": 3, "significance_s": 20, "dynamic_s": 30, REPLAYS: 60}
MOST_MB = 2000
EDGES = 1000
"""As many as the network keeps where nothing else is asked for."""


def measured(name: str, n_faces: int, n_broadcasts: int) -> tuple[float, float]:
    """Measure a figure, and the peak of memory in MB, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (name, n_faces, n_broadcasts))


def _measured(name: str, n_faces: int, n_broadcasts: int) -> tuple[float, float]:
    seconds = FIGURES[name](make(n_faces, n_broadcasts))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def replayed(n_broadcasts: int) -> dict[str, float]:
    """Find what is on air again in made-up stills, in a process of its own for the peak of memory."""
    with TemporaryDirectory() as folder:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            scenes = pool.apply(stills.make, (Path(folder), n_broadcasts))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_replayed, (Path(folder), scenes))


def _replayed(folder: Path, scenes: list[stills.Scene]) -> dict[str, float]:
    start = time.process_time()
    found = replays(read_stills(folder / "frames.parquet", folder / "faces.parquet"), FRAME_SECONDS)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    stretches = [(row["broadcast"], row["first_frame"] - 1, row["last_frame"]) for row in found.to_pylist()]
    n_found = sum(
        any(
            broadcast == broadcast_id(scene.later)
            and 2 * (min(end, scene.later_first + scene.n_frames) - max(first, scene.later_first))
            >= scene.n_frames
            for broadcast, first, end in stretches
        )
        for scene in scenes
    )
    return {
        REPLAYS: seconds,
        "replays_peak_mb": peak,
        "replays_found": n_found / max(len(scenes), 1),
        "n_replays": len(found),
    }


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    only: Annotated[str, typer.Option(help="Figures, by their names.")] = ",".join([*FIGURES, REPLAYS]),
    size: Annotated[int, typer.Option(min=100, help="How many faces.")] = FACES,
    broadcasts: Annotated[int, typer.Option(min=1, help="How many broadcasts.")] = BROADCASTS,
) -> None:
    """Measure what is done with the network of a year."""
    names = only.split(",")
    if unknown := [name for name in names if name not in TARGETS]:
        sys.exit(f"error: --only {unknown[0]}: there are {', '.join(TARGETS)}")
    figures: dict[str, float] = {}
    table = Table("", "seconds", "target", "MB", title=f"{size:,} faces in {broadcasts:,} broadcasts")
    for name in names:
        with Console(stderr=True).status(name):
            if name == REPLAYS:
                figures |= replayed(broadcasts)
                seconds, peak = figures[REPLAYS], figures["replays_peak_mb"]
            else:
                seconds, peak = measured(name, size, broadcasts)
                figures |= {name: seconds, f"{name.removesuffix('_s')}_peak_mb": peak}
        table.add_row(name, f"{seconds:.2f}", f"{TARGETS[name]:g}" if size == FACES else "-", f"{peak:,.0f}")
    console.print(table)
    if json_file is not None:
        with atomic(json_file) as part:
            counts = {"n_faces": size, "n_broadcasts": broadcasts}
            part.write_text(json.dumps({**figures, **counts}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
