"""Broadcasts that are not what their title says are found, and others are not."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.labelling.made import FIRST, Show, Television

from castgraph.base import tables
from castgraph.base.fdr import benjamini_hochberg
from castgraph.labelling.likeness import judge
from castgraph.labelling.suspects import suspects

NAMES = ("Evening News", "Morning Desk", "Night Talk")


def shows(**settings: Any) -> list[Show]:
    return [
        Show(NAMES[0], hour=18, **settings),
        Show(NAMES[1], hour=7, **settings),
        Show(NAMES[2], hour=22, n_reporters=3, n_guests=6, **settings),
    ]


def judged(made: Television | pa.Table) -> list[dict[str, Any]]:
    table = made.table() if isinstance(made, Television) else made
    found = judge(table)
    assert found.schema == tables.LIKENESS
    return found.to_pylist()


def suspected(rows: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """Give the title and number of each suspect, and what it is like instead."""
    found, numbers = {}, Counter[str]()
    for row in rows:
        if row["verdict"] == "suspect":
            found[row["show"], numbers[row["show"]]] = row["other_title"] if row["other"] > 0.5 else ""
        numbers[row["show"]] += 1
    return found


# ---- what is found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kinds", [("person",), ("label",), ("word",), ("person", "label", "word", "faces", "shot")]
)
def test_a_broadcast_of_another_title_is_found_by_any_kind_of_entity(kinds: tuple[str, ...]) -> None:
    wrong = {("NTV", NAMES[0], 20): NAMES[1], ("NTV", NAMES[1], 33): NAMES[2]}
    rows = judged(Television(shows(kinds=kinds), 80, wrong=wrong))
    assert suspected(rows) == {(title, n): other for (_, title, n), other in wrong.items()}
    assert all(row["q"] <= 0.05 and other_of(row) for row in rows if row["verdict"] == "suspect")


def other_of(row: dict[str, Any]) -> bool:
    title = row["other_title"].replace(" ", "_")
    return row["other_broadcast"].endswith(title) and row["other_title"] in row["reason"]


@pytest.mark.parametrize("instead", ["Morning Desk", "something unknown"])
def test_five_weeks_of_something_else_are_found_as_one_run(instead: str) -> None:
    wrong = {("NTV", NAMES[0], n): instead for n in range(90, 115)}
    made = Television(shows(kinds=("person", "label")), 320, wrong=wrong).table()
    found = judge(made)
    rows = suspects(found, made).to_pylist()
    assert set(suspected(found.to_pylist())) == {(title, n) for _, title, n in wrong}
    assert [row["run"] for row in rows] == [0] * 25
    assert {row["missing"] for row in rows} <= {"Evening News host", "Evening News co-host"}


def test_nothing_is_suspected_where_nothing_is_wrong() -> None:
    rows = judged(Television(shows(), 180, drift=0.3))
    assert {row["verdict"] for row in rows} <= {"usual", "new host"}


@pytest.mark.parametrize(
    ("show", "verdict"),
    [
        (Show(NAMES[0], hosts=((0, ("Ada", "Bo")), (70, ("Cy", "Di")))), "new host"),
        (Show(NAMES[0], seasons=(70,), kinds=("label", "word")), "new season"),
        (Show(NAMES[0], weekend=("Eve", "Flo")), ""),
    ],
)
def test_what_lasts_or_comes_again_is_not_wrong(show: Show, verdict: str) -> None:
    rows = judged(Television([show, *shows(kinds=show.kinds)[1:]], 200))
    others = {row["verdict"]: row for row in rows if row["verdict"] != "usual"}
    assert set(others) == ({verdict} if verdict else set())
    if verdict:
        places = [row["verdict"] for row in rows if row["show"] == NAMES[0]]
        assert abs(places.index(verdict) - 70) <= 1


@pytest.mark.slow
def test_a_holiday_is_one_where_others_depart_or_it_comes_again() -> None:
    days = ((1, 6), (2, 17))
    all_of_them = [
        Show(show.name, hour=show.hour, holidays=days) for show in shows(kinds=("person", "label"))
    ]
    of_all = [row for row in judged(Television(all_of_them, 80)) if row["verdict"] != "usual"]
    assert {(row["day"].month, row["day"].day) for row in of_all} == set(days)
    assert {row["verdict"] for row in of_all} == {"holiday"}
    kinds: dict[str, Any] = {"kinds": ("person", "label")}
    lone = [Show(NAMES[0], holidays=((7, 4),), weekend=("Eve",), **kinds), *shows(**kinds)[1:]]
    again = [row for row in judged(Television(lone, 570)) if row["verdict"] != "usual"]
    assert [(row["verdict"], row["day"]) for row in again] == [
        ("holiday", date(year, 7, 4)) for year in (2012, 2013)
    ]


# ---- few -------------------------------------------------------------------------------------------------


def of(broadcast: str, **seconds: float) -> list[dict[str, Any]]:
    station, day, time, *title = broadcast.split("_", 3)
    return [
        {
            "broadcast": broadcast,
            "station": station,
            "show": title[0].replace("_", " ") if title else None,
            "start": datetime.strptime(day + time, "%Y%m%d%H%M%S").replace(tzinfo=UTC),
            "kind": "person",
            "entity": person,
            "count": count,
        }
        for person, count in seconds.items()
    ]


def table(*parts: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([row for part in parts for row in part], tables.ENTITIES)


def evening(n: int, **guests: float) -> list[dict[str, Any]]:
    return of(f"ONE_2024010{n}_190000_Evening", ada=90.0, bo=70.0, **guests)


def morning(n: int, title: str = "Morning", hour: str = "07", **guests: float) -> list[dict[str, Any]]:
    return of(f"ONE_2024010{n}_{hour}0000_{title}", cy=95.0, di=80.0, **guests)


def verdicts(*parts: list[dict[str, Any]]) -> dict[str, str]:
    return {row["broadcast"]: row["verdict"] for row in judge(table(*parts)).to_pylist()}


def test_of_two_that_are_unlike_the_one_that_is_like_another_title_is_wrong() -> None:
    wrong = morning(3, "Evening", "19", guest1=20.0)
    given = [evening(1, guest2=30.0), wrong, morning(1, guest3=10.0), morning(2), morning(4, guest2=12.0)]
    found = verdicts(*given)
    assert found.pop("ONE_20240103_190000_Evening") == "suspect"
    assert found.pop("ONE_20240101_190000_Evening") == "not judged"
    assert set(found.values()) == {"usual"}


def test_what_cannot_be_told_is_not_judged_and_says_why() -> None:
    given = table(
        evening(1),
        of("ONE_20240102_190000_Evening", eve=80.0, flo=50.0),  # unlike, and like nothing
        morning(1),
        morning(2),
        of("ONE_20240103_120000", cy=90.0, di=60.0),  # no title
        of("ONE_20240103_130000_Noon", ada=20.0, gus=40.0),  # one only
    )
    empty = {"broadcast": "ONE_20240104_120000_Noon", "station": "ONE", "title": "Noon"}
    empty |= {"start": datetime(2024, 1, 4, 12, tzinfo=UTC), "status": "empty", "reason": ""}
    known = pa.Table.from_pylist([empty], tables.BROADCASTS)
    found = {row["broadcast"]: row for row in judge(given, broadcasts=known).to_pylist()}
    why = {name: row["reason"] for name, row in found.items() if row["verdict"] == "not judged"}
    assert set(why) == set(found) - {"ONE_20240101_070000_Morning", "ONE_20240102_070000_Morning"}
    assert "most like Morning" in why["ONE_20240103_120000"]
    assert "only one" in why["ONE_20240103_130000_Noon"]
    assert "nothing is known" in why["ONE_20240104_120000_Noon"]
    assert "cannot be told" in why["ONE_20240102_190000_Evening"]
    assert all(np.isnan(found[name]["q"]) for name in why)


def test_spellings_of_a_title_and_a_show_of_several_stations_are_one() -> None:
    both = [*evening(1), *of("ONE_20240102_190000_Evening_at_7", ada=80.0, bo=60.0), *evening(3)]
    quiz = [
        of(f"{station}_2024010{n}_200000_Quiz", host=90.0, judge=60.0)
        for station in ("ONE", "TWO")
        for n in (1, 2)
    ]
    other = [of(f"TWO_2024010{n}_190000_Evening", max=90.0, mo=60.0) for n in (1, 2, 3)]
    rows = judge(table(both, *quiz, *other)).to_pylist()
    assert {row["title"] for row in rows if row["station"] == "ONE"} == {"Evening", "Quiz"}
    assert {row["n_same"] for row in rows if row["title"] == "Quiz"} == {3}
    assert {row["n_same"] for row in rows if row["title"] == "Evening"} == {2}


def test_station_days_in_a_dip_are_suspects() -> None:
    rng = np.random.default_rng(5)
    profile = {station: rng.lognormal(2, 1, 30) for station in ("A", "B")}
    days = [FIRST + timedelta(days=n) for n in range(40)]
    rows = [
        {"station": s, "day": day, "kind": "entity", "entity": f"e{n}", "count": float(count)}
        for s, mean in profile.items()
        for day in days
        for n, count in enumerate(rng.poisson(mean))
        if count
    ]
    dip = {"station": "A", "first": days[10], "last": days[14], "n_days": 5}
    found = judge(
        pa.Table.from_pylist(rows, tables.ENTITIES), pa.Table.from_pylist([dip], tables.DIPS)
    ).to_pylist()
    assert len(found) == 80
    assert [(r["station"], r["day"]) for r in found if r["verdict"] == "suspect"] == [
        ("A", day) for day in days[10:15]
    ]


# ---- numbers, order, hostile names -----------------------------------------------------------------------


def test_benjamini_and_hochberg_as_scipy_has_it() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(1).random(200) ** 3
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_pearson_is_that_of_the_logarithms_with_the_mean_of_the_others() -> None:
    given = table(evening(1), evening(2, guest=20.0), evening(3, other=5.0), morning(1), morning(2))
    row = judge(given).to_pylist()[-1]
    assert row["broadcast"] == "ONE_20240103_190000_Evening"
    names = ["ada", "bo", "cy", "di", "guest", "other"]
    of_one = np.log1p([90.0, 70.0, 0, 0, 0, 5.0])
    others = np.log1p([[90.0, 70.0, 0, 0, 0, 0], [90.0, 70.0, 0, 0, 20.0, 0]]).mean(axis=0)
    assert len(names) == len(of_one)
    assert row["own_r"] == pytest.approx(np.corrcoef(of_one, others)[0, 1], abs=1e-5)


def test_the_order_of_rows_and_reading_from_a_file_change_nothing(tmp_path: Path) -> None:
    made = Television(shows(), 20, wrong={("NTV", NAMES[0], 4): NAMES[1]}).table()
    found = judge(made)
    rows = made.to_pylist()
    random.Random(3).shuffle(rows)
    assert str(judge(pa.Table.from_pylist(rows, tables.ENTITIES)).to_pylist()) == str(found.to_pylist())
    tables.write(tmp_path / "entities.parquet", made, {}, tables.ENTITIES)
    assert str(judge(tmp_path / "entities.parquet").to_pylist()) == str(found.to_pylist())
    tables.write(tmp_path / "likeness.parquet", found, {}, tables.LIKENESS)
    tables.check(tmp_path / "likeness.parquet", tables.TABLES["likeness"])


def test_any_names_are_taken_as_they_are() -> None:
    names = [
        "=1+1",
        "<script>",
        "a\nb",
        "\u202eEvil",
        "'; DROP TABLE",
        "x" * 5000,
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ]
    rows = [
        {
            **row,
            "show": name,
            "station": f"S{place}",
            "broadcast": f"{place} {n}",
            "entity": name + row["entity"],
        }
        for place, name in enumerate(names)
        for n in range(3)
        for row in evening(n + 1)
    ]
    found = judged(pa.Table.from_pylist(rows, tables.ENTITIES))
    assert len(found) == 3 * len(names)
    assert all("\n" not in row["title"] and len(row["reason"]) < 400 for row in found)
    # A title of signs only is none.
    assert {row["verdict"] for row in found if any(map(str.isalnum, row["show"]))} == {"usual"}


@pytest.mark.parametrize("rows", [[], evening(1), [*evening(1), *evening(2)], [*evening(1), *morning(1)]])
def test_of_hardly_anything_nothing_is_suspected(rows: list[dict[str, Any]]) -> None:
    found = judged(table(rows))
    assert all(row["verdict"] in ("usual", "not judged") for row in found)
    assert len(suspects(judge(table(rows)), table(rows))) == 0
