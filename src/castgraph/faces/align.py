"""Aligning faces: dlib's 5 landmarks, and the chip that its embedder is trained on."""

from __future__ import annotations

from collections.abc import Callable

import dlib
import numpy as np

from castgraph.faces.engine import Aligned, Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import LANDMARKS, model_path

CHIP_SIZE = 150
CHIP_PADDING = 0.25


def load() -> Callable[[Picture, Detection], Aligned]:
    """Load dlib's 5-point landmark model.

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
        shape = find_landmarks(picture, dlib.rectangle(box.left, box.top, box.right, box.bottom))
        return Aligned(
            landmarks=np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32).ravel(),
            chip=dlib.get_face_chip(picture, shape, CHIP_SIZE, CHIP_PADDING),
        )

    return align
