"""Which faces of a run count, judged by how well they are seen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

import numpy as np
import pyarrow as pa


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
        for name, minimum in asdict(self).items():
            if minimum is not None and not math.isfinite(minimum):
                raise ValueError(f"quality.{name}: found {minimum}; allowed: a finite number")


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
