"""The frames that come along as pictures: some of each of the strongest pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.pages.explorer.data import NOBODY, Columns, Numbers
from castgraph.pages.explorer.evidence import QUALITY, Blur, blurred_frame, faces_in, to_blur
from castgraph.people import pictures
from castgraph.people.places import Places

WIDTH = 320
"""Pixels of a picture that comes along."""

Read = Callable[[int], bytes]
Open = Callable[[str], AbstractContextManager[Read]]
"""Opens the frames of a broadcast; see `castgraph.archive.media.frames.frames_of`."""


class Wanted(NamedTuple):
    """A picture that is wanted.

    Attributes
    ----------
    broadcast, frame
        Of what: a number of the page, and that of the frame.
    edge, k
        Of which pair, as its row in the edges, and the how manieth of its pictures.
    """

    broadcast: int
    frame: int
    edge: int
    k: int

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.edge}-{self.k}.jpg"


class Made(NamedTuple):
    """A picture that was made, and the size of its frame in pixels."""

    wanted: Wanted
    width: int
    height: int


def chosen_frames(meetings: Path, edges: Columns, numbers: Numbers, pairs: int, frames: int) -> list[Wanted]:
    """Choose frames of the strongest pairs.

    Parameters
    ----------
    meetings
        The table of all frames that make a pair.
    edges
        The edges of the page, strongest first.
    numbers
        Of the page.
    pairs, frames
        Of how many pairs, and how many of each at most.

    Returns
    -------
    list of Wanted
        By broadcast, frame, pair. Of each pair the frames that show both, spread over the time from the first
        to the last; where there are fewer than `frames`, those that make them adjacent, too. A pair without
        either is there with the frame that the table of edges names.
    """
    if not frames or not pairs:
        return []
    ends = [np.asarray(edges[end], np.int64)[:pairs] for end in ("source", "target")]
    keys = ends[0] * len(numbers.people) + ends[1]
    order = np.argsort(keys)
    edge, broadcast, frame, same = (np.concatenate(each) for each in zip(
        *_meetings(meetings, keys[order], order, numbers), strict=True
    ))  # fmt: skip
    found: list[Wanted] = []
    by_edge = np.lexsort((frame, broadcast, ~same, edge))
    bounds = np.searchsorted(edge[by_edge], np.arange(len(keys) + 1))
    for number in range(len(keys)):
        rows = by_edge[bounds[number] : bounds[number + 1]]
        n_same = int(same[rows].sum())
        both, adjacent = rows[:n_same], rows[n_same:]
        rows = np.concatenate([_spread(both, frames), _spread(adjacent, frames - min(frames, n_same))])
        places = list(zip(broadcast[rows].tolist(), frame[rows].tolist(), strict=True))
        if not places:
            places = [(int(edges["broadcast"][number]), int(edges["frame"][number]))]
        found += [Wanted(*place, number, k) for k, place in enumerate(places) if place[0] != NOBODY]
    return sorted(found)


def _meetings(
    path: Path, keys: NDArray[np.int64], edges: NDArray[np.int64], numbers: Numbers
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]]:
    """Read the meetings of some pairs: edge, broadcast, frame, and whether it shows both."""
    none = np.empty(0, np.int64)
    yield none, none, np.empty(0, np.int32), np.empty(0, bool)
    if not len(keys):
        return
    columns = ["source", "target", "broadcast", "frame", "same_frame"]
    for batch in tables.batches(path, tables.MEETINGS, columns):
        ends = np.sort(
            np.stack([_numbers(batch[end], numbers.of_people) for end in ("source", "target")]), axis=0
        )
        key = np.where(ends[0] == NOBODY, -1, ends[0] * len(numbers.people) + ends[1])
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        rows = np.flatnonzero(keys[place] == key)
        yield (
            edges[place[rows]],
            _numbers(batch["broadcast"], numbers.of_broadcasts)[rows],
            batch["frame"].to_numpy()[rows],
            batch["same_frame"].to_numpy(zero_copy_only=False)[rows],
        )


def _numbers(
    column: pa.DictionaryArray, number: Callable[[pa.Array], NDArray[np.int64]]
) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = number(column.dictionary)[column.indices.to_numpy()]
    return numbers


def _spread(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Choose `count` of some rows evenly, with the first and the last."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)
    chosen: NDArray[np.int64] = rows[places]
    return chosen


def write_frames(
    folder: Path,
    wanted: Sequence[Wanted],
    edges: Columns,
    numbers: Numbers,
    places: Places,
    members: tables.Members,
    opened: Open,
    *,
    blur: Blur,
    workers: int = 1,
) -> tuple[Columns, dict[str, str]]:
    """Write the pictures.

    Parameters
    ----------
    folder
        Gets a file a picture.
    wanted
        What `chosen_frames` gives.
    edges, numbers
        Of the page.
    places, members
        Where all faces of the run are, and who they are, as ``numbers.people`` numbers those who are shown.
    opened
        Opens the frames of a broadcast; it is called in several threads.
    blur
        See `castgraph.pages.explorer.evidence.to_blur`.
    workers
        Threads. The pictures do not depend on it.

    Returns
    -------
    columns : dict
        The table ``frames``, by edge and k, of those that could be made.
    problems : dict
        Broadcast → what went wrong with the first of its frames that could not be had.
    """
    ends = np.stack([np.asarray(edges[end], np.int64) for end in ("source", "target")], axis=1)

    def of_broadcast(group: tuple[int, list[Wanted]]) -> tuple[list[Made], str]:
        name = numbers.broadcasts[group[0]]
        made: list[Made] = []
        problem = ""
        with opened(name) as read:
            for number, of_frame in groupby(group[1], key=attrgetter("frame")):
                try:
                    frame = pictures.decode_frame(read(number), width=WIDTH)
                except (LookupError, pictures.PictureError) as error:
                    problem = problem or f"frame {number}: {error}"
                    continue
                rows = faces_in(places, name, number)
                for each in of_frame:
                    blurred = to_blur(places.boxes, members, rows, ends[each.edge].tolist(), blur)
                    image = blurred_frame(frame, blurred, WIDTH)
                    (folder / each.name).write_bytes(pictures.encode(image, QUALITY))
                    made.append(Made(each, frame.width, frame.height))
        return made, problem

    groups = [(number, list(group)) for number, group in groupby(wanted, key=attrgetter("broadcast"))]
    with ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(of_broadcast, groups))
    made = sorted((each for of_each, _ in done for each in of_each), key=lambda each: each.wanted[2:])
    problems = {
        numbers.broadcasts[number]: problem
        for (number, _), (_, problem) in zip(groups, done, strict=True)
        if problem
    }
    return _columns(made), problems


def _columns(made: Iterable[Made]) -> Columns:
    rows = [(*each.wanted, each.width, each.height) for each in made]
    names = ("broadcast", "frame", "edge", "k", "width", "height")
    return dict(zip(names, np.array(rows, np.int64).reshape(-1, len(names)).T, strict=True))
