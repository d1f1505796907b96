"""The published computation: Pearson by local day, as SciPy and pandas have it, and where it is undefined."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from castgraph.base import tables
from castgraph.labelling import published
from castgraph.labelling.published import correlate

MONDAY = date(2012, 12, 3)
EVERY_DAY = range(7)
Row = tuple[str, date | datetime, str, float]


def written(path: Path, rows: Iterable[Row], kind: str = "entity") -> Path:
    """Write entities of stations, by day or by start."""
    made = [
        {
            "station": station,
            "start": when if isinstance(when, datetime) else None,
            "day": None if isinstance(when, datetime) else when,
            "kind": kind,
            "entity": entity,
            "count": count,
        }
        for station, when, entity, count in rows
    ]
    tables.write(path, pa.Table.from_pylist(made, tables.ENTITIES), {}, tables.ENTITIES)
    return path


def cells(found: pa.Table, day: date = MONDAY) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["station"], row["other"]): row for row in found.to_pylist() if row["day"] == day}


def day_of(counts: dict[str, Sequence[float]], day: date = MONDAY) -> list[Row]:
    """Give the rows of a day: what each station has of each entity."""
    return [
        (station, day, f"entity {n}", count)
        for station, values in counts.items()
        for n, count in enumerate(values)
        if count > 0
    ]


TABLES = st.lists(  # days of stations of entities
    st.lists(st.lists(st.integers(0, 40), min_size=6, max_size=6), min_size=3, max_size=3),
    min_size=1,
    max_size=4,
)


def as_published(counts: np.ndarray, above: float) -> np.ndarray:
    """Do as the study did with the counts of a day, of shape (n_stations, n_entities)."""
    kept = np.where(counts > above, counts, 0)
    return kept[:, (kept > 0).any(axis=0)]


@given(days=TABLES, above=st.sampled_from([0, 10]), scale=st.sampled_from([1.0, 0.01, 1 / 3]))
def test_pearson_is_that_of_scipy_and_numpy(
    tmp_path_factory: pytest.TempPathFactory, days: list[Any], above: float, scale: float
) -> None:
    rows: list[Row] = []
    for n, counts in enumerate(days):
        rows += day_of({f"S{s}": [v * scale for v in c] for s, c in enumerate(counts)}, date(2012, 12, 3 + n))
    path = written(tmp_path_factory.mktemp("table") / "entities.parquet", rows)
    found = correlate(path, above=above * scale, weekdays=EVERY_DAY)
    for n, counts in enumerate(days):
        kept = as_published(np.array(counts, float) * scale, above * scale)
        for (station, other), row in cells(found, date(2012, 12, 3 + n)).items():
            x, y = kept[int(station[1])], kept[int(other[1] if other else station[1])]
            assert row["n_entities"] == kept.shape[1]
            if not other or len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
                assert np.isnan(row["r"])
                assert row["reason"]
            else:
                assert row["reason"] == ""
                assert row["r"] == pytest.approx(pearsonr(x, y).statistic, abs=1e-12)
                assert row["r"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)


def test_pearson_is_that_of_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="run with `uv run --with pandas pytest ...`")
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(1, 20, (4, 200)))
    path = written(tmp_path / "e.parquet", day_of({f"S{n}": row for n, row in enumerate(counts.tolist())}))
    frame = pandas.DataFrame(as_published(counts.astype(float), 10).T, columns=[f"S{n}" for n in range(4)])
    expected = frame.corr(method="pearson")
    for (station, other), row in cells(correlate(path)).items():
        assert row["r"] == pytest.approx(expected.loc[station, other], abs=1e-12)


def test_what_was_published_is_what_comes_without_options(tmp_path: Path) -> None:
    rows = [
        *day_of({"ABC": [30, 12, 10, 0], "CBS": [40, 11, 0, 20]}),  # 10 is not above 10
        *day_of({"ABC": [30, 12], "CBS": [40, 11]}, date(2012, 12, 8)),  # a Saturday
    ]
    found = correlate(written(tmp_path / "e.parquet", rows))
    [row] = found.to_pylist()
    assert row["day"] == MONDAY
    assert row["n_entities"] == 3
    assert row["r"] == pytest.approx(pearsonr([30, 12, 0], [40, 11, 20]).statistic)
    assert found.schema.equals(tables.CORRELATION)


def test_counts_of_several_broadcasts_of_a_day_are_added(tmp_path: Path) -> None:
    rows = [("ABC", MONDAY, "desk", 6), ("ABC", MONDAY, "desk", 6), ("ABC", MONDAY, "map", 20)]
    other = [("CBS", MONDAY, "desk", 30), ("CBS", MONDAY, "flag", 12)]
    [row] = correlate(written(tmp_path / "e.parquet", [*rows, *other])).to_pylist()
    assert row["r"] == pytest.approx(pearsonr([12, 20, 0], [30, 0, 12]).statistic)


def test_an_entity_of_another_kind_is_another(tmp_path: Path) -> None:
    path = written(tmp_path / "e.parquet", day_of({"ABC": [12, 30], "CBS": [12, 30]}))
    other = written(tmp_path / "other.parquet", day_of({"ABC": [30, 12], "CBS": [12, 30]}), "word")
    both = pa.concat_tables([tables.read(each, tables.ENTITIES) for each in (path, other)])
    tables.write(tmp_path / "both.parquet", both.unify_dictionaries(), {})
    [row] = correlate(tmp_path / "both.parquet").to_pylist()
    assert row["n_entities"] == 4
    assert row["r"] == pytest.approx(pearsonr([12, 30, 30, 12], [12, 30, 12, 30]).statistic)


def test_where_there_is_no_correlation_it_says_why(tmp_path: Path) -> None:
    days = [date(2012, 12, 3 + n) for n in range(5)]
    rows = [
        *day_of({"ABC": [30, 12, 20]}, days[0]),
        *day_of({"ABC": [3, 2], "CBS": [1, 4], "NBC": [1, 1]}, days[1]),
        *day_of({"ABC": [20, 20, 20], "CBS": [30, 12, 20], "NBC": [30, 11, 20]}, days[2]),
        *day_of({"ABC": [20], "CBS": [30]}, days[3]),
        *day_of({"ABC": [0.3, 0.1 + 0.2, 0.3], "CBS": [0.3] * 3, "NBC": [0.1] * 3}, days[4]),
    ]
    path = written(tmp_path / "e.parquet", rows)
    found = correlate(path)
    why = {day: {key: row["reason"] for key, row in cells(found, day).items()} for day in days}
    pairs = [("ABC", "CBS"), ("ABC", "NBC"), ("CBS", "NBC")]
    assert why[days[0]] == dict(zip(pairs, ["one station", "one station", "no entities"], strict=True))
    assert set(why[days[1]].values()) == {"no entities"}
    assert why[days[2]] == dict(zip(pairs, ["equal counts", "equal counts", ""], strict=True))
    assert why[days[3]] == dict(zip(pairs, ["one entity", "one station", "one station"], strict=True))
    undefined = [np.isnan(row["r"]) for row in found.to_pylist()]
    assert undefined == [row["reason"] != "" for row in found.to_pylist()]
    # Rounding leaves no variance where there is none.
    shares = cells(correlate(path, above=0), days[4])
    assert shares["CBS", "NBC"]["reason"] == "equal counts"


def test_a_single_station_is_said_to_be_one(tmp_path: Path) -> None:
    [row] = correlate(written(tmp_path / "e.parquet", day_of({"ABC": [30, 12]}))).to_pylist()
    assert (row["station"], row["other"], row["reason"]) == ("ABC", "", "one station")
    assert np.isnan(row["r"])


def test_no_rows_have_no_days(tmp_path: Path) -> None:
    found = correlate(written(tmp_path / "e.parquet", []), threads=2)
    assert found.num_rows == 0
    assert found.schema.equals(tables.CORRELATION)


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2012-12-01T01:30", "America/Los_Angeles", "2012-11-30"),
        ("2024-03-10T07:59", "America/Los_Angeles", "2024-03-09"),  # still winter: 23:59
        ("2024-03-10T08:00", "America/Los_Angeles", "2024-03-10"),
        ("2024-03-11T06:59", "America/Los_Angeles", "2024-03-10"),  # a day of 23 hours
        ("2024-03-11T07:00", "America/Los_Angeles", "2024-03-11"),
        ("2024-11-03T06:59", "America/Los_Angeles", "2024-11-02"),
        ("2024-11-04T07:59", "America/Los_Angeles", "2024-11-03"),  # a day of 25 hours
        ("2024-11-04T08:00", "America/Los_Angeles", "2024-11-04"),
        ("2024-03-31T00:30", "Europe/Berlin", "2024-03-31"),
        ("2024-06-01T21:30", "Europe/Moscow", "2024-06-02"),
        ("2011-12-30T09:59", "Pacific/Apia", "2011-12-29"),  # where 30 December was left out
        ("2011-12-30T10:00", "Pacific/Apia", "2011-12-31"),
    ],
)
def test_days_are_those_of_the_time_zone(tmp_path: Path, moment: str, zone: str, day: str) -> None:
    start = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    path = written(tmp_path / "e.parquet", [("ABC", start, "desk", 20), ("ABC", start, "map", 12)])
    [row] = correlate(path, timezone=zone, weekdays=EVERY_DAY).to_pylist()
    assert row["day"] == date.fromisoformat(day)


def test_a_day_that_is_given_counts_and_not_that_of_the_start(tmp_path: Path) -> None:
    start = datetime(2012, 12, 5, 1, tzinfo=UTC)
    made = {
        "station": "ABC",
        "start": start,
        "day": MONDAY,
        "kind": "entity",
        "entity": "desk",
        "count": 20.0,
    }
    tables.write(tmp_path / "e.parquet", pa.Table.from_pylist([made], tables.ENTITIES), {})
    assert correlate(tmp_path / "e.parquet")["day"].to_pylist() == [MONDAY]


def test_threads_memory_and_spans_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows: list[Row] = []
    for n in range(8):
        start = datetime(2012, 12, 3 + n, 1, tzinfo=UTC)
        rows += [
            (station, start, f"entity {entity}", float(count))
            for station in ("ABC", "CBS", "NBC", "PBS")
            for entity, count in enumerate(rng.gamma(1, 20, 100))
            for _ in range(2)
        ]
    path = written(tmp_path / "e.parquet", rows)
    whole = correlate(path, weekdays=EVERY_DAY, above=0.5)
    monkeypatch.setattr(published, "_MOST_ROWS", 1500)
    monkeypatch.setattr(tables, "ROW_GROUP", 700)
    parts = correlate(
        path, weekdays=EVERY_DAY, above=0.5, threads=2, memory="100MB", scratch=tmp_path / "scratch"
    )
    assert parts.equals(whole)


def test_names_with_brackets_and_quotes_are_names(tmp_path: Path) -> None:
    path = written(tmp_path / "it's [a] *?.parquet", day_of({"A'B": [30, 12], 'C"D;--': [40, 11]}))
    assert list(cells(correlate(path))) == [("A'B", 'C"D;--')]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timezone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ({"weekdays": [1, 7]}, r"weekdays: 7 is not allowed; it must be from 0 \(Monday\) to 6 \(Sunday\)"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        correlate(written(tmp_path / "e.parquet", []), **options)


def test_another_table_is_told(tmp_path: Path) -> None:
    tables.write(tmp_path / "e.parquet", pa.table({"day": [1]}), {})
    with pytest.raises(tables.TableError, match="has no column broadcast"):
        correlate(tmp_path / "e.parquet")
    (tmp_path / "e.parquet").write_bytes(b"no table")
    with pytest.raises(tables.TableError, match="cannot be read as a table"):
        correlate(tmp_path / "e.parquet")
