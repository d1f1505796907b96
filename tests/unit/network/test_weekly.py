"""The network by day and week: weights, who stands where, communities that keep their numbers."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.members import members, person

from castgraph.base import tables
from castgraph.network.cooccurrence import PUBLISHED_WEIGHTS, as_published, by_day, cooccurrences, strongest
from castgraph.network.trends import rose_and_fell
from castgraph.network.weekly import WEIGHTS, centrality, followed, part, weights

SUNDAY = datetime(2024, 1, 7, 23, 59, 50, tzinfo=UTC)


Faces = tuple[pa.Table, tables.Members, np.ndarray]


def made(faces: list[tuple[int, int, int]], starts: list[datetime]) -> Faces:
    """Faces (broadcast, frame, person), a frame every 4 seconds: table, members and times."""
    faces = sorted(faces)
    names = [f"B{broadcast}" for broadcast, _, _ in faces]
    frames = pa.array([frame for _, frame, _ in faces], pa.int32())
    table = pa.table({"broadcast": pa.array(names, pa.string()).dictionary_encode(), "frame": frames})
    times = [(starts[place] + timedelta(seconds=4 * frame)).replace(tzinfo=None) for place, frame, _ in faces]
    return table, members([who for _, _, who in faces]), np.array(times, "datetime64[us]")


LAYERS = st.dictionaries(
    st.sampled_from(["same_frame", "adjacent", "within", "same_broadcast"]),
    st.sampled_from([0.0, 1.0, 2.5]),
    min_size=1,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    faces=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(-1, 5)), min_size=1, max_size=60
    ),
    layers=LAYERS,
    within=st.integers(0, 4),
    period=st.sampled_from(["day", "week"]),
    top=st.integers(1, 9),
)
def test_the_weights_of_the_periods_add_up_to_those_of_the_edges(faces, layers, within, period, top):
    found = made(faces, [SUNDAY, SUNDAY + timedelta(days=1), SUNDAY - timedelta(days=365 * 70)])
    edges = cooccurrences(*found, weights=layers, within=within)
    for kept, what in ((strongest(edges, top), layers), (as_published(edges), PUBLISHED_WEIGHTS)):
        over_time = weights(by_day(*found, kept, weights=what, within=within), period)
        sums = over_time.group_by(["source", "target"]).aggregate([("weight", "sum")]).to_pylist()
        assert {(row["source"], row["target"]): row["weight_sum"] for row in sums} == {
            (row["source"], row["target"]): row["weight"] for row in kept.to_pylist() if row["weight"]
        }
        order = [(name, "ascending") for name in ("start", "source", "target")]
        assert over_time.equals(over_time.sort_by(order))
        assert period != "week" or all(start.weekday() == 0 for start in over_time["start"].to_pylist())


def test_a_frame_at_midnight_is_of_the_day_and_week_in_which_it_is_on_air():
    found = made([(0, 1, 0), (0, 1, 1), (0, 3, 0), (0, 3, 1)], [SUNDAY])
    days = by_day(*found, cooccurrences(*found))
    for period, starts in (("week", ["2024-01-01", "2024-01-08"]), ("day", ["2024-01-07", "2024-01-08"])):
        rows = weights(days, period).to_pylist()
        assert [(str(row["start"]), row["weight"]) for row in rows] == [(start, 2.0) for start in starts]


def test_days_before_1970_are_told_rightly():
    found = made([(0, 1, 0), (0, 1, 1)], [datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)])
    assert str(by_day(*found, cooccurrences(*found))["day"][0]) == "1969-07-20"
    assert str(weights(by_day(*found, cooccurrences(*found)))["start"][0]) == "1969-07-14"


def test_nothing_has_no_weeks():
    found = made([], [])
    over_time = weights(by_day(*found, tables.EDGES.empty_table()))
    assert (over_time.num_rows, over_time.schema) == (0, WEIGHTS)
    none = centrality(over_time, {})
    assert none.schema == tables.CENTRALITY
    assert rose_and_fell(none, 3) == ([], [])


def weekly(*weeks: dict[str, float]) -> pa.Table:
    """Weights of weeks in a row; a pair is two letters."""
    rows = [
        {
            "start": (SUNDAY + timedelta(days=1, weeks=n)).date(),
            "source": pair[0],
            "target": pair[1],
            "weight": weight,
        }
        for n, week in enumerate(weeks)
        for pair, weight in sorted(week.items())
    ]
    return pa.Table.from_pylist(rows, WEIGHTS)


def test_everybody_with_an_edge_has_a_row_for_each_week(tmp_path):
    found = centrality(weekly({"AB": 4.0, "BC": 2.0}, {"AC": 1.0}), {"A": 0, "B": 0, "C": 0})
    rows = {(row["part"], row["person_id"]): row for row in found.to_pylist()}
    assert list(rows) == [
        ("2024-W02", "B"), ("2024-W02", "A"), ("2024-W02", "C"), ("2024-W03", "A"), ("2024-W03", "C"),
    ]  # fmt: skip
    first = rows["2024-W02", "B"]
    assert (first["degree"], first["strength"], first["betweenness"]) == (2, 6.0, 1.0)
    assert str(first["start"]) == "2024-01-08"
    for week in ("2024-W02", "2024-W03"):
        assert sum(row["pagerank"] for key, row in rows.items() if key[0] == week) == pytest.approx(1)
    tables.write(tmp_path / "centrality.parquet", found, {}, tables.CENTRALITY)
    tables.check(tmp_path / "centrality.parquet", tables.TABLES["centrality"])


GROUP = {"AB": 9.0, "AC": 9.0, "BC": 9.0}
OTHER = {"DE": 9.0, "DF": 9.0, "EF": 9.0}
THIRD = {"GH": 9.0, "GI": 9.0, "HI": 9.0}


def numbers(found: pa.Table) -> dict[str, str]:
    """Week → the numbers of the people A to I in their order, a dot for who is not there."""
    weeks: dict[str, dict[str, str]] = {}
    for row in found.to_pylist():
        weeks.setdefault(row["part"][-2:], {})[row["person_id"]] = str(row["community"])
    return {week: "".join(of.get(letter, ".") for letter in "ABCDEFGHI") for week, of in weeks.items()}


def test_communities_keep_their_numbers_also_over_weeks_without_them():
    known = dict.fromkeys("ABC", 1) | dict.fromkeys("DEF", 0)
    found = centrality(
        weekly(
            GROUP | OTHER,
            OTHER,  # the first group is away
            GROUP | OTHER | THIRD,  # it is back, and a new one comes
            {"AB": 9.0, "AD": 9.0, "BD": 9.0, "EF": 9.0, "CF": 1.0} | THIRD,  # D goes over
            {"EF": 9.0, "HI": 9.0},
        ),
        known,
    )
    assert numbers(found) == {
        "02": "111000...",
        "03": "...000...",
        "04": "111000222",
        "05": "110100222",
        "06": "....00.22",
    }


def test_a_number_is_never_given_to_another_community():
    found = centrality(weekly(GROUP, OTHER, THIRD, GROUP | OTHER | THIRD), dict.fromkeys("ABC", 0))
    assert numbers(found) == {"02": "000......", "03": "...111...", "04": "......222", "05": "000111222"}


def test_of_two_parts_of_a_community_the_larger_keeps_the_number_then_the_stronger():
    last = dict.fromkeys("ABCDE", 0)
    now = dict(zip("ABCDE", (7, 7, 7, 4, 4), strict=True))
    assert followed(now, last, dict.fromkeys("ABCDE", 1.0), 1) == dict(
        zip("ABCDE", (0, 0, 0, 1, 1), strict=True)
    )
    now = dict(zip("ABCD", (7, 7, 4, 4), strict=True))
    strength = dict(zip("ABCD", (1.0, 1.0, 5.0, 1.0), strict=True))
    assert followed(now, last, strength, 1) == dict(zip("ABCD", (1, 1, 0, 0), strict=True))


@settings(max_examples=50)
@given(
    now=st.lists(st.integers(0, 5), min_size=1, max_size=30),
    before=st.lists(st.integers(-1, 5), min_size=30, max_size=30),
)
def test_numbers_are_one_to_one_and_do_not_depend_on_those_of_the_groups(now, before):
    groups = {person(n): group for n, group in enumerate(now)}
    last = {person(n): number for n, number in enumerate(before) if number >= 0}
    found = followed(groups, last, dict.fromkeys(groups, 1.0), 6)
    pairs = {(group, found[name]) for name, group in groups.items()}
    assert len(pairs) == len({group for group, _ in pairs}) == len({number for _, number in pairs})
    # Whoever shares people and was left without that number lost it to one who shares as many or more.
    for group, number in pairs:
        for name in (name for name in groups if groups[name] == group and name in last):
            shared = {
                other: sum(last.get(n) == last[name] for n in groups if groups[n] == other)
                for other, _ in pairs
            }
            mine = sum(last.get(n) == number for n in groups if groups[n] == group)
            holder = [other for other, given in pairs if given == last[name]]
            assert mine >= shared[group] or shared[holder[0]] >= shared[group]
    assert followed(groups, {name: found[name] for name in groups}, dict.fromkeys(groups, 1.0), 99) == found


def test_who_rose_and_who_fell_is_told_by_the_halves():
    rows = [
        ("2024-W01", "A", 0.6), ("2024-W01", "B", 0.4), ("2024-W02", "A", 0.6), ("2024-W02", "B", 0.4),
        ("2024-W03", "C", 1.0),  # the middle one
        ("2024-W04", "A", 0.2), ("2024-W04", "B", 0.8), ("2024-W05", "B", 0.4), ("2024-W05", "D", 0.6),
    ]  # fmt: skip
    table = pa.Table.from_pylist(
        [dict(zip(("part", "person_id", "pagerank"), row, strict=True)) for row in rows]
    )
    rose, fell = rose_and_fell(table, 2)
    assert [(each.person_id, round(each.before, 6), round(each.after, 6)) for each in rose] == [
        ("D", 0.0, 0.3),
        ("B", 0.4, 0.6),
    ]
    assert [(each.person_id, round(each.difference, 6)) for each in fell] == [("A", -0.5)]


def test_weeks_are_those_of_iso_8601():
    assert [part(datetime(*day).date(), "week") for day in ((2024, 12, 30), (2021, 1, 3))] == [
        "2025-W01",
        "2020-W53",
    ]
