"""How well a detector finds the faces of frames whose faces are known, for `encode.py`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

Place = tuple[str, int]
"""Broadcast and frame."""

Boxes = NDArray[np.float64]
"""Shape (n, 4): left, top, right, bottom."""

LEAST_IOU = 0.15
"""True boxes are loose head boxes, so a detected face covers a small share of them."""

DETECTORS = {
    "hog1": "HOG up 1",
    "cnn0": "CNN up 0",
    "cnn1": "CNN up 1",
    "blazeface0": "BlazeFace up 0",
    "blazeface1": "BlazeFace up 1",
    "centerface0": "CenterFace up 0",
}
"""Name in the figures → how the table calls it."""

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
    """Read ``ground_truth.csv``: a line a face, its box as x, y, w, h or as top, right, bottom, left.

    A box without numbers is not known; a line without a person is a frame without a face. Raises `ValueError`
    when a column is missing.
    """
    located: dict[Place, list[list[float]]] = {}
    unlocated: Counter[Place] = Counter()
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if missing := {"broadcast", "frame", "person"} - set(reader.fieldnames or ()):
            raise ValueError(f"{path} has no column {', '.join(sorted(missing))}; it has {reader.fieldnames}")
        for row in reader:
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
    """Pair boxes one to one, so that they overlap most.

    Returns
    -------
    is_face, is_found
        Whether each of `found`, and each of `true`, has a partner.
    """
    overlaps = iou(found, true)
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    good = overlaps[rows, columns] > LEAST_IOU
    is_face, is_found = np.zeros(len(found), bool), np.zeros(len(true), bool)
    is_face[rows[good]] = is_found[columns[good]] = True
    return is_face, is_found


@dataclass(slots=True)
class Tally:
    """What a detector found and missed.

    Attributes
    ----------
    true, found, false
        Shorter sides of the true boxes, of those that were found, and of the boxes where no face is.
    unlocated
        Boxes in frames where the places of the faces are not known.
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


def shorter_sides(boxes: Boxes) -> NDArray[np.float64]:
    """Give the shorter side of each box; shape (n,)."""
    return (boxes[:, 2:] - boxes[:, :2]).min(axis=1)


def by_size(sides: Iterable[float]) -> dict[str, int]:
    """Count faces in the classes of size, such as ``40_60_px``."""
    names = [f"{low}_{high}_px" for low, high in zip(BINS, (*BINS[1:], "more"), strict=True)]
    return dict(zip(names, np.histogram(list(sides), (*BINS, np.inf))[0].tolist(), strict=True))


def quality_figures(
    found: Mapping[str, Mapping[float, Mapping[Place, Sequence[Sequence[float]]]]], truth: Truth
) -> dict[str, float | int | None]:
    """Make the figures of all detectors.

    Parameters
    ----------
    found
        Name in `DETECTORS` → what the frames were made smaller by, 1 among it → place → boxes (left, top,
        right, bottom, score). Figures with a size in their name are of all frames, the others of those that
        are as they were.
    truth
        The faces that are there.
    """
    figures: dict[str, float | int | None] = {}
    for name, by_factor in found.items():
        own, whole = Tally(), Tally()
        own.add(by_factor[1], truth, 1)
        for factor, detections in by_factor.items():
            whole.add(detections, truth, factor)
        figures |= {
            "n_faces": len(own.true),
            f"recall_{name}": share(len(own.found), len(own.true)),
            f"false_{name}": len(own.false),
            "n_faces_unlocated": sum(
                truth.unlocated[place] for place in by_factor[1] if place in truth.unlocated
            ),
            f"n_boxes_unlocated_{name}": own.unlocated,
        }
        hits, false = by_size(whole.found), by_size(whole.false)
        for size, n_true in by_size(whole.true).items():
            figures |= {
                f"n_faces_{size}": n_true,
                f"recall_{name}_{size}": share(hits[size], n_true),
                f"false_{name}_{size}": false[size],
            }
    return figures


def share(part: int, whole: int) -> float | None:
    """Divide; None when there is nothing to divide by."""
    return part / whole if whole else None


def show_quality(figures: Mapping[str, Any], console: Console) -> None:
    """Print the table of detection quality."""
    table = Table(
        "side of the box, px",
        "faces",
        *(f"recall, {detector}" for detector in DETECTORS.values()),
        *(f"false, {detector}" for detector in DETECTORS.values()),
        title="Detection quality",
    )

    def add(label: str, ending: str) -> None:
        recalls = [figures[f"recall_{name}{ending}"] for name in DETECTORS]
        table.add_row(
            label,
            str(figures[f"n_faces{ending}"]),
            *("-" if recall is None else f"{recall:.3f}" for recall in recalls),
            *(str(figures[f"false_{name}{ending}"]) for name in DETECTORS),
        )

    for size in by_size([]):
        add(size.removesuffix("_px").replace("_", "-"), f"_{size}")
    table.add_section()
    add("frames as they are", "")
    console.print(table)
    console.print(
        "The classes hold the frames as they are and made 2, 3 and 4 times smaller; small faces made so are "
        "sharper than television's. True boxes may be loose head boxes; a box has found one where their "
        f"intersection is more than {LEAST_IOU} of their union. False boxes count by their own size; one may "
        "hold a face that the truth does not list, or a face for the second time."
    )
    if figures["n_faces_unlocated"]:
        counts = (
            f"{detector} {figures[f'n_boxes_unlocated_{name}']}" for name, detector in DETECTORS.items()
        )
        console.print(
            "Photographs whose faces have no true boxes count as neither found nor false. "
            f"They list {figures['n_faces_unlocated']} faces; boxes: {', '.join(counts)}."
        )
