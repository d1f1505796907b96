"""Choosing broadcasts: what is wanted of those that are listed.

A listed broadcast has a *source*, a string that says what it comes from: empty for its ZIP in the archive,
the address of a ZIP, or the path of a ZIP, of a folder of images or of a video. Lists are read by ``lists``
and ``table``, folders by ``folders``.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from castgraph.archive.address import without_login
from castgraph.archive.broadcast import Broadcast
from castgraph.archive.media.formats import FORMATS
from castgraph.base.text import quoted

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
VIDEO_SUFFIXES = frozenset(itertools.chain(*FORMATS.values()))
PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".jp2", ".avif"),
    *(".heic", ".heif", ".gif"),
)
"""How the names of pictures in a folder end, in small letters."""

FORM = "the form is STATION_YYYYMMDD_HHMMSS or STATION_YYYYMMDD_HHMMSS_Title (letters, digits, '.', '_', '-')"
"""What is said of IDs where some are wrong."""

_WILDCARD = re.compile(r"[*?\[]")
_TOLD = 10  # wrong entries that are told one by one


@dataclass(frozen=True)
class Choice:
    """Which broadcasts of a list are wanted: those that pass everything given here, and the included ones.

    Attributes
    ----------
    stations
        Stations; none for all.
    first, last
        First and last day (UTC), ``YYYY-MM-DD``; empty for no limit.
    title
        A regular expression, searched in the title that the ID holds, underscores included; upper and lower
        case differ.
    weekdays
        Days on which a broadcast began, of `WEEKDAYS`; none for all.
    hours
        Two hours of the day, as decimals, between which a broadcast began: at or after the first and before
        the second. The first may be the larger: the night in between is meant. None for all.
    timezone
        The IANA time zone of `weekdays` and `hours`.
    exclude
        IDs that are not wanted, or shell patterns of them (``*``, ``?``, ``[…]``).
    include
        IDs that are wanted in any case, with their sources.
    """

    stations: Collection[str] = ()
    first: str = ""
    last: str = ""
    title: str = ""
    weekdays: Collection[str] = ()
    hours: Sequence[float] = ()
    timezone: str = "UTC"
    exclude: Sequence[str] = ()
    include: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise a ValueError when `title` is no regular expression or `timezone` no time zone."""
        _ = self._title, self._zone

    @property
    def narrows(self) -> bool:
        """Whether anything but what is included is left out."""
        return any(
            (self.stations, self.first, self.last, self.title, self.weekdays, self.hours, self.exclude)
        )

    def takes(self, broadcast: Broadcast) -> bool:
        """Tell whether a broadcast is wanted."""
        return broadcast.id in self.include or (
            self.may_take(broadcast.id)
            and self._title.search(broadcast.title) is not None
            and self._on_air(broadcast.start)
            and not self._excluded(broadcast.id)
        )

    def excludes(self, broadcast_id: str, name: str = "") -> bool:
        """Tell whether a broadcast, or else the file of that name, is excluded and not included."""
        excluded = self._excluded(broadcast_id) or (name and self._excluded(name))
        return bool(excluded) and broadcast_id not in self.include

    def may_take(self, broadcast_id: str) -> bool:
        """Tell cheaply, by station and day alone, whether a broadcast may be wanted."""
        station, _, rest = broadcast_id.partition("_")
        first, last = self._days
        if first <= rest[:8] <= last and (not self.stations or station in self.stations):
            return True
        return broadcast_id in self.include

    @cached_property
    def _days(self) -> tuple[str, str]:
        return self.first.replace("-", ""), self.last.replace("-", "") or "~"  # after every digit and letter

    @cached_property
    def _title(self) -> re.Pattern[str]:
        try:
            return re.compile(self.title)
        except re.error as error:
            raise ValueError(f"title {self.title!r} is not a regular expression: {error}") from error

    @cached_property
    def _zone(self) -> ZoneInfo:
        return time_zone(self.timezone)

    def _on_air(self, start: datetime) -> bool:
        """Tell whether a broadcast that starts then is wanted, by weekday and hour."""
        if not self.weekdays and not self.hours:
            return True
        try:
            local = start.astimezone(self._zone)
        except OverflowError:  # of the first or the last day that there is
            return False
        if self.weekdays and WEEKDAYS[local.weekday()] not in self.weekdays:
            return False
        if not self.hours:
            return True
        first, end = (round(hour * 3600) for hour in self.hours)
        second = local.hour * 3600 + local.minute * 60 + local.second
        return first <= second < end if first < end else second >= first or second < end

    @cached_property
    def _excluded(self) -> Callable[[str], object]:
        ids = {each for each in self.exclude if not _WILDCARD.search(each)}
        patterns = [fnmatch.translate(each) for each in self.exclude if each not in ids]
        if not patterns:
            return ids.__contains__
        pattern = re.compile("|".join(patterns))
        return lambda broadcast_id: broadcast_id in ids or pattern.match(broadcast_id)


def time_zone(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name.

    Raises
    ------
    ValueError
        When there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown; no plain name; the name of a folder of zones
        raise ValueError(
            f"{name!r} is no time zone; a name of the IANA database is expected, such as Europe/Moscow"
        ) from error


def narrow(sources: Mapping[str, str], choice: Choice) -> dict[str, str]:
    """Take what is wanted of listed broadcasts, and what is included.

    Parameters
    ----------
    sources
        ID → source.
    choice
        What is wanted.

    Returns
    -------
    dict
        ID → source, sorted by ID. What is included has the source that `choice` gives, else the listed one.

    Raises
    ------
    ValueError
        When some are not broadcast IDs; it tells how many, and the first ten.
    """
    return with_included({row.id: sources[row.id] for row in parse_all(sources) if choice.takes(row)}, choice)


def parse_all(ids: Iterable[object]) -> list[Broadcast]:
    """Read broadcast IDs.

    Raises
    ------
    ValueError
        When some are none; it tells how many, and the first ten.
    """
    found, wrong = [], []
    for each in ids:
        try:
            found.append(Broadcast.parse(each))  # type: ignore[arg-type]
        except (ValueError, TypeError):  # a list in YAML may hold numbers
            wrong.append(each)
    if wrong:
        raise ValueError(
            f"{len(wrong)} of the broadcasts are not broadcast IDs: {some(wrong)}; {FORM}{perhaps(wrong)}"
        )
    return found


def check_excluded(entries: Iterable[str]) -> None:
    """Check that every entry is a broadcast ID or a shell pattern of one.

    Raises
    ------
    ValueError
        When some are not; it tells how many, and the first ten.
    """
    parse_all(entry for entry in entries if not _WILDCARD.search(entry))


def perhaps(wrong: Iterable[object]) -> str:
    """Say what the first of some wrong IDs of which that can be told should perhaps be, after a semicolon."""
    from castgraph.archive.listing.names import likely_id  # only where something is wrong

    told = ((each, likely_id(each)) for each in wrong if isinstance(each, str))
    return next((f"; instead of {quoted(each)} perhaps {likely}" for each, likely in told if likely), "")


def some(values: Sequence[object]) -> str:
    """Show the first ten of some values that may be hostile."""
    shown = [without_login(value) if isinstance(value, str) else value for value in values[:_TOLD]]
    return ", ".join(map(quoted, shown)) + (", …" if len(values) > _TOLD else "")


def with_included(taken: Mapping[str, str], choice: Choice) -> dict[str, str]:
    """Add what is included; its source is the one that `choice` gives, else the listed one. Sorted by ID."""
    included = {each: source or taken.get(each, "") for each, source in choice.include.items()}
    return dict(sorted({**taken, **included}.items()))
