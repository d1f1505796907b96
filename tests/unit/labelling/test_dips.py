"""Runs of days in which a station departs: found with their dates, and nothing else that looks alike."""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import outside

from castgraph.base import tables
from castgraph.labelling.dips import find
from castgraph.labelling.outside import read_entities
from castgraph.labelling.published import correlate

FIRST = date(2010, 7, 5)  # a Monday
STATIONS = ("ABC", "CBS", "NBC", "PBS", "UPN")
Event = tuple[str, int, int, float]
"""A station, its first and last day, and by how much less it is like the others; NaN where it has no data."""


def correlation(
    events: Sequence[Event] = (),
    *,
    seed: int = 0,
    n_days: int = 1500,
    n_stations: int = 3,
    like_before: float = 0.0,
    n_entities: int = 500,
) -> pa.Table:
    """Make up how alike stations are on the weekdays: noise, what a day does to all, and slow change."""
    rng = np.random.default_rng(seed)
    days = np.array([n for n in range(n_days) if n % 7 < 5])
    shared, own = rng.normal(0, 0.04, len(days)), rng.normal(0, 0.04, (len(days), n_stations))
    for n in range(1, len(days)):
        own[n] += like_before * own[n - 1]
    columns: dict[str, list[Any]] = {name: [] for name in tables.CORRELATION.names}
    for i in range(n_stations):
        for j in range(i + 1, n_stations):
            r = 0.75 + 0.1 * np.sin(days / (400 + 90 * i + 50 * j)) + shared + own[:, i] + own[:, j]
            r += rng.normal(0, 0.04, len(days))
            for station, first, last, by in events:
                if station in (STATIONS[i], STATIONS[j]):
                    r[(days >= first) & (days <= last)] -= by
            columns["day"] += [FIRST + timedelta(int(n)) for n in days]
            columns["station"] += [STATIONS[i]] * len(days)
            columns["other"] += [STATIONS[j]] * len(days)
            columns["r"] += np.clip(r, -1, 1).tolist()
            columns["n_entities"] += [n_entities] * len(days)
            columns["reason"] += [""] * len(days)
    return pa.table(columns, tables.CORRELATION)


def runs(table: pa.Table, **options: Any) -> list[tuple[str, int, int]]:
    """Give the station, the first and the last day of each run."""
    found = find(table, **options)
    assert found.schema.equals(tables.DIPS)
    rows = found.to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["station"], row["first"]))
    for row in rows:
        assert row["r"] < row["usual"]
        assert row["z"] < 0
        assert 0 <= row["p"] <= row["q"] <= 1
        assert 1 <= row["n_days"] <= (row["last"] - row["first"]).days + 1
    return [(row["station"], (row["first"] - FIRST).days, (row["last"] - FIRST).days) for row in rows]


def near(found: tuple[str, int, int], wanted: Event, days: int = 2) -> bool:
    """Tell whether a run is that one, within some days, be they Saturday and Sunday."""
    return found[0] == wanted[0] and abs(found[1] - wanted[1]) <= days and abs(found[2] - wanted[2]) <= days


@pytest.mark.parametrize("n_days", [5, 12, 19, 33, 96, 180])
@pytest.mark.parametrize("n_stations", [3, 5])
def test_a_run_is_found_with_its_dates(n_days: int, n_stations: int) -> None:
    run = ("CBS", 700, 700 + n_days - 1, 0.5)
    [found] = runs(correlation([run], n_stations=n_stations))
    assert near(found, run)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_where_nothing_is(seed: int) -> None:
    assert not runs(correlation(seed=seed))
    assert not runs(correlation(seed=seed, like_before=0.6))
    assert not runs(correlation(seed=seed, n_days=60))


def test_a_single_day_is_found_where_it_is_far_below() -> None:
    assert runs(correlation([("NBC", 700, 700, 0.9)])) == [("NBC", 700, 700)]
    assert not runs(correlation([("NBC", 700, 700, 0.15)]))


def test_stations_that_are_off_at_different_times_and_at_the_same() -> None:
    apart = [("ABC", 105, 137, 0.5), ("CBS", 700, 732, 0.5), ("CBS", 910, 921, 0.5)]
    found = runs(correlation(apart))
    assert len(found) == 3
    assert all(near(*pair) for pair in zip(found, apart, strict=True))
    both = [("ABC", 700, 732, 0.5), ("CBS", 714, 746, 0.5)]
    found = runs(correlation(both, n_stations=4))
    assert len(found) == 2
    assert all(near(*pair) for pair in zip(found, both, strict=True))


