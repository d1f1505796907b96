"""The order in which points are compared: near ones together, in leaves that can be ruled out as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.state import Level

LEAF = 64
"""Most points of a leaf: as many columns as the kernels compare at once."""

_BUCKET = 1_024  # points that are split into leaves together
_CELL = 1_000  # points of a cell, about
_FEW = 16  # coordinates that decide what is near
_MOST_CENTRES = 1_024  # more cells than that are found in two steps
_CHUNK = 8_192
_SAMPLE_A_CENTRE = 20
_ROUNDS = 8
# Smaller components share leaves: half-empty leaves cost as much as full ones.
_OWN_LEAVES = LEAF // 2


@dataclass(frozen=True)
class Layout:
    """Points in leaves.

    Attributes
    ----------
    order
        Shape (m,), int32: rows of the points, leaf by leaf.
    starts
        Shape (n_leaves + 1,), int32: where each leaf begins in `order`. No leaf is empty, none has more than
        `LEAF` points.
    sections
        Shape (n_leaves,), int32: of each leaf the section that its points are from, ascending.
    """

    order: NDArray[np.int32]
    starts: NDArray[np.int32]
    sections: NDArray[np.int32]

    @property
    def n_leaves(self) -> int:
        """How many leaves there are."""
        return len(self.sections)


@dataclass(frozen=True)
class Leaves:
    """What a search needs of a layout.

    Attributes
    ----------
    order
        Shape (m,), int32: see `Layout`.
    starts
        Shape (n_leaves + 1,), int32: see `Layout`.
    slots
        Shape (n_leaves, LEAF, k), float32: the points of each leaf in coordinates whose distances are lower
        bounds of the true ones, times `scale`; zero where a leaf is not full.
    scale
        Of the coordinates.
    apart
        Shape (n_leaves,), int32: leaves with different numbers of at least 0 are known to hold no neighbours.
    """

    order: NDArray[np.int32]
    starts: NDArray[np.int32]
    slots: NDArray[np.float32]
    scale: float
    apart: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        layout: Layout,
        projected: NDArray[np.float32],
        scale: float,
        apart: NDArray[np.int32] | None = None,
    ) -> Leaves:
        """Put the projected points of a layout, shape (n, k), together."""
        slots = np.zeros((layout.n_leaves * LEAF, projected.shape[1]), dtype=np.float32)
        padding = np.arange(layout.n_leaves, dtype=np.int64) * LEAF - layout.starts[:-1]
        at = np.arange(len(layout.order)) + np.repeat(padding, np.diff(layout.starts))
        slots[at] = projected[layout.order]
        if apart is None:
            apart = np.full(layout.n_leaves, -1, dtype=np.int32)
        return cls(layout.order, layout.starts, slots.reshape(-1, LEAF, projected.shape[1]), scale, apart)


def in_leaves(
    projected: NDArray[np.float32],
    rows: NDArray[np.int32],
    sections: NDArray[np.int32],
    cells: NDArray[np.int32],
) -> Layout:
    """Divide points into leaves of near ones.

    Parameters
    ----------
    projected
        Shape (n, k): all points.
    rows
        Shape (m,): the points to lay out.
    sections
        Shape (m,), at least 0: points of different sections share no leaf. Sections follow each other.
    cells
        Shape (m,): points of a section are taken cell by cell.
    """
    ordered = np.lexsort((rows, cells, sections))
    rows, sections = rows[ordered], sections[ordered]
    if not len(rows):
        return Layout(rows, np.zeros(1, dtype=np.int32), sections)
    first = np.flatnonzero(np.diff(sections, prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(first, np.diff(first, append=len(rows)))
    starts = np.flatnonzero(rank % _BUCKET == 0)
    rows, starts = _halved(projected, rows, starts)
    return Layout(rows, np.append(starts, len(rows)).astype(np.int32), sections[starts])


def _halved(
    projected: NDArray[np.float32], rows: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Halve groups along their widest coordinate, all at once, until each fits into a leaf.

    The lower part of a group is a multiple of `LEAF`, so that all leaves of it but one are full.
    """
    while True:
        sizes = np.diff(starts, append=len(rows))
        large = sizes > LEAF
        if not large.any():
            return rows, starts
        inside = np.repeat(large, sizes)
        group = np.repeat(np.arange(len(starts)), sizes)[inside]
        moved = rows[inside]
        begins = np.cumsum(sizes[large]) - sizes[large]
        widest = np.zeros(len(starts), dtype=np.int64)
        widest[large] = _widest(projected, moved, begins, sizes[large])
        values = projected[moved, widest[group]]
        rows = rows.copy()
        rows[inside] = moved[np.lexsort((values, group))]
        halves = starts[large] + (sizes[large] // 2 + LEAF - 1) // LEAF * LEAF
        starts = np.sort(np.concatenate([starts, halves]))


def _widest(
    projected: NDArray[np.float32],
    rows: NDArray[np.int32],
    begins: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Tell the coordinate with the largest variance of each group."""
    best = np.full(len(begins), -1.0)
    widest = np.zeros(len(begins), dtype=np.int64)
    for coordinate in range(min(projected.shape[1], _FEW)):
        values = projected[rows, coordinate].astype(np.float64)
        means = np.add.reduceat(values, begins) / sizes
        variances = np.add.reduceat(values * values, begins) / sizes - means * means
        wider = variances > best
        best[wider] = variances[wider]
        widest[wider] = coordinate
    return widest


def sections_of(levels: Sequence[Level], rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give every component that is large enough a section of its own, the largest first.

    A component at the largest eps is divided into its components at smaller ones, where these are large
    enough. All points that are in no such component make the last section.

    Parameters
    ----------
    levels
        What is known so far, from the smallest eps to the largest.
    rows
        Shape (m,).

    Returns
    -------
    ndarray of shape (m,), int32
    """
    section = np.zeros(len(rows), dtype=np.int64)
    alone = np.ones(len(rows), dtype=bool)
    for level in reversed(levels):
        n = len(level.root)
        root = level.root[rows].astype(np.int64)
        _, inside, counts = np.unique(section * n + root, return_inverse=True, return_counts=True)
        own = (counts[inside] >= _OWN_LEAVES) & level.core[rows].astype(bool)
        # The rest of each section stays together.
        section = np.unique(section * (n + 1) + np.where(own, root + 1, 0), return_inverse=True)[1]
        alone &= ~own
    sizes = np.bincount(section)
    rank = np.empty(len(sizes), dtype=np.int32)
    rank[np.lexsort((np.arange(len(sizes)), -sizes))] = np.arange(len(sizes))
    rank = rank[section]
    rank[alone] = len(sizes)
    return rank


def cells_of(projected: NDArray[np.float32]) -> NDArray[np.int32]:
    """Divide points into cells of about 1,000 near ones, with k-means.

    Parameters
    ----------
    projected
        Shape (m, k).

    Returns
    -------
    ndarray of shape (m,), int32

    References
    ----------
    S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.
    """
    few = np.ascontiguousarray(projected[:, :_FEW])
    n_cells = len(few) // _CELL
    if n_cells <= 1:
        return np.zeros(len(few), dtype=np.int32)
    if n_cells <= _MOST_CENTRES:
        return _nearest(few, _centres(few, n_cells))
    coarse = _nearest(few, _centres(few, int(np.sqrt(n_cells))))
    cells = np.empty(len(few), dtype=np.int32)
    n_before = 0
    by_cell = np.argsort(coarse, kind="stable")
    for members in np.split(by_cell, np.cumsum(np.bincount(coarse))[:-1]):
        if len(members):
            cells[members] = n_before + cells_of(few[members])
            n_before = int(cells[members].max()) + 1
    return cells


def _centres(points: NDArray[np.float32], n_centres: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    sample = points[
        np.sort(rng.choice(len(points), min(len(points), _SAMPLE_A_CENTRE * n_centres), replace=False))
    ]
    centres = sample[rng.choice(len(sample), n_centres, replace=False)]
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centres)
        members = np.argsort(nearest, kind="stable")
        counts = np.bincount(nearest, minlength=n_centres)
        filled = counts > 0
        begins = (np.cumsum(counts) - counts)[filled]
        centres[filled] = np.add.reduceat(sample[members], begins, axis=0) / counts[filled, None]
    return centres


def _nearest(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int32]:
    half = (centres * centres).sum(axis=1) / 2
    nearest = np.empty(len(points), dtype=np.int32)
    for start in range(0, len(points), _CHUNK):
        chunk = points[start : start + _CHUNK]
        nearest[start : start + _CHUNK] = np.argmin(half - chunk @ centres.T, axis=1)
    return nearest


def squares(ranges: Sequence[tuple[int, int]], side: int) -> NDArray[np.int32]:
    """Cover all pairs of leaves inside each range with tiles.

    Parameters
    ----------
    ranges
        First leaf and the one after the last.
    side
        Most leaves on a side of a tile.

    Returns
    -------
    ndarray of shape (n_tiles, 4), int32
        First leaf and the one after the last of both sides. Where both sides are the same, each pair counts
        once.
    """
    tiles = []
    for first, last in ranges:
        cuts = np.append(np.arange(first, last, side), last)
        a, b = np.triu_indices(len(cuts) - 1)
        tiles.append(np.stack([cuts[a], cuts[a + 1], cuts[b], cuts[b + 1]], axis=1))
    return np.concatenate(tiles).astype(np.int32) if tiles else np.empty((0, 4), dtype=np.int32)


def rectangle(first: tuple[int, int], second: tuple[int, int], side: int) -> NDArray[np.int32]:
    """Cover all pairs of a leaf of one range and a leaf of another, which do not overlap, with tiles."""
    a, b = (np.append(np.arange(low, high, side), high) for low, high in (first, second))
    i, j = (
        index.ravel() for index in np.meshgrid(np.arange(len(a) - 1), np.arange(len(b) - 1), indexing="ij")
    )
    return np.stack([a[i], a[i + 1], b[j], b[j + 1]], axis=1).astype(np.int32)
