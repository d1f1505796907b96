"""dlib's frontal face detector (HOG), in a native kernel that gives the same boxes.

The filters are read from dlib's own detector, so there is one source of them. Where the package was built
without a compiler, dlib's detector itself is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import dlib
import numpy as np
from numpy.typing import NDArray

from castgraph.base.models import CPU
from castgraph.faces import native, reference
from castgraph.faces.dat import Reader
from castgraph.faces.engine import Detection
from castgraph.faces.frame import Picture

FILTER = 10  # cells of a filter's side
PLANES = 31  # of the features
SCANNER = [8, 0, 80, 80, 1000, 64, 64]
"""What the kernel is written for: pixels of a cell, padding, window, most levels, smallest level."""


class Filters(NamedTuple):
    """The filters of dlib's detector, each a sum of outer products of a column and a row on one plane."""

    detector: NDArray[np.int32]  # (n,)
    plane: NDArray[np.int32]  # (n,)
    row: NDArray[np.float32]  # (n, 10)
    column: NDArray[np.float32]  # (n, 10)
    thresholds: list[float]  # one a detector
    iou: float  # boxes overlap when the intersection is more of the union
    covered: float  # or more of either box


def load(
    upsample: int,
    min_size_px: int,
    score_threshold: float,
    providers: Sequence[str] = CPU,
    *,
    kernel: str = "",
) -> Callable[[Picture], list[Detection]]:
    """Load the HOG detector.

    Parameters
    ----------
    upsample
        How many times a picture is doubled in size.
    min_size_px
        Shorter side of the smallest box, pixels of the picture; levels with smaller ones are skipped.
    score_threshold
        Least score; dlib's ``adjust_threshold``.
    providers
        As for other detectors; this one always runs on the CPU.
    kernel
        A name in `castgraph.faces.native.kernels`; the best one when empty.

    Returns
    -------
    callable
        Gives the faces of a picture, the best first.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005;
    P. Felzenszwalb et al., "Object Detection with Discriminatively Trained Part Based Models", PAMI 2010;
    dlib's ``get_frontal_face_detector``.
    """
    if native.kernel is None:
        return reference.hog(upsample, min_size_px, score_threshold)
    detector = native.kernel.Detector(*filters(), kernel=kernel)

    def detect(picture: Picture) -> list[Detection]:
        boxes = detector.detect(np.ascontiguousarray(picture), upsample, score_threshold, min_size_px)
        return [Detection(*box) for box in boxes]

    return detect


@cache
def filters() -> Filters:
    """Read the filters of dlib's frontal face detector.

    Returns
    -------
    Filters
        Each 10×10 filter as dlib applies it: the products of its singular vectors whose singular value is
        at least 1e-4 and a thousandth of the largest.

    Raises
    ------
    ValueError
        When this dlib's detector is another one than the kernel is written for.
    """
    (state,) = dlib.get_frontal_face_detector().__getstate__()
    data = Reader(state, "dlib's frontal face detector")
    data.version("object detector", 2)
    data.version("scanner", 1)
    levels = [data.integer(), data.integer()]  # features of a loaded picture: none
    scanner = [data.integer() for _ in SCANNER]
    data.real()  # regularisation, of use in training only
    dimensions = data.integer()
    if levels != [0, 0] or scanner != SCANNER or dimensions != PLANES * FILTER**2:
        raise data.error(
            f"cell, padding, window and levels {scanner} and {dimensions} dimensions; the kernel knows "
            f"{SCANNER} and {PLANES * FILTER**2}: use faces.engine: reference"
        )
    iou, covered = data.real(), data.real()
    weights = np.stack([data.matrix().ravel() for _ in range(data.count())])
    # (detectors, planes, 10, 10) = columns · singular values · rows
    columns, values, rows = np.linalg.svd(weights[:, :dimensions].reshape(-1, PLANES, FILTER, FILTER))
    strong = values >= np.maximum(1e-4, values.max(axis=-1, keepdims=True) * 0.001)
    detector, plane, rank = np.nonzero(strong)
    scale = np.sqrt(values[strong])[:, None]
    return Filters(
        detector=detector.astype(np.int32),
        plane=plane.astype(np.int32),
        row=(rows[detector, plane, rank] * scale).astype(np.float32),
        column=(columns[detector, plane, :, rank] * scale).astype(np.float32),
        thresholds=[float(threshold) for threshold in weights[:, dimensions]],
        iou=iou,
        covered=covered,
    )
