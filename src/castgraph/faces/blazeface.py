"""The BlazeFace detector of MediaPipe (full range, sparse), in a native kernel or on onnxruntime.

The network tells for each place of a grid over the picture how likely a face is there, its box and six
points of it. It is made of convolutions alone, so it looks at the whole frame in its own shape, where
MediaPipe lays it into a square; what it finds depends on how large the frame is made. Where several places
tell of one face, they are averaged. The points are not used: dlib's align faces better
(``benchmarks/boxes.py``).

The kernel leaves out the seven of ten weights that are zero; onnxruntime serves GPUs, and where the package
was built without a compiler. Frames go through one by one: several at once took 5 to 8 % less time on
onnxruntime, and as many times the memory.

References
----------
V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019,
arXiv:1907.05047, section 4.3 on the average of boxes; MediaPipe: ``modules/face_detection``
(``face_detection_full_range``), ``ssd_anchors_calculator.cc``, ``tensors_to_detections_calculator.cc``,
``non_max_suppression_calculator.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.base.models import CPU
from castgraph.faces import native
from castgraph.faces.boxes import iou
from castgraph.faces.engine import Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import BLAZEFACE, session, tflite_network
from castgraph.faces.steps import program

Places = NDArray[np.float64]
"""Shape (n, 16): left, top, right, bottom of a box, and x, y of six points of the face, see `POINTS`."""

Scores = NDArray[np.float64]
"""Shape (n,), between 0 and 1."""

Run = Callable[[Picture], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Runs the network on a picture whose sides are multiples of `MULTIPLE`; see `decoded` for what it gives."""

SIDE = 320
"""Pixels of the longer side of a frame as the network sees it, with upsample 0.

MediaPipe's 192 finds half of the faces of 40 pixels in frames of 640×360, this nearly all, in twice the time.
"""

TALLEST = 192
"""The shorter side of a frame, as the network sees it, in which the largest face is found.

It finds no faces of more than about 170 pixels, so larger frames are looked at in half the size, too.
"""

STRIDE = 4
"""Pixels of the network's input from one place of its grid to the next."""

MULTIPLE = 32
"""What the sides of the network's input are multiples of: all its strides together."""

POINTS = ("right eye", "left eye", "nose", "mouth", "right ear", "left ear")
"""What the points are; right and left as the person has them."""

FAR = 2**20
"""Pixels from a place that are more than any face's; it keeps numbers finite."""

OVERLAP = 0.3
"""Boxes whose intersection is a larger share of their union are of one face, as in MediaPipe."""

CANDIDATES = 4096
"""Places of a frame that are looked at, at most, the best first; 100 faces have about 2,000 above 0.5."""


def load(
    upsample: int,
    min_size_px: int = 0,
    score_threshold: float = 0.5,
    providers: Sequence[str] = CPU,
) -> Callable[[Picture], list[Detection]]:
    """Load the detector.

    Parameters
    ----------
    upsample
        How many times the size is doubled in which the network sees the frame. With 0 the longer side is 320
        pixels there, however large the frame is (a smaller frame is not made larger).
    min_size_px
        Faces whose box has a shorter side below this many pixels of the picture are left out.
    score_threshold
        Only faces with a higher score are given; scores lie between 0 and 1.
    providers
        onnxruntime's execution providers, the preferred one first.

    Returns
    -------
    callable
        Takes a picture of shape (height, width, 3), uint8, RGB, and gives its faces, best score first; a box
        is about square and reaches from the brows to the chin.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or cannot be prepared.
    ValueError
        When a provider is not there.
    """
    run = network(providers)

    def detect(picture: Picture) -> list[Detection]:
        found, scores = averaged(*places(run, picture, upsample, score_threshold))
        left, top, right, bottom = np.rint(found[:, :4]).astype(int).T.tolist()
        faces = map(
            Detection, left, top, (edge - 1 for edge in right), (edge - 1 for edge in bottom), scores.tolist()
        )
        return [face for face in faces if face.shorter_side >= min_size_px and _is_seen(face, picture)]

    return detect


