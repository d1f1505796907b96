"""Boxes of faces: which of them overlap most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_BLOCK = 1 << 20  # boxes that are compared at a time


def most_overlapping(
    boxes: NDArray[np.integer[Any]], others: NDArray[np.integer[Any]], start: Integers, size: Integers
) -> tuple[Integers, NDArray[np.float64]]:
    """Find for each box the one in a range of others that overlaps it most.

    Parameters
    ----------
    boxes
        Top, right, bottom and left, of shape (4, n).
    others
        The same, of shape (4, m).
    start, size
        The range: `size` others from `start` on; shape (n,).

    Returns
    -------
    best : ndarray of int64, shape (n,)
        The first of those that overlap most; -1 when none overlaps.
    overlap : ndarray of float64, shape (n,)
        Their intersection over union.
    """
    best, overlap = np.full(len(start), -1, np.int64), np.zeros(len(start))
    for begin in range(0, len(start), _BLOCK):
        # One step a place in the ranges, for all boxes of the block whose range is that long.
        step, open_ = 0, begin + np.flatnonzero(size[begin : begin + _BLOCK])
        while len(open_):
            other = start[open_] + step
            found = _overlap(boxes[:, open_], others[:, other])
            better = found > overlap[open_]
            best[open_[better]], overlap[open_[better]] = other[better], found[better]
            step += 1
            open_ = open_[size[open_] > step]
    return best, overlap


def _overlap(a: NDArray[np.integer[Any]], b: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Give the intersection over union of boxes, pair by pair; both of shape (4, n)."""
    one, two = a.astype(np.float64), b.astype(np.float64)
    (top, _, _, left), (_, right, bottom, _) = np.maximum(one, two), np.minimum(one, two)
    both = np.maximum(bottom - top, 0) * np.maximum(right - left, 0)
    area_one, area_two = ((box[2] - box[0]) * (box[1] - box[3]) for box in (one, two))
    return np.asarray(both / np.maximum(area_one + area_two - both, 1))
