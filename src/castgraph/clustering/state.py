"""What is known of a clustering while pairs of neighbours come in, in any order.

A pair of points within eps of each other is *consumed*. That may be done in any order, by any number of
threads and more than once; the labels come out the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.components import components

Pairs = NDArray[np.int32]
"""Pairs of rows of points, shape (n_pairs, 2)."""


@dataclass
class Level:
    """What is known at one eps.

    Attributes
    ----------
    core
        Shape (n,), uint8: 1 for a point that is known to have enough neighbours.
    root
        Shape (n,), int32: of a core point the smallest core point that it is known to be connected with; of
        any other the point itself.
    pairs
        The known pairs of which at least one point is not core, each once, the smaller row first. A point
        that is not core is in as many of them as it has known neighbours, at most ``min_samples - 2``.
    """

    core: NDArray[np.uint8]
    root: NDArray[np.int32]
    pairs: Pairs

    @classmethod
    def unknown(cls, n: int, min_samples: int) -> Level:
        """Before the first pair."""
        core = np.full(n, min_samples == 1, dtype=np.uint8)
        return cls(core, np.arange(n, dtype=np.int32), np.empty((0, 2), dtype=np.int32))

    def copy(self) -> Level:
        """Give the same knowledge to another eps."""
        return Level(self.core.copy(), self.root.copy(), self.pairs.copy())

    def knows(self, x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which pairs cannot change anything: both points core, and known to be connected."""
        core: NDArray[np.bool_] = (self.core[x] & self.core[y]).astype(bool)
        core &= self.root[x] == self.root[y]
        return core

    def consume(self, pairs: Pairs, min_samples: int) -> None:
        """Take pairs of neighbours in.

        Parameters
        ----------
        pairs
            Shape (n_pairs, 2): pairs of different rows, in any order, also such as are known already.
        min_samples
            Neighbours that make a core point, itself included.
        """
        pairs = pairs[~self.knows(pairs[:, 0], pairs[:, 1])]
        if not len(pairs):
            return
        pairs = _unique(np.concatenate([self.pairs, pairs]), len(self.core))
        n_neighbours = np.bincount(pairs.ravel(), minlength=len(self.core))
        self.core |= n_neighbours >= min_samples - 1
        both = (self.core[pairs[:, 0]] & self.core[pairs[:, 1]]).astype(bool)
        self.pairs = pairs[~both]
        self._unite(pairs[both])

    def _unite(self, pairs: Pairs) -> None:
        roots, ends = np.unique(self.root[pairs], return_inverse=True)
        if not len(roots):
            return
        component = components(len(roots), ends.reshape(-1, 2))
        # `roots` ascend, so the first of a component is its smallest.
        smallest = roots[np.unique(component, return_index=True)[1]]
        united = np.arange(len(self.root), dtype=np.int32)
        united[roots] = smallest[component]
        self.root = united[self.root]

    def labels(self) -> NDArray[np.int32]:
        """Label the points as scikit-learn does, once every pair was consumed.

        Returns
        -------
        ndarray of shape (n,), int32
            Clusters are numbered by their smallest core point. A point that is not core takes the smallest
            label among its neighbours that are, else -1.
        """
        n = len(self.core)
        core = self.core.astype(bool)
        number = np.full(n, n, dtype=np.int32)  # n: none
        number[core] = np.unique(self.root[core], return_inverse=True)[1]
        found = number.copy()
        for border, other in (self.pairs.T, self.pairs.T[::-1]):
            reached = core[other]  # then `border` is not
            np.minimum.at(found, border[reached], number[other[reached]])
        found[found == n] = -1
        return found


def _unique(pairs: Pairs, n: int) -> Pairs:
    """Keep each pair once, the smaller row first."""
    low, high = pairs.min(axis=1).astype(np.int64), pairs.max(axis=1)
    keys = low * n + high
    keys.sort()  # np.unique does without, and is many times slower here
    keys = keys[np.diff(keys, prepend=-1) > 0]
    return np.stack([keys // n, keys % n], axis=1).astype(np.int32)


@dataclass
class State:
    """What is known at several eps of the same points.

    Attributes
    ----------
    eps
        Ascending, each once.
    min_samples
        Neighbours that make a core point, itself included.
    levels
        One for each eps.
    """

    eps: tuple[float, ...]
    min_samples: int
    levels: list[Level] = field(default_factory=list)

    @classmethod
    def unknown(cls, n: int, eps: tuple[float, ...], min_samples: int) -> State:
        """Before the first pair of `n` points."""
        return cls(eps, min_samples, [Level.unknown(n, min_samples) for _ in eps])

    @property
    def n(self) -> int:
        """How many points there are."""
        return len(self.levels[0].core)

    def consume(self, pairs: Pairs, finest: NDArray[np.uint8]) -> None:
        """Take pairs in at every eps at which they are neighbours.

        Parameters
        ----------
        pairs
            Shape (n_pairs, 2): pairs of different rows.
        finest
            Shape (n_pairs,): the place in `eps` of the smallest one at which the pair are neighbours.
        """
        for place, level in enumerate(self.levels):
            level.consume(pairs[finest <= place], self.min_samples)
