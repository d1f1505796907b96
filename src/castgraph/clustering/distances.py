"""Distances to the last bit, as scikit-learn has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.projection import Points

# Up to so many dimensions, and with more points than that, scikit-learn uses a k-d tree.
_TREE_DIMENSIONS = 15
_TREE_POINTS = 11

_CHUNK = 4_096


def squared_eps(points: Points, eps: Sequence[float]) -> NDArray[np.float64]:
    """Give the largest squared distance of neighbours at each eps.

    Where scikit-learn does not use a tree it rounds eps and its square to the type of the points.

    Parameters
    ----------
    points
        Shape (n, d).
    eps
        Ascending.

    Returns
    -------
    ndarray of shape (len(eps),), float64
        Ascending, perhaps with equal values.
    """
    n, d = points.shape
    tree = d <= _TREE_DIMENSIONS and n > _TREE_POINTS
    values = np.asarray(eps, dtype=np.float64 if tree else points.dtype)
    squares: NDArray[np.float64] = np.square(values).astype(np.float64)
    return squares


def squared_distances(points: Points, x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.float64]:
    """Compute squared distances of pairs of rows, with float64 and from the first coordinate to the last.

    Parameters
    ----------
    points
        Shape (n, d).
    x, y
        Shape (n_pairs,): rows.

    Returns
    -------
    ndarray of shape (n_pairs,), float64
    """
    values: NDArray[np.floating] = points
    squares = np.empty(len(x))
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        terms = np.square(np.subtract(values[x[part]], values[y[part]], dtype=np.float64))
        # A cumulative sum adds one after the other; a sum does not.
        squares[part] = np.cumsum(terms, axis=1)[:, -1]
    return squares
