"""What names of files say: when a recording began, and a title fit for a broadcast ID.

Only what can be read in one way is read; what could mean two things is an error that tells both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

from castgraph.archive.broadcast import STATION_PATTERN, Broadcast

_MOST_TITLE = 80  # characters

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?P<word>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?(?: of)?"
_DATES = tuple(
    re.compile(rf"(?<![0-9])(?:{form})(?![0-9])", re.IGNORECASE | re.ASCII)
    for form in (
        rf"{_YEAR}(?P<sep>[-_. /])(?P<month>\d\d?)(?P=sep)(?P<day>\d\d?)",  # 2024-01-02
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)(?P<clock>\d\d[0-5]\d(?:[0-5]\d)?)?",  # 20240102, 202401021900
        rf"(?P<day>\d\d?)\.(?P<month>\d\d?)\.{_YEAR}",  # 02.01.2024
        rf"{_DAY}[-_. ]*{_MONTH}[-_. ,]*{_YEAR}",  # 2 January 2024, 02-Jan-2024
        rf"(?<![a-z]){_MONTH}[-_. ]*{_DAY}[-_. ,]+{_YEAR}",  # January 2, 2024
        rf"{_YEAR}[-_. ]*{_MONTH}[-_. ]*{_DAY}",  # 2024-Jan-02
    )
)
# Day first or month first: which of them is meant, nobody can tell.
_EITHER = re.compile(r"(?<![0-9])(\d\d?)([-_/ ])(\d\d?)\2((?:19|20)\d\d)(?![0-9])", re.ASCII)
_CLOCK = re.compile(
    r"""
    [-_.\s,]* (?P<iso>T)? (?:at|@)? [-_.\s]*
    (?:
        (?P<h1>\d\d) (?P<m1>[0-5]\d) (?P<s1>[0-5]\d) (?:\.?\d{3})?      # 190000, and a telephone's 190000123
      | (?P<h2>\d\d?) (?P<sep>[-_.:]) (?P<m2>[0-5]\d) (?P=sep) (?P<s2>[0-5]\d) (?:\.\d{3})?  # 19-00-00
      | (?P<h3>\d\d?) [.:h] (?P<m3>[0-5]\d)                               # 19:00, 19h00
      | (?P<h4>\d\d?) (?=\s*[ap]m)                                         # 7 pm
      | (?P<h5>\d\d) [-_]? (?P<m5>[0-5]\d) (?![kpi](?!m))                  # 1900 and 19-00, but no 1080p
    )
    (?![0-9])
    (?: \s* (?P<half>[ap])m (?![a-z]) )?
    (?: \s* (?P<zone>Z|UTC|GMT) (?![a-z0-9]) | (?P<offset>[+-]\d\d:?[0-5]\d) (?![0-9]) )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_IN_UTC = re.compile(r"(?:UTC|GMT)[-_ ]?\Z", re.IGNORECASE)  # as Zoom writes before the date
_STATION = re.compile(rf"({STATION_PATTERN})(?![A-Za-z0-9])")


class Named(NamedTuple):
    """What a name says.

    Attributes
    ----------
    day
        The day; None where the name says none.
    clock
        The time of the day; None where the name says none.
    zone
        The time zone that the name says; None where it says none.
    sure
        Whether the time can be nothing else. Four digits may be a number that cameras count on.
    before, after
        The rest of the name.
    """

    day: date | None
    clock: time | None
    zone: tzinfo | None
    sure: bool
    before: str
    after: str

    @property
    def rest(self) -> str:
        """What is left of the name without day and time."""
        return f"{self.before} {self.after}"

    def start(self, zone: tzinfo) -> datetime | None:
        """Give day and time together, in UTC; `zone` is that of a name which says none."""
        if self.day is None or self.clock is None:
            return None
        return datetime.combine(self.day, self.clock, self.zone or zone).astimezone(UTC)


