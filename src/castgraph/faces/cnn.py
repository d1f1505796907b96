"""dlib's CNN face detector on onnxruntime.

The network slides one window over a *tiled pyramid*: the picture in ever smaller sizes, all laid out in
one image. Where its score is above the threshold, a box is mapped back to the picture; of overlapping boxes
the one with the best score stays. All of it is done as dlib does it, and gives its boxes.

References
----------
D. E. King, "Max-Margin Object Detection", 2015, arXiv:1502.00046; dlib 20.0.1: ``dnn/loss.h``
(``loss_mmod_``), ``dnn/input.h`` (``input_rgb_image_pyramid``), ``image_transforms/image_pyramid.h``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from castgraph.base.models import CPU
from castgraph.faces.boxes import Boxes, area, nms
from castgraph.faces.dat import Convolution, Mmod, Network, Overlap
from castgraph.faces.engine import Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import CNN_DETECTOR, network, session
from castgraph.faces.resize import (
    Box,
    enlarged,
    halved,
    lround,
    pyramid_down_size,
    pyramid_up,
    resize,
    rounded,
)

STRIP = 32
"""Rows of features that are made at a time; it bounds the memory of the first layers."""

SMALLEST_LEVEL = 5
"""Rows of the smallest level of the pyramid."""


def load(
    upsample: int,
    min_size_px: int = 0,
    score_threshold: float = 0.0,
    providers: Sequence[str] = CPU,
) -> Callable[[Picture], list[Detection]]:
    """Load the detector.

    Parameters
    ----------
    upsample
        How many times the picture is doubled in size first. Faces from about 80 pixels on are found with 0,
        from 40 with 1, from 20 with 2.
    min_size_px
        Boxes with a shorter side below this many pixels of the picture are not looked for. (Of a face that is
        a little smaller, a larger box may be found that a better one would have kept out.)
    score_threshold
        Only boxes with a higher score are given; dlib's own is 0.
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
    _give_large_blocks_back()
    detector = _Detector.of(network(CNN_DETECTOR))
    stem = session(CNN_DETECTOR, providers, "stem")
    head = session(CNN_DETECTOR, providers, "head")
    let_go = onnxruntime.RunOptions()  # the head's memory, or it would lie idle beside the next tiled pyramid
    if tuple(providers) == CPU:
        let_go.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    @lru_cache(maxsize=4)  # the frames of a broadcast have one size
    def layout(height: int, width: int) -> _Layout:
        return _layout(detector, height, width, upsample, min_size_px)

    def detect(picture: Picture) -> list[Detection]:
        large = pyramid_up(picture, upsample)
        tiles = layout(*large.shape[:2])
        if tiles.level.size == 0:
            return []
        # The tiled pyramid is let go before the head needs memory.
        features = _features(stem, _tiled_pyramid(detector, tiles, large), detector, tiles)
        scores = head.run(None, {"tensor": features}, let_go)[0][0]
        found = [
            (box, face)
            for box, score in _candidates(detector, tiles, scores, score_threshold)
            if (face := _detection(halved(box, upsample), score)).shorter_side >= min_size_px
        ]
        found.sort(key=lambda pair: pair[1].score, reverse=True)
        kept = nms(np.array([box for box, _ in found]).reshape(-1, 4), partial(_same, detector.loss.nms))
        return [found[index][1] for index in kept]

    return detect


def _give_large_blocks_back() -> None:
    """Let glibc give large freed blocks back to the system at once.

    By default it learns to keep them. Tiled pyramids and features of many sizes then leave holes that the
    next ones do not fit into, and the process grows with every frame.
    """
    m_mmap_threshold, large = -3, 8 * 2**20
    with suppress(AttributeError, OSError, TypeError):  # another C library has rules of its own
        ctypes.CDLL(None).mallopt(m_mmap_threshold, large)


