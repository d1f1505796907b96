"""When frames, and so faces, were on air."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph.base import tables

Times = NDArray[np.datetime64]

_LONGEST = 1e9
"""Seconds, some 30 years: a clock that says more is not believed."""


def frame_times(
    start: datetime, frames: NDArray[np.integer[Any]], seconds: NDArray[np.float64], frame_seconds: float
) -> Times:
    """Tell when the frames of a broadcast were on air.

    Parameters
    ----------
    start
        When it began.
    frames
        The numbers of the frames, from 1; shape (n,).
    seconds
        The time of each since the first, by the clock of the video; NaN for what is no video. Shape (n,).
    frame_seconds
        Seconds between two frames, for those without a clock.

    Returns
    -------
    ndarray of shape (n,), datetime64[us]
        UTC.
    """
    known = np.abs(seconds) < _LONGEST
    elapsed = np.where(known, seconds, (frames.astype(np.int64) - 1) * frame_seconds)
    micro = np.rint(elapsed * 1e6).astype("timedelta64[us]")
    times: Times = np.datetime64(start.replace(tzinfo=None), "us") + micro
    return times


def read_frames(
    frames: str | os.PathLike[str], replayed: tables.Replayed = MappingProxyType({})
) -> tuple[list[str], NDArray[np.int32], Times]:
    """Tell which frames were read, and when they were on air.

    Parameters
    ----------
    frames
        The merged frame table.
    replayed
        Stretches that are left out.

    Returns
    -------
    broadcasts : list of str
    broadcast : ndarray of shape (n_frames,), int32
        The broadcast of each frame that was read, as an index into `broadcasts`.
    times : ndarray of shape (n_frames,), datetime64[us]
    """
    names: list[str] = []
    parts: list[NDArray[np.int32]] = []
    times: list[Times] = []
    columns = ["frame", "time", "status"]
    for name, [number, time, status] in tables.by_broadcast(frames, tables.MERGED_FRAMES, columns):
        counts = (status == "ok") & ~tables.is_replayed(replayed, name, number)
        read = time[counts].astype("datetime64[us]")
        parts.append(np.full(len(read), len(names), np.int32))
        times.append(read)
        names.append(name)
    none = np.empty(0, np.int32), np.empty(0, "datetime64[us]")
    return names, np.concatenate([none[0], *parts]), np.concatenate([none[1], *times])


def n_read(frames: str | os.PathLike[str], replayed: tables.Replayed | None = None) -> dict[str, int]:
    """Count the frames of each broadcast that were read; a broadcast at a time is in memory.

    Parameters
    ----------
    frames
        The merged frame table.
    replayed
        Frames that do not count, as `castgraph.base.tables.read_replayed` gives them.
    """
    read = tables.by_broadcast(frames, tables.MERGED_FRAMES, ["frame", "status"])
    return {
        name: int(((status == "ok") & ~tables.is_replayed(replayed or {}, name, frame)).sum())
        for name, [frame, status] in read
    }


def on_air(frames: str | os.PathLike[str], frame_seconds: float) -> tuple[datetime, datetime] | None:
    """Tell from when to when what was read was on air.

    Parameters
    ----------
    frames
        The merged frame table.
    frame_seconds
        Seconds between two frames: the last one is on air for so long.

    Returns
    -------
    tuple of datetime, or None
        UTC; None where no frame was read.
    """
    times: list[datetime] = []
    for batch in tables.batches(frames, tables.MERGED_FRAMES, ["time", "status"]):
        ends = pc.min_max(batch["time"].filter(pc.equal(batch["status"], "ok")))
        times += [end.as_py() for end in ends.values() if end.is_valid]
    return (min(times), max(times) + timedelta(seconds=frame_seconds)) if times else None


def face_times(faces: str | os.PathLike[str], frames: str | os.PathLike[str]) -> Times:
    """Tell when each face of a run was on air; a broadcast at a time is in memory beside the times.

    Parameters
    ----------
    faces, frames
        The merged face table and the merged frame table.

    Returns
    -------
    ndarray of shape (n_faces,), datetime64[us]
        UTC, in the order of the face table.

    Raises
    ------
    TableError
        When the frame of a face is not in the frame table.
    """
    times = np.empty(pq.read_metadata(faces).num_rows, "datetime64[us]")
    of_frames = tables.by_broadcast(frames, tables.MERGED_FRAMES, ["frame", "time"])
    end = 0
    for broadcast, [wanted] in tables.by_broadcast(faces, tables.MERGED_FACES, ["frame"]):
        numbers, on_air = next(
            (values for name, values in of_frames if name == broadcast), (wanted[:0], times[:0])
        )
        places = np.searchsorted(numbers, wanted)
        inside = places < len(numbers)
        lost = wanted[~inside | (np.append(numbers, 0)[np.where(inside, places, -1)] != wanted)]
        if len(lost):
            raise tables.TableError(
                f"{faces} has a face in frame {lost[0]} of {broadcast}, a frame that is not in {frames}"
            )
        begin, end = end, end + len(wanted)
        times[begin:end] = on_air[places]
    return times
