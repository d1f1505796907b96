"""Pictures of frames as evidence, with faces blurred beyond recognition."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.base import tables
from castgraph.people import pictures
from castgraph.people.places import Places

Blur = Literal["none", "others"]

QUALITY = 78

ALWAYS = (tables.WHY.index("ignored"), tables.WHY.index("forgotten"))
"""Why a face has no person, of those that are blurred in every picture."""

# What is blurred around a box, as shares of its width or height: it begins at the brows and ends at the mouth
# or chin, and hair, ears and neck tell who somebody is, too.
_ABOVE, _BELOW, _BESIDE = 0.6, 0.35, 0.4

_CELLS = 4
"""Means that are left of a face, across and down: nothing by which anybody is known again."""


class Picture(NamedTuple):
    """A picture of a frame.

    Attributes
    ----------
    jpeg
        The file.
    width, height
        Of the frame itself, pixels: boxes are in these.
    """

    jpeg: bytes
    width: int
    height: int


def cut_frame(data: bytes, blurred: Iterable[pictures.Box], width: int) -> Picture:
    """Make a picture of a frame in which faces are blurred.

    Parameters
    ----------
    data
        The bytes of the frame's file; nothing but a JPEG is decoded.
    blurred
        Top, right, bottom, left of the faces to be blurred, pixels of the frame. Parts of a box may lie
        outside.
    width
        Pixels of the picture; a frame that is not as wide stays as it is.

    Raises
    ------
    PictureError
        As `castgraph.people.pictures.decode_frame`.

    Notes
    -----
    Of a blurred face, hair and neck included, 4 by 4 mean colours are left, between which the picture goes
    smoothly. The picture is made from pixels alone: no metadata or preview of the file comes along.
    """
    frame = pictures.decode_frame(data, width=width)
    image = blurred_frame(frame, blurred, width)
    return Picture(pictures.encode(image, QUALITY), frame.width, frame.height)


def blurred_frame(frame: pictures.Frame, blurred: Iterable[pictures.Box], width: int) -> Image.Image:
    """Reduce a decoded frame to a width and blur faces in it, as `cut_frame`; the frame stays as it is."""
    size = min(width, frame.width)
    image = frame.image.resize(
        (size, max(1, round(size * frame.height / frame.width))), Image.Resampling.HAMMING
    )
    scale = image.width / frame.width, image.height / frame.height
    for box in blurred:
        region = _region(box, scale, image.size)
        if region is not None:
            face = image.crop(region)
            cells = face.resize((min(_CELLS, face.width), min(_CELLS, face.height)), Image.Resampling.BOX)
            image.paste(cells.resize(face.size, Image.Resampling.BILINEAR), region)
    return image


def _region(
    box: pictures.Box, scale: tuple[float, float], size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Tell what a face and what is around it take: left, top, right, bottom; None for nothing."""
    top, right, bottom, left = box
    wide, high = max(1, right - left), max(1, bottom - top)
    across = np.array([left - _BESIDE * wide, right + _BESIDE * wide]) * scale[0]
    down = np.array([top - _ABOVE * high, bottom + _BELOW * high]) * scale[1]
    begin = np.maximum(np.floor([across[0], down[0]]), 0).astype(int)
    end = np.minimum(np.ceil([across[1], down[1]]), size).astype(int)
    if (end <= begin).any():
        return None
    return int(begin[0]), int(begin[1]), int(end[0]), int(end[1])


def faces_in(places: Places, broadcast: str, frame: int) -> slice:
    """Tell which faces of a run are in a frame; none where there is no such broadcast or frame."""
    number = bisect_left(places.broadcasts, broadcast)
    if number == len(places.broadcasts) or places.broadcasts[number] != broadcast:
        return slice(0, 0)
    begin, end = np.searchsorted(places.broadcast, [number, number + 1])
    first, last = begin + np.searchsorted(places.frame[begin:end], [frame, frame + 1])
    return slice(int(first), int(last))


def to_blur(
    boxes: NDArray[np.int32], members: tables.Members, rows: slice, about: Collection[int], blur: Blur
) -> list[pictures.Box]:
    """Tell which faces of a frame are blurred.

    Parameters
    ----------
    boxes
        Top, right, bottom, left of all faces of the run; shape (4, n_faces).
    members
        Who they are.
    rows
        The faces of the frame; see `faces_in`.
    about
        The people that the picture is about, as ``members.person`` numbers them.
    blur
        ``"others"`` blurs all but these; ``"none"`` nobody. Who is ignored or forgotten is blurred in any
        case.

    Examples
    --------
    >>> boxes = np.array([[1, 1, 1], [9, 19, 29], [9, 9, 9], [1, 11, 21]], np.int32)
    >>> why = np.array([0, 0, tables.WHY.index("ignored")], np.int8)
    >>> members = tables.Members(np.array([0, 1, -1], np.int32), why, ["K7Q2", "A3BC"])
    >>> to_blur(boxes, members, slice(0, 3), [0], "none")
    [(1, 29, 9, 21)]
    >>> len(to_blur(boxes, members, slice(0, 3), [0], "others"))
    2
    """
    hidden = np.isin(members.why[rows], ALWAYS)
    if blur == "others":
        hidden |= ~np.isin(members.person[rows], [person for person in about if person != tables.NOISE])
    return [(top, right, bottom, left) for top, right, bottom, left in boxes[:, rows].T[hidden].tolist()]
