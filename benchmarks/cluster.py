"""Measure the exact clustering: time, memory and agreement with scikit-learn.

    uv run python benchmarks/cluster.py [--json FILE] [--quick] [--sizes N,N,...] [--repeats N]
        [--algorithm NAME]

The faces are made up (`embeddings.py`): for each size another sample of the same kind, with one host, a
heavy tail of people and a quarter of the faces nobody's. A run takes about a quarter of an hour on a core
with AVX-512; ``--quick`` measures the two smallest sizes only.

How it measures
---------------
Every clustering runs in a process of its own, which loads the same points from a file and clusters once
(`cluster_worker.py`), on one core unless it is said to use more. Up to 100,000 faces scikit-learn takes turns
with the others, round after round, every other round the other way about; a figure is the median of the
rounds, a ratio the median of the rounds' ratios. Above that most machines lack the memory for it, and there
is one round. The kernels that this machine would not choose are measured at 100,000 faces. Above the year's
774,615 the best kernel runs alone, once, on one core: 5,000,000 take 42 times the year's seconds.

Seconds are the processor's, all threads and ended children of the process together, of the clustering alone:
no imports, no loading. Memory is the peak of the whole process with its libraries and points (``peak``), and
how far this is above what was resident as the clustering began (``added``).

Labels are compared with scikit-learn's of the same run, number for number; where it is not measured, with
those of the best kernel on one core. All rows of a sweep are compared with scikit-learn's at the smallest
size, and those of eps 0.40 and 0.44 with clusterings of their own at the largest.

Figures
-------
``--json`` writes them flat, by name. One of a contender is ``{contender}_{n}_{what}``. By themselves:

- ``cpu_s_774615``, ``wall_s_774615``, ``peak_mb_774615``, ``added_mb_774615``: the best kernel; seconds of
  the processor and memory on one core, and the time that passes with all cores;
- ``cpu_ratio_100k``, ``fallback_cpu_ratio_100k``: scikit-learn's seconds over those of the best kernel, and
  of ``numpy``, which needs no compiler;
- ``memory_ratio_100k``, ``memory_ratio_added_100k``: scikit-learn's peak memory over the best kernel's, of
  the whole process, and of what the clustering added;
- ``sweep8_over_one``: the seconds of eight values of eps at once over those of the largest alone, at the
  largest size that was measured (``sweep8_n``);
- ``grow_2265_s``: the time that passes to add 2,265 faces to a saved clustering of 772,350, on one core;
- ``labels_equal``: whether all labels that were compared are equal;
- ``kernel``, ``cores``: the best kernel, and how many cores there are.

What was not measured is null.

With ``--algorithm linkage`` average linkage is measured instead, on one core and on all, beside the best
kernel of DBSCAN; its figures are those of ``linkage_eps52``.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from castgraph.base.files import atomic
from castgraph.clustering.dbscan import kernels
from castgraph.run.names import EPS as EPS_OF
from cluster_worker import Task
from embeddings import generate

WORKER = Path(__file__).with_name("cluster_worker.py")

YEAR = 774_615
"""The reference job: the faces of one year of "60 Minutes"."""
NEW = 2_265
"""The faces of one broadcast of it: what is added to the others."""
COMPARED = 100_000
"""Up to this many faces scikit-learn is measured; at this size all kernels are."""
SIZES = (10_000, 50_000, COMPARED, YEAR)
QUICK = SIZES[:2]

EPS, MIN_SAMPLES = 0.40, 5
SWEEP = (0.30, 0.32, 0.34, 0.36, 0.38, 0.40, 0.42, 0.44)

ORACLE, FALLBACK = "scikit-learn", "numpy"
LINKAGE = "linkage"
MEASURED = ("cpu_s", "wall_s", "peak_mb", "added_mb", "predicted_mb")

Measured = dict[str, float | None]
Figures = dict[str, Any]
Report = Callable[[str], None]

console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)


@dataclass(frozen=True, slots=True)
class Job:
    """A clustering that is measured; `threads` above one run on any core, one on one core."""

    contender: str
    eps: tuple[float, ...] = (EPS,)
    threads: int = 1
    new: int = 0

    @property
    def key(self) -> str:
        """Name it among the figures."""
        parts = [self.contender.replace("-", "_")]
        if len(self.eps) > 1:
            parts.append(f"sweep{len(self.eps)}")
        elif self.eps != (EPS,):
            parts.append(f"eps{round(100 * self.eps[0])}")
        if self.threads > 1:
            parts.append(f"threads{self.threads}")
        if self.new:
            parts.append(f"grow{self.new}")
        return "_".join(parts)

    @property
    def name(self) -> str:
        """Name it for people."""
        text = self.contender
        if len(self.eps) > 1:
            text += f", {len(self.eps)} eps up to {max(self.eps):.2f}"
        elif self.eps != (EPS,):
            text += f", eps {self.eps[0]:.2f}"
        if self.threads > 1:
            text += f", {self.threads} threads"
        if self.new:
            text += f", {self.new:,} added"
        return text


@dataclass(slots=True)
class Result:
    """What came of a job: its measurements by round, or why there are none."""

    rounds: list[Measured]
    reason: str = ""
    equal: bool | None = None
    """Whether its labels are those they are compared with; None without a comparison."""

    def median(self, what: str) -> float | None:
        """Give the median of the rounds; None where it was not measured."""
        values = [one[what] for one in self.rounds]
        return median(values) if values and None not in values else None


Results = dict[Job, Result]


def plan_linkage(available: Sequence[str], cores: int) -> list[Job]:
    """List the jobs at any size where linkage is measured."""
    alone, all_cores = (Job(LINKAGE, (EPS_OF["linkage"],), threads=threads) for threads in (1, cores))
    return list(dict.fromkeys([alone, all_cores, Job(available[0])]))


def plan(size: int, sizes: Sequence[int], available: Sequence[str], cores: int, *, slow: bool) -> list[Job]:
    """List the jobs at a size; `slow` adds the fallback where it is slow."""
    best = Job(available[0])
    if size > YEAR:  # by hours: how its time and memory grow is what there is to see
        return [best]
    jobs = [best]
    if size == COMPARED:
        jobs += map(Job, available[1:])
    elif size < COMPARED or slow:
        jobs.append(Job(FALLBACK))
    if size <= COMPARED:
        jobs.append(Job(ORACLE))
    else:  # other labels to compare with
        jobs += map(Job, [name for name in available[1:2] if name != FALLBACK])
        jobs.append(Job(best.contender, threads=cores))
    if size == max(sizes):
        jobs += [Job(best.contender, SWEEP[-1:]), Job(best.contender, SWEEP)]
    if size == YEAR:
        jobs.append(Job(best.contender, new=NEW))
    return list(dict.fromkeys(jobs))


# --- running


def run(job: Job, points: Path, into: Path, core: int) -> Measured | str:
    """Do a job in a process of its own; returns its measurements, or why it ended without."""
    task = Task(
        contender=job.contender,
        file=str(points),
        into=str(into),
        eps=list(job.eps),
        min_samples=MIN_SAMPLES,
        threads=job.threads,
        core=core if job.threads == 1 else None,
        new=job.new,
    )
    # Threads of castgraph are its own; those of a BLAS beside them would only be in the way.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(WORKER), json.dumps(asdict(task))],
        capture_output=True,
        text=True,
        env=os.environ | one_thread,
        check=False,
    )
    if done.returncode == 0:
        return json.loads(done.stdout)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"ended by {name}" + (": out of memory?" if name in ("SIGKILL", "SIGSEGV", "SIGABRT") else "")
    return (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]


def race(jobs: Sequence[Job], points: Path, rounds: int, core: int, report: Report) -> Results:
    """Do all jobs, round after round; a job that fails is not tried again."""
    results = {job: Result([]) for job in jobs}
    for number in range(rounds):
        for job in jobs[:: -1 if number % 2 else 1]:
            result = results[job]
            if result.reason:
                continue
            report(f"{job.name}, round {number + 1} of {rounds}")
            measured = run(job, points, labels_file(job, points), core)
            if isinstance(measured, str):
                result.reason = measured
                result.rounds.clear()
            else:
                result.rounds.append(measured)
    return results


def labels_file(job: Job, points: Path) -> Path:
    """Name the file for the labels of a job."""
    return points.with_name(f"{points.stem}.{job.key}.npy")


def compare(results: Results, points: Path) -> None:
    """Compare the labels of the last round with those of scikit-learn, else of the first job, by eps."""
    references: dict[float, np.ndarray] = {}
    for job in sorted(results, key=lambda job: job.contender != ORACLE):  # stable: else in the order given
        if not results[job].rounds:
            continue
        rows = dict(zip(job.eps, np.load(labels_file(job, points)), strict=True))
        common = [eps for eps in rows if eps in references]
        if common:
            results[job].equal = all(np.array_equal(rows[eps], references[eps]) for eps in common)
        if len(rows) == 1:
            references = rows | references


# --- figures


def ratio(above: Result | None, below: Result | None, what: str) -> float | None:
    """Give the median of the rounds' ratios; None where either has none."""
    if above is None or below is None or not above.rounds or not below.rounds:
        return None
    return median(a[what] / b[what] for a, b in zip(above.rounds, below.rounds, strict=True))


