"""Average linkage: merging the nearest groups, round after round, until none are near enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import NOISE
from castgraph.clustering import fallback, native
from castgraph.clustering.attach import Sums, distinct
from castgraph.clustering.projection import Points, Projection, coordinates

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

_CHUNK = 32_768  # groups that are described at a time
_SAMPLE = 4_096
# What a pair costs that few coordinates do not rule out, in coordinates of a pair.
_CANDIDATE = 700
_EPS32 = float(np.finfo(np.float32).eps)


class Merging:
    """Groups of faces that are merged.

    The squared distance of two groups is that of their means and, on top, what each brings along (`extra`);
    all of it is multiplied by what each brings along (`scale`).

    Parameters
    ----------
    points
        Shape (n, d).
    labels
        Shape (n,), int32: the group of each point at the beginning, -1 for none.
    frames
        Shape (n,): the frame of each, numbered from 0.
    eps
        Groups at most so far apart are merged.
    together
        Groups that are both seen in more than this share of the frames of the one with fewer are not.
    scale
        Shape (n,): by what the distances of each point are multiplied; those of a group by the mean.
    is_mending
        Whether distances are those of means, less what these owe to chance.
    threads, kernel
        How to compute, which changes nothing.

    Notes
    -----
    All pairs of groups that are each other's nearest are merged in one round. What a merged group was made
    of lies about it, so it is within eps of another only where one of its parts is, and a group with no
    other within eps need never be looked at again. That holds with `scale`, too: where both parts are
    further than that, d² > L / s of each, with s times the other's, and the mean of d² times the mean of s is
    at least L times the mean of 1 / s times the mean of s, which is at least L. It does not hold in mending.
    """

    def __init__(
        self,
        points: Points,
        labels: NDArray[np.int32],
        frames: Integers,
        eps: float,
        together: float,
        *,
        scale: Numbers | None = None,
        is_mending: bool = False,
        threads: int,
        kernel: str,
    ) -> None:
        self.labels, self.limit, self.together, self.is_mending = labels, eps * eps, together, is_mending
        self.threads, self.kernel = threads, kernel
        known = Sums.of(points, labels)
        self.numbers, self.counts, self.squares = known.numbers, known.counts, known.squares
        self.means = known.sums
        self.means /= self.counts[:, None]  # in place, as nothing else is as large
        n = len(self.numbers)
        self.into = np.arange(n)  # where a group went
        self.open = np.ones(n, dtype=bool)  # neither merged into another nor known to be near none
        self.nearest = np.full(n, -1, dtype=np.int32)
        self.least = np.full(n, np.inf)  # squared distance of the nearest
        has = labels != NOISE
        group = np.searchsorted(self.numbers, labels[has])
        self.n_frames = int(frames.max(initial=0)) + 1
        self._place(group * self.n_frames + frames[has])
        self.scaled = None if scale is None else np.bincount(group, scale[has], n)
        if n:
            sample = np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)
            self.projection = Projection.fit(self.means[sample], eps)
            finer = self.projection(self.means[sample])
            self.n_few = coordinates(finer, eps * self.projection.scale, finer.shape[1], candidate=_CANDIDATE)
            self.extra, self.scale = np.empty(n), np.empty(n)
            self.finer = np.empty((n, finer.shape[1] + 1), np.float32)
            self.rows = np.empty((n, self.n_few + 3), np.float32)
            self.columns = np.empty_like(self.rows)
            self.largest = self.largest_finer = 0.0  # squares of rows
            self._describe(np.arange(n))

    def _place(self, places: Integers) -> None:
        """Keep the frames in which each group is seen; group and frame are one number."""
        self.places = distinct(places)
        self.begins = np.searchsorted(self.places, np.arange(len(self.numbers) + 1) * self.n_frames)

    def _describe(self, chosen: Integers) -> None:
        """Work out of what distances are made, anew for the chosen groups.

        A squared distance is |c - d|² + extra of both. With some coordinates p of the means, and the length t
        of what these leave out, |p - q|² + (t - u)² is at most |c - d|², and the product of the vectors
        (p, t, -h, 1) and (q, u, 1, -k), with h = (|c|² + extra) / 2, is minus half of a lower bound. It is
        computed with few coordinates, and the sum with more of them for pairs that these do not rule out.
        """
        if len(chosen) > _CHUNK:
            for start in range(0, len(chosen), _CHUNK):
                self._describe(chosen[start : start + _CHUNK])
            return
        means = self.means[chosen]
        lengths = np.einsum("ij,ij->i", means, means)
        spread = np.maximum(self.squares[chosen] / self.counts[chosen] - lengths, 0)
        extra = spread
        if self.is_mending:  # of two samples of one person the means are that far apart by chance
            extra = -spread / np.maximum(self.counts[chosen] - 1, 1)
        scale = np.ones(len(chosen)) if self.scaled is None else self.scaled[chosen] / self.counts[chosen]
        self.extra[chosen], self.scale[chosen] = extra, scale
        whole = (means - self.projection.centre) * self.projection.scale
        placed = whole @ self.projection.axes
        lengths = np.einsum("ij,ij->i", whole, whole)
        half = (lengths + extra * self.projection.scale**2)[:, None] / 2
        one = np.ones((len(chosen), 1))
        few = _with_rest(placed[:, : self.n_few], lengths)
        rows = np.concatenate([few, -half, one], axis=1) * scale[:, None]
        self.rows[chosen] = rows
        self.columns[chosen] = np.concatenate([few, one, -half], axis=1) * scale[:, None]
        self.finer[chosen] = _with_rest(placed, lengths)
        self.largest = max(self.largest, float(np.einsum("ij,ij->i", rows, rows).max()))
        self.largest_finer = max(self.largest_finer, float(lengths.max()))

    def merged(self) -> NDArray[np.int32]:
        """Merge, and give the group of each face."""
        stale = np.arange(len(self.numbers))
        while len(stale):
            self._find(stale)
            a = np.flatnonzero(self.nearest >= 0)
            b = self.nearest[a]
            mutual = (self.nearest[b] == a) & (a < b)
            stale = self._merge(a[mutual], b[mutual])
        result = self.labels.copy()
        known = result != NOISE
        result[known] = self.numbers[self.into[np.searchsorted(self.numbers, result[known])]]
        return result

    def _merge(self, a: Integers, b: NDArray[np.int32]) -> Integers:
        """Merge pairs of groups into the first of each; give the groups whose nearest is to be found anew."""
        if not len(a):
            return a
        sums = self.means[a] * self.counts[a, None] + self.means[b] * self.counts[b, None]
        self.counts[a] += self.counts[b]
        self.means[a] = sums / self.counts[a, None]
        self.squares[a] += self.squares[b]
        if self.scaled is not None:
            self.scaled[a] += self.scaled[b]
        self.open[b] = False
        moved = np.arange(len(self.into))
        moved[b] = a
        self.into = moved[self.into]
        group, frame = np.divmod(self.places, self.n_frames)
        group = moved[group]
        kept = self.open[group]
        self._place(group[kept] * self.n_frames + frame[kept])
        self._describe(a)
        self.nearest[b] = -1
        gone = np.zeros(len(self.into), dtype=bool)
        gone[a] = gone[b] = True
        lost = self.open & (self.nearest >= 0)
        lost[lost] = gone[self.nearest[lost]]
        lost[a] = True
        return np.flatnonzero(lost)

    def _find(self, stale: Integers) -> None:
        """Find the nearest of groups, and whether they are the nearest of others."""
        self.nearest[stale], self.least[stale] = -1, np.inf
        rest = self.open.copy()
        rest[stale] = False
        order = np.concatenate([stale, np.flatnonzero(rest)]).astype(np.int32)
        # The largest errors of a product and of a distance, and of the vectors these are made of.
        slack, finer_slack = (
            4 * (vectors.shape[1] + 8) * _EPS32 * largest + 1e-9
            for vectors, largest in ((self.rows, self.largest), (self.finer, self.largest_finer))
        )
        near = np.zeros(len(self.numbers), dtype=np.uint8)
        search = fallback.nearest if self.kernel == fallback.NAME else native.kernel.nearest
        search(
            self.rows, self.columns, slack, self.finer, finer_slack, self.projection.scale**2,
            self.means, self.extra, self.scale,
            (self.places % self.n_frames).astype(np.int32), self.begins, self.limit, self.together,
            order, len(stale), self.least, self.nearest, near, self.threads, self.kernel,
        )  # fmt: skip
        if not self.is_mending:
            self.open[stale] = near[stale] > 0


def _with_rest(coordinates: Numbers, lengths: Numbers) -> Numbers:
    """Add the length of what some coordinates leave out, given the squared lengths of all."""
    rest = np.sqrt(np.maximum(lengths - np.einsum("ij,ij->i", coordinates, coordinates), 0))
    return np.concatenate([coordinates, rest[:, None]], axis=1)
