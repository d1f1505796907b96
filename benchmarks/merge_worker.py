"""The process in which one step of `merge.py` is measured, so that its peak memory is its own.

    python benchmarks/merge_worker.py FOLDER STEP MIN_SHARPNESS

STEP is ``merge`` or ``read``; FOLDER holds the tables of the broadcasts in ``faces`` and ``frames``, and the
merged ones. The answer is one JSON object on standard output.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from castgraph.faces.merge import merge
from castgraph.faces.quality import Quality
from castgraph.run.counted import read_counted
from cluster_worker import cpu_s, memory_mb


def step(folder: Path, name: str, min_sharpness: float) -> None:
    """Merge the tables of the folder, or read the merged ones as a clustering does."""
    if name == "read":
        read_counted(folder / "faces.parquet")
        return
    merge(
        [(path, folder / "frames" / path.name) for path in (folder / "faces").iterdir()],
        broadcasts=folder / "broadcasts.parquet",
        faces=folder / "faces.parquet",
        frames=folder / "frames.parquet",
        quality=Quality(min_sharpness=min_sharpness),
        frame_seconds=4,
        settings={},
    )


def main(folder: str, name: str, min_sharpness: str) -> None:
    """Do one step and tell what it took."""
    begun = memory_mb("VmRSS")
    wall, cpu = time.perf_counter(), cpu_s()
    step(Path(folder), name, float(min_sharpness))
    figures = {"s": time.perf_counter() - wall, "cpu_s": cpu_s() - cpu}
    print(json.dumps({**figures, "mb": memory_mb("VmHWM"), "added_mb": memory_mb("VmHWM") - begun}))


if __name__ == "__main__":
    main(*sys.argv[1:])
