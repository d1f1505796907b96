"""Boxes of faces: which of them overlap most, and which are of one face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

BOX = ("top", "right", "bottom", "left")
"""The columns of a box, in order."""

SAME_FACE = 0.25
"""Least intersection over union of the boxes of one face by two detectors, which differ in what a face is."""

_BLOCK = 1 << 20  # boxes that are compared at a time


def found_again(
    frames: Integers, boxes: NDArray[np.integer[Any]], wanted: Integers, of: NDArray[np.integer[Any]]
) -> Integers:
    """Find faces again, whichever detector found them.

    Parameters
    ----------
    frames, boxes
        Of the faces that there are: a number for the frame of each, ascending, of shape (n,), and top, right,
        bottom and left, of shape (4, n).
    wanted, of
        The same of those to be found, in any order; shapes (m,) and (4, m).

    Returns
    -------
    ndarray of int64, shape (m,)
        For each the face of its frame whose box overlaps most, by `SAME_FACE` at least; -1 where there is
        none.

    Examples
    --------
    >>> boxes = np.array([[10, 10], [60, 160], [60, 60], [10, 110]])
    >>> others = np.array([[12, 10], [160, 60], [62, 60], [108, 10]])
    >>> found_again(np.array([7, 7]), boxes, np.array([7, 8]), others)
    array([ 1, -1])
    """
    start = np.searchsorted(frames, wanted, side="left")
    size = np.searchsorted(frames, wanted, side="right") - start
    best, overlap = most_overlapping(of, boxes, start, size)
    return np.where(overlap >= SAME_FACE, best, -1)


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
