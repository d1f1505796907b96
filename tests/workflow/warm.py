"""Snakemake and its jobs import once for all runs of a test process: most of what a start takes is that."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from tests.conftest import ROOT
from tests.workflow import scripts

sys.path.append(str(ROOT))  # where a fork finds this module
_SERVER = get_context("forkserver")
# What each start imports at once or soon; each run is a fork.
_SERVER.set_forkserver_preload(
    [
        *("__main__", "snakemake.cli", "snakemake.report.html_reporter", "snakemake.executors.local"),
        *("nbformat", "smart_open", "platformdirs"),
        *(f"castgraph.run.{name}" for name in ("config", "frames", "logger", "plan")),
    ]
)


@cache
def _python() -> tuple[str, dict[str, str]]:
    """Start what runs the scripts of jobs; give what is Python to Snakemake, and the variables for it."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    python, variables = scripts.python(Path(folder.name))
    return str(python), variables


def _snakemake(
    arguments: Sequence[str], folder: Path, output: Path, environment: Mapping[str, str], python: str
) -> None:
    """Be a process as `subprocess.Popen` would have started it."""
    os.setsid()
    os.chdir(folder)
    with output.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.argv = ["snakemake", *arguments]
    sys.executable = python
    from snakemake.cli import main

    main()


class Snakemake:
    """Snakemake at work in a folder, its output in a file; what it offers is that of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        output: Path,
        environment: Mapping[str, str],
        *,
        warm_jobs: bool = True,
    ) -> None:
        output.write_bytes(b"")  # it may be read at once
        python, variables = _python() if warm_jobs else (sys.executable, {})
        told = arguments, folder, output, {**environment, **variables}, python
        self._process = _SERVER.Process(target=_snakemake, args=told)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("snakemake", timeout or 0)
        return self.returncode


def snakemake(folder: Path, *arguments: object, fails: bool = False) -> str:
    """Run Snakemake to its end and give what it printed."""
    output = folder / ".output.txt"
    process = Snakemake([*map(str, arguments)], folder, output, os.environ)
    returncode = process.wait(timeout=900)
    printed = output.read_text()
    output.unlink()
    assert (returncode != 0) == fails, printed[-6000:]
    return printed
