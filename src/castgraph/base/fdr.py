"""Many tests at once: how many of those that are found may be false."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def benjamini_hochberg(p: Reals, times: NDArray[np.int64] | None = None, n_tests: int | None = None) -> Reals:
    """Correct p for the number of tests: of all tests with at most this q, a share of q is chance, at most.

    Parameters
    ----------
    p
        Shape (n,). NaN is no test, and stays.
    times
        How many tests have each of them; one when not given.
    n_tests
        How many tests there are in all, those of p = 1 that are not among `p`, too; the sum of `times` when
        not given.

    Returns
    -------
    ndarray of shape (n,)

    References
    ----------
    Y. Benjamini, Y. Hochberg: Controlling the false discovery rate. Journal of the Royal Statistical Society
    B 57 (1995).

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.2, np.nan, 0.02])).round(4).tolist()
    [0.03, 0.2, nan, 0.03]
    >>> benjamini_hochberg(np.array([0.01, 0.02]), n_tests=100).tolist()
    [1.0, 1.0]
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    rank = np.cumsum(np.ones(len(order), np.int64) if times is None else times[order])
    whole = int(rank[-1]) if n_tests is None and len(order) else n_tests or 0
    q = np.full(len(p), np.nan)
    q[order] = np.minimum(np.minimum.accumulate((p[order] * whole / rank)[::-1])[::-1], 1.0)
    return q
