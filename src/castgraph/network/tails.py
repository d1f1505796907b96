"""How probable it is that a sum of independent counts is at least as large as one that was seen.

Small sums get an exact probability: distributions are multiplied out as polynomials, as far as they are
needed. Large ones get a saddlepoint approximation (Lugannani and Rice 1980) with Daniels' (1987) second
correction for whole numbers. It errs by less than 1 % of the probability (3 % at the very end of what is
possible), also far out in the tail, where a normal approximation is wrong by orders of magnitude. It fails
where trials of very different chances leave hardly another sum possible; there an inversion needs few points
(Abate and Whitt 1992).

References
----------
R. Lugannani, S. Rice: Saddle point approximation for the distribution of the sum of independent random
variables. Advances in Applied Probability 12 (1980). H. E. Daniels: Tail probability approximations.
International Statistical Review 55 (1987). J. Abate, W. Whitt: Numerical inversion of probability generating
functions. Operations Research Letters 12 (1992).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]
Cumulants = tuple[Reals, Reals, Reals, Reals]

EXACT = 64
"""Counts up to this one get an exact probability."""

_SIZES = (1, 2, 4, 8, 16, 32, EXACT)
"""Counts up to each, and above half of it, are worked out together."""

_CELLS, _FEW_CELLS = 1 << 21, 1 << 17
"""Numbers in one array, about: where it is made once, and where it is gone through again and again."""

_SMALL = 1e-3
"""Below this the tail itself is summed up: 1 minus the rest would not be exact any more."""

_STEPS, _CLOSE, _FARTHEST, _NEAR = 100, 1e-9, 700.0, 0.01

_POINTS = 64
"""Points of the inversion: as many as 8 standard deviations of the widest sums that it is made for."""

_INVERTED = ((0.3, 4.0), (3.0, 64.0))
"""From which tilt on, up to which tilted variance, it is made."""


def hypergeometric(
    counts: Numbers, of: Numbers, size: Numbers, first: Numbers, second: Numbers
) -> tuple[Reals, Bools]:
    """Tell how probable it is that sums of hypergeometric numbers are as large as `counts`, or larger.

    Each of these numbers tells how many frames show both, where one is in `first` and the other in `second`
    of `size` frames, drawn by chance.

    Parameters
    ----------
    counts
        What was seen; shape (n_sums,).
    of
        Of each number its sum, as an index into `counts`, in ascending order; shape (n_numbers,).
    size, first, second
        Shape (n_numbers,).

    Returns
    -------
    p : ndarray of shape (n_sums,)
        0 where it is smaller than a float can be.
    exact : ndarray of shape (n_sums,), bool
        Whether it is exact, and no approximation: where the count is at most `EXACT` above the smallest that
        is possible, or is the largest that is possible.

    Examples
    --------
    >>> size, first, second = np.array([[10, 20], [3, 5], [4, 4]])  # two broadcasts
    >>> p, exact = hypergeometric(np.array([3]), np.array([0, 0]), size, first, second)
    >>> print(p.round(4), exact)
    [0.3785] [ True]
    """
    from scipy.special import gammaln  # takes longer to load than all that imports this

    least = np.maximum(0, first + second - size)
    # Frames without the one and without the other are spread by chance, too: fewer of them, the same sum.
    a, b = (np.where(least > 0, size - each, each) for each in (first, second))
    room, rest = np.minimum(a, b), size - a - b
    log_factorial = gammaln(np.arange(int(size.max(initial=0)) + 1) + 1.0)
    whole = sum(log_factorial[each] for each in (a, b, size - a, size - b)) - log_factorial[size]

    def log_pmf(number: Numbers, value: Numbers) -> Reals:
        ways = (value, a[number] - value, b[number] - value, rest[number] + value)
        found: Reals = whole[number] - sum(log_factorial[each] for each in ways)
        return found

    above = counts - np.bincount(of, least, len(counts)).astype(np.int64)
    top = np.bincount(of, room, len(counts)).astype(np.int64)
    p = np.where(above <= 0, 1.0, 0.0)
    for sums, numbers, part in _parts(np.flatnonzero((above > 0) & (above == top)), of, np.ones_like(of)):
        p[sums] = np.exp(np.bincount(part, log_pmf(numbers, room[numbers])))
    open_ = (above > 0) & (above < top)
    for largest in _SIZES:
        sized = open_ & (above <= largest) & (above > largest // 2)
        for sums, numbers, part in _parts(np.flatnonzero(sized), of, np.full(len(of), largest)):
            pmf = _product(_pmf(numbers, largest, room, log_pmf), part)
            p[sums] = 1 - np.where(np.arange(largest) < above[sums, None], pmf, 0.0).sum(axis=1)
        # Far above what is expected, what lies beyond twice the count is too small to matter.
        states = 2 * largest + 5
        for sums, numbers, part in _parts(np.flatnonzero(sized & (p < _SMALL)), of, np.full(len(of), states)):
            pmf = _product(_pmf(numbers, states, room, log_pmf), part)
            p[sums] = np.where(np.arange(states) >= above[sums, None], pmf, 0.0).sum(axis=1)
    approximate = open_ & (above > EXACT)
    for sums, numbers, part in _parts(np.flatnonzero(approximate), of, room + 1):
        p[sums] = _of_numbers(above[sums], numbers, part, room, log_pmf)
    return np.clip(p, 0.0, 1.0), ~approximate


def trials(
    counts: Numbers, of: Numbers, chances: Reals, times: Numbers, exact_to: int = EXACT
) -> tuple[Reals, Bools]:
    """Tell how probable it is that as many trials as `counts`, or more, succeed: the Poisson binomial tail.

    Parameters
    ----------
    counts
        What was seen; shape (n,).
    of
        Of each count its row of `chances`; shape (n,).
    chances
        The probability that a trial of each kind succeeds; shape (n_rows, n_kinds).
    times
        How many trials of each kind there are; shape (n_kinds,).
    exact_to
        Counts up to this one get an exact probability; it takes time in proportion to rows times trials.

    Returns
    -------
    p, exact : ndarray of shape (n,)
        As of `hypergeometric`.

    Examples
    --------
    >>> p, exact = trials(np.array([2, 0]), np.array([0, 0]), np.array([[0.5, 0.25]]), np.array([1, 2]))
    >>> print(p, exact)
    [0.25 1.  ] [ True  True]
    """
    least, most = ((sure @ times)[of] for sure in (chances >= 1, chances > 0))
    p = np.where(counts <= least, 1.0, 0.0)
    logs = np.log(np.where(chances > 0, chances, 1.0)) @ times
    every = (counts > least) & (counts == most)
    p[every] = np.exp(logs[of[every]])
    possible = (counts > least) & (counts < most)
    exact = (counts <= exact_to) | ~possible
    wanted = np.flatnonzero(possible & exact)
    largest = np.zeros(len(chances), np.int64)
    np.maximum.at(largest, of[wanted], counts[wanted])
    order = np.argsort(largest, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    wanted = wanted[np.argsort(place[of[wanted]], kind="stable")]
    begin = int(np.searchsorted(largest[order], 1))
    while begin < len(order):
        end = min(len(order), begin + max(1, _FEW_CELLS // int(largest[order[begin]] + 1)))
        rows = order[begin:end]
        at_least = _at_least(chances[rows], times, int(largest[rows[-1]]))
        here = wanted[slice(*np.searchsorted(place[of[wanted]], (begin, end)))]
        p[here] = at_least[counts[here], place[of[here]] - begin]
        begin = end
    others = np.flatnonzero(~exact)
    for part in np.array_split(others, 1 + len(others) * chances.shape[1] // _CELLS):
        if len(part):
            p[part] = _of_trials(counts[part], chances[of[part]], times)
    return np.clip(p, 0.0, 1.0), exact


def _parts(sums: Numbers, of: Numbers, cells: Numbers) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Give some sums at a time, their numbers, and of each number its sum as a place among these sums."""
    first, last = np.searchsorted(of, sums), np.searchsorted(of, sums, side="right")
    total = np.concatenate([[0], np.cumsum(cells)])
    sizes = np.cumsum(total[last] - total[first])
    cuts = np.searchsorted(sizes, np.arange(_CELLS, sizes[-1] if len(sizes) else 0, _CELLS))
    for chosen in np.split(np.arange(len(sums)), np.unique(cuts)):
        if len(chosen):
            lengths = (last - first)[chosen]
            ends = np.cumsum(lengths)
            part = np.repeat(np.arange(len(chosen)), lengths)
            yield sums[chosen], np.arange(ends[-1]) + (first[chosen] - (ends - lengths))[part], part


