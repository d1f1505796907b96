"""dlib's resizing of pictures, and how its image pyramids map sizes and points.

Pixels come from dlib itself, so they are its own to the bit. There are two pyramids: one that halves, by
which pictures are made larger before detection, and one that takes away a sixth, in which detectors look for
larger faces.

References
----------
dlib 20.0.1: ``image_transforms/image_pyramid.h`` (``pyramid_down<2>``, ``pyramid_down<6>``) and
``image_transforms/interpolation.h`` (``resize_image``, ``pyramid_up``).
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import dlib
import numpy as np
from numpy.typing import NDArray

from castgraph.faces import native
from castgraph.faces.frame import Picture

Pixel = TypeVar("Pixel", np.uint8, np.float32)


class Box(NamedTuple):
    """A rectangle; right and bottom belong to it."""

    left: float
    top: float
    right: float
    bottom: float


def lround(value: float) -> int:
    """Round to the nearest integer, halves away from zero, as C does."""
    whole = math.trunc(value)
    return whole + (int(math.copysign(1, value)) if abs(value - whole) >= 0.5 else 0)


def rounded(box: Box) -> Box:
    """Round the sides of a box to integers, as dlib does."""
    return Box(*map(lround, box))


def resize(image: NDArray[Pixel], height: int, width: int) -> NDArray[Pixel]:
    """Resize an image with dlib's bilinear interpolation.

    Parameters
    ----------
    image
        Shape (rows, columns, 3), uint8, RGB; or one plane of shape (rows, columns), uint8 or float32.
    height, width
        The new size in pixels.

    Returns
    -------
    ndarray of shape (height, width, 3) or (height, width), of the same type
    """
    resized: NDArray[Pixel] = dlib.resize_image(np.ascontiguousarray(image), height, width)
    return resized


def pyramid_up_size(height: int, width: int) -> tuple[int, int]:
    """Tell the size of a picture that was doubled once by `pyramid_up`: 2 * height + 1, 2 * width + 2."""
    box = rounded(Box(0, 0, 2 * (width - 1 + 1.25), 2 * (height - 1 + 0.75)))
    return int(box.bottom) + 1, int(box.right) + 1


def pyramid_up(picture: Picture, times: int = 1) -> Picture:
    """Double a picture in size, so that smaller faces are found."""
    for _ in range(times):
        size = pyramid_up_size(*picture.shape[:2])
        if native.kernel is None:
            picture = resize(picture, *size)
        else:  # the same to the bit, and sooner
            picture = native.kernel.resize(np.ascontiguousarray(picture), *size)
    return picture


def halved(box: Box, times: int = 1) -> Box:
    """Map a box from a doubled picture (`pyramid_up`) to the original one; not rounded."""
    for _ in range(times):
        box = Box(box.left / 2 - 1.25, box.top / 2 - 0.75, box.right / 2 - 1.25, box.bottom / 2 - 0.75)
    return box


def pyramid_down_size(height: int, width: int) -> tuple[int, int]:
    """Tell the size of the next smaller level of the pyramid 5/6."""
    return 5 * height // 6, 5 * width // 6


def enlarged(box: Box, levels: int = 1) -> Box:
    """Map a box from a level of the pyramid 5/6 to the one `levels` above it; not rounded."""
    for _ in range(levels):
        box = Box(*(side * 1.2 + 0.3 for side in box))
    return box
