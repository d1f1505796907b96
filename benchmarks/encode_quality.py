"""How well a detector finds the faces of frames whose faces are known, for `encode.py`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Place = tuple[str, int]
"""Broadcast and frame."""

Boxes = NDArray[np.float64]
"""Shape (n, 4): left, top, right, bottom."""

LEAST_IOU = 0.15
"""True boxes are loose head boxes, so a detected face covers a small share of them."""

BINS = (0, 40, 60, 80, 100, 140)
"""Where the classes of face size begin, in pixels of the shorter side."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Which faces frames show.

    Attributes
    ----------
    boxes
        The frames whose faces are known with their places. A frame that is not named shows none.
    unlocated
        Frames of which only the number of faces is known; they say nothing about a detector's errors.
    """

    boxes: Mapping[Place, Boxes]
    unlocated: Mapping[Place, int]


def read_truth(path: Path) -> Truth:
    """Read ``ground_truth.csv``: a line a face, its box as x, y, w, h or as top, right, bottom, left."""
    located: dict[Place, list[list[float]]] = {}
    unlocated: Counter[Place] = Counter()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            place = row["broadcast"], int(row["frame"])
            if not row["person"]:
                continue
            if row.get("x"):
                x, y, w, h = (float(row[side]) for side in "xywh")
                located.setdefault(place, []).append([x, y, x + w, y + h])
            elif row.get("left"):
                sides = ("left", "top", "right", "bottom")
                located.setdefault(place, []).append([float(row[side]) for side in sides])
            else:
                unlocated[place] += 1
    return Truth({place: np.array(boxes) for place, boxes in located.items()}, unlocated)


def iou(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union of each box of `a` with each of `b`; shape (len(a), len(b))."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    return common / (areas[0][:, None] + areas[1][None, :] - common)


def matched(found: Boxes, true: Boxes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pair boxes one to one, so that they overlap most; tell which of `found` and of `true` have a partner."""
    overlaps = iou(found, true)
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    good = overlaps[rows, columns] > LEAST_IOU
    is_face, is_found = np.zeros(len(found), bool), np.zeros(len(true), bool)
    is_face[rows[good]] = is_found[columns[good]] = True
    return is_face, is_found


class Sizes(NamedTuple):
    """Faces by size, in the classes `BINS`: how many there are, were found, and were found where none is."""

    true: NDArray[np.int64]
    found: NDArray[np.int64]
    false: NDArray[np.int64]


@dataclass(slots=True)
class Tally:
    """What a detector found and missed.

    Attributes
    ----------
    true, found, false
        Shorter sides of the true boxes, of those that were found, and of the boxes where no face is.
    unlocated
        Boxes in frames where the faces' places are not known.
    """

    true: list[float] = field(default_factory=list)
    found: list[float] = field(default_factory=list)
    false: list[float] = field(default_factory=list)
    unlocated: int = 0

    def add(self, detections: Mapping[Place, Sequence[Sequence[float]]], truth: Truth, factor: float) -> None:
        """Count the boxes (left, top, right, bottom, score) of frames that were made smaller by `factor`."""
        for place, rows in detections.items():
            found = np.array([row[:4] for row in rows], float).reshape(-1, 4)
            found[:, 2:] += 1  # dlib's right and bottom belong to the box
            if place in truth.unlocated:
                self.unlocated += len(found)
                continue
            true = truth.boxes.get(place, np.empty((0, 4))) * factor
            is_face, is_found = matched(found, true)
            self.true += shorter_sides(true).tolist()
            self.found += shorter_sides(true[is_found]).tolist()
            self.false += shorter_sides(found[~is_face]).tolist()

    def sizes(self) -> Sizes:
        """Count by size."""
        edges = (*BINS, np.inf)
        return Sizes(*(np.histogram(sides, edges)[0] for sides in (self.true, self.found, self.false)))


def shorter_sides(boxes: Boxes) -> NDArray[np.float64]:
    """Give the shorter side of each box; shape (n,)."""
    return (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf)
