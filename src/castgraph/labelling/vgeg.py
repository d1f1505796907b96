"""GDELT's files of the Visual Global Entity Graph: what a machine saw in each second of a show.

They are JSON lines, packed or not, one file a show. A line is a second, or a frame of the raw data::

    {"date": "2012-12-01T01:30:05Z", "showOffset": 5,
     "iaShowId": "KPIX_20121201_013000_CBS_Evening_News", "station": "KPIX",
     "showName": "CBS Evening News", "entities": [{"name": "newsreader", "mid": "/m/…"}, …]}

References
----------
"What Google's Cloud Video AI Sees Watching Decade Of Television News: The Visual Global Entity Graph 2.0",
GDELT blog, 2020.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from castgraph.base.textfiles import encoding_of, opened
from castgraph.labelling.sources import (
    ADD_UP,
    MOST_LINE,
    LeftOut,
    RowError,
    Unit,
    bounded,
    moment_of,
    name_of,
    number_of,
    said_by_id,
    staged,
)

MOST_ENTITIES = 100_000
"""Different entities of a show."""

MOST_SECONDS = 2_000_000
"""Lines of a show: frames of a day."""

MOST_OF_A_MINUTE = 3600.0
"""Seconds for which an entity may be seen in what a line stands for."""

_NAMES = ("name", "entity", "label", "description", "mid", "entityId", "id")
"""What of an entity names it, from the best on."""

_SECONDS = ("numSeconds", "seconds")
"""How long it was seen, where lines are minutes, as of the first edition."""

_SCORES = re.compile(r"(?:\s*[,|:#]\s*(?:/[mg]/\w+|\d*\.?\d+(?:[eE][+-]?\d+)?))+\s*$")


@dataclass
class Seen:
    """Which stretches of which shows were read before: a show is not to count twice.

    Attributes
    ----------
    stretches
        Show → its first and last moment that was read, in seconds from its beginning.
    """

    stretches: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass
class _Show:
    """A show as far as it is read."""

    unit: Unit
    before: tuple[float, float] | None
    offsets: set[float] = field(default_factory=set)
    counts: dict[date | None, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))


def read(path: Path, zone: ZoneInfo | None, seen: Seen, left_out: LeftOut) -> Iterator[pa.Table]:
    """Read a file as a stream: what is in memory is one line, and the counts of one show.

    Parameters
    ----------
    path
        The file.
    zone
        The time zone whose days part a show that runs past midnight; None to leave it whole.
    seen
        What was read of other files; what is read now is added.
    left_out
        What is left out is added.

    Yields
    ------
    pyarrow.Table
        Of the schema `castgraph.labelling.sources.STAGED`: the seconds, or frames, for which each entity was
        seen in a show, or in a part of it.
    """
    show: _Show | None = None
    key = ""
    number = 0
    try:
        with opened(path, encoding_of(path) or "utf-8", errors="replace") as file:
            for number, text in bounded(file, path):
                if text is None:
                    left_out.add(f"a line of more than {MOST_LINE:,} characters", path, number)
                    continue
                if not text.strip():
                    continue
                try:
                    found = json.loads(text)
                except (ValueError, RecursionError):
                    left_out.add("no JSON", path, number, text[:200])
                    continue
                for second in found if isinstance(found, list) else [found]:
                    try:
                        if not isinstance(second, dict):
                            raise RowError("no object of JSON", second)
                        named = second.get("iaShowId")
                        if show is None or str(named)[:300] != key:
                            new = _show(second, path, seen)
                            if show is not None:
                                yield from _parts(show, seen)
                                new.before = seen.stretches.get(new.unit.broadcast or "")
                            show, key = new, str(named)[:300]
                        _add(show, second, zone, path, number, left_out)
                    except RowError as fault:
                        left_out.add(fault.why, path, number, fault.found)
    except ValueError as error:
        left_out.add("the file is damaged from here on", path, number, str(error))
    else:
        if not number:
            left_out.add("the file holds nothing", path)
    if show is not None:
        yield from _parts(show, seen)


def _show(second: Mapping[str, Any], path: Path, seen: Seen) -> _Show:
    """Begin a show with its first line."""
    named = second.get("iaShowId")
    given = name_of(named, "show ID") if named not in (None, "") else path.name.partition(".")[0]
    said = said_by_id(given)
    broadcast = given if said or named not in (None, "") else None
    station = second.get("station")
    station = said.station if said and station in (None, "") else name_of(station, "station")
    title = second.get("showName")
    title = name_of(title, "show") if title not in (None, "") else said.title if said else None
    start = said.start if said else moment_of(second.get("date")) - timedelta(seconds=_offset(second) or 0)
    unit = Unit(broadcast, station, title or None, start.replace(microsecond=0), None)
    return _Show(unit, seen.stretches.get(broadcast or ""))


def _offset(second: Mapping[str, Any]) -> float | None:
    """Tell the second of a line from the beginning of its show; None where it does not say."""
    try:
        return min(number_of(second.get("showOffset")), 1e7)
    except RowError:
        return None


def _add(
    show: _Show, second: Mapping[str, Any], zone: ZoneInfo | None, path: Path, number: int, left_out: LeftOut
) -> None:
    """Count what a line saw."""
    start = show.unit.start
    assert start is not None
    offset, moment = _offset(second), None
    if second.get("date") not in (None, ""):
        moment = moment_of(second["date"])
    elif offset is not None:
        moment = start + timedelta(seconds=offset)
    if moment is None:
        raise RowError("no time")
    if offset is None:
        offset = (moment - start).total_seconds()
    if show.before and show.before[0] <= offset <= show.before[1]:
        raise RowError("these seconds of the show were in a file before", show.unit.broadcast)
    if offset in show.offsets:
        raise RowError("the second is there twice", offset)
    if len(show.offsets) >= MOST_SECONDS:
        raise RowError(f"more than {MOST_SECONDS:,} lines of a show")
    names = list(_entities(second))
    show.offsets.add(offset)
    counts = show.counts[moment.astimezone(zone).date() if zone else None]
    for each, seconds in names:
        try:
            name = name_of(each, "entity")
            if name not in counts and len(counts) >= MOST_ENTITIES:
                raise RowError(f"more than {MOST_ENTITIES:,} entities of a show", name)
            counts[name] = counts.get(name, 0.0) + seconds
        except RowError as fault:
            left_out.add(fault.why, path, number, fault.found)


def _entities(second: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Give what a line saw, each once, and for how long: lists of objects, texts or pairs, or one text."""
    given = second.get("entities")
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise RowError("no entities", given) from None
    if isinstance(given, str):
        by = next((sign for sign in (";", "|") if sign in given), ",")
        given = [name for part in given.split(by) if (name := _SCORES.sub("", part).strip())]
    if isinstance(given, dict):
        # One entity, or the names of several with their scores.
        given = [given] if any(isinstance(given.get(key), str) for key in _NAMES) else list(given)
    if given is None and "entities" in second:
        given = []
    if not isinstance(given, list):
        raise RowError("no entities", given)
    found: dict[str, float] = {}
    for each in given:
        name, seconds = _named(each)
        found[name] = max(found.get(name, 0.0), seconds)
    return ((name, seconds) for name, seconds in found.items() if seconds > 0)


