"""How like each broadcast is to the others of its title, and to other titles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from scipy.special import stdtr

from castgraph.base import tables
from castgraph.base.text import counted, shortened
from castgraph.labelling.titles import joined

Path = str | os.PathLike[str]

SEASON = 100
"""Broadcasts of a title before, and as many after, with which one is compared: its season."""

APART = 40
"""A run of wrong ones is no longer than this, about: so far away are those that a broadcast has to be like."""

LIKE = 0.2
"""A broadcast is one of its title's kinds if it is like so large a share of those before it, or after it."""

HALF = 0.5
"""Where between the likeness of other titles and that of its own a broadcast is as like one as the other."""

UNLIKE = 0.25
"""Up to where between these two a broadcast is like nothing of its title."""

LEVEL = 0.05
"""The q of a suspect, at most."""

DEPARTS = -2.5
"""The z at which others depart, too, on a holiday."""

RECURS = 3
"""Days of the year that a holiday may lie apart in two years."""

SPREAD = 0.15
"""Likeness spreads at least so much, as far as is believed."""

LEAST_COSINE = 0.05
"""Cosines of one kind spread at least so much, as far as is believed."""

PRIOR = 3
"""How many broadcasts of its own title count as much as those of all titles together, for the spread."""

PASSES = 4
"""How often broadcasts are compared anew, without those that were found wrong."""

_CHUNK = 128  # broadcasts of a title that are compared at a time
_NOTHING, _SPELLED = "", 80
_HOUR = 3600

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Units(NamedTuple):
    """What is judged: broadcasts, or stations on a day, by station and time.

    Attributes
    ----------
    keys
        Broadcast (None for a station's day), station, show, start and day of each.
    time
        Seconds since 1970.
    kinds
        The kinds of entities.
    counts
        For each kind the logarithms of the counts, 1 added; shape (n, n_entities).
    has
        Whether each kind is known of each; shape (n, n_kinds).
    """

    keys: list[tuple[str | None, str, str | None, datetime | None, date]]
    time: Ints
    kinds: list[str]
    counts: list[csr_array]
    has: Flags

    def __len__(self) -> int:
        return len(self.keys)


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
    units = _read(entities, broadcasts, ZoneInfo(timezone))
    if not len(units):
        return tables.LIKENESS.empty_table()
    titles = _titles(units)
    space, found, trusted = _compared(units, titles)
    own_r = _pearson(units, titles, space, trusted)
    return _table(units, titles, space, found, own_r, dips)


# ---- reading ---------------------------------------------------------------------------------------------

_COLUMNS = ("broadcast", "station", "show", "start", "day", "kind", "entity", "count")


def _batches(table: pa.Table | Path, schema: pa.Schema, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    if isinstance(table, pa.Table):
        yield from table.select(list(columns)).to_batches(tables.ROW_GROUP)
    else:
        yield from tables.batches(table, schema, columns)


def _read(entities: pa.Table | Path, broadcasts: pa.Table | Path | None, zone: ZoneInfo) -> Units:
    """Read the entities, and count them by broadcast or station and day."""
    number: dict[tuple[Any, ...], int] = {}
    known: list[tuple[Any, ...]] = []
    vocabulary: dict[str, dict[str, int]] = {}
    parts: list[tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]] = []
    order: dict[str, int] = {}

    def unit(row: tuple[Any, ...]) -> int:
        broadcast, station, _, _, day = row
        key = (broadcast,) if broadcast is not None else (station, day)
        if key not in number:
            number[key] = len(known)
            known.append(row)
        return number[key]

    for batch in _batches(entities, tables.ENTITIES, _COLUMNS):
        if not len(batch):
            continue
        codes = [
            pc.dictionary_encode(_plain(batch[name]), null_encoding="encode")
            for name in ("broadcast", "station", "show", "start", "day")
        ]
        rows, first, where = np.unique(
            np.stack([each.indices.to_numpy(zero_copy_only=False) for each in codes]),
            axis=1,
            return_index=True,
            return_inverse=True,
        )
        values = [each.dictionary.to_pylist() for each in codes]
        of = [
            unit(tuple(of_column[code] for of_column, code in zip(values, column, strict=True)))
            for column in rows.T.tolist()
        ]
        units_of = np.array(of, np.int32)[where.ravel()]
        kinds = pc.dictionary_encode(_plain(batch["kind"]))
        kind = kinds.indices.to_numpy(zero_copy_only=False)
        entity = batch["entity"]
        count = batch["count"].to_numpy(zero_copy_only=False)
        for place, name in enumerate(kinds.dictionary.to_pylist()):
            chosen = np.flatnonzero(kind == place)
            words = pc.dictionary_encode(entity.take(pa.array(chosen)))
            own = vocabulary.setdefault(name, {})
            order.setdefault(name, len(order))
            numbers = np.array(
                [own.setdefault(each, len(own)) for each in words.dictionary.to_pylist()], np.int32
            )
            indices = words.indices.to_numpy(zero_copy_only=False)
            parts.append((order[name], units_of[chosen], numbers[indices], count[chosen].astype(np.float32)))
    for row in _others(broadcasts):
        unit(row)
    return _units(known, vocabulary, order, parts, zone)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _others(broadcasts: pa.Table | Path | None) -> Iterator[tuple[Any, ...]]:
    if broadcasts is None:
        return
    for batch in _batches(broadcasts, tables.BROADCASTS, ("broadcast", "station", "start", "title")):
        for row in batch.to_pylist():
            title = row["title"].replace("_", " ").strip() or None
            yield row["broadcast"], row["station"], title, row["start"], None


