"""Choosing broadcasts: lists of them, and what is wanted of a list.

A listed broadcast has a *source*, a string that says what it comes from: empty for its ZIP in the archive,
the address of a ZIP, or the path of a ZIP, of a folder of images or of a video. An ID that a file's name does
not tell is told by a table; it is never guessed.
"""

from __future__ import annotations

import csv
import fnmatch
import gzip
import itertools
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from castgraph.archive.address import has_login, without_login
from castgraph.archive.broadcast import Broadcast
from castgraph.archive.media.formats import FORMATS
from castgraph.base.text import is_formula, quoted

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
VIDEO_SUFFIXES = frozenset(itertools.chain(*FORMATS.values()))
JPEG_SUFFIXES = (".jpg", ".jpeg")
PICTURE_SUFFIXES = (*JPEG_SUFFIXES, ".png", ".webp")
"""How the names of pictures in a folder end, in small letters."""

_SUFFIXES = VIDEO_SUFFIXES | {".zip"}
_COMMENT = re.compile(r"(?:^|\s)#")
_WILDCARD = re.compile(r"[*?\[]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TOLD = 10  # wrong entries that are told one by one
_FORM = (
    "the form is STATION_YYYYMMDD_HHMMSS or STATION_YYYYMMDD_HHMMSS_Title (letters, digits, '.', '_', '-')"
)


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
    return _with_included(
        {row.id: sources[row.id] for row in parse_all(sources) if choice.takes(row)}, choice
    )


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
        raise ValueError(f"{len(wrong)} of the broadcasts are not broadcast IDs: {some(wrong)}; {_FORM}")
    return found


def check_excluded(entries: Iterable[str]) -> None:
    """Check that every entry is a broadcast ID or a shell pattern of one.

    Raises
    ------
    ValueError
        When some are not; it tells how many, and the first ten.
    """
    parse_all(entry for entry in entries if not _WILDCARD.search(entry))


def read_excluded(path: Path) -> list[str]:
    """Read IDs and shell patterns of IDs, one a line, from a text file or one packed with gzip.

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    with _opened(path) as file:
        texts = (_COMMENT.split(line, maxsplit=1)[0].strip() for line in file)
        return [text for text in texts if text]


def read_list(path: Path, choice: Choice, base_url: str = "", here: Path | None = None) -> dict[str, str]:
    """Take what is wanted of the broadcasts that a file lists, and what is included.

    Parameters
    ----------
    path
        A text file, or one packed with gzip (``.gz``). It has one entry a line: a broadcast ID, the address
        of a ZIP, or the path of a ZIP, a folder of images or a video; the ID is the name without its ending.
        Or it is a CSV table with the columns ``broadcast`` (an ID) and, if need be, ``source`` (such an
        address or path); further columns are left alone. ``#`` begins a comment.
    choice
        What is wanted.
    base_url
        Where the archive lies. An address there is that of the archive's own ZIP.
    here
        The folder that relative paths start from; None for the working directory.

    Returns
    -------
    dict
        ID → source, sorted by ID, as of `narrow`. Paths within `here` are relative to it, others absolute.

    Raises
    ------
    ValueError
        When the file cannot be read or lists nothing, when entries are wrong, and when a broadcast has two
        sources. Addresses of ZIPs whose names are no broadcast IDs, of which the archive has a few, are left
        out where the list is narrowed, as they have no station and no day.
    """
    here = here or Path.cwd()
    own = f"{base_url.rstrip('/')}/"
    found: dict[str, str] = {}
    wrong: list[str] = []
    with _opened(path) as file:
        is_table, entries = _entries(file)
        for broadcast_id, source in entries:
            is_zip = not is_table and _is_address(source)
            if is_zip and not choice.may_take(broadcast_id):  # here most of a long list ends, at little cost
                continue
            if "://" in source and has_login(source):
                raise ValueError(
                    f"{without_login(source)} holds a user name or password; put them into ~/.netrc"
                )
            try:
                broadcast = Broadcast.parse(broadcast_id)
                recorded = _checked(source, broadcast_id, own, here)
            except ValueError:
                if not (is_zip and choice.narrows):
                    wrong.append(source or broadcast_id)
                continue
            if choice.takes(broadcast) and found.setdefault(broadcast_id, recorded) != recorded:
                two = " and ".join(each or "the archive" for each in (found[broadcast_id], recorded))
                raise ValueError(f"{broadcast_id} has two sources: {two}")
    if wrong:
        raise ValueError(
            f"{len(wrong)} of the entries are not broadcast IDs, nor addresses of ZIPs or paths that are "
            f"named by one: {some(wrong)}; {_FORM}; a CSV table with the columns broadcast,source tells the "
            "IDs of files that have other names"
        )
    return _with_included(found, choice)


def read_names(path: Path) -> Iterator[str]:
    """Give the IDs of a file that lists broadcasts, whatever they are; see `read_list`.

    Raises
    ------
    ValueError
        When the file cannot be read or lists nothing.
    """
    with _opened(path) as file:
        for broadcast_id, _ in _entries(file)[1]:
            yield broadcast_id


def read_folder(folder: Path, here: Path | None = None) -> dict[str, str]:
    """Read which broadcasts lie in a folder: ZIPs, folders of images, and videos, named by their IDs.

    Hidden entries and files of other kinds are left alone, and what lies deeper is not looked at.

    Parameters
    ----------
    folder
        Where to look.
    here
        The folder that sources within it are relative to; None for the working directory.

    Returns
    -------
    dict
        ID → source.

    Raises
    ------
    ValueError
        When there is no such folder, when it holds no broadcast, when names are no broadcast IDs, and when
        two entries have one ID.
    """
    here = here or Path.cwd()
    found: dict[str, str] = {}
    wrong: list[str] = []
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                (entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")
            )
    except OSError as error:
        raise ValueError(f"cannot be read ({error})") from error
    for name, is_folder in names:
        stem = name if is_folder else _stem(name)
        if not is_folder and stem == name:
            continue
        try:
            Broadcast.parse(stem)
        except ValueError:
            wrong.append(name)
            continue
        if stem in found:
            raise ValueError(f"{stem} is there twice: as {Path(found[stem]).name} and as {name}")
        found[stem] = local_source(str(folder / name), here)
    if wrong:
        raise ValueError(
            f"the names of {len(wrong)} entries are no broadcast IDs: {some(wrong)}; {_FORM}; rename them, "
            "or give a CSV table with the columns broadcast,source as broadcasts.file"
        )
    if not found:
        raise ValueError(f"holds no ZIP, no folder and no video ({', '.join(sorted(VIDEO_SUFFIXES))})")
    return found


def local_source(path: str, here: Path) -> str:
    """Write the path of a source: relative to `here` where it lies inside, so that both can be moved."""
    whole = os.path.normpath(here / path)
    relative = os.path.relpath(whole, here)
    if relative == ".." or relative.startswith(f"..{os.sep}"):
        return whole
    # An apostrophe would make it another path.
    return f"./{relative}" if is_formula(relative) else relative


def some(values: Sequence[object]) -> str:
    """Show the first ten of some values that may be hostile."""
    shown = [without_login(value) if isinstance(value, str) else value for value in values[:_TOLD]]
    return ", ".join(map(quoted, shown)) + (", …" if len(values) > _TOLD else "")


def _with_included(taken: dict[str, str], choice: Choice) -> dict[str, str]:
    included = {each: source or taken.get(each, "") for each, source in choice.include.items()}
    return dict(sorted((taken | included).items()))


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, packed or not; whatever goes wrong while it is read is a ValueError."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield TextIOWrapper(file, encoding="utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot be read ({error})") from error


def _entries(file: Iterable[str]) -> tuple[bool, Iterator[tuple[str, str]]]:
    """Tell whether a file is a table, and give its entries: the ID, or what should be one, and the source."""
    lines: Iterator[str] = (line for line in file if (text := line.lstrip()) and text[0] != "#")
    first = next(lines, None)
    if first is None:
        raise ValueError("holds no broadcast ID; one a line is expected, or the address or path of a source")
    lines = itertools.chain([first], lines)
    if "broadcast" in next(csv.reader([first])):
        rows = csv.DictReader(lines)
        return True, ((row["broadcast"] or "", (row.get("source") or "").strip()) for row in rows)
    return False, map(_entry, lines)


def _entry(line: str) -> tuple[str, str]:
    """Read an entry of a list: the ID, or what should be one, and the source."""
    text = (_COMMENT.split(line, maxsplit=1)[0] if "#" in line else line).strip()
    if "://" in text:
        stem, _, ending = _file_name(text).rpartition(".")
        return (stem, text) if ending.lower() == "zip" else (text, "")
    name = text.rstrip("/").rpartition("/")[2]
    stem = _stem(name)
    return stem, text if "/" in text or stem != name else ""


def _stem(name: str) -> str:
    """Take the ending of a ZIP or a video off a file's name; a name may hold further dots."""
    stem, _, ending = name.rpartition(".")
    return stem if stem and f".{ending.lower()}" in _SUFFIXES else name


def _file_name(address: str) -> str:
    """Tell the name of the file that an address means."""
    if "%" in address or "?" in address or "#" in address:
        try:
            address = unquote(urlsplit(address).path)
        except ValueError:
            return ""
    return address.rpartition("/")[2]


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _checked(source: str, broadcast_id: str, own: str, here: Path) -> str:
    """Write a source as it is recorded; `own` is the address of the archive, with a slash."""
    if source in ("", f"{own}{broadcast_id}.zip"):
        return ""
    if _CONTROL.search(source) or ("://" in source and not _is_address(source)):
        raise ValueError(f"{source!r} is no source")
    return source if _is_address(source) else local_source(source, here)