def network(providers: Sequence[str] = CPU, *, kernel: str | None = "") -> Run:
    """Load the network.

    Parameters
    ----------
    providers, kernel
        What runs it; see `castgraph.faces.native.runs`.

    Raises
    ------
    ModelError, ValueError
        See `load`.
    """
    if not native.runs(providers, kernel):
        return _on_onnxruntime(providers)
    of_kernel = native.kernel.Network(*program(tflite_network(BLAZEFACE)), kernel=kernel or "")

    def run(picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        values, logits = of_kernel.run(picture)
        return values, logits[:, 0]

    return run


def _on_onnxruntime(providers: Sequence[str]) -> Run:
    loaded = session(BLAZEFACE, providers)

    def run(picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        (values,), (logits,) = loaded.run(None, {"pictures": picture[None]})
        return values, logits[:, 0]

    return run


def places(run: Run, picture: Picture, upsample: int, threshold: float) -> tuple[Places, Scores]:
    """Give all places of a picture that tell of a face, many of one face, in pixels of the picture.

    `run` is what `network` gives; the other parameters are those of `load` and `decoded`, which says what is
    returned.
    """
    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    levels = []
    for rows, columns in sizes(height, width, upsample):
        # Each is made of the one before, and continued with black to the right and below.
        image = image.resize((columns, rows), Image.Resampling.BILINEAR, reducing_gap=1.0)
        entry = np.zeros((_up(rows), _up(columns), 3), np.uint8)
        entry[:rows, :columns] = np.asarray(image)
        found, scores = decoded(*run(entry), entry.shape[1], threshold)
        levels.append((found * np.tile([width / columns, height / rows], 8), scores))
    found, scores = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    return found, scores


def _up(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE


def _is_seen(face: Detection, picture: Picture) -> bool:
    """Tell whether a box has a part in the picture."""
    trimmed = face.trimmed(picture)
    return trimmed.right > trimmed.left and trimmed.bottom > trimmed.top


def sizes(height: int, width: int, upsample: int) -> list[tuple[int, int]]:
    """Tell in which sizes the network looks at a picture, the largest first.

    Parameters
    ----------
    height, width
        Of the picture.
    upsample
        As for `load`.

    Returns
    -------
    list of (rows, columns)

    Examples
    --------
    >>> sizes(1080, 1920, upsample=0)
    [(180, 320)]
    >>> sizes(1080, 1920, upsample=1)
    [(360, 640), (180, 320)]
    """
    scale = 2**upsample * min(1, SIDE / max(height, width))
    found: list[tuple[int, int]] = []
    while not found or min(found[-1]) > TALLEST:
        found.append((max(1, round(height * scale)), max(1, round(width * scale))))
        scale /= 2
    return found


def decoded(
    values: NDArray[np.float32], logits: NDArray[np.float32], columns: int, threshold: float
) -> tuple[Places, Scores]:
    """Turn what the network says into boxes, points and their scores.

    Parameters
    ----------
    values
        Shape (places, 16): for each place of the grid, row by row, the way to the centre of a box, the box
        size, and the way to six points; always x, y, in pixels of the network's input.
    logits
        Shape (places,).
    columns
        Width of the input in pixels.
    threshold
        Only places with a higher score are given.

    Returns
    -------
    places
        Shape (n, 16): left, top, right, bottom of a box and x, y of the six points, in pixels of the input.
    scores
        Shape (n,), between 0 and 1; the best first, and of equal ones the first place.
    """
    # By their logits few of the thousands of places can be above the threshold; the scores of these tell.
    chosen = np.flatnonzero(logits > _logit(threshold) - 1e-3)
    scores = 1 / (1 + np.exp(-np.clip(logits[chosen].astype(np.float64), -100, 100)))
    offered = values[chosen]
    kept = (scores > threshold) & (offered[:, 2:4] > 0).all(axis=1) & (np.abs(offered) < FAR).all(axis=1)
    chosen, scores = chosen[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")[:CANDIDATES]
    chosen, scores = chosen[order], scores[order]
    row, column = np.divmod(chosen, columns // STRIDE)
    here = (np.stack([column, row], axis=1) + 0.5) * STRIDE
    told = values[chosen].astype(np.float64).reshape(-1, 8, 2)  # centre, size, points
    centre, half = here + told[:, 0], told[:, 1] / 2
    points = (here[:, None] + told[:, 2:]).reshape(-1, 12)
    return np.hstack([centre - half, centre + half, points]), scores


def _logit(score: float) -> float:
    """Give the number that a score is made of; of a score outside 0 and 1, one that all or none are above."""
    return math.log(score / (1 - score)) if 0 < score < 1 else math.copysign(math.inf, score - 0.5)


def averaged(found: Places, scores: Scores) -> tuple[Places, Scores]:
    """Put the places of one face together: weighted non-maximum suppression.

    The place with the best score and all whose boxes overlap its box are averaged, weighted by their scores;
    of the others likewise, until none is left.

    Parameters
    ----------
    found
        Shape (n, 4 or more): left, top, right, bottom of a box, and what else is averaged.
    scores
        Shape (n,), above 0.

    Returns
    -------
    faces
        Shape (n_faces, as many), best score first.
    scores
        Shape (n_faces,): each the best of those that were averaged.
    """
    order = np.argsort(-scores, kind="stable")
    found, scores = found[order], scores[order]
    faces, best = [], []
    while scores.size:
        same = iou(found[0, :4], found[:, :4]) > OVERLAP
        weights = scores[same]
        faces.append(weights @ found[same] / weights.sum())
        best.append(scores[0])
        found, scores = found[~same], scores[~same]
    return np.array(faces).reshape(-1, found.shape[1]), np.array(best)
