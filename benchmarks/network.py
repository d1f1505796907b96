"""Measure what is done with the network of a year: how long each part takes, and in how much memory.

    uv run python benchmarks/network.py [--json FILE] [--broadcasts N] [--data FOLDER]

The year is made up (`stills.py`): 342 broadcasts of 2,215 frames each, or as many as are asked for. No real
picture is in it. All lies in a temporary folder (in ``TMPDIR``, or in ``--data``) and is removed.

Figures
-------
``--json`` writes them flat, with ``n_frames`` and ``n_faces``. Each is measured in a process of its own; its
peak of memory is beside it:

- ``replays_cpu_s``: what is on air again, from the merged tables on, seconds of the processor;
  ``replays_found`` is the share of the scenes put there again that is found at its place.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from castgraph.base.files import atomic
from castgraph.network.replays import read_stills, replays
from people import BROADCASTS, FRAME_SECONDS, FRAMES, broadcast_id
from stills import Scene, make

TARGETS = {"replays_cpu_s": 60, "replays_peak_mb": 2000}

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def replays_cpu_s(folder: Path, scenes: list[Scene]) -> dict[str, float]:
    """Find what is on air again."""
    start = time.process_time()
    stills = read_stills(folder / "frames.parquet", folder / "faces.parquet")
    found = replays(stills, FRAME_SECONDS)
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
        "replays_cpu_s": seconds,
        "replays_peak_mb": peak,
        "replays_found": n_found / max(len(scenes), 1),
        "n_replays": len(found),
        "n_frames": len(stills),
        "n_faces": len(stills.embeddings),
    }


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    broadcasts: Annotated[int, typer.Option(min=2, help="How many broadcasts.")] = BROADCASTS,
    data: Annotated[Path | None, typer.Option(help="Where the temporary folder is made.")] = None,
) -> None:
    """Measure what is done with the network of a year."""
    os.environ["OMP_NUM_THREADS"] = "1"  # as Snakemake sets it for a job of one thread
    with tempfile.TemporaryDirectory(dir=data) as folder, Console(stderr=True).status("replays"):
        # Each in a process of its own, for the sake of the peak of memory.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            scenes = pool.apply(make, (Path(folder), broadcasts))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures = pool.apply(replays_cpu_s, (Path(folder), scenes))
    table = Table("", "", "target", title=f"{broadcasts * FRAMES:,} frames in {broadcasts:,} broadcasts")
    for name, value in figures.items():
        target = TARGETS.get(name) if broadcasts == BROADCASTS else None
        table.add_row(name, f"{value:,.2f}", "-" if target is None else f"{target:g}")
    console.print(table)
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
