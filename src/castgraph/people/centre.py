"""The middle of a person's faces, the faces that are far from it, and the face that shows the person best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

OUTLIER_SCORE = 3.5
"""A face with a larger modified z-score is an outlier (the value that Iglewicz and Hoaglin recommend)."""

NEAR_TIE = 0.02
"""Faces whose distance exceeds the smallest by at most this are equally central.

Saving one and the same frame once more as a JPEG (quality 75) moves the embedding of a face by 0.05 to 0.12,
so a difference of 0.02 does not tell which of two faces is more typical; sharpness and size are plain to see.
"""

_RESOLUTION = 1e-6  # distances this close differ by the rounding of float32 embeddings only
_BLOCK = 65_536  # faces whose differences are held in float64 at a time
_NUMBERS = 128 * _BLOCK  # of which the medians are taken at a time,
_FEWEST_COORDINATES = 16  # or these, which fill a line of the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """Where the faces of a person lie.

    Attributes
    ----------
    median
        Coordinate-wise median of the faces that are no outliers; shape (128,), float64.
    distances
        Euclidean distance of every face from `median`; shape (n_faces,), float64.
    outlier
        Which faces were left out; shape (n_faces,), bool. At least half of the faces are not.
    """

    median: NDArray[np.float64]
    distances: NDArray[np.float64]
    outlier: NDArray[np.bool_]


def centre(embeddings: NDArray[np.float32]) -> Centre:
    """Find the middle of one person's faces.

    The coordinate-wise median of all faces is taken first. Faces that are unusually far from it (a modified
    z-score of their distance above 3.5) are left out, and the median is taken again without them.

    Parameters
    ----------
    embeddings
        The person's faces; shape (n_faces, 128), float32, at least one.

    Returns
    -------
    Centre

    Raises
    ------
    ValueError
        When there is no face.

    Notes
    -----
    The test is one-sided: no face is too near. The median absolute deviation (MAD) is 0 when more than half
    of the faces are equally far, as with a still that was aired again and again; the mean absolute deviation
    takes its place then. Faces that differ by rounding only are never outliers.

    References
    ----------
    B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", ASQC Quality Press, 1993 (modified
    z-score with 0.6745 / MAD, and its form for MAD = 0 with 0.7979 / mean absolute deviation).

    Examples
    --------
    >>> found = centre(np.array([[0.0, 0], [0.1, 0], [0.3, 0], [9, 9]], np.float32))
    >>> found.median.round(2), found.outlier
    (array([0.1, 0. ]), array([False, False, False,  True]))
    """
    if embeddings.ndim != 2 or len(embeddings) == 0:
        raise ValueError(f"embeddings of shape {embeddings.shape}; at least one face (a row each) is needed")
    first = _median(embeddings)
    outlier = _outliers(_distances(embeddings, first))
    median = _median(embeddings, ~outlier) if outlier.any() else first
    return Centre(median, _distances(embeddings, median), outlier)


def rows_by_person(labels: ArrayLike, n_faces: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Go through the people of a clustering.

    Parameters
    ----------
    labels
        One integer a face; -1 is noise. Shape (n_faces,).
    n_faces
        Rows of the face table that the labels belong to.

    Yields
    ------
    person : int
        The label, in ascending order.
    rows : ndarray of int64
        The rows of the person's faces, in ascending order.

    Raises
    ------
    ValueError
        When there are not as many labels as faces.
    """
    values = np.asarray(labels)
    if values.shape != (n_faces,):
        raise ValueError(
            f"labels of shape {values.shape}; one label for each of the {n_faces} faces is needed"
        )
    order = np.argsort(values, kind="stable")
    order = order[np.searchsorted(values, 0, sorter=order) :]  # noise comes first
    people, starts = np.unique(values[order], return_index=True)
    return zip(people.tolist(), np.split(order, starts[1:]) if len(order) else [], strict=True)


