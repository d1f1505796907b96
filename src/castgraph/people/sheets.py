"""Drawing contact sheets: a person's faces by their distance from the centre."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from castgraph.base import times
from castgraph.base.colours import GREY, INK, PAPER, RED
from castgraph.base.text import counted, shortened
from castgraph.people import pictures

THUMBNAIL = 96
"""Pixels of a face on a contact sheet."""

MAX_FACES = 500
"""Faces that a contact sheet can hold; it is then about 10,000 pixels tall."""

_COLUMNS = 8
_GAP = 14
_EDGE = 20
_HEADER = 76
_CAPTION = 42
_WIDTH = 2 * _EDGE + _COLUMNS * THUMBNAIL + (_COLUMNS - 1) * _GAP
_LEGEND = "Numbers: distance from the middle of the person's faces. Doubtful faces lie far out and come last."
_NAME_LENGTH = 60  # characters that fit into the header
_PIECE = re.compile(r"\d{4}-\d\d-\d\d|\d\.\d\d|\d\d?|[^\d :]+|[ :]")
_STATION_LENGTH = 9  # and into a caption, beside the frame


class SheetFace(NamedTuple):
    """One face of a contact sheet.

    Attributes
    ----------
    picture
        Its thumbnail, a JPEG.
    distance
        From the person's centre.
    doubtful
        Whether it was left out when the centre was taken.
    captions
        Two short lines that tell where it comes from.
    """

    picture: bytes
    distance: float
    doubtful: bool
    captions: tuple[str, str]


def draw_sheet(
    name: str, person_id: str, facts: str, faces: Sequence[SheetFace], *, legend: str = _LEGEND
) -> Image.Image:
    """Draw a contact sheet.

    Parameters
    ----------
    name
        What the person is called.
    person_id
        It is shown as well where the name does not have it; empty for none.
    facts
        One line about the person.
    faces
        In the order in which they are shown.
    legend
        What the numbers are.
    """
    rows = -(-len(faces) // _COLUMNS)
    height = 2 * _EDGE + _HEADER + rows * (THUMBNAIL + _CAPTION + _GAP) - _GAP
    sheet = Image.new("RGB", (_WIDTH, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    # A name is drawn whole: in some scripts letters and words change beside others.
    heading, bold = _called(name, person_id), pictures.font(20, bold=True)
    draw.text((_EDGE, _EDGE + 18), heading, INK, bold, anchor="ls")
    _text(draw, _EDGE, _EDGE + 40, facts, 12, GREY)
    _text(draw, _EDGE, _EDGE + 58, legend, 10, GREY)
    for place, face in enumerate(faces):
        row, column = divmod(place, _COLUMNS)
        left = _EDGE + column * (THUMBNAIL + _GAP)
        top = _EDGE + _HEADER + row * (THUMBNAIL + _CAPTION + _GAP)
        with Image.open(io.BytesIO(face.picture), formats=["JPEG"]) as thumbnail:
            sheet.paste(thumbnail, (left, top))
        _caption(draw, left, top, face)
    return sheet


def _called(name: str, person_id: str) -> str:
    """Give the name, and the ID where the name does not have it."""
    if not person_id or person_id in name.split():
        return shortened(name, _NAME_LENGTH)
    return f"{shortened(name, _NAME_LENGTH - len(person_id) - 5)}  ·  {person_id}"


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


def _caption(draw: ImageDraw.ImageDraw, left: int, top: int, face: SheetFace) -> None:
    bottom = top + THUMBNAIL
    _text(draw, left, bottom + 14, f"{face.distance:.2f}", 11, INK, bold=True)
    _text(draw, left, bottom + 27, face.captions[0], 9, GREY)
    _text(draw, left, bottom + 39, face.captions[1], 9, GREY)
    if face.doubtful:
        _text(draw, left + 42, bottom + 14, "doubtful", 11, RED)
        draw.rectangle((left, top, left + THUMBNAIL - 1, bottom - 1), outline=RED, width=2)


def _text(
    draw: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, color: str, *, bold: bool = False
) -> None:
    """Write a line that begins at `x` and stands on `y`, piece by piece: the same come again and again."""
    for piece in _PIECE.findall(text):
        mask, right, down, width = _drawn(piece, size, bold)
        if mask:
            draw.bitmap((x + right, y + down), mask, color)
        x += width


@lru_cache(4096)
def _drawn(piece: str, size: int, bold: bool) -> tuple[Image.Image | None, int, int, int]:
    """Draw a piece of text; give where it lies beside the point at which it begins, and its width."""
    font = pictures.font(size, bold=bold)
    left, top, right, bottom = map(int, font.getbbox(piece, anchor="ls"))
    width = round(font.getlength(piece))
    if right <= left or bottom <= top:  # a space
        return None, 0, 0, width
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), piece, 255, font, anchor="ls")
    return mask, left, top, width
