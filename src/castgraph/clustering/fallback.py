"""What the native kernels do, with NumPy, for where none was built; the labels are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.attach import among
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

# Of average linkage.
_ROWS, _COLUMNS = 256, 4_096  # of a product, which then fits into a core's cache
_CANDIDATES = 200_000  # pairs that are measured at a time
# What rounding may do to a distance of groups, as a share of the limit: many times more than it does.
_DISTANCE_ROUNDING = 1e-9

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]


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


def nearest(
    rows: NDArray[np.float32],
    columns: NDArray[np.float32],
    slack: float,
    finer: NDArray[np.float32],
    finer_slack: float,
    unit: float,
    means: Numbers,
    extra: Numbers,
    scale: Numbers,
    frames: NDArray[np.int32],
    begins: Integers,
    limit: float,
    share: float,
    order: NDArray[np.int32],
    n_sought: int,
    least: Numbers,
    nearest: NDArray[np.int32],
    near: NDArray[np.uint8],
    threads: int,
    kernel: str,
) -> None:
    """Find the nearest of groups for average linkage; see `castgraph.clustering.merging.Merging`.

    Parameters
    ----------
    rows, columns
        Shape (n_groups, k): the product of a row and a column is at least minus half of the squared distance
        of two groups times `unit`, but for an error of at most `slack`.
    finer
        Shape (n_groups, k_finer): the squared distance of two rows is at most that of the means times `unit`,
        but for an error of at most `finer_slack`.
    means, extra, scale
        Shape (n_groups, d), (n_groups,), (n_groups,): of what distances are made.
    frames, begins
        The frames of group i, ascending, are those from ``begins[i]`` to ``begins[i + 1]``.
    limit
        The largest squared distance.
    share
        Two groups that are both seen in more than this share of the frames of the one with fewer are not
        each other's nearest.
    order
        Groups, each once. The first `n_sought` are compared with all that follow.
    least, nearest
        Shape (n_groups,): the squared distance of the nearest of each so far, and which it is, or -1. They
        are changed, of both groups of a pair. Of two that are equally near the first counts.
    near
        Shape (n_groups,): becomes 1 where another is within the limit, be it one that is not to be merged.
    threads
        How many to use; the results do not depend on it.
    """
    matrix = columns[order].T.copy()
    lock = Lock()
    rounding = _DISTANCE_ROUNDING * limit
    n_frames = int(frames.max(initial=0)) + 1
    places = np.repeat(np.arange(len(means)), np.diff(begins)) * n_frames + frames

    def look(begin: int) -> None:
        sought = order[begin : min(begin + _ROWS, n_sought)]
        for start in range(begin, len(order), _COLUMNS):
            others = order[start : start + _COLUMNS]
            products = rows[sought] @ matrix[:, start : start + _COLUMNS]
            # Whoever is further than the nearest so far is of no use to either.
            most = np.minimum(np.maximum(least[sought], least[others].max()), limit) + rounding
            hits = products >= (-most * unit / 2 - slack).astype(np.float32)[:, None]
            if start == begin:  # each pair once
                hits = np.triu(hits, 1)
            found = np.flatnonzero(hits)
            for first in range(0, len(found), _CANDIDATES):
                row, column = np.divmod(found[first : first + _CANDIDATES], len(others))
                pairs = np.stack([sought[row], others[column]])
                take(pairs.min(axis=0), pairs.max(axis=0))

    def take(a: NDArray[np.int32], b: NDArray[np.int32]) -> None:
        squares = (squared_distances(means, a, b) + extra[a] + extra[b]) * scale[a] * scale[b]
        close = squares <= limit + rounding
        a, b, squares = a[close], b[close], squares[close]
        near[a] = near[b] = 1
        useful = squares <= np.minimum(np.maximum(least[a], least[b]), limit)
        a, b, squares = a[useful], b[useful], squares[useful]
        allowed = _hardly_together(a, b, places, begins, n_frames, share)
        ends = np.concatenate([np.stack([a, b]), np.stack([b, a])], axis=1)[:, np.tile(allowed, 2)]
        squares = np.tile(squares[allowed], 2)
        first = np.lexsort((ends[1], squares, ends[0]))
        first = first[np.diff(ends[0][first], prepend=-1) != 0]
        (one, other), squares = ends[:, first], squares[first]
        with lock:
            # Of two that are equally near the first counts, whoever was found first.
            nearer = (squares < least[one]) | ((squares == least[one]) & (other < nearest[one]))
            nearest[one[nearer]], least[one[nearer]] = other[nearer], squares[nearer]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(look, range(0, n_sought, _ROWS)))


def _hardly_together(
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    places: Integers,
    begins: Integers,
    n_frames: int,
    share: float,
) -> NDArray[np.bool_]:
    """Tell which pairs of groups are hardly ever seen in one frame."""
    sizes = begins[np.stack([a, b]) + 1] - begins[np.stack([a, b])]
    swap = sizes[0] > sizes[1]
    small, large, counts = np.where(swap, b, a), np.where(swap, a, b), sizes.min(axis=0)
    shared = np.zeros(len(a), dtype=np.int64)
    for begin, end in _spans(np.append(0, counts.cumsum()), 8 * _CANDIDATES):
        pair = np.repeat(np.arange(begin, end), counts[begin:end])
        offset = np.arange(len(pair)) - np.repeat(
            np.cumsum(counts[begin:end]) - counts[begin:end], counts[begin:end]
        )
        frames = places[begins[small[pair]] + offset] % n_frames
        both = among(large[pair].astype(np.int64) * n_frames + frames, places)
        shared[begin:end] = np.bincount(pair[both] - begin, minlength=end - begin)
    return np.asarray(shared <= share * counts)


def _spans(bounds: Integers, most: int) -> Iterator[tuple[int, int]]:
    """Split lists, given where each begins, into spans of at most `most` entries, or of one list."""
    begin, n_lists = 0, len(bounds) - 1
    while begin < n_lists:
        end = int(np.searchsorted(bounds, bounds[begin] + most, side="right")) - 1
        end = max(end, begin + 1)
        yield begin, end
        begin = end
