"""What names of files say: days and times that can be read in one way, and titles fit for an ID."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive import Broadcast
from castgraph.archive.listing import names

DAY = date(2024, 1, 2)


@pytest.mark.parametrize(
    "name",
    [
        "2024-01-02", "2024_01_02", "2024.01.02", "2024 01 02", "2024/01/02", "2024-1-2", "20240102",
        "02.01.2024",
        "2.1.2024", "2 January 2024", "02-Jan-2024", "02jan2024", "2nd of January, 2024", "January 2, 2024",
        "JAN 2 2024", "Jan. 2 2024", "2024-Jan-02", "2024 January 2", "VID-20240102-WA0001",
        "Show.Name.2024.01.02.720p", "News 2024-01-02 (2024-01-02)", "ch1_20240102_2560x1440",
    ],
)  # fmt: skip
def test_days_are_read_however_they_are_written(name: str) -> None:
    read = names.read(name)
    assert (read.day, read.clock) == (DAY, None)
    assert names.read(f"News_{name}_x").day == DAY


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("2024-01-02_19-05-07", "19:05:07"),
        ("2024-01-02 19:05:07", "19:05:07"),
        ("2024-01-02 19.05.07", "19:05:07"),
        ("20240102T190507", "19:05:07"),
        ("20240102_190507", "19:05:07"),
        ("20240102190507", "19:05:07"),
        ("202401021905", "19:05:00"),
        ("20240102T1905", "19:05:00"),
        ("PXL_20240102_190507123.TS", "19:05:07"),
        ("2024-01-02T19:05:07.123 x", "19:05:07"),
        ("Screen Recording 2024-01-02 at 7.05.07\u202fPM", "19:05:07"),
        ("WhatsApp Video 2024-01-02 at 19.05.07", "19:05:07"),
        ("2 January 2024, 7pm", "19:00:00"),
        ("2024-01-02 12 am", "00:00:00"),
        ("2024-01-02 12:30 pm", "12:30:00"),
        ("2024-01-02 19h05", "19:05:00"),
        ("2024-01-02 9:05", "09:05:00"),
        ("GMT20240102-190507_Recording", "19:05:07"),
    ],
)
def test_times_behind_the_day_are_read(name: str, clock: str) -> None:
    read = names.read(name)
    assert (read.day, read.clock.isoformat(), read.sure) == (DAY, clock, True)


@pytest.mark.parametrize("name", ["20240102_0001", "2024-01-02-1905", "2024-01-02 19-05 News"])
def test_four_digits_may_be_a_time_and_it_is_said_that_this_is_not_sure(name: str) -> None:
    assert (names.read(name).clock is not None, names.read(name).sure) == (True, False)


@pytest.mark.parametrize(
    "name",
    ["2024-01-02 1080p", "2024-01-02 720p", "2024-01-02 - 05 - x", "20240102_250000", "2024-01-02 at 13 pm",
     "2024-01-02_1234567"],
)  # fmt: skip
def test_what_is_no_time_is_none(name: str) -> None:
    assert (names.read(name).day, names.read(name).clock) == (DAY, None)


@pytest.mark.parametrize(
    "name",
    ["tape 17", "20241345", "2024-02-30", "31.02.2024", "24-01-02", "240102", "02012024", "IMG_1234", "1080p",
     "120240102", "2024010", "Mayor 2 2024", "", "20240102345"],
)  # fmt: skip
def test_what_is_no_day_is_none(name: str) -> None:
    read = names.read(name)
    assert (read.day, read.start(UTC), read.rest.strip()) == (None, None, name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("03-04-2024", "03-04-2024 may be 2024-04-03 or 2024-03-04"),
        ("x 3/4/2024 y", "3/4/2024 may be 2024-04-03 or 2024-03-04"),
        ("03_04_2024 19.00", "03_04_2024 may be"),
        ("News 2024-01-02 on 2023-12-31", "2023-12-31 or 2024-01-02"),
        ("20240102 and 3 January 2024", "2024-01-02 or 2024-01-03"),
    ],
)
def test_what_may_be_two_days_is_told(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        names.read(name)


@pytest.mark.parametrize("name", ["25-12-2024", "12/25/2024", "12_25_2024"])
def test_a_number_above_twelve_tells_day_from_month(name: str) -> None:
    assert names.read(name).day == date(2024, 12, 25)
    assert names.read("03-03-2024").day == date(2024, 3, 3)


def test_a_time_is_that_of_the_zone_unless_the_name_says_another() -> None:
    moscow = ZoneInfo("Europe/Moscow")
    starts = {
        "2024-01-02 01:00": datetime(2024, 1, 1, 22, tzinfo=UTC),
        "20240102T010000Z": datetime(2024, 1, 2, 1, tzinfo=UTC),
        "20240102T010000 UTC": datetime(2024, 1, 2, 1, tzinfo=UTC),
        "20240102T010000+0500": datetime(2024, 1, 1, 20, tzinfo=UTC),
        "2024-01-02T01:00:00-05:00 x": datetime(2024, 1, 2, 6, tzinfo=UTC),
        "GMT20240102-010000_x": datetime(2024, 1, 2, 1, tzinfo=UTC),
        # A number that is counted on.
        "20240102_010000-0100": datetime(2024, 1, 1, 22, tzinfo=UTC),
    }
    assert {name: names.read(name).start(moscow) for name in starts} == starts
    assert names.read("2024-01-02T01:00:00-05:00 x").zone == timezone(-timedelta(hours=5))


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("Evening News 2024-01-02 19.00", "Evening_News"),
        ("2024-01-02 - Evening News", "Evening_News"),
        ("MYTV_20240102_190000_Evening_News", "Evening_News"),
        ("mytv - 2024-01-02 - Новости дня", "Novosti_dnya"),
        ("MYTV2 Télé 2024-01-02", "MYTV2_Tele"),
        ("2024-01-02 60 минут (HD).1", "60_minut_HD_1"),
        ("GMT20240102-190000_Recording", "Recording"),
        ("20240102_190000-0007 x", "0007_x"),
        ("2024-01-02", ""),
        ("=2024-01-02 ../../etc\n\x1b[31m", "etc_31m"),
    ],
)
def test_the_rest_of_a_name_is_the_title(name: str, rest: str) -> None:
    assert names.title(names.read(name).rest, "MYTV") == rest


@given(st.text(max_size=300))
def test_every_title_fits_into_an_id(text: str) -> None:
    title = names.title(text, "X")
    assert len(title) <= 80
    assert Broadcast.parse("_".join(filter(None, ["X_20240101_000000", title]))).title == title


@given(st.text(alphabet="0123456789-_. /TZapm:JanMay", max_size=40))
def test_no_name_is_too_odd(text: str) -> None:
    try:
        read = names.read(text)
    except ValueError as error:
        assert "may be" in str(error)
    else:
        assert (read.start(ZoneInfo("Asia/Tokyo")) is None) == (read.day is None or read.clock is None)


@pytest.mark.parametrize(
    ("name", "clock"), [("19-00-00", "19:00:00"), ("190000", "19:00:00"), ("19.00", "19:00:00")]
)
def test_a_name_may_be_a_time_alone(name: str, clock: str) -> None:
    assert names.read_clock(name).isoformat() == clock
    assert names.read_clock(f"{name} News") is None
