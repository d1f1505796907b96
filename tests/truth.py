"""Comparing what was found with truth tables."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import comb
from pathlib import Path
from typing import Any, NamedTuple

Box = tuple[int, int, int, int]  # top, right, bottom, left


class TrueFace(NamedTuple):
    """One face of a truth table."""

    broadcast: str
    frame: int
    person: str
    box: Box


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[1], b[1]) - max(a[3], b[3])
    if height <= 0 or width <= 0:
        return 0.0
    common = height * width
    area = sum((box[2] - box[0]) * (box[1] - box[3]) for box in (a, b))
    return common / (area - common)


def of_demo(demo: Path) -> list[TrueFace]:
    """The faces that the frames of the demo show."""
    with (demo / "ground_truth.csv").open(newline="") as file:
        return [
            TrueFace(
                row["broadcast"],
                int(row["frame"]),
                row["person"],
                tuple(int(row[side]) for side in ("top", "right", "bottom", "left")),
            )
            for row in csv.DictReader(file)
        ]


def matched(
    faces: Iterable[Mapping[str, Any]], truth: Iterable[TrueFace], least: float = 0.3
) -> list[str | None]:
    """For each face the true person whose box it overlaps most, each box taken once; else None."""
    boxes: dict[tuple[str, int], list[TrueFace]] = defaultdict(list)
    for face in truth:
        boxes[face.broadcast, face.frame].append(face)
    names: list[str | None] = []
    for face in faces:
        candidates = boxes[face["broadcast"], face["frame"]]
        box = tuple(face[side] for side in ("top", "right", "bottom", "left"))
        best = max(candidates, key=lambda candidate: overlap(candidate.box, box), default=None)
        if best is None or overlap(best.box, box) <= least:
            names.append(None)
        else:
            candidates.remove(best)
            names.append(best.person)
    return names


def pairwise(found: Sequence[tuple[int, str | None]], min_faces: int = 1) -> tuple[float, float]:
    """Pairwise precision and recall of clusters (label -1 is noise; a name of None belongs to nobody).

    Precision counts all pairs of faces with one label; recall all pairs of faces of a person with at
    least `min_faces` faces.
    """
    together = Counter(found)
    per_label = Counter(label for label, _ in found)
    per_name = Counter(name for _, name in found)
    right = sum(comb(n, 2) for (label, name), n in together.items() if label >= 0 and name is not None)
    claimed = sum(comb(n, 2) for label, n in per_label.items() if label >= 0)
    wanted = sum(comb(n, 2) for name, n in per_name.items() if name is not None and n >= min_faces)
    return right / claimed, right / wanted
