"""The tables of the explorer, made of those of a run: people and broadcasts are numbers there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.boxes import BOX
from castgraph.base.colours import OTHER_COMMUNITY
from castgraph.base.text import line
from castgraph.network.cooccurrence import among
from castgraph.pages.explorer.columns import Values
from castgraph.people.places import Places
from castgraph.people.table import shown

Columns = dict[str, Values]

NOBODY = -1

MOST_PAIRS = 500_000
"""Pairs that are told of, the strongest: with a weight of same_broadcast there can be millions."""

TOP_WORDS = 20
"""Words that are told of a person or pair."""

_OF_PEOPLE = (
    *(
        "person_id",
        "name",
        "name_from",
        "n_faces",
        "n_frames",
        "n_broadcasts",
        "screen_seconds",
        "airtime_share",
    ),
    *("first_seen", "last_seen", "n_outliers", "spread"),
)
_OF_NODES: Mapping[str, tuple[str, Any]] = {
    "community": ("i4", NOBODY), "degree": ("i4", 0), "strength": ("f8", 0.0), "pagerank": ("f8", 0.0),
    "x": ("f4", np.nan), "y": ("f4", np.nan), "size": ("f4", 0.0),
}  # fmt: skip
"""What the network knows of a person: its type, and what stands for those who are not in it."""

_COUNTS = ("same_frame", "adjacent", "within", "same_broadcast", "n_broadcasts")
_CHANCE = ("expected", "ratio", "z", "p", "q")
_UNREAD = ("ok", "damaged", "unreadable", "absent")


class Numbers(NamedTuple):
    """By which numbers the page knows people and broadcasts.

    Attributes
    ----------
    people
        IDs of the people who are shown, in the order of their rows.
    broadcasts
        IDs of the broadcasts, in the order of their rows.
    """

    people: list[str]
    broadcasts: list[str]

    def of_people(self, ids: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
        """Give the numbers of people; `NOBODY` for who is not shown."""
        return _places(ids, self.people)

    def of_broadcasts(self, ids: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
        """Give the numbers of broadcasts; `NOBODY` for one that is not of the run."""
        return _places(ids, self.broadcasts)


def people_shown(people: pa.Table, min_seconds: float, *, only_named: bool) -> pa.Table:
    """Choose the people of whom the page tells; who is ignored or forgotten is in no table of people."""
    told = shown(people, min_seconds)
    return told.filter(pc.not_equal(told["name_from"], "")) if only_named else told


def in_order(broadcasts: pa.Table) -> pa.Table:
    """Sort broadcasts by their start, then their ID."""
    return broadcasts.sort_by([("start", "ascending"), ("broadcast", "ascending")])


def people_columns(
    people: pa.Table, nodes: Mapping[str, Mapping[str, Any]], numbers: Numbers, pictured: Collection[str]
) -> Columns:
    """Tell of the people: who they are, where they stand in the network, and where their best face is.

    Parameters
    ----------
    people
        Those who are shown, of the schema `castgraph.base.tables.PEOPLE`.
    nodes
        ID → what the network knows of a person; see `castgraph.network.export.read_nodes`.
    numbers
        Of the page.
    pictured
        The IDs of people who have a portrait.
    """
    columns: Columns = {name: _plain(people[name]) for name in _OF_PEOPLE}
    columns["name"] = [line(name) for name in people["name"].to_pylist()]
    of_each = [nodes.get(person, {}) for person in numbers.people]
    for name, (dtype, missing) in _OF_NODES.items():
        columns[name] = np.array([node.get(name, missing) for node in of_each], dtype)
    columns["colour"] = [node.get("colour", OTHER_COMMUNITY) for node in of_each]
    columns["portrait"] = np.array([person in pictured for person in numbers.people], np.uint8)
    best = {
        "best_broadcast": numbers.of_broadcasts(people["broadcast"]),
        "best_frame": _plain(people["frame"]),
    }
    return columns | best | {side: _plain(people[side]) for side in BOX}


class Frames(NamedTuple):
    """What the frames of a run tell.

    Attributes
    ----------
    n_frames, width, height, timed
        Of each broadcast its highest frame number, the size of most of its frames in pixels (0 where it is
        not known), and whether the clock of a video tells its times; shape (n_broadcasts,).
    times, unread
        The tables of these names.
    n_read, n_all
        Frames that were read, and all.
    """

    n_frames: NDArray[np.int64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    timed: NDArray[np.bool_]
    times: Columns
    unread: Columns
    n_read: int
    n_all: int


def read_frames(path: Path, broadcasts: pa.Table, numbers: Numbers, frame_seconds: float) -> Frames:
    """Read what the frames of each broadcast tell; a broadcast at a time is in memory.

    Parameters
    ----------
    path
        The merged frame table.
    broadcasts
        As `in_order` gives them.
    numbers
        Of the page.
    frame_seconds
        Seconds between two frames, which tell the time of what is no video.
    """
    place = {name: number for number, name in enumerate(numbers.broadcasts)}
    starts = broadcasts["start"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    n_frames, width, height = (np.zeros(len(place), np.int64) for _ in range(3))
    timed = np.zeros(len(place), bool)
    times: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
    unread: dict[int, NDArray[np.int64]] = {}
    n_read = n_all = 0
    wanted = ["frame", "time", "status", "width", "height"]
    for name, [frame, time, status, wide, high] in tables.by_broadcast(path, tables.MERGED_FRAMES, wanted):
        number = place[name]
        n_frames[number] = frame[-1]
        width[number], height[number] = _usual(np.nan_to_num(wide), np.nan_to_num(high))
        by_count = np.rint((frame.astype(np.int64) - 1) * frame_seconds * 1e6).astype(np.int64)
        elapsed = (time.astype("datetime64[us]") - starts[number]).astype(np.int64)
        if (elapsed != by_count).any():
            timed[number] = True
            times[number] = frame, elapsed / 1e6
        unread[number] = _stretches(frame, status)
        n_read += int((status == "ok").sum())
        n_all += len(frame)
    return Frames(
        n_frames, width, height, timed, _together(times, ("frame", "seconds")), _unread(unread), n_read, n_all
    )


def _usual(wide: NDArray[Any], high: NDArray[Any]) -> tuple[int, int]:
    """Tell the size that most frames have."""
    sizes, counts = np.unique(wide.astype(np.int64) << 32 | high.astype(np.int64), return_counts=True)
    counts = np.where(sizes > 0, counts, 0)
    size = int(sizes[counts.argmax()])
    return size >> 32, size & 0xFFFFFFFF


def _stretches(frame: NDArray[np.int32], status: NDArray[np.object_]) -> NDArray[np.int64]:
    """Find the frames that were not read or are not there: first, last, and what they are; shape (n, 3)."""
    code = np.zeros(len(frame), np.int64)
    for number, word in enumerate(_UNREAD):
        code[status == word] = number
    before = np.concatenate([[0], frame[:-1]])
    gaps = np.flatnonzero(frame - before > 1)
    begins = np.flatnonzero((np.diff(code, prepend=-1) != 0) | (frame - before > 1))
    ends = np.append(begins[1:], len(frame)) - 1
    bad = code[begins] > 0
    absent = np.full(len(gaps), _UNREAD.index("absent"))
    found = np.concatenate(
        [
            np.stack([frame[begins[bad]], frame[ends[bad]], code[begins[bad]]], axis=1),
            np.stack([before[gaps] + 1, frame[gaps] - 1, absent], axis=1),
        ]
    ).astype(np.int64)
    return found[np.argsort(found[:, 0], kind="stable")]


def _unread(found: Mapping[int, NDArray[np.int64]]) -> Columns:
    columns = _together({n: tuple(each.T) for n, each in found.items()}, ("first", "last", "status"))
    return columns | {
        "status": [_UNREAD[code] for code in np.asarray(columns["status"]).astype(int).tolist()]
    }


def _together(found: Mapping[int, tuple[NDArray[Any], ...]], names: tuple[str, ...]) -> Columns:
    """Put columns of broadcasts together, by their numbers."""
    order = sorted(found)
    broadcast = np.repeat(np.array(order, np.int64), [len(found[number][0]) for number in order])
    empty = np.empty(0, np.int64)
    parts = (np.concatenate([empty, *(found[number][n] for number in order)]) for n in range(len(names)))
    return {"broadcast": broadcast, **dict(zip(names, parts, strict=True))}


def broadcast_columns(broadcasts: pa.Table, frames: Frames, template: Callable[[str], str]) -> Columns:
    """Tell of the broadcasts.

    Parameters
    ----------
    broadcasts
        As `in_order` gives them.
    frames
        What `read_frames` gives.
    template
        Gives the address of the frames of a broadcast, with ``{frame}`` or ``{seconds}`` in it; see
        `castgraph.archive.links.frame_templates`.
    """
    columns: Columns = {name: _plain(broadcasts[name]) for name in ("broadcast", "station")}
    titles = broadcasts["title"].to_pylist()
    return columns | {
        "show": [line(title.replace("_", " ")) for title in titles],
        "start": _plain(broadcasts["start"]),
        "status": broadcasts["status"].to_pylist(),
        "reason": [line(reason) for reason in broadcasts["reason"].to_pylist()],
        "n_frames": frames.n_frames,
        "width": frames.width,
        "height": frames.height,
        "link": [template(name) for name in broadcasts["broadcast"].to_pylist()],
        "timed": frames.timed.astype(np.uint8),
    }


def replay_columns(replays: pa.Table, numbers: Numbers) -> Columns:
    """Tell what was on air before, in the order of the broadcasts."""
    broadcast = numbers.of_broadcasts(replays["broadcast"])
    first = replays["first_frame"].to_numpy()
    order = np.lexsort((first, broadcast))
    return {
        "broadcast": broadcast[order],
        "first": first[order],
        "last": replays["last_frame"].to_numpy()[order],
        "earlier_broadcast": numbers.of_broadcasts(replays["earlier_broadcast"])[order],
        "earlier_first": replays["earlier_first_frame"].to_numpy()[order],
        "kind": np.asarray(replays["kind"].to_pylist(), object)[order].tolist(),
    }


def uncounted_columns(uncounted: tables.Replayed, n_frames: NDArray[np.int64], numbers: Numbers) -> Columns:
    """Tell which stretches do not count, in the order of the broadcasts.

    Parameters
    ----------
    uncounted
        As `castgraph.run.uncounted.read_uncounted` gives them.
    n_frames
        The last frame of each broadcast of the page: a stretch ends there.
    numbers
        By which the page knows the broadcasts.
    """
    rows = sorted(
        (number, int(first), min(int(last), int(n_frames[number])))
        for number, name in enumerate(numbers.broadcasts)
        for first, last in uncounted.get(name, ())
    )
    columns = np.array(rows, np.int32).reshape(-1, 3).T
    return dict(zip(("broadcast", "first", "last"), columns, strict=True))


def edge_columns(
    pairs: pa.Table, numbers: Numbers, kept: pa.Table, without_hosts: pa.Table | None
) -> Columns:
    """Tell of the pairs of people who are shown, strongest first, and at most `MOST_PAIRS`.

    Parameters
    ----------
    pairs
        Of the schema `castgraph.base.tables.EDGES`.
    numbers
        Of the page.
    kept, without_hosts
        The edges of the network, and of that without those who are always on air.

    Returns
    -------
    dict
        ``source`` is the one of the two who is seen more.
    """
    edges = among(pairs, pa.chunked_array([numbers.people], pa.string())).slice(0, MOST_PAIRS)
    ends = np.stack([numbers.of_people(edges[end]) for end in ("source", "target")])
    source, target = np.sort(ends, axis=0)
    weight = edges["weight"].to_numpy()
    columns: Columns = {
        "source": source,
        "target": target,
        "weight": weight.astype(np.int64) if (weight == np.floor(weight)).all() else weight,
        **{name: edges[name].to_numpy() for name in _COUNTS},
        "first_seen": _plain(edges["first_seen"]),
        "last_seen": _plain(edges["last_seen"]),
        "broadcast": numbers.of_broadcasts(edges["broadcast"]),
        "frame": edges["frame"].to_numpy(),
    }
    for name in _CHANCE:
        values = edges[name].to_numpy().astype(np.float64)
        # By q it is decided what holds; the others are only looked at.
        columns[name] = values if name == "q" else values.astype(np.float32)
    keys = source * len(numbers.people) + target
    for name, network in (("kept", kept), ("without_hosts", without_hosts)):
        columns[name] = np.isin(keys, _keys(network, numbers)).astype(np.uint8)
    return columns


def _keys(edges: pa.Table | None, numbers: Numbers) -> NDArray[np.int64]:
    if edges is None:
        return np.empty(0, np.int64)
    ends = np.stack([numbers.of_people(edges[end]) for end in ("source", "target")])
    ends = np.sort(ends[:, (ends != NOBODY).all(axis=0)], axis=0)
    return np.asarray(ends[0] * len(numbers.people) + ends[1], np.int64)


class Faces(NamedTuple):
    """The faces of the people who are shown, by broadcast, frame and person.

    Attributes
    ----------
    rows
        Their rows in the merged face table; shape (n,).
    person, frame
        Of each its person as a number of the page, and its frame; shape (n,).
    first
        Of each broadcast where its rows begin, and where those of the last end; shape (n_broadcasts + 1,).
    """

    rows: NDArray[np.int64]
    person: NDArray[np.int64]
    frame: NDArray[np.int32]
    first: NDArray[np.int64]

    def columns(self) -> tuple[Columns, Columns]:
        """Give the columns ``person`` and ``frame_step``, and ``first``, which has another length."""
        step = np.diff(self.frame, prepend=0)
        begins = np.unique(self.first[:-1][self.first[:-1] < len(step)])
        step[begins] = self.frame[begins]
        return {"person": self.person, "frame_step": step}, {"first": self.first.tolist()}


def faces_shown(places: Places, person: NDArray[np.int64], numbers: Numbers) -> Faces:
    """Choose the faces of people who are shown.

    Parameters
    ----------
    places
        Where all faces are.
    person
        Of each its person as a number of the page, or `NOBODY`; shape (n_faces,).
    numbers
        Of the page.
    """
    number = numbers.of_broadcasts(pa.array(places.broadcasts, pa.string()))
    rows = np.flatnonzero(person != NOBODY)
    broadcast = number[places.broadcast[rows]] if len(rows) else np.empty(0, np.int64)
    order = np.lexsort((person[rows], places.frame[rows], broadcast))
    first = np.searchsorted(broadcast[order], np.arange(len(numbers.broadcasts) + 1))
    rows = rows[order]
    return Faces(rows, person[rows], places.frame[rows], first)


def distance_columns(distances: NDArray[np.floating[Any]]) -> tuple[Columns, float]:
    """Tell how far faces are from the middle of their person, in 255 steps, and what 255 means."""
    known = np.nan_to_num(distances.astype(np.float64), nan=0.0)
    scale = float(known.max(initial=0.0)) or 1.0
    return {"distance": np.rint(known / scale * 255).astype(np.uint8)}, scale


def box_columns(places: Places, faces: Faces) -> Columns:
    """Tell the boxes of faces."""
    return dict(zip(BOX, places.boxes[:, faces.rows], strict=True))


def word_columns(words: pa.Table, numbers: Numbers) -> Columns:
    """Tell the words that stand out beside each person and pair, at most `TOP_WORDS` of each."""
    person = numbers.of_people(words["person_id"])
    alone = pc.equal(words["other_id"].cast(pa.string()), "").to_numpy(zero_copy_only=False)
    other = np.where(alone, NOBODY, numbers.of_people(words["other_id"]))
    shown_ = (person != NOBODY) & (alone | (other != NOBODY))
    z = words["z"].to_numpy()
    rows = np.flatnonzero(shown_)
    low, high = np.minimum(person, other)[rows], np.maximum(person, other)[rows]
    source, target = np.where(low == NOBODY, high, low), np.where(low == NOBODY, NOBODY, high)
    order = np.lexsort((-z[rows], target, source))
    source, target, rows = source[order], target[order], rows[order]
    begins = np.flatnonzero((np.diff(source, prepend=-2) != 0) | (np.diff(target, prepend=-2) != 0))
    place = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    top = place < TOP_WORDS
    chosen = words.take(pa.array(rows[top]))
    return {
        "person": source[top],
        "other": target[top],
        "word": [line(word) for word in chosen["word"].to_pylist()],
        "n": chosen["n"].to_numpy(),
        "z": chosen["z"].to_numpy().astype(np.float32),
    }


def said_columns(utterances: pa.Table, numbers: Numbers) -> tuple[Columns, list[int]]:
    """Tell what was said, and where the rows of each broadcast begin."""
    broadcast = numbers.of_broadcasts(utterances["broadcast"])
    rows = np.flatnonzero(broadcast != NOBODY)
    rows = rows[np.argsort(broadcast[rows], kind="stable")]
    table = utterances.take(pa.array(rows))
    columns: Columns = {
        "broadcast": broadcast[rows],
        "start": _plain(table["start"]),
        "end": _plain(table["end"]),
        "text": [line(text) for text in table["text"].to_pylist()],
    }
    return columns, np.searchsorted(broadcast[rows], np.arange(len(numbers.broadcasts))).tolist()


def _places(ids: pa.ChunkedArray | pa.Array, known: list[str]) -> NDArray[np.int64]:
    """Tell where texts are in a list; `NOBODY` for those that are not in it."""
    texts = ids.cast(pa.string()) if pa.types.is_dictionary(ids.type) else ids
    found = pc.index_in(texts, pa.array(known, pa.string()))
    return np.asarray(pc.fill_null(found, NOBODY).to_numpy(zero_copy_only=False), np.int64)


def _plain(column: pa.ChunkedArray) -> Values:
    """Give a column as it is packed: moments as seconds since 1970, texts as a list."""
    if pa.types.is_timestamp(column.type):
        seconds = column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]").astype(np.float64) / 1e6
        return np.where(column.is_null().to_numpy(), np.nan, seconds)
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        texts: list[Any] = column.to_pylist()
        return texts
    numbers: NDArray[Any] = column.to_numpy()
    return numbers