def _named(entity: object) -> tuple[str, float]:
    """Tell the name of an entity, and for how long it was seen; what has no name has an empty one."""
    name, seconds = entity, 1.0
    if isinstance(entity, dict):
        name = next((entity[key] for key in _NAMES if entity.get(key) not in (None, "")), None)
        given = next((entity[key] for key in _SECONDS if entity.get(key) is not None), 1.0)
        seconds = min(number_of(given), MOST_OF_A_MINUTE)
    elif isinstance(entity, list):
        name = entity[0] if entity else None
    return name if isinstance(name, str) else "", seconds


def _parts(show: _Show, seen: Seen) -> Iterator[pa.Table]:
    """Give the counts of a show, and remember what was read of it."""
    unit = show.unit
    if show.offsets:
        ends = [min(show.offsets), max(show.offsets), *(show.before or ())]
        if unit.broadcast:
            seen.stretches[unit.broadcast] = min(ends), max(ends)
    n_days = sum(bool(counts) for counts in show.counts.values())
    for day, counts in show.counts.items():
        if not counts:
            continue
        n = len(counts)
        # Where a show begins tells its day, unless it runs past midnight.
        if n_days == 1 and unit.start is not None:
            day = None
        columns = {name: [value] * n for name, value in unit._asdict().items()} | {
            "day": [day] * n,
            "kind": ["entity"] * n,
            "entity": list(counts),
            "count": list(counts.values()),
            "place": [ADD_UP] * n,
        }
        yield staged(columns)
