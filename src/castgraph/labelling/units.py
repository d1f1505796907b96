"""What is judged, broadcasts or stations on a day: what each has, and its title."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from castgraph.base import tables
from castgraph.labelling.titles import joined

Path = str | os.PathLike[str]

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


_COLUMNS = ("broadcast", "station", "show", "start", "day", "kind", "entity", "count")


def _batches(table: pa.Table | Path, schema: pa.Schema, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    if isinstance(table, pa.Table):
        yield from table.select(list(columns)).to_batches(tables.ROW_GROUP)
    else:
        yield from tables.batches(table, schema, columns)


def read_units(entities: pa.Table | Path, broadcasts: pa.Table | Path | None, zone: ZoneInfo) -> Units:
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
        rows = np.stack([each.indices.to_numpy(zero_copy_only=False) for each in codes])
        # Those of one broadcast follow each other.
        begins = np.flatnonzero(np.concatenate([[True], (rows[:, 1:] != rows[:, :-1]).any(axis=0)]))
        values = [each.dictionary.to_pylist() for each in codes]
        of = [
            unit(tuple(of_column[code] for of_column, code in zip(values, column, strict=True)))
            for column in rows[:, begins].T.tolist()
        ]
        units_of = np.repeat(np.array(of, np.int32), np.diff([*begins.tolist(), rows.shape[1]]))
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
    if known and not order:  # of nothing something is known: one kind, which none has
        order[""], vocabulary[""] = 0, {"": 0}
        parts.append((0, np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)))
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
    ranked = sorted(
        range(len(keys)), key=lambda n: (keys[n][1], keys[n][3] is None, time[n], keys[n][0] or "")
    )
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


class Titles(NamedTuple):
    """The titles, as numbers.

    Attributes
    ----------
    of
        The title of each broadcast; -1 for none; shape (n,).
    names
        What each is called, with its station where others have one of the same name; of days of stations,
        the station.
    spelled
        The one spelling of each.
    members
        Of each its broadcasts that have entities, in the order of time.
    """

    of: Ints
    names: list[str]
    spelled: list[str]
    members: list[Ints]


def titled(units: Units) -> Titles:
    """Give each broadcast its title, and a day of a station the station."""
    known = joined((key[1], key[2]) for key in units.keys if key[0] is not None)
    whose: list[tuple[str, str] | None] = []
    for broadcast, station, show, *_ in units.keys:
        title = known.get((station, show or ""))
        whose.append((station, "") if broadcast is None else (station, title.title) if title else None)
    groups = sorted({each for each in whose if each is not None})
    number = {each: place for place, each in enumerate(groups)}
    of = np.array([-1 if each is None else number[each] for each in whose], np.int64)
    how_often = Counter(title for _, title in groups)
    names = [
        station if not title else f"{title} ({station})" if how_often[title] > 1 else title
        for station, title in groups
    ]
    return Titles(
        of, names, [title or station for station, title in groups], _members(units, of, len(groups))
    )


def _members(units: Units, of: Ints, n_titles: int) -> list[Ints]:
    known = np.flatnonzero(units.has.any(axis=1) & (of >= 0))
    order = known[np.lexsort((known, units.time[known], of[known]))]
    bounds = np.searchsorted(of[order], np.arange(n_titles + 1))
    return [order[first:last] for first, last in pairwise(bounds.tolist())]


def as_one(units: Units, titles: Titles, pairs: Iterable[tuple[int, int]]) -> Titles:
    """Take pairs of titles for one each: a show that several stations have."""
    parent = list(range(len(titles.names)))
    for one, other in pairs:
        while parent[one] != one:
            one = parent[one]
        while parent[other] != other:
            other = parent[other]
        parent[max(one, other)] = min(one, other)
    for title in range(len(parent)):
        parent[title] = parent[parent[title]]
    roots = sorted(set(parent))
    number = {root: place for place, root in enumerate(roots)}
    of = np.array([-1 if each < 0 else number[parent[each]] for each in titles.of.tolist()], np.int64)
    names = [titles.spelled[root] if parent.count(root) > 1 else titles.names[root] for root in roots]
    return Titles(of, names, [titles.spelled[root] for root in roots], _members(units, of, len(roots)))
