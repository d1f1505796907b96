"""Faces that join people: those that are clearly nearest to one person's middle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import NOISE
from castgraph.clustering.projection import Points

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

ATTACH, MARGIN = 0.52, 0.2
"""How near a face is that joins a person, and how much further any other person; measured on television."""

_BLOCK = 2_000_000  # distances that a thread holds at a time
_FEWEST_ROWS, _MOST_ROWS = 8, 1024  # of a block
_CHUNK = 32_768  # faces that are in memory in float64


class Sums(NamedTuple):
    """What is known of groups of faces.

    Attributes
    ----------
    numbers
        Shape (n_groups,), int32: their labels, ascending.
    sums
        Shape (n_groups, d), float64: the sum of the faces of each, less `centre`.
    counts
        Shape (n_groups,), float64: how many faces each has.
    squares
        Shape (n_groups,), float64: the sum of the squared lengths of its faces, less `centre`.
    centre
        Shape (d,), float64: a point amid all.
    """

    numbers: NDArray[np.int32]
    sums: Numbers
    counts: Numbers
    squares: Numbers
    centre: Numbers

    @classmethod
    def of(cls, X: Points, labels: NDArray[np.int32]) -> Sums:
        """Sum the faces of each group, some at a time; noise is left out."""
        centre = np.median(X[:: max(1, len(X) // 10_000)], axis=0).astype(np.float64)
        rows = np.flatnonzero(labels != NOISE)
        order = rows[np.argsort(labels[rows], kind="stable")]
        numbers, place, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
        sums, squares = np.zeros((len(numbers), X.shape[1])), np.zeros(len(numbers))
        for start in range(0, len(order), _CHUNK):
            faces = X[order[start : start + _CHUNK]] - centre
            part = place[start : start + _CHUNK]
            begins = np.flatnonzero(np.diff(part, prepend=-1))
            sums[part[begins]] += np.add.reduceat(faces, begins, axis=0)
            squares[part[begins]] += np.add.reduceat(np.einsum("ij,ij->i", faces, faces), begins)
        return cls(numbers.astype(np.int32), sums, counts.astype(np.float64), squares, centre)

    @property
    def means(self) -> Numbers:
        """The middle of each group, less `centre`; shape (n_groups, d)."""
        return np.asarray(self.sums / self.counts[:, None])


def attach(
    X: Points,
    labels: NDArray[np.int32],
    *,
    frames: NDArray[np.integer[Any]] | None = None,
    joining: NDArray[np.bool_] | None = None,
    within: float = ATTACH,
    margin: float = MARGIN,
    threads: int = 1,
) -> NDArray[np.int32]:
    """Let faces without a person join the one whose middle is clearly the nearest.

    Parameters
    ----------
    X
        Points, shape (n, d); faces are (n, 128).
    labels
        Shape (n,): the person of each; -1 for none.
    frames
        Shape (n,): the frame of each, in any numbers. Nobody joins a person who is in the frame already, and
        of several faces of a frame the nearest joins. None where frames say nothing.
    joining
        Shape (n,): which of the faces without a person may join; None for all.
    within
        The largest distance to the middle.
    margin
        How much further the middle of any other person is, at least.
    threads
        How many threads to use; the labels do not depend on it.

    Returns
    -------
    ndarray of shape (n,), int32
        The labels, with fewer of -1.

    Examples
    --------
    >>> X = np.array([[0.0], [0.1], [1.0], [1.1], [0.2], [0.6]])
    >>> attach(X, np.array([0, 0, 1, 1, -1, -1], np.int32))
    array([ 0,  0,  1,  1,  0, -1], dtype=int32)
    """
    known = Sums.of(X, labels)
    left = np.flatnonzero(labels == NOISE if joining is None else (labels == NOISE) & joining)
    if not (len(known.numbers) and len(left)):
        return labels
    means = known.means

    to_means = SquaresTo(means, np.float64)

    def nearest(rows: Integers) -> Numbers:
        squares, lengths = to_means(X[rows] - known.centre)
        at = np.arange(len(rows)), squares.argmin(axis=1)
        first = squares[at]
        squares[at] = np.inf
        second = squares.min(axis=1)
        return np.stack([at[1], *(np.sqrt(np.maximum(found + lengths, 0)) for found in (first, second))])

    best, distance, second = np.concatenate(by_rows(nearest, left, len(means), threads), axis=1)
    person = best.astype(np.int64)
    chosen = (distance <= within) & (second - distance >= margin)
    if frames is not None:
        numbered = np.unique(frames, return_inverse=True)[1].astype(np.int64)
        n_frames = int(numbered.max()) + 1
        has = labels != NOISE
        seen = distinct(np.searchsorted(known.numbers, labels[has]) * n_frames + numbered[has])
        places = person * n_frames + numbered[left]
        chosen &= ~among(places, seen)
        order = np.lexsort((left, distance, places))
        order = order[chosen[order]]
        chosen[order[np.diff(places[order], prepend=-1) == 0]] = False
    joined = labels.copy()
    joined[left[chosen]] = known.numbers[person[chosen]]
    return joined


class SquaresTo:
    """Squared distances to means by one matrix product.

    Parameters
    ----------
    means
        Shape (n_means, d).
    dtype
        Float64, or float32 where half the time is worth more than the last digits.
    """

    def __init__(self, means: Numbers, dtype: type[np.floating[Any]]) -> None:
        lengths = np.einsum("ij,ij->i", means, means)
        self._means = np.concatenate([-2 * means, lengths[:, None]], axis=1).T.astype(dtype, order="C")
        self._dtype = dtype

    def __call__(self, faces: NDArray[np.floating[Any]]) -> tuple[NDArray[Any], Numbers]:
        """Measure how far faces, shape (n_rows, d), are.

        Returns
        -------
        squares : ndarray of shape (n_rows, n_means)
            The squared distances less the squared length of each face.
        lengths : ndarray of shape (n_rows,), float64
            The latter.
        """
        lengths = np.einsum("ij,ij->i", faces, faces).astype(np.float64)
        one = np.ones((len(faces), 1))
        return np.concatenate([faces, one], axis=1).astype(self._dtype) @ self._means, lengths


def by_rows(
    work: Callable[[Integers], Numbers], rows: Integers, n_columns: int, threads: int
) -> list[Numbers]:
    """Work on rows, some at a time; the parts do not depend on the number of threads."""
    step = int(np.clip(_BLOCK // max(1, n_columns), _FEWEST_ROWS, _MOST_ROWS))
    parts = [rows[start : start + step] for start in range(0, len(rows), step)] or [rows]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))


def distinct(values: Integers) -> Integers:
    """Give each value once, ascending; `np.unique` takes many times as long."""
    values = np.sort(values)
    return np.asarray(values[np.diff(values, prepend=values[:1] - 1) != 0])


def among(values: Integers, ascending: Integers) -> NDArray[np.bool_]:
    """Tell which values are among others, which ascend."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[at] == values)