def figures_of(results: Mapping[int, Results], best: str, cores: int) -> Figures:
    """Make the flat figures from the results by size."""
    figures: Figures = {
        f"{job.key}_{size}_{what}": result.median(what)
        for size, found in results.items()
        for job, result in found.items()
        for what in MEASURED
    }

    def one(size: int, job: Job) -> Result | None:
        return results.get(size, {}).get(job)

    def of_year(what: str, job: Job) -> float | None:
        result = one(YEAR, job)
        return result.median(what) if result else None

    ours, theirs = one(COMPARED, Job(best)), one(COMPARED, Job(ORACLE))
    largest = max(results)
    equal = [
        result.equal for found in results.values() for result in found.values() if result.equal is not None
    ]
    return figures | {
        "cpu_s_774615": of_year("cpu_s", Job(best)),
        "wall_s_774615": of_year("wall_s", Job(best, threads=cores)),
        "peak_mb_774615": of_year("peak_mb", Job(best)),
        "added_mb_774615": of_year("added_mb", Job(best)),
        "cpu_ratio_100k": ratio(theirs, ours, "cpu_s"),
        "memory_ratio_100k": ratio(theirs, ours, "peak_mb"),
        "memory_ratio_added_100k": ratio(theirs, ours, "added_mb"),
        "fallback_cpu_ratio_100k": ratio(theirs, one(COMPARED, Job(FALLBACK)), "cpu_s"),
        "sweep8_over_one": ratio(
            one(largest, Job(best, SWEEP)), one(largest, Job(best, SWEEP[-1:])), "cpu_s"
        ),
        "sweep8_n": largest,
        "grow_2265_s": of_year("wall_s", Job(best, new=NEW)),
        "labels_equal": all(equal) if equal else None,
        "kernel": best,
        "cores": cores,
    }


