"""The tree that HDBSCAN is made of: the shortest one that spans all points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from threadpoolctl import threadpool_limits

from castgraph.clustering.components import components
from castgraph.clustering.projection import Points

ROWS, COLUMNS = 256, 2_048
"""Points that are compared at a time with how many others: 4 MB of distances, which stay in the cache."""

_TIE = 1e-9  # see the notes of `spanning_tree`
_ROUNDING = 64 * np.finfo(np.float64).eps  # of a squared distance, as a share of what it is made of

_Floats = NDArray[np.float64]
_Numbers = NDArray[np.int64]


def spanning_tree(points: Points, k: int, *, threads: int = 1) -> tuple[_Numbers, _Floats]:
    """Find a minimum spanning tree by mutual reachability.

    Parameters
    ----------
    points
        Shape (n, d), n at least `k`.
    k
        The neighbour, a point itself counted, whose distance is the core distance of a point. Two points are
        as far from each other as they are, and at least as far as their core distances.
    threads
        How many compare points; the tree does not depend on it.

    Returns
    -------
    edges
        Rows of two points; shape (n - 1, 2).
    lengths
        Shape (n - 1,).

    Notes
    -----
    Borůvka's algorithm: each component is joined with the nearest other, again and again. Distances come from
    blocked matrix products in float64 and are not kept, so memory grows with n and time with n². The nearest
    point of another component stays the nearest until it is in the same; then it still bounds how far the
    next is, so only who could be nearer than the rest of its component is compared anew.

    By mutual reachability most points have several nearest ones. To choose among them, a billionth of the
    squared distance is added to the squared length, so that the tree depends on the order of the points no
    more than distances are equal.

    References
    ----------
    O. Borůvka, "O jistém problému minimálním", 1926; R. Campello, D. Moulavi and J. Sander, "Density-based
    clustering based on hierarchical density estimates", PAKDD 2013, for mutual reachability.

    Examples
    --------
    >>> import numpy as np
    >>> edges, lengths = spanning_tree(np.array([[0.0], [1.0], [5.0]]), 2)
    >>> edges.tolist(), lengths.round(6).tolist()
    ([[0, 1], [2, 1]], [1.0, 4.0])
    """
    # Products are exact near the origin; one point far away would draw the mean from the others.
    centred = np.asarray(points, np.float64) - np.median(points, axis=0)
    scale = float(np.abs(centred).max(initial=0)) or 1.0  # so that no square is too large or too small
    centred /= scale
    squares = np.einsum("ij,ij->i", centred, centred)
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:

        def compared(
            of_rows: Callable[[_Numbers], tuple[NDArray[Any], ...]], rows: _Numbers
        ) -> list[NDArray[Any]]:
            """Put together what a function gives for some rows at a time."""
            parts = pool.map(of_rows, (rows[start : start + ROWS] for start in range(0, len(rows), ROWS)))
            return [np.concatenate(part) for part in zip(*parts, strict=True)]

        [core] = compared(lambda rows: (_core(centred, squares, rows, k),), np.arange(len(points)))
        core[core < _ROUNDING * squares] = 0  # of points that are the same
        edges = _joined(
            len(points), lambda component, rows: compared(_nearest(centred, squares, core, component), rows)
        )
    apart = centred[edges[:, 0]] - centred[edges[:, 1]]
    exact = np.einsum("ij,ij->i", apart, apart)
    return edges, scale * np.sqrt(np.maximum(exact, core[edges].max(axis=1)) + _TIE * exact)


def _tiles(centred: _Floats, squares: _Floats, rows: _Numbers) -> Iterator[tuple[slice, _Floats]]:
    """Give the squared distances of some rows to all points, some at a time."""
    ones = np.ones(len(rows))
    left = np.column_stack([-2 * centred[rows], squares[rows], ones])
    for start in range(0, len(centred), COLUMNS):
        part = slice(start, start + COLUMNS)
        right = np.column_stack([centred[part], np.ones_like(squares[part]), squares[part]])
        yield part, np.maximum(left @ right.T, 0)


def _core(centred: _Floats, squares: _Floats, rows: _Numbers, k: int) -> _Floats:
    """Give the squared core distances of some rows."""
    nearest = np.full((len(rows), k), np.inf)
    for _, distances in _tiles(centred, squares, rows):
        both = np.hstack([nearest, np.partition(distances, min(k, distances.shape[1]) - 1)[:, :k]])
        nearest = np.partition(both, k - 1)[:, :k]
    return np.asarray(nearest[:, k - 1])


def _nearest(
    centred: _Floats, squares: _Floats, core: _Floats, component: _Numbers
) -> Callable[[_Numbers], tuple[_Numbers, _Floats]]:
    """Make what gives the nearest point in another component of some rows, and how far that is, squared."""

    def nearest(rows: _Numbers) -> tuple[_Numbers, _Floats]:
        found, least = np.zeros(len(rows), np.int64), np.full(len(rows), np.inf)
        own, of_rows = component[rows, None], core[rows, None]
        for part, distances in _tiles(centred, squares, rows):
            far = np.maximum(distances, core[part])
            np.maximum(far, of_rows, out=far)
            distances *= _TIE
            far += distances
            far[own == component[part]] = np.inf
            best = far.argmin(axis=1)
            value = far[np.arange(len(rows)), best]
            nearer = value < least
            found[nearer], least[nearer] = best[nearer] + part.start, value[nearer]
        return found, least

    return nearest


def _joined(n: int, nearest: Callable[[_Numbers, _Numbers], list[NDArray[Any]]]) -> _Numbers:
    """Join components with what is nearest to them until one is left."""
    component, found, least = np.arange(n), np.arange(n), np.zeros(n)
    edges = np.empty((0, 2), np.int64)
    while component.max(initial=0):
        known = component[found] != component
        best = np.full(component.max() + 1, np.inf)
        np.minimum.at(best, component[known], least[known])
        rows = np.flatnonzero(~known & (least < best[component]))
        found[rows], least[rows] = nearest(component, rows)
        usable = np.flatnonzero(component[found] != component)
        order = usable[np.lexsort((usable, least[usable], component[usable]))]
        first = order[np.unique(component[order], return_index=True)[1]]
        first = first[_without_circles(component[first], component[found[first]], least[first])]
        edges = np.vstack([edges, np.column_stack([first, found[first]])])
        component = components(n, edges).astype(np.int64)
    return edges


def _without_circles(ends: _Numbers, others: _Numbers, lengths: _Floats) -> _Numbers:
    """Choose edges between components without those that close a circle, as one that both have chosen."""
    shape = (int(max(ends.max(), others.max())) + 1,) * 2
    order = np.argsort(lengths, kind="stable")
    rank = np.arange(1.0, len(order) + 1)  # in place of lengths, since one of 0 is no edge for SciPy
    kept = minimum_spanning_tree(coo_array((rank, (ends[order], others[order])), shape=shape).tocsr())
    chosen: _Numbers = order[kept.data.astype(np.int64) - 1]
    return chosen
