"""Make up a decade of evening news: what a machine saw in each broadcast of three stations, a row an entity.

Each station has a programme of its own, of labels that are seen every day; what is in the news is on all of
them, for some days; each has stories of its own besides. Which labels are seen at all drifts over the years,
and so does how much the stations have in common. For the holidays each station goes its own way. Into it
stretches are put in which a station shows another programme, or nothing, or its own in a new form. No real
broadcast is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.files import atomic

STATIONS = ("KGO", "KNTV", "KPIX")
TITLES = ("ABC_World_News", "NBC_Nightly_News", "CBS_Evening_News")
ZONE = ZoneInfo("America/Los_Angeles")
FIRST = date(2010, 7, 5)  # a Monday
DAYS = 3484
ENTITIES = 4600
SECONDS = 38_000
"""Seconds of all labels of a broadcast together: some 20 are seen at a time."""

NEWS = 0.35
"""How much the news of a day changes what is seen."""

STEEP = 1.45
"""How much less each label is seen than the one before; a few are in every picture."""

_MONTH = 30
_STORIES, _OWN, _LABELS = 8, 3, 12
_HOLIDAYS = ((11, 22), (11, 23), *((12, day) for day in range(24, 32)), (1, 1), (1, 2), (7, 4))
_MEMORY = 0.6

Floats = NDArray[np.float64]


class Spell(NamedTuple):
    """A stretch of days in which a station is not what it is else.

    Attributes
    ----------
    station
        Its number.
    first
        The first day, as a number from `FIRST` on.
    n_days
        How many days.
    kind
        ``off``: another programme is shown; ``missing``: there is no broadcast; ``changed``: the programme
        has another form.
    """

    station: int
    first: int
    n_days: int
    kind: Literal["off", "missing", "changed"] = "off"

    @property
    def days(self) -> range:
        """The numbers of its days."""
        return range(self.first, self.first + self.n_days)


def day(number: int) -> date:
    """Give a day by its number."""
    return FIRST + timedelta(number)


def write(path: Path, spells: Sequence[Spell] = (), **options: float) -> int:
    """Write the table of entities, and tell how many rows it has; see `rows`."""
    n_rows = 0
    with atomic(path) as part, tables.writer(part, tables.ENTITIES, {}) as add:
        for each in rows(spells, **options):
            n_rows += len(each)
            add(each)
    return n_rows


def rows(
    spells: Sequence[Spell] = (),
    *,
    seed: int = 0,
    n_days: int = DAYS,
    n_entities: int = ENTITIES,
    seconds: int = SECONDS,
    news: float = NEWS,
) -> Iterator[pa.Table]:
    """Make the rows, a month of a station at a time, sorted as the table is.

    Parameters
    ----------
    spells
        What is put into it.
    seed
        The same makes the same.
    n_days, n_entities, seconds
        Days, labels, and seconds of all labels in a broadcast.
    news
        How much the news of a day changes what is seen: the more, the less alike are the stations.
    """
    rng = np.random.default_rng(seed)
    names = pa.array([f"label {n:05d}" for n in range(n_entities)])
    usual = rng.permutation(-STEEP * np.log(np.arange(n_entities) + 3.0))
    drift = np.abs(rng.normal(0, 0.6, n_entities)), rng.uniform(500, 3500, n_entities)
    phase = rng.uniform(0, 2 * np.pi, n_entities)
    styles = rng.normal(0, 0.35, (len(STATIONS), n_entities))
    others = 0.45 * usual + rng.normal(0, 0.8, (len(STATIONS), n_entities))
    others += 0.55 * np.stack([rng.permutation(usual) for _ in STATIONS])
    forms = rng.normal(0, 0.5, (len(STATIONS), n_entities))
    shift = rng.uniform(0, 2 * np.pi, len(STATIONS))
    for station, first in ((s, d) for s in range(len(STATIONS)) for d in range(0, n_days, _MONTH)):
        numbers = np.arange(first, min(first + _MONTH, n_days))
        apart = 1 + 0.3 * np.sin(numbers / 500 + shift[station])
        own = np.stack([_stories([seed, n, station + 1], _OWN, n_entities) for n in numbers])
        free = np.array([(day(n).month, day(n).day) in _HOLIDAYS for n in numbers.tolist()])
        logit = usual + drift[0] * np.sin(2 * np.pi * numbers[:, None] / drift[1] + phase)
        logit += apart[:, None] * styles[station]
        q = np.random.default_rng([seed, first, station + 1, 1])
        cover = q.uniform(0.5, 1.1, len(numbers)) * np.where(free, 0.4, 1)
        logit += news * cover[:, None] * _shared(seed, numbers, n_entities)
        logit += (news * np.where(free, 2, 1))[:, None] * own
        of_kind = {
            kind: np.isin(
                numbers,
                [d for each in spells if (each.station, each.kind) == (station, kind) for d in each.days],
            )
            for kind in ("off", "missing", "changed")
        }
        logit[of_kind["changed"]] += forms[station]
        logit[of_kind["off"]] = others[station] + news * own[of_kind["off"]]
        share = np.exp(logit - logit.max(axis=1, keepdims=True)) * q.gamma(3.0, 1 / 3, logit.shape)
        count = q.poisson(seconds * share / share.sum(axis=1, keepdims=True))
        count[of_kind["missing"]] = 0
        yield _table(station, numbers, count, names)


def _stories(seed: Sequence[int], n_stories: int, n_entities: int) -> Floats:
    """Make stories: some labels each, and how much they are seen."""
    rng = np.random.default_rng(seed)
    found = np.zeros(n_entities)
    for _ in range(n_stories):
        found[rng.integers(0, n_entities, _LABELS * n_entities // 1500 + 1)] += rng.gamma(1.0, 1.2)
    return found


def _shared(seed: int, numbers: NDArray[np.intp], n_entities: int) -> Floats:
    """Make what is in the news on some days: stories of the day, and less and less of the days before."""
    first = int(numbers[0]) - 10
    carried = np.zeros(n_entities)
    found = []
    for number in range(first, int(numbers[-1]) + 1):
        carried = _MEMORY * carried + _stories([seed, number + 100], _STORIES, n_entities)
        found.append(carried)
    return np.stack(found[10:])


def _table(station: int, numbers: NDArray[np.intp], count: NDArray[np.int64], names: pa.Array) -> pa.Table:
    row, entity = np.nonzero(count)
    starts = [datetime.combine(day(n), time(17, 30), ZONE).astimezone(UTC) for n in numbers.tolist()]
    ids = pa.array([f"{STATIONS[station]}_{start:%Y%m%d_%H%M%S}_{TITLES[station]}" for start in starts])
    columns = {
        "broadcast": ids.take(pa.array(row)),
        "station": pa.repeat(STATIONS[station], len(row)),
        "show": pa.repeat(TITLES[station], len(row)),
        "start": pa.array(starts, pa.timestamp("s", "UTC")).take(pa.array(row)),
        "day": pa.nulls(len(row), pa.date32()),
        "kind": pa.repeat("entity", len(row)),
        "entity": names.take(pa.array(entity)),
        "count": count[row, entity].astype(np.float64),
    }
    return pa.table(columns).cast(tables.ENTITIES)
