"""Boxes of detectors: which of those that overlap stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""Shape (n, 4): left, top, right, bottom."""


def nms(boxes: Boxes, same: Callable[[Boxes, Boxes], NDArray[np.bool_]]) -> list[int]:
    """Keep each box that is not the same as a better one that is kept (non-maximum suppression).

    Parameters
    ----------
    boxes
        The best first.
    same
        Tells for one box, shape (4,), and others, shape (n, 4), which of these are taken for it.

    Returns
    -------
    list of int
        The rows that are kept, the best first.
    """
    kept = []
    rest = np.arange(len(boxes))
    while rest.size:
        best, rest = rest[0], rest[1:]
        kept.append(int(best))
        rest = rest[~same(boxes[best], boxes[rest])]
    return kept


def iou(box: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Intersection over union of a box, shape (4,), and others, shape (n, 4); right and bottom are outside.

    Examples
    --------
    >>> iou(np.array([0.0, 0, 2, 2]), np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2]])).round(3)
    array([1.   , 0.333, 0.   ])
    """
    common = area(np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:]))
    either = area(box[:2], box[2:]) + area(others[:, :2], others[:, 2:]) - common
    return np.divide(common, either, out=np.zeros_like(common), where=either > 0)


def area(corner: NDArray[np.float64], opposite: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area of boxes, given left, top and right, bottom; 0 where they are empty."""
    sides = np.maximum(opposite - corner, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])
