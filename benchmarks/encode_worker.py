"""The process that one contender of `encode.py` lives in: it answers requests, one JSON object a line.

It runs on one core, so its time is that of one core and its peak memory is its own. It is started by
`encode.py`, perhaps with the Python of another environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

SETTINGS = json.loads(sys.argv[1]) if __name__ == "__main__" else {"path": []}
# Behind this environment's own packages: what it has itself, such as another dlib, comes first.
sys.path += SETTINGS["path"]

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from castgraph.archive import Manifest, UnzippedFrame  # noqa: E402
from castgraph.faces.encode import encode  # noqa: E402
from castgraph.faces.engine import Detection, Engine, load_engine  # noqa: E402
from castgraph.faces.frame import read_frame  # noqa: E402


class Stopwatch:
    """Adds up the time of a function's calls."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time is added."""

        def timed(*arguments: Any) -> Any:
            start = self.clock()
            result = function(*arguments)
            self.seconds += self.clock() - start
            return result

        return timed


def measure(engine: Engine, folder: str, files: list[str], *, on_cpu: bool = True) -> dict[str, float]:
    """Encode frames as the encode job does, and measure it.

    Parameters
    ----------
    engine
        The engine.
    folder, files
        Where the frames lie.
    on_cpu
        Count the time of the processor, which other processes on the machine do not add to; else the time
        that passes, for what a GPU does is no time of the processor.

    Returns
    -------
    dict
        ``frames``, ``faces``; in seconds ``total`` (JPEGs in, tables out), its parts ``detect``, ``align``
        and ``embed``, and ``wall`` (the time that passed); ``peak_mb`` (of the process so far).
    """
    # The parts run in this thread; beside it, another one reads ahead.
    parts = {
        name: Stopwatch(time.thread_time if on_cpu else time.perf_counter)
        for name in ("detect", "align", "embed")
    }
    timed = replace(engine, **{name: watch.around(getattr(engine, name)) for name, watch in parts.items()})
    frames = tuple(UnzippedFrame(number, file) for number, file in enumerate(files, start=1))
    whole = time.process_time if on_cpu else time.perf_counter
    wall, start = time.perf_counter(), whole()
    encoded = encode(Manifest("BENCHMARK", "ok", "", frames), Path(folder), lambda: timed)
    total, wall = whole() - start, time.perf_counter() - wall
    if encoded.frames["status"].to_pylist() != ["ok"] * len(files):
        raise ValueError(f"not every frame in {folder} can be read")
    return {
        "frames": len(files),
        "faces": encoded.faces.num_rows,
        "total": total,
        "wall": wall,
        **{name: watch.seconds for name, watch in parts.items()},
        "peak_mb": peak_mb(),
    }


def peak_mb() -> float:
    """Tell the most memory that this process has had, in MB."""
    # Not ru_maxrss: it begins with the peak of the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def detect(engine: Engine, folder: str, files: list[str]) -> list[list[Detection]]:
    """Find the faces of each frame."""
    return [engine.detect(read_frame(Path(folder, file)).picture) for file in files]


def chips(engine: Engine, folder: str, files: list[str], boxes: list[list[list[float]]]) -> NDArray[np.uint8]:
    """Cut out the aligned chips of all boxes, frame after frame; shape (n, 150, 150, 3)."""

    def cut() -> Iterable[NDArray[np.uint8]]:
        for file, found in zip(files, boxes, strict=True):
            picture = read_frame(Path(folder, file)).picture
            for *sides, score in found:
                yield engine.align(picture, Detection(*map(int, sides), score)).chip

    return np.array(list(cut()), np.uint8).reshape(-1, 150, 150, 3)


def answer(engine: Engine, request: dict[str, Any]) -> Any:
    """Do what is asked; the file ``into`` takes what is no JSON."""
    task, into = request.pop("task"), request.pop("into", None)
    if task == "measure":
        return measure(engine, **request, on_cpu=SETTINGS["on_cpu"])
    if task == "detect":
        return detect(engine, **request)
    if task == "chips":
        return np.save(into, chips(engine, **request))
    if task == "embed":
        return np.save(into, engine.embed(np.load(request["chips"])))
    raise ValueError(f"no task {task!r}")


def main() -> None:
    """Answer requests until there are no more."""
    # What a library may print goes elsewhere than the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if SETTINGS["core"] is not None:
        os.sched_setaffinity(0, {SETTINGS["core"]})
    engine = load_engine(*SETTINGS["engine"], providers=SETTINGS["providers"])
    for line in sys.stdin:
        print(json.dumps(answer(engine, json.loads(line))), file=answers)


if __name__ == "__main__":
    main()