# --- what is printed


def number(value: float | None, digits: int = 1) -> str:
    """Write a number; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def rows_of(results: Results) -> Iterator[list[str]]:
    """Write the rows of one size."""
    oracle = results.get(Job(ORACLE))
    for job, result in results.items():
        if result.reason:
            yield [f"{job.name}: [red]{escape(result.reason)}[/]"]
            continue
        comparable = job.eps == (EPS,) and not job.new and job.contender != ORACLE
        yield [
            job.name,
            number(result.median("cpu_s"), 2),
            number(result.median("wall_s"), 2),
            number(result.median("peak_mb"), 0),
            number(result.median("predicted_mb"), 0),
            number(result.median("added_mb"), 0),
            number(ratio(oracle, result, "cpu_s") if comparable else None),
            number(ratio(oracle, result, "peak_mb") if comparable else None),
            {True: "equal", False: "[bold red]DIFFERENT[/]", None: "-"}[result.equal],
        ]


def show(results: Mapping[int, Results]) -> None:
    """Print the table."""
    table = Table(title=f"Clustering, {MIN_SAMPLES} faces within eps {EPS:.2f} of a core face; one core")
    table.add_column("", overflow="fold")
    for name in ("CPU s", "wall s", "peak MB", "predicted", "added MB", "CPU ÷", "peak ÷"):
        table.add_column(name, justify="right")
    table.add_column("labels")
    for size, found in results.items():
        table.add_section()
        table.add_row(f"[bold]{size:,} faces[/]")
        for row in rows_of(found):
            table.add_row(*row)
    console.print(table)
    console.print(
        "CPU ÷, peak ÷: scikit-learn's over this one's. A dash: not measured, or nothing to compare with."
    )


def machine(available: Sequence[str], cores: int) -> str:
    """Describe what is measured on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy"))
    native = "" if len(available) > 1 else "; [bold red]NO native kernel[/]"
    return f"{cpu}, {cores} cores; {packages}; kernels: {', '.join(available)}{native}"


