"""The people table, and which of a person's faces are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.boxes import BOX
from castgraph.people.centre import Middles, best_face, rows_by_person


def portrait_name(person_id: str) -> str:
    """Name the picture file of a person, for example ``K7Q2.jpg``."""
    return f"{person_id}.jpg"


COLUMNS = ("broadcast", "face", "frame", *BOX, "sharpness")
"""What of the merged face table is read."""


class Called(NamedTuple):
    """What is known of a person from elsewhere.

    Attributes
    ----------
    name, name_from
        The name, and where it comes from.
    gallery_distance
        See the table of people; None without.
    best
        The row of the face that somebody chose as the best; None for none.
    """

    name: str = ""
    name_from: str = ""
    gallery_distance: float | None = None
    best: int | None = None


def people_table(
    faces: pa.Table,
    middles: Middles,
    members: tables.Members,
    times: NDArray[np.datetime64],
    *,
    frame_seconds: float,
    n_frames: int,
    called: Mapping[str, Called] | None = None,
) -> pa.Table:
    """Sum every person up in one row.

    Parameters
    ----------
    faces
        The merged face table (`castgraph.base.tables.MERGED_FACES`); only `COLUMNS` are read.
    middles
        Where the faces of each person lie.
    members
        Who each face is, in the order of `faces`.
    times
        When each face was on air, UTC, shape (n_faces,); see `castgraph.faces.times.face_times`.
    frame_seconds
        Seconds between two frames, of which screen time is made.
    n_frames
        Frames that were read, of all broadcasts, of which the share of the airtime is made.
    called
        What is known of people, by ID.

    Returns
    -------
    Table
        The people table (`castgraph.base.tables.PEOPLE`), one row a person, the most seen first.

    Raises
    ------
    ValueError
        When there are not as many members as faces.
    """
    codes, broadcast_ids = broadcast_codes(faces)
    seconds = times.astype("datetime64[s]")
    numbers, frames, sharpness = (_numpy(faces, name) for name in ("face", "frame", "sharpness"))
    box = {side: _numpy(faces, side) for side in BOX}
    known = called or {}

    def row(person: int, rows: NDArray[np.int64]) -> dict[str, Any]:
        name = members.ids[person]
        told = known.get(name, Called())
        distances, outlier = middles.distances[rows], middles.outlier[rows]
        top, right, bottom, left = (values[rows] for values in box.values())
        best = rows[best_face(distances, outlier, sharpness[rows], np.minimum(bottom - top, right - left))]
        if told.best is not None:
            best = told.best
        seen_in = len(np.unique(codes[rows].astype(np.int64) << 32 | frames[rows]))
        on_air = seconds[rows]
        return {
            "person_id": name,
            "name": told.name or f"Person {name}",
            "name_from": told.name_from,
            "gallery_distance": told.gallery_distance,
            "n_faces": len(rows),
            "n_frames": seen_in,
            "n_broadcasts": len(np.unique(codes[rows])),
            "screen_seconds": seen_in * frame_seconds,
            "airtime_share": seen_in / n_frames,
            "first_seen": on_air.min().item().replace(tzinfo=UTC),
            "last_seen": on_air.max().item().replace(tzinfo=UTC),
            "n_outliers": int(outlier.sum()),
            "spread": float(np.median(distances)),
            "broadcast": broadcast_ids[codes[best]],
            "face": int(numbers[best]),
            "frame": int(frames[best]),
            **{side: int(values[best]) for side, values in box.items()},
            "portrait": portrait_name(name),
        }

    people = [(row(person, rows), rows[0]) for person, rows in rows_by_person(members.person, len(faces))]
    people.sort(key=lambda each: (-each[0]["n_frames"], each[1]))
    ranked = [person | {"rank": rank} for rank, (person, _) in enumerate(people, start=1)]
    return pa.Table.from_pylist(ranked, schema=tables.PEOPLE)


def shown(people: pa.Table, min_seconds: float) -> pa.Table:
    """Leave out who is on screen for less than `min_seconds`; the others are the first rows of the table."""
    return people.filter(pc.greater_equal(people["screen_seconds"], min_seconds))


def contact_faces(distances: NDArray[np.floating], outlier: NDArray[np.bool_], limit: int) -> list[int]:
    """Choose the faces that go on a person's contact sheet.

    Parameters
    ----------
    distances, outlier
        Of each face of the person, as of `castgraph.people.centre.Middles`; shape (n_faces,).
    limit
        How many faces the sheet holds, at least 1.

    Returns
    -------
    list of int
        Indices among the person's faces: by distance from the centre, then the outliers by distance. When
        there are more than `limit`, an even spread over each of the two that begins with the nearest and ends
        with the farthest; outliers get at most a quarter of the places, and those that the others leave free.

    Raises
    ------
    ValueError
        When `limit` is below 1.
    """
    if limit < 1:
        raise ValueError(f"a contact sheet of {limit} faces; at least 1 is needed")
    order = np.argsort(distances, kind="stable")
    last = outlier[order]
    near, doubtful = order[~last], order[last]
    n_doubtful = min(len(doubtful), max(limit // 4, limit - len(near)))
    n_near = min(len(near), limit - n_doubtful)
    chosen: list[int] = [*_spread(near, n_near).tolist(), *_spread(doubtful, n_doubtful).tolist()]
    return chosen


def broadcast_codes(faces: pa.Table) -> tuple[NDArray[np.int32], list[str]]:
    """Give the broadcast of each face as an index into a list of broadcast IDs.

    Parameters
    ----------
    faces
        The merged face table.

    Returns
    -------
    codes : ndarray of int32, shape (n_faces,)
    broadcast_ids : list of str
    """
    if len(faces) == 0:
        return np.empty(0, np.int32), []
    column = faces["broadcast"].unify_dictionaries()
    codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks])
    return codes, column.chunk(0).dictionary.to_pylist()


def _spread(items: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Choose `count` of `items` evenly, with the first and the last."""
    if count <= 1:
        return items[:count]
    return items[np.arange(count) * (len(items) - 1) // (count - 1)]


def _numpy(faces: pa.Table, column: str) -> NDArray[Any]:
    values: NDArray[Any] = faces[column].to_numpy()
    return values
