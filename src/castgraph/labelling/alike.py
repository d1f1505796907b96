"""How alike broadcasts are: cosines of the logarithms of counts, kind by kind, joined on one scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from castgraph.labelling.units import Flags, Ints, Titles, Units

SEASON = 100
"""Broadcasts of a title before, and as many after, with which one is compared: its season."""

LEAST_COSINE = 0.05
"""Cosines of one kind spread at least so much, as far as is believed."""

CHUNK = 128
"""Broadcasts of a title that are compared at a time."""

_DENSE = 20  # how many products of full matrices take as long as one of sparse ones, about
_COLUMNS = 4096  # of full matrices, at a time

Floats = NDArray[np.float64]


class Space(NamedTuple):
    """Where likeness is a product of vectors, set so that 0 is that of two titles, and 1 that of one.

    Attributes
    ----------
    vectors
        Each broadcast's logarithms of counts, of unit length in each kind, times the root of its weight.
    has
        Whether each kind is known of each broadcast; shape (n, n_kinds), float.
    nothing
        What each kind makes of two broadcasts of different titles; shape (n_kinds,).
    gap
        How much more it makes of two of one title, 0 where it is not used; shape (n_kinds,).
    kind
        Of each column of `vectors`.
    least
        The spread of likeness if the cosine of each kind spreads by `LEAST_COSINE`.
    """

    vectors: csr_array
    has: Floats
    nothing: Floats
    gap: Floats
    kind: Ints
    least: float

    def between(self, rows: Ints, others: Ints) -> Floats:
        """Give the likeness of some to others; NaN where no kind is known of both."""
        return self.scaled(_products(self.vectors[rows], self.vectors[others]), rows, self.has[others])

    def scaled(self, product: NDArray[np.floating], rows: Ints, has: Floats) -> Floats:
        """Set products of some and others, of which `has` tells the kinds, to the scale of likeness."""
        shared = (self.has[rows] * self.gap) @ has.T
        above = product.astype(np.float64) - (self.has[rows] * self.nothing) @ has.T
        return np.where(shared > 0, above / np.where(shared > 0, shared, 1), np.nan)


def _products(one: csr_array, other: csr_array) -> NDArray[np.floating]:
    """Give the products of all rows of one and of another."""
    n_columns = one.shape[1]
    here, there = (np.bincount(each.indices, minlength=n_columns) for each in (one, other))
    both = np.flatnonzero((here > 0) & (there > 0))
    if here[both] @ there[both] * _DENSE < one.shape[0] * other.shape[0] * len(both):
        return np.asarray((one @ other.T).toarray())
    # Of what most have. In double precision, so that it is the same for any number of threads.
    parts = [both[begin : begin + _COLUMNS] for begin in range(0, len(both), _COLUMNS)]
    found = np.zeros((one.shape[0], other.shape[0]))
    for part in parts:
        found += one[:, part].toarray().astype(np.float64) @ other[:, part].toarray().astype(np.float64).T
    return found


def space(units: Units, titles: Titles, trusted: Flags) -> Space:
    """Find the scale of likeness.

    Each kind has the weight that Fisher's linear discriminant gives it, the kinds taken as independent: how
    much more alike two broadcasts of one title are than two of different titles, over the variance of this.
    A kind that tells nothing has none.

    Parameters
    ----------
    units, titles
        What is compared.
    trusted
        Which are of their title, as far as is known; shape (n,).
    """
    unit_length = [_unit_length(each) for each in units.counts]
    period = _periods(units, titles)
    levels = [
        _levels(each, units.has[:, at] & trusted, titles.of, period) for at, each in enumerate(unit_length)
    ]
    nothing, gap, spread = (np.array(column, np.float64) for column in zip(*levels, strict=True))
    if (gap > 0).any():
        weight = np.where(gap > 0, gap / spread**2, 0)
    else:
        # Nothing tells titles apart: likeness is the mean of the cosines.
        nothing, gap, weight = np.zeros(len(gap)), np.ones(len(gap)), np.ones(len(gap))
    scaled = [each * np.float32(np.sqrt(by)) for each, by in zip(unit_length, weight, strict=True)]
    kind = np.repeat(np.arange(len(scaled)), [each.shape[1] for each in scaled])
    vectors = csr_array(hstack(scaled, format="csr"))
    vectors.eliminate_zeros()
    gap = weight * np.maximum(gap, 0)
    least = LEAST_COSINE * float(np.sqrt((weight**2).sum()) / gap.sum())
    return Space(vectors, units.has.astype(np.float64), weight * nothing, gap, kind, least)


def _unit_length(matrix: csr_array) -> csr_array:
    squares = matrix.multiply(matrix).sum(axis=1)
    lengths = np.sqrt(np.where(squares > 0, squares, 1))
    scaled = matrix.copy()
    scaled.data = scaled.data / np.repeat(lengths, np.diff(matrix.indptr)).astype(scaled.dtype)
    return scaled


def _periods(units: Units, titles: Titles) -> Ints:
    """Part the time so that of the most frequent title about two seasons are in a part: all else drifts."""
    most = max((len(each) for each in titles.members), default=0)
    n = max(1, round(most / (2 * SEASON)))
    first, last = units.time.min(), units.time.max()
    parts: Ints = np.minimum((units.time - first) * n // max(last - first, 1), n - 1)
    return parts


def _levels(matrix: csr_array, has: Flags, title: Ints, period: Ints) -> tuple[float, float, float]:
    """Tell what cosine two of different titles have, how much more two of one, and the spread of both."""
    known = np.flatnonzero(has)
    rows = matrix[known]
    own, n_own = _with_group(rows, title[known] + period[known] * (title.max(initial=0) + 1))
    every, n_every = _with_group(rows, period[known])
    itself = _row_sums(rows.multiply(rows))
    same = ((own - itself) / np.maximum(n_own - 1, 1))[n_own > 1]
    different = ((every - own) / np.maximum(n_every - n_own, 1))[n_every > n_own]
    if len(same) < 2:
        return 0.0, 0.0, 1.0
    # Above the median: some of it may be of broadcasts that are not of their title.
    high = float(np.quantile(same, 0.6))
    if not len(different):
        # As if the entities of the other were others, at random.
        total = _row_sums(rows)
        low = float(np.mean(total) ** 2 / max(matrix.shape[1], 1))
        return low, high - low, 1.0
    low = float(np.median(different))
    return low, high - low, float(np.sqrt(mad(same) ** 2 + mad(different) ** 2 + LEAST_COSINE**2))


def _with_group(rows: csr_array, group: Ints) -> tuple[Floats, Ints]:
    """Give the product of each row with the sum of its group, and how many that has."""
    _, code, n = np.unique(group, return_inverse=True, return_counts=True)
    member = csr_array((np.ones(len(code), np.float32), (code, np.arange(len(code)))), (len(n), len(code)))
    sums = csr_array(member @ rows)
    # A group at a time, since the sum of a group may have all entities.
    found = np.zeros(len(code))
    for at in range(len(n)):
        whose = np.flatnonzero(code == at)
        found[whose] = rows[whose] @ sums[[at]].toarray().ravel()
    return found, n[code]


def _row_sums(matrix: csr_array) -> Floats:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()


def mad(values: Floats) -> float:
    """Give the median absolute deviation, as the standard deviation that it tells of; 0 of nothing."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


