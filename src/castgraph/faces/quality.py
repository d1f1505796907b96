"""Which faces of a run count, and which can found a person, judged by how well they are seen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Quality:
    """The least that a face must have to count, filter by filter in the order in which they are tried.

    A face with exactly the minimum counts.

    Attributes
    ----------
    min_face_px
        Shorter side of the box in the face table, pixels of the original frame.
    min_score
        Score of the detector; None for no minimum.
    min_sharpness
        Sharpness, the variance of the Laplacian on the aligned chip.

    Raises
    ------
    ValueError
        When a minimum is NaN or infinite.
    """

    min_face_px: int = 0
    min_score: float | None = None
    min_sharpness: float = 0

    def __post_init__(self) -> None:
        _require_finite(self, "quality.")


@dataclass(frozen=True, slots=True)
class Founding:
    """What a face that counts must have to found a person; one that does not can only join one.

    Small and blurred faces, and faces turned away, lie near those of other people: a few of them are easily
    taken for a person. Near somebody whom better faces have found they can be told.

    Attributes
    ----------
    min_face_px, min_score, min_sharpness
        As in `Quality`.
    max_turn
        The most that it may be turned to a side; see `turn`. None for no limit.

    Raises
    ------
    ValueError
        When a limit is NaN or infinite.
    """

    min_face_px: int = 0
    min_score: float | None = None
    min_sharpness: float = 0
    max_turn: float | None = None

    def __post_init__(self) -> None:
        _require_finite(self, "quality.founding_")


def _require_finite(limits: Quality | Founding, prefix: str) -> None:
    for name, limit in asdict(limits).items():
        if limit is not None and not math.isfinite(limit):
            raise ValueError(f"{prefix}{name}: found {limit}; allowed: a finite number")


FILTERS = tuple(field.name for field in fields(Quality))
"""The names of the filters, in the order in which they are tried."""

COLUMNS = ("top", "right", "bottom", "left", "score", "sharpness")
"""The columns of the face table that the filters look at."""


def set_aside(faces: pa.Table, quality: Quality) -> pa.DictionaryArray:
    """Tell which faces do not count, and why.

    Parameters
    ----------
    faces
        A face table, or its columns `COLUMNS`.
    quality
        What a face must have.

    Returns
    -------
    DictionaryArray of shape (n_faces,)
        The first of `FILTERS` that the face fails; empty text where it counts. The dictionary is the empty
        text, then `FILTERS`.

    Notes
    -----
    A size, score or sharpness that is missing, NaN or infinite fails its filter whatever the minimum.

    Examples
    --------
    >>> boxes = {"top": [0, 0], "right": [20, 90], "bottom": [20, 90], "left": [0, 0]}
    >>> faces = pa.table({**boxes, "score": [0.5, 0.5], "sharpness": [80.0, 80.0]})
    >>> set_aside(faces, Quality(min_face_px=40)).to_pylist()
    ['min_face_px', '']
    """
    top, right, bottom, left, score, sharpness = (faces[name].to_numpy() for name in COLUMNS)
    measured = {
        "min_face_px": np.minimum(bottom - top, right - left),
        "min_score": score,
        "min_sharpness": sharpness,
    }
    failed = np.zeros(len(faces), np.int32)
    for code, (name, minimum) in enumerate(asdict(quality).items(), start=1):
        good = np.isfinite(measured[name])  # a missing value is NaN here
        if minimum is not None:
            good &= measured[name] >= minimum  # in the column's precision, so that 0.7 is at least 0.7
        failed[(failed == 0) & ~good] = code
    return pa.DictionaryArray.from_arrays(failed, pa.array(["", *FILTERS]))


def founds(faces: pa.Table, turned: NDArray[np.float32], rule: Founding) -> NDArray[np.bool_]:
    """Tell which faces can found a person.

    Parameters
    ----------
    faces
        As for `set_aside`.
    turned
        Shape (n_faces,): how far each is turned.
    rule
        What it takes.

    Returns
    -------
    ndarray of shape (n_faces,), bool
    """
    like_others = Quality(rule.min_face_px, rule.min_score, rule.min_sharpness)
    good: NDArray[np.bool_] = set_aside(faces, like_others).indices.to_numpy() == 0
    return good if rule.max_turn is None else good & (turned <= np.float32(rule.max_turn))


def turn(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tell how far faces are turned to a side, from dlib's 5 landmarks.

    Parameters
    ----------
    landmarks
        Shape (n, 10): x, y of the outer and the inner corner of one eye, of the outer and the inner corner of
        the other, and of the base of the nose.

    Returns
    -------
    ndarray of shape (n,), float32
        How far the nose is from the middle between the eyes, along the line between them, in halves of their
        distance: 0 when the face looks into the camera, 1 when the nose is below an eye, more for a profile.
        Infinite where both eyes are at one place.

    Examples
    --------
    >>> turn(np.array([[0, 0, 2, 0, 10, 0, 8, 0, 5, 6], [0, 0, 2, 0, 10, 0, 8, 0, 7, 6]], np.float32))
    array([0. , 0.5], dtype=float32)
    """
    points = landmarks.reshape(-1, 5, 2).astype(np.float64)
    first, second, nose = points[:, :2].mean(axis=1), points[:, 2:4].mean(axis=1), points[:, 4]
    across = second - first
    aside = np.abs(np.einsum("ij,ij->i", nose - (first + second) / 2, across))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2 * aside / np.einsum("ij,ij->i", across, across)
    return np.where(np.isnan(found), np.inf, found).astype(np.float32)
