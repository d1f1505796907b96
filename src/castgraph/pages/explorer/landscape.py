"""The pictures that people are seen with: groups of pictures and labels that stand out, and where."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.pages.explorer.data import NOBODY, Columns, Numbers
from castgraph.pages.explorer.evidence import QUALITY, Blur, blurred_frame, faces_in, to_blur
from castgraph.people import pictures
from castgraph.people.places import Places
from castgraph.visual.embed import THUMBNAIL
from castgraph.visual.store import leader_of, leaders

GROUP, LABEL = "group", "label"

Embedded = Mapping[str, str | os.PathLike[str]]
"""Broadcast → the table of its embedded frames."""

Rows = NDArray[np.int64]


class Landscape(NamedTuple):
    """What the page tells of the pictures that people are seen with.

    Attributes
    ----------
    seen_with
        The table of this name: what stands out for each person, groups first, and of each kind what stands
        out most first.
    sights
        The labels and groups that stand out for somebody: groups by their numbers, then labels by name. Of
        a group ``broadcast`` and ``frame`` are those of its medoid.
    sighted, first
        The stretches of frames that show each sight, and where the rows of each begin.
    n_broadcasts, n_frames
        That were embedded.
    """

    seen_with: Columns
    sights: Columns
    sighted: Columns
    first: list[int]
    n_broadcasts: int
    n_frames: int


def read_landscape(run: Path, clustering: str, numbers: Numbers) -> Landscape:
    """Read what stands out in the pictures that show the people of the page.

    Parameters
    ----------
    run
        The results of the run, which have the frames as wholes in ``visual``.
    clustering
        Whose people are meant.
    numbers
        Of the page: what stands out for nobody else is not told.

    Raises
    ------
    TableError
        When tables do not fit each other.
    """
    found = tables.read(run / clustering / "seen_with.parquet", tables.SEEN_WITH)
    person = numbers.of_people(found["person_id"])
    found = found.filter(pa.array(person != NOBODY))
    person = person[person != NOBODY]
    keys = list(zip(found["kind"].to_pylist(), found["name"].to_pylist(), strict=True))
    groups = sorted({int(name) for kind, name in keys if kind == GROUP})
    labels = sorted({name for kind, name in keys if kind == LABEL})
    place: dict[tuple[str, str], int] = {(GROUP, str(each)): n for n, each in enumerate(groups)}
    place |= {(LABEL, each): len(groups) + n for n, each in enumerate(labels)}
    sight = np.array([place[key] for key in keys], np.int64)
    z = found["z"].to_numpy()
    order = np.lexsort((sight, -z, sight >= len(groups), person))
    frames = tables.read(
        run / "visual" / "frames.parquet",
        tables.VISUAL_FRAMES,
        ["broadcast", "frame", "alike", "group", "labels"],
    )
    sighted, first = _sighted(frames, groups, labels, numbers)
    return Landscape(
        {
            "person": person[order],
            "sight": sight[order],
            "n": found["n"].to_numpy()[order],
            "n_pictures": found["n_pictures"].to_numpy()[order],
            "z": z[order].astype(np.float32),
        },
        _sights(run / "visual" / "groups.parquet", groups, labels, numbers),
        sighted,
        first,
        len(frames["broadcast"].unique()),
        len(frames),
    )


def _sights(path: Path, groups: list[int], labels: list[str], numbers: Numbers) -> Columns:
    """Tell of the groups and labels."""
    table = tables.read(path, tables.GROUPS)
    of_run = table.filter(pc.equal(table["scope"].cast(pa.string()), ""))
    rows = {row["group"]: row for row in of_run.to_pylist()}
    missing = [each for each in groups if each not in rows]
    if missing:
        raise tables.TableError(f"{path} has no group {missing[0]}, with which people are said to be seen")
    told = [rows[each] for each in groups]
    rest = [0] * len(labels)
    return {
        "kind": [GROUP] * len(groups) + [LABEL] * len(labels),
        "name": [*map(str, groups), *labels],
        "labels": [*(row["labels"] or [] for row in told), *([] for _ in labels)],
        "broadcast": np.append(
            numbers.of_broadcasts(pa.array([row["broadcast"] for row in told], pa.string())),
            np.full(len(labels), NOBODY),
        ),
        **{
            name: np.array([*(row[name] for row in told), *rest], np.int64)
            for name in ("frame", "n_frames", "n_broadcasts")
        },
    }


def _sighted(
    frames: pa.Table, groups: list[int], labels: list[str], numbers: Numbers
) -> tuple[Columns, list[int]]:
    """Find the stretches that show each group and label; a frame shows what the first of its like does."""
    n_sights = len(groups) + len(labels)
    codes = frames["broadcast"].combine_chunks()
    broadcast = numbers.of_broadcasts(codes.dictionary)[codes.indices.to_numpy()]
    frame, alike, group = (frames[name].to_numpy() for name in ("frame", "alike", "group"))
    leader = leader_of(codes.indices.to_numpy(), frame, alike)
    leading = leaders(frame, alike)
    known = np.array(groups, np.int64)
    at = np.searchsorted(known, group).clip(max=max(len(known) - 1, 0))
    grouped = np.flatnonzero(known[at] == group) if len(known) else np.empty(0, np.int64)
    # Of each picture its labels, one after the other; each of its frames has them all.
    lists = frames["labels"].take(pa.array(leading)).combine_chunks()
    texts = lists.flatten()
    names = texts.cast(pa.string()) if pa.types.is_dictionary(texts.type) else texts
    label = pc.fill_null(pc.index_in(names, pa.array(labels, pa.string())), NOBODY).to_numpy()
    begins = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy())])
    each = np.diff(begins)[leader]
    row = np.repeat(np.arange(len(frame)), each)
    within = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
    mentioned = label[begins[leader[row]] + within] if len(row) else np.empty(0, np.int64)
    row, mentioned = row[mentioned != NOBODY], mentioned[mentioned != NOBODY]
    sight = np.concatenate([at[grouped], len(groups) + mentioned]).astype(np.int64)
    return _stretches(sight, np.concatenate([grouped, row]), broadcast, frame, n_sights)


def _stretches(
    sight: Rows, row: Rows, broadcast: Rows, frame: NDArray[np.integer], n_sights: int
) -> tuple[Columns, list[int]]:
    place, number = broadcast[row], frame[row].astype(np.int64)
    order = np.lexsort((number, place, sight))
    sight, place, number = sight[order], place[order], number[order]
    goes_on = (np.diff(sight) == 0) & (np.diff(place) == 0) & (np.diff(number) <= 1)
    starts = np.flatnonzero(np.append(np.ones(min(len(sight), 1), bool), ~goes_on))
    ends = np.append(starts[1:], len(sight)) - 1
    columns: Columns = {
        "broadcast": place[starts],
        "first": number[starts],
        "last": number[ends] if len(starts) else number[:0],
    }
    return columns, np.searchsorted(sight[starts], np.arange(n_sights + 1)).tolist()


def write_group_pictures(
    folder: Path,
    landscape: Landscape,
    embedded: Embedded,
    frames: Path,
    numbers: Numbers,
    places: Places,
    members: tables.Members,
    *,
    blur: Blur,
) -> Rows:
    """Write a small picture of each group: its medoid, in which faces are blurred as in all pictures.

    Parameters
    ----------
    folder
        Gets a file a group, ``3.jpg`` for group 3.
    landscape
        What `read_landscape` gives.
    embedded
        Where the small pictures are.
    frames
        The merged frame table of the run, which tells how large frames are.
    numbers, places, members
        As of `castgraph.pages.explorer.frames.write_frames`.
    blur
        See `castgraph.pages.explorer.evidence.to_blur`; a group is about nobody.

    Returns
    -------
    ndarray of int64
        The sights of which a picture is there, ascending.
    """
    sights = landscape.sights
    there: list[int] = []
    wanted: dict[str, list[tuple[int, int]]] = {}
    for number, (kind, broadcast, frame) in enumerate(
        zip(sights["kind"], sights["broadcast"], sights["frame"], strict=True)
    ):
        if kind == GROUP and broadcast != NOBODY:
            wanted.setdefault(numbers.broadcasts[int(broadcast)], []).append((int(frame), number))
    sizes = _sizes(frames, wanted)
    for name in sorted(wanted):
        small = _thumbnails(embedded[name], [frame for frame, _ in wanted[name]])
        for frame, number in wanted[name]:
            width, height = sizes.get((name, frame), (0, 0))
            jpeg = small.get(frame)
            if not jpeg or not width or not height:
                continue  # where faces are cannot be told
            picture = pictures.decode_frame(jpeg)._replace(width=width, height=height)
            boxes = to_blur(places.boxes, members, faces_in(places, name, frame), [], blur)
            image = blurred_frame(picture, boxes, THUMBNAIL)
            (folder / f"{sights['name'][number]}.jpg").write_bytes(pictures.encode(image, QUALITY))
            there.append(number)
    return np.array(sorted(there), np.int64)


def _sizes(
    frames: Path, wanted: Mapping[str, Collection[tuple[int, int]]]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Tell how large some frames are."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for name, values in tables.by_broadcast(frames, tables.MERGED_FRAMES, ["frame", "width", "height"]):
        asked = {frame for frame, _ in wanted.get(name, ())}
        for frame, width, height in zip(*(np.nan_to_num(each).tolist() for each in values), strict=True):
            if int(frame) in asked:
                found[name, int(frame)] = int(width), int(height)
    return found


def _thumbnails(path: str | os.PathLike[str], frames: list[int]) -> dict[int, bytes | None]:
    table = tables.read(path, tables.VISUAL, ["frame", "thumbnail"])
    part = table.filter(pc.is_in(table["frame"], pa.array(sorted(set(frames)), pa.int32())))
    return dict(zip(part["frame"].to_pylist(), part["thumbnail"].to_pylist(), strict=True))
