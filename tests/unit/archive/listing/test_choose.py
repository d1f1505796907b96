"""Choosing broadcasts: what is wanted of those that are listed."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive import Broadcast, Choice
from castgraph.archive.listing.choose import WEEKDAYS, check_excluded, narrow, parse_all

A = "NTV_20240101_200000_Evening_News"  # a Monday
B = "NTV_20240102_013000_Night"
C = "RUSSIA1_20240106_083000_60_minut"  # a Saturday
D = "RUSSIA1_20240107_083000"
ALL = dict.fromkeys([A, B, C, D], "")

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Moscow", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
)
HOURS = st.integers(0, 96).map(lambda quarter: quarter / 4)


def broadcast(moment: datetime) -> Broadcast:
    return Broadcast.parse(f"NTV_{moment:%Y%m%d_%H%M%S}")


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), [A, B, C, D]),
        (Choice(stations=["NTV"]), [A, B]),
        (Choice(first="2024-01-02"), [B, C, D]),
        (Choice(last="2024-01-02"), [A, B]),
        (Choice(first="2024-01-02", last="2024-01-06"), [B, C]),
        (Choice(title="(?i)^e|minut$"), [A, C]),
        (Choice(title="^$"), [D]),
        (Choice(title="NTV"), []),
        (Choice(weekdays=["mon", "sun"]), [A, D]),
        (Choice(hours=[8.5, 20]), [C, D]),
        (Choice(hours=[8, 20.01]), [A, C, D]),
        (Choice(hours=[20, 2]), [A, B]),
        (Choice(hours=[20, 1.5]), [A]),
        (Choice(hours=[0, 24]), [A, B, C, D]),
        # In Moscow three hours later.
        (Choice(weekdays=["mon"], timezone="Europe/Moscow"), [A]),
        (Choice(weekdays=["mon"], hours=[22, 24], timezone="Europe/Moscow"), [A]),
        (Choice(weekdays=["tue"], timezone="Asia/Tokyo"), [A, B]),
        (Choice(exclude=[A, D]), [B, C]),
        (Choice(exclude=["NTV_*", "*_2024010[67]_*"]), []),
        (Choice(exclude=["NTV_????????_20*"]), [B, C, D]),
        (Choice(exclude=["NTV"]), [A, B, C, D]),
        (Choice(stations=["RUSSIA1"], title="minut", exclude=["*"], include={B: ""}), [B]),
    ],
)
def test_everything_that_is_given_has_to_fit_unless_it_is_included(choice: Choice, taken: list[str]) -> None:
    assert list(narrow(ALL, choice)) == taken


@given(MOMENTS, ZONES)
def test_the_weekday_is_that_of_the_place(moment: datetime, zone: str) -> None:
    there = moment.astimezone(ZoneInfo(zone))
    taken = [day for day in WEEKDAYS if Choice(weekdays=[day], timezone=zone).takes(broadcast(moment))]
    assert taken == [there.strftime("%a").lower()]


@given(MOMENTS, ZONES, HOURS, HOURS)
def test_two_hours_part_the_day(moment: datetime, zone: str, first: float, end: float) -> None:
    """What begins between them does not begin between the second and the first, and nothing is left over."""
    takes = lambda *hours: Choice(hours=hours, timezone=zone).takes(broadcast(moment))  # noqa: E731
    there = moment.astimezone(ZoneInfo(zone))
    hour = there.hour + there.minute / 60 + there.second / 3600
    if first < end:
        assert takes(first, end) == (first <= hour < end)
    if first != end and {first, end} != {0, 24}:
        assert takes(first, end) != takes(end, first)
    assert takes(0, 24)


@given(MOMENTS, st.integers(-400, 400))
def test_days_are_those_of_the_id(moment: datetime, days: int) -> None:
    other = (moment + timedelta(days=days)).date().isoformat()
    one = broadcast(moment)
    assert Choice(first=other).takes(one) == (days <= 0)
    assert Choice(last=other).takes(one) == (days >= 0)
    assert Choice(first=other, last=other).takes(one) == (days == 0)


@pytest.mark.parametrize("day", ["00010101_000000", "99991231_235959"])
def test_the_ends_of_time_have_no_weekday_everywhere(day: str) -> None:
    for zone in ("America/New_York", "Asia/Tokyo"):
        Choice(weekdays=WEEKDAYS, timezone=zone).takes(Broadcast.parse(f"X_{day}"))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "..", "/etc/passwd", "Europe", "Europe/\0"])
def test_an_unknown_time_zone_is_told(zone: str) -> None:
    with pytest.raises(ValueError, match="is no time zone; a name of the IANA database is expected"):
        Choice(timezone=zone)


def test_a_title_that_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"title '\(' is not a regular expression"):
        Choice(title="(")


def test_included_broadcasts_come_from_where_they_are_said_to() -> None:
    listed = {A: "a.zip", B: "b.zip"}
    choice = Choice(title="nothing", include={A: "", B: "other.mp4", C: ""})
    assert narrow(listed, choice) == {A: "a.zip", B: "other.mp4", C: ""}


def test_all_wrong_ids_are_told() -> None:
    with pytest.raises(ValueError, match=r"2 of the broadcasts .*: 'x', 20240103; the form is STATION_"):
        parse_all(["x", A, 20240103])
    with pytest.raises(ValueError, match=r"12 of the broadcasts .*'9', …; the form"):
        parse_all(map(str, range(12)))
    with pytest.raises(ValueError, match=r"1 of the broadcasts are not broadcast IDs: 'NTV'"):
        check_excluded([A, "NTV*", "NTV"])


@pytest.mark.parametrize(
    ("wrong", "likely"),
    [
        ("NTV 2024-01-02 19:00 Evening News", "NTV_20240102_190000_Evening_News"),
        ("NTV-20240102-190000", "NTV_20240102_190000"),
        ("NTV_20240102_1900_News", "NTV_20240102_190000_News"),
        ("NTV_20240102_News", "NTV_20240102_HHMMSS_News"),
        ("NTV_20240102_190000_Новости дня", "NTV_20240102_190000_Novosti_dnya"),
    ],
)
def test_it_is_told_what_a_wrong_id_should_perhaps_be(wrong: str, likely: str) -> None:
    with pytest.raises(
        ValueError, match=f"'; the form .*; instead of {re.escape(repr(wrong))} perhaps {likely}$"
    ):
        parse_all([A, wrong])


@pytest.mark.parametrize(
    "wrong", ["NTV", "NTV_20240230_000000", "2024-01-02 19:00", "x/NTV 2024-01-02.mp4", "НТВ 2024-01-02"]
)
def test_nothing_is_said_where_that_cannot_be_told(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"'-'\)$"):
        parse_all([wrong])


def test_what_is_excluded_is_excluded_by_its_id_or_its_file_unless_it_is_included() -> None:
    choice = Choice(exclude=[A, "*.mkv", "tape*"], include={B: ""})
    assert [choice.excludes(each) for each in (A, B, C, "tape 17")] == [True, False, False, True]
    assert (choice.excludes(C, f"{C}.mkv"), choice.excludes(C, f"{C}.mp4")) == (True, False)
    assert not choice.excludes(B, f"{B}.mkv")
