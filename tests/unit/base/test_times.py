"""Moments and durations in words."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from castgraph.base.times import day, day_in_words, duration, minute, utc

MOMENT = datetime(2024, 1, 3, 7, 0, 30, 900_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (4.0, "4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"),
        (276, "4 min 36 s"), (3600, "60 min"), (7200, "2 h 0 min"), (359_000, "99 h 43 min"),
        (4_330_800, "1,203 h"),
    ],
)  # fmt: skip
def test_durations_are_put_into_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    "moment", [MOMENT, MOMENT.replace(tzinfo=None), MOMENT.astimezone(timezone(timedelta(hours=9)))]
)
def test_a_moment_is_written_in_utc_whatever_its_zone(moment: datetime) -> None:
    assert utc(moment) == "2024-01-03T07:00:30Z"
    assert minute(moment) == "2024-01-03 07:00"
    assert day(moment) == "2024-01-03"
    assert day_in_words(moment) == "3 January 2024"


def test_a_day_is_written_as_it_is() -> None:
    assert day(date(2024, 1, 3)) == "2024-01-03"
    assert utc(datetime(987, 1, 3, tzinfo=UTC)) == "0987-01-03T00:00:00Z"
