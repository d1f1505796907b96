"""Exact DBSCAN in little memory."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from castgraph.clustering import fallback, native
from castgraph.clustering.projection import MOST_COORDINATES, Points
from castgraph.clustering.scan import Options, Progress
from castgraph.clustering.search import search_all
from castgraph.clustering.state import Level, State

_MOST_EPS = 100


def dbscan(
    X: ArrayLike,
    eps: float,
    min_samples: int,
    *,
    threads: int = 1,
    kernel: str | None = None,
    max_memory_mb: float | None = None,
    progress: Progress | None = None,
) -> NDArray[np.int32]:
    """Label points by density, as scikit-learn's DBSCAN does, without storing neighbour lists.

    Parameters
    ----------
    X
        Points of shape (n, d), n and d at least 1; faces are (n, 128). float32 and float64 are used as they
        are, any other type as float64.
    eps
        Two points are neighbours when their Euclidean distance is at most `eps`.
    min_samples
        A point with at least this many neighbours, itself included, is a core point.
    threads
        How many threads to use; the labels do not depend on it.
    kernel
        One of `kernels`; None takes the best. The labels do not depend on it.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.
    progress
        Is called now and then with the share that is done, from 0 to 1. What it raises ends the work.

    Returns
    -------
    ndarray of shape (n,), int32
        The cluster of each point, numbered by its first core point; -1 is noise. A point between clusters
        belongs to the one with the smallest number.

    Raises
    ------
    ValueError
        When `X` is not of that shape or holds NaN or infinity, when `eps` is not above 0, when `min_samples`
        is not an integer of at least 1, or when there is no such kernel.
    MemoryError
        When more than `max_memory_mb` would be needed.
    KeyboardInterrupt
        On Ctrl-C, soon.

    Notes
    -----
    Labels are those of ``sklearn.cluster.DBSCAN(metric="euclidean")``. That needs memory for every pair of
    neighbours; here it is O(n (d + min_samples)), see `predicted_memory_mb`. Every pair within eps is found:
    those that are not are ruled out by lower bounds of their distance with room for rounding, and what is
    left is measured, with float64 where float32 cannot tell.

    What is compared with eps² is the float64 sum of squared differences. Above 15 dimensions scikit-learn
    takes that sum apart into products, so that points far from the origin are less exact there; and it rounds
    eps to the type of the points, as is done here.

    References
    ----------
    M. Ester et al., "A density-based algorithm for discovering clusters in large spatial databases with
    noise", KDD 1996.

    Examples
    --------
    >>> dbscan([[1.0], [1.2], [1.4], [5.0], [5.2], [9.0]], eps=0.3, min_samples=2)
    array([ 0,  0,  0,  1,  1, -1], dtype=int32)
    """
    (labels,) = sweep(
        X, [eps], min_samples, threads=threads, kernel=kernel, max_memory_mb=max_memory_mb, progress=progress
    )
    found: NDArray[np.int32] = labels
    return found


def sweep(
    X: ArrayLike,
    eps: Sequence[float],
    min_samples: int,
    *,
    threads: int = 1,
    kernel: str | None = None,
    max_memory_mb: float | None = None,
    progress: Progress | None = None,
) -> NDArray[np.int32]:
    """Label points at several eps, for little more than the largest costs alone.

    Parameters are those of `dbscan`, but for `eps`, which is one or more values in any order.

    Returns
    -------
    ndarray of shape (len(eps), n), int32
        Each row is what `dbscan` gives for that eps.

    Raises
    ------
    ValueError, MemoryError, KeyboardInterrupt
        As `dbscan`.

    Examples
    --------
    >>> sweep([[1.0], [1.2], [1.4], [5.0], [5.2], [9.0]], eps=[0.3, 4.0], min_samples=2)
    array([[ 0,  0,  0,  1,  1, -1],
           [ 0,  0,  0,  0,  0,  0]], dtype=int32)
    """
    levels = _levels(X, eps, min_samples, threads, kernel, max_memory_mb, progress)
    labels = {value: level.labels() for value, level in levels.items()}
    return np.stack([labels[float(value)] for value in eps])


def cluster(
    X: ArrayLike,
    eps: float,
    min_samples: int,
    *,
    threads: int = 1,
    kernel: str | None = None,
    max_memory_mb: float | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Label points and tell which are core points.

    Parameters and errors are those of `dbscan`.

    Returns
    -------
    labels : ndarray of shape (n,), int32
        As `dbscan` gives them.
    core : ndarray of shape (n,), bool
        Whether each point is a core point.
    """
    (level,) = _levels(X, [eps], min_samples, threads, kernel, max_memory_mb, progress).values()
    return level.labels(), level.core.astype(bool)


