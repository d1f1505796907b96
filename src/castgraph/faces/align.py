"""Aligning faces: dlib's 5 landmarks, and the chip that its embedder is trained on."""

from __future__ import annotations

from collections.abc import Callable

import dlib
import numpy as np

from castgraph.faces.detectors import Square
from castgraph.faces.engine import Aligned, Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import LANDMARKS, model_path

CHIP_SIZE = 150
CHIP_PADDING = 0.25


def load(square: Square | None = None) -> Callable[[Picture, Detection], Aligned]:
    """Load dlib's 5-point landmark model.

    Parameters
    ----------
    square
        Where in a detector's box the model looks for landmarks; None for boxes of dlib's detectors, which
        are trimmed to the picture, as in face_recognition.

    Returns
    -------
    callable
        Gives landmarks and chip of one face of a picture.

    Raises
    ------
    castgraph.base.models.ModelError
        When the model file is missing or altered.

    References
    ----------
    V. Kazemi and J. Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees",
    CVPR 2014; dlib's ``get_face_chip(size=150, padding=0.25)``.
    """
    find_landmarks = dlib.shape_predictor(str(model_path(LANDMARKS)))

    def align(picture: Picture, box: Detection) -> Aligned:
        seen = box.trimmed(picture) if square is None else squared(box, square)
        shape = find_landmarks(picture, dlib.rectangle(seen.left, seen.top, seen.right, seen.bottom))
        return Aligned(
            landmarks=np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32).ravel(),
            chip=dlib.get_face_chip(picture, shape, CHIP_SIZE, CHIP_PADDING),
        )

    return align


def squared(box: Detection, square: Square) -> Detection:
    """Give the square box that stands for a detector's box before dlib's landmark model.

    Examples
    --------
    >>> squared(Detection(left=10, top=20, right=89, bottom=119, score=0.9), Square(0.8, 0.1, 0))
    Detection(left=20, top=30, right=99, bottom=109, score=0.9)
    """
    height = box.bottom - box.top + 1
    side = round(square.side * height)
    left = round((box.left + box.right + 1) / 2 + square.right * height - side / 2)
    top = round((box.top + box.bottom + 1) / 2 + square.down * height - side / 2)
    return box._replace(left=left, top=top, right=left + side - 1, bottom=top + side - 1)
