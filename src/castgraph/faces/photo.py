"""The faces of a photo that somebody gives, encoded as those of frames are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from castgraph.archive.media import images, jpeg
from castgraph.faces.engine import Engine, Face
from castgraph.faces.frame import Picture, UnreadableFrameError, decode

_LONGER_SIDES = (1280, 0, 640, 320)
"""Sizes in which a face is looked for, in pixels of the longer side, until one is found; 0: its own.

Detectors are made for frames of television; in a large photograph a face may be larger than they know.
"""


class PhotoError(ValueError):
    """A photo that cannot be used; the message names the file and tells why."""


def faces_of(photo: Path, load: Callable[[], Engine]) -> list[Face]:
    """Find and encode the faces of a photo.

    Parameters
    ----------
    photo
        A picture of any kind that castgraph reads; it is taken as hostile.
    load
        Gives what finds and encodes faces; not asked for where the photo cannot be used.

    Returns
    -------
    list of Face
        From left to right; boxes in pixels of the upright photo. Empty when there is none.

    Raises
    ------
    PhotoError
        When it is no picture, is broken, or is too large.
    OSError
        When the file cannot be read.
    """
    try:
        picture, width, _, _ = decode(images.upright(photo))
    except (jpeg.PictureError, UnreadableFrameError) as error:
        raise PhotoError(f"{photo}: {error}") from error
    engine = load()
    tried = set()
    for longer in _LONGER_SIDES:
        made = _smaller(picture, longer)
        if made.shape in tried:
            continue
        tried.add(made.shape)
        if found := engine.encode([made])[0]:
            scale = width / made.shape[1]
            return [_scaled(face, scale) for face in found]
    return []


def _smaller(picture: Picture, longer: int) -> Picture:
    height, width = picture.shape[:2]
    share = longer / max(height, width) if longer else 1
    if share >= 1:
        return picture
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _scaled(face: Face, scale: float) -> Face:
    box = {side: round(getattr(face, side) * scale) for side in ("top", "right", "bottom", "left")}
    return face._replace(**box, landmarks=face.landmarks * np.float32(scale))
