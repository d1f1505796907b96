"""What a run would do: which broadcasts, what is there already, what is made again and why, what it takes.

It is put together from a dry run of Snakemake, which alone knows what has to be made; see
`castgraph.run.logger`.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from castgraph.archive import grouped, read_selection
from castgraph.base import streams
from castgraph.base.text import counted, line, shortened
from castgraph.base.times import duration
from castgraph.run.estimate import FIRST_GUESS, Estimate, Pace, estimate, pace
from castgraph.run.progress import Facts, Job, Teller

_MOST_NAMED = 4  # broadcasts, reasons, files that are left alone
_MOST_TEXT = 60  # characters of a value
_FOLLOWS = re.compile(r"(Missing output files|Input files updated by another job): ")
_PARAMS = re.compile(r"Params have changed since last execution: .*?before: (.*) now: (.*?) ?\Z", re.DOTALL)
_OF_BROADCAST = ("download", "unzip", "encode")
_CHOOSE = ("inventory", "select")
_GATHERS = ("all", "encodings", "sweep")

_UNNAMED = ""
_WHY = {
    "source": "its source is another",
    "state": "its file was changed",
    "asked": "it was asked for again",
    "versions": "castgraph makes it another way",
    _UNNAMED: "a setting is another, or castgraph makes it another way",
}
"""What has changed, by the name of the parameter; others are told with both values."""


class Plan(Teller):
    """Tells in one screen what Snakemake would do.

    Parameters
    ----------
    console
        Where to; None for standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or streams.console()
        self._facts: Facts | None = None
        self._jobs: list[Job] = []
        self._has_errors = False

    def knows(self, facts: Facts) -> None:
        """Take what the workflow knows of the run."""
        self._facts = facts

    def begins(self, job: Job) -> None:
        """Take a job that would begin."""
        self._jobs.append(job)

    def says(self, text: str, *, is_error: bool) -> None:
        """Tell a warning or an error of Snakemake or of the workflow."""
        self._has_errors |= is_error
        self._console.print(Text(f"{'error' if is_error else 'warning'}: {text.strip()}"))

    def closes(self) -> None:
        """Tell the plan, if there is one."""
        if self._facts and not self._has_errors:
            self._console.print(render(self._facts, self._jobs))


