"""Proportions that are estimated from a sample, and how far off they may be."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

Z = 1.959963984540054
"""Standard deviations of the normal distribution within which 95 % lie."""


FEW_UNITS = 10
"""With fewer units than this that have a miss, or a hit, their spread is not believed."""


class Estimate(NamedTuple):
    """A share with its interval.

    Attributes
    ----------
    value
        The share, 0 to 1; NaN when nothing was judged.
    low, high
        The 95 % interval.
    n_units
        Units of the sample, such as frames, that the share rests on.
    n_effective
        How many answers of equal weight and independent of each other would tell as much.
    """

    value: float
    low: float
    high: float
    n_units: int
    n_effective: float


def wilson(share: float, n: float) -> tuple[float, float]:
    """Give the 95 % interval of a share, as Wilson has it.

    Parameters
    ----------
    share
        The share that was observed, 0 to 1.
    n
        In how many independent observations, above 0; it need not be whole.

    Returns
    -------
    tuple of float
        From 0 to 1. It has a width also where the share is 0 or 1.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Examples
    --------
    >>> low, high = wilson(9 / 10, 10)
    >>> f"{low:.3f} to {high:.3f}"
    '0.596 to 0.982'
    """
    if not (0 <= share <= 1 and n > 0):
        raise ValueError(f"a share of {share} among {n}; allowed: 0 to 1, among more than 0")
    middle = share + Z**2 / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    whole = 1 + Z**2 / n
    # By rounding the ends of 0 of n, and of n of n, would lie a little off 0 and 1.
    low = 0.0 if share == 0 else max(0.0, (middle - half) / whole)
    high = 1.0 if share == 1 else min(1.0, (middle + half) / whole)
    return low, high


def proportion(hits: ArrayLike, out_of: ArrayLike, weights: ArrayLike = 1.0) -> Estimate:
    """Estimate a share from the units of a sample.

    Parameters
    ----------
    hits, out_of
        Of each unit how many of how many, such as 2 found faces of 3 visible ones in a frame; they need not
        be whole. Shape (n_units,). Units that are out of nothing do not count.
    weights
        What each unit stands for: one over the probability with which it was drawn, up to a factor.

    Returns
    -------
    Estimate
        The share is the ratio of the weighted sums. The interval is Wilson's, among as many independent
        answers as would have the same variance: that of the ratio over units that are drawn independently
        (Taylor's linearisation), so faces of one frame, or pictures of one person, are not taken for
        independent. Where fewer than `FEW_UNITS` units have a miss, or a hit, that variance says little, and
        there are no more answers than units, fewer if these are of unequal weight (Kish). For units of equal
        weight with one answer each, the interval is Wilson's own.

    Raises
    ------
    ValueError
        When there are more hits than they are out of, or a number is negative.

    References
    ----------
    L. Kish, "Survey Sampling", Wiley, 1965 (effective size). E. L. Korn and B. I. Graubard, "Confidence
    intervals for proportions with small expected number of positive counts estimated from survey data",
    Survey Methodology 24, 1998, and N. Dean and M. Pagano, "Evaluating confidence interval methods for
    binomial proportions in clustered surveys", Journal of Survey Statistics and Methodology 3, 2015
    (intervals with such a size).

    Examples
    --------
    >>> found = proportion([1, 1, 0, 1, 1], [1, 1, 1, 1, 1])
    >>> found.value, found.n_effective, round(found.low, 3)
    (0.8, 5.0, 0.376)
    """
    x, d, w = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (hits, out_of, weights)))
    if (x < 0).any() or (x > d).any() or (w < 0).any():
        raise ValueError(
            "hits, what they are out of, and weights have to be 0 or more, hits at most what they are of"
        )
    counts = d * w > 0
    x, d, w = x[counts], d[counts], w[counts]
    if not len(x):
        return Estimate(math.nan, 0.0, 1.0, 0, 0.0)
    total = (w * d).sum()
    # So that all hits are exactly 1, whatever is rounded.
    share = float((w * x).sum() / total) if (x < d).any() else 1.0
    is_spread = min((x > 0).sum(), (x < d).sum()) >= FEW_UNITS
    most = total**2 / ((w**2 * d) if is_spread else (w * d) ** 2).sum()
    variance = ((w * (x - share * d)) ** 2).sum() / total**2
    size = min(most, share * (1 - share) / variance) if variance > 0 else most
    size = round(float(size), 9)  # of n alike, n
    return Estimate(share, *wilson(share, size), len(x), size)
