"""Running the workflow of a run again, from the page of its review: one at a time, and on its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from castgraph.base.text import line
from castgraph.run.shown import home_of

_LINES = 40
_MOST_BYTES = 64 << 10  # of the end of the log


def command(run: Path) -> list[str]:
    """Give the arguments for Snakemake with which a run is run again, from the folder of its ``results/``."""
    home = home_of(run)
    config = Path("results") / run.resolve().name / "config.yaml"
    # Of a run in a folder of its own the workflow is castgraph's.
    own = Path(__file__).resolve().parents[4] / "Snakefile"
    has_own = any((home / path).is_file() for path in ("Snakefile", "workflow/Snakefile"))
    snakefile = [] if has_own or not own.is_file() else ["--snakefile", str(own)]
    return ["snakemake", *snakefile, "--cores", "all", "--configfile", str(config)]


def by_hand(run: Path) -> str:
    """Tell the command that does the same from a shell."""
    home = home_of(run)
    there = "" if home == Path.cwd() else f"cd {shlex.quote(str(home))} && "
    return f"{there}uv run {shlex.join(command(run))}"


class Workflow:
    """The workflow of a run as a process, which outlives the server.

    Parameters
    ----------
    run
        The results of the run.
    arguments
        What is run; by default Snakemake, as `command` gives it, by the Python that is at work.
    """

    def __init__(self, run: Path, arguments: Sequence[str] | None = None) -> None:
        self._run, self._home = run, home_of(run)
        self._arguments = list(arguments or [sys.executable, "-m", *command(run)])
        self.log = self._home / "results" / "logs" / run.resolve().name / "review.log"
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._ended = 0.0

    def start(self) -> bool:
        """Start it; False when it is at work.

        Raises
        ------
        OSError
            When it cannot be started.
        """
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return False
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 (our own arguments)
                    self._arguments,
                    cwd=self._home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C ends the server, not a run that is at work
                )
            self._began, self._ended = time.monotonic(), 0.0
            return True

    def state(self) -> dict[str, Any]:
        """Tell how far it is, with the last lines of what it says."""
        with self._lock:
            if self._process is None:
                return {"state": "none", "code": None, "seconds": 0.0, "lines": []}
            code = self._process.poll()
            if code is not None and not self._ended:
                self._ended = time.monotonic()
            words = {None: "running", 0: "done"}
            return {
                "state": words.get(code, "failed"),
                "code": code,
                "seconds": round((self._ended or time.monotonic()) - self._began, 1),
                "lines": self._last_lines(),
            }

    def _last_lines(self) -> list[str]:
        try:
            with self.log.open("rb") as log:
                log.seek(0, 2)
                log.seek(max(0, log.tell() - _MOST_BYTES))
                text = log.read().decode(errors="replace")
        except OSError:
            return []
        return [line(each) for each in text.splitlines() if each.strip()][-_LINES:]
