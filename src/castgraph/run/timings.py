"""What the jobs of a run took, as Snakemake measured them.

Snakemake looks at the CPU time and memory of a job every half second at first and every 30 seconds later, so
the CPU time of a job is a little too low, and next to nothing for a job of less than a second. A job that
failed leaves no measurement.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PER_BROADCAST = ("download", "unzip", "encode/{encoder}")
"""The folders of what is measured once for every broadcast, whatever the run."""

GAP = 60.0
"""Seconds without any job after which a run counts as interrupted."""


class Job(NamedTuple):
    """A job that ended well; times are seconds, `end` since the epoch, memory is MiB and 0 if unknown."""

    rule: str
    end: float
    seconds: float
    cpu_seconds: float
    memory_mib: float


class RuleTimes(NamedTuple):
    """The jobs of a rule: their number, the sums of their seconds, the most MiB that one of them took."""

    rule: str
    jobs: int
    seconds: float
    cpu_seconds: float
    memory_mib: float


class Course(NamedTuple):
    """How much was at work over time; the time in which the run was interrupted is cut out.

    Attributes
    ----------
    edges
        Shape (n + 1,): the bounds of n equal spans, in seconds of work from 0.
    cores, jobs
        Shape (n,): how many CPU cores were busy and how many jobs ran, on average over each span.
    cuts
        Where, in seconds of work, the run was interrupted.
    cut_seconds
        How long it was interrupted in all.
    """

    edges: NDArray[np.float64]
    cores: NDArray[np.float64]
    jobs: NDArray[np.float64]
    cuts: list[float]
    cut_seconds: float


def read_jobs(
    benchmarks: Path, run: str, encoder: str, broadcasts: Iterable[str], station_days: Iterable[str] = ()
) -> list[Job]:
    """Read the measurements of the jobs that a run rests on, also of those that an earlier run did.

    Parameters
    ----------
    benchmarks
        The folder ``results/benchmarks``.
    run
        The name of the run.
    encoder
        The name of its encoder.
    broadcasts
        Its broadcasts, as ``{origin}/{broadcast}``.
    station_days
        Its inventories, as ``{archive}/{station}.{YYYYMMDD}``.

    Returns
    -------
    list of Job
        Without those whose file is not there or holds no measurement, and without the report's own.
    """
    folders = [*(folder.format(encoder=encoder) for folder in PER_BROADCAST), "transcript"]
    jobs = [job for path in (benchmarks / run).rglob("*.tsv") for job in read_job(path.stem, path)]
    jobs = [job for job in jobs if job.rule != "report"]
    for folder, names in [("inventory", station_days), *((folder, list(broadcasts)) for folder in folders)]:
        rule = folder.partition("/")[0]
        jobs += [job for name in names for job in read_job(rule, benchmarks / folder / f"{name}.tsv")]
    return jobs


def read_job(rule: str, path: Path) -> Iterator[Job]:
    """Read what Snakemake measured of a job into a file; nothing where there is none."""
    try:
        end = path.stat().st_mtime
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, ValueError, csv.Error):
        return
    for row in rows:
        seconds = _number(row, "s")
        if seconds:
            yield Job(rule, end, seconds, _number(row, "cpu_time"), _number(row, "max_rss"))


def _number(row: dict[str, str], column: str) -> float:
    """Read a figure; what was not measured ("NA", "-") is 0."""
    try:
        value = float(row.get(column) or 0)
    except (TypeError, ValueError):
        return 0.0
    return value if 0 <= value < math.inf else 0.0


def by_rule(jobs: Iterable[Job]) -> list[RuleTimes]:
    """Sum the jobs up by rule, in the order in which the rules began."""
    found: dict[str, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.end - job.seconds):
        found.setdefault(job.rule, []).append(job)
    return [_sum(rule, members) for rule, members in found.items()]


def total(jobs: Iterable[Job]) -> RuleTimes:
    """Sum all jobs up."""
    return _sum("all", list(jobs))


def _sum(rule: str, jobs: list[Job]) -> RuleTimes:
    return RuleTimes(
        rule,
        len(jobs),
        sum(job.seconds for job in jobs),
        sum(job.cpu_seconds for job in jobs),
        max((job.memory_mib for job in jobs), default=0.0),
    )


def course(jobs: Iterable[Job], n: int = 200) -> Course | None:
    """Tell how many cores and jobs were at work over time.

    The CPU time of a job is taken to be spread evenly over its length.

    Parameters
    ----------
    jobs
        At least one job for there to be a course.
    n
        Number of spans.
    """
    times = np.array([(job.end - job.seconds, job.seconds, job.cpu_seconds) for job in jobs]).reshape(-1, 3)
    if not len(times):
        return None
    times = times[np.argsort(times[:, 0], kind="stable")]
    starts, seconds, cpu_seconds = times.T
    # Before each job but the first: how long nothing had been running, where that is long.
    idle = starts[1:] - np.maximum.accumulate(starts + seconds)[:-1]
    cut = np.concatenate([[0.0], np.where(idle > GAP, idle, 0.0)])
    starts = starts - starts[0] - np.cumsum(cut)
    edges = np.linspace(0.0, (starts + seconds).max(), n + 1)
    return Course(
        edges,
        _mean_levels(starts, seconds, cpu_seconds / seconds, edges),
        _mean_levels(starts, seconds, np.ones(len(starts)), edges),
        starts[cut > 0].tolist(),
        float(cut.sum()),
    )


def _mean_levels(
    starts: NDArray[np.float64],
    seconds: NDArray[np.float64],
    heights: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Add up steps of `heights` and average the sum between the `edges`."""
    times = np.concatenate([starts, starts + seconds])
    order = np.argsort(times, kind="stable")
    levels = np.cumsum(np.concatenate([heights, -heights])[order])
    areas = np.concatenate([[0.0], np.cumsum(levels[:-1] * np.diff(times[order]))])
    means: NDArray[np.float64] = np.diff(np.interp(edges, times[order], areas)) / np.diff(edges)
    return np.maximum(means, 0.0)  # rounding can leave a trace below
