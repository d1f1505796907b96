"""Comparing all pairs of points of chosen leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering import fallback, native
from castgraph.clustering.distances import squared_eps
from castgraph.clustering.layout import Leaves
from castgraph.clustering.projection import Points
from castgraph.clustering.state import Level, State

TILE = 32
"""Leaves on a side of a tile: what both sides need fits into a core's cache."""

Progress = Callable[[float], None]
"""Is called now and then with the share that is done, from 0 to 1."""


@dataclass(frozen=True)
class Options:
    """How to compute; nothing here changes a label.

    Attributes
    ----------
    threads
        Threads of the native kernel.
    kernel
        One of `castgraph.clustering.kernels`.
    progress
        Told how much is done.
    """

    threads: int
    kernel: str
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"threads is {self.threads}; it must be at least 1")


def scan(points: Points, leaves: Leaves, tiles: NDArray[np.int32], state: State, options: Options) -> None:
    """Find the pairs of neighbours in the tiles and consume them.

    Parameters
    ----------
    points
        Shape (n, d).
    leaves
        Rows of `points` in leaves.
    tiles
        Shape (n_tiles, 4): see `castgraph.clustering.layout.squares`.
    state
        What is known. It is changed.
    options
        Threads, kernel and progress.
    """
    if options.kernel == fallback.NAME:
        fallback.scan(points, leaves, tiles, state, options.progress)
        return
    core = np.stack([level.core for level in state.levels])
    root = np.stack([level.root for level in state.levels])
    places = [np.full(len(level.pairs), place, dtype=np.uint8) for place, level in enumerate(state.levels)]
    left, left_at = native.kernel.scan(
        points, leaves.order, leaves.starts, leaves.slots, leaves.scale, tiles, leaves.apart,
        squared_eps(points, state.eps), min(state.min_samples, state.n + 1), core, root,
        np.concatenate([level.pairs for level in state.levels]), np.concatenate(places),
        options.threads, options.kernel, options.progress,
    )  # fmt: skip
    state.levels[:] = [
        Level(core[place], root[place], left[left_at == place]) for place in range(len(state.eps))
    ]
