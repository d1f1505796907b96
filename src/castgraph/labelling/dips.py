"""Runs of days in which one station departs from the others.

What is judged is how like a station is to the others, day by day, as `castgraph.labelling.published` has it.
From that is taken what is no sign of a wrong label: what all stations share (a day on which each goes its own
way), slow change over years, and what a season does every year, such as a station's own programme for the
holidays. What is left is brought to normal scores, in which change points are found; a stretch between two of
them that lies far below the days on both sides is a run. A station that never comes back has changed: that is
no run.

References
----------
Killick, Fearnhead and Eckley, "Optimal Detection of Changepoints With a Linear Computational Cost", Journal
of the American Statistical Association 107 (2012), 1590-1598: PELT. Truong, Oudre and Vayatis, "Selective
review of offline change point detection methods", Signal Processing 167 (2020), 107299: the library
``ruptures``. Benjamini and Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical
Society B 57 (1995), 289-300.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.fdr import benjamini_hochberg

AT_MOST = 0.05
"""The share of false runs that is put up with among those that are found."""

LONGEST = 183
"""Days with data of a run; what lasts longer has changed."""

OPEN = 42
"""Days of a run that the data begin or end with: whether a station returns from a longer one is not known."""

LEAST = 0.8
"""How far below the days around, in standard deviations, the days of a run lie: five of six of them are then
below what is usual there."""

DROP = 0.1
"""How far below, in r: where something else is shown it is much, however sure a smaller difference is."""

SHORT = 100
"""Days below which the tail of a station is not seen, and held to be that of Student's t of 2 degrees."""

FLANK = 60
"""Days on either side that a run is compared with."""

FEWEST = 10
"""Days that are needed on a side, and in all of a station twice as many, to say what is usual."""

_YEAR, _SEASON = 260, 5  # days on either side: of the slow change, and of the season in other years
_YEARS = 3  # other years that are needed to know a season
_EDGE = 10  # days by which an edge may move to where it fits best
_APART = 3  # days between runs of different stations that are found at once
_MOST_ROUNDS = 100

Floats = NDArray[np.float64]


class Run(NamedTuple):
    """A run of days: whose it may be, its place in the days of the table, and what was found of it."""

    p: float
    stations: tuple[int, ...]
    first: int
    last: int
    n_days: int
    z: float
    flanks: NDArray[np.intp]