# ---- the season of a broadcast ---------------------------------------------------------------------------


class Season(NamedTuple):
    """The likeness of the broadcasts of a title to those of their season.

    Attributes
    ----------
    at
        Which broadcast of the title each column is, of each row; -1 for none; shape (n, n_columns).
    like
        How like they are; NaN for itself and for none.
    """

    at: Ints
    like: Floats


def places(n: int) -> Ints:
    """Give the places of the season of each of `n` broadcasts; -1 for none; shape (n, n_columns)."""
    reach = min(SEASON, n)
    at = np.arange(n)[:, None] + np.arange(-reach, reach + 1)
    return np.where((at >= 0) & (at < n), at, -1)


def season(where: Space, members: Ints) -> Season:
    """Compare the broadcasts of a title, which are in the order of time, with those of their season."""
    n = len(members)
    at = places(n)
    like = np.full(at.shape, np.nan)
    for begin in range(0, n, CHUNK):
        end = min(begin + CHUNK, n)
        first, last = max(begin - SEASON, 0), min(end + SEASON, n)
        block = where.between(members[begin:end], members[first:last])
        part = at[begin:end]
        values = block[np.arange(end - begin)[:, None], np.clip(part - first, 0, last - first - 1)]
        like[begin:end] = np.where(part >= 0, values, np.nan)
    like[at == np.arange(n)[:, None]] = np.nan
    return Season(at, like)


def of_rows(values: Floats, share: float = 0.5) -> Floats:
    """Give the quantile of each row, the higher of two; NaN is left out, and given where there is no other.

    Examples
    --------
    >>> of_rows(np.array([[3.0, 1.0, np.nan], [np.nan, np.nan, np.nan]])).tolist()
    [3.0, nan]
    """
    if not values.size:
        return np.full(len(values), np.nan)
    # Much faster than NumPy's own, which takes one row after the other.
    n = np.isfinite(values).sum(axis=1)
    place = np.ceil(share * np.maximum(n - 1, 0) - 1e-9).astype(int)
    found: Floats = np.sort(values, axis=1)[np.arange(len(values)), place]
    return found


def pearson(units: Units, titles: Titles, where: Space, trusted: Flags) -> Floats:
    """Correlate each with the mean of the others of its season, 0 where it has not an entity of the run.

    The kinds are joined as for likeness; NaN where this is undefined.
    """
    total, shares = np.zeros(len(units)), np.zeros(len(units))
    for at, matrix in enumerate(units.counts):
        if not where.gap[at] > 0:
            continue
        for members in titles.members:
            for begin in range(0, len(members), CHUNK):
                part = members[begin : begin + CHUNK]
                near = members[max(begin - SEASON, 0) : begin + len(part) + SEASON]
                r = _with_others(matrix, part, near[trusted[near] & units.has[near, at]])
                known = np.isfinite(r)
                total[part[known]] += where.gap[at] * r[known]
                shares[part[known]] += where.gap[at]
    return np.where(shares > 0, total / np.where(shares > 0, shares, 1), np.nan)


def _with_others(matrix: csr_array, rows: Ints, near: Ints) -> Floats:
    """Give Pearson's r of each row and the mean of those near, itself left out."""
    if not len(near):
        return np.full(len(rows), np.nan)
    x = matrix[rows].astype(np.float64)
    sums = np.asarray(matrix[near].sum(axis=0), np.float64).ravel()
    n, own = matrix.shape[1], np.isin(rows, near)
    x_sum, x_squares, x_sums = _row_sums(x), _row_sums(x.multiply(x)), x @ sums
    y_sum = sums.sum() - own * x_sum
    y_squares = sums @ sums - own * (2 * x_sums - x_squares)
    products = x_sums - own * x_squares
    varies = np.sqrt(np.maximum(n * x_squares - x_sum**2, 0) * np.maximum(n * y_squares - y_sum**2, 0))
    is_known = (varies > 1e-6 * n) & (len(near) > own)
    return np.where(is_known, (n * products - x_sum * y_sum) / np.where(is_known, varies, 1), np.nan)
