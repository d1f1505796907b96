"""How like each broadcast is to the others of its title, and to other titles."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array, vstack
from scipy.special import stdtr

from castgraph.base import tables
from castgraph.labelling.alike import (
    CHUNK,
    SEASON,
    Floats,
    Season,
    Space,
    mad,
    of_rows,
    pearson,
    places,
    season,
    space,
)
from castgraph.labelling.units import Flags, Ints, Path, Titles, Units, as_one, read_units, titled
from castgraph.labelling.verdicts import LEVEL, Found, verdicts

APART = 40
"""A run of wrong ones is no longer than this, about: what a broadcast has to be like is farther away."""

LIKE = 0.2
"""A broadcast is of its title if it is like so large a share of those before it, or after it."""

HALF = 0.5
"""Where between the likeness of other titles and that of its own a broadcast is as like one as the other."""

UNLIKE = 0.25
"""Up to where between these two a broadcast is like nothing of its title."""

SPREAD = 0.15
"""Likeness spreads at least so much, as far as is believed."""

PRIOR = 5
"""How many broadcasts of its own title count as much as those of all titles together, for the spread."""

LASTS = 3
"""So many in a row that are like each other may be what a title has become."""

PASSES = 4
"""How often broadcasts are compared anew, without those that were found wrong."""

_HOUR = 3600  # seconds


def judge(
    entities: pa.Table | Path,
    dips: pa.Table | None = None,
    *,
    broadcasts: pa.Table | Path | None = None,
    timezone: str = "UTC",
) -> pa.Table:
    """Compare each broadcast with the others of its title, and with other titles.

    Parameters
    ----------
    entities
        Of the schema `castgraph.base.tables.ENTITIES`, or the path of such a table, which is read as a
        stream.
    dips
        Runs of days in which a station departs from the others, of the schema
        `castgraph.base.tables.DIPS`: the days of that station in them are suspects, where no broadcasts are
        known.
    broadcasts
        All broadcasts, of the schema `castgraph.base.tables.BROADCASTS`, so that those without any entity
        are told of, too.
    timezone
        Whose days are compared.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.LIKENESS`.

    Notes
    -----
    Two broadcasts are as like as the cosine of the logarithms of their counts, for each kind of entity. The
    kinds are joined by weights: how much more alike two of one title are than two of different titles, over
    the variance of this (Fisher's linear discriminant, the kinds taken as independent). Kinds that tell
    nothing have none; a kind that one of the two does not have is left out.

    A broadcast is a suspect in one of two ways. *It is another title*: it is as like another title as that
    title's own are, and no more like its own than others are. *It is like nothing of its title*: it is
    unlike nearly all that are more than a run of wrong ones away, before and after, while these are like each
    other. Either has to be rare: the difference is taken in robust standard deviations (median and MAD of its
    season, with the spread of all titles where there are few), which gives p by Student's t, and q for all
    that are judged by Benjamini and Hochberg.

    References
    ----------
    Benjamini and Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical Society
    B 57 (1995), 289-300.
    Smyth, "Linear Models and Empirical Bayes Methods", Statistical Applications in Genetics and Molecular
    Biology 3 (2004): a spread of few values is drawn to that of all.
    """
    units = read_units(entities, broadcasts, ZoneInfo(timezone))
    if not len(units):
        return tables.LIKENESS.empty_table()
    titles = titled(units)
    titles = as_one(units, titles, _syndicated(units, titles))
    where, found, trusted = _compared(units, titles)
    return _table(units, titles, where, found, trusted, dips)


def _syndicated(units: Units, titles: Titles) -> Iterator[tuple[int, int]]:
    """Find titles of one name at several stations that are as alike as one title is."""
    by_name: dict[str, list[int]] = {}
    for title, members in enumerate(titles.members):
        if len(members) and units.keys[members[0]][0] is not None:
            by_name.setdefault(titles.spelled[title], []).append(title)
    several = [each for each in by_name.values() if len(each) > 1]
    if not several:
        return
    where = space(units, titles, titles.of >= 0)
    for group in several:
        some = {title: _sample(titles.members[title]) for title in group}
        for one, other in combinations(group, 2):
            like = where.between(some[one], some[other])
            if np.isfinite(like).any() and np.nanmedian(like) >= HALF:
                yield one, other


def _sample(members: Ints) -> Ints:
    some: Ints = members[np.linspace(0, len(members) - 1, min(len(members), 20)).astype(int)]
    return some


# ---- comparing -------------------------------------------------------------------------------------------


def _compared(units: Units, titles: Titles) -> tuple[Space, Found, Flags]:
    """Compare all, then again without those that are found wrong: the scale, too, is set without them."""
    has_title = titles.of >= 0
    trusted = has_title
    where = space(units, titles, trusted)
    seasons = [season(where, members) for members in titles.members]
    for number in range(PASSES):
        found = _pass(units, titles, where, seasons, trusted)
        # Which are another title is seen before the spread is, which they make large where there are few.
        wrong = found.is_other | (found.is_odd & ~found.lasts & (found.p <= LEVEL))
        if np.array_equal(trusted, has_title & ~wrong) or number == PASSES - 1:
            break
        trusted = has_title & ~wrong
        if not number:
            where = space(units, titles, trusted)
            seasons = [season(where, members) for members in titles.members]
    return where, found, trusted


class _Measured(NamedTuple):
    """What is measured of each broadcast; NaN where it is not known."""

    n_same: Ints
    own: Floats
    before: Floats
    after: Floats
    fellow: Floats
    far_before: Floats
    far_after: Floats
    other: Floats
    other_title: Ints
    against: list[Floats]


def _pass(units: Units, titles: Titles, where: Space, seasons: list[Season], trusted: Flags) -> Found:
    n = len(units)
    own, before, after, fellow, far_before, far_after, other = (np.full(n, np.nan) for _ in range(7))
    n_same, other_title = np.zeros(n, np.int64), np.full(n, -1, np.int64)
    means = _Means(units, titles, where, trusted)
    against = [means.likeness(members) for members in titles.members]
    for title, members in enumerate(titles.members):
        at, like = seasons[title]
        counts = np.isfinite(like) & trusted[members][at] if len(members) else np.zeros(like.shape, bool)
        others = np.where(counts, like, np.nan)
        n_same[members] = counts.sum(axis=1)
        # The median, and of two the higher: one of few may be wrong.
        own[members] = of_rows(others)
        before[members], after[members] = _neighbours(like, at)
        fellow[members], far_before[members], far_after[members] = _fellows(others, at)
        against[title][:, title] = np.nan
    untitled = np.flatnonzero((titles.of < 0) & units.has.any(axis=1))
    untitled = untitled[np.argsort(units.time[untitled], kind="stable")]
    for members, likeness in (
        *zip(titles.members, against, strict=True),
        (untitled, means.likeness(untitled)),
    ):
        some = np.isfinite(likeness).any(axis=1)
        if some.any():
            best = np.where(np.isfinite(likeness), likeness, -np.inf).argmax(axis=1)[some]
            other_title[members[some]] = best
            other[members[some]] = likeness[some, best]
    measured = _Measured(
        n_same, own, before, after, fellow, far_before, far_after, other, other_title, against
    )
    return _tested(titles, seasons, trusted, measured, where.least)


def _neighbours(like: Floats, at: Ints) -> tuple[Floats, Floats]:
    """Give the likeness to the broadcast before and to the one after."""
    n = len(at)
    rows, middle = np.arange(n), at.shape[1] // 2
    if not n:
        return np.empty(0), np.empty(0)
    return like[rows, middle - 1], like[rows, middle + 1]


def _fellows(others: Floats, at: Ints) -> tuple[Floats, Floats, Floats]:
    """Tell how like each is to the most like of those far enough away: on any side, before and after."""
    n = len(at)
    away = np.where(at >= 0, at - np.arange(n)[:, None], 0)
    apart = min(APART, n // 5) if n > 10 else 0

    def most(chosen: Flags) -> Floats:
        return of_rows(np.where(chosen, others, np.nan), 1 - LIKE)

    if not apart:
        every = most(away != 0)
        return every, np.full(n, np.nan), np.full(n, np.nan)
    before, after = most(away < -apart), most(away > apart)
    return np.fmax(before, after), before, after


class _Means:
    """The means of titles about a time."""

    def __init__(self, units: Units, titles: Titles, where: Space, trusted: Flags) -> None:
        self._units, self._space = units, where
        self._members = [each[trusted[each]] for each in titles.members]
        self._times = [units.time[each] for each in self._members]
        self._known: dict[tuple[int, int, int], tuple[csr_array, Floats]] = {}

    def likeness(self, rows: Ints) -> Floats:
        """Give the likeness of some, which are in the order of time, to each title about their time."""
        found = np.full((len(rows), len(self._members)), np.nan)
        for begin in range(0, len(rows) if self._members else 0, CHUNK):
            part = rows[begin : begin + CHUNK]
            times = self._units.time[part[[0, -1]]]
            means = [self._mean(title, times) for title in range(len(self._members))]
            product = (self._space.vectors[part] @ vstack([each for each, _ in means]).T).toarray()
            has = np.array([known for _, known in means])
            found[begin : begin + len(part)] = self._space.scaled(product, part, has)
        return found

    def _mean(self, title: int, times: Ints) -> tuple[csr_array, Floats]:
        """Give the mean of each kind, and whether it is known."""
        first, last = np.searchsorted(self._times[title], times)
        first, last = max(int(first) - SEASON, 0), min(int(last) + SEASON, len(self._times[title]))
        key = title, first, last
        if key not in self._known:
            rows = self._members[title][first:last]
            n = self._units.has[rows].sum(axis=0)
            mean = csr_array(self._space.vectors[rows].sum(axis=0)[None, :])
            mean.data = mean.data / np.maximum(n, 1)[self._space.kind[mean.indices]]
            self._known[key] = mean.astype(np.float32), (n > 0).astype(np.float64)
        return self._known[key]


# ---- testing ---------------------------------------------------------------------------------------------


class _Usual(NamedTuple):
    """What is usual of a number for each broadcast: itself left out, drawn to that of all where few are."""

    centre: Floats
    spread: Floats
    z: Floats
    p: Floats


def _around(values: Floats, trusted: Flags, rows: Ints | None = None) -> tuple[Floats, Floats, Ints]:
    """Give the median and MAD of the others of the season of each of a title, and how many they are."""
    n = len(values)
    at = places(n)
    which = np.arange(n) if rows is None else rows
    at = at[which]
    use = (at >= 0) & (at != which[:, None]) & trusted[at] & np.isfinite(values[at])
    around = np.where(use, values[at], np.nan)
    median = of_rows(around)
    return median, 1.4826 * of_rows(np.abs(around - median[:, None])), use.sum(axis=1)


def _usual(values: Floats, titles: Titles, trusted: Flags, least: float) -> _Usual:
    n = len(values)
    median, deviation, many = np.full(n, np.nan), np.zeros(n), np.zeros(n, np.int64)
    for members in titles.members:
        if len(members):
            median[members], deviation[members], many[members] = _around(values[members], trusted[members])
    good = trusted & np.isfinite(values) & (many > 0)
    overall = _median(values[good])
    # The differences of two are the same but for their sign: they tell less.
    pooled = max(mad((values - median)[good & (many > 1)]), SPREAD, least)
    centre = np.where(many > 0, (many * np.nan_to_num(median) + overall) / (many + 1), overall)
    variance = (many * np.nan_to_num(deviation) ** 2 + PRIOR * pooled**2) / (many + PRIOR)
    spread = np.maximum(np.sqrt(variance), SPREAD)
    z = (values - centre) / (spread * np.sqrt(1 + 1 / np.maximum(many, 1)))
    return _Usual(centre, spread, z, stdtr(many + PRIOR - 1, z))


def _tested(
    titles: Titles, seasons: list[Season], trusted: Flags, measured: _Measured, least: float
) -> Found:
    """Tell which are another title, and which are like nothing of their own."""
    own, other, fellow, n_same = measured.own, measured.other, measured.fellow, measured.n_same
    by_margin, by_own, by_fellow = (
        _usual(values, titles, trusted, least) for values in (own - other, own, fellow)
    )
    apart, theirs = _between(titles, trusted, measured)
    apart_or_none = np.nan_to_num(apart)
    most = np.nan_to_num(_usual(other, titles, trusted, least).centre)
    half_own, half_fellow = (apart + HALF * (by_own.centre - apart), most + HALF * (by_fellow.centre - most))
    with np.errstate(invalid="ignore"):
        is_other = (
            (n_same > 0)
            & (own <= half_own)
            & (other >= apart + np.where(n_same > 1, HALF, 1 - UNLIKE) * (theirs - apart))
            & (own < other)
            & (by_own.centre - apart >= by_own.spread)
        )
        # Like nothing of its title far away; or, in all, as little as others are.
        is_odd = (fellow <= most + UNLIKE * (by_fellow.centre - most)) | (
            (fellow <= most + (UNLIKE + HALF) / 2 * (by_fellow.centre - most))
            & (own <= apart_or_none + UNLIKE * (by_own.centre - apart_or_none))
        )
        is_odd &= (n_same > 1) & ~is_other & (own <= apart_or_none + HALF * (by_own.centre - apart_or_none))
        unlike_pair = (n_same == 1) & (own <= half_own) & ~is_other
        changed = (measured.far_before <= half_fellow) & (measured.far_after > half_fellow) & ~is_other
    by_other = is_other | (~is_odd & (by_margin.z <= by_fellow.z))
    z = np.where(by_other, by_margin.z, by_fellow.z)
    # Of the two ways the better one is taken.
    p = np.minimum(2 * np.where(by_other, by_margin.p, by_fellow.p), 1)
    judged = (n_same > 0) & ~unlike_pair
    return Found(
        n_same=n_same,
        own=own,
        before=measured.before,
        after=measured.after,
        other=other,
        other_title=measured.other_title,
        z=np.where(judged, z, np.nan),
        p=np.where(judged, p, np.nan),
        is_other=is_other,
        is_odd=is_odd,
        lasts=_lasting(titles, seasons, is_odd, half_fellow),
        changed=changed,
        unlike_pair=unlike_pair,
    )


def _between(titles: Titles, trusted: Flags, measured: _Measured) -> tuple[Floats, Floats]:
    """Tell how like the title of each is to the one it is most like instead, and that is to itself."""
    n, other = len(measured.own), measured.other_title
    apart = np.full(n, np.nan)
    for members, likeness in zip(titles.members, measured.against, strict=True):
        for title in np.unique(other[members]).tolist():
            mine = other[members] == title
            if title >= 0:
                rows = np.flatnonzero(mine)
                apart[members[rows]] = _around(likeness[:, title], trusted[members], rows)[0]
    apart = np.where(np.isfinite(apart), apart, _median(measured.other[trusted & (other >= 0)]))
    levels = []
    for members in titles.members:
        values = measured.own[members[trusted[members]]]
        values = values[np.isfinite(values)]
        # Drawn to 1, which the scale has for broadcasts of one title.
        levels.append((np.median(values) * len(values) + 1) / (len(values) + 1) if len(values) else 1.0)
    return apart, np.where(other >= 0, np.array([*levels, np.nan])[other], np.nan)


def _lasting(titles: Titles, seasons: list[Season], is_odd: Flags, half: Floats) -> Flags:
    """Tell which odd ones are the first or the last of their title that there are, and like each other."""
    lasts = np.zeros(len(is_odd), bool)
    for members, (at, like) in zip(titles.members, seasons, strict=True):
        odd = is_odd[members]
        n = len(odd)
        if not odd.any() or odd.all():
            continue
        first, last = int(odd.argmin()), n - int(odd[::-1].argmin())
        for begin, end in ((0, first), (last, n)):
            if end - begin >= LASTS:
                among = (at[begin:end] >= begin) & (at[begin:end] < end)
                alike = of_rows(np.where(among, like[begin:end], np.nan))
                lasts[members[begin:end]] = alike > half[members[begin:end]]
    return lasts


def _median(values: Floats) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")


# ---- the table -------------------------------------------------------------------------------------------


def _table(
    units: Units, titles: Titles, where: Space, found: Found, trusted: Flags, dips: pa.Table | None
) -> pa.Table:
    said = verdicts(units, titles, found, dips)
    has_other = found.other_title.tolist()
    columns = [
        *zip(*units.keys, strict=True),
        [titles.spelled[at] if at >= 0 else "" for at in titles.of.tolist()],
        found.n_same,
        found.own,
        pearson(units, titles, where, trusted),
        found.before,
        found.after,
        _hour(units, where),
        found.other,
        [titles.names[at] if at >= 0 else "" for at in has_other],
        _most_like(units, titles, where, found.other_title),
        found.z,
        found.p,
        said.q,
        said.verdict,
        said.reason,
    ]
    return pa.table(
        [_column(values, field.type) for values, field in zip(columns, tables.LIKENESS, strict=True)],
        schema=tables.LIKENESS,
    )


def _column(values: object, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    if pa.types.is_floating(kind):
        # Only so far as it is the same in whatever order sums are taken.
        return pa.array(np.round(np.asarray(values, np.float64), 6), kind)
    return pa.array(values, kind)


def _hour(units: Units, where: Space) -> Floats:
    """Give the mean likeness to what other stations have within an hour, or on that day."""
    found = np.full(len(units), np.nan)
    known = np.flatnonzero(units.has.any(axis=1))
    known = known[np.argsort(units.time[known], kind="stable")]
    station = np.array([units.keys[n][1] for n in known.tolist()], object)
    time = units.time[known]
    width = np.array([_HOUR if units.keys[n][3] else 0 for n in known.tolist()], np.int64)
    for begin in range(0, len(known), CHUNK):
        part = slice(begin, begin + CHUNK)
        low, high = time[part] - width[part], time[part] + width[part]
        first, last = np.searchsorted(time, low.min()), np.searchsorted(time, high.max(), "right")
        near = (
            (time[first:last] >= low[:, None])
            & (time[first:last] <= high[:, None])
            & (station[first:last] != station[part][:, None])
        )
        rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
        if len(rows):
            like = where.between(known[part][rows], known[first:last][columns])
            chosen = near[np.ix_(rows, columns)] & np.isfinite(like)
            sums = np.where(chosen, like, 0).sum(axis=1)
            found[known[part][rows]] = sums / np.where(chosen.any(axis=1), chosen.sum(axis=1), np.nan)
    return found


def _most_like(units: Units, titles: Titles, where: Space, other_title: Ints) -> list[str]:
    """Give the broadcast of the other title that each is most like."""
    names = [""] * len(units)
    for title, members in enumerate(titles.members):
        mine = np.flatnonzero(other_title == title)
        mine = mine[np.argsort(units.time[mine], kind="stable")]
        times = units.time[members]
        for begin in range(0, len(mine), CHUNK):
            part = mine[begin : begin + CHUNK]
            first, last = np.searchsorted(times, units.time[part[[0, -1]]])
            near = members[max(int(first) - SEASON, 0) : int(last) + SEASON]
            like = np.nan_to_num(where.between(part, near), nan=-np.inf)
            for row, best in zip(part.tolist(), like.argmax(axis=1).tolist(), strict=True):
                names[row] = units.keys[near[best]][0] or ""
    return names
