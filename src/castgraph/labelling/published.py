"""How alike stations are, day by day: the published computation.

A station's day is a vector: how much of each entity was seen or said on it. Two stations are as alike on a
day as Pearson's correlation of their vectors says. Where a feed shows something else than its title says, the
station is less like the others than it used to be; `castgraph.labelling.dips` finds such days.

References
----------
"Visual Global Entity Graph 2.0: Using Semantic Visual Correlation To Identify Mislabeled Television Shows",
GDELT blog, 2020.
"""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from castgraph.archive.listing.choose import time_zone
from castgraph.base import tables

TIMEZONE = "America/Los_Angeles"
WEEKDAYS = (0, 1, 2, 3, 4)
ABOVE = 10.0
"""What was published: days of California, Monday (0) to Friday (4), counts of more than ten."""

ONE_STATION = "one station"
NO_ENTITIES = "no entities"
ONE_ENTITY = "one entity"
EQUAL_COUNTS = "equal counts"
"""Why there is no correlation: only one of the two stations has a count that is large enough, or neither; the
day has a single entity; one of the two has as much of each entity as of any other."""

_STARTS = "SELECT DISTINCT start FROM entities WHERE day IS NULL AND start IS NOT NULL ORDER BY ALL"

_IS_FRACTIONAL = "SELECT 1 FROM entities WHERE count <> floor(count) LIMIT 1"

_ROWS = """
SELECT local.day AS day, e.station, e.kind::VARCHAR AS kind, e.entity, e.count
FROM entities e JOIN local ON e.start = local.start
WHERE e.day IS NULL AND local.day BETWEEN $first AND $last
UNION ALL
SELECT day, station, kind::VARCHAR, entity, count FROM entities WHERE day BETWEEN $first AND $last
"""

_DAYS = f"""
SELECT day, list(DISTINCT station) AS stations, count(*) AS n FROM ({_ROWS})
WHERE list_contains($weekdays, isodow(day) - 1) GROUP BY day ORDER BY day
"""  # noqa: S608

# Numbers in the place of names: Arrow would make texts of them a day at a time.
_COUNTS = f"""
WITH counts AS (
    SELECT day, station, kind, entity, sum(count) AS n FROM ({_ROWS})
    WHERE list_contains($weekdays, isodow(day) - 1)
    GROUP BY ALL HAVING sum(count) > $above
), names AS (
    SELECT kind, entity, row_number() OVER (ORDER BY kind, entity) AS id
    FROM (SELECT DISTINCT kind, entity FROM counts)
)
SELECT day, station, id, n FROM counts JOIN names USING (kind, entity) ORDER BY day, station, id
"""  # noqa: S608

_MOST_ROWS = 2_000_000
"""Rows that are summed at a time, about."""


