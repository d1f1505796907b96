"""Aligning faces: dlib's 5 landmarks, and the chip that an embedder is trained on.

The landmarks are found in a native kernel, which gives the same points in a third of the time; by dlib where
the package was built without a compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import dlib
import numpy as np

from castgraph.faces import native
from castgraph.faces.detectors import Square
from castgraph.faces.engine import Aligned, Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import LANDMARKS, content, model_path

CHIP_SIZE = 150
CHIP_PADDING = 0.25

ARCFACE = ((81.73, 51.45), (66.59, 52.35), (29.84, 51.57), (44.82, 52.41), (55.29, 80.64))
"""Where dlib's 5 points lie in the chips of ArcFace-type embedders, in pixels of 112×112.

Their template, InsightFace's ``arcface_dst``, has the eyes, the tip of the nose and the corners of the mouth;
dlib has the corners of the eyes and the base of the nose instead. These are the places of dlib's points where
a face lies on the template, measured by ``benchmarks/arcface_points.py`` on 374 faces.
"""

_ARCFACE_SIZE = 112


def load(
    square: Square | None = None, alignment: str = "dlib", size: int = CHIP_SIZE, *, kernel: bool = True
) -> Callable[[Picture, Detection], Aligned]:
    """Load dlib's 5-point landmark model.

    Parameters
    ----------
    square
        Where in a detector's box the model looks for landmarks; None for boxes of dlib's detectors, which
        are trimmed to the picture, as in face_recognition.
    alignment
        How the chip is cut: ``dlib``, or ``arcface`` for its template.
    size
        Side of the chip, in pixels.
    kernel
        Whether the native kernel finds the landmarks, where it is there; else dlib does.

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
    CVPR 2014; dlib's ``get_face_chip(size=150, padding=0.25)``; J. Deng et al., "ArcFace: Additive Angular
    Margin Loss for Deep Face Recognition", CVPR 2019, and ``insightface/utils/face_align.py`` for its
    template.
    """
    cut = ALIGNMENTS[alignment]
    find_landmarks = _landmarks(kernel=kernel)

    def align(picture: Picture, box: Detection) -> Aligned:
        shape = find_landmarks(picture, box.trimmed(picture) if square is None else squared(box, square))
        return Aligned(
            landmarks=np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32).ravel(),
            chip=cut(picture, shape, size),
        )

    return align


def _landmarks(*, kernel: bool) -> Callable[[Picture, Detection], dlib.full_object_detection]:
    """Load what finds the landmarks of a face in a box."""
    if native.kernel is None or not kernel:
        predictor = dlib.shape_predictor(str(model_path(LANDMARKS)))
        return lambda picture, box: predictor(picture, dlib.rectangle(*box[:4]))
    own = native.kernel.Landmarks(content(LANDMARKS))

    def find(picture: Picture, box: Detection) -> dlib.full_object_detection:
        points = own.find(picture, *box[:4])
        return dlib.full_object_detection(dlib.rectangle(*box[:4]), [dlib.point(x, y) for x, y in points])

    return find


def _as_dlib(picture: Picture, shape: dlib.full_object_detection, size: int) -> Picture:
    return np.asarray(dlib.get_face_chip(picture, shape, size, CHIP_PADDING))


def _as_arcface(picture: Picture, shape: dlib.full_object_detection, size: int) -> Picture:
    """Cut by the similarity transform that brings the points nearest to their places (least squares)."""
    there, here = dlib.dpoints(), dlib.dpoints()
    for (x, y), point in zip(ARCFACE, shape.parts(), strict=True):
        there.append(dlib.dpoint(x * size / _ARCFACE_SIZE, y * size / _ARCFACE_SIZE))
        here.append(dlib.dpoint(point))
    details = dlib.chip_details(there, here, dlib.chip_dims(size, size))
    return np.asarray(dlib.extract_image_chip(picture, details))


ALIGNMENTS: Mapping[str, Callable[[Picture, dlib.full_object_detection, int], Picture]] = {
    "dlib": _as_dlib,
    "arcface": _as_arcface,
}
"""Alignment → what cuts the chip of a face by its landmarks."""


def squared(box: Detection, square: Square) -> Detection:
    """Give the square box that stands for a detector's box before dlib's landmark model.

    A box that lacks its top, as where the border of a picture or a hat cuts a face, is first made as high as
    that of a whole face: else the square would hold the mouth and the chin.

    Examples
    --------
    >>> squared(Detection(left=10, top=20, right=89, bottom=119, score=0.9), Square(0.8, 0.1, 0))
    Detection(left=20, top=30, right=99, bottom=109, score=0.9)
    >>> squared(Detection(left=10, top=40, right=89, bottom=119, score=0.9), Square(0.8, 0.1, 0, 1.25))
    Detection(left=20, top=30, right=99, bottom=109, score=0.9)
    """
    least = round(square.least_height * (box.right - box.left + 1))
    top = min(box.top, box.bottom + 1 - least)
    height = box.bottom + 1 - top
    side = round(square.side * height)
    left = round((box.left + box.right + 1) / 2 + square.right * height - side / 2)
    top = round((top + box.bottom + 1) / 2 + square.down * height - side / 2)
    return box._replace(left=left, top=top, right=left + side - 1, bottom=top + side - 1)
