"""The section ``broadcasts``: which broadcasts a run is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from castgraph.archive.broadcast import STATION_PATTERN
from castgraph.archive.listing.choose import check_excluded, parse_all, time_zone
from castgraph.run.config.fields import ONCE, Allowed, Distinct, Path, Section, Several, absent, matching

LISTS = ("ids", "file", "folder")
"""The ways to list broadcasts; without any of them, inventories list those of some stations and days."""

MOST_STATION_DAYS = 100_000
"""Most inventories of one run; each is a job."""


def _is_day(text: str) -> bool:
    # fromisoformat takes weeks and days without dashes, too.
    return re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))


def _is_expression(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


Day = Annotated[str, Allowed("a day, YYYY-MM-DD", _is_day, {"format": "date"})]
Station = Annotated[str, matching(STATION_PATTERN, "letters and digits, as in IDs of broadcasts")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Hour = Annotated[float, Field(ge=0, le=24)]
Title = Annotated[str, Allowed("a regular expression", _is_expression, {"format": "regex"})]
BroadcastId = Annotated[str, Field(json_schema_extra={"allowed": "a broadcast ID"})]
Pattern = Annotated[str, Field(json_schema_extra={"allowed": "a broadcast ID or a pattern of some"})]
Zone = Annotated[str, Allowed("a name of the IANA database, such as Europe/Moscow", time_zone)]


class Broadcasts(Section):
    """Which broadcasts: stations with from and to (inventories tell them), or one of ids, file and folder."""

    stations: Distinct[Station] = absent(
        description="Stations, as the archive writes them. Alone, their inventories from `from` to `to` are "
        "searched; beside `ids`, `file` or `folder` they narrow the list.",
        examples=[["RUSSIA1", "1TV"]],
    )
    from_: Day = absent(alias="from", description="First day, UTC.", examples=["2022-05-19"])
    to: Day = absent(description="Last day, UTC, included.", examples=["2022-05-25"])
    title: Title = absent(
        description="Regular expression, searched in the title part of the ID. It is Python's `re.search`, "
        'and case counts. None or `""` takes every broadcast.',
        examples=["60_minut"],
    )
    ids: Several[BroadcastId] = absent(
        description="IDs: `{STATION}_{YYYYMMDD}_{HHMMSS}`, with `_{Title}` or without.",
        examples=[["DEMO1_20240102_190000_Evening_Review"]],
    )
    file: Path = absent(
        description="A list: IDs, addresses of ZIPs or paths, one a line; or a table. See "
        "[Lists and tables](../docs/sources.md#lists-and-tables). May be packed with gzip (`.gz`).",
        examples=["config/my-broadcasts.txt"],
    )
    folder: Path = absent(
        description="A folder of ZIPs, folders of images and videos, named by their IDs. See "
        "[Folders](../docs/sources.md#folders).",
        examples=["recordings"],
    )
    weekdays: Distinct[Weekday] = absent(
        description="The days of the week on which a broadcast began.",
        examples=[["mon", "tue", "wed", "thu", "fri"]],
    )
    hours: Annotated[list[Hour], Field(min_length=2, max_length=2), ONCE] = absent(
        description="It began at or after the first hour and before the second. `[18.5, 24]`; `[22, 2]` is "
        "the night in between.",
        examples=[[18, 24]],
    )
    timezone: Zone = Field(
        "UTC",
        description="The time zone of `weekdays` and `hours`, such as `Europe/Moscow`. Days in `from` and "
        "`to` stay UTC, as IDs have them.",
    )
    exclude: Path | list[Pattern] = absent(
        description="IDs that are left out, or patterns of them; or a text file. Patterns have `*`, `?` and "
        "`[…]`; quote them. The file has one a line. Of a `folder` names of files, too.",
        examples=[["*_Weather"]],
    )
    include: Path | list[BroadcastId] = absent(
        description="IDs that are added in any case, even if excluded; or a file like `file`.",
        examples=[["DEMO2_20240102_220000_Night_Debate"]],
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell which keys do not go together, what is no ID, and a span of days that cannot be meant."""
        given = [key for key in LISTS if getattr(self, key) is not None]
        searched = not given and self.stations is not None
        if len(given) > 1 or not (given or searched):
            found = " and ".join(given) or "none of them"
            allowed = f"exactly one of {', '.join(LISTS)}, or stations with from and to"
            yield "", f"found {found}; allowed: {allowed}"
        if searched:
            for key, day in (("from", self.from_), ("to", self.to)):
                if day is None:
                    yield key, "missing; a day YYYY-MM-DD goes with broadcasts.stations"
        if self.from_ is not None and self.to is not None:
            if self.from_ > self.to:
                yield "to", f"found {self.to}; allowed: {self.from_} (broadcasts.from) or later"
            elif searched:
                yield from self._span()
        checks = {"ids": parse_all, "include": parse_all, "exclude": check_excluded}
        for key, check in checks.items():
            value = getattr(self, key)
            if isinstance(value, list):  # a file is read later
                try:
                    check(value)
                except ValueError as error:
                    yield key, str(error)

    def _span(self) -> Iterator[tuple[str, str]]:
        first, last = date.fromisoformat(self.from_), date.fromisoformat(self.to)
        n = ((last - first).days + 1) * len(self.stations)
        if n > MOST_STATION_DAYS:
            yield (
                "to",
                f"found {self.to}, which makes {n:,} inventories of stations and days; allowed: at most "
                f"{MOST_STATION_DAYS:,}",
            )
        elif last.year == date.max.year:  # what is said of the days after it needs days after it
            yield "to", f"found {self.to}; allowed: a day before the year {date.max.year}"
