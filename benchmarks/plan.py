"""Measure what the workflow itself costs: planning, starting jobs, and cores that are idle.

    uv run python benchmarks/plan.py [--json FILE] [--sizes N,N,...] [--skip-simulation] [--speed N]

It runs the workflow's own Snakefile, rules and default profile, copied to a folder where the scripts of the
jobs are others (`simulated/`): they do next to nothing, or sleep for as long as the work would take. It takes
about a quarter of an hour; ``--skip-simulation`` leaves out most of it.

What is measured
----------------
- **Planning**: ``snakemake -n`` of a run whose broadcasts are listed, for 342, 1,000 and 10,000 of them
  (``--sizes 342,1000,10000,50000`` adds more): the seconds that pass and the peak memory of its process. At
  10,000 also ``--batch encodings=1/10``, and a run whose encodings are all there (as files, without
  Snakemake's records of them).
- **Overhead**: real runs of download, unzip and encode of 10 and of 60 broadcasts, with jobs that do nothing.
  Seconds of the processor, of Snakemake's own process and of all jobs, as the difference of the two runs, so
  that what a run costs once is left out. A job costs the start of Python and what Snakemake puts in front of
  a script; what the real scripts import is measured by runs of their own and told apart.
- **Idle cores**: a run of 342 broadcasts on 64 cores, with jobs that sleep; once with jobs that borrow idle
  cores (`castgraph.base.cores`) and once without, both at the same time, so that they have the same machine.
  The ZIPs are there already. A frame takes 1/21 s to encode (853×480, `benchmarks/encode.py`) and 0.3 ms to
  unpack, a worker 1.5 s to start. ``--speed 2`` makes all of this twice as fast, and the start of Python and
  Snakemake twice as heavy beside it. A core is idle while it has no job: from the end of a process to the
  start of the next, and at the end of the run. Starting is not idle, but no encoding either:
  ``encoding_share_64`` counts encoding alone.

The lengths are made up, since only their sum is known, 757,559 frames in 342 broadcasts: 55 % are of a
shorter edition, 1,500 frames (1 h 40 min), the others of a longer one, 3,100 frames (3 h 27 min), each with a
jitter (standard deviation 12 %); one in forty is twice as long. All are scaled to the sum.

Figures
-------
``--json`` writes them flat: ``plan_s_{n}``, ``plan_cpu_s_{n}``, ``plan_mb_{n}``, the same of
``plan_batch`` and ``plan_built``,
``overhead_s_per_broadcast`` (``overhead_main_s_per_broadcast`` of Snakemake's process and
``overhead_jobs_s_per_broadcast`` of starting jobs), ``imports_s_per_broadcast``, ``idle_share_64`` and
``encoding_share_64`` (with borrowing), ``idle_share_64_fixed`` and ``encoding_share_64_fixed`` (without),
``wall_s_64`` and ``wall_s_64_fixed`` (at the real speed), ``n_unpacked_64`` (most broadcasts that were
unpacked at a time). What was not measured is null.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

from castgraph.archive import archive_name
from castgraph.base.files import atomic

ROOT = Path(__file__).resolve().parent.parent
SIMULATED = Path(__file__).with_name("simulated")
ARCHIVE = archive_name(".")
"""The archive of the measured runs, in paths: their own folder."""

SIZES = (342, 1_000, 10_000)
DETAILED = 10_000
"""The size at which batches and finished encodings are measured, too."""
YEAR, YEAR_FRAMES = 342, 757_559
"""The reference job: one year of "60 Minutes"."""
CORES = 64
FEW, MORE = 10, 60
FRAME_S, UNZIP_S, START_S = 1 / 21, 0.0003, 1.5
FRAME_BYTES = 60_000

# Runs Snakemake in this process, which then tells what it cost: itself, and the jobs that it waited for.
RUN = """
import json, resource, sys, time
from pathlib import Path
from snakemake.cli import main
began = time.monotonic()
try:
    main(sys.argv[2:])
except SystemExit as end:
    status = end.code
