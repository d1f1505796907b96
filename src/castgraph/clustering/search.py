"""Which points are compared with which, and in what order, until every pair of neighbours was consumed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.distances import squared_distances, squared_eps
from castgraph.clustering.layout import Layout, Leaves, cells_of, in_leaves, rectangle, sections_of, squares
from castgraph.clustering.projection import Points, Projection
from castgraph.clustering.scan import TILE, Options, Progress, scan
from castgraph.clustering.state import Level, State

_IN_CELLS = 0.05
"""Share of the work that is done inside cells, about."""


def search_all(points: Points, state: State, options: Options, within: Level | None = None) -> None:
    """Consume every pair of neighbours.

    Parameters
    ----------
    points
        Shape (n, d).
    state
        What is known. It is changed.
    options
        Threads, kernel and progress.
    within
        All there is to know at an eps larger than those of the state, which spares work: what is core here
        is core there, and in one component only with what it is in one component with there.
    """
    leaves = _search_cells(points, state, options, within)
    rest = replace(options, progress=_part(options.progress, _IN_CELLS, 1))
    scan(points, leaves, squares([(0, len(leaves.apart))], TILE), state, rest)


def _search_cells(points: Points, state: State, options: Options, within: Level | None) -> Leaves:
    """Consume the pairs inside cells of near points, which tells nearly all there is to know.

    What is given back are all points in an order in which the rest is found quickly.
    """
    projection = Projection.fit(points, state.eps[-1])
    projected = projection(points)
    if within is None:
        rows, levels = np.arange(len(points), dtype=np.int32), state.levels
    else:
        rows, levels = np.flatnonzero(within.core).astype(np.int32), [*state.levels, within]
        # Who is not core there has few neighbours, and they are all known.
        squared = squared_distances(points, *within.pairs.T)
        finest = np.searchsorted(squared_eps(points, state.eps), squared).astype(np.uint8)
        near = finest < len(state.eps)
        state.consume(within.pairs[near], finest[near])
    cells = cells_of(projected[rows])
    layout = in_leaves(projected, rows, cells, cells)
    bounds = np.flatnonzero(np.diff(layout.sections, prepend=-1, append=-2)).tolist()
    tiles = squares(list(pairwise(bounds)), TILE)
    first = replace(options, progress=_part(options.progress, 0, _IN_CELLS))
    scan(points, Leaves.of(layout, projected, projection.scale), tiles, state, first)
    layout = in_leaves(projected, rows, sections_of(levels, rows), cells)
    return Leaves.of(layout, projected, projection.scale, None if within is None else _apart(layout, within))


def search_new(points: Points, state: State, new: NDArray[np.bool_], options: Options) -> None:
    """Consume the pairs of neighbours of which at least one is new.

    Parameters
    ----------
    points
        Shape (n, d).
    state
        All there is to know of the other points. It is changed.
    new
        Shape (n,).
    options
        Threads, kernel and progress.
    """
    projection = Projection.fit(points, state.eps[-1])
    projected = projection(points)
    old_rows, new_rows = (np.flatnonzero(chosen).astype(np.int32) for chosen in (~new, new))
    old = in_leaves(projected, old_rows, sections_of(state.levels, old_rows), np.zeros_like(old_rows))
    fresh = in_leaves(projected, new_rows, np.zeros_like(new_rows), cells_of(projected[new_rows]))
    both = Layout(
        np.concatenate([fresh.order, old.order]),
        np.concatenate([fresh.starts, fresh.starts[-1] + old.starts[1:]]),
        np.concatenate([fresh.sections, 1 + old.sections]),
    )
    tiles = [
        squares([(0, fresh.n_leaves)], TILE),
        rectangle((0, fresh.n_leaves), (fresh.n_leaves, both.n_leaves), TILE),
    ]
    scan(points, Leaves.of(both, projected, projection.scale), np.concatenate(tiles), state, options)


def _apart(layout: Layout, within: Level) -> NDArray[np.int32]:
    """Tell of each leaf the component that all of its points are in, -1 where there are several."""
    roots = within.root[layout.order]
    least, largest = (np.minimum.reduceat(s * roots, layout.starts[:-1]) * s for s in (1, -1))
    return np.where(least == largest, least, -1).astype(np.int32)


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Make the progress of a part that of the whole."""
    return progress and (lambda share: progress(begin + share * (end - begin)))