def usable_cores() -> list[int]:
    """Tell which cores this process may run on."""
    everywhere = range(os.cpu_count() or 1)
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(everywhere)


def points_of(size: int, folder: Path, report: Report) -> Path:
    """Make the faces of a size, unless the folder has them."""
    points = folder / f"faces-{size}.npy"
    if not points.exists():
        report(f"making {size:,} faces")
        with atomic(points) as part, part.open("wb") as file:
            np.save(file, generate(size).embeddings)
    return points


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    sizes: Annotated[str, typer.Option(help="Numbers of faces, 100 or more each.")] = ",".join(
        map(str, SIZES)
    ),
    quick: Annotated[bool, typer.Option("--quick", help="Only the two smallest sizes.")] = False,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds with scikit-learn.")] = 3,
    slow: Annotated[bool, typer.Option("--slow", help="The fallback also above 100,000 faces.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder to keep the faces and labels in.")] = None,
    algorithm: Annotated[str, typer.Option(help="dbscan, or linkage.")] = "dbscan",
) -> None:
    """Measure the exact clustering: time, memory and agreement with scikit-learn."""
    chosen = sorted(QUICK if quick else map(int, sizes.split(",")))
    if chosen[0] < 100:
        sys.exit(f"error: --sizes {sizes}: 100 faces are the fewest")
    if algorithm not in ("dbscan", LINKAGE):
        sys.exit(f"error: --algorithm {algorithm}: dbscan or linkage")
    available, cores = kernels(), usable_cores()
    console.print(machine(available, len(cores)))
    results: dict[int, Results] = {}
    with tempfile.TemporaryDirectory() as temporary, Console(stderr=True).status("") as status:
        folder = data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for size in chosen:

            def report(text: str, size: int = size) -> None:
                status.update(f"{size:,} faces: {text}")

            points = points_of(size, folder, report)
            is_linkage = algorithm == LINKAGE
            jobs = (
                plan_linkage(available, len(cores))
                if is_linkage
                else plan(size, chosen, available, len(cores), slow=slow)
            )
            results[size] = race(jobs, points, repeats if size <= COMPARED else 1, cores[0], report)
            alone: list[Job] = []
            if size == chosen[0] and size <= COMPARED and not is_linkage:  # all rows of a sweep are compared
                alone = [Job(ORACLE, (eps,)) for eps in SWEEP if eps != EPS]
                others = [job for job in [*alone, Job(available[0], SWEEP)] if job not in jobs]
                results[size] |= race(others, points, 1, cores[0], report)
            compare(results[size], points)
            for job in alone:  # they are not shown
                del results[size][job]
    show(results)
    figures = figures_of(results, available[0], len(cores))
    console.print(
        f"Eight values of eps at once cost {number(figures['sweep8_over_one'], 2)} times the largest alone "
        f"({figures['sweep8_n']:,} faces). "
        + {True: "All labels compared are equal.", False: "[bold red]LABELS DIFFER.[/]", None: ""}[
            figures["labels_equal"]
        ]
    )
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