own, jobs = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
Path(sys.argv[1]).write_text(json.dumps({
    "wall_s": time.monotonic() - began,
    "peak_mb": own.ru_maxrss / (1024 if sys.platform == "linux" else 2**20),
    "main_s": own.ru_utime + own.ru_stime,
    "jobs_s": jobs.ru_utime + jobs.ru_stime,
}))
sys.exit(status)
"""

Figures = dict[str, Any]
Measured = dict[str, float]

console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)


class Job(NamedTuple):
    """What one simulated job wrote down; spans are seconds of one clock, the job's own first."""

    rule: str
    broadcast: str
    spans: list[list[float]]
    worked: float


# --- running Snakemake


def workflow_copy(folder: Path) -> Path:
    """Copy the workflow with simulated scripts; returns its Snakefile."""
    for name in ("workflow", "profiles", "config", "envs", "scripts"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Snakefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(SIMULATED, folder / "scripts", dirs_exist_ok=True)
    return folder / "Snakefile"


def ids(n: int) -> list[str]:
    """Make IDs of broadcasts, in the order of their dates."""
    first = datetime(2022, 5, 19, 8, 30)
    return [f"RUSSIA1_{first + timedelta(hours=hour):%Y%m%d_%H%M%S}_60_minut" for hour in range(n)]


def prepared(folder: Path, names: Sequence[str]) -> Path:
    """Make a working directory whose run has these broadcasts; returns the directory."""
    folder.mkdir()
    (folder / "ids.txt").write_text("".join(f"{name}\n" for name in names))
    config = {
        "run": "simulated",
        "broadcasts": {"file": str(folder / "ids.txt")},
        "archive": {"base_url": str(folder)},
        "people": {"portraits": False},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def snakemake(
    snakefile: Path, folder: Path, *arguments: str, settings: Mapping[str, Any] | None = None
) -> subprocess.Popen[bytes]:
    """Start Snakemake in a folder; what it costs is in ``cost.json`` there when it has ended."""
    command = [sys.executable, "-c", RUN, "cost.json", "--snakefile", str(snakefile)]
    command += ["--configfile", "config.yaml", *arguments]
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "CASTGRAPH_SIMULATED": json.dumps(settings or {}),
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": str(SIMULATED),
            },
        )


def cost(process: subprocess.Popen[bytes], folder: Path) -> Measured:
    """Wait for Snakemake and give what it cost."""
    if process.wait() != 0:
        tail = (folder / "output.txt").read_text(errors="replace")[-3000:]
        sys.exit(f"error: Snakemake ended with status {process.returncode} in {folder}:\n{tail}")
    measured: Measured = json.loads((folder / "cost.json").read_text())
    return measured


# --- planning


def plan(snakefile: Path, folder: Path, sizes: Iterable[int], report: Any) -> Figures:
    """Measure planning."""
    figures: Figures = {}
    dry = ("--dry-run", "--quiet", "all", "--cores", str(CORES))
    for n in sizes:
        report(f"planning {n:,} broadcasts")
        names = ids(n)
        where = prepared(folder / f"plan-{n}", names)
        measured = cost(snakemake(snakefile, where, *dry), where)
        figures |= planned("plan", n, measured)
        if n == DETAILED:
            report(f"planning a tenth of {n:,} broadcasts")
            tenth = ("--batch", "encodings=1/10", "--", "encodings")
            measured = cost(snakemake(snakefile, where, *dry, *tenth), where)
            figures |= planned("plan_batch", n, measured)
            report(f"planning {n:,} broadcasts that are encoded")
            pretend_encoded(where, names)
            measured = cost(snakemake(snakefile, where, *dry, "--", "encodings"), where)
            figures |= planned("plan_built", n, measured)
        shutil.rmtree(where)
    return figures


def planned(key: str, n: int, measured: Measured) -> Figures:
    """Name the figures of one plan."""
    return {
        f"{key}_s_{n}": measured["wall_s"],
        f"{key}_cpu_s_{n}": measured["main_s"],
        f"{key}_mb_{n}": measured["peak_mb"],
    }


def pretend_encoded(folder: Path, names: Iterable[str]) -> None:
    """Write empty files where the encodings and ZIPs would be."""
    places = {
        f"resources/zips/{ARCHIVE}": ".zip",
        f"results/fetched/{ARCHIVE}": ".json",
        f"results/frames/fast-hog-up1/{ARCHIVE}": ".parquet",
        f"results/faces/fast-hog-up1/{ARCHIVE}": ".parquet",
        f"results/encoded/fast-hog-up1/{ARCHIVE}": ".json",
    }
    for place in places:
        (folder / place).mkdir(parents=True)
    for name in names:
        for place, suffix in places.items():
            (folder / place / f"{name}{suffix}").touch()


