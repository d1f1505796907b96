"""The pictures that are nearest to one, or to words: exact, of a year of frames at once.

Most of a vector lies along few axes. A picture whose part along those, and as much as the rest of it can add,
is not enough for a place among the nearest need not be looked at as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

AXES = 128
"""Along which every picture is looked at."""

_SAMPLE = 20_000  # pictures that the axes are chosen by
_BLOCK = 4_096
_ROUNDING = 1e-5  # more than what float32 loses of a cosine

Vectors = NDArray[np.float32]


class Index(NamedTuple):
    """What is looked at first.

    Attributes
    ----------
    axes
        Orthonormal, shape (d, k).
    heads
        Of each vector what lies along the axes, and in the last column the length of the rest; shape
        (n, k + 1).
    """

    axes: Vectors
    heads: Vectors


def axes_of(vectors: Vectors, most: int = AXES) -> Vectors:
    """Choose the axes along which most of the vectors lies, from a sample; shape (d, k).

    Parameters
    ----------
    vectors
        Shape (n, d); they may lie on disk.
    most
        Axes, at most.
    """
    n, d = vectors.shape
    rows = np.linspace(0, max(n - 1, 0), min(n, _SAMPLE)).astype(np.int64)
    moments = np.zeros((d, d))
    for start in range(0, len(rows), _BLOCK):
        block = np.asarray(vectors[rows[start : start + _BLOCK]], np.float64)
        moments += block.T @ block
    # Not about the mean: of a picture what it has in common with all others counts, too.
    return np.ascontiguousarray(np.linalg.eigh(moments)[1][:, ::-1][:, :most], np.float32)


def heads_of(vectors: Vectors, axes: Vectors) -> Iterator[Vectors]:
    """Give the heads of vectors (see `Index`), some at a time."""
    for start in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[start : start + _BLOCK], np.float64)
        along = block @ axes.astype(np.float64)
        rest = np.sqrt(np.maximum((block**2).sum(axis=1) - (along**2).sum(axis=1), 0))
        yield np.column_stack([along, rest]).astype(np.float32)


def open_index(folder: str | os.PathLike[str]) -> Index:
    """Open the index in a folder; only what is used of it is read.

    Raises
    ------
    ValueError
        When it is not there, or not whole.
    """
    parts = []
    for name in ("axes.npy", "heads.npy"):
        path = Path(folder) / name
        try:
            part: np.memmap[Any, np.dtype[np.float32]] = np.lib.format.open_memmap(path, mode="r")
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        parts.append(part)
    axes, heads = parts
    if axes.ndim != 2 or heads.ndim != 2 or heads.shape[1] != axes.shape[1] + 1:
        raise ValueError(f"{folder}: axes.npy of shape {axes.shape} do not fit heads.npy of {heads.shape}")
    return Index(axes, heads)


def nearest(
    vectors: Vectors,
    query: NDArray[np.floating],
    top: int,
    *,
    index: Index | None = None,
    allowed: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the vectors with the largest cosine to a query.

    Parameters
    ----------
    vectors
        Of unit length, shape (n, d), float32; they may lie on disk.
    query
        Of unit length, shape (d,).
    top
        How many to find.
    index
        What spares looking at all of each; the result is the same without.
    allowed
        Rows that are meant, ascending; None for all.

    Returns
    -------
    rows : ndarray of shape (n_found,), int64
        The nearest first; of as near ones the first.
    cosines : ndarray of shape (n_found,), float64

    Raises
    ------
    ValueError
        When the vectors and the query do not have as many numbers.

    Examples
    --------
    >>> pictures = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    >>> rows, cosines = nearest(pictures, np.array([0.0, 1.0]), 2)
    >>> rows.tolist(), cosines.round(3).tolist()
    ([1, 2], [1.0, 0.8])
    """
    if vectors.shape[1:] != np.shape(query):
        raise ValueError(
            f"the pictures have {vectors.shape[1]} numbers each, and what is looked for has "
            f"{np.size(query)}: they are of different embedders"
        )
    exact = np.asarray(query, np.float64)
    rows = np.arange(len(vectors)) if allowed is None else np.asarray(allowed, np.int64)
    if index is not None and len(rows) > top:
        rows = _candidates(vectors, exact, top, index, rows)
    rough = _each(vectors, exact.astype(np.float32), rows)
    if len(rows) > top:
        least = np.partition(rough, len(rough) - top)[len(rough) - top] - _ROUNDING
        rows = rows[rough >= least]
    cosines = np.asarray(vectors[rows], np.float64) @ exact
    order = np.lexsort((rows, -cosines))[:top]
    return rows[order], cosines[order].clip(-1, 1)


def _candidates(
    vectors: Vectors, query: NDArray[np.float64], top: int, index: Index, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give the rows that may be among the nearest."""
    along = query @ index.axes.astype(np.float64)
    rest = max(float(query @ query - along @ along), 0.0) ** 0.5
    heads = index.heads if len(rows) == len(index.heads) else np.asarray(index.heads[rows])
    known = _products(heads, np.append(along, 0).astype(np.float32))
    some = np.argpartition(known, len(known) - top)[len(known) - top :]
    least = float(np.min(np.asarray(vectors[np.sort(rows[some])], np.float64) @ query))
    most = known + heads[:, -1] * np.float32(rest)
    return rows[most >= least - _ROUNDING]


def _products(heads: Vectors, query: Vectors) -> Vectors:
    """Multiply in blocks, so that what lies on disk is read piece by piece."""
    found = np.empty(len(heads), np.float32)

    def span(start: int) -> None:
        found[start : start + 16 * _BLOCK] = heads[start : start + 16 * _BLOCK] @ query

    with ThreadPoolExecutor(_threads()) as pool:
        list(pool.map(span, range(0, len(heads), 16 * _BLOCK)))
    return found


def _each(vectors: Vectors, query: Vectors, rows: NDArray[np.int64]) -> Vectors:
    found = np.empty(len(rows), np.float32)

    def span(start: int) -> None:
        part = rows[start : start + _BLOCK]
        # A stretch without gaps needs no copy.
        whole = len(part) and part[-1] - part[0] == len(part) - 1
        block = vectors[part[0] : part[-1] + 1] if whole else vectors[part]
        found[start : start + _BLOCK] = block @ query

    with ThreadPoolExecutor(_threads()) as pool:
        list(pool.map(span, range(0, len(rows), _BLOCK)))
    return found


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Drop(NamedTuple):
    """Where scores fall most.

    Attributes
    ----------
    place
        How many come before it; 0 where there is nothing to compare.
    before, after
        The scores on both sides.
    """

    place: int
    before: float
    after: float


def drop(scores: NDArray[np.floating]) -> Drop:
    """Find where scores fall most: what comes before may be what was looked for.

    Parameters
    ----------
    scores
        The highest first.

    Examples
    --------
    >>> drop(np.array([0.9, 0.88, 0.5, 0.49]))
    Drop(place=2, before=0.88, after=0.5)
    """
    if len(scores) < 2:
        return Drop(0, float("nan"), float("nan"))
    place = int(np.argmax(-np.diff(scores))) + 1
    return Drop(place, float(scores[place - 1]), float(scores[place]))