def _units(
    known: list[tuple[Any, ...]],
    vocabulary: dict[str, dict[str, int]],
    order: dict[str, int],
    parts: list[tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]],
    zone: ZoneInfo,
) -> Units:
    keys = []
    for broadcast, station, show, start, day in known:
        if start is not None:
            start = start.astimezone(UTC)
            day = start.astimezone(zone).date()
        if day is None:
            raise ValueError(f"{broadcast or station} has neither a start nor a day")
        keys.append((broadcast, station or "", show, start, day))
    time = np.array([_seconds(start, day) for *_, start, day in keys], np.int64)
    # As they are in the table, whatever the order in which they were read.
    ranked = sorted(range(len(keys)), key=lambda n: (keys[n][1], time[n], keys[n][0] or ""))
    place = np.empty(len(keys), np.int64)
    place[ranked] = np.arange(len(keys))
    kinds = sorted(order)
    counts = []
    for name in kinds:
        mine = [part for part in parts if part[0] == order[name]]
        row, column, value = (np.concatenate([part[at] for part in mine]) for at in (1, 2, 3))
        spelled = sorted(vocabulary[name])
        rank = np.empty(len(spelled), np.int64)
        rank[[vocabulary[name][each] for each in spelled]] = np.arange(len(spelled))
        matrix = csr_array((value, (place[row], rank[column])), shape=(len(keys), len(spelled)))
        matrix.sum_duplicates()
        matrix.data = np.log1p(matrix.data)
        counts.append(matrix)
    has = np.zeros((len(keys), len(kinds)), bool)
    for at, matrix in enumerate(counts):
        has[:, at] = np.diff(matrix.indptr) > 0
    if "person" in kinds and "faces" in kinds:
        # Where frames were read and nobody is known in them, that is known.
        has[:, kinds.index("person")] |= has[:, kinds.index("faces")]
    return Units([keys[n] for n in ranked], time[ranked], kinds, counts, has)


def _seconds(start: datetime | None, day: date) -> int:
    moment = start or datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(moment.timestamp())


# ---- titles ----------------------------------------------------------------------------------------------


class _Titles(NamedTuple):
    """The titles, as numbers; -1 is none."""

    of: Ints
    names: list[str]
    spelled: list[str]
    members: list[Ints]
    """Of each title its broadcasts that have entities, in the order of time."""


def _titles(units: Units) -> _Titles:
    known = joined((key[1], key[2]) for key in units.keys if key[0] is not None)
    whose = [
        (station, known[station, show].title if (station, show) in known else None)
        if broadcast is not None
        else (station, "")
        for broadcast, station, show, _, _ in units.keys
    ]
    groups = sorted({each for each in whose if each[1] is not None})
    number = {each: place for place, each in enumerate(groups)}
    of = np.array([number.get(each, -1) for each in whose], np.int64)  # type: ignore[arg-type]
    several = {title for station, title in groups if sum(each == title for _, each in groups) > 1}
    names = [
        station if not title else f"{title} ({station})" if title in several else title
        for station, title in groups
    ]
    any_entity = units.has.any(axis=1)
    members = [np.flatnonzero((of == place) & any_entity) for place in range(len(groups))]
    members = [each[np.argsort(units.time[each], kind="stable")] for each in members]
    return _Titles(of, names, [title for _, title in groups], members)