class Middles(NamedTuple):
    """Where the faces of all people lie.

    Attributes
    ----------
    medians
        The median of each person, by number; see `Centre`.
    distances
        Of each face from the median of its person, NaN for the faces of nobody; shape (n_faces,), float64.
    outlier
        Which faces were left out; shape (n_faces,), bool.
    """

    medians: dict[int, NDArray[np.float64]]
    distances: NDArray[np.float64]
    outlier: NDArray[np.bool_]


def middles(embeddings: NDArray[np.float32], person: ArrayLike) -> Middles:
    """Find the middle of each person's faces.

    Parameters
    ----------
    embeddings
        Of each face, shape (n_faces, d). Those of one person at a time are copied.
    person
        As for `rows_by_person`.

    Examples
    --------
    >>> found = middles(np.array([[0.0], [1.0], [7.0]], np.float32), [0, 0, -1])
    >>> found.distances, found.medians[0]
    (array([0.5, 0.5, nan]), array([0.5]))
    """
    found = Middles({}, np.full(len(embeddings), np.nan), np.zeros(len(embeddings), bool))
    for number, rows in rows_by_person(person, len(embeddings)):
        own = centre(embeddings[rows])
        found.medians[number] = own.median
        found.distances[rows], found.outlier[rows] = own.distances, own.outlier
    return found


def best_face(
    distances: NDArray[np.floating[Any]], outlier: NDArray[np.bool_], sharpness: ArrayLike, size: ArrayLike
) -> int:
    """Choose the face that shows a person best: typical, sharp and large.

    Parameters
    ----------
    distances, outlier
        Of each face of the person, as of `Middles`; shape (n_faces,).
    sharpness
        Of each face, not negative; shape (n_faces,).
    size
        Of each face, pixels (for example the shorter side of its box); shape (n_faces,).

    Returns
    -------
    int
        Index among the person's faces, never an outlier. Of the faces whose distance is within `NEAR_TIE` of
        the smallest, the one with the largest sharpness × size; then the nearest; then the first.

    Examples
    --------
    >>> found = centre(np.array([[0.0, 0], [0.01, 0], [0.3, 0]], np.float32))
    >>> best_face(found.distances, found.outlier, sharpness=[50, 40, 90], size=[100, 150, 200])
    1
    """
    inliers = np.flatnonzero(~outlier)
    near = distances[inliers]
    central = inliers[near <= near.min() + NEAR_TIE]
    quality = np.asarray(sharpness, np.float64)[central] * np.asarray(size, np.float64)[central]
    return int(central[np.lexsort((central, distances[central], -quality))[0]])


def _median(
    embeddings: NDArray[np.float32], kept: slice | NDArray[np.bool_] = slice(None)
) -> NDArray[np.float64]:
    # One coordinate after the other lies together in the transpose, which is several times faster. Of many
    # faces only some coordinates are taken at a time, so that the faces are not in memory twice.
    n, d = embeddings.shape
    step = max(_FEWEST_COORDINATES, _NUMBERS // n)
    blocks = (np.ascontiguousarray(embeddings[kept, i : i + step].T) for i in range(0, d, step))
    medians = [np.median(block, axis=1, overwrite_input=True) for block in blocks]
    return np.concatenate(medians).astype(np.float64)


def _distances(embeddings: NDArray[np.float32], point: NDArray[np.float64]) -> NDArray[np.float64]:
    blocks = range(0, len(embeddings), _BLOCK)
    return np.concatenate([np.linalg.norm(embeddings[i : i + _BLOCK] - point, axis=1) for i in blocks])


def _outliers(distances: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which distances have a modified z-score above `OUTLIER_SCORE`."""
    middle = np.median(distances)
    deviations = np.abs(distances - middle)
    scale = np.median(deviations) / 0.6745
    if scale == 0:
        scale = deviations.mean() / 0.7979
    outlier: NDArray[np.bool_] = distances - middle > max(OUTLIER_SCORE * scale, _RESOLUTION)
    return outlier
