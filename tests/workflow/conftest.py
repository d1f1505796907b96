"""Real Snakemake runs, each in a folder of its own, and small archives made of the demo's frames."""

from __future__ import annotations

import copy
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow.warm import Snakemake

Config = dict[str, Any]

STARTED = re.compile(r"^ *(?:local)?(?:rule|checkpoint) (\w+):$", re.MULTILINE)  # indented: in a group


@dataclass
class Run:
    """One folder to run the workflow in."""

    folder: Path
    config: Config | None = None  # none: the shipped configuration, the demo
    extra: list[str] = field(default_factory=list)
    detailed: bool = True  # Snakemake's own account, which tells every job; else what users see
    warm: bool = True  # Snakemake is not imported anew; it is where another PYTHONPATH brings it a plugin
    warm_jobs: bool = True  # nor is what jobs import; it is where it matters which processes there are

    @property
    def results(self) -> Path:
        return self.folder / "results" / ("demo" if self.config is None else self.config["run"])

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile")]
        command += ["--cores", str(cores), *self.extra]
        command += ["--printshellcmds", "--show-failed-logs"] * self.detailed
        if self.config is not None:
            file = self.folder / "config" / "test.yaml"
            file.parent.mkdir(exist_ok=True)
            file.write_text(yaml.safe_dump(self.config, sort_keys=False))
            command += ["--configfile", str(file)]
        options = [argument for argument in arguments if argument.startswith("-")]
        targets = [argument for argument in arguments if argument not in options]
        return [*command, *options, "--", *targets]

    def start(self, *arguments: str, cores: int = 2) -> Snakemake | subprocess.Popen[str]:
        """Start Snakemake as a process group of its own; its output goes to `output.txt` in the folder."""
        command = self.command(*arguments, cores=cores)
        environment = os.environ | {"COLUMNS": "200"}
        if self.warm:
            output = self.folder / "output.txt"
            return Snakemake(command[1:], self.folder, output, environment, warm_jobs=self.warm_jobs)
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                env=environment,
            )

    def __call__(self, *arguments: str, cores: int = 2, fails: bool = False) -> str:
        """Run Snakemake to its end and give what it printed."""
        process = self.start(*arguments, cores=cores)
        returncode = process.wait(timeout=900)
        output = self.output
        assert (returncode != 0) == fails, output[-6000:]
        return output

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    def copied(self, folder: Path, config: Config | None = None) -> Run:
        """The run as it is now in another folder, with a configuration of its own."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Run(folder, copy.deepcopy(config or self.config))

    def digests(self) -> dict[str, str]:
        """SHA-256 of every result."""
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self._files()}

    def written(self) -> dict[str, int]:
        """When every result was written."""
        return {name: path.stat().st_mtime_ns for name, path in self._files()}

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Every result by its path; what differs between runs is left out: logs, times, the report."""
        results = self.folder / "results"
        for path in sorted(results.rglob("*")):
            name = path.relative_to(results)
            timed = name.parts[0] in ("logs", "benchmarks", "ledger") or name.name == "report.html"
            if path.is_file() and not timed:
                yield str(name), path


def jobs(output: str) -> Counter[str]:
    """Count the jobs that Snakemake started, by rule."""
    return Counter(STARTED.findall(output))


def persons(folder: Path) -> list[int]:
    """Who each face is in a clustering, by rank from 0; -1 for nobody."""
    ids = pq.read_table(folder / "people.parquet")["person_id"].to_pylist()
    number = {name: n for n, name in enumerate(ids)} | {None: -1}
    return [number[name] for name in pq.read_table(folder / "members.parquet")["person_id"].to_pylist()]


def frames_of(demo: Path, broadcast: str, numbers: Iterable[int]) -> list[bytes]:
    """Read frames of a demo broadcast."""
    with zipfile.ZipFile(demo / f"{broadcast}.zip") as archive:
        return [archive.read(f"{broadcast}/{broadcast}-{number:06d}.jpg") for number in numbers]


def write_zip(folder: Path, broadcast: str, frames: Mapping[int, bytes] | Iterable[bytes]) -> Path:
    """Write a ZIP as the archive has them."""
    numbered = frames if isinstance(frames, Mapping) else dict(enumerate(frames, start=1))
    path = folder / f"{broadcast}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in numbered.items():
            archive.writestr(f"{broadcast}/{broadcast}-{number:06d}.jpg", content)
    return path


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Give a folder that is made once for all processes of a test run; no test may change it."""
    base = factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / f"castgraph-{name}"
    made = folder.with_suffix(".made")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo, run whole with the shipped configuration."""
    return Run(made_once(tmp_path_factory, "demo", lambda folder: Run(folder, detailed=False)()))


SHORT = {
    "DEMO1_20240102_190000_Evening_Review": range(3, 11),
    "DEMO1_20240103_190000_Evening_Review": range(3, 9),
    "DEMO2_20240102_220000_Night_Debate": range(20, 26),
    "DEMO2_20240105_120000": range(10, 14),
}
"""Demo broadcasts and the frames that the small archive has of them."""


@pytest.fixture(scope="session")
def small_archive(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of four broadcasts with a few frames each."""

    def make(folder: Path) -> None:
        for broadcast, numbers in SHORT.items():
            write_zip(folder, broadcast, frames_of(demo, broadcast, numbers))

    return made_once(tmp_path_factory, "archive", make)


@pytest.fixture(scope="session")
def small_config(small_archive: Path) -> Config:
    return {
        "run": "small",
        "broadcasts": {"ids": list(SHORT)},
        "archive": {"base_url": str(small_archive)},
        "clustering": {"algorithm": "dbscan", "min_samples": 2},  # which goes on from a saved state
        "people": {"sheet_faces": 6},
    }


@pytest.fixture(scope="session")
def small_run(small_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small archive, run whole and undisturbed on two cores."""
    folder = made_once(tmp_path_factory, "small", lambda folder: Run(folder, small_config)())
    return Run(folder, small_config)


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[..., Run]:
    """Make a run in an empty folder."""
    return lambda config=None, **options: Run(tmp_path, config, **options)
