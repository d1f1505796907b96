"""People by average linkage, with what frames tell: two faces in one are two people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from castgraph.base.tables import NOISE
from castgraph.clustering.attach import ATTACH, MARGIN, SquaresTo, Sums, attach, by_rows
from castgraph.clustering.components import components
from castgraph.clustering.dbscan import chosen_kernel, dbscan, require_mb, validated
from castgraph.clustering.labels import by_first_row
from castgraph.clustering.merging import Merging
from castgraph.clustering.projection import MOST_COORDINATES, Points

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]


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
    kernel: str | None = None,
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
    kernel
        One of `castgraph.clustering.kernels`; None takes the best. The labels do not depend on it.
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
    groups = _Groups(points, frames, founding, must_link, rules, threads, chosen_kernel(kernel))
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
    # Where every face is a group: its mean, its place in coordinates that rule out, and what is known of it.
    return 350 + n * (d * (itemsize + 8) + 4 * 5 * (min(d, MOST_COORDINATES) + 3) + 250) / 1e6


def _require_memory(points: Points, max_memory_mb: float | None) -> None:
    n, d = points.shape
    needed = predicted_memory_mb(n, d, points.itemsize)
    require_mb(f"linkage of {n} points of {d} dimensions", needed, max_memory_mb)


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
        kernel: str,
    ) -> None:
        self.points, self.frames, self.founding, self.rules = points, frames, founding, rules
        self.threads, self.kernel = threads, kernel
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
            kernel=self.kernel,
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
        merged = self._merged(self.start, eps)
        labels = _at_least(merged, min_samples)
        if len(np.unique(labels[labels != NOISE])) >= max(self.rules.cohort, self.rules.others + 1):
            scale = self._scales(labels)
            labels = _at_least(self._merged(self.start, eps, scale=scale), min_samples)
        labels = self._merged(labels, self.rules.mend, is_mending=True)
        return attach(
            self.points,
            labels,
            frames=self.frames,
            within=self.rules.attach,
            margin=self.rules.margin,
            threads=self.threads,
        )

    def _merged(self, labels: NDArray[np.int32], eps: float, **how: Any) -> NDArray[np.int32]:
        return Merging(
            self.points,
            labels,
            self.frames,
            eps,
            self.rules.together,
            threads=self.threads,
            kernel=self.kernel,
            **how,
        ).merged()

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


def _at_least(labels: NDArray[np.int32], fewest: int) -> NDArray[np.int32]:
    """Keep the groups with so many faces."""
    known = labels != NOISE
    counts = np.bincount(labels[known], minlength=1)
    kept = labels.copy()
    kept[known] = np.where(counts[labels[known]] >= fewest, labels[known], NOISE)
    return kept