# ---- exact -----------------------------------------------------------------------------------------------


def _pmf(numbers: Numbers, states: int, room: Numbers, log_pmf: Callable[[Numbers, Numbers], Reals]) -> Reals:
    """Tell how probable the values from 0 on of each number are; shape (n_numbers, states)."""
    pmf = np.zeros((len(numbers), states))
    for value in range(states):
        able = np.flatnonzero(room[numbers] >= value)
        pmf[able, value] = np.exp(log_pmf(numbers[able], np.full(len(able), value)))
    return pmf


def _product(pmf: Reals, of: Numbers) -> Reals:
    """Multiply the polynomials of the numbers of each sum, two by two; shape (n_sums, states)."""
    states = pmf.shape[1]
    while len(of) > of[-1] + 1:
        lengths = np.bincount(of)
        place = np.arange(len(of)) - (np.cumsum(lengths) - lengths)[of]
        even = np.flatnonzero(place % 2 == 0)
        paired = place[even] + 1 < lengths[of[even]]
        kept = pmf[even]
        one, other = kept[paired], pmf[even[paired] + 1]
        both = np.zeros_like(one)
        for value in range(states):
            both[:, value:] += one[:, value, None] * other[:, : states - value]
        kept[paired] = both
        pmf, of = kept, of[even]
    return pmf


