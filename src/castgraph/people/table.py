"""The people table, and which of a person's faces are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from castgraph.base import tables
from castgraph.people.centre import Centre, best_face, centre

BOX = ("top", "right", "bottom", "left")
"""The columns of a box, in order."""


def rows_by_person(labels: ArrayLike, n_faces: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Go through the people of a clustering.

    Parameters
    ----------
    labels
        One integer a face; -1 is noise. Shape (n_faces,).
    n_faces
        Rows of the face table that the labels belong to.

    Yields
    ------
    person : int
        The label, in ascending order.
    rows : ndarray of int64
        The rows of the person's faces, in ascending order.

    Raises
    ------
    ValueError
        When there are not as many labels as faces.
    """
    values = np.asarray(labels)
    if values.shape != (n_faces,):
        raise ValueError(
            f"labels of shape {values.shape}; one label for each of the {n_faces} faces is needed"
        )
    order = np.argsort(values, kind="stable")
    order = order[np.searchsorted(values, 0, sorter=order) :]  # noise comes first
    people, starts = np.unique(values[order], return_index=True)
    return zip(people.tolist(), np.split(order, starts[1:]) if len(order) else [], strict=True)


def portrait_name(person: int) -> str:
    """Name the picture file of a person, for example ``person-00012.jpg``."""
    return f"person-{person:05d}.jpg"


COLUMNS = ("broadcast", "frame", *BOX, "sharpness")
"""What of the merged face table is read."""


def people_table(
    faces: pa.Table,
    embeddings: NDArray[np.float32],
    labels: ArrayLike,
    times: NDArray[np.datetime64],
    *,
    frame_seconds: float,
) -> pa.Table:
    """Sum every person up in one row.

    Parameters
    ----------
    faces
        The merged face table (`castgraph.base.tables.MERGED_FACES`); only `COLUMNS` are read.
    embeddings
        Of each face, shape (n_faces, 128). Those of one person at a time are copied.
    labels
        One integer a face, in the order of `faces`; -1 is noise.
    times
        When each face was on air, UTC, shape (n_faces,); see `castgraph.faces.times.face_times`.
    frame_seconds
        Seconds between two frames, of which screen time is made.

    Returns
    -------
    Table
        The people table (`castgraph.base.tables.PEOPLE`), one row a person, sorted by person.

    Raises
    ------
    ValueError
        When there are not as many labels as faces.
    """
    codes, broadcast_ids = broadcast_codes(faces)
    seconds = times.astype("datetime64[s]")
    frames, sharpness = _numpy(faces, "frame"), _numpy(faces, "sharpness")
    box = {side: _numpy(faces, side) for side in BOX}

    def row(person: int, rows: NDArray[np.int64]) -> dict[str, Any]:
        middle = centre(embeddings[rows])
        top, right, bottom, left = (values[rows] for values in box.values())
        best = rows[best_face(middle, sharpness[rows], np.minimum(bottom - top, right - left))]
        n_frames = len(np.unique(codes[rows].astype(np.int64) << 32 | frames[rows]))
        on_air = seconds[rows]
        return {
            "person": person,
            "name": f"Person {person}",
            "n_faces": len(rows),
            "n_frames": n_frames,
            "n_broadcasts": len(np.unique(codes[rows])),
            "screen_seconds": n_frames * frame_seconds,
            "first_seen": on_air.min().item().replace(tzinfo=UTC),
            "last_seen": on_air.max().item().replace(tzinfo=UTC),
            "n_outliers": int(middle.outlier.sum()),
            "spread": float(np.median(middle.distances)),
            "best_face": int(best),
            "broadcast": broadcast_ids[codes[best]],
            "frame": int(frames[best]),
            **{side: int(values[best]) for side, values in box.items()},
            "portrait": portrait_name(person),
        }

    people = [row(person, rows) for person, rows in rows_by_person(labels, len(faces))]
    return pa.Table.from_pylist(people, schema=tables.PEOPLE)


def contact_faces(centre: Centre, limit: int) -> list[int]:
    """Choose the faces that go on a person's contact sheet.

    Parameters
    ----------
    centre
        The middle of the person's faces.
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
    order = np.argsort(centre.distances, kind="stable")
    outlier = centre.outlier[order]
    near, doubtful = order[~outlier], order[outlier]
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
