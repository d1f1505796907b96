"""DBSCAN over face embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import DBSCAN


def dbscan(X: ArrayLike, eps: float, min_samples: int, *, threads: int = 1) -> NDArray[np.int32]:
    """Label points by density.

    Parameters
    ----------
    X
        Points of shape (n, d), float; faces are (n, 128).
    eps
        Two points are neighbours when their Euclidean distance is at most `eps`.
    min_samples
        A point with at least this many neighbours, itself included, is a core point.
    threads
        How many threads to use; the labels do not depend on it.

    Returns
    -------
    ndarray of shape (n,), int32
        The cluster of each point, numbered as scikit-learn numbers them; -1 is noise. Empty for no points.

    Raises
    ------
    ValueError
        When `X` is not two-dimensional or holds NaN or infinity, when `eps` is not above 0, or when
        `min_samples` is below 1.

    Notes
    -----
    scikit-learn keeps every neighbour list: memory grows with the number of neighbouring pairs (4.9 GB for
    100,000 faces of one programme).

    References
    ----------
    M. Ester et al., "A density-based algorithm for discovering clusters in large spatial databases with
    noise", KDD 1996.
    """
    points = np.asarray(X)
    if points.ndim != 2:
        raise ValueError(f"X has shape {points.shape}; it must be (points, dimensions)")
    if not np.isfinite(points).all():
        raise ValueError("X holds NaN or infinite values; every embedding must be finite")
    if not (np.isfinite(eps) and eps > 0):
        raise ValueError(f"eps is {eps}; it must be a number above 0")
    if min_samples < 1:
        raise ValueError(f"min_samples is {min_samples}; it must be at least 1")
    if len(points) == 0:
        return np.empty(0, dtype=np.int32)
    labels = DBSCAN(eps=eps, min_samples=min_samples, n_jobs=threads).fit(points).labels_
    return np.asarray(labels, dtype=np.int32)