def _at_least(chances: Reals, times: Numbers, most: int) -> Reals:
    """Tell how probable it is that at least 0, 1, … `most` trials succeed; shape (most + 1, n_rows)."""
    pmf = np.zeros((most + 1, len(chances)))  # the last: so many or more
    pmf[0] = 1.0
    for chance, n in zip(np.ascontiguousarray(chances.T), times.tolist(), strict=True):
        for _ in range(n):
            succeed = pmf[:-1] * chance
            pmf[:-1] -= succeed
            pmf[1:] += succeed
    return pmf[::-1].cumsum(axis=0)[::-1]


# ---- approximated ----------------------------------------------------------------------------------------


def _of_numbers(
    above: Numbers,
    numbers: Numbers,
    of: Numbers,
    room: Numbers,
    log_pmf: Callable[[Numbers, Numbers], Reals],
) -> Reals:
    """Approximate the tail of sums of numbers of any kind, each from 0 to its `room`."""
    lengths = room[numbers] + 1
    begins = np.cumsum(lengths) - lengths
    number = np.repeat(np.arange(len(numbers)), lengths)
    value = np.arange(len(number)) - begins[number]
    log = log_pmf(numbers[number], value)
    sums = np.flatnonzero(np.diff(of, prepend=-1))

    def cumulants(t: Reals) -> Cumulants:
        tilted = log + t[of][number] * value
        peak = np.maximum.reduceat(tilted, begins)
        share = np.exp(tilted - peak[number])
        whole = np.add.reduceat(share, begins)
        share /= whole[number]
        mean = np.add.reduceat(share * value, begins)
        off = value - mean[number]
        square = share * off**2
        each = (
            peak + np.log(whole),
            mean,
            np.add.reduceat(square, begins),
            np.add.reduceat(square * off, begins),
        )
        k, mean, variance, third = (np.add.reduceat(one, sums) for one in each)
        return k, mean, variance, third

    t, (k, _, variance, third) = _saddle(above, np.add.reduceat(room[numbers], sums), cumulants)
    return _lugannani_rice(above, t, k, variance, third)