def test_of_two_stations_it_cannot_be_told_which() -> None:
    found = runs(correlation([("ABC", 700, 732, 0.5)], n_stations=2))
    assert found == [("ABC", 700, 732), ("CBS", 700, 732)]


def test_a_station_that_is_missing_is_no_run() -> None:
    missing = [("CBS", 300, 360, np.nan), ("ABC", 0, 250, np.nan)]
    assert not runs(correlation(missing))
    off = ("CBS", 700, 732, 0.5)
    [found] = runs(correlation([*missing, off, ("CBS", 707, 717, np.nan)]))
    assert near(found, off)


@pytest.mark.parametrize("by", [0.2, 0.5])
def test_a_new_format_is_no_run(by: float) -> None:
    assert not runs(correlation([("CBS", 700, 9999, by)]))
    off = ("CBS", 805, 837, 0.3)
    [found] = runs(correlation([("CBS", 700, 9999, by), off]))
    assert near(found, off)


def test_a_run_at_either_end_counts_unless_it_is_long() -> None:
    assert runs(correlation([("CBS", 0, 18, 0.5)])) == [("CBS", 0, 18)]
    assert runs(correlation([("CBS", 1470, 9999, 0.5)])) == [("CBS", 1470, 1499)]
    assert not runs(correlation([("CBS", 1400, 9999, 0.5)]))


def test_what_all_stations_do_and_what_one_does_every_year_is_no_run() -> None:
    every = [(station, 700, 711, 0.25) for station in STATIONS[:3]]
    assert not runs(correlation(every))
    holidays = [("CBS", round(365.25 * year) + 170, round(365.25 * year) + 181, 0.4) for year in range(8)]
    found = runs(correlation(holidays, n_days=2900))
    assert len(found) <= 2  # days that are off by one from year to year


def test_a_small_drop_is_no_run_however_sure() -> None:
    assert not runs(correlation([("CBS", 700, 732, 0.07)]))


@given(order=st.permutations(range(3)), seed=st.integers(0, 99))
@settings(max_examples=5)
def test_names_and_the_order_of_rows_change_nothing(order: list[int], seed: int) -> None:
    table = correlation([("CBS", 210, 242, 0.5)], n_days=500)
    shuffled = table.take(np.random.default_rng(seed).permutation(len(table)))
    assert find(shuffled).equals(find(table))
    names = {old: ["AAA", "MMM", "ZZZ"][n] for old, n in zip(STATIONS, order, strict=False)}
    rows = []
    for row in table.to_pylist():
        station, other = sorted(names[row[end]] for end in ("station", "other"))
        rows.append({**row, "station": station, "other": other})
    [found] = find(pa.Table.from_pylist(rows, tables.CORRELATION)).to_pylist()
    [expected] = find(table).to_pylist()
    assert found["station"] == names["CBS"]
    assert (found["first"], found["last"]) == (expected["first"], expected["last"])


@pytest.mark.parametrize("n_days", [0, 3, 20])
def test_few_days_and_no_numbers_are_no_fault(n_days: int) -> None:
    assert not runs(correlation(n_days=n_days))
    assert not runs(correlation([("ABC", 0, 999, np.nan)], n_days=n_days))


def test_equal_numbers_and_a_single_station_are_no_fault() -> None:
    table = correlation(n_days=300)
    same = table.set_column(3, tables.CORRELATION.field("r"), pa.array(np.ones(len(table))))
    assert not runs(same)
    alone = [
        {"day": FIRST, "station": "ABC", "other": "", "r": np.nan, "n_entities": 5, "reason": "one station"}
    ]
    assert not runs(pa.Table.from_pylist(alone, tables.CORRELATION))


def test_two_entities_tell_nothing_of_a_single_day() -> None:
    off = [("NBC", 28, 28, 1.7)]
    assert runs(correlation(off, n_days=400, n_entities=4)) == [("NBC", 28, 28)]
    assert not runs(correlation(off, n_days=400, n_entities=2))


# --- the made-up decade


