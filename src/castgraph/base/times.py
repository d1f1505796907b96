"""Moments and durations in words. All moments are UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def duration(seconds: float) -> str:
    """Say a duration in two units at most.

    Examples
    --------
    >>> [duration(seconds) for seconds in (4.5, 276, 1500, 359_000, 4_330_800)]
    ['4.5 s', '4 min 36 s', '25 min', '99 h 43 min', '1,203 h']
    """
    whole, minutes = round(seconds), round(seconds / 60)
    if seconds < 9.95:
        return f"{f'{seconds:.1f}'.removesuffix('.0')} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 6000:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{round(seconds / 3600):,} h"


def utc(moment: datetime) -> str:
    """Write a moment for programs, to the second: ``2024-01-03T07:00:00Z``."""
    return f"{_utc(moment).isoformat(timespec='seconds')}Z"


def exact(moment: datetime) -> str:
    """Write a moment for programs, to the microsecond where it is not a whole second.

    Examples
    --------
    >>> exact(datetime(2024, 1, 3, 7)), exact(datetime(2024, 1, 3, 7, 0, 0, 40_000))
    ('2024-01-03T07:00:00Z', '2024-01-03T07:00:00.040000Z')
    """
    return f"{_utc(moment).isoformat()}Z"


def minute(moment: datetime) -> str:
    """Write a moment for people: ``2024-01-03 07:00``."""
    return _utc(moment).isoformat(" ", "minutes")


def second(moment: datetime) -> str:
    """Write a moment for people, to the second: ``2024-01-03 07:00:04``."""
    return _utc(moment).isoformat(" ", "seconds")


def day(moment: date) -> str:
    """Write a day, or the day of a moment: ``2024-01-03``."""
    return (_utc(moment).date() if isinstance(moment, datetime) else moment).isoformat()


def day_in_words(moment: datetime) -> str:
    """Write the day of a moment for a headline: ``3 January 2024``."""
    moment = _utc(moment)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _utc(moment: datetime) -> datetime:
    """Take the zone off a moment; one without a zone is UTC already."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
