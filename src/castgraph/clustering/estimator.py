"""DBSCAN as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import validate_data

from castgraph.clustering.dbscan import cluster


class ExactDBSCAN(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """DBSCAN in little memory, in the place of ``sklearn.cluster.DBSCAN(metric="euclidean")``.

    Labels, core samples and components are those of scikit-learn, computed by
    `castgraph.clustering.dbscan`.

    Parameters
    ----------
    eps
        Two points are neighbours when their Euclidean distance is at most `eps`.
    min_samples
        A point with at least this many neighbours, itself included, is a core point.
    n_jobs
        How many threads to use: None is 1 (unless joblib's context says otherwise), -1 all processors, -2 all
        but one. The labels do not depend on it.
    kernel
        The name of a kernel (`castgraph.clustering.dbscan.kernels`); None takes the best.
    max_memory_mb
        The most memory to take; None for no limit.

    Attributes
    ----------
    labels_ : ndarray of shape (n,), intp
        The cluster of each point; -1 is noise.
    core_sample_indices_ : ndarray of shape (n_core,), intp
        The rows of the core points, ascending.
    components_ : ndarray of shape (n_core, d), float32 or float64
        Copies of the core points.
    n_features_in_ : int
        The dimensions of the points.
    feature_names_in_ : ndarray of shape (d,), object
        The names of the columns, where `X` has names that are all strings.

    Examples
    --------
    >>> ExactDBSCAN(eps=3, min_samples=2).fit_predict([[1, 2], [2, 2], [2, 3], [8, 7], [8, 8], [25, 80]])
    array([ 0,  0,  0,  1,  1, -1])
    """

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        n_jobs: int | None = None,
        kernel: str | None = None,
        max_memory_mb: float | None = None,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.n_jobs = n_jobs
        self.kernel = kernel
        self.max_memory_mb = max_memory_mb

    # A parameter sample_weight would tell scikit-learn that weights are supported (has_fit_parameter).
    def fit(self, X: ArrayLike, y: object = None, **weights: object) -> Self:
        """Cluster points.

        Parameters
        ----------
        X
            Points of shape (n, d), n and d at least 1. float32 and float64 are taken as they are, everything
            else becomes float64.
        y
            Ignored; scikit-learn passes it to every estimator.
        weights
            ``sample_weight``, which must be None.

        Returns
        -------
        ExactDBSCAN
            The estimator itself.

        Raises
        ------
        ValueError
            When ``sample_weight`` is given, when `X` holds NaN or infinity or is not two-dimensional, or when
            a parameter cannot be used.
        TypeError
            When `X` is sparse, or another keyword is given.
        MemoryError
            When more than `max_memory_mb` would be needed.
        """
        if weights.pop("sample_weight", None) is not None:
            raise ValueError(
                "sample_weight is given; ExactDBSCAN takes every point once. "
                "For whole numbers as weights repeat the points: numpy.repeat(X, sample_weight, axis=0)"
            )
        if weights:
            raise TypeError(f"fit() got an unexpected keyword argument {next(iter(weights))!r}")
        points: NDArray[Any] = validate_data(self, X, dtype=[np.float64, np.float32])
        labels, core = cluster(
            points,
            self.eps,
            self.min_samples,
            threads=effective_n_jobs(self.n_jobs),
            kernel=self.kernel,
            max_memory_mb=self.max_memory_mb,
        )
        self.labels_ = labels.astype(np.intp)
        self.core_sample_indices_ = np.flatnonzero(core)
        self.components_ = points[self.core_sample_indices_]
        return self