# --- overhead


def overhead(snakefile: Path, folder: Path, report: Any) -> Figures:
    """Measure what starting jobs costs, with bare jobs and with those that import what the real ones do."""
    measured: dict[tuple[int, bool], Measured] = {}
    for n in (FEW, MORE):
        for imports in (False, True):
            report(f"{n} broadcasts, jobs that {'import' if imports else 'do nothing'}")
            where = prepared(folder / f"overhead-{n}-{imports}", ids(n))
            settings = {"real": str(ROOT / "scripts")} if imports else {}
            process = snakemake(
                snakefile, where, "--cores", "2", "--quiet", "all", "--", "encodings", settings=settings
            )
            measured[n, imports] = cost(process, where)
    return overhead_figures(measured)


def overhead_figures(measured: Mapping[tuple[int, bool], Measured]) -> Figures:
    """Make the figures from the costs by number of broadcasts and whether the jobs import anything."""

    def each(what: str, imports: bool) -> float:
        return (measured[MORE, imports][what] - measured[FEW, imports][what]) / (MORE - FEW)

    main, jobs = each("main_s", False), each("jobs_s", False)
    return {
        "overhead_s_per_broadcast": main + jobs,
        "overhead_main_s_per_broadcast": main,
        "overhead_jobs_s_per_broadcast": jobs,
        "imports_s_per_broadcast": each("jobs_s", True) - jobs,
    }


# --- idle cores


