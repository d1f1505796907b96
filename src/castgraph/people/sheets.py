"""Drawing contact sheets: a person's faces by their distance from the centre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from wand.color import Color
from wand.drawing import Drawing
from wand.image import Image

from castgraph.base import times
from castgraph.base.colours import GREY, INK, PAPER, RED
from castgraph.base.text import counted, shortened
from castgraph.people import pictures

THUMBNAIL = 96
"""Pixels of a face on a contact sheet."""

MAX_FACES = 500
"""Faces that a contact sheet can hold; with more it would be taller than ImageMagick is allowed to draw."""

_COLUMNS = 8
_GAP = 14
_EDGE = 20
_HEADER = 76
_CAPTION = 42
_WIDTH = 2 * _EDGE + _COLUMNS * THUMBNAIL + (_COLUMNS - 1) * _GAP
_LEGEND = "Numbers: distance from the middle of the person's faces. Doubtful faces lie far out and come last."
_NAME_LENGTH = 60  # characters that fit into the header
_STATION_LENGTH = 9  # and into a caption, beside the frame


class SheetFace(NamedTuple):
    """One face of a contact sheet.

    Attributes
    ----------
    picture
        The file of its thumbnail.
    distance
        From the person's centre.
    doubtful
        Whether it was left out when the centre was taken.
    captions
        Two short lines that tell where it comes from.
    """

    picture: Path
    distance: float
    doubtful: bool
    captions: tuple[str, str]


def draw_sheet(name: str, facts: str, faces: Sequence[SheetFace]) -> Image:
    """Draw a contact sheet.

    Parameters
    ----------
    name
        What the person is called.
    facts
        One line about the person.
    faces
        In the order in which they are shown.

    Returns
    -------
    wand.image.Image
    """
    rows = -(-len(faces) // _COLUMNS)
    height = 2 * _EDGE + _HEADER + rows * (THUMBNAIL + _CAPTION + _GAP) - _GAP
    sheet = Image(width=_WIDTH, height=height, background=Color(PAPER))
    with Drawing() as draw:
        _text(draw, _EDGE, _EDGE + 18, shortened(name, _NAME_LENGTH), 20, INK, bold=True)
        _text(draw, _EDGE, _EDGE + 40, facts, 12, GREY)
        _text(draw, _EDGE, _EDGE + 58, _LEGEND, 10, GREY)
        for place, face in enumerate(faces):
            row, column = divmod(place, _COLUMNS)
            left = _EDGE + column * (THUMBNAIL + _GAP)
            top = _EDGE + _HEADER + row * (THUMBNAIL + _CAPTION + _GAP)
            with pictures.decode(face.picture.read_bytes()) as thumbnail:
                sheet.composite(thumbnail, left, top)
            _caption(draw, left, top, face)
        draw(sheet)
    return sheet


def facts(person: Mapping[str, Any], n_shown: int) -> str:
    """Sum a row of the people table, of which the sheet shows `n_shown` faces, up in one line."""
    first, last = person["first_seen"], person["last_seen"]
    shown = "" if n_shown == person["n_faces"] else f" ({n_shown} shown)"
    return "  ·  ".join(
        [
            f"{counted(person['n_faces'], 'face')}{shown}",
            counted(person["n_broadcasts"], "broadcast"),
            f"{times.duration(person['screen_seconds'])} on screen",
            f"{times.minute(first)} – {times.minute(last)} UTC",
            f"{person['n_outliers']:,} doubtful",
        ]
    )


def place_captions(station: str, frame: int, time: datetime) -> tuple[str, str]:
    """Tell in two lines where a face comes from: when its frame was on air, the station and the frame."""
    return times.second(time), f"{shortened(station, _STATION_LENGTH)} #{frame}"


def _caption(draw: Drawing, left: int, top: int, face: SheetFace) -> None:
    bottom = top + THUMBNAIL
    _text(draw, left, bottom + 14, f"{face.distance:.2f}", 11, INK, bold=True)
    _text(draw, left, bottom + 27, face.captions[0], 9, GREY)
    _text(draw, left, bottom + 39, face.captions[1], 9, GREY)
    if face.doubtful:
        _text(draw, left + 42, bottom + 14, "doubtful", 11, RED)
        draw.fill_color = Color("none")
        draw.stroke_color = Color(RED)
        draw.stroke_width = 2
        draw.rectangle(left=left, top=top, right=left + THUMBNAIL - 1, bottom=bottom - 1)
        draw.stroke_color = Color("none")


def _text(draw: Drawing, x: int, y: int, text: str, size: int, color: str, *, bold: bool = False) -> None:
    if not text:
        return  # ImageMagick refuses to draw nothing
    draw.font = pictures.font(bold=bold)
    draw.font_size = size
    draw.fill_color = Color(color)
    draw.text(x, y, text)
