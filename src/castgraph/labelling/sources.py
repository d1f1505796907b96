"""What the sources of entities have in common: what was left out, and cells that may hold anything."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pyarrow as pa

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.base.text import line, quoted

MOST_TOLD = 100
"""What is left out for one reason is told one by one up to so many; all is counted."""

MOST_NAME = 300
"""Characters of the name of an entity, a station or a show."""

MOST_LINE = 4 << 20
"""Characters of a line."""

MOST_RATIO = 300
"""How many times its own size a packed file may have unpacked, once that is more than `FREE`: text packs to a
tenth, and what is made to fill a disk to a thousandth."""

FREE = 64 << 20

FIRST_YEAR, LAST_YEAR = 1900, 2100

STAGED = tables.ENTITIES.append(pa.field("place", pa.int64()))
"""What readers give: entities, and where each row stood; below 0 are parts that are to be added up."""

ADD_UP = -1

_DAYS = re.compile(r"(?P<y>\d{4})[-/.]?(?P<m>\d\d?)[-/.]?(?P<d>\d\d?)(?![\d.])")
_PARTS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")


@dataclass
class LeftOut:
    """What was left out, and why.

    Attributes
    ----------
    counts
        Why → how many rows, lines or files.
    told
        The first of each reason, with its file and line.
    """

    counts: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def add(self, why: str, path: Path, line_number: int = 0, found: object = None, n: int = 1) -> None:
        """Leave something out.

        Parameters
        ----------
        why
            The reason, the same words for all of its kind.
        path, line_number
            Where it stands; 0 for the whole file.
        found
            What stands there instead; it may be hostile.
        n
            How many lines or rows.
        """
        self.counts[why] += n
        if self.counts[why] <= MOST_TOLD:
            where = f"{path}, line {line_number}" if line_number else str(path)
            self.told.append(f"{where}: {why}" + ("" if found is None else f" ({quoted(found)})"))


class RowError(ValueError):
    """What is wrong with a row: why it is left out, and what was found."""

    def __init__(self, why: str, found: object = None) -> None:
        super().__init__(why)
        self.why, self.found = why, found


class Unit(NamedTuple):
    """What entities are counted of: a broadcast, or a station's day."""

    broadcast: str | None
    station: str
    show: str | None
    start: datetime | None
    day: date | None


def bounded(file: TextIO, path: Path) -> Iterator[tuple[int, str | None]]:
    """Give the lines of a text that may be of any size, with their numbers; None for one that is too long.

    Raises
    ------
    ValueError
        When the file unpacks to far more than text does.
    """
    most = max(FREE, MOST_RATIO * path.stat().st_size)
    number = n_read = 0
    while text := file.readline(MOST_LINE):
        number += 1
        n_read += len(text)
        is_whole = text.endswith("\n") or len(text) < MOST_LINE
        while text and not (text.endswith("\n") or len(text) < MOST_LINE):
            text = file.readline(MOST_LINE)
            n_read += len(text)
            if n_read > most:
                break
        if n_read > most:
            raise ValueError(f"unpacks to more than {MOST_RATIO} times its size")
        yield number, text if is_whole else None


def name_of(value: object, what: str) -> str:
    """Read a name: in one line, and not too long.

    Raises
    ------
    RowError
        When it is none.
    """
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise RowError(f"no {what}", value)
    text = value if isinstance(value, str) else str(value)
    if len(text) > 10 * MOST_NAME or len(text := line(text)) > MOST_NAME:
        raise RowError(f"the name of the {what} is longer than {MOST_NAME} characters", text)
    if not text:
        raise RowError(f"no {what}")
    return text