def find(correlation: pa.Table, *, at_most: float = AT_MOST) -> pa.Table:
    """Find the runs of days in which one station departs from the others.

    Parameters
    ----------
    correlation
        Of the schema `castgraph.base.tables.CORRELATION`.
    at_most
        The share of false runs that is put up with among those that are found.

    Returns
    -------
    pyarrow.Table
        Of the schema `castgraph.base.tables.DIPS`, by station and first day. ``z`` and ``r - usual`` are
        negative. Where there are only two stations to compare, which of them departs cannot be told, and both
        have the run.

    Notes
    -----
    Stations that are found to depart are set aside in these days, and the others are judged again: a station
    is not held to depart because the one it is compared with does. A run counts where both sides of it lie
    above it, each by half of what both do together; ``p`` allows for days that are like the day before.
    ``q`` takes each day to begin a test of each length of 1, 2, 4, … days.

    References
    ----------
    See the top of this module.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> rng = np.random.default_rng(0)
    >>> rows = []
    >>> for n in range(200):
    ...     day = date(2012, 9, 3) + timedelta(n)
    ...     for station, other in (("ABC", "CBS"), ("ABC", "NBC"), ("CBS", "NBC")):
    ...         r = rng.normal(0.2 if "CBS" in (station, other) and 88 <= n < 123 else 0.8, 0.05)
    ...         rows.append(dict(day=day, station=station, other=other, r=r, n_entities=500, reason=""))
    >>> found = find(pa.Table.from_pylist(rows, tables.CORRELATION))
    >>> [(row["station"], str(row["first"]), str(row["last"])) for row in found.to_pylist()]
    [('CBS', '2012-11-30', '2013-01-03')]
    """
    days, stations, pairs, r, n_entities = _pairs(correlation)
    if not len(days):
        return tables.DIPS.empty_table()
    level = r - np.array([np.median(known) if len(known := x[np.isfinite(x)]) else 0 for x in r.T])
    change = r - np.column_stack([_each(_slow, column, _YEAR) for column in r.T])
    aside = np.zeros((len(days), len(stations)), bool)
    found: list[Run] = []
    n_tests = 0
    for _ in range(_MOST_ROUNDS):
        left = np.where(aside[:, pairs[:, 0]] | aside[:, pairs[:, 1]], np.nan, 1.0)
        series = {}
        for station, own in enumerate(_departures(change * left, pairs, len(stations))):
            there = np.flatnonzero(np.isfinite(own))
            if len(there) >= 2 * FEWEST:
                series[station] = there, own[there] - _season(own[there], days[there])
        levels = _departures(level * left, pairs, len(stations))
        n_tests = sum(len(x) * min(len(x), 2 * LONGEST).bit_length() for _, x in series.values())
        candidates: list[Run] = []
        for station, (there, x) in series.items():
            of_station = _Series(there, levels[station][there], _standard(x), n_entities[there])
            candidates += _candidates(of_station, station)
        most = at_most / n_tests if n_tests else 0.0
        new = _taken(sorted(candidates), most, len(found), partial(_is_own, pairs=pairs, level=level * left))
        if not new:
            break
        found += [run._replace(stations=_whose(run, pairs, r * left)) for run in new]
        for run in new:
            aside[run.first : run.last + 1, run.stations[0]] = True
    return _table(found, n_tests, days, stations, pairs, r)


def _pairs(
    correlation: pa.Table,
) -> tuple[NDArray[np.int32], list[str], NDArray[np.intp], Floats, NDArray[np.int32]]:
    """Arrange a table.

    Returns
    -------
    days, stations, pairs, r, n_entities
        Pairs of stations of shape (n_pairs, 2), and r of shape (n_days, n_pairs).
    """
    rows = correlation.filter(pc.not_equal(correlation["other"], ""))
    stations = sorted({*rows["station"].unique().to_pylist(), *rows["other"].unique().to_pylist()})
    names = pa.array(stations, pa.string())
    ends = np.column_stack(
        [pc.index_in(rows[end].combine_chunks(), names).to_numpy() for end in ("station", "other")]
    )
    days, row = np.unique(rows["day"].cast(pa.int32()).to_numpy(), return_inverse=True)
    pairs, column = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    r = np.full((len(days), len(pairs)), np.nan)
    r[row, column.ravel()] = rows["r"].to_numpy()
    n_entities = np.zeros(len(days), np.int32)
    n_entities[row] = rows["n_entities"].to_numpy()
    return days, stations, pairs.astype(np.intp), r, n_entities


def _each(function: Callable[[Floats, int], Floats], x: Floats, n: int) -> Floats:
    """Apply a function to the values that are there, as if they followed each other."""
    out = np.full(len(x), np.nan)
    there = np.isfinite(x)
    if there.any():
        out[there] = function(x[there], n)
    return out


def _slow(x: Floats, n: int) -> Floats:
    """Give the median of `n` values on either side: it follows what changes for good, and no shorter run."""
    from scipy.ndimage import median_filter

    found: Floats = median_filter(x, 2 * min(n, len(x)) + 1, mode="reflect")
    return found


def _mean(x: Floats) -> Floats:
    """Average what is there of each row."""
    n = np.isfinite(x).sum(axis=1)
    return np.where(n > 0, np.nansum(x, axis=1) / np.maximum(n, 1), np.nan)