def _levels(
    X: ArrayLike,
    eps: Sequence[float],
    min_samples: int,
    threads: int,
    kernel: str | None,
    max_memory_mb: float | None,
    progress: Progress | None,
) -> dict[float, Level]:
    """Find all there is to know at each eps."""
    points = validated(X, eps, min_samples)
    options = Options(threads, chosen_kernel(kernel), progress)
    values = tuple(sorted({float(value) for value in eps}))
    require_memory(points, len(values), min_samples, threads, max_memory_mb)
    state = State.unknown(len(points), values, min_samples)
    search_all(points, state, options)
    return dict(zip(values, state.levels, strict=True))


def kernels() -> list[str]:
    """Name the ways to compute that this machine has, the best first; the last, NumPy, is always there."""
    return [*([] if native.kernel is None else native.kernel.kernels()), fallback.NAME]


def chosen_kernel(name: str | None) -> str:
    """Check the name of a kernel; None is the best."""
    allowed = kernels()
    if name is not None and name not in allowed:
        raise ValueError(f"kernel is {name!r}; this machine has {', '.join(allowed)}")
    return name or allowed[0]


def validated(X: ArrayLike, eps: Sequence[float], min_samples: int) -> Points:
    """Check what is to be clustered, before any work.

    Returns
    -------
    ndarray of shape (n, d), float32 or float64
        The points, in C order; not a copy where `X` is that already.

    Raises
    ------
    ValueError
        As `dbscan`.
    """
    points = np.asarray(X)
    if points.ndim != 2:
        raise ValueError(f"X has shape {points.shape}; it must be (points, dimensions)")
    if 0 in points.shape:
        raise ValueError(f"X has shape {points.shape}; at least one point and one dimension are needed")
    dtype = points.dtype if points.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    points = np.ascontiguousarray(points, dtype=dtype)
    # NaN and infinity show in both; an array as large as X is not needed.
    if not (np.isfinite(points.min(axis=0)).all() and np.isfinite(points.max(axis=0)).all()):
        raise ValueError("X holds NaN or infinite values; every coordinate must be finite")
    if not 0 < len(eps) <= _MOST_EPS:
        raise ValueError(f"eps has {len(eps)} values; 1 to {_MOST_EPS} are allowed")
    for value in eps:
        if (
            isinstance(value, bool)
            or not isinstance(value, numbers.Real)
            or not (np.isfinite(value) and value > 0)
        ):
            raise ValueError(f"eps is {value!r}; it must be a number above 0")
    if isinstance(min_samples, bool) or not isinstance(min_samples, numbers.Integral) or min_samples < 1:
        raise ValueError(f"min_samples is {min_samples!r}; it must be an integer of at least 1")
    if len(points) >= 2**31:
        raise ValueError(f"X has {len(points)} points; at most {2**31 - 1} can be clustered")
    return points


def predicted_memory_mb(
    n: int, d: int, *, itemsize: int = 4, n_eps: int = 1, min_samples: int = 5, threads: int = 1
) -> float:
    """Tell how much memory `sweep` needs at most, in MB, the points and the interpreter included.

    Parameters
    ----------
    n, d
        Points and dimensions.
    itemsize
        Bytes of a coordinate: 4 for float32, 8 for float64.
    n_eps
        How many eps.
    min_samples, threads
        As given to `sweep`.
    """
    coordinates = min(d, MOST_COORDINATES)
    point = d * itemsize + 14 * coordinates + 100
    level = 40 + 16 * min(min_samples, n)
    return 220 + 10 * threads + n * (point + n_eps * level) / 1e6


def require_memory(
    points: Points, n_eps: int, min_samples: int, threads: int, max_memory_mb: float | None
) -> None:
    """Refuse work that needs too much memory.

    Raises
    ------
    MemoryError
        When it would be more than `max_memory_mb`.
    """
    n, d = points.shape
    needed = predicted_memory_mb(
        n, d, itemsize=points.itemsize, n_eps=n_eps, min_samples=min_samples, threads=threads
    )
    require_mb(f"clustering {n} points of {d} dimensions at {n_eps} eps", needed, max_memory_mb)


def require_mb(work: str, needed: float, max_memory_mb: float | None) -> None:
    """Refuse `work` that needs more MB than are allowed.

    Raises
    ------
    MemoryError
        With both numbers.
    """
    if max_memory_mb is not None and needed > max_memory_mb:
        raise MemoryError(
            f"{work} needs up to {needed:.0f} MB, and {max_memory_mb:.0f} MB are allowed; give the job more "
            "memory or take fewer points"
        )
