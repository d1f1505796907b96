"""Measure the network of a year: how long each part takes, and how much memory.

    uv run python benchmarks/network.py [--json FILE] [--only NAME,NAME,...] [--size N] [--data FOLDER]

The year is made up: who each face is as `embeddings.py` draws it (a host with 15 % of the faces, a heavy tail of
5,000 people, a quarter nobody's), in 342 broadcasts of 2,215 frames each, in random order: so everybody is in
every week, which makes the most weeks of each pair that there can be. All lies in a temporary folder (in
``TMPDIR``, or in ``--data``) and is removed.

Figures
-------
``--json`` writes them flat, seconds each, with ``n_faces``, and for each the most memory that its process had
(``_mb`` in the place of ``_s``):

- ``dynamic_s``: the network of the 1,000 strongest edges over time: the meetings read, weights by week, centrality
  and communities, ``centrality.parquet`` and ``dynamic.gexf`` written;
- ``dynamic_all_s``: the same with all edges. No target.

To add a figure is to add a function of a `Year` to `FIGURES`; each has a process of its own.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.network import gexf, graph, weekly
from castgraph.network.cooccurrence import cooccurrences, strongest
from castgraph.people.ids import mint
from embeddings import population

FACES = 774_615
"""The reference job: the faces of one year of "60 Minutes"."""
BROADCASTS, FRAMES = 342, 2_215
FRAME_SECONDS = 4
EDGES = 1_000
"""As many as the configuration keeps by default."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True, slots=True)
class Year:
    """A year that is made up: the folder of its tables, as the rule ``network`` writes and reads them."""

    folder: Path

    def table(self, name: str) -> Path:
        """Tell where a table lies."""
        return self.folder / f"{name}.parquet"


def make(folder: Path, n_faces: int) -> Year:
    """Make the meetings, the edges and the people of a year of `n_faces` faces."""
    year = Year(folder)
    rng = np.random.default_rng(0)
    person, _ = population(n_faces, rng)
    broadcast = np.sort(rng.integers(0, BROADCASTS, n_faces))
    frame = rng.integers(1, FRAMES + 1, n_faces).astype(np.int32)
    frame = frame[np.lexsort((frame, broadcast))]
    days = np.datetime64("2022-01-01T19:00", "us") + broadcast.astype("timedelta64[D]")
    times = days + (frame.astype(np.int64) - 1) * np.timedelta64(FRAME_SECONDS * 10**6, "us")
    names = [f"STATION_{str(day).replace('-', '')}_190000_Show" for day in np.unique(days.astype("datetime64[D]"))]
    ids: list[str] = []
    for number in range(int(person.max()) + 1):
        ids.append(mint(names[0], number, (0, 1, 1, 0), set(ids[-1:])))
    ids = [f"{name}{number}" for number, name in enumerate(ids)]
    why = np.where(person == tables.NOISE, tables.WHY.index("noise"), 0).astype(np.int8)
    faces = pa.table(
        {
            "broadcast": pa.DictionaryArray.from_arrays(pa.array(broadcast.astype(np.int32)), pa.array(names)),
            "frame": frame,
        }
    )
    with (
        atomic(year.table("meetings")) as part,
        tables.writer(part, tables.MEETINGS, {}) as add,
    ):
        edges = cooccurrences(faces, tables.Members(person, why, ids), times, meetings=add)
    tables.write(year.table("edges"), edges, {}, tables.EDGES)
    people = {"person_id": pa.array(ids), "name": pa.array([f"Person {name}" for name in ids])}
    filled = {each.name: people.get(each.name, pa.nulls(len(ids), each.type)) for each in tables.PEOPLE}
    tables.write(year.table("people"), pa.table(filled, schema=tables.PEOPLE), {}, tables.PEOPLE)
    return year


# --- the figures


def dynamic(year: Year, top: int | None = EDGES) -> float:
    """Write the network of the strongest edges over time."""
    edges = strongest(tables.read(year.table("edges"), tables.EDGES), top)
    people = tables.read(year.table("people"), tables.PEOPLE)
    whole = graph.build(
        edges, people, link=lambda broadcast, frame: "", layout_method="fruchterman_reingold"
    )
    start = time.perf_counter()
    weights = weekly.weights(tables.batches(year.table("meetings"), tables.MEETINGS), edges)
    standing = weekly.centrality(weights, dict(whole.nodes(data="community")))
    tables.write(year.table("centrality"), standing, {}, tables.CENTRALITY)
    gexf.write_dynamic_gexf(whole, weights, standing, year.folder / "dynamic.gexf", "week")
    return time.perf_counter() - start


def dynamic_all(year: Year) -> float:
    """Write the network of all edges over time."""
    return dynamic(year, None)


FIGURES: Mapping[str, Callable[[Year], float]] = {"dynamic_s": dynamic, "dynamic_all_s": dynamic_all}
"""Name → what measures it, in seconds."""

TARGETS: Mapping[str, float] = {"dynamic_s": 30}
MOST_MB = 2_000


def measured(name: str, year: Year) -> tuple[float, float]:
    """Measure a figure: seconds, and the most MB that this process has had."""
    return FIGURES[name](year), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measure(year: Year, names: list[str]) -> dict[str, float]:
    """Measure the figures of these names, one after the other, each in a process of its own."""
    found: dict[str, float] = {}
    for name in names:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found[name], found[f"{name.removesuffix('_s')}_mb"] = pool.submit(measured, name, year).result()
    return found


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    only: Annotated[str, typer.Option(help="Figures, by their names.")] = ",".join(TARGETS),
    size: Annotated[int, typer.Option(min=100, help="How many faces.")] = FACES,
    data: Annotated[Path | None, typer.Option(help="Where the temporary folder is made.")] = None,
) -> None:
    """Measure the network of a year."""
    names = only.split(",")
    if unknown := [name for name in names if name not in FIGURES]:
        sys.exit(f"error: --only {unknown[0]}: there are {', '.join(FIGURES)}")
    with tempfile.TemporaryDirectory(dir=data) as folder, Console(stderr=True).status("making the year"):
        figures = measure(make(Path(folder), size), names)
    table = Table("", "found", "target", title=f"{size:,} faces")
    for name, value in figures.items():
        target: Any = TARGETS.get(name, MOST_MB if name.endswith("_mb") else "-")
        table.add_row(name, f"{value:,.2f}", f"{target}" if size == FACES else "-")
    console.print(table)
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps({**figures, "n_faces": size}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
