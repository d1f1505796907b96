"""Where each person is seen: every face, and the stretches of a broadcast that they make together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.people.places import Places

Link = Callable[[str, int], str]
"""Gives the address of a frame of a broadcast; see `castgraph.archive.frame_links`."""

Times = NDArray[np.datetime64]


def sightings(
    places: Places, members: tables.Members, distances: NDArray[np.float32], times: Times, link: Link
) -> pa.Table:
    """List every face of every person.

    Parameters
    ----------
    places
        Where the faces are.
    members
        Who each face is.
    distances
        Of each face from the middle of its person; shape (n_faces,).
    times
        When each face was on air, UTC, shape (n_faces,); see `castgraph.faces.times.face_times`.
    link
        Gives the address of a frame.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.SIGHTINGS`.
    """
    ids, person = _by_id(members)
    rows = np.argsort(person, kind="stable")  # the faces are in the order of broadcast and face
    rows = rows[np.searchsorted(person, 0, sorter=rows) :]
    columns = [
        pa.DictionaryArray.from_arrays(person[rows], ids),
        pa.DictionaryArray.from_arrays(places.broadcast[rows], pa.array(places.broadcasts, pa.string())),
        places.face[rows],
        places.frame[rows],
        times[rows],
        *places.boxes[:, rows],
        distances[rows],
        _links(places.broadcasts, places.broadcast[rows], places.frame[rows], link),
    ]
    return pa.table(columns, names=tables.SIGHTINGS.names).cast(tables.SIGHTINGS)


def appearances(
    places: Places,
    members: tables.Members,
    times: Times,
    link: Link,
    *,
    frame_seconds: float,
    gap_seconds: float,
) -> pa.Table:
    """Join the sightings of a person over small gaps.

    Parameters
    ----------
    places, members, times, link
        As of `sightings`.
    frame_seconds
        Seconds between two frames: how long a frame stands for what is on air.
    gap_seconds
        The longest time between the end of a frame and the next frame that shows the person for both to be of
        one appearance.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.APPEARANCES`. The screen time of a person is the sum of that of
        the appearances.
    """
    ids, person = _by_id(members)
    order = once_a_frame(places, person)
    stretch = person[order].astype(np.int64) << 32 | places.broadcast[order]
    frame, on_air = places.frame[order], times[order]
    begins = np.ones(len(order), bool)
    waited = np.diff(on_air).astype("timedelta64[us]").astype(np.int64) / 1e6 - frame_seconds
    # A microsecond, since times are rounded to it.
    begins[1:] = (stretch[1:] != stretch[:-1]) | (waited > gap_seconds + 1e-6)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(order))[: len(first)] - 1
    n_frames = (last - first + 1).astype(np.int32)
    broadcast = places.broadcast[order[first]]
    columns = [
        pa.DictionaryArray.from_arrays(person[order[first]], ids),
        pa.DictionaryArray.from_arrays(broadcast, pa.array(places.broadcasts, pa.string())),
        frame[first],
        frame[last],
        on_air[first],
        on_air[last] + np.timedelta64(round(frame_seconds * 1e6), "us"),
        n_frames,
        n_frames * frame_seconds,
        _links(places.broadcasts, broadcast, frame[first], link),
    ]
    return pa.table(columns, names=tables.APPEARANCES.names).cast(tables.APPEARANCES)


def once_a_frame(places: Places, person: NDArray[np.int32]) -> NDArray[np.int64]:
    """Choose one face of each person and frame, by person, broadcast and frame; `NOISE` is nobody."""
    seen = np.flatnonzero(person != tables.NOISE)
    order = seen[np.lexsort((places.frame[seen], places.broadcast[seen], person[seen]))]
    again = np.zeros(len(order), bool)
    again[1:] = np.logical_and.reduce(
        [each[order[1:]] == each[order[:-1]] for each in (person, places.broadcast, places.frame)]
    )
    return order[~again]


def _by_id(members: tables.Members) -> tuple[pa.Array, NDArray[np.int32]]:
    """Give the IDs in the order of the alphabet, and of each face its person among them."""
    ids = sorted(members.ids)
    number = {name: place for place, name in enumerate(ids)}
    numbers = np.array([*(number[name] for name in members.ids), tables.NOISE], np.int32)
    return pa.array(ids, pa.string()), numbers[members.person]


def _links(
    broadcasts: list[str], broadcast: NDArray[np.int32], frame: NDArray[np.int32], link: Link
) -> pa.Array:
    """Give the address of each frame; each is made once."""
    keys, place = np.unique(broadcast.astype(np.int64) << 32 | frame, return_inverse=True)
    made = [link(broadcasts[key >> 32], key & 0xFFFFFFFF) for key in keys.tolist()]
    return pa.array(made, pa.string()).take(pa.array(place))