def correlate(
    entities: str | os.PathLike[str],
    *,
    timezone: str = TIMEZONE,
    weekdays: Sequence[int] = WEEKDAYS,
    above: float = ABOVE,
    threads: int = 1,
    memory: str = "2GB",
    scratch: str | os.PathLike[str] | None = None,
) -> pa.Table:
    """Correlate all pairs of stations, day by day.

    The counts of an entity are summed by station and local day. Sums of `above` or less are as good as none.
    What is left of the day, at any station, are its entities; where a station lacks one, its count is 0.

    Parameters
    ----------
    entities
        A table of the schema `castgraph.base.tables.ENTITIES`. An entity is what has the same name and kind.
    timezone
        The time zone whose days are meant, of rows that have a start and no day.
    weekdays
        The days of the week that count, from 0 for Monday to 6 for Sunday.
    above
        What the count of an entity of a station's day must be more than. Shares need 0.
    threads
        For the query; where counts are no whole numbers it runs in one, that their sums do not depend on it.
    memory
        What the query may take before it puts rows on the disk, such as ``2GB``.
    scratch
        The folder for these; None for none, so that the query fails where memory does not suffice.

    Returns
    -------
    pyarrow.Table
        Of the schema `castgraph.base.tables.CORRELATION`: a row for each day that has rows and each pair of
        stations; ``r`` is NaN where it is undefined, and ``reason`` says why. If there is a single station,
        ``other`` is empty.

    Raises
    ------
    ValueError
        When `timezone` is no time zone or a weekday is none.
    castgraph.base.tables.TableError
        When the file is no such table.

    Notes
    -----
    Some million rows at a time are summed by DuckDB, and correlated a day at a time.

    References
    ----------
    See the top of this module.

    Examples
    --------
    >>> day = date(2012, 12, 3)
    >>> rows = [("ABC", "desk", 30), ("ABC", "map", 12), ("CBS", "desk", 40), ("CBS", "map", 11)]
    >>> made = [
    ...     {"station": s, "day": day,  "kind": "entity", "entity": e, "count": n}
    ...     for s, e, n in [*rows, ("CBS", "flag", 20)]
    ... ]
    >>> tables.write("entities.parquet", pa.Table.from_pylist(made, tables.ENTITIES), {})
    >>> found = correlate("entities.parquet")
    >>> found["station"].to_pylist(), found["other"].to_pylist(), found["n_entities"].to_pylist()
    (['ABC'], ['CBS'], [3])
    >>> round(found["r"][0].as_py(), 3)
    0.754
    """
    zone = time_zone(timezone)
    if wrong := [each for each in weekdays if each not in range(7)]:
        raise ValueError(f"weekdays: {wrong[0]} is not allowed; it must be from 0 (Monday) to 6 (Sunday)")
    import duckdb  # only counting needs it

    with tables.opened(entities, tables.ENTITIES):
        pass
    config: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": "" if scratch is None else os.fspath(scratch),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # A name with brackets or stars in it would be a pattern.
        connection.read_parquet(glob.escape(os.fspath(entities))).create_view("entities")
        starts = connection.sql(_STARTS).to_arrow_table()["start"].to_pylist()
        connection.register("local", _local(starts, zone))
        if connection.execute(_IS_FRACTIONAL).fetchall():
            connection.execute("SET threads = 1")
        asked = {"weekdays": list(weekdays)}
        days = connection.sql(_DAYS, params=asked | {"first": date.min, "last": date.max}).to_arrow_table()
        stations = sorted(set(days["stations"].combine_chunks().flatten().to_pylist()))

        def counts() -> Iterator[pa.RecordBatch]:
            for first, last in _spans(days):
                span = {"first": first, "last": last, "above": above}
                yield from connection.sql(_COUNTS, params=asked | span).to_arrow_reader(tables.ROW_GROUP)

        with threadpool_limits(1, "blas"):  # more threads would change the last digits
            return _correlation(_days(days["day"]), stations, _by_day(counts(), stations))


def _spans(days: pa.Table) -> Iterator[tuple[date, date]]:
    """Part days into spans of about `_MOST_ROWS` rows; gives the first and the last day of each."""
    part = (np.cumsum(days["n"].to_numpy()) - 1) // _MOST_ROWS
    ends = np.flatnonzero(np.diff(part, append=-1)).tolist()
    begins = [0, *(end + 1 for end in ends[:-1])]
    for begin, end in zip(begins, ends, strict=False):
        yield days["day"][begin].as_py(), days["day"][end].as_py()


def _local(starts: Sequence[datetime], zone: ZoneInfo) -> pa.Table:
    """Tell the day of each start in a time zone; at the ends of the calendar it is that of UTC."""
    days = []
    for start in starts:
        try:
            days.append(start.astimezone(zone).date())
        except OverflowError:
            days.append(start.date())
    return pa.table(
        {"start": pa.array(starts, pa.timestamp("us", "UTC")), "day": pa.array(days, pa.date32())}
    )


class _Counts(NamedTuple):
    """What is counted of a day: the station's number, the entity's number and how much, a row each."""

    day: int
    station: NDArray[np.int64]
    entity: NDArray[np.int64]
    n: NDArray[np.float64]


