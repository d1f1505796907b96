"""How long people are on the screen by show, station, day, week and month, and of how much that was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.people.places import Places
from castgraph.people.sightings import once_a_frame

Times = NDArray[np.datetime64]


def _week(time: np.datetime64) -> str:
    day: date = time.astype("datetime64[D]").item()  # of days it is one
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


_OF_BROADCAST: Mapping[str, Callable[[Broadcast], str]] = {
    "show": lambda broadcast: broadcast.title,
    "station": lambda broadcast: broadcast.station,
}
_OF_DAY: Mapping[str, Callable[[np.datetime64], str]] = {
    "day": str,
    "week": _week,
    "month": lambda day: str(day.astype("datetime64[M]")),
}


def screen_time(
    places: Places,
    members: tables.Members,
    times: Times,
    frames: tuple[list[str], NDArray[np.int32], Times],
    frame_seconds: float,
) -> pa.Table:
    """Add up how long people are on the screen.

    Parameters
    ----------
    places, members, times
        Where the faces are, who they are, and when each was on air, UTC, shape (n_faces,).
    frames
        Of the frames that were read: broadcasts, the broadcast of each frame as an index into them, and when
        it was on air, shape (n_frames,).
    frame_seconds
        Seconds between two frames.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.SCREEN_TIME`.
    """
    rows = once_a_frame(places, members.person)
    person = members.person[rows]
    ids = pa.array(members.ids, pa.string())
    parts: list[pa.Table] = []
    for kind in (*_OF_BROADCAST, *_OF_DAY):
        read_in = _labels(kind, frames[0], frames[1], frames[2])
        seen_in = _labels(kind, places.broadcasts, places.broadcast[rows], times[rows])
        read = dict(zip(*np.unique(read_in, return_counts=True), strict=True))
        names, number = np.unique(seen_in, return_inverse=True)
        pairs, counts = np.unique(person.astype(np.int64) << 32 | number, return_counts=True)
        read_seconds = np.array([read.get(name, 0) * frame_seconds for name in names.tolist()], float)
        of_read = read_seconds[pairs & 0xFFFFFFFF]
        seconds = counts * frame_seconds
        parts.append(
            pa.table(
                {
                    "person_id": ids.take(pa.array(pairs >> 32)),
                    "by": pa.array([kind] * len(pairs), pa.string()),
                    "part": pa.array(names[pairs & 0xFFFFFFFF].tolist(), pa.string()),
                    "screen_seconds": seconds,
                    "read_seconds": of_read,
                    "share": np.divide(seconds, of_read, out=np.zeros(len(pairs)), where=of_read > 0),
                }
            )
        )
    order = [(name, "ascending") for name in tables.TABLES["screen_time"].key]
    table = pa.concat_tables(parts).sort_by(order)
    return table.cast(tables.SCREEN_TIME)


def _labels(kind: str, broadcasts: list[str], broadcast: NDArray[np.int32], times: Times) -> NDArray[np.str_]:
    """Tell the show, station, day, week or month of each frame."""
    if kind in _OF_BROADCAST:
        of_broadcast = [_OF_BROADCAST[kind](Broadcast.parse(name)) for name in broadcasts]
        return np.array(of_broadcast, dtype=str)[broadcast] if broadcasts else np.empty(0, dtype=str)
    days, number = np.unique(times.astype("datetime64[D]"), return_inverse=True)
    return np.array([_OF_DAY[kind](day) for day in days], dtype=str)[number]
