"""What a run tells people while it is at work: how far it is, what failed, and in the end what it found."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from castgraph.archive import LeftAlone, grouped, read_selection
from castgraph.base import streams
from castgraph.base.joblog import failure
from castgraph.base.text import counted, line
from castgraph.base.times import duration
from castgraph.run import status, summary

_UNTOLD = (
    *("download", "unzip", "encode", "transcript", "inventory", "select", "left_alone"),
    *("all", "encodings", "sweep"),
)
"""Jobs of which there may be thousands, and those that only gather: nothing is said when they begin."""

_MOST_TOLD = 5  # failures, one by one
_PATIENCE = 10.0  # seconds; Snakemake tries a job again at once, but others may speak in between
_ENOUGH = 3  # broadcasts, to tell how long the others take


class Facts(NamedTuple):
    """What the workflow knows of a run before anything is planned.

    Attributes
    ----------
    run
        Its name.
    results
        The folder of its results.
    config
        The name of its configuration's file; empty where there is none.
    n_broadcasts
        How many there are; None where inventories tell them.
    sources
        ID → source of the broadcasts that are listed.
    left_alone
        What lies among the recordings and is not taken.
    encoder, frame_seconds, keep_zips
        As the configuration says.
    cores
        How many the run has; on a cluster, jobs at a time.
    descriptions
        Rule → what it does.
    """

    run: str
    results: Path
    config: str
    n_broadcasts: int | None
    sources: Mapping[str, str]
    left_alone: Sequence[LeftAlone]
    encoder: str
    frame_seconds: float
    keep_zips: bool
    cores: int
    descriptions: Mapping[str, str]


class Job(NamedTuple):
    """A job of Snakemake that begins, or would: see the event ``job_info`` of its logger plugins."""

    number: int
    rule: str
    wildcards: Mapping[str, str]
    reason: str
    outputs: Sequence[str]


class Failure(NamedTuple):
    """A job that failed; `broadcast` is empty where it was about none, `log` where it has no log file."""

    rule: str
    broadcast: str
    reason: str
    log: str

    def __str__(self) -> str:
        """Say it in a sentence."""
        parts = [self.broadcast, self.rule, self.reason]
        return f"{': '.join(filter(None, parts))}{f'; details in {self.log}' if self.log else ''}"

    @property
    def kind(self) -> str:
        """What it has in common with others."""
        reason = self.reason.replace(self.broadcast, "…") if self.broadcast else self.reason
        return f"{self.rule}: {reason}"


class Teller:
    """Who is told what Snakemake does, or would do; what one need not know it leaves out."""

    def knows(self, facts: Facts) -> None:
        """Take what the workflow knows of the run."""

    def plans(self, counts: Mapping[str, int]) -> None:
        """Take how many jobs there are of each rule, and in all (``total``)."""

    def begins(self, job: Job) -> None:
        """Take a job that begins."""

    def ends(self, number: int) -> None:
        """Take that a job ended well."""

    def fails(self, number: int, rule: str, logs: Sequence[str]) -> None:
        """Take that a job failed; it may be tried again."""

    def tries_again(self, number: int) -> None:
        """Take that a job that failed is tried again."""

    def has_nothing_to_do(self) -> None:
        """Take that all is there."""

    def says(self, text: str, *, is_error: bool) -> None:
        """Take a warning or an error of Snakemake or of the workflow."""

    def closes(self) -> None:
        """Take that nothing will follow."""


class Progress(Teller):
    """Tells how far a run is: a line for each broadcast that is encoded, and for each stage that begins.

    Parameters
    ----------
    silent
        Whether errors alone are told.
    quiet
        Whether errors and what was found in the end are.
    console
        Where to; None for standard error. On a terminal a bar shows how far the broadcasts are.
    found
        Where to tell what was found; None for standard output.
    """

    def __init__(
        self,
        *,
        silent: bool = False,
        quiet: bool = False,
        console: Console | None = None,
        found: Console | None = None,
    ) -> None:
        self._silent, self._quiet = silent, quiet or silent
        self._console = console or streams.console(stderr=True)
        self._to = found or streams.console()
        self._facts: Facts | None = None
        self._jobs: dict[int, Job] = {}
        self._failing: dict[int, tuple[float, Failure]] = {}
        self._failures: list[Failure] = []
        self._pages: list[str] = []
        self._n_broadcasts = self._n_before = self._n_encoded = self._n_frames = 0
        self._began = 0.0
        self._has_summary = self._has_errors = False
        self._bar: Bar | None = None

    def knows(self, facts: Facts) -> None:
        """Take what the workflow knows of the run."""
        self._facts = facts
        self._n_broadcasts = facts.n_broadcasts or 0
        of = f" of {facts.config}" if facts.config else ""
        chosen = counted(self._n_broadcasts, "broadcast") if self._n_broadcasts else "inventories tell which"
        for told in grouped(facts.left_alone, _MOST_TOLD):
            self._tell(f"left alone: {told}")
        self._tell(f"run {facts.run}{of}: {chosen}; planning")

    def plans(self, counts: Mapping[str, int]) -> None:
        """Take how many jobs there are of each rule, and in all (``total``)."""
        self._n_before = self._n_encoded = max(0, self._n_broadcasts - counts.get("encode", 0))
        there = f"; {self._n_before:,} of the broadcasts are encoded" if self._n_before else ""
        self._tell(f"{counted(counts['total'], 'job')} to do{there}")
        self._show_bar()

    def begins(self, job: Job) -> None:
        """Take a job that begins."""
        self._settle()
        self._jobs[job.number] = job
        if job.rule == "encode":
            self._began = self._began or time.monotonic()
        elif job.rule not in _UNTOLD:
            of = f" {job.wildcards['clustering']}" if "clustering" in job.wildcards else ""
            said = line(self._facts.descriptions.get(job.rule, "")) if self._facts else ""
            self._tell(f"{job.rule}{of}{': ' if said else ''}{said}")

    def ends(self, number: int) -> None:
        """Take that a job ended well."""
        self._settle()
        job = self._jobs.pop(number, None)
        if job is None:
            return
        self._has_summary |= job.rule == "summary"
        self._pages += [path for path in job.outputs if path.endswith(".html")]
        if job.rule == "encode":
            self._tell_encoded(job)
        elif job.rule == "select" and not self._n_broadcasts:  # inventories told them
            self._n_broadcasts = len(read_selection(Path(job.outputs[0])))
            self._tell(f"{counted(self._n_broadcasts, 'broadcast')} chosen")
            self._show_bar()

    def fails(self, number: int, rule: str, logs: Sequence[str]) -> None:
        """Take that a job failed; it may be tried again."""
        self._settle()
        job = self._jobs.pop(number, None)
        reason = next(filter(None, map(failure, logs)), "it ended without saying why")
        broadcast = job.wildcards.get("broadcast", "") if job else ""
        self._failing[number] = time.monotonic(), Failure(rule, broadcast, reason, logs[0] if logs else "")

    def tries_again(self, number: int) -> None:
        """Take that a job that failed is tried again."""
        self._failing.pop(number, None)

    def has_nothing_to_do(self) -> None:
        """Take that all is there."""
        self._tell("nothing to do: all of it is there")
        self._has_summary = True

    def says(self, text: str, *, is_error: bool) -> None:
        """Take a warning or an error of Snakemake or of the workflow."""
        self._settle()
        self._has_errors |= is_error
        if is_error or not self._quiet:
            self._say(f"{'error' if is_error else 'warning'}: {text.strip()}")

    def closes(self) -> None:
        """Tell what was found, or what failed."""
        self._settle(patience=0)
        if self._bar:
            self._bar.stop()
        if self._failures:
            self._tell_failures()
        elif self._facts and not self._has_errors and not self._silent:
            self._to.print(self._found(self._facts.results))

    def _settle(self, patience: float = _PATIENCE) -> None:
        """Tell what failed for good: for some time it was not tried again."""
        now = time.monotonic()
        over = [number for number, (since, _) in self._failing.items() if now - since >= patience]
        for number in over:
            self._failures.append(self._failing.pop(number)[1])
            if len(self._failures) <= _MOST_TOLD:
                self._say(f"failed: {self._failures[-1]}")
            elif len(self._failures) == _MOST_TOLD + 1:
                self._say("failed: others, too; they are counted in the end")

    def _tell_encoded(self, job: Job) -> None:
        found = _receipt(job.outputs)
        self._n_encoded += 1
        self._n_frames += found.get("n_frames", 0)
        told = [counted(found.get("n_frames", 0), "frame"), counted(found.get("n_faces", 0), "face")]
        if found.get("status", "ok") != "ok":
            told.append(f"{found['status']}: {found['reason']}")
        seconds = time.monotonic() - self._began
        ended, left = self._n_encoded - self._n_before, self._n_broadcasts - self._n_encoded
        if ended >= _ENOUGH and left > 0:
            told.append(
                f"{self._n_frames / seconds:.1f} frames/s, all in about {duration(seconds / ended * left)}"
            )
        of = f" of {self._n_broadcasts:,}" if left >= 0 else ""
        self._tell(f"encoded {self._n_encoded:,}{of}: {job.wildcards['broadcast']}: {', '.join(told)}")
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._n_encoded)

    def _tell_failures(self) -> None:
        self._say(f"{counted(len(self._failures), 'job')} failed:")
        for kind, number in Counter(failed.kind for failed in self._failures).most_common(_MOST_TOLD):
            self._say(f"  {number:,} × {kind}")
        results = f" {self._facts.results}" if self._facts else ""
        self._say(f"The same command goes on from here; castgraph status{results} tells of each broadcast.")

    def _found(self, results: Path) -> RenderableType:
        """Put together what the run found, as far as it was to be made."""
        if self._has_summary:
            with suppress(OSError, ValueError, KeyError, TypeError):
                found = json.loads((results / "summary.json").read_text(encoding="utf-8"))
                return summary.render(found, results)
        parts: list[RenderableType] = []
        with suppress(OSError, ValueError, KeyError):
            parts.append(status.render(status.states(results)))
        return Group(*parts, *map(Text, self._pages))

    def _show_bar(self) -> None:
        if self._console.is_terminal and self._n_broadcasts and not self._quiet and self._bar is None:
            columns = TextColumn("encoded"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._bar.add_task("", total=self._n_broadcasts, completed=self._n_encoded)
            self._bar.start()

    def _tell(self, text: str) -> None:
        if not self._quiet:
            self._say(text)

    def _say(self, text: str) -> None:
        self._console.print(Text(f"{time.strftime('%H:%M:%S')} {text}"))


def _receipt(outputs: Sequence[str]) -> dict[str, Any]:
    """Read the receipt among the outputs of a job; empty where it cannot be read."""
    for path in outputs:
        if path.endswith(".json"):
            with suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
                return found
    return {}
