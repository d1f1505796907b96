"""The process in which one contender of `cluster.py` clusters once, so that its peak memory is its own.

    python benchmarks/cluster_worker.py SETTINGS

SETTINGS is JSON, the fields of `Task`; the answer is one JSON object on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Task:
    """What to cluster, and how.

    Parameters
    ----------
    contender
        ``scikit-learn``, a kernel of castgraph (its DBSCAN), or ``linkage``.
    file, into
        The points (``.npy``), and the file for the labels, of shape (number of `eps`, n).
    eps
        Several values are one sweep.
    core
        The only core to run on; None is any.
    new
        So many of the points, the last, are added to a clustering of the others; only that is measured.
    """

    contender: str
    file: str
    into: str
    eps: list[float]
    min_samples: int
    threads: int
    core: int | None = None
    new: int = 0


def prepare(task: Task, X: NDArray[np.float32]) -> tuple[Callable[[], Labels], float | None]:
    """Do what is not measured; returns what is, and the peak memory in MB that castgraph predicts."""
    if task.contender == "scikit-learn":
        from sklearn.cluster import DBSCAN

        (eps,) = task.eps
        model = DBSCAN(eps=eps, min_samples=task.min_samples, n_jobs=task.threads)
        return lambda: model.fit(X).labels_.astype(np.int32), None

    if task.contender == "linkage":
        from castgraph.clustering import linkage

        # A frame each, in no order: frames part nobody, but all that has to be done for them is.
        frames = np.random.default_rng(0).permutation(len(X))
        (eps,) = task.eps
        return (
            lambda: linkage.linkage(X, eps, task.min_samples, frames=frames, threads=task.threads),
            linkage.predicted_memory_mb(*X.shape, X.itemsize),
        )
    from castgraph.clustering.dbscan import dbscan, predicted_memory_mb, sweep

    if task.new:
        return grow(task, X), None
    predicted = predicted_memory_mb(
        *X.shape,
        itemsize=X.itemsize,
        n_eps=len(task.eps),
        min_samples=task.min_samples,
        threads=task.threads,
    )
    how: dict[str, Any] = {"threads": task.threads, "kernel": task.contender}
    if len(task.eps) > 1:
        return lambda: sweep(X, task.eps, task.min_samples, **how), predicted
    return lambda: dbscan(X, task.eps[0], task.min_samples, **how), predicted


def grow(task: Task, X: NDArray[np.float32]) -> Callable[[], Labels]:
    """Cluster all but the last `task.new` points, which is not measured; returns what adds these.

    What is returned gives the labels of all points. It is what a run does that has grown, from the saved
    state to the next one.
    """
    from castgraph.clustering.scan import Options
    from castgraph.run.clusterings import cluster_by_dbscan
    from castgraph.run.counted import CountedFaces, Portion

    state = Path(task.into).with_suffix(".state")
    state.unlink(missing_ok=True)
    sizes = (len(X) - task.new, task.new)
    portions = tuple(Portion(name, n, name) for name, n in zip(("old", "new"), sizes, strict=True))

    def run(n_portions: int) -> Labels:
        n = sum(sizes[:n_portions])
        faces = CountedFaces(
            X[:n], np.ones(n, dtype=bool), portions[:n_portions], np.ones(n, dtype=bool), Path()
        )
        options = Options(task.threads, task.contender)
        found = [
            cluster_by_dbscan(faces, eps, task.min_samples, state, options, all_eps=task.eps)
            for eps in task.eps
        ]
        return np.stack(found)

    run(1)
    return lambda: run(2)


def memory_mb(line: str) -> float:
    """Tell a size of this process in MB, by its name in Linux's ``/proc``: ``VmHWM`` is the peak so far."""
    # Not ru_maxrss where it can be helped: it begins with the peak of the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        (found,) = (one for one in status.read_text().splitlines() if one.startswith(f"{line}:"))
        return int(found.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def cpu_s() -> float:
    """Tell the seconds of processor that this process, all its threads and its ended children have used."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def measure(task: Task) -> dict[str, float | None]:
    """Cluster, write the labels, and measure.

    Returns
    -------
    dict
        ``cpu_s`` and ``wall_s`` of the clustering alone, without imports and loading; ``peak_mb`` of the
        whole process, and ``added_mb``, how far that is above what was resident as the clustering began, with
        the points and all imports. ``predicted_mb`` is the ``peak_mb`` that castgraph predicts.
    """
    X = np.load(task.file)
    run, predicted = prepare(task, X)
    resident = memory_mb("VmRSS")
    wall, cpu = time.perf_counter(), cpu_s()
    labels = run()
    cpu, wall = cpu_s() - cpu, time.perf_counter() - wall
    peak = memory_mb("VmHWM")
    np.save(task.into, np.atleast_2d(labels))
    return {
        "cpu_s": cpu,
        "wall_s": wall,
        "peak_mb": peak,
        "added_mb": peak - resident,
        "predicted_mb": predicted,
    }


def main() -> None:
    """Do the task that the command line names."""
    # What a library may print goes elsewhere than the answer.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    task = Task(**json.loads(sys.argv[1]))
    if task.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {task.core})
    print(json.dumps(measure(task)), file=answer, flush=True)


if __name__ == "__main__":
    main()