def render(facts: Facts, jobs: Sequence[Job]) -> RenderableType:
    """Put a plan into a form for the terminal.

    Parameters
    ----------
    facts
        What the workflow knows of the run.
    jobs
        What Snakemake would do.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    of = f" of {facts.config}" if facts.config else ""
    grid.add_row("run", Text(f"{facts.run}{of}; its results: {facts.results}"))
    to_encode = sorted({job.wildcards["broadcast"] for job in jobs if job.rule == "encode"})
    n_all = _n_broadcasts(facts, jobs)
    told = _first(jobs) if n_all is None else _broadcasts(n_all, jobs, to_encode)
    grid.add_row("broadcasts", Group(*map(Text, told)))
    if stages := list(_stages(jobs)):
        grid.add_row("then", Group(*map(Text, stages)))
    if facts.left_alone:
        grid.add_row("left alone", Group(*map(Text, grouped(facts.left_alone, _MOST_NAMED))))
    if not jobs:
        grid.add_row("to do", "nothing: all of it is there")
    elif to_encode and n_all is not None:
        known = pace(facts.results.parent, facts.encoder)
        found = estimate(
            to_encode,
            n_all,
            facts.sources,
            known,
            frame_seconds=facts.frame_seconds,
            cores=facts.cores,
            keep_zips=facts.keep_zips,
        )
        grid.add_row("it takes", Group(*map(Text, _takes(found, known, facts.cores))))
    return grid


def _n_broadcasts(facts: Facts, jobs: Sequence[Job]) -> int | None:
    """Tell how many broadcasts there are; None where inventories are still to tell it."""
    if facts.n_broadcasts is not None:
        return facts.n_broadcasts
    if any(job.rule in _CHOOSE for job in jobs):
        return None
    return len(read_selection(facts.results / "selected.csv"))


def _first(jobs: Sequence[Job]) -> Iterator[str]:
    """Tell what is done before the broadcasts are known."""
    asked = sum(job.rule == "inventory" for job in jobs)
    yield f"inventories tell which: {asked:,} to fetch; then they are chosen, and planned anew"


def _broadcasts(n_all: int, jobs: Sequence[Job], to_encode: Sequence[str]) -> Iterator[str]:
    """Tell what becomes of the broadcasts, and why some are read again."""
    again = {
        job.wildcards["broadcast"]
        for job in jobs
        if job.rule == "encode" and any(Path(path).exists() for path in job.outputs)
    }
    fetched = {job.wildcards["broadcast"] for job in jobs if job.rule == "download"}
    told = [f"{n_all - len(to_encode):,} encoded already"] if n_all > len(to_encode) else []
    told += [f"{n:,} to encode" for n in [len(to_encode) - len(again)] if n]
    told += [f"{len(again):,} to encode again"] if again else []
    told += [f"{len(fetched):,} to fetch or read first"] if fetched else []
    yield f"{n_all:,}: {', '.join(told)}" if told else f"{n_all:,}"
    reasons: dict[str, list[str]] = {}
    for job in jobs:
        if job.rule in _OF_BROADCAST and job.wildcards["broadcast"] in again:
            for reason in why(job.reason):
                reasons.setdefault(reason, []).append(job.wildcards["broadcast"])
    for reason, names in list(reasons.items())[:_MOST_NAMED]:
        yield f"again since {reason}: {_some(sorted(set(names)))}"


def _stages(jobs: Sequence[Job]) -> Iterator[str]:
    """Tell which stages of the run are made, and why some are made again although nothing before them is."""
    stages = [job for job in jobs if job.rule not in (*_OF_BROADCAST, *_GATHERS, *_CHOOSE)]
    again = [job for job in stages if any(Path(path).exists() for path in job.outputs)]
    for kind, found in (("made", [job for job in stages if job not in again]), ("made again", again)):
        if found:
            counts = Counter(job.rule for job in found)
            yield f"{kind}: {', '.join(f'{rule} ({n})' if n > 1 else rule for rule, n in counts.items())}"
    told = {f"{job.rule} again since {reason}": None for job in again for reason in why(job.reason)}
    yield from list(told)[:_MOST_NAMED]


def why(reason: str) -> list[str]:
    """Say why Snakemake makes something again, without what merely follows from other jobs.

    Parameters
    ----------
    reason
        What Snakemake gives as the reason of a job.

    Examples
    --------
    >>> why("Missing output files: a; Updated input files: resources/zips/gdelt/X.zip")
    ['X.zip is newer']
    >>> why("Params have changed since last execution: … before: {'eps': 0.4} now: {'eps': 0.42}")
    ['eps is 0.42 instead of 0.4']
    """
    found: list[str] = []
    if match := _PARAMS.search(reason):
        found += _changes(match[1], match[2])
        reason = reason[: match.start()]
    for part in filter(None, reason.split("; ")):
        kind, _, rest = part.partition(": ")
        if _FOLLOWS.match(part):
            continue
        if kind == "Updated input files":
            names = [Path(each.strip()).name or each.strip() for each in rest.split(",") if each.strip()]
            found += [f"{_some(names)} is newer"] if names else []
        elif kind != "Set of input files has changed since last execution":
            found.append(line(kind[:1].lower() + kind[1:]))
    return found


def _changes(before: str, now: str) -> list[str]:
    """Tell how parameters differ, which Snakemake writes as Python does, one behind the other."""
    old, new = _read(before), _read(now)
    return list(dict.fromkeys(_differing(old, new)))


def _read(text: str) -> dict[str, Any]:
    """Read parameters that differ; those that are dictionaries become one, others have no names."""
    if text.startswith("<"):  # nothing exclusive
        return {}
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        found: dict[str, Any] = {}
        for value in ast.literal_eval(f"[{text}]"):
            found |= value if isinstance(value, dict) else {_UNNAMED: [*found.get(_UNNAMED, []), value]}
        return found
    return {_UNNAMED: text}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        before, now = old.get(key), new.get(key)
        if before == now:
            continue
        if key in _WHY:
            yield _WHY[key]
        elif isinstance(before, Mapping) and isinstance(now, Mapping):
            yield from _differing(before, now)
        elif key in old and key in new:
            is_now, was = (shortened(str(value), _MOST_TEXT) for value in (now, before))
            yield f"{key} is {is_now} instead of {was}"
        else:
            yield f"{key} is {'new' if key in new else 'gone'}"


def _takes(found: Estimate, known: Pace, cores: int) -> Iterator[str]:
    yield (
        f"about {duration(found.seconds)} on {counted(cores, 'core')} to encode {found.frames:,} frames; "
        f"{_size(found.disk)} of disk, {_size(found.memory)} of memory"
    )
    if known is FIRST_GUESS:
        yield "a first guess, from a year of a talk show; after the first broadcasts it is reckoned from them"
    else:
        yield f"reckoned from what {counted(known.n_broadcasts, 'broadcast')} took that lie here"


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e9 else f"{max(1, round(n_bytes / 1e6))} MB"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(line(name) for name in names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else shown
