"""The pictures that people are seen with: settings, groups and labels that stand out, and where."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.text import line
from castgraph.pages.explorer.data import NOBODY, Columns, Numbers
from castgraph.pages.explorer.evidence import QUALITY, Blur, blurred_frame, faces_in, to_blur
from castgraph.people import pictures
from castgraph.people.places import Places
from castgraph.visual.embed import THUMBNAIL
from castgraph.visual.groups import SETTINGS
from castgraph.visual.store import leader_of, leaders

KINDS = ("setting", "group", "label")
"""In the order of the page."""

SCOPES = {"setting": SETTINGS, "group": ""}
"""Of the kinds that have numbers and pictures, their scope in the table of groups."""

Embedded = Mapping[str, str | os.PathLike[str]]
"""Broadcast → the table of its embedded frames."""

Sight = tuple[str, str]
"""A kind, and a number or name."""

Rows = NDArray[np.int64]


class Landscape(NamedTuple):
    """What the page tells of the pictures that people are seen with.

    Attributes
    ----------
    seen_with
        The table of this name: what stands out for each person, by `KINDS`, of each kind what stands out most
        first.
    sights
        What stands out for somebody, by `KINDS`, then by number or name. Of settings and groups
        ``broadcast`` and ``frame`` are those of the medoid.
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
    keys = [
        (KINDS.index(kind), int(name) if kind in SCOPES else 0, name)
        for kind, name in zip(found["kind"].to_pylist(), found["name"].to_pylist(), strict=True)
    ]
    sights = [(KINDS[kind], name) for kind, _, name in sorted(set(keys))]
    place = {key: n for n, key in enumerate(sorted(set(keys)))}
    sight = np.array([place[key] for key in keys], np.int64)
    kind = np.array([key[0] for key in keys], np.int64)
    z = found["z"].to_numpy()
    order = np.lexsort((sight, -z, kind, person))
    columns = ["broadcast", "frame", "alike", *SCOPES, "labels"]
    frames = tables.read(run / "visual" / "frames.parquet", tables.VISUAL_FRAMES, columns)
    sighted, first = _sighted(frames, sights, numbers)
    return Landscape(
        {
            "person": person[order],
            "sight": sight[order],
            "n": found["n"].to_numpy()[order],
            "n_pictures": found["n_pictures"].to_numpy()[order],
            "z": z[order].astype(np.float32),
        },
        _sights(run / "visual" / "groups.parquet", sights, numbers),
        sighted,
        first,
        len(frames["broadcast"].unique()),
        len(frames),
    )


def _sights(path: Path, sights: Sequence[Sight], numbers: Numbers) -> Columns:
    """Tell of what stands out."""
    scopes = {scope: kind for kind, scope in SCOPES.items()}
    rows = {
        (scopes[row["scope"]], str(row["group"])): row
        for row in tables.read(path, tables.GROUPS).to_pylist()
        if row["scope"] in scopes
    }
    for sight in sights:
        if sight[0] in SCOPES and sight not in rows:
            raise tables.TableError(f"{path} has no {' '.join(sight)}, with which people are said to be seen")
    nothing = {"labels": None, "broadcast": "", "frame": 0, "n_frames": 0, "n_broadcasts": 0}
    told = [rows.get(sight, nothing) for sight in sights]
    return {
        "kind": [kind for kind, _ in sights],
        "name": [line(name) for _, name in sights],
        "labels": [[line(label) for label in row["labels"] or ()] for row in told],
        "broadcast": numbers.of_broadcasts(pa.array([row["broadcast"] for row in told], pa.string())),
        **{
            name: np.array([row[name] for row in told], np.int64)
            for name in ("frame", "n_frames", "n_broadcasts")
        },
    }


def _sighted(frames: pa.Table, sights: Sequence[Sight], numbers: Numbers) -> tuple[Columns, list[int]]:
    """Find the stretches that show what stands out; a frame shows what the first of its like does."""
    codes = frames["broadcast"].combine_chunks()
    broadcast = numbers.of_broadcasts(codes.dictionary)[codes.indices.to_numpy()]
    frame, alike = (frames[name].to_numpy() for name in ("frame", "alike"))
    leader = leader_of(codes.indices.to_numpy(), frame, alike)
    places: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for n, (kind, name) in enumerate(sights):
        places[kind][name] = n
    found: list[tuple[Rows, Rows]] = []
    for kind in SCOPES:
        number = frames[kind].to_numpy()
        wanted = [int(name) for name in places[kind]]
        place = np.full(max([int(number.max(initial=0)), *wanted]) + 2, NOBODY)
        place[wanted] = list(places[kind].values())
        found.append((place[number], np.arange(len(frame))))  # that of -1, none, is the last
    # Of each picture its labels, one after the other; each of its frames has them all.
    lists = frames["labels"].take(pa.array(leaders(frame, alike))).combine_chunks()
    known = pc.index_in(lists.flatten(), pa.array(list(places["label"]), pa.string()))
    label = np.append(list(places["label"].values()), NOBODY)[pc.fill_null(known, NOBODY).to_numpy()]
    ends = np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy())
    begins = np.append(0, ends)[leader]
    each = ends[leader] - begins if len(frame) else begins
    row = np.repeat(np.arange(len(frame)), each)
    within = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
    found.append((label[begins[row] + within], row))
    sight, row = (np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True))
    return _stretches(sight[sight != NOBODY], row[sight != NOBODY], broadcast, frame, len(sights))


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
    """Write a small picture of each setting and group: the medoid, with faces blurred as in all pictures.

    Parameters
    ----------
    folder
        Gets a file each, ``group-3.jpg`` for group 3.
    landscape
        What `read_landscape` gives.
    embedded
        Where the small pictures are.
    frames
        The merged frame table of the run, which tells how large frames are.
    numbers, places, members
        As of `castgraph.pages.explorer.frames.write_frames`.
    blur
        See `castgraph.pages.explorer.evidence.to_blur`; they are about nobody.

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
        if kind in SCOPES and broadcast != NOBODY:
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
            (folder / f"{sights['kind'][number]}-{sights['name'][number]}.jpg").write_bytes(
                pictures.encode(image, QUALITY)
            )
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