def _of_trials(counts: Numbers, chances: Reals, times: Numbers) -> Reals:
    """Approximate the tail of numbers of trials that succeed."""

    def cumulants(t: Reals) -> Cumulants:
        # Of a tilted trial: the probability that it succeeds, and the logarithm of its sum.
        fail = (1 - chances) * np.exp(-np.maximum(t, 0))[:, None]
        succeed = chances * np.exp(np.minimum(t, 0))[:, None]
        whole = fail + succeed
        p = succeed / whole
        variance = p * (1 - p)
        k: Reals = (np.log(whole) + np.maximum(t, 0)[:, None]) @ times
        return k, p @ times, variance @ times, (variance * (1 - 2 * p)) @ times

    t, (k, _, variance, third) = _saddle(counts, (chances > 0) @ times, cumulants)
    found = _lugannani_rice(counts, t, k, variance, third)
    narrow = np.flatnonzero(np.any([(t >= tilt) & (variance <= most) for tilt, most in _INVERTED], axis=0))
    for part in np.array_split(narrow, 1 + len(narrow) * chances.shape[1] * _POINTS // _CELLS):
        found[part] = _inverted(counts[part], chances[part], times, t[part], k[part])
    return found


def _inverted(counts: Numbers, chances: Reals, times: Numbers, t: Reals, k: Reals) -> Reals:
    """Sum up the tail of trials that are tilted by `t` by the inversion of their characteristic function.

    The tilted sums lie about the count, and what is beyond it falls by exp(-t) a step: few points are enough.
    """
    turn = np.exp(2j * np.pi * np.arange(_POINTS) / _POINTS)
    succeed = chances / (chances + (1 - chances) * np.exp(-t)[:, None])
    each = 1 + succeed[:, :, None] * (turn - 1)
    characteristic = np.prod(each ** times[:, None], axis=1)
    tail = characteristic * turn ** -(counts[:, None] % _POINTS) / (1 - np.exp(-t)[:, None] / turn)
    found: Reals = np.exp(k - t * counts) * tail.real.mean(axis=1)
    return found


def _saddle(
    counts: Numbers, top: Numbers, cumulants: Callable[[Reals], Cumulants]
) -> tuple[Reals, Cumulants]:
    """Find where each sum, tilted, is expected to be half below `counts`, and the cumulants there.

    Parameters
    ----------
    counts, top
        Each count is above 0 and at most the largest possible, `top`.
    cumulants
        Gives the generating function of the cumulants of each sum at a place of its own, and its first three
        derivatives.
    """
    x = counts - 0.5
    expected = cumulants(np.zeros(len(x)))[1]
    with np.errstate(divide="ignore"):
        t = np.clip(np.log(x / expected * ((top - expected) / (top - x))), -_FARTHEST, _FARTHEST)
    low, high = np.full(len(x), -_FARTHEST), np.full(len(x), _FARTHEST)
    for _ in range(_STEPS):
        found = cumulants(t)
        _, mean, variance, _ = found
        off = x - mean
        if np.all(np.abs(off) <= _CLOSE * x):
            break
        low, high = np.where(off > 0, t, low), np.where(off < 0, t, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = t + off / variance
        t = np.where((low <= step) & (step <= high), step, (low + high) / 2)
    return t, found


def _lugannani_rice(counts: Numbers, t: Reals, k: Reals, variance: Reals, third: Reals) -> Reals:
    """Approximate how probable at least `counts` is by the cumulants at the saddlepoint."""
    x = counts - 0.5
    w = np.sign(t) * np.sqrt(2 * np.maximum(0.0, t * x - k))
    u = 2 * np.sinh(t / 2) * np.sqrt(variance)
    near = np.abs(w) < _NEAR  # there the two are nearly equal, and their difference has a limit
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.where(near, -third / (6 * variance**1.5), 1 / u - 1 / w)
    from scipy.special import ndtr

    found: Reals = ndtr(-w) + np.exp(-(w**2) / 2) / np.sqrt(2 * np.pi) * skew
    return found
