"""Sheets of the groups of pictures, and of each broadcast a storyboard: its groups over time."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables, times
from castgraph.base.colours import BLANK, COMMUNITIES, GREY, INK, OTHER_COMMUNITY, PAPER
from castgraph.base.tables import NOISE
from castgraph.base.text import counted, shortened
from castgraph.people.pictures import font
from castgraph.visual.pictures import Place, Share, Tile, draw_grid, paste, thumbnails, write_jpeg

MOST_TILES = 400
"""Pictures on the sheet of a group: 20 rows of 20."""

MOST_GROUPS = 200
"""That get a sheet of their own, the largest; all others are on the sheet of all groups."""

ROW = 10
"""Pictures of a group on the sheet of all groups."""

_MOST_ROWS = 300
_TILE = 120
_EDGE, _GAP, _HEAD = 20, 6, 22
_RIBBON = (1600, 72)
_STRIP = 14  # of the ribbon, for settings


class Shown(NamedTuple):
    """A picture of a group: its frame and time, and in how many frames it is seen."""

    place: Place
    time: datetime
    n_frames: int


def pictures_of_groups(frames: pa.Table, by: str = "group") -> dict[int, list[Shown]]:
    """Give the different pictures of each group over the run, in the order of time; noise as group -1.

    Parameters
    ----------
    frames
        ``broadcast``, ``frame``, ``time``, ``alike`` and what `by` names of the table of frames as wholes.
    by
        ``group`` or ``setting``.
    """
    n_alike: dict[Place, int] = {}
    rows = frames.select(["broadcast", "frame", "time", "alike", by]).to_pylist()
    for row in rows:
        place = row["broadcast"], row["alike"]
        n_alike[place] = n_alike.get(place, 0) + 1
    found: dict[int, list[Shown]] = {}
    for row in rows:
        if row["frame"] == row["alike"]:
            place = row["broadcast"], row["frame"]
            found.setdefault(row[by], []).append(Shown(place, row["time"], n_alike[place]))
    for each in found.values():
        each.sort(key=lambda shown: (shown.time, shown.place))
    return dict(sorted(found.items()))


def write_sheets(
    folder: Path,
    frames: str | os.PathLike[str],
    groups: str | os.PathLike[str],
    embedded: Mapping[str, str | os.PathLike[str]],
    hidden: Mapping[Place, Sequence[Share]],
) -> None:
    """Draw a square sheet of each group, one of all groups, one of all settings, and storyboards.

    Parameters
    ----------
    folder
        An empty folder to fill: ``groups/000.jpg`` …, ``groups/noise.jpg``, ``clusters.jpg``,
        ``settings.jpg``, and of each broadcast ``storyboards/{broadcast}.jpg``.
    frames, groups
        The tables of the run.
    embedded
        Broadcast → the table of its embedded frames, which has the pictures.
    hidden
        What is to be blurred.
    """
    table = tables.read(frames, tables.VISUAL_FRAMES)
    labels = {
        row["group"]: row["labels"]
        for row in tables.read(groups, tables.GROUPS).to_pylist()
        if row["scope"] == ""
    }
    shown = pictures_of_groups(table)
    (folder / "groups").mkdir()
    (folder / "storyboards").mkdir()
    for number, pictures in shown.items():
        if number >= MOST_GROUPS:
            break
        name = "noise" if number == NOISE else f"{number:03d}"
        sheet = _group_sheet(number, pictures, labels.get(number) or (), embedded, hidden)
        write_jpeg(folder / "groups" / f"{name}.jpg", sheet)
    write_jpeg(folder / "clusters.jpg", _all_groups(shown, "Cluster", embedded, hidden))
    in_settings = pictures_of_groups(table, "setting")
    write_jpeg(folder / "settings.jpg", _all_groups(in_settings, "Setting", embedded, hidden))
    names = table["broadcast"].cast(pa.string()).to_numpy(zero_copy_only=False)
    bounds = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if len(names) else np.empty(0, int)
    for start, end in zip(bounds.tolist(), [*bounds[1:].tolist(), len(names)], strict=False):
        part = table.slice(start, end - start)
        board = _storyboard(str(names[start]), part, embedded, hidden)
        write_jpeg(folder / "storyboards" / f"{names[start]}.jpg", board)


def _named(number: int, what: str = "Cluster") -> str:
    if number != NOISE:
        return f"{what}: {number}"
    return "no cluster (noise)" if what == "Cluster" else f"no {what.lower()}"


def _group_sheet(
    number: int,
    shown: Sequence[Shown],
    labels: Sequence[str],
    embedded: Mapping[str, str | os.PathLike[str]],
    hidden: Mapping[Place, Sequence[Share]],
) -> Image.Image:
    part = shown if len(shown) <= MOST_TILES else [shown[n] for n in _spread(len(shown), MOST_TILES)]
    pictures = thumbnails(embedded, (each.place for each in part), hidden)
    tiles = [
        Tile(
            pictures.get(each.place),
            [
                times.second(each.time),
                f"{Broadcast.parse(each.place[0]).station} #{each.place[1]}"
                + (f" ×{each.n_frames}" if each.n_frames > 1 else ""),
            ],
        )
        for each in part
    ]
    n_frames = sum(each.n_frames for each in shown)
    told = [
        f"{counted(len(shown), 'picture')} in {counted(n_frames, 'frame')}",
        *([f"{len(part)} of them shown"] if len(part) < len(shown) else []),
        *([f"stands out: {', '.join(labels)}"] if labels else []),
    ]
    return draw_grid(_named(number), "; ".join(told), tiles, max(1, math.ceil(math.sqrt(len(tiles)))))


def _spread(n: int, most: int) -> list[int]:
    """Choose `most` of `n` places, evenly."""
    return [round(place) for place in np.linspace(0, n - 1, most).tolist()]


def _all_groups(
    shown: Mapping[int, Sequence[Shown]],
    what: str,
    embedded: Mapping[str, str | os.PathLike[str]],
    hidden: Mapping[Place, Sequence[Share]],
) -> Image.Image:
    """Draw a row of each group under its number, with times; noise comes last."""
    order = [number for number in shown if number != NOISE][: _MOST_ROWS - 1]
    order += [NOISE] if NOISE in shown else []
    rows = {
        number: [shown[number][n] for n in _spread(len(shown[number]), min(ROW, len(shown[number])))]
        for number in order
    }
    pictures = thumbnails(embedded, (each.place for row in rows.values() for each in row), hidden)
    height = _TILE * 9 // 16
    down = _HEAD + height + 14 + _GAP
    width = 2 * _EDGE + ROW * (_TILE + _GAP)
    image = Image.new("RGB", (width, 2 * _EDGE + max(1, len(rows)) * down), PAPER)
    draw = ImageDraw.Draw(image)
    for line, (number, row) in enumerate(rows.items()):
        top = _EDGE + line * down
        whole = shown[number]
        n_frames = sum(each.n_frames for each in whole)
        told = f"{_named(number, what)}  ·  {counted(len(whole), 'picture')}, {counted(n_frames, 'frame')}"
        draw.text((_EDGE, top + 14), told, INK, font(13, bold=True), anchor="ls")
        for column, each in enumerate(row):
            left = _EDGE + column * (_TILE + _GAP)
            paste(image, pictures.get(each.place), left, top + _HEAD, width=_TILE)
            at = (left, top + _HEAD + height + 11)
            draw.text(at, times.second(each.time), GREY, font(9), anchor="ls")
    return image


def _storyboard(
    name: str,
    frames: pa.Table,
    embedded: Mapping[str, str | os.PathLike[str]],
    hidden: Mapping[Place, Sequence[Share]],
) -> Image.Image:
    """Draw the groups of one broadcast over time, below them its settings, and a picture of each group."""
    order = np.argsort(frames["time"].to_numpy(), kind="stable")
    part = frames.take(pa.array(order))
    group, time = part["broadcast_group"].to_numpy(), part["time"].to_pylist()
    setting = part["setting"].to_numpy()
    width, ribbon = _RIBBON
    numbers, first = np.unique(group, return_index=True)
    in_order = [int(numbers[n]) for n in np.argsort(first) if numbers[n] != NOISE]
    across = width // (_TILE + _GAP)
    height = _TILE * 9 // 16
    down = height + 30 + _GAP
    rows = -(-len(in_order) // across)
    image = Image.new("RGB", (width + 2 * _EDGE, 110 + ribbon + rows * down + _EDGE), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_EDGE, 36), shortened(name, 110), INK, font(16, bold=True), anchor="ls")
    n_settings = len(np.unique(setting[setting != NOISE]))
    told = (
        f"{counted(len(group), 'frame')}, {counted(len(in_order), 'group')}; narrow: "
        f"{counted(n_settings, 'setting')} of the run; grey: none"
    )
    draw.text((_EDGE, 56), told, GREY, font(11), anchor="ls")
    edges = np.linspace(_EDGE, _EDGE + width, len(group) + 1).round().astype(int).tolist()
    for place, number in enumerate(group.tolist()):
        right = max(edges[place], edges[place + 1] - 1)
        draw.rectangle((edges[place], 70, right, 70 + ribbon - _STRIP - 2), _colour(number))
        strip = _colour(int(setting[place]))
        draw.rectangle((edges[place], 70 + ribbon - _STRIP, right, 70 + ribbon), strip)
    for place in sorted({0, len(group) // 2, len(group) - 1}):
        anchor = "ls" if place == 0 else "rs" if place == len(group) - 1 else "ms"
        at = (edges[place] if place < len(group) - 1 else edges[-1], 70 + ribbon + 16)
        draw.text(at, times.second(time[place]), GREY, font(10), anchor=anchor)
    alike = part["alike"].to_numpy()
    medoids = {number: (name, int(alike[np.flatnonzero(group == number)[0]])) for number in in_order}
    pictures = thumbnails(embedded, medoids.values(), hidden)
    for place, number in enumerate(in_order):
        row, column = divmod(place, across)
        left, top = _EDGE + column * (_TILE + _GAP), 110 + ribbon + row * down
        draw.rectangle((left, top, left + _TILE - 1, top + 4), _colour(number))
        paste(image, pictures.get(medoids[number]), left, top + 6, width=_TILE)
        n_frames = int((group == number).sum())
        caption = f"group {number}, {counted(n_frames, 'frame')}"
        draw.text((left, top + height + 19), caption, GREY, font(9), anchor="ls")
    return image


def _colour(number: int) -> str:
    if number == NOISE:
        return BLANK
    return COMMUNITIES[number] if number < len(COMMUNITIES) else OTHER_COMMUNITY
