"""The tables of what was said in a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from castgraph.archive.listing.inventory import Selected
from castgraph.base import files, tables
from castgraph.base.text import counted
from castgraph.transcripts.check import Checked, check
from castgraph.transcripts.cues import Utterance, read_cues, utterances
from castgraph.transcripts.languages import language_code
from castgraph.transcripts.obtain import Transcript, read_transcript
from castgraph.transcripts.statuses import STATUSES, Word

NOT_ASKED_FOR = Transcript("missing", "none lies beside the recording, or it was not asked for")
"""What there is of a broadcast that has no transcript beside it."""

_SEVERITY = {word: place for place, word in enumerate(STATUSES)}


def write_tables(
    selected: Iterable[Selected],
    transcripts: Mapping[str, Path],
    frames: str | os.PathLike[str],
    *,
    transcripts_to: Path,
    utterances_to: Path,
    frame_seconds: float,
    language: str = "",
) -> dict[str, Any]:
    """Write what was said in a run, and what became of each transcript; a broadcast at a time is in memory.

    Parameters
    ----------
    selected
        The broadcasts of the run.
    transcripts
        Broadcast → the file that `castgraph.transcripts.obtain.obtain` wrote; others have none.
    frames
        The merged frame table, by which times are checked.
    transcripts_to, utterances_to
        The tables to write.
    frame_seconds
        Seconds between two frames: how long the last one stands for what is on air.
    language
        Of transcripts that do not tell theirs; empty for none.

    Returns
    -------
    dict
        The provenance, with the counts.
    """
    spans = _spans(frames, frame_seconds)
    rows: list[dict[str, Any]] = []
    facts = tables.provenance("utterances", {"language": language, "frame_seconds": frame_seconds})
    with files.atomic_together(utterances_to, transcripts_to) as parts:
        with tables.writer(parts[0], tables.UTTERANCES, facts) as add:
            for each in sorted(selected, key=lambda row: row.broadcast):
                path = transcripts.get(each.broadcast)
                transcript = read_transcript(path) if path else NOT_ASKED_FOR
                span = spans.get(each.broadcast)
                seconds = (span - each.start).total_seconds() if span else None
                row, said = _read(transcript, seconds, language)
                rows.append({"broadcast": each.broadcast, "frames_seconds": seconds, **row})
                if said:
                    add(_table(each.broadcast, each.start, said, row["language"]))
            facts |= {
                "n_utterances": sum(row["n_utterances"] for row in rows),
                "statuses": {
                    word: n for word in STATUSES if (n := sum(row["status"] == word for row in rows))
                },
            }
        with tables.writer(parts[1], tables.TRANSCRIPTS, facts) as add:
            add(pa.Table.from_pylist(rows, schema=tables.TRANSCRIPTS))
    return facts


def _spans(frames: str | os.PathLike[str], frame_seconds: float) -> dict[str, datetime]:
    """Tell when the last frame of each broadcast that was read ends."""
    columns = tables.by_broadcast(frames, tables.MERGED_FRAMES, ["time", "status"])
    last = {name: time[status == "ok"].astype("datetime64[us]") for name, [time, status] in columns}
    return {
        name: times.max().item().replace(tzinfo=UTC) + timedelta(seconds=frame_seconds)
        for name, times in last.items()
        if len(times)
    }


def _read(
    transcript: Transcript, frames_seconds: float | None, language: str
) -> tuple[dict[str, Any], list[Utterance]]:
    """Give the row of a transcript without its broadcast, and what is said in it."""
    cues, n_broken, of_file = read_cues(transcript.text)
    said, n_joined = utterances(cues)
    found: list[Checked] = []
    if transcript.status != "ok":
        found.append(Checked(transcript.status, transcript.reason))
    elif not said:
        found.append(Checked("empty", "no cue of it has a text and a time"))
    else:
        found.append(check(said, frames_seconds))
    if n_broken:
        found.append(Checked("partial", f"{counted(n_broken, 'cue')} could not be used, or only in part"))
    if transcript.status == "ok":
        found.append(Checked("ok", transcript.reason))
    worst: Word = min((each.status for each in found), key=_SEVERITY.__getitem__)
    row = {
        "status": worst,
        "reason": "; ".join(filter(None, (each.reason for each in found))),
        "name": transcript.name,
        "language": (transcript.language or of_file or language_code(language)) if transcript.name else "",
        "n_utterances": len(said),
        "n_joined": n_joined,
        "n_broken": n_broken,
        "first_seconds": said[0].start if said else None,
        "last_seconds": max(each.end for each in said) if said else None,
    }
    return row, said


def _table(broadcast: str, start: datetime, said: list[Utterance], language: str) -> pa.Table:
    seconds = np.array([(each.start, each.end) for each in said]).T
    begin = np.datetime64(start.replace(tzinfo=None), "us")
    times = begin + np.rint(seconds * 1e6).astype("timedelta64[us]")
    columns = [
        pa.array([broadcast] * len(said)).dictionary_encode(),
        np.arange(1, len(said) + 1, dtype=np.int32),
        *times,
        seconds[0],
        [each.text for each in said],
        pa.array([language] * len(said)).dictionary_encode(),
    ]
    return pa.table(columns, names=tables.UTTERANCES.names).cast(tables.UTTERANCES)