def _by_day(batches: Iterable[pa.RecordBatch], stations: Sequence[str]) -> Iterator[_Counts]:
    """Take rows that are sorted by day apart, a day at a time."""
    names, rest = pa.array(stations, pa.string()), None
    for batch in batches:
        station = pc.index_in(batch["station"], names).to_numpy()
        found = [_days(batch["day"]), station, batch["id"].to_numpy(), batch["n"].to_numpy()]
        if rest is not None:
            found = [np.concatenate(pair) for pair in zip(rest, found, strict=True)]
        ends = np.flatnonzero(np.diff(found[0])) + 1
        for begin, end in itertools.pairwise([0, *ends.tolist()]):
            yield _Counts(int(found[0][begin]), *(column[begin:end] for column in found[1:]))
        rest = [column[ends[-1] if len(ends) else 0 :] for column in found]
    if rest is not None and len(rest[0]):
        yield _Counts(int(rest[0][0]), *rest[1:])


def _days(column: pa.Array | pa.ChunkedArray) -> NDArray[np.int32]:
    """Give days as numbers, from 1970 on."""
    found: NDArray[np.int32] = column.cast(pa.int32()).to_numpy()
    return found


def _correlation(days: NDArray[np.int32], stations: Sequence[str], counted: Iterable[_Counts]) -> pa.Table:
    """Correlate all pairs of all days, whether anything is counted of them or not."""
    pairs = np.triu_indices(len(stations), 1) if len(stations) > 1 else (np.zeros(len(stations), int),) * 2
    n_pairs = len(pairs[0])
    r = np.full((len(days), n_pairs), np.nan)
    n_entities = np.zeros(len(days), np.int32)
    reason = np.full((len(days), n_pairs), NO_ENTITIES if len(stations) > 1 else ONE_STATION, object)
    for counts in counted:
        row = np.searchsorted(days, counts.day)
        entities, column = np.unique(counts.entity, return_inverse=True)
        X = np.zeros((len(stations), len(entities)))
        X[counts.station, column] = counts.n
        n_entities[row] = len(entities)
        r[row], reason[row] = _of_day(X, *pairs)
    names = np.array([*stations, ""], object)
    others = pairs[1] if len(stations) > 1 else np.full(n_pairs, len(stations))
    return pa.table(
        {
            "day": pa.array(np.repeat(days, n_pairs)).cast(pa.date32()),
            "station": pa.array(np.tile(names[pairs[0]], len(days)), pa.string()),
            "other": pa.array(np.tile(names[others], len(days)), pa.string()),
            "r": r.ravel(),
            "n_entities": np.repeat(n_entities, n_pairs),
            "reason": pa.array(reason.ravel(), pa.string()),
        },
        tables.CORRELATION,
    )


def _of_day(
    X: NDArray[np.float64], one: NDArray[np.intp], two: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Correlate pairs of the rows of a day.

    Parameters
    ----------
    X
        Counts of shape (n_stations, n_entities); 0 is none.
    one, two
        The rows of each pair; the same where there is a single row.

    Returns
    -------
    r, reason : ndarray of shape (n_pairs,)
    """
    are_there: NDArray[np.bool_] = np.greater(X.max(axis=1), 0)
    # Before their mean is taken off: what rounding would leave of their variance is no variance.
    are_equal: NDArray[np.bool_] = np.ptp(X, axis=1) == 0
    largest = X.max(axis=1, keepdims=True)
    Z = X / np.where(largest > 0, largest, 1)  # of numbers of any size no square is too large or too small
    Z -= Z.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.einsum("ij,ij->i", Z, Z))
    Z /= np.where(are_equal, 1, norms)[:, None]
    r = np.clip((Z @ Z.T)[one, two], -1, 1)
    n_there = np.where(one == two, 1, are_there[one].astype(int) + are_there[two])
    reason = np.select(
        [n_there == 0, n_there == 1, np.full(len(one), X.shape[1] == 1), are_equal[one] | are_equal[two]],
        [NO_ENTITIES, ONE_STATION, ONE_ENTITY, EQUAL_COUNTS],
        "",
    ).astype(object)
    r[reason != ""] = np.nan
    return r, reason
