"""IDs for recordings that have none: what lies in a folder, and what names and dates of files say of it."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.listing import names
from castgraph.archive.listing.choose import PICTURE_SUFFIXES
from castgraph.archive.listing.folders import named_id, visible_entries
from castgraph.archive.listing.left_alone import LeftAlone
from castgraph.archive.listing.local import Kind, ending, kind_of, local_source, no_recording

NO_DATE = "no date in its name"

_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Recording(NamedTuple):
    """Something that can be a broadcast.

    Attributes
    ----------
    path
        Where it lies.
    kind
        What it is.
    folders
        The names of the folders above it, from the one that was searched on.
    """

    path: Path
    kind: Kind
    folders: tuple[str, ...]


class Row(NamedTuple):
    """A row of a table of recordings.

    Attributes
    ----------
    broadcast
        The ID.
    source
        The path of the recording, as `castgraph.archive.listing.lists.read_list` takes it.
    guessed
        What of the ID its name does not say, and where it is from; empty where it says all.
    """

    broadcast: str
    source: str
    guessed: str


@dataclass(frozen=True)
class Dates:
    """Where days and times come from that names do not say.

    Attributes
    ----------
    zone
        The time zone of times in names.
    day
        The day of recordings whose names say none; None for none.
    from_file
        Whether such a recording began when its file was last changed, and a folder of pictures when its
        earliest picture was.
    """

    zone: tzinfo = UTC
    day: date | None = None
    from_file: bool = False


def survey(folder: Path, depth: int, leave: Iterable[Path] = ()) -> tuple[list[Recording], list[LeftAlone]]:
    """Look for recordings in a folder and in the folders in it.

    A folder of pictures is a recording where no video, ZIP or folder lies in it.
    What is hidden is left alone without a word, all else that is not taken is told. Links are followed, and
    no folder is looked at twice.

    Parameters
    ----------
    folder
        Where to look.
    depth
        How many folders deep.
    leave
        Folders that are left alone, as castgraph writes into them.

    Returns
    -------
    list of Recording
        In the order of their paths.
    list of LeftAlone
        What was not taken; paths as they were found.

    Raises
    ------
    ValueError
        When the folder cannot be read.
    """
    found: list[Recording] = []
    left: list[LeftAlone] = []
    whole = Path(os.path.realpath(folder))
    seen = {os.path.realpath(path) for path in (*leave, whole, *whole.parents)}

    def look(folder: Path, above: tuple[str, ...]) -> None:
        pictures: list[Path] = []
        here: list[Recording] = []
        within: list[Path] = []
        above = (*above, folder.name)
        for entry in visible_entries(folder):
            path = folder / entry.name
            try:
                if path.is_dir():
                    within.append(path)
                elif ending(entry.name) in PICTURE_SUFFIXES:
                    pictures.append(path)
                elif reason := no_recording(entry.name):
                    left.append(LeftAlone(str(path), reason))
                else:
                    here.append(Recording(path, kind_of(str(path)), above))
            except ValueError as error:
                left.append(LeftAlone(str(path), str(error)))
        if pictures and not here and not within:
            found.append(Recording(folder, "folder", above[:-1]))
        else:
            reason = "a picture beside recordings or folders; a folder of pictures holds nothing else"
            left.extend(LeftAlone(str(path), reason) for path in pictures)
        found.extend(here)
        if not (pictures or here or within) and above[1:]:
            left.append(LeftAlone(str(folder), "a folder without recordings"))
        for path in within:
            real = os.path.realpath(path)
            if real in seen:
                left.append(
                    LeftAlone(str(path), "a folder that was looked at already, or that castgraph writes")
                )
            elif len(above) > depth:
                left.append(LeftAlone(str(path), f"a folder deeper than {depth} folders"))
            else:
                seen.add(real)
                try:
                    look(path, above)
                except ValueError as error:
                    left.append(LeftAlone(str(path), str(error)))

    look(folder, ())
    return found, left


def with_ids(
    found: Sequence[Recording], station: str, dates: Dates, here: Path
) -> tuple[list[Row], list[LeftAlone]]:
    """Give recordings IDs.

    Parameters
    ----------
    found
        The recordings. One whose name is an ID keeps it. Of others the name tells the day and the time (see
        `names.read`), else the folders that it lies in do; what is left of the name is the title.
    station
        The station.
    dates
        What holds for those whose names say no day.
    here
        The folder that sources within it are relative to.

    Returns
    -------
    list of Row
        In the order of the recordings. Those of a day of which no time is known begin at midnight (UTC), a
        second apart.
    list of LeftAlone
        Those that get no ID, by their sources, and why.
    """
    ids: dict[str, Row] = {}
    left: list[LeftAlone] = []
    begun: list[tuple[str, _Begin]] = []
    for each in found:
        source = local_source(str(each.path), here)
        try:
            if _NO_TEXT.search(source) or source != source.strip():
                raise ValueError("its name cannot be written in a table: rename it")
            stem = named_id(each.path.name, is_folder=each.kind == "folder")
            if not _is_id(stem):
                begun.append((source, _begin(stem, each, dates)))
            elif stem in ids:
                raise ValueError("its ID is that of another one")
            else:
                ids[stem] = Row(stem, source, "")
        except (ValueError, OSError) as error:
            left.append(LeftAlone(source, str(error)))
    taken = {begin.start for _, begin in begun if begin.start}
    for source, begin in begun:
        start = begin.start or next(
            moment
            for second in itertools.count()
            if (moment := datetime.combine(begin.day, time(), UTC) + timedelta(seconds=second)) not in taken
        )
        taken.add(start)
        title = names.title(begin.title, station)
        wanted = f"{station}_{start:%Y%m%d_%H%M%S}" + (f"_{title}" if title else "")
        numbered = (f"{wanted}_{number}" for number in itertools.count(2))
        broadcast = next(each for each in itertools.chain([wanted], numbered) if each not in ids)
        ids[broadcast] = Row(broadcast, source, begin.guessed)
    order = {local_source(str(each.path), here): n for n, each in enumerate(found)}
    return sorted(ids.values(), key=lambda row: order[row.source]), left


class _Begin(NamedTuple):
    """When a recording began, or only its day; what its title is made of; what of it is guessed."""

    start: datetime | None
    day: date
    title: str
    guessed: str


def _begin(stem: str, recording: Recording, dates: Dates) -> _Begin:
    named = names.read(stem)
    if named.day:
        start = named.start(dates.zone)
        return _Begin(start, named.day, named.rest, "" if start and named.sure else "time")
    above = names.read("/".join(recording.folders))
    if above.day:
        clock = names.read_clock(stem)
        start = above._replace(clock=clock or above.clock).start(dates.zone)
        guessed = "date by its folder" + ("" if start else ", time")
        return _Begin(start, above.day, "" if clock else stem, guessed)
    if dates.from_file:
        start = _changed(recording)
        return _Begin(start, start.date(), stem, "date and time by its file")
    if dates.day:
        return _Begin(None, dates.day, stem, "date as given, time")
    raise ValueError(NO_DATE)


def _changed(recording: Recording) -> datetime:
    """Tell when a file was last changed; of a folder of pictures, the earliest of them, to the second."""
    paths = [recording.path]
    if recording.kind == "folder":
        entries = visible_entries(recording.path)
        paths = [recording.path / each.name for each in entries if ending(each.name) in PICTURE_SUFFIXES]
    return datetime.fromtimestamp(int(min(path.stat().st_mtime for path in paths)), UTC)


def _is_id(text: str) -> bool:
    try:
        Broadcast.parse(text)
    except ValueError:
        return False
    return True