def _departures(deviation: Floats, pairs: NDArray[np.intp], n_stations: int) -> list[Floats]:
    """Tell how far each station is from the others each day, without what the others are from each other.

    Parameters
    ----------
    deviation
        Of each pair from what is usual, of shape (n_days, n_pairs); NaN where that is not known.
    pairs
        The stations of each pair.
    n_stations
        How many there are.

    Returns
    -------
    list of ndarray of shape (n_days,)
        Below 0 where a station is less like the others than usual.
    """
    total, n_total = np.nansum(deviation, axis=1), np.isfinite(deviation).sum(axis=1)
    found = []
    for station in range(n_stations):
        own = deviation[:, (pairs == station).any(axis=1)]
        n_own = np.isfinite(own).sum(axis=1)
        n_rest = n_total - n_own
        rest = np.where(n_rest > 0, (total - np.nansum(own, axis=1)) / np.maximum(n_rest, 1), np.nan)
        own = _mean(own)
        both = np.isfinite(own) & np.isfinite(rest)
        if both.sum() >= 2 * FEWEST:
            x, y = (np.clip(each, *np.quantile(each, [0.05, 0.95])) for each in (rest[both], own[both]))
            variance = x.var()
            covariance = np.mean((x - x.mean()) * (y - y.mean()))
            shared = np.clip(covariance / variance, 0, 1) if variance > 0 else 0.0
            own = own - shared * np.where(both, rest, 0)
        found.append(own)
    return found


def _season(x: Floats, days: NDArray[np.int32]) -> Floats:
    """Give the median of the same season in the other years; 0 where too few are known."""
    moments = days.astype("datetime64[D]")
    years = moments.astype("datetime64[Y]")
    of_year = (moments - years.astype("datetime64[D]")).astype(int)
    number = years.astype(int) - years.astype(int).min()
    n_years = int(number.max()) + 1
    if n_years <= _YEARS:
        return np.zeros(len(x))
    table = np.full((n_years, 366), np.nan)
    table[number, of_year] = x
    around = np.stack([np.roll(table, shift, axis=1) for shift in range(-_SEASON, _SEASON + 1)])
    season = np.zeros((n_years, 366))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of days without any value
        by_year = np.nanmedian(around, axis=0)
        for year in range(n_years):
            others = np.delete(by_year, year, axis=0)
            enough = np.isfinite(others).sum(axis=0) >= _YEARS
            season[year] = np.where(enough, np.nanmedian(others, axis=0), 0)
    found: Floats = season[number, of_year]
    return found