def number_of(value: object, *, decimal_comma: bool = False) -> float:
    """Read a count as any country writes it.

    Parameters
    ----------
    value
        A number, or a text of one.
    decimal_comma
        Whether a comma alone parts the decimals, as where ``;`` parts the cells; else it parts thousands.

    Raises
    ------
    RowError
        When it is no finite number of 0 or more.

    Examples
    --------
    >>> number_of("1,204.5"), number_of("1.204,5", decimal_comma=True), number_of("0,5", decimal_comma=True)
    (1204.5, 1204.5, 0.5)
    """
    found = math.nan
    if isinstance(value, str):
        text = re.sub(r"(?<=\d)[\s'’](?=\d{3})", "", value.strip())
        if decimal_comma and "," in text:
            text = text.replace(".", "").replace(",", ".")
        elif re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d*)?", text):
            text = text.replace(",", "")
        if len(text) <= 40 and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
            found = float(text)
    elif not isinstance(value, bool):
        try:
            found = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise RowError("the count is no number of 0 or more", value)
    return found


def day_of(value: object, *, month_first: bool | None = None) -> date:
    """Read a day.

    Parameters
    ----------
    value
        A date, a moment, whose own day is meant, or a text: ``2012-11-30``, ``20121130``, ``30.11.2012``
        or, as `month_first` says, ``11/30/2012``.
    month_first
        Whether the month comes first between slashes; None where that is not known.

    Raises
    ------
    RowError
        When it is no day, or may be two.
    """
    found: date | None = None
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)[:40].strip()
        try:
            if match := _DAYS.match(text):
                found = date(int(match["y"]), int(match["m"]), int(match["d"]))
            elif match := _PARTS.match(text):
                one, by, two, year = match.groups()
                if by == "/" and month_first is None:
                    raise RowError("the day may be read in two ways; 2012-11-30 may not", value)
                day, month = (two, one) if by == "/" and month_first else (one, two)
                century = 0 if len(year) == 4 else 2000 if int(year) < 70 else 1900
                found = date(century + int(year), int(month), int(day))
        except RowError:
            raise
        except ValueError:
            found = None
    if found is None:
        raise RowError("no day", value)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise RowError(f"the day is not between {FIRST_YEAR} and {LAST_YEAR}", value)
    return found


def month_first(texts: Iterable[str]) -> bool | None:
    """Tell whether the month comes first in days that are parted by slashes; None where they do not tell.

    Examples
    --------
    >>> month_first(["9/1/17", "9/25/17"]), month_first(["25/9/17"]), month_first(["9/1/17"])
    (True, False, None)
    """
    pairs = [(int(m[1]), int(m[3])) for text in texts if (m := _PARTS.match(text.strip())) and m[2] == "/"]
    day_first = any(one > 12 for one, _ in pairs)
    is_month_first = any(two > 12 for _, two in pairs)
    return is_month_first if day_first != is_month_first else None


def moment_of(value: object) -> datetime:
    """Read a moment: ISO 8601, BigQuery's ``… UTC``, fourteen digits, or seconds since 1970; else it is UTC.

    Raises
    ------
    RowError
        When it is none.

    Examples
    --------
    >>> same = "2012-12-01T01:30:05Z", "2012-12-01 01:30:05 UTC", "20121201013005", 1354325405
    >>> {moment_of(each).isoformat() for each in same}
    {'2012-12-01T01:30:05+00:00'}
    """
    found: datetime | None = None
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, str):
            text = value[:40].strip().removesuffix(" UTC")
            found = (
                datetime.strptime(text, "%Y%m%d%H%M%S")
                if len(text) == 14 and text.isdigit()
                else datetime.fromisoformat(text)
            )
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise RowError("no time", value)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise RowError(f"the day is not between {FIRST_YEAR} and {LAST_YEAR}", value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def said_by_id(broadcast: str) -> Broadcast | None:
    """Read a broadcast ID; None where it is of another form."""
    try:
        return Broadcast.parse(broadcast)
    except ValueError:
        return None


def staged(rows: Mapping[str, list[Any]]) -> pa.Table:
    """Put rows together, by the columns of `STAGED`."""
    return (
        pa.table({name: pa.array(rows[name]) for name in STAGED.names}).cast(STAGED) if rows else pa.table({})
    )
