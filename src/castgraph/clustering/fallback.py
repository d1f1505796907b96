"""The search for neighbours with NumPy, for where no native kernel was built; its labels are the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.distances import squared_distances, squared_eps
from castgraph.clustering.layout import LEAF, Leaves
from castgraph.clustering.projection import Points
from castgraph.clustering.state import Pairs, State

NAME = "numpy"

# Pairs that are found are taken in together: many, since each time costs as much as there are points, but not
# all, since what is known spares work.
_PAIRS_AT_ONCE = 4_096
_POINTS_A_PAIR = 16
_ROUNDING = float(np.finfo(np.float32).eps)


def scan(
    points: Points,
    leaves: Leaves,
    tiles: NDArray[np.int32],
    state: State,
    progress: Callable[[float], None] | None,
) -> None:
    """Find the pairs of neighbours in the tiles and consume them; see `castgraph.clustering.scan.scan`."""
    search = _Search(points, leaves, state)
    for done, tile in enumerate(tiles):
        search.tile(*tile)
        if progress:
            progress((done + 1) / len(tiles))
    search.consume()


class _Search:
    """What the tiles share.

    A pair x, y is within eps only if x·y >= |x|²/2 + |y|²/2 - eps²/2; the left side is a matrix product.
    Rounding is allowed for, so nothing within eps is dropped.

    Two leaves a, b with centres p, q hold no such pair if the gap between them along p - q is wider than eps:
    min over x in a of x·(p - q), less max over y in b of y·(p - q), > eps |p - q|. The same with one point in
    place of a leaf.
    """

    def __init__(self, points: Points, leaves: Leaves, state: State) -> None:
        self.points, self.apart, self.state = points, leaves.apart, state
        slots = leaves.slots
        n_leaves, _, k = slots.shape
        self.slots = slots.reshape(-1, k)
        sizes = np.diff(leaves.starts)
        self.filled = np.arange(LEAF) < sizes[:, None]
        self.rows = np.full(n_leaves * LEAF, -1, dtype=np.int32)
        self.rows[self.filled.ravel()] = leaves.order
        squares = np.einsum("ijk,ijk->ij", slots, slots)
        self.half = np.where(self.filled, squares / 2, np.inf).astype(np.float32).ravel()
        self.reach = np.sqrt(squares.max(axis=1))
        self.centres = slots.sum(axis=1) / sizes[:, None].astype(np.float32)
        self.own = np.where(self.filled, np.einsum("ijk,ik->ij", slots, self.centres), np.inf)
        self.squares = squared_eps(points, state.eps)
        self.radius = np.sqrt(self.squares) * leaves.scale
        self.slack = 4 * (k + 8) * _ROUNDING
        self.uniform = np.full(
            (len(self.squares), n_leaves), -1, dtype=np.int32
        )  # a core point of each, if so
        self.stale = np.ones(n_leaves, dtype=bool)
        self.waiting: list[Pairs] = []
        self.waiting_finest: list[NDArray[np.uint8]] = []
        self.n_waiting = 0
        self.at_once = max(_PAIRS_AT_ONCE, len(points) // _POINTS_A_PAIR)

    def tile(self, a_first: int, a_last: int, b_first: int, b_last: int) -> None:
        """Search the pairs of two ranges of leaves."""
        a, b = np.arange(a_first, a_last), np.arange(b_first, b_last)
        needed = self._needed(a, b)
        if a_first == b_first:
            needed[np.tril_indices(len(a), -1)] = -1
        if not (needed >= 0).any():
            return
        reach = np.maximum(self.reach[a][:, None], self.reach[b])
        slack = self.slack * reach * reach + 1e-37
        radius = self.radius[needed] * (1 + 1e-6) + 2 * _ROUNDING * reach
        keep = (needed >= 0) & ~self._gaps(a, b, radius, slack)
        least = (-(radius * radius) / 2 - slack).astype(np.float32)
        for i in np.flatnonzero(keep.any(axis=1)):
            if self.stale[a].any():  # something was consumed since
                keep &= self._needed(a, b) >= 0
            others = np.flatnonzero(keep[i])
            if not len(others):
                continue
            columns = (b[others][:, None] * LEAF + np.arange(LEAF)).ravel()
            products = self.slots[a[i] * LEAF : (a[i] + 1) * LEAF] @ self.slots[columns].T
            limits = self.half[columns] + np.repeat(least[i, others], LEAF)
            products -= limits
            hits = products >= self.half[a[i] * LEAF : (a[i] + 1) * LEAF, None]
            x, y = np.divmod(np.flatnonzero(hits), len(columns))
            x, y = x + a[i] * LEAF, columns[y]
            once = (x < y) | (a_first != b_first)
            self._candidates(self.rows[x[once]], self.rows[y[once]])

    def _needed(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each pair of leaves the place of the largest eps that may find something new; -1: none."""
        self._refresh(np.union1d(a, b))
        needed = np.full((len(a), len(b)), -1)
        for place, level in enumerate(self.state.levels):
            first, second = self.uniform[place, a][:, None], self.uniform[place, b]
            one = (first >= 0) & (second >= 0) & (level.root[first] == level.root[second])
            needed[~one] = place
        first, second = self.apart[a][:, None], self.apart[b]
        needed[(first >= 0) & (second >= 0) & (first != second)] = -1
        return needed

    def _refresh(self, leaves: NDArray[np.int64]) -> None:
        """Find out which leaves hold nothing but core points of one component."""
        leaves = leaves[self.stale[leaves]]
        self.stale[leaves] = False
        rows, filled = self.rows.reshape(-1, LEAF)[leaves], self.filled[leaves]
        for place, level in enumerate(self.state.levels):
            one = ~filled | ((level.core[rows] > 0) & (level.root[rows] == level.root[rows[:, :1]]))
            self.uniform[place, leaves] = np.where(one.all(axis=1), rows[:, 0], -1)

    def _gaps(
        self,
        a: NDArray[np.int64],
        b: NDArray[np.int64],
        radius: NDArray[np.float64],
        slack: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Tell which pairs of leaves have a gap wider than `radius` between them."""
        between = np.linalg.norm(self.centres[a][:, None] - self.centres[b], axis=2)
        gaps = self._lower(a, b) + self._lower(b, a).T
        wider: NDArray[np.bool_] = gaps > radius * between * (1 + 1e-5) + slack
        return wider

    def _lower(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float32]:
        """For leaves of a and b with centres p and q: the least x·(p - q) of the points x of a."""
        products = self.slots[a[0] * LEAF : (a[-1] + 1) * LEAF] @ self.centres[b].T
        along = self.own[a][:, :, None] - products.reshape(len(a), LEAF, len(b))
        lower: NDArray[np.float32] = along.min(axis=1)
        return lower

    def _candidates(self, x: NDArray[np.int32], y: NDArray[np.int32]) -> None:
        """Measure the pairs that could be neighbours and say something new."""
        while len(x):
            new = ~self.state.levels[0].knows(x, y)
            x, y = x[new], y[new]
            pairs = np.stack([x[: self.at_once], y[: self.at_once]], axis=1)
            x, y = x[self.at_once :], y[self.at_once :]
            finest = np.searchsorted(self.squares, squared_distances(self.points, *pairs.T))
            near = finest < len(self.squares)
            self.waiting.append(pairs[near])
            self.waiting_finest.append(finest[near].astype(np.uint8))
            self.n_waiting += int(near.sum())
            if self.n_waiting >= self.at_once:
                self.consume()

    def consume(self) -> None:
        """Take in the pairs that wait."""
        if not self.n_waiting:
            return
        pairs, finest = np.concatenate(self.waiting), np.concatenate(self.waiting_finest)
        self.waiting, self.waiting_finest, self.n_waiting = [], [], 0
        known = np.ones(len(pairs), dtype=bool)
        for place, level in enumerate(self.state.levels):
            known &= (finest > place) | level.knows(pairs[:, 0], pairs[:, 1])
        self.state.consume(pairs[~known], finest[~known])
        self.stale[:] = (self.uniform < 0).any(axis=0)