def _standard(x: Floats) -> Floats:
    """Standardise by median and by the MAD of the season."""
    spread = 1.4826 * _slow(np.abs(x - _slow(x, _YEAR // 12)), _YEAR)
    least = max(float(np.median(spread)) / 4, DROP / 5)
    z: Floats = (x - np.median(x)) / np.maximum(spread, least)
    return z


def _scores(z: Floats) -> Floats:
    """Bring values to normal scores: their lower tail is as heavy as the lowest fifth of them says.

    It is between that of a normal and that of an exponential distribution, where `SHORT` or more are known.
    """
    from scipy.special import ndtri, stdtr

    if len(z) < SHORT:
        found: Floats = ndtri(stdtr(2, z))
        return found
    order = np.argsort(z, kind="stable")
    rank = np.empty(len(z))
    rank[order] = np.arange(len(z))
    score: Floats = ndtri((rank + 0.5) / len(z))
    low, lower = -ndtri(0.2), -ndtri(0.02)
    near, far = (-float(np.quantile(z, share)) for share in (0.2, 0.02))
    if near > 0:
        power = np.clip(np.log(lower / low) / np.log(max(far / near, 1 + 1e-9)), 0.5, 1)
        below = z < -near
        score[below] = -low * (z[below] / -near) ** power
    return score


class _Series(NamedTuple):
    """A station's days with data.

    Attributes
    ----------
    there
        Their places in the days of the table.
    level
        How far the station is from the others.
    z
        The same without slow change and season, standardised.
    n_entities
        Entities that are compared.
    """

    there: NDArray[np.intp]
    level: Floats
    z: Floats
    n_entities: NDArray[np.int32]


def _candidates(series: _Series, station: int) -> Iterator[Run]:
    """Judge what may be runs: stretches between change points, and single days that lie far below."""
    score = _scores(series.z)
    seen: set[tuple[int, int]] = set()
    for first, end in _stretches(score):
        if end - first > 1:
            first, end = _edges(series.level, first, end)
        if (first, end) not in seen:
            seen.add((first, end))
            run = _judged(series, score, first, end)
            if run is not None:
                yield run._replace(stations=(station,))


def _stretches(score: Floats) -> Iterator[tuple[int, int]]:
    """Give the stretches between change points, up to four at once, and each day that is far below."""
    yield from ((n, n + 1) for n in np.flatnonzero(score < -3).tolist())
    import ruptures  # no others need it

    signal = np.clip(score, -6, 6)[:, None]
    # PELT with the cost of the mean; the penalty is that of BIC.
    finder = ruptures.KernelCPD(kernel="linear", min_size=2).fit(signal)
    ends = [0, *finder.predict(pen=2 * np.log(len(score)))]
    for n, first in enumerate(ends[:-1]):
        for end in ends[n + 1 : n + 5]:
            if end - first <= LONGEST:
                yield first, end


def _edges(level: Floats, first: int, end: int) -> tuple[int, int]:
    """Move the edges of a run to where the days inside and outside are best told apart."""
    flanks = np.concatenate([level[max(0, first - FLANK) : first], level[end : end + FLANK]])
    if not len(flanks):
        return first, end
    usual, low = np.median(flanks), np.median(level[first:end])
    half = abs(usual - low) / 2
    inside = np.clip((usual + low) / 2 - level, -half, half)
    centre = (first + end) // 2
    left = np.cumsum(inside[max(0, first - _EDGE) : centre + 1][::-1])
    right = np.cumsum(inside[centre : end + _EDGE])
    return centre - int(np.argmax(left)), centre + int(np.argmax(right)) + 1


def _judged(series: _Series, score: Floats, first: int, end: int) -> Run | None:
    """Compare a run with the days on both sides; None where it is none."""
    from scipy.special import ndtr

    before = np.arange(max(0, first - FLANK), first)
    after = np.arange(end, min(len(score), end + FLANK))
    flanks = np.concatenate([before, after])
    n_days = end - first
    sides = [side for side in (before, after) if len(side) >= FEWEST]
    if len(flanks) < FEWEST or (len(sides) < 2 and n_days > OPEN):
        return None
    inside, least = score[first:end].mean(), np.median(score[flanks])
    shift = inside - least
    below = np.median(series.level[flanks]) - np.median(series.level[first:end])
    if shift > -LEAST or below < DROP or series.n_entities[first:end].sum() < 3:
        return None  # of two entities r is 1 or -1, whatever they are
    for side in sides:
        is_above = inside - np.median(score[side]) <= shift / 2
        if not is_above or np.median(series.level[side]) - np.median(series.level[first:end]) < below / 2:
            return None
    n_telling = _n_telling(score, first, end)
    statistic = shift * np.sqrt(n_telling / (1 + n_days / len(flanks)))
    return Run(
        p=float(ndtr(statistic)),
        stations=(),
        first=int(series.there[first]),
        last=int(series.there[end - 1]),
        n_days=int(n_days),
        z=float(np.median(series.z[first:end]) - np.median(series.z[flanks])),
        flanks=series.there[flanks],
    )


def _n_telling(score: Floats, first: int, end: int) -> float:
    """Tell how many days the days of a run are worth: fewer where each day is like the day before.

    How like that is the days outside the run say.
    """
    x = np.clip(score, -2.5, 2.5)
    x -= np.median(x)
    x[first:end] = 0
    n_outside = len(x) - (end - first)
    variance = (x @ x) / max(n_outside, 1)
    like = np.clip((x[1:] @ x[:-1]) / max(n_outside - 2, 1) / variance, 0, 0.9) if variance > 0 else 0.0
    n = end - first
    return float(n / (1 + 2 * like / (1 - like) * (1 - 1 / n)))


def _is_own(run: Run, pairs: NDArray[np.intp], level: Floats) -> bool:
    """Tell whether others go on as usual while a station departs: at least the two that are most alike."""
    is_own = (pairs == run.stations[0]).any(axis=1)
    level = np.concatenate([level[run.first : run.last + 1], level[run.flanks]])
    n_inside = run.last + 1 - run.first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of days on which nothing is known
        own, rest = (
            np.nanmedian(part[n_inside:]) - np.nanmedian(part[:n_inside])
            for part in (_mean(level[:, is_own]), np.nanmax(level[:, ~is_own], axis=1, initial=-np.inf))
        )
    return bool(rest <= own / 2) or not np.isfinite(rest)


def _taken(candidates: list[Run], most: float, n_before: int, is_own: Callable[[Run], bool]) -> list[Run]:
    """Take the runs that count, from the surest on, and of those that overlap the surest.

    Parameters
    ----------
    candidates
        Sorted by p.
    most
        What p may be at most for the first run; for each further it may be as much more.
    n_before
        Runs that were taken before.
    is_own
        Whether the station departs and not all of them.
    """
    taken: list[Run] = []
    for run in candidates:
        if run.p > most * (n_before + len(taken) + 1):
            break
        is_apart = all(run.last + _APART < each.first or run.first - _APART > each.last for each in taken)
        if is_apart and is_own(run):
            taken.append(run)
    return taken


def _table(
    found: list[Run],
    n_tests: int,
    days: NDArray[np.int32],
    stations: list[str],
    pairs: NDArray[np.intp],
    r: Floats,
) -> pa.Table:
    """Write down what was found, with q over all tests."""
    q = benjamini_hochberg(np.array([run.p for run in found]), n_tests=n_tests)
    rows = []
    for run, each_q in zip(found, q, strict=True):
        inside = np.arange(run.first, run.last + 1)
        for station in run.stations:
            if _is_within(run, station, found):
                continue
            own = _mean(r[:, (pairs == station).any(axis=1)])
            rows.append(
                {
                    "station": stations[station],
                    "first": days[run.first],
                    "last": days[run.last],
                    "n_days": run.n_days,
                    "r": float(np.nanmedian(own[inside])),
                    "usual": float(np.nanmedian(own[run.flanks])),
                    "z": run.z,
                    "p": run.p,
                    "q": float(each_q),
                }
            )
    rows.sort(key=lambda row: (row["station"], row["first"]))
    columns = {name: [row[name] for row in rows] for name in tables.DIPS.names}
    for name in ("first", "last"):
        columns[name] = pa.array(columns[name], pa.int32()).cast(pa.date32())
    return pa.table(columns, tables.DIPS)


def _is_within(run: Run, station: int, found: list[Run]) -> bool:
    """Tell whether a run is part of a longer one of the same station."""
    return any(
        other.first <= run.first and run.last <= other.last and other[2:4] != run[2:4]
        for other in found
        if station in other.stations
    )


def _whose(run: Run, pairs: NDArray[np.intp], r: Floats) -> tuple[int, ...]:
    """Tell whose run it is: two stations', the one it was found of first, where only they can be compared."""
    [station] = run.stations
    known = np.isfinite(r[run.first : run.last + 1])
    known = known[known[:, (pairs == station).any(axis=1)].any(axis=1)]
    if 2 * (known.sum(axis=1) == 1).sum() <= len(known):
        return run.stations
    pair = pairs[np.argmax(known[known.sum(axis=1) == 1].sum(axis=0))]
    return (station, int(pair[pair != station][0]))