@pytest.fixture(scope="module")
def benchmark(root: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        yield import_module("labelling")
        for name in ("labelling", "decade"):
            sys.modules.pop(name, None)


SMALL = {"n_days": 500, "n_entities": 300, "seconds": 4000}


@pytest.mark.slow
def test_the_run_of_a_small_decade_is_found_in_its_days(benchmark: ModuleType, tmp_path: Path) -> None:
    spells = [benchmark.Spell(2, 210, 35), benchmark.Spell(0, 100, 20, "missing")]
    path = tmp_path / "entities.parquet"
    n_rows = benchmark.decade.write(path, spells, **SMALL)
    tables.check(path, tables.TABLES["entities"])
    assert 100_000 < n_rows < 1_000_000
    found = correlate(path)
    days = set(found["day"].to_pylist())
    assert {day.weekday() for day in days} == set(range(5))
    assert min(days) == benchmark.decade.FIRST
    hits, n_false = benchmark.found(found, spells[:1])
    assert hits == [True]
    assert n_false == 0
    [row] = [row for row in find(found).to_pylist() if row["station"] == "KPIX"]
    first, last = (benchmark.decade.day(n) for n in (210, 244))
    assert abs((row["first"] - first).days) <= 2
    assert abs((row["last"] - last).days) <= 2
    missing = found.filter(pa.compute.equal(found["day"], pa.scalar(benchmark.decade.day(105))))
    assert missing["reason"].to_pylist() == ["one station", "one station", ""]


def test_a_decade_is_the_same_for_its_seed_and_bounded(benchmark: ModuleType) -> None:
    small = {**SMALL, "n_days": 70}
    parts = [list(benchmark.decade.rows(seed=seed, **small)) for seed in (1, 1, 2)]
    assert len(parts[0]) == 9  # a month of a station at a time
    assert all(one.equals(other) for one, other in zip(*parts[:2], strict=True))
    assert not parts[0][0].equals(parts[2][0])


def test_runs_that_are_put_into_a_decade_lie_apart(benchmark: ModuleType) -> None:
    spells = benchmark.planted(0)
    assert sorted({spell.n_days for spell in spells}) == sorted(benchmark.LENGTHS)
    assert len(spells) == len(benchmark.LENGTHS) * benchmark.EACH
    ends = [(spell.first, spell.first + spell.n_days) for spell in spells]
    assert all(one[1] < other[0] for one, other in pairwise(ends))
    assert ends[-1][1] < benchmark.DAYS
    assert all(benchmark.decade.day(spell.first).weekday() < 5 for spell in spells)


# --- a real table


@pytest.fixture(scope="module")
def hurricanes(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Shares of sentences about hurricanes, by day and station."""
    folder = outside("CASTGRAPH_ENTITIES", "entities", "hurricanes_by_station.csv")
    out = tmp_path_factory.mktemp("hurricanes") / "entities.parquet"
    found = read_entities([folder / "hurricanes_by_station.csv"], out)
    assert set(found.left_out) == {"the count is 0"}
    return tables.read(out, tables.ENTITIES)


def swapped(table: pa.Table, station: str, one: int, two: int, n_days: int) -> pa.Table:
    """Exchange days of a station: as many from the one on with as many from the other on."""
    days = sorted(set(table["day"].to_pylist()))
    pairs = {days[one + n]: days[two + n] for n in range(n_days)}
    to = pairs | {other: day for day, other in pairs.items()}
    rows = [
        {**row, "day": to.get(row["day"], row["day"])} if row["station"] == station else row
        for row in table.to_pylist()
    ]
    return pa.Table.from_pylist(rows, tables.ENTITIES)


def compared(table: pa.Table, path: Path) -> pa.Table:
    tables.write(path, table, {})
    return correlate(path, above=0, weekdays=range(7))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Give the interval that holds a share in 95 of 100 cases."""
    from castgraph.run.accuracy.estimate import wilson as interval

    return interval(hits / n, n)


@pytest.mark.slow
def test_days_of_a_real_station_that_are_swapped(hurricanes: pa.Table, tmp_path: Path) -> None:
    """Hurricanes come and go: two or three days of another week are found in most cases, single days seldom.

    The table has 33 days, of up to four entities each, and no more can be told of it. More days that are
    swapped are no exception but half of the table; days swapped with another station's are like the others.
    """
    path = tmp_path / "entities.parquet"
    assert not find(compared(hurricanes, path)).num_rows
    rng = np.random.default_rng(0)
    stations = sorted(set(hurricanes["station"].to_pylist()))
    hits, n_false, n = 0, 0, 12
    for _ in range(n):
        station, n_days = stations[rng.integers(4)], int(rng.integers(2, 4))
        one, two = int(rng.integers(0, 12 - n_days)), int(rng.integers(20, 33 - n_days))
        table = compared(swapped(hurricanes, station, one, two, n_days), path)
        days = sorted(set(hurricanes["day"].to_pylist()))
        wanted = {*days[one : one + n_days], *days[two : two + n_days]}
        found = find(table).to_pylist()
        own = [run for run in found if run["station"] == station]
        inside = {day for run in own for day in wanted if run["first"] <= day <= run["last"]}
        hits += len(inside) >= n_days
        n_false += len(found) - len(own)
    low, _ = wilson(hits, n)
    assert low > 0.5, f"{hits} of {n}"
    assert n_false <= 1
