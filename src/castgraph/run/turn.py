"""One run at a time in a working directory."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from castgraph.base.locks import RunLock
from castgraph.base.text import line

_LOCK = Path(".snakemake") / "castgraph.lock"


def take_turn(results: Path, config: str, folder: Path = Path()) -> RunLock:
    """Take a working directory for a run alone, until its process ends.

    Parameters
    ----------
    results
        The folder of its results.
    config
        The name of its configuration's file; empty where there is none.
    folder
        The working directory.

    Raises
    ------
    BlockingIOError
        When another run is at work there; the message tells what it is doing.
    """
    about = {
        "results": str(results),
        "config": config,
        "process": os.getpid(),
        "since": f"{datetime.now():%H:%M}",
    }
    try:
        return RunLock(folder / _LOCK, json.dumps(about))
    except BlockingIOError as error:
        raise BlockingIOError(_busy(str(error), folder)) from None


def _busy(holder: str, folder: Path) -> str:
    """Say who is at work, and what it is doing as far as that can be told."""
    other = "another run"
    with suppress(ValueError, TypeError, KeyError):
        about = json.loads(holder)
        of = f" of {about['config']}" if about["config"] else ""
        other = (
            f"another run{of}, since {about['since']} (process {about['process']}), into {about['results']}"
        )
        other += _how_far(folder / about["results"])
    return (
        f"{line(other)}, is at work in {folder.resolve()}; wait for it, stop it, or start this one in "
        "another folder (castgraph plan can be asked beside it)"
    )


def _how_far(results: Path) -> str:
    from castgraph.run.status import states  # loads much

    with suppress(OSError, ValueError, KeyError):
        found = [state for state in states(results) if state.kind == "broadcast"]
        waiting = sum(state.status in ("waiting", "fetched", "failed") for state in found)
        return f": {len(found) - waiting:,} of {len(found):,} broadcasts are encoded"
    return ""
