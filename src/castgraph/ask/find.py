"""The faces of a run that are near to one face: exact distances to all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.archive.broadcast import Broadcast
from castgraph.ask.results import Results
from castgraph.ask.views import QueryError
from castgraph.base import tables
from castgraph.base.boxes import BOX
from castgraph.base.tables import NOISE
from castgraph.base.text import quoted
from castgraph.faces.times import face_times
from castgraph.people.centre import centre
from castgraph.people.places import read_places

_BLOCK = 2048
"""Faces that are compared at a time: as many as a core's cache holds."""

_SPAN = 16 * _BLOCK
"""Faces that a thread takes at a time."""


def nearest(
    embeddings: NDArray[np.float32], point: NDArray[np.floating], max_distance: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the embeddings that are near to a point.

    Parameters
    ----------
    embeddings
        Shape (n, d), float32; it may lie on disk, and is read once.
    point
        Shape (d,).
    max_distance
        The largest Euclidean distance.

    Returns
    -------
    rows : ndarray of shape (n_found,), int64
        The nearest first; of as near ones the first.
    distances : ndarray of shape (n_found,), float64

    Raises
    ------
    ValueError
        When the embeddings and the point do not have as many numbers.

    Notes
    -----
    Distances are first computed with float32. How far those may be off is bounded, and what may be near
    enough is measured again with float64: the result is that of measuring all of them with float64.

    Examples
    --------
    >>> faces = np.array([[0, 0], [3, 4], [0, 1]], np.float32)
    >>> rows, distances = nearest(faces, np.array([0.0, 0.0]), 1.5)
    >>> rows.tolist(), distances.tolist()
    ([0, 2], [0.0, 1.0])
    """
    if embeddings.shape[1:] != np.shape(point):
        raise ValueError(
            f"the faces have {embeddings.shape[1]} numbers each, and the point has {np.size(point)}: they "
            "are of different encoders"
        )
    exact = np.asarray(point, np.float64)
    rough = exact.astype(np.float32)
    # The point is off by half the rounding of float32, relative to its length; each difference by as much of
    # itself, each of d sums by as much of the sum, and both twice for safety.
    rounding = float(np.finfo(np.float32).eps)
    largest = (max_distance + rounding * float(np.linalg.norm(exact))) ** 2 * (
        1 + 2 * rounding * (len(exact) + 4)
    )

    def near(begin: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        differences = np.empty((_BLOCK, len(exact)), np.float32)
        for start in range(begin, min(begin + _SPAN, len(embeddings)), _BLOCK):
            block = embeddings[start : start + _BLOCK]
            with np.errstate(invalid="ignore", over="ignore"):  # what is no number is near to nothing
                off = np.subtract(block, rough, out=differences[: len(block)])
                candidates = np.flatnonzero(np.einsum("ij,ij->i", off, off) <= largest)
            distances = np.sqrt(np.square(block[candidates].astype(np.float64) - exact).sum(axis=1))
            kept = distances <= max_distance
            yield start + candidates[kept], distances[kept]

    with ThreadPoolExecutor(_threads()) as pool:
        spans = pool.map(lambda begin: list(near(begin)), range(0, len(embeddings), _SPAN))
        parts = [part for span in spans for part in span]
    rows = np.concatenate([np.empty(0, np.int64), *(part[0] for part in parts)])
    distances = np.concatenate([np.empty(0), *(part[1] for part in parts)])
    order = np.argsort(distances, kind="stable")
    return rows[order], distances[order]


def _threads() -> int:
    """Tell how many cores there are for this process; NumPy does its work without Python's lock."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


FACES = pa.schema(
    [
        ("distance", pa.float64()),
        ("person_id", pa.string()),
        ("name", pa.string()),
        ("broadcast", pa.string()),
        ("frame", pa.int32()),
        ("face", pa.int32()),
        ("time", pa.timestamp("us", tz="UTC")),
        *((side, pa.int32()) for side in BOX),
        ("link", pa.string()),
    ]
)
"""What `matches` gives."""


def matches(
    results: Results,
    point: NDArray[np.floating],
    max_distance: float,
    *,
    without: str = "",
    first: date | None = None,
    last: date | None = None,
    station: str = "",
) -> pa.Table:
    """Find the faces of a run that are near to a point, and who they are.

    Parameters
    ----------
    results
        The run. Who a face is, its clustering tells; faces that are nobody's to see are left out.
    point
        An embedding of the run's own encoder, shape (d,).
    max_distance
        The largest distance.
    without
        The ID of a person whose faces are left out.
    first, last
        Only faces of broadcasts that began on these days and between them, UTC.
    station
        Only faces of this station, as the IDs have it.

    Returns
    -------
    Table
        Of the schema `FACES`, the nearest first; a face of nobody has an empty ``person_id``.

    Raises
    ------
    QueryError, ValueError
        When the run has no such station, the point is of another encoder, or tables do not fit each other.
    """
    faces = results.path("faces")
    places = read_places(faces)
    wanted = np.array([_is_wanted(name, first, last, station) for name in places.broadcasts], bool)
    if station and not any(Broadcast.parse(name).station == station for name in places.broadcasts):
        there = sorted({Broadcast.parse(name).station for name in places.broadcasts})
        raise QueryError(
            f"no faces of a station {quoted(station)} in {results.run}; there are those of {', '.join(there)}"
        )
    rows, distances = nearest(tables.open_embeddings(faces), point, max_distance)
    kept = wanted[places.broadcast[rows]]
    ids: list[str | None] = []
    names: list[str | None] = []
    person = np.full(len(places), NOISE, np.int32)
    if results.clustering and results.path("members").is_file():
        people = tables.read(results.path("people"), tables.PEOPLE, ["person_id", "name"])
        ids, names = people["person_id"].to_pylist(), people["name"].to_pylist()
        members = tables.read_members(results.path("members"), faces, [each for each in ids if each])
        person = members.person
        kept &= ~np.isin(members.why[rows], tables.LEFT_OUT)
        kept &= person[rows] != (ids.index(without) if without in ids else len(ids))
    rows, distances = rows[kept], distances[kept]
    broadcasts = [places.broadcasts[place] for place in places.broadcast[rows]]
    frames = places.frame[rows]
    link = results.links()
    return pa.table(
        [
            distances,
            # The last is for nobody, whose number is -1.
            pa.array([*ids, ""], pa.string()).take(pa.array(person[rows] % (len(ids) + 1))),
            pa.array([*names, ""], pa.string()).take(pa.array(person[rows] % (len(ids) + 1))),
            pa.array(broadcasts, pa.string()),
            frames,
            places.face[rows],
            face_times(faces, results.path("frames"))[rows],
            *places.boxes[:, rows],
            pa.array(map(link, broadcasts, frames.tolist()), pa.string()),
        ],
        names=FACES.names,
    ).cast(FACES)


def middle(results: Results, person_id: str) -> NDArray[np.float64]:
    """Give the middle of a person's faces, those that lie far out left aside; shape (d,)."""
    faces = results.path("faces")
    ids = tables.read(results.path("people"), tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    members = tables.read_members(results.path("members"), faces, ids)
    rows = np.flatnonzero(members.person == ids.index(person_id))
    return centre(tables.open_embeddings(faces)[rows]).median


CLIPS = (
    *("broadcast", "first_frame", "last_frame", "start", "end"),
    *("n_frames", "seconds", "distance", "names", "link"),
)
DAYS = ("day", "n_broadcasts", "n_frames", "n_faces", "seconds", "distance", "link")


def clips(found: pa.Table, frame_seconds: float) -> list[tuple[Any, ...]]:
    """Join faces in adjacent frames of a broadcast.

    Parameters
    ----------
    found
        What `matches` gives.
    frame_seconds
        Seconds between two frames.

    Returns
    -------
    list of tuple
        A row of `CLIPS` each, by time: ``distance`` is that of the nearest face, ``names`` are who the faces
        are, and ``link`` leads to the first frame.
    """
    rows = sorted(found.to_pylist(), key=lambda row: (row["broadcast"], row["frame"], row["distance"]))
    parts: list[list[dict[str, Any]]] = []
    for row in rows:
        before = parts[-1][-1] if parts else None
        if before and before["broadcast"] == row["broadcast"] and row["frame"] - before["frame"] <= 1:
            parts[-1].append(row)
        else:
            parts.append([row])
    told = []
    for part in parts:
        n_frames = len({row["frame"] for row in part})
        names = ", ".join(dict.fromkeys(row["name"] for row in part if row["name"]))
        nearest_one = min(row["distance"] for row in part)
        place = part[0]["broadcast"], part[0]["frame"], part[-1]["frame"], part[0]["time"], part[-1]["time"]
        told.append((*place, n_frames, n_frames * frame_seconds, nearest_one, names, part[0]["link"]))
    return sorted(told, key=lambda row: (row[3], row[0]))


def days(found: pa.Table, frame_seconds: float) -> list[tuple[Any, ...]]:
    """Sum faces up by day, UTC.

    Returns
    -------
    list of tuple
        A row of `DAYS` each, in order; ``distance`` and ``link`` are those of the nearest face.
    """
    parts: dict[date, list[dict[str, Any]]] = {}
    for row in found.to_pylist():  # the nearest first
        parts.setdefault(row["time"].date(), []).append(row)
    told = []
    for day, part in sorted(parts.items()):
        frames = {(row["broadcast"], row["frame"]) for row in part}
        counts = len({row["broadcast"] for row in part}), len(frames), len(part)
        told.append((day, *counts, len(frames) * frame_seconds, part[0]["distance"], part[0]["link"]))
    return told


def _is_wanted(broadcast: str, first: date | None, last: date | None, station: str) -> bool:
    said = Broadcast.parse(broadcast)
    day = said.start.date()
    return (
        (not station or said.station == station)
        and (first is None or day >= first)
        and (last is None or day <= last)
    )