# ---- how alike two broadcasts are ------------------------------------------------------------------------


class _Space(NamedTuple):
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
        How much more it makes of two of one title; shape (n_kinds,).
    kind
        Of each column of `vectors`.
    """

    vectors: csr_array
    has: Floats
    nothing: Floats
    gap: Floats
    kind: Ints

    def between(self, rows: Ints, others: Ints) -> Floats:
        """Give the likeness of some to others; NaN where no kind is known of both."""
        product = (self.vectors[rows] @ self.vectors[others].T).toarray()
        return self.scaled(product, rows, self.has[others])

    def scaled(self, product: NDArray[np.floating], rows: Ints, has: Floats) -> Floats:
        """Set products of some and others, of which `has` tells the kinds, to the scale of likeness."""
        shared = (self.has[rows] * self.gap) @ has.T
        above = product.astype(np.float64) - (self.has[rows] * self.nothing) @ has.T
        return np.where(shared > 0, above / np.where(shared > 0, shared, 1), np.nan)


def _unit_length(matrix: csr_array) -> csr_array:
    squares = matrix.multiply(matrix).sum(axis=1)
    lengths = np.sqrt(np.where(squares > 0, squares, 1))
    scaled = matrix.copy()
    scaled.data = scaled.data / np.repeat(lengths, np.diff(matrix.indptr)).astype(scaled.dtype)
    return scaled


def _space(units: Units, titles: _Titles, trusted: Flags) -> _Space:
    unit_length = [_unit_length(each) for each in units.counts]
    levels = [_levels(each, units.has[:, at] & trusted, titles) for at, each in enumerate(unit_length)]
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
    return _Space(vectors, units.has.astype(np.float64), weight * nothing, weight * np.maximum(gap, 0), kind)


def _levels(matrix: csr_array, has: Flags, titles: _Titles) -> tuple[float, float, float]:
    """Tell what cosine two of different titles have, how much more two of one, and the spread of both."""
    known = np.flatnonzero(has)
    of = titles.of[known]
    rows = matrix[known]
    sums = csr_array(
        (np.ones(len(known), np.float32), (of, np.arange(len(known)))),
        shape=(len(titles.members), len(known)),
    )
    n = np.bincount(of, minlength=len(titles.members))[of]
    own = np.asarray(rows.multiply((sums @ rows).tocsr()[of]).sum(axis=1)).ravel()
    every = np.asarray(rows @ np.asarray(rows.sum(axis=0)).ravel())
    itself = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    same = ((own - itself) / np.maximum(n - 1, 1))[n > 1]
    different = ((every - own) / np.maximum(len(known) - n, 1))[n < len(known)]
    if len(same) < 2:
        return 0.0, 0.0, 1.0
    # Above the median of the first: some of it may be of broadcasts that are not of their title.
    high = float(np.quantile(same, 0.6))
    low = float(np.median(different)) if len(different) else 0.0
    return low, high - low, float(np.sqrt(_mad(same) ** 2 + _mad(different) ** 2 + LEAST_COSINE**2))


def _mad(values: Floats) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


# ---- comparing -------------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """What is found of each broadcast; NaN where it is not known."""

    n_same: Ints
    own: Floats
    before: Floats
    after: Floats
    other: Floats
    other_title: Ints
    z: Floats
    p: Floats
    is_other: Flags
    is_odd: Flags
    is_lasting: Flags
    changes: Flags
    unlike_pair: Flags


class _Blocks(NamedTuple):
    """The likeness of the broadcasts of a title to those of its season.

    Attributes
    ----------
    at
        Which broadcast of the title each column is, of each row; -1 for none; shape (n, 2 × SEASON + 1).
    like
        How like they are; NaN for itself and for none.
    """

    at: Ints
    like: Floats


def _season(n: int) -> Ints:
    at = np.arange(n)[:, None] + np.arange(-SEASON, SEASON + 1)
    if n <= SEASON:
        at = at[:, : n + SEASON]
    return np.where((at >= 0) & (at < n), at, -1)


def _blocks(space: _Space, members: Ints) -> _Blocks:
    n = len(members)
    at = _season(n)
    like = np.full(at.shape, np.nan)
    for begin in range(0, n, _CHUNK):
        end = min(begin + _CHUNK, n)
        first, last = max(begin - SEASON, 0), min(end + SEASON, n)
        block = space.between(members[begin:end], members[first:last])
        part = at[begin:end]
        values = block[np.arange(end - begin)[:, None], np.clip(part - first, 0, last - first - 1)]
        like[begin:end] = np.where(part >= 0, values, np.nan)
    like[at == np.arange(n)[:, None]] = np.nan
    return _Blocks(at, like)


class _Around(NamedTuple):
    """What is usual around each broadcast, itself left out."""

    median: Floats
    mad: Floats
    n: Ints


def _around(values: Floats, trusted: Flags) -> _Around:
    """Give the median and the MAD of the others of the season."""
    n = len(values)
    at = _season(n)
    use = (at >= 0) & (at != np.arange(n)[:, None]) & trusted[at] & np.isfinite(values[at])
    around = np.where(use, values[at], np.nan)
    median = _nan(np.nanmedian, around)
    mad = 1.4826 * _nan(np.nanmedian, np.abs(around - median[:, None]))
    return _Around(median, mad, use.sum(axis=1))


def _nan(function: Any, values: Floats, **options: Any) -> Floats:
    """Take a function along rows, and NaN of those that have nothing."""
    found = np.full(len(values), np.nan)
    some = np.isfinite(values).any(axis=1)
    if some.any():
        found[some] = function(values[some], axis=1, **options)
    return found


def _compared(units: Units, titles: _Titles) -> tuple[_Space, _Found, Flags]:
    """Compare all, again without those that are found wrong: also the scale is set without them."""
    titled = titles.of >= 0
    trusted = titled
    space = _space(units, titles, trusted)
    blocks = [_blocks(space, members) for members in titles.members]
    for number in range(PASSES):
        found = _pass(units, titles, space, blocks, trusted)
        wrong = (found.is_other | (found.is_odd & ~found.is_lasting)) & (found.p <= LEVEL)
        if np.array_equal(trusted, titled & ~wrong) or number == PASSES - 1:
            break
        trusted = titled & ~wrong
        if not number:
            space = _space(units, titles, trusted)
            blocks = [_blocks(space, members) for members in titles.members]
    return space, found, trusted


def _pass(units: Units, titles: _Titles, space: _Space, blocks: list[_Blocks], trusted: Flags) -> _Found:
    n = len(units)
    numbers = {name: np.full(n, np.nan) for name in ("own", "before", "after", "fellow", "other")}
    numbers |= {name: np.full(n, np.nan) for name in ("far_before", "far_after", "near")}
    n_same = np.zeros(n, np.int64)
    other_title = np.full(n, -1, np.int64)
    against: list[Floats] = []
    centres = _Centres(units, titles, space, trusted)
    for title, members in enumerate(titles.members):
        against.append(np.empty((0, 0)))
        if not len(members):
            continue
        at, like = blocks[title]
        counts = np.isfinite(like) & trusted[members][at]
        n_same[members] = counts.sum(axis=1)
        numbers["own"][members] = _nan(np.nanmean, np.where(counts, like, np.nan))
        numbers["before"][members], numbers["after"][members] = _neighbours(like, at)
        for name, values in _fellows(like, at, counts).items():
            numbers[name][members] = values
        against[title] = centres.likeness(members)
        against[title][:, title] = np.nan
    for members, likeness in (
        *zip(titles.members, against, strict=True),
        *centres.untitled(),
    ):
        if likeness.size and np.isfinite(likeness).any():
            best = np.where(np.isfinite(likeness), likeness, -np.inf).argmax(axis=1)
            some = np.isfinite(likeness).any(axis=1)
            other_title[members[some]] = best[some]
            numbers["other"][members[some]] = likeness[some, best[some]]
    return _tests(titles, trusted, numbers, n_same, other_title, against)


def _neighbours(like: Floats, at: Ints) -> tuple[Floats, Floats]:
    """Give the likeness to the broadcast before and to the one after."""
    n = len(at)
    rows = np.arange(n)
    middle = np.argmax(at == rows[:, None], axis=1)
    before = np.where(middle > 0, like[rows, np.maximum(middle - 1, 0)], np.nan)
    after = np.where(middle + 1 < at.shape[1], like[rows, np.minimum(middle + 1, at.shape[1] - 1)], np.nan)
    return before, after


def _fellows(like: Floats, at: Ints, counts: Flags) -> dict[str, Floats]:
    """Tell how like each is to the most like of those far enough away, before and after, and near."""
    n = len(at)
    away = np.where(at >= 0, at - np.arange(n)[:, None], 0)
    apart = min(APART, n // 5) if n > 10 else 0
    values = np.where(counts, like, np.nan)

    def most(where: Flags) -> Floats:
        return _nan(np.nanquantile, np.where(where, values, np.nan), q=1 - LIKE, method="higher")

    if not apart:
        every = most(away != 0)
        return {"fellow": every, "far_before": every, "far_after": every, "near": every}
    before, after = most(away < -apart), most(away > apart)
    near = most((np.abs(away) <= apart) & (away != 0))
    return {
        "fellow": np.fmax(before, after),
        "far_before": before,
        "far_after": after,
        "near": near,
    }


class _Centres:
    """The means of titles about a time."""

    def __init__(self, units: Units, titles: _Titles, space: _Space, trusted: Flags) -> None:
        self._units, self._titles, self._space = units, titles, space
        self._members = [each[trusted[each]] for each in titles.members]
        self._times = [units.time[each] for each in self._members]
        self._known: dict[tuple[int, int, int], tuple[csr_array, Floats]] = {}

    def likeness(self, rows: Ints) -> Floats:
        """Give the likeness of some, which are in the order of time, to each title about their time."""
        found = np.full((len(rows), len(self._members)), np.nan)
        for begin in range(0, len(rows), _CHUNK):
            part = rows[begin : begin + _CHUNK]
            times = self._units.time[part[[0, -1]]]
            means = [self._mean(title, times) for title in range(len(self._members))]
            if not means:
                continue
            product = (self._space.vectors[part] @ vstack([each for each, _ in means]).T).toarray()
            has = np.array([known for _, known in means])
            found[begin : begin + len(part)] = self._space.scaled(product, part, has)
        return found

    def untitled(self) -> Iterator[tuple[Ints, Floats]]:
        """Give those without a title, and how like they are to each title."""
        rows = np.flatnonzero((self._titles.of < 0) & self._units.has.any(axis=1))
        rows = rows[np.argsort(self._units.time[rows], kind="stable")]
        if len(rows):
            yield rows, self.likeness(rows)

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


def _pearson(units: Units, titles: _Titles, space: _Space, trusted: Flags) -> Floats:
    """Correlate each with the mean of the others of its season, zero where an entity of the run is missing."""
    total, shares = np.zeros(len(units)), np.zeros(len(units))
    for at, matrix in enumerate(units.counts):
        if not space.gap[at] > 0:
            continue
        for members in titles.members:
            for begin in range(0, len(members), _CHUNK):
                part = members[begin : begin + _CHUNK]
                near = members[max(begin - SEASON, 0) : begin + len(part) + SEASON]
                r = _with_others(matrix, part, near[trusted[near] & units.has[near, at]])
                known = np.isfinite(r)
                total[part[known]] += space.gap[at] * r[known]
                shares[part[known]] += space.gap[at]
    return np.where(shares > 0, total / np.where(shares > 0, shares, 1), np.nan)


def _with_others(matrix: csr_array, rows: Ints, near: Ints) -> Floats:
    """Give Pearson's r of each row and the mean of those near, itself left out."""
    if not len(near):
        return np.full(len(rows), np.nan)
    x = matrix[rows].astype(np.float64)
    sums = np.asarray(matrix[near].sum(axis=0), np.float64).ravel()
    x_sum, x_squares, x_sums = x.sum(axis=1), x.multiply(x).sum(axis=1), x @ sums
    own = np.isin(rows, near)
    y_sum = sums.sum() - own * x_sum
    y_squares = sums @ sums - own * (2 * x_sums - x_squares)
    products = x_sums - own * x_squares
    n = matrix.shape[1]
    varies = np.sqrt(np.maximum(n * x_squares - x_sum**2, 0) * np.maximum(n * y_squares - y_sum**2, 0))
    is_known = (varies > 1e-9 * n) & (len(near) > own) & (y_sum > 1e-9)
    return np.where(is_known, (n * products - x_sum * y_sum) / np.where(is_known, varies, 1), np.nan)


