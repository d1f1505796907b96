"""People by average linkage, with what frames tell: two faces in one are two people."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from castgraph.base.tables import NOISE
from castgraph.clustering.attach import ATTACH, MARGIN, SquaresTo, Sums, among, attach, by_rows, distinct
from castgraph.clustering.components import components
from castgraph.clustering.dbscan import dbscan, require_mb, validated
from castgraph.clustering.labels import by_first_row
from castgraph.clustering.projection import Points, Projection

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

_ROWS, _COLUMNS = 256, 4096  # of a product, which then fits into a core's cache
_CANDIDATES = 200_000  # pairs that are measured at a time
_CHUNK = 32_768  # faces or groups that are in memory in float64
_SAMPLE = 16_384
_EPS32 = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True)
class Rules:
    """What `linkage` goes by besides its distance; the defaults were measured on faces of television.

    Attributes
    ----------
    start_eps, start_samples
        Faces that `castgraph.clustering.dbscan` groups by these are one person from the beginning.
    mend
        Two people are one where the squared distance of their means, less what it owes to chance, is at most
        this squared.
    attach, margin
        A face that is left joins the person whose mean is nearest, where it is at most `attach` away and
        that of any other person at least `margin` further.
    together
        Two groups that are both seen in more than this share of the frames of the smaller one are two people.
        It is a share because mirrors and screens in the studio show a person twice.
    cohort
        From so many people on, distances are normalised by how near others lie.
    others
        How many of the others tell how near they lie.
    """

    start_eps: float = 0.34
    start_samples: int = 3
    mend: float = 0.28
    attach: float = ATTACH
    margin: float = MARGIN
    together: float = 0.05
    cohort: int = 30
    others: int = 5

    def scaled(self, by: float) -> Rules:
        """Give the same rules for points that are `by` times as far apart."""
        distances = {name: by * getattr(self, name) for name in ("start_eps", "mend", "attach", "margin")}
        return replace(self, **distances)


RULES = Rules()


def linkage(
    X: ArrayLike,
    eps: float,
    min_samples: int,
    *,
    frames: NDArray[np.integer[Any]] | None = None,
    must_link: NDArray[np.integer[Any]] | None = None,
    founding: NDArray[np.bool_] | None = None,
    rules: Rules = RULES,
    threads: int = 1,
    max_memory_mb: float | None = None,
) -> NDArray[np.int32]:
    """Label points by constrained average linkage.

    1. What `castgraph.clustering.dbscan` finds at a small eps, and what must be linked, are groups; every
       other face is a group of its own.
    2. The nearest groups are merged while they are at most `eps` apart: the root of the mean squared
       distance between a face of one and a face of the other (average linkage). Groups with fewer faces than
       `min_samples` are given up.
    3. With many people, the distance of two groups is divided by how near others lie to either, and step 2 is
       done anew: who resembles many is not merged at a distance at which others are.
    4. People who were split, as by lighting, are merged where their means are as one.
    5. A face that is left joins the person whose mean is clearly the nearest, unless that person is in its
       frame already.

    After the first no step merges two groups that are often seen in the same frames.

    Parameters
    ----------
    X
        Points as for `castgraph.clustering.dbscan`; faces are (n, 128).
    eps
        How far apart groups may be that are merged.
    min_samples
        The fewest faces that make a person.
    frames
        Shape (n,): the frame of each face, in any numbers; None where frames say nothing.
    must_link
        Shape (n_pairs, 2): rows of faces that are one person, such as
        `castgraph.clustering.constraints.constraints` finds.
    founding
        Shape (n,): the faces that can make a person; the others can only join in step 5. None for all.
    rules
        Everything else.
    threads
        How many threads to use; the labels do not depend on it.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.

    Returns
    -------
    ndarray of shape (n,), int32
        The person of each face, numbered by the first row of each; -1 is noise.

    Raises
    ------
    ValueError
        As `castgraph.clustering.dbscan` raises it, when a setting is not a number that it can be, and when
        `frames`, `must_link` or `founding` do not fit the points.
    MemoryError
        When more than `max_memory_mb` would be needed.

    Notes
    -----
    Groups are merged in rounds, in each of which all groups that are nearest to each other are. For average
    linkage this gives the groups of any other order (it is *reducible*: what is merged comes no nearer to
    others). No matrix of distances is needed, as the mean squared distance of two groups is that of their
    means and the spread of each around its mean. Memory grows with n, time with the square of the number of
    groups of step 1.

    Where each face is a group at the beginning (``start_samples`` above n) and frames say nothing, step 2
    gives the groups of ``scipy.cluster.hierarchy.linkage`` by "average" on squared distances, cut at `eps`².

    References
    ----------
    R. R. Sokal and C. D. Michener, "A statistical method for evaluating systematic relationships",
    University of Kansas Science Bulletin 38, 1958 (average linkage). F. Murtagh, "A survey of recent advances
    in hierarchical clustering algorithms", The Computer Journal 26, 1983 (reciprocal nearest neighbours).
    R. G. Cinbis, J. Verbeek and C. Schmid, "Unsupervised metric learning for face identification in TV
    video", ICCV 2011; M. Tapaswi, M. T. Law and S. Fidler, "Video face clustering with unknown number of
    clusters", ICCV 2019 (who is seen in one frame is not one person).

    Examples
    --------
    >>> X = [[0.0], [0.1], [0.2], [1.0], [1.1], [1.2], [1.6]]
    >>> linkage(X, 0.5, 3)
    array([0, 0, 0, 1, 1, 1, 1], dtype=int32)
    >>> linkage(X, 0.5, 3, frames=np.array([1, 2, 3, 4, 5, 6, 6]))
    array([ 0,  0,  0,  1,  1,  1, -1], dtype=int32)
    """
    points = validated(X, [eps], min_samples)
    frames, founding, must_link = _checked(points, frames, founding, must_link, rules)
    _require_memory(points, max_memory_mb)
    groups = _Groups(points, frames, founding, must_link, rules, threads)
    labels = groups.people(eps, min_samples)
    return by_first_row(labels)


def _checked(
    points: Points,
    frames: NDArray[np.integer[Any]] | None,
    founding: NDArray[np.bool_] | None,
    must_link: NDArray[np.integer[Any]] | None,
    rules: Rules,
) -> tuple[Integers, NDArray[np.bool_], Integers]:
    """Check what is told of the points, and give all of it."""
    n = len(points)
    for name in ("start_eps", "mend", "attach"):
        value = getattr(rules, name)
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; it must be a number above 0")
    for name in ("margin", "together"):
        value = getattr(rules, name)
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value}; it must be a number of at least 0")
    if frames is None:  # each face has a frame of its own
        frames = np.arange(n)
    if founding is None:
        founding = np.ones(n, dtype=bool)
    for name, given in (("frames", frames), ("founding", founding)):
        if np.shape(given) != (n,):
            raise ValueError(
                f"{name} has shape {np.shape(given)}; it must be ({n},), as there are {n} points"
            )
    pairs = np.empty((0, 2), np.int64) if must_link is None else np.asarray(must_link, dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"must_link has shape {pairs.shape}; it must be (pairs, 2)")
    if pairs.size and not (pairs.min() >= 0 and pairs.max() < n):
        raise ValueError(f"must_link has rows from {pairs.min()} to {pairs.max()}; there are {n} points")
    # Small numbers, so that a frame and a group fit into one.
    numbered = np.unique(frames, return_inverse=True)[1].astype(np.int64)
    return numbered, np.asarray(founding, dtype=bool), pairs


def predicted_memory_mb(n: int, d: int, itemsize: int = 4) -> float:
    """Tell how much memory `linkage` needs at most, in MB, the points and the interpreter included."""
    # Where every face is a group: its mean, its place in few coordinates twice, and what is known of it.
    return 350 + n * (d * (itemsize + 8) + 2 * 4 * 70 + 250) / 1e6


def _require_memory(points: Points, max_memory_mb: float | None) -> None:
    n, d = points.shape
    needed = predicted_memory_mb(n, d, points.itemsize)
    require_mb(f"linkage of {n} points of {d} dimensions", needed, max_memory_mb)


class _Pairs(NamedTuple):
    """Pairs of groups and their squared distances."""

    a: Integers
    b: Integers
    squares: Numbers


class _Groups:
    """The faces, and their groups at the beginning; a group has the number of its first face."""

    def __init__(
        self,
        points: Points,
        frames: Integers,
        founding: NDArray[np.bool_],
        must_link: Integers,
        rules: Rules,
        threads: int,
    ) -> None:
        self.points, self.frames, self.founding, self.rules = points, frames, founding, rules
        self.threads = threads
        self.start = self._start(must_link)

    def _start(self, must_link: Integers) -> NDArray[np.int32]:
        """Tell the group of each founding face at the beginning, by its first face; -1 for the others."""
        rows = np.flatnonzero(self.founding)
        start = np.full(len(self.points), NOISE, dtype=np.int32)
        if not len(rows):
            return start
        found = dbscan(
            self.points if self.founding.all() else self.points[rows],
            self.rules.start_eps,
            self.rules.start_samples,
            threads=self.threads,
        )
        together = rows[found != NOISE]
        first = np.unique(found[found != NOISE], return_index=True)[1]
        links = [np.stack([together, together[first[found[found != NOISE]]]], axis=1)]
        if len(must_link):
            links.append(must_link[self.founding[must_link].all(axis=1)])
        component = components(len(start), np.concatenate(links))[rows]
        _, first, place = np.unique(component, return_index=True, return_inverse=True)
        start[rows] = rows[first[place]]
        return start

    def people(self, eps: float, min_samples: int) -> NDArray[np.int32]:
        """Give the person of each face, in any numbers."""
        merged = _Merging(self, self.start, eps).merged()
        labels = _at_least(merged, min_samples)
        if len(np.unique(labels[labels != NOISE])) >= max(self.rules.cohort, self.rules.others + 1):
            scale = self._scales(labels)
            labels = _at_least(_Merging(self, self.start, eps, scale=scale).merged(), min_samples)
        labels = _Merging(self, labels, self.rules.mend, is_mending=True).merged()
        return attach(
            self.points,
            labels,
            frames=self.frames,
            within=self.rules.attach,
            margin=self.rules.margin,
            threads=self.threads,
        )

    def _scales(self, labels: NDArray[np.int32]) -> Numbers:
        """Tell for each face by what its distances are multiplied: above 1 where others lie near.

        It is the inverse of the mean distance to the means of the nearest other people, 1 for an average one.
        """
        known = Sums.of(self.points, labels)
        means = known.means
        person = np.searchsorted(known.numbers, labels)
        n_others = self.rules.others

        to_means = SquaresTo(means, np.float32)

        def mean_distance(rows: Integers) -> Numbers:
            squares, lengths = to_means(self.points[rows] - known.centre)
            own = labels[rows] != NOISE
            squares[own.nonzero()[0], person[rows[own]]] = np.inf
            squares.partition(n_others - 1, axis=1)
            nearest = squares[:, :n_others] + lengths[:, None]
            return np.asarray(np.sqrt(np.maximum(nearest, 0)).mean(axis=1))

        rows = np.flatnonzero(self.founding)
        reach = np.ones(len(labels))
        reach[rows] = np.concatenate(by_rows(mean_distance, rows, len(means), self.threads))
        return np.asarray(reach[rows].mean() / np.maximum(reach, 1e-12))


def _spans(bounds: Integers, most: int) -> Iterator[tuple[int, int]]:
    """Split lists, given where each begins, into spans of at most `most` entries, or of one list."""
    begin, n_lists = 0, len(bounds) - 1
    while begin < n_lists:
        end = int(np.searchsorted(bounds, bounds[begin] + most, side="right")) - 1
        end = max(end, begin + 1)
        yield begin, end
        begin = end


def _at_least(labels: NDArray[np.int32], fewest: int) -> NDArray[np.int32]:
    """Keep the groups with so many faces."""
    known = labels != NOISE
    counts = np.bincount(labels[known], minlength=1)
    kept = labels.copy()
    kept[known] = np.where(counts[labels[known]] >= fewest, labels[known], NOISE)
    return kept


class _Merging:
    """Merging the nearest groups until none are near enough.

    The squared distance of two groups is that of their means and, on top, what each brings along (`extra`);
    all of it is multiplied by what each brings along (`scale`).
    """

    def __init__(
        self,
        groups: _Groups,
        labels: NDArray[np.int32],
        eps: float,
        *,
        scale: Numbers | None = None,
        is_mending: bool = False,
    ) -> None:
        self.groups, self.labels, self.limit, self.is_mending = groups, labels, eps * eps, is_mending
        self.numbers, self.sums, self.counts, self.squares, _ = Sums.of(groups.points, labels)
        n = len(self.numbers)
        self.into = np.arange(n)  # where a group went
        self.open = np.ones(n, dtype=bool)  # neither merged into another nor known to be near none
        self.nearest = np.full(n, -1)
        self.least = np.full(n, np.inf)  # squared distance of the nearest
        known = labels != NOISE
        group = np.searchsorted(self.numbers, labels[known])
        self.n_frames = int(groups.frames.max(initial=0)) + 1
        self._place(distinct(group * self.n_frames + groups.frames[known]))
        self.scaled = None if scale is None else np.bincount(group, scale[known], n)
        self.is_reducible = not is_mending and scale is None
        if n:
            sample = np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)
            self.projection = Projection.fit(self._means(sample), eps)
            self.extra, self.scale = np.empty(n), np.empty(n)
            self.rows = np.empty((n, self.projection.axes.shape[1] + 3), np.float32)
            self.columns = np.empty_like(self.rows)
            self._describe(np.arange(n))

    def _place(self, places: Integers) -> None:
        """Keep the frames in which each group is seen."""
        self.places = places  # group and frame in one number, ascending
        self.begins = np.searchsorted(places, np.arange(len(self.numbers) + 1) * self.n_frames)

    def _means(self, chosen: Integers) -> Numbers:
        return np.asarray(self.sums[chosen] / self.counts[chosen, None])

    def _describe(self, chosen: Integers) -> None:
        """Work out of what distances are made, anew for the chosen groups.

        A squared distance is |c - d|² + extra of both. With few coordinates p of the means, and the length t
        of what these leave out, |p - q|² + (t - u)² is at most |c - d|², and the product of the vectors
        (p, t, -h, 1) and (q, u, 1, -k), with h = (|c|² + extra) / 2, is minus half of a lower bound.
        """
        if len(chosen) > _CHUNK:
            for start in range(0, len(chosen), _CHUNK):
                self._describe(chosen[start : start + _CHUNK])
            return
        means = self._means(chosen)
        lengths = np.einsum("ij,ij->i", means, means)
        spread = np.maximum(self.squares[chosen] / self.counts[chosen] - lengths, 0)
        extra = spread
        if self.is_mending:  # of two samples of one person the means are that far apart by chance
            extra = -spread / np.maximum(self.counts[chosen] - 1, 1)
        scale = np.ones(len(chosen)) if self.scaled is None else self.scaled[chosen] / self.counts[chosen]
        whole = means - self.projection.centre
        few = whole @ self.projection.axes
        lengths = np.einsum("ij,ij->i", whole, whole)
        rest = np.sqrt(np.maximum(lengths - np.einsum("ij,ij->i", few, few), 0))
        half = (lengths + extra) / 2
        self.extra[chosen], self.scale[chosen] = extra, scale
        one = np.ones((len(chosen), 1))
        both = np.concatenate([few, rest[:, None]], axis=1)
        self.rows[chosen] = np.concatenate([both, -half[:, None], one], axis=1) * scale[:, None]
        self.columns[chosen] = np.concatenate([both, one, -half[:, None]], axis=1) * scale[:, None]

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

    def _merge(self, a: Integers, b: Integers) -> Integers:
        """Merge pairs of groups into the first of each; give the groups whose nearest is to be found anew."""
        if not len(a):
            return a
        self.sums[a] += self.sums[b]
        self.counts[a] += self.counts[b]
        self.squares[a] += self.squares[b]
        if self.scaled is not None:
            self.scaled[a] += self.scaled[b]
        self.open[b] = False
        moved = np.arange(len(self.into))
        moved[b] = a
        self.into = moved[self.into]
        group, frame = np.divmod(self.places, self.n_frames)
        self._place(distinct(moved[group] * self.n_frames + frame))
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
        columns = np.flatnonzero(self.open)
        # Where all are to be found each pair is looked at once, and tells of both.
        is_whole = len(stale) == len(columns)
        matrix = self.columns[columns].T.copy()
        # The largest error of a product, and of the vectors it is made of.
        size = float(np.sqrt(np.square(self.rows[columns]).sum(axis=1).max(initial=0)))
        slack = 4 * (matrix.shape[0] + 8) * _EPS32 * size * size + 1e-9
        is_found = np.zeros(len(self.numbers), dtype=bool)  # elsewhere: these are rows themselves
        is_found[stale] = not is_whole
        is_alone = np.zeros(len(self.numbers), dtype=bool)
        is_alone[stale] = True
        lock = Lock()

        def look(begin: int) -> None:
            rows = stale[begin : begin + _ROWS]
            vectors = self.rows[rows]
            for start in range(begin if is_whole else 0, len(columns), _COLUMNS):
                others = columns[start : start + _COLUMNS]
                products = vectors @ matrix[:, start : start + _COLUMNS]
                if is_whole:
                    products[others <= rows[:, None]] = -np.inf
                else:
                    products[others == rows[:, None]] = -np.inf
                # Whoever is further than the nearest so far is of no use to either.
                bound = np.minimum(self.least[rows], self.limit)
                limits = np.where(is_found[others], -np.inf, np.minimum(self.least[others], self.limit))
                is_hit = products >= (-bound[:, None] / 2 - slack).astype(np.float32)
                is_hit |= products >= (-limits / 2 - slack).astype(np.float32)
                hits = np.flatnonzero(is_hit)
                for first in range(0, len(hits), _CANDIDATES):
                    row, column = np.divmod(hits[first : first + _CANDIDATES], len(others))
                    a, b = rows[row], others[column]
                    squares = self._squared(a, b)
                    near = squares <= self.limit
                    a, b, squares = a[near], b[near], squares[near]
                    allowed = self._may(a, b)
                    pairs = _Pairs(a[allowed], b[allowed], squares[allowed])
                    with lock:
                        is_alone[a] = is_alone[b] = False
                        self._take(pairs)
                        self._take(_Pairs(pairs.b, pairs.a, pairs.squares))

        with ThreadPoolExecutor(self.groups.threads) as pool:
            list(pool.map(look, range(0, len(stale), _ROWS)))
        if self.is_reducible:
            self.open[is_alone] = False

    def _take(self, pairs: _Pairs) -> None:
        """Take the nearest of each group among pairs that may be merged."""
        order = np.lexsort((pairs.b, pairs.squares, pairs.a))
        order = order[np.diff(pairs.a[order], prepend=-1) != 0]
        a, b, squares = (column[order] for column in pairs)
        # Of two that are equally near the first counts, whoever was found first.
        nearer = (squares < self.least[a]) | ((squares == self.least[a]) & (b < self.nearest[a]))
        self.nearest[a[nearer]], self.least[a[nearer]] = b[nearer], squares[nearer]

    def _squared(self, a: Integers, b: Integers) -> Numbers:
        """Measure the squared distances of pairs of groups; whoever comes first, the result is the same."""
        a, b = np.minimum(a, b), np.maximum(a, b)
        squares = np.empty(len(a))
        for start in range(0, len(a), 4096):
            part = slice(start, start + 4096)
            gaps = self._means(a[part]) - self._means(b[part])
            squares[part] = np.einsum("ij,ij->i", gaps, gaps)
        return np.asarray((squares + self.extra[a] + self.extra[b]) * self.scale[a] * self.scale[b])

    def _may(self, a: Integers, b: Integers) -> NDArray[np.bool_]:
        """Tell which pairs of groups may be merged: they are hardly ever seen in one frame."""
        sizes = self.begins[np.stack([a, b]) + 1] - self.begins[np.stack([a, b])]
        swap = sizes[0] > sizes[1]
        small, large, counts = np.where(swap, b, a), np.where(swap, a, b), sizes.min(axis=0)
        shared = np.zeros(len(a), dtype=np.int64)
        for begin, end in _spans(np.append(0, counts.cumsum()), 8 * _CANDIDATES):
            pair = np.repeat(np.arange(begin, end), counts[begin:end])
            offset = np.arange(len(pair)) - np.repeat(
                np.cumsum(counts[begin:end]) - counts[begin:end], counts[begin:end]
            )
            frames = self.places[self.begins[small[pair]] + offset] % self.n_frames
            both = among(large[pair] * self.n_frames + frames, self.places)
            shared[begin:end] = np.bincount(pair[both] - begin, minlength=end - begin)
        return np.asarray(shared <= self.groups.rules.together * counts)
