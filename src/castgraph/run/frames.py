"""What the frames of a broadcast depend on: what is made of frames is made again when this changes, else not.

Where a broadcast comes from is in the path of all that is made of it, too (`castgraph.archive.origin`), so
that another source, archive, programme or time between two frames of a video takes nobody's place.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from castgraph.archive.listing.local import is_local, is_recording
from castgraph.archive.media.sources import state
from castgraph.archive.media.zips import Limits, Needed, could_change
from castgraph.run import ledger
from castgraph.run.names import CODE_VERSIONS

LIMITS = ("max_frames", "max_frame_mb", "max_broadcast_mb")
"""The keys of the section ``archive`` that say how much is taken of a broadcast."""

FETCHED, UNPACKED = "fetched", "unpacked"
"""The stages in which limits act: a recording is cut where it becomes a ZIP, a ZIP where it is unpacked."""


def depend_on(
    source: str, archive: Mapping[str, Any], record: Path, asked: int = 0, stage: str = UNPACKED
) -> dict[str, Any]:
    """Tell what the frames of a broadcast, or with the stage `FETCHED` its ZIP, depend on.

    Parameters
    ----------
    source
        What the broadcast comes from; empty for the archive. What lies at an address is taken to stay as it
        is until it is asked for again.
    archive
        The section ``archive`` of the configuration.
    record
        What `note` keeps of the broadcast.
    asked
        How often it was asked for again.
    stage
        `FETCHED` or `UNPACKED`.

    Returns
    -------
    dict
        ``source``; of a local one its ``state`` (size and date); ``asked``; the ``limits`` that count: those
        under which the stage was done, as long as those of today would change nothing; the ``versions`` of
        the code; of a folder its ``picture_numbers``; of a video whose name does not say that it is one
        ``frame_seconds``, which is in no path of its. Before, during and after the jobs that follow from it,
        it is the same.
    """
    is_own = is_local(source)
    stages = ["recording" if is_own else "download", *["unzip"] * (stage == UNPACKED)]
    # Keys that only some sources have: with them all others would be made again.
    keys = ["picture_numbers"] if os.path.isdir(source) else []  # noqa: PTH112
    keys += ["frame_seconds"] if is_own and not is_recording(source) and os.path.isfile(source) else []  # noqa: PTH113
    return {
        "source": source,
        "state": state(source) if is_own else None,
        "asked": asked,
        "limits": _counting(record, stage, {key: archive[key] for key in LIMITS}),
        "versions": {name: CODE_VERSIONS[name] for name in stages},
        **{key: archive[key] for key in keys},
    }


def _counting(record: Path, stage: str, today: dict[str, Any]) -> dict[str, Any]:
    try:
        noted = ledger.read(record)[stage]
        before: dict[str, Any] = noted["limits"]
        changed = could_change(noted["needed"], Limits.of(before), Limits.of(today))
    except (KeyError, TypeError, AttributeError):  # nothing is noted, or by somebody else
        return today
    return today if changed else before


def note(
    record: Path, stage: str, counting: Mapping[str, Any], archive: Mapping[str, Any], needed: Needed
) -> None:
    """Keep in mind under which limits a stage was done, and what the broadcast would take without them.

    Parameters
    ----------
    record
        The file to keep it in, for both stages.
    stage
        `FETCHED` or `UNPACKED`.
    counting
        The limits that `depend_on` gave.
    archive
        The section ``archive`` of the configuration, whose limits were applied.
    needed
        What the stage tells of the broadcast.
    """
    today = {key: archive[key] for key in LIMITS}
    # The broadcast may have become another one since the limits were found to be of no account.
    changed = could_change(needed, Limits.of(counting), Limits.of(today))
    entry = {"limits": today if changed else dict(counting), "needed": needed}
    ledger.change(record, lambda found: found | {stage: entry})