# ---- testing ---------------------------------------------------------------------------------------------


class _Usual(NamedTuple):
    """What is usual of a number for each broadcast: itself left out, drawn to that of all where few are."""

    centre: Floats
    spread: Floats
    n: Ints
    z: Floats
    p: Floats


def _usual(values: Floats, titles: _Titles, trusted: Flags) -> _Usual:
    n = len(values)
    median, mad, many = np.full(n, np.nan), np.zeros(n), np.zeros(n, np.int64)
    rest: list[Floats] = []
    for members in titles.members:
        if not len(members):
            continue
        around = _around(values[members], trusted[members])
        median[members], mad[members], many[members] = around.median, around.mad, around.n
        whole = trusted[members] & (around.n >= 2)
        rest.append((values[members] - around.median)[whole])
    good = trusted & np.isfinite(values) & (many > 0)
    overall = float(np.median(values[good])) if good.any() else np.nan
    residuals = np.concatenate([np.empty(0), *rest])
    residuals = residuals[np.isfinite(residuals)]
    pooled = max(_mad(residuals), SPREAD)
    mad = np.where(np.isfinite(mad), mad, 0)
    centre = np.where(many > 0, (many * np.where(many > 0, median, 0) + overall) / (many + 1), overall)
    # Two values always lie as far from their median as each other.
    spread = np.sqrt((many * mad**2 + PRIOR * pooled**2) / (many + PRIOR))
    spread = np.maximum(spread, SPREAD)
    z = (values - centre) / (spread * np.sqrt(1 + 1 / np.maximum(many, 1)))
    p = stdtr(np.maximum(many + PRIOR - 1, 1), z)
    return _Usual(centre, spread, many, z, p)