def lengths(n: int = YEAR, total: int = YEAR_FRAMES, seed: int = 60) -> list[int]:
    """Make up how many frames each broadcast has."""
    chance = random.Random(seed)  # noqa: S311
    made = []
    for _ in range(n):
        edition = 1_500 if chance.random() < 0.55 else 3_100
        double = 2 if chance.random() < 1 / 40 else 1
        made.append(edition * double * max(0.3, chance.gauss(1, 0.12)))
    # Rounded so that the sum is kept.
    ends = [round(end * total / sum(made)) for end in accumulate(made)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def simulate(snakefile: Path, folder: Path, speed: float, frames: Sequence[int]) -> Figures:
    """Run the year with jobs that sleep, with and without borrowed cores at the same time."""
    running = {}
    for borrow in (True, False):
        where = prepared(folder / f"idle-{borrow}", ids(len(frames)))
        zips, spans = where / "resources" / "zips" / ARCHIVE, where / "spans"
        fetched = where / "results" / "fetched" / ARCHIVE
        spans.mkdir()
        zips.mkdir(parents=True)
        fetched.mkdir(parents=True)
        for name, n in zip(ids(len(frames)), frames, strict=True):
            with (zips / f"{name}.zip").open("wb") as file:
                os.truncate(file.fileno(), n * FRAME_BYTES)  # it takes no room on disk
            (fetched / f"{name}.json").touch()
        settings = {
            "folder": str(spans),
            "borrow": borrow,
            "frame_s": FRAME_S / speed,
            "unzip_s": UNZIP_S / speed,
            "start_s": START_S / speed,
        }
        process = snakemake(
            snakefile, where, "--cores", str(CORES), "--quiet", "all", "--", "encodings", settings=settings
        )
        running[borrow] = (process, where)
    figures: Figures = {}
    for borrow, (process, where) in running.items():
        cost(process, where)
        jobs = [Job(**json.loads(path.read_text())) for path in (where / "spans").iterdir()]
        suffix = "" if borrow else "_fixed"
        figures |= {f"{key}{suffix}": value for key, value in idle_figures(jobs, CORES, speed).items()}
    return figures


def idle_figures(jobs: Sequence[Job], cores: int, speed: float) -> Figures:
    """Make the figures of a simulated run from what its jobs wrote down."""
    spans = [span for job in jobs for span in job.spans]
    begin, end = min(start for start, _ in spans), max(end for _, end in spans)
    room = cores * (end - begin)
    began = {job.broadcast: job.spans[0][0] for job in jobs if job.rule == "encode"}
    return {
        f"idle_share_{cores}": 1 - in_use(spans, cores) / room,
        f"encoding_share_{cores}": sum(job.worked for job in jobs) / room,
        f"wall_s_{cores}": (end - begin) * speed,
        f"n_unpacked_{cores}": most_at_once(
            (job.spans[0][1], began[job.broadcast]) for job in jobs if job.rule == "unzip"
        ),
    }


def in_use(spans: Iterable[Sequence[float]], cores: int) -> float:
    """Sum the seconds of cores in use; of more than there are, only those that there are count."""
    changes = sorted((time, step) for start, end in spans for time, step in ((start, 1), (end, -1)))
    total, used, before = 0.0, 0, 0.0
    for time, step in changes:
        total += min(used, cores) * (time - before)
        used, before = used + step, time
    return total


def most_at_once(spans: Iterable[Sequence[float]]) -> int:
    """Tell how many spans lie over one moment, at most."""
    ends: list[float] = []
    most = 0
    for start, end in sorted(spans):
        while ends and ends[0] <= start:
            heapq.heappop(ends)
        heapq.heappush(ends, end)
        most = max(most, len(ends))
    return most


# --- what is printed


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """Write a number; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}{unit}"


def percent(share: float | None) -> str:
    """Write a share in percent."""
    return "-" if share is None else f"{100 * share:.1f} %"


def show(figures: Figures, sizes: Sequence[int]) -> None:
    """Print the tables."""
    table = Table("", "seconds", "CPU seconds", "peak MB", title="Planning (snakemake -n)")
    for n in sizes:
        for key, text in (
            ("plan", ""),
            ("plan_batch", ", --batch encodings=1/10"),
            ("plan_built", ", all encoded, encodings"),
        ):
            if f"{key}_s_{n}" in figures:
                seconds, cpu, mb = (figures[f"{key}_{unit}_{n}"] for unit in ("s", "cpu_s", "mb"))
                table.add_row(f"{n:,} broadcasts{text}", number(seconds), number(cpu), number(mb, 0))
    console.print(table)
    if "overhead_s_per_broadcast" in figures:
        table = Table("", "CPU seconds", title="Overhead of one broadcast: download, unzip, encode")
        for key, text in (
            ("overhead_main_s_per_broadcast", "Snakemake's process"),
            ("overhead_jobs_s_per_broadcast", "starting three jobs"),
            ("overhead_s_per_broadcast", "together"),
            ("imports_s_per_broadcast", "what their scripts import, not counted above"),
        ):
            table.add_row(text, number(figures[key], 3))
        console.print(table)
    if f"idle_share_{CORES}" in figures:
        table = Table(
            "", "idle", "encoding", "minutes", title=f"{YEAR} broadcasts on {CORES} cores, simulated"
        )
        for suffix, text in (("", "jobs borrow idle cores"), ("_fixed", "every job one core")):
            idle, encoding = (figures[f"{key}_share_{CORES}{suffix}"] for key in ("idle", "encoding"))
            minutes = figures[f"wall_s_{CORES}{suffix}"] / 60
            table.add_row(text, percent(idle), percent(encoding), number(minutes))
        console.print(table)


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(description="Measure planning, the overhead of jobs, and idle cores.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="broadcasts to plan; empty: none")
    parser.add_argument("--skip-overhead", action="store_true", help="do not measure what jobs cost")
    parser.add_argument("--skip-simulation", action="store_true", help="do not measure idle cores")
    parser.add_argument("--speed", type=float, default=1, help="how much faster the simulated work is")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",") if size]
    figures: Figures = dict.fromkeys(
        ("plan_s_10000", "plan_mb_10000", f"idle_share_{CORES}", "overhead_s_per_broadcast")
    )
    with (
        tempfile.TemporaryDirectory() as temporary,
        Console(stderr=True).status("") as status,
    ):
        folder = Path(temporary)
        snakefile = workflow_copy(folder / "castgraph")
        figures |= plan(snakefile, folder, sizes, status.update)
        if not options.skip_overhead:
            figures |= overhead(snakefile, folder, status.update)
        if not options.skip_simulation:
            status.update(f"{YEAR} broadcasts on {CORES} cores, twice")
            figures |= simulate(snakefile, folder, options.speed, lengths())
    show({key: value for key, value in figures.items() if value is not None}, sizes)
    if options.json is not None:
        with atomic(options.json) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
