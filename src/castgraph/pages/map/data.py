"""The tables of the map, made of those of a run: pictures, groups and people are numbers there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.base.text import line, shortened
from castgraph.pages.explorer.columns import Values
from castgraph.visual.maps import METHODS
from castgraph.visual.seen_with import pictures_with
from castgraph.visual.store import leader_of, leaders, open_vectors

Columns = dict[str, Values]
Numbers = NDArray[np.int64]

NEIGHBOURS = 12
"""Nearest pictures that are told of each."""

MOST_LETTERS = 1000
"""Of the text on a picture."""

COSINES = 10_000
"""By which cosines are multiplied, to be whole numbers."""

_LABELS = 5  # of a picture
_BLOCK = 1_000
_FRAMES = ("broadcast", "frame", "time", "alike", "group", "setting", "n_faces", "labels", "scores", "texts")


class Placed(NamedTuple):
    """The pictures of the map.

    Attributes
    ----------
    table
        Their rows of the table of frames, in the order of the map.
    broadcasts
        IDs of their broadcasts, in ascending order.
    broadcast
        Of each its broadcast, as an index into `broadcasts`; shape (n,).
    picture
        Of each its place among all pictures of the run; shape (n,).
    n_frames
        Of each how many frames are nearly the same, with itself; shape (n,).
    methods
        Method → coordinates of shape (n, 2), of those that there are.
    people
        IDs of the people who are seen in them, as they were given.
    persons
        Of each picture the people in it, as indices into `people`, in ascending order.
    """

    table: pa.Table
    broadcasts: list[str]
    broadcast: Numbers
    picture: Numbers
    n_frames: Numbers
    methods: dict[str, NDArray[np.float32]]
    people: list[str]
    persons: list[list[int]]

    def places(self) -> list[tuple[str, int]]:
        """Give the broadcast and the frame of each picture."""
        names = [self.broadcasts[number] for number in self.broadcast.tolist()]
        return list(zip(names, self.table["frame"].to_pylist(), strict=True))


def read_placed(
    frames: str | os.PathLike[str],
    placed: str | os.PathLike[str],
    sightings: str | os.PathLike[str],
    people: Sequence[str],
) -> Placed:
    """Read what the map shows.

    Parameters
    ----------
    frames
        The table of the frames of the run as wholes.
    placed
        Where pictures lie, see `castgraph.visual.maps.write_map`.
    sightings
        Who is seen in which frames.
    people
        IDs of the people who are shown; of others nothing is read.

    Raises
    ------
    ValueError
        When the tables are not of the same frames.
    """
    table = tables.read(frames, tables.VISUAL_FRAMES, _FRAMES)
    where = tables.read(placed, tables.VISUAL_MAP)
    names, broadcast = _coded(table["broadcast"])
    number, alike = (table[name].fill_null(NOISE).to_numpy() for name in ("frame", "alike"))
    leading = leaders(number, alike)
    key = broadcast << 32 | number
    known = pc.index_in(where["broadcast"].cast(pa.string()), pa.array(names, pa.string()))
    wanted = pc.fill_null(known, NOISE).to_numpy().astype(np.int64) << 32 | where["frame"].to_numpy()
    picture = np.searchsorted(key[leading], wanted)
    if not np.array_equal(key[leading][picture.clip(max=len(leading) - 1)] if len(leading) else [], wanted):
        raise ValueError(f"{placed} has pictures that {frames} has not: they are not of the same run")
    read = alike != NOISE
    leader = leader_of(broadcast[read], number[read], alike[read])
    n_frames = np.bincount(leader, minlength=len(leading))[picture]
    order = np.full(len(leading), NOISE, np.int64)
    order[picture] = np.arange(len(picture))
    found = pictures_with(sightings, names, broadcast[read], number[read], leader) if read.any() else {}
    persons: list[list[int]] = [[] for _ in picture]
    seen = [person for person in people if person in found]
    for place, person in enumerate(seen):
        for row in order[found[person]].tolist():
            if row != NOISE:
                persons[row].append(place)
    return Placed(
        table.take(pa.array(leading[picture])),
        names,
        broadcast[leading[picture]],
        picture,
        n_frames,
        _coordinates(where),
        seen,
        persons,
    )


def _coded(column: pa.ChunkedArray) -> tuple[list[str], Numbers]:
    """Give the IDs of broadcasts, sorted, and the number of each row."""
    texts = column.cast(pa.string())
    names = sorted(pc.unique(texts).to_pylist())
    return names, pc.index_in(texts, pa.array(names, pa.string())).to_numpy().astype(np.int64)


def _coordinates(where: pa.Table) -> dict[str, NDArray[np.float32]]:
    found = {}
    for method in METHODS:
        columns = [where[f"{method}_{axis}"] for axis in "xy"]
        if len(where) and not columns[0].null_count:
            found[method] = np.column_stack([column.to_numpy() for column in columns]).astype(np.float32)
    return found


def picture_columns(placed: Placed) -> tuple[Columns, Columns, list[str]]:
    """Tell of the pictures.

    Returns
    -------
    columns : dict
        With a row each: ``broadcast``, ``frame``, ``time``, ``group``, ``setting``, ``n_faces``,
        ``n_frames``, and where it lies by each method.
    whole : dict
        Lists of each picture: ``person`` and ``label`` (with its ``score``, 255 for 1), and in ``…_first``
        where those of each picture begin, and where those of the last end.
    labels : list of str
        The names of labels, as they are numbered there.
    """
    table = placed.table
    columns: Columns = {
        "broadcast": placed.broadcast,
        "frame": table["frame"].to_numpy(),
        "time": table["time"].cast(pa.timestamp("us")).to_numpy().astype(np.int64) / 1e6,
        "group": table["group"].to_numpy(),
        "setting": table["setting"].to_numpy(),
        "n_faces": table["n_faces"].fill_null(0).to_numpy(),
        "n_frames": placed.n_frames,
    }
    for method, points in placed.methods.items():
        columns |= {f"{method}_{axis}": values for axis, values in zip("xy", points.T, strict=True)}
    named = [[line(name) for name in each or []][:_LABELS] for each in table["labels"].to_pylist()]
    scores = [(each or [])[:_LABELS] for each in table["scores"].to_pylist()]
    labels = sorted({name for each in named for name in each})
    place = {name: number for number, name in enumerate(labels)}
    flat = np.array([score or 0 for each in scores for score in each], np.float64)
    whole: Columns = {
        "person_first": _bounds(placed.persons),
        "person": np.array([person for each in placed.persons for person in each], np.int64),
        "label_first": _bounds(named),
        "label": np.array([place[name] for each in named for name in each], np.int64),
        "score": np.rint(flat.clip(0, 1) * 255).astype(np.uint8),
    }
    return columns, whole, labels


def _bounds(lists: Sequence[Sequence[Any]]) -> Numbers:
    return np.concatenate([[0], np.cumsum([len(each) for each in lists], dtype=np.int64)]).astype(np.int64)


def text_columns(placed: Placed) -> Columns:
    """Tell the text on each picture; no columns where none was read."""
    texts = placed.table["texts"].to_pylist()
    if all(each is None for each in texts):
        return {}
    return {"text": [shortened(" · ".join(each or []), MOST_LETTERS) for each in texts]}


def group_columns(groups: pa.Table, scope: str, placed: Placed) -> Columns:
    """Tell of groups or settings over the run: what stands out in each, and which picture stands for it.

    Parameters
    ----------
    groups
        Of the schema `castgraph.base.tables.GROUPS`.
    scope
        Of those that are meant.
    placed
        What the map shows.

    Returns
    -------
    dict
        Rows by ``group``; ``picture`` is the row of its picture on the map, -1 where that is not on it.
    """
    of_run = groups.filter(pc.equal(groups["scope"].cast(pa.string()), scope)).sort_by("group")
    row = {place: number for number, place in enumerate(placed.places())}
    middle = zip(of_run["broadcast"].to_pylist(), of_run["frame"].to_pylist(), strict=True)
    return {
        "group": of_run["group"].to_numpy(),
        "n_frames": of_run["n_frames"].to_numpy(),
        "n_pictures": of_run["n_pictures"].to_numpy(),
        "n_broadcasts": of_run["n_broadcasts"].to_numpy(),
        "labels": [[line(name) for name in each or []] for each in of_run["labels"].to_pylist()],
        "picture": np.array([row.get(place, NOISE) for place in middle], np.int64),
    }


def broadcast_columns(broadcasts: pa.Table, placed: Placed, template: Callable[[str], str]) -> Columns:
    """Tell of the broadcasts of the pictures, in their order.

    Parameters
    ----------
    broadcasts
        Of the schema `castgraph.base.tables.BROADCASTS`.
    placed
        What the map shows.
    template
        Gives the address of the frames of a broadcast; see `castgraph.archive.links.frame_templates`.
    """
    rows = pc.index_in(
        pa.array(placed.broadcasts, pa.string()), broadcasts["broadcast"].cast(pa.string()).combine_chunks()
    )
    table = broadcasts.take(rows)
    return {
        "broadcast": placed.broadcasts,
        "station": table["station"].to_pylist(),
        "show": [line(title.replace("_", " ")) for title in table["title"].to_pylist()],
        "start": table["start"].cast(pa.timestamp("us")).to_numpy().astype(np.int64) / 1e6,
        "link": [template(name) for name in placed.broadcasts],
    }


def people_columns(people: pa.Table, placed: Placed) -> Columns:
    """Tell of the people who are seen in the pictures."""
    name = dict(zip(people["person_id"].to_pylist(), people["name"].to_pylist(), strict=True))
    return {"person_id": placed.people, "name": [line(name[person]) for person in placed.people]}


def near_columns(frames: str | os.PathLike[str], placed: Placed) -> Columns:
    """Tell which pictures of the map are nearest to each, by the cosine of their vectors.

    Parameters
    ----------
    frames
        The table beside which the vectors lie.
    placed
        What the map shows.

    Returns
    -------
    dict
        ``near``, the rows of the nearest, and ``cosine`` in steps of 1 / `COSINES`, below 0 as 0: min(n - 1,
        `NEIGHBOURS`) of each picture, the nearest first, the same for any number of threads.
    """
    vectors = np.ascontiguousarray(open_vectors(frames)[placed.picture])
    n = len(vectors)
    k = max(0, min(n - 1, NEIGHBOURS))
    near, cosine = np.empty((n, k), np.int64), np.empty((n, k), np.int64)
    with threadpool_limits(1):
        for start in range(0, n if k else 0, _BLOCK):
            found = vectors[start : start + _BLOCK] @ vectors.T
            own = np.arange(len(found))
            found[own, start + own] = -2  # nothing is its own neighbour
            some = np.sort(np.argpartition(-found, k - 1, axis=1)[:, :k], axis=1)
            steps = np.rint(np.take_along_axis(found, some, 1).astype(np.float64) * COSINES).astype(np.int64)
            order = np.argsort(-steps, axis=1, kind="stable")
            near[start : start + _BLOCK] = np.take_along_axis(some, order, 1)
            cosine[start : start + _BLOCK] = np.take_along_axis(steps, order, 1)
    return {"near": near.ravel(), "cosine": cosine.clip(0, COSINES).ravel()}