def _tests(
    titles: _Titles,
    trusted: Flags,
    numbers: dict[str, Floats],
    n_same: Ints,
    other_title: Ints,
    against: list[Floats],
) -> _Found:
    own, other, fellow = numbers["own"], numbers["other"], numbers["fellow"]
    n = len(own)
    has_other = other_title >= 0
    margin = own - np.where(has_other, other, np.nan)
    by_margin = _usual(margin, titles, trusted)
    by_own = _usual(own, titles, trusted)
    by_fellow = _usual(fellow, titles, trusted)
    # As like as two titles usually are: to the one that it is most like, and to whichever is the most like.
    apart = np.full(n, np.nan)
    for members, likeness in zip(titles.members, against, strict=True):
        for title in np.unique(other_title[members]).tolist() if len(members) else ():
            if title >= 0:
                mine = other_title[members] == title
                apart[members[mine]] = _around(likeness[:, title], trusted[members]).median[mine]
    most = _usual(np.where(has_other, other, np.nan), titles, trusted).centre
    overall = _median(other[trusted & has_other])
    apart = np.where(np.isfinite(apart), apart, overall)
    level = np.array([_median(own[each[trusted[each]]]) for each in titles.members] or [np.nan])
    many = np.array([trusted[each].sum() for each in titles.members] or [0])
    usual_own = _median(own[trusted & (n_same > 0)])
    level = np.where(many > 1, (many * np.nan_to_num(level) + usual_own) / (many + 1), usual_own)
    theirs = np.where(has_other, level[other_title], np.nan)
    with np.errstate(invalid="ignore"):
        is_other = (
            (n_same > 0)
            & has_other
            & (own <= apart + HALF * (by_own.centre - apart))
            & (other >= apart + HALF * (theirs - apart))
            & (own < other)
            & (by_own.centre - apart >= 2 * by_own.spread)
        )
        none = np.where(np.isfinite(most), most, 0)
        depth = none + UNLIKE * (by_fellow.centre - none)
        is_odd = (n_same > 1) & (fellow <= depth)
        low_before = numbers["far_before"] <= none + HALF * (by_fellow.centre - none)
        near = numbers["near"] > none + HALF * (by_fellow.centre - none)
        one_sided = np.isfinite(numbers["far_before"]) != np.isfinite(numbers["far_after"])
        is_lasting = is_odd & ~is_other & near & one_sided
        changes = ~is_odd & ~is_other & low_before & np.isfinite(numbers["far_before"]) & (n_same > 10)
        unlike_pair = (n_same == 1) & (own <= apart + HALF * (usual_own - apart)) & ~is_other
    odd_z, odd_p = by_fellow.z, by_fellow.p
    first = np.where(is_other, True, np.where(is_odd, False, ~(odd_z < by_margin.z)))
    z = np.where(first & np.isfinite(by_margin.z), by_margin.z, odd_z)
    p = np.minimum(2 * np.where(first & np.isfinite(by_margin.p), by_margin.p, odd_p), 1)
    return _Found(
        n_same,
        own,
        numbers["before"],
        numbers["after"],
        other,
        other_title,
        np.where(n_same > 0, z, np.nan),
        np.where(n_same > 0, p, np.nan),
        is_other,
        is_odd & ~is_other,
        is_lasting,
        changes,
        unlike_pair,
    )