class _Detector(NamedTuple):
    """The network and its geometry; rows and columns are treated alike."""

    network: Network
    loss: Mmod
    stride: int  # pixels from one feature to the next
    offset: int  # the pixel in the middle of what the first feature stands for
    reach: int  # pixels that one feature of the stem is made of
    halo: int  # features around one that its score is made of

    @classmethod
    def of(cls, net: Network) -> _Detector:
        if not isinstance(net.loss, Mmod):
            raise ValueError(f"{CNN_DETECTOR} holds no detector")
        position = [0, 1]
        reach, halo = 1, 0
        for layer in reversed(net.layers):
            if not isinstance(layer, Convolution):
                continue
            size, stride, padding = layer.weights.shape[3], layer.stride[1], layer.padding[1]
            position = [place * stride - padding + size // 2 for place in position]
            reach = (reach - 1) * stride + size if padding == 0 else reach
            halo += padding
        return cls(net, net.loss, position[1] - position[0], position[0], reach, halo)


class _Tile(NamedTuple):
    """Where a level of the pyramid lies in the tiled pyramid."""

    left: int
    top: int
    height: int
    width: int


class _Layout(NamedTuple):
    """The tiled pyramid of pictures of one size."""

    height: int
    width: int
    tiles: tuple[_Tile, ...]
    level: NDArray[np.uint8]  # (rows, columns): the level that a feature belongs to; empty: no face is found
    first_row: int  # the features from here on are made; no wanted face shows in those above


def _layout(detector: _Detector, height: int, width: int, upsample: int, min_size_px: int) -> _Layout:
    tiled_height, tiled_width, tiles = _tiles(
        height, width, detector.network.input.padding, detector.network.input.outer_padding
    )
    rows, columns = (
        max(0, (size - detector.reach) // detector.stride + 1) for size in (tiled_height, tiled_width)
    )
    level = _nearest(
        tiles,
        detector.offset + detector.stride * np.arange(columns),
        detector.offset + detector.stride * np.arange(rows),
    )
    # The longest that the shorter side of a box in a level can be; two pixels for rounding.
    window = max(map(min, detector.loss.windows))
    sizes = [1.2**index * (window - 1) / 2**upsample + 3 for index in range(len(tiles))]
    wanted = np.flatnonzero((np.array(sizes) >= min_size_px)[level].any(axis=1))
    if not wanted.size:
        return _Layout(tiled_height, tiled_width, tiles, level[:0], 0)
    return _Layout(tiled_height, tiled_width, tiles, level, max(0, int(wanted[0]) - detector.halo))


def _tiles(height: int, width: int, padding: int, outer_padding: int) -> tuple[int, int, tuple[_Tile, ...]]:
    """Lay the levels of a pyramid out: a column downwards, then one upwards beside it, where there is room.

    Returns
    -------
    height, width
        The size of the tiled pyramid.
    tiles
        Its levels, the largest first.
    """
    sizes = [(height, width)]
    while True:
        rows, columns = pyramid_down_size(*sizes[-1])
        if columns == 0 or rows < SMALLEST_LEVEL:
            break
        sizes.append((rows, columns))

    unsigned = 2**64  # dlib compares unsigned numbers here, and what would be negative is very large
    total = sum(rows + padding for rows, _ in sizes) - 2 * padding
    column_height = previous = 0
    for rows, columns in sizes:
        beside = (width - previous - padding) % unsigned
        if columns <= beside and 2 * (column_height - height) % unsigned >= (total - height) % unsigned:
            break
        column_height += rows + padding
        previous = columns
    column_height -= padding

    tiles: list[_Tile] = []
    y = outer_padding
    for rows, columns in sizes:
        if y >= column_height + outer_padding:
            break
        tiles.append(_Tile(outer_padding, y, rows, columns))
        y += rows + padding
    y -= padding
    for rows, columns in sizes[len(tiles) :]:
        tile = _Tile(outer_padding + width - columns, y - rows, rows, columns)
        if tile.top < outer_padding + height:  # it would lie on the largest level
            break
        tiles.append(tile)
        y -= rows + padding
    return column_height + 2 * outer_padding, width + 2 * outer_padding, tuple(tiles)


def _nearest(tiles: Sequence[_Tile], x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.uint8]:
    """For each point of a grid the first of the tiles that are nearest to it; shape (len(y), len(x))."""
    nearest = np.zeros((y.size, x.size), np.uint8)
    least = np.full((y.size, x.size), np.iinfo(np.int64).max)
    for index, tile in enumerate(tiles):
        right, bottom = tile.left + tile.width - 1, tile.top + tile.height - 1
        across = np.maximum(np.maximum(tile.left - x, x - right), 0)
        along = np.maximum(np.maximum(tile.top - y, y - bottom), 0)
        distance = along[:, None] ** 2 + across**2
        closer = distance < least
        nearest[closer] = index
        np.minimum(least, distance, out=least)
    return nearest


def _tiled_pyramid(detector: _Detector, layout: _Layout, picture: Picture) -> NDArray[np.float32]:
    """Make the network's input, shape (1, 3, rows, columns); what no level covers is 0."""
    tiled = np.zeros((1, 3, layout.height, layout.width), np.float32)
    for channel, average in enumerate(detector.network.input.averages):
        plane = np.subtract(picture[:, :, channel], average, dtype=np.float32)
        plane /= 256
        for index, tile in enumerate(layout.tiles):
            if index:
                plane = resize(plane, tile.height, tile.width)
            rows = slice(tile.top, tile.top + tile.height)
            tiled[0, channel, rows, tile.left : tile.left + tile.width] = plane
    return tiled


def _features(
    stem: onnxruntime.InferenceSession,
    tiled: NDArray[np.float32],
    detector: _Detector,
    layout: _Layout,
) -> NDArray[np.float32]:
    """Run the first layers; shape (1, channels, rows from `layout.first_row` on, columns).

    They are run on strips of the input, for they need most of the memory. They pad nothing, so the features
    are the same.
    """
    n_rows, n_columns = layout.level.shape
    n_channels = stem.get_outputs()[0].shape[1]
    features = np.empty((1, n_channels, n_rows - layout.first_row, n_columns), np.float32)
    for first in range(0, features.shape[2], STRIP):
        strip = features[:, :, first : first + STRIP]
        top = (layout.first_row + first) * detector.stride
        bottom = top + (strip.shape[2] - 1) * detector.stride + detector.reach
        strip[:] = stem.run(None, {"tensor": tiled[:, :, top:bottom]})[0]
    return features


def _candidates(
    detector: _Detector, layout: _Layout, scores: NDArray[np.float32], score_threshold: float
) -> Iterator[tuple[Box, float]]:
    """Give box (in pixels of the enlarged picture) and score wherever the score is above the threshold.

    Scores have the shape (windows, rows from `layout.first_row` on, columns).
    """
    for window, row, column in np.argwhere(scores > score_threshold).tolist():
        level = int(layout.level[layout.first_row + row, column])
        tile = layout.tiles[level]
        x = detector.offset + detector.stride * column - tile.left
        y = detector.offset + detector.stride * (layout.first_row + row) - tile.top
        width, height = (size - 1 for size in detector.loss.windows[window])
        box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        yield rounded(enlarged(box, level)), float(scores[window, row, column])


def _detection(box: Box, score: float) -> Detection:
    left, top, right, bottom = map(lround, box)
    return Detection(left, top, right, bottom, score)


def _same(overlap: Overlap, box: Boxes, others: Boxes) -> NDArray[np.bool_]:
    """Tell which boxes dlib takes for one: it measures the union by the box around both."""
    end = np.array([0, 0, 1, 1])  # right and bottom belong to a box
    box, others = box + end, others + end
    common = area(np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:]))
    around = area(np.minimum(box[:2], others[:, :2]), np.maximum(box[2:], others[:, 2:]))
    smaller = np.minimum(area(box[:2], box[2:]), area(others[:, :2], others[:, 2:]))
    return (common > 0) & ((common / around > overlap.iou) | (common / smaller > overlap.covered))