def read(name: str) -> Named:
    """Read the day, and behind it the time, out of a name without its ending.

    Days are read as in 2024-01-02, 2024_1_2, 2024.01.02, 20240102, 02.01.2024, 2 January 2024, Jan 2, 2024,
    2024-Jan-02 and, where a number above 12 tells day from month, 25-12-2024. Times stand behind the day:
    190000, 19-00-00, 19:00, 19.00, 1900, 19-00, 7 pm, T190000Z, T1900+0300. Years have four digits and are
    those from 1900 to 2099.

    Raises
    ------
    ValueError
        When it may be one of two days.

    Examples
    --------
    >>> read("Evening News 2024-01-02 19.00").start(UTC).isoformat()
    '2024-01-02T19:00:00+00:00'
    >>> read("Evening News 03-04-2024")
    Traceback (most recent call last):
    ...
    ValueError: its date 03-04-2024 may be 2024-04-03 or 2024-03-04
    """
    found = list(_days(name))
    days = {day for day, _ in found}
    if len(days) > 1:
        one, other, *_ = sorted(days)
        raise ValueError(f"its date may be {one} or {other}")
    if not found:
        return Named(None, None, None, True, name, "")
    day, match = found[0]
    before, after = name[: match.start()], name[match.end() :]
    digits = match.groupdict().get("clock") or ""
    clock = _CLOCK.match(f"{digits}{after}" if digits else after)
    moment = _clock(clock) if clock else None
    zone = None
    if clock and moment:
        after = f"{digits}{after}"[clock.end() :]
        # Without a T it is rather a number that was counted on.
        has_offset = bool(clock["offset"]) and bool(clock["iso"])
        zone = UTC if clock["zone"] else _offset(clock["offset"]) if has_offset else None
        if clock["offset"] and not has_offset:
            after = clock["offset"] + after
    elif digits:
        after = digits + after
    if in_utc := _IN_UTC.search(before):
        before, zone = before[: in_utc.start()], UTC
    sure = not (clock and clock["h5"]) or bool(digits or clock["iso"])
    return Named(day, moment, zone, sure, before, after)


def read_clock(name: str) -> time | None:
    """Read a name that is nothing but a time, as recorders name files in a folder of a day."""
    match = _CLOCK.fullmatch(name)
    return _clock(match) if match else None


def title(text: str, station: str = "") -> str:
    """Make a title that an ID can hold, in Latin letters.

    Parameters
    ----------
    text
        Any text.
    station
        Taken off where the text begins with it.

    Examples
    --------
    >>> title("MYTV - Новости дня (HD)", "MYTV")
    'Novosti_dnya_HD'
    """
    from anyascii import anyascii

    fit = re.sub(r"[^A-Za-z0-9.-]+", "_", anyascii(text[:1000])).strip("_.-")
    if station:
        fit = re.sub(rf"\A{re.escape(station)}(?![A-Za-z0-9])", "", fit, flags=re.IGNORECASE)
    fit = re.sub(r"[-.]*_[-_.]*", "_", fit)
    return fit[:_MOST_TITLE].strip("_.-")


def likely_id(text: str) -> str:
    """Tell which ID somebody may have meant; empty when that cannot be told.

    Examples
    --------
    >>> likely_id("NTV 2024-01-02 19:00 Evening News")
    'NTV_20240102_190000_Evening_News'
    >>> likely_id("NTV_20240102_News")
    'NTV_20240102_HHMMSS_News'
    """
    station = None if "/" in text else _STATION.match(text)
    try:
        named = read(text[station.end() :]) if station else None
    except ValueError:
        return ""
    if station is None or named is None or named.day is None:
        return ""
    start = named.start(UTC)
    moment = f"{start:%Y%m%d_%H%M%S}" if start else f"{named.day:%Y%m%d}_HHMMSS"
    likely = "_".join(filter(None, [station[1], moment, title(named.rest)]))
    try:
        Broadcast.parse(likely.replace("HHMMSS", "000000", 1))
    except ValueError:
        return ""
    return likely


def _days(name: str) -> Iterator[tuple[date, re.Match[str]]]:
    """Find the days that a name says; what could be two days is an error."""
    taken: list[re.Match[str]] = []
    for form in _DATES:
        for match in form.finditer(name):
            parts = match.groupdict()
            month = parts.get("month") or _MONTHS.index(parts["word"][:3].lower()) + 1
            day = _date(parts["year"], month, parts["day"])
            if day and not any(match.start() < old.end() and old.start() < match.end() for old in taken):
                taken.append(match)
                yield day, match
    if taken:
        return
    for match in _EITHER.finditer(name):
        first, _, second, year = match.groups()
        days = {day for day in (_date(year, second, first), _date(year, first, second)) if day}
        if len(days) > 1:
            one, other = _date(year, second, first), _date(year, first, second)
            raise ValueError(f"its date {match[0]} may be {one} or {other}")
        for day in days:
            yield day, match


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _clock(match: re.Match[str]) -> time | None:
    number = next(n for n in "12345" if match[f"h{n}"])
    parts = match.groupdict()
    hour, minute, second = (int(parts.get(f"{part}{number}") or 0) for part in "hms")
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (match["half"].lower() == "p")
    return time(hour, minute, second) if hour < 24 else None


def _offset(text: str) -> tzinfo | None:
    sign = -1 if text[0] == "-" else 1
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(sign * offset) if offset < timedelta(hours=24) else None