def _median(values: Floats) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")


def benjamini_hochberg(p: Floats) -> Floats:
    """Correct for many tests; NaN stays, and is not counted.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    raised = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1)
    return q


# ---- verdicts --------------------------------------------------------------------------------------------


def _table(
    units: Units, titles: _Titles, space: _Space, found: _Found, own_r: Floats, dips: pa.Table | None
) -> pa.Table:
    hour = _hour(units, space)
    q = benjamini_hochberg(found.p)
    verdicts, reasons = _verdicts(units, titles, space, found, q, dips)
    other_broadcast = _most_like(units, titles, space, found)
    names = [titles.names[at] if at >= 0 else _NOTHING for at in titles.of.tolist()]
    columns = [
        *zip(*units.keys, strict=True),
        [
            titles.spelled[at] if at >= 0 and key[0] else name
            for at, name, key in zip(titles.of.tolist(), names, units.keys, strict=True)
        ],
        found.n_same.astype(np.int32),
        found.own,
        own_r,
        found.before,
        found.after,
        hour,
        found.other,
        [titles.names[at] if at >= 0 else _NOTHING for at in found.other_title.tolist()],
        other_broadcast,
        found.z,
        found.p,
        q,
        verdicts,
        reasons,
    ]
    arrays = []
    for column, field in zip(columns, tables.LIKENESS, strict=True):
        if pa.types.is_dictionary(field.type):
            arrays.append(pa.array(column, pa.string()).dictionary_encode())
        elif pa.types.is_floating(field.type):
            # So far as it is the same however sums are rounded.
            arrays.append(pa.array(np.round(np.asarray(column, np.float64), 6), field.type))
        else:
            arrays.append(pa.array(column, field.type))
    return pa.table(arrays, schema=tables.LIKENESS)


def _hour(units: Units, space: _Space) -> Floats:
    """Give the mean likeness to what other stations have within an hour, or on the day where only that is known."""
    found = np.full(len(units), np.nan)
    known = np.flatnonzero(units.has.any(axis=1))
    known = known[np.argsort(units.time[known], kind="stable")]
    station = np.array([units.keys[n][1] for n in known.tolist()], object)
    time = units.time[known]
    width = np.array([_HOUR if units.keys[n][3] else 0 for n in known.tolist()], np.int64)
    for begin in range(0, len(known), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        low, high = time[part] - width[part], time[part] + width[part]
        first, last = np.searchsorted(time, low.min()), np.searchsorted(time, high.max(), "right")
        near = (
            (time[first:last] >= low[:, None])
            & (time[first:last] <= high[:, None])
            & (station[first:last] != station[part][:, None])
        )
        rows = np.flatnonzero(near.any(axis=1))
        columns = np.flatnonzero(near.any(axis=0))
        if len(rows):
            like = space.between(known[part][rows], known[first:last][columns])
            found[known[part][rows]] = _nan(np.nanmean, np.where(near[np.ix_(rows, columns)], like, np.nan))
    return found


def _most_like(units: Units, titles: _Titles, space: _Space, found: _Found) -> list[str]:
    """Give the broadcast of the other title that each is most like."""
    names = [_NOTHING] * len(units)
    for title, members in enumerate(titles.members):
        mine = np.flatnonzero(found.other_title == title)
        mine = mine[np.argsort(units.time[mine], kind="stable")]
        times = units.time[members]
        for begin in range(0, len(mine), _CHUNK):
            part = mine[begin : begin + _CHUNK]
            first, last = np.searchsorted(times, units.time[part[[0, -1]]])
            near = members[max(int(first) - SEASON, 0) : int(last) + SEASON]
            like = np.nan_to_num(space.between(part, near), nan=-1)
            for row, best in zip(part.tolist(), like.argmax(axis=1).tolist(), strict=True):
                names[row] = units.keys[near[best]][0] or _NOTHING
    return names


def _verdicts(
    units: Units,
    titles: _Titles,
    space: _Space,
    found: _Found,
    q: Floats,
    dips: pa.Table | None,
) -> tuple[list[str], list[str]]:
    dipped = _dipped(dips)
    holidays = _holidays(units, titles, found)
    verdicts, reasons = [], []
    for n, (broadcast, station, show, _, day) in enumerate(units.keys):
        verdict, reason = _verdict(units, titles, found, q, holidays, n)
        where = dipped.get(station, ())
        if broadcast is None and any(first <= day <= last for first, last in where):
            first, last = next((first, last) for first, last in where if first <= day <= last)
            verdict = "suspect"
            reason = f"the station departs from the others from {first} to {last}"
        verdicts.append(verdict)
        reasons.append(reason)
    return verdicts, reasons


def _dipped(dips: pa.Table | None) -> dict[str, list[tuple[date, date]]]:
    found: dict[str, list[tuple[date, date]]] = {}
    for row in dips.to_pylist() if dips is not None else ():
        found.setdefault(row["station"], []).append((row["first"], row["last"]))
    return found


def _verdict(
    units: Units, titles: _Titles, found: _Found, q: Floats, holidays: list[str], n: int
) -> tuple[str, str]:
    """Say what a broadcast is, and why."""
    other = found.other_title[n]
    instead = shortened(titles.names[other], _SPELLED) if other >= 0 else ""
    told = f"; it is most like {instead}" if instead else ""
    if not units.has[n].any():
        return "not judged", "nothing is known of what it shows"
    if titles.of[n] < 0:
        return "not judged", f"its ID has no title{told}"
    title = shortened(titles.names[titles.of[n]], _SPELLED)
    if found.n_same[n] == 0:
        return "not judged", f"it is the only one of its title{told}"
    others = counted(int(found.n_same[n]), "other")
    if found.is_other[n] and q[n] <= LEVEL:
        return "suspect", (
            f"like {instead} ({found.other[n]:.2f}), and not like the {others} of {title} ({found.own[n]:.2f})"
        )
    if found.unlike_pair[n]:
        return "not judged", "the two of its title are unlike each other, and nothing tells which is right"
    if found.is_odd[n] and q[n] <= LEVEL:
        if holidays[n]:
            return "holiday", holidays[n]
        if found.is_lasting[n]:
            return "new season", f"unlike the {title} before, and the last ones there are are like it"
        return "suspect", f"unlike the {others} of {title} ({found.own[n]:.2f}), and like no other title"
    return "usual", ""


def _holidays(units: Units, titles: _Titles, found: _Found) -> list[str]:
    """Say of each broadcast that departs whether others do on its day, or in other years."""
    reasons = [""] * len(units)
    by_day: dict[date, list[int]] = {}
    for n in np.flatnonzero(np.isfinite(found.z)).tolist():
        by_day.setdefault(units.keys[n][4], []).append(n)
    odd = np.flatnonzero(found.is_odd).tolist()
    of_title: dict[int, list[date]] = {}
    for n in odd:
        of_title.setdefault(int(titles.of[n]), []).append(units.keys[n][4])
    for n in odd:
        day = units.keys[n][4]
        others = [m for m in by_day.get(day, ()) if titles.of[m] != titles.of[n]]
        departing = [m for m in others if found.z[m] <= DEPARTS]
        if others and 2 * len(departing) >= len(others):
            reasons[n] = (
                f"{len(departing)} of the {counted(len(others), 'broadcast')} of other titles on its day depart, too"
            )
        elif any(
            day.year != each.year and _apart(day, each) <= RECURS for each in of_title[int(titles.of[n])]
        ):
            reasons[n] = "its title departs on this day of another year, too"
    return reasons


def _apart(one: date, other: date) -> int:
    """Tell how many days lie between two days of the year."""
    away = abs((one - timedelta(days=0)).timetuple().tm_yday - other.timetuple().tm_yday)
    return min(away, 366 - away)
