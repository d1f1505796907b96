"""Pictures of a review: faces cut out of frames, and frames in which those who are left out are blurred."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.tables import LEFT_OUT, NOISE
from castgraph.pages.explorer.evidence import cut_frame, faces_in, to_blur
from castgraph.pages.review.results import Results
from castgraph.pages.server.frames import OpenFrames
from castgraph.people import pictures

SIZES = (96, 192, 512)
"""Least, usual and most pixels of a side of a face."""

WIDTHS = (160, 960, 1920)
"""Least, usual and most pixels of the width of a frame."""

_QUALITY = 85


def cut_face(
    frames: OpenFrames, results: Results, why: NDArray[np.int8], broadcast: int, number: int, size: int
) -> bytes:
    """Cut a face out of its frame, with some of what is around it.

    Parameters
    ----------
    frames
        The frames of the run.
    results
        What the run knows.
    why
        Why each face has no person, with what is decided now.
    broadcast, number
        The place of the broadcast in ``results.places``, and the number of the face in it.
    size
        Pixels of a side.

    Raises
    ------
    LookupError
        When there is no such face, it is one that is left out, or its frame cannot be had.
    PictureError
        When the frame cannot be read.
    """
    name = results.places.broadcasts[broadcast]
    row = results.row(name, number)
    if row == NOISE:
        raise LookupError("no such face")
    if why[row] in LEFT_OUT:
        raise LookupError("this face is left out")
    top, right, bottom, left = results.places.boxes[:, row].tolist()
    box = (top, right, bottom, left)
    data = frames.read(name, int(results.places.frame[row]))
    frame = pictures.decode_frame(data, [(box, size)])
    return pictures.encode(pictures.cut_face(frame, box, size), _QUALITY)


def cut_whole(
    frames: OpenFrames, results: Results, why: NDArray[np.int8], broadcast: int, frame: int, width: int
) -> bytes:
    """Make a picture of a frame; who is ignored or forgotten is blurred.

    Parameters are those of `cut_face`, with the number of the frame and the width of the picture.
    """
    name, places = results.places.broadcasts[broadcast], results.places
    nobody: Any = tables.Members(results.person, why, results.ids)
    blurred = to_blur(places.boxes, nobody, faces_in(places, name, frame), (), "none")
    return cut_frame(frames.read(name, frame), blurred, width).jpeg
