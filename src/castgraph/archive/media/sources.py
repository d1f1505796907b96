"""Getting a broadcast, whatever it comes from, as a ZIP in the archive's layout.

A *source* is a text: empty for the broadcast's ZIP in the archive; the web address of a ZIP; or a path, of a
ZIP, of a folder of images or of a video.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, Unpack

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.fetch import FetchError, FetchOptions, TooLargeError, fetch, join
from castgraph.archive.listing.choose import VIDEO_SUFFIXES
from castgraph.archive.listing.holdings import GDELT
from castgraph.archive.listing.local import content, ending, is_local, kind_of, local_source
from castgraph.archive.media.numbering import Numbers
from castgraph.archive.media.pack import pack
from castgraph.archive.media.zips import (
    DEFAULT_LIMITS,
    Limits,
    Needed,
    damage,
    n_entries,
    read_placeholder,
    write_placeholder,
)
from castgraph.base import files
from castgraph.base.files import is_hidden
from castgraph.base.statuses import Word

log = logging.getLogger(__name__)


class Obtained(NamedTuple):
    """What became of a broadcast that was asked for.

    Attributes
    ----------
    status
        ``ok``: its ZIP is there, whatever is in it; ``missing``, ``unreachable`` or ``damaged``: a
        placeholder is; ``kept``: what was there before is, as nothing better could be had.
    reason
        Why it is not ok; empty when it is.
    needed
        What it would take without limits; see `castgraph.archive.media.zips.could_change`.
    """

    status: Word | Literal["kept"]
    reason: str
    needed: Needed


def is_video(source: str) -> bool:
    """Tell whether a source is a video by its name; the file is not asked, as there may be 50,000."""
    return is_local(source) and Path(source).suffix.lower() in VIDEO_SUFFIXES


def is_video_file(path: Path) -> bool:
    """Tell whether a file is to be read as a video, whatever its name: all are but ZIPs."""
    found = content(path)
    return found == "video" or (found != "zip" and ending(path.name) != ".zip")


def about_n_frames(source: str, frame_seconds: float) -> int:
    """Tell about how many frames a recording has, from what it says itself; 0 where it says nothing.

    Parameters
    ----------
    source
        The path of a ZIP, of a folder of images or of a video.
    frame_seconds
        Seconds between two frames that are taken out of a video.
    """
    with suppress(OSError, ValueError):  # the job that reads it tells what is wrong with it
        kind = kind_of(source)
        if kind == "folder":
            return sum(not is_hidden(name) for name in os.listdir(source))  # noqa: PTH208
        if kind == "zip":
            return n_entries(Path(source))
        from castgraph.archive.media.video import stated_seconds  # takes a second to load

        return math.ceil(stated_seconds(Path(source)) / frame_seconds)
    return 0


def relative(base_url: str, here: Path) -> str:
    """Write a folder that lies within `here` as relative to it; an address stays as it is."""
    return base_url if "://" in base_url else local_source(base_url, here)


def archive_name(base_url: str) -> str:
    """Name an archive for paths: what comes of another one lies elsewhere.

    Examples
    --------
    >>> archive_name(GDELT)
    'gdelt'
    >>> archive_name("resources/demo")
    'demo-6c10e1e1'
    """
    address = base_url.rstrip("/")
    if address == GDELT.rstrip("/"):
        return "gdelt"
    last = re.sub(r"[^A-Za-z0-9]+", "-", address.rpartition("/")[2]).strip("-").lower()[:24]
    return f"{last or 'archive'}-{_digest(address)}"


def origin(
    broadcast_id: str, source: str, base_url: str, frame_seconds: float, programme: int | None = None
) -> str:
    """Name for paths where a broadcast comes from: what comes of another source lies elsewhere.

    Parameters
    ----------
    broadcast_id
        The broadcast.
    source
        Its source, as recorded: a path within the working directory is relative, so that both can be moved.
    base_url
        The archive of the run, as the configuration names it.
    frame_seconds
        Seconds between two frames that are taken out of a video; other sources have their frames.
    programme
        Which programme of a video is taken; None for the best one.

    Examples
    --------
    >>> origin("X_20260101_100000", "", GDELT, 4)
    'gdelt'
    >>> origin("X_20260101_100000", "tapes/X_20260101_100000.mp4", GDELT, 0.5)
    'own-06cff835-0.5s'
    >>> origin("X_20260101_100000", "tapes/X_20260101_100000.ts", GDELT, 4, 102)
    'own-17a53cbb-4s-p102'
    """
    if not source:
        return archive_name(base_url)
    folder, _, name = source.rpartition("/")
    # Those that lie side by side, each named by its broadcast, have an origin in common.
    place = f"{folder}/*{name.removeprefix(broadcast_id)}" if name.startswith(broadcast_id) else source
    kind = "own" if is_local(source) else "web"
    name = f"{kind}-{_digest(place)}"
    if is_video(source):
        name += f"-{frame_seconds:g}s" + ("" if programme is None else f"-p{programme}")
    return name


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def state(source: str) -> str:
    """Tell size and date of a local source as a short text; of a folder, those of its files.

    Parameters
    ----------
    source
        A path.

    Returns
    -------
    str
        Another text when the file was replaced or one that a folder shows was added, removed or replaced.
        Where the source lies does not matter, nor what lies in folders of a folder.
    """
    try:
        if not os.path.isdir(source):  # noqa: PTH112 (a Path for each of 50,000 takes as long as the question)
            return _stamp(os.stat(source))  # noqa: PTH116
        with os.scandir(source) as entries:
            stamps = {entry.name: _stamp_of(entry) for entry in entries if not is_hidden(entry.name)}
    except OSError:
        return "not there"
    lines = [f"{name} {stamp}" for name, stamp in sorted(stamps.items()) if stamp]
    return f"{len(lines)} files, {_digest(chr(10).join(lines))}"


def _stamp_of(entry: os.DirEntry[str]) -> str:
    """Tell size and date of what an entry leads to; nothing of a folder."""
    try:
        return "" if entry.is_dir() else _stamp(entry.stat())
    except OSError:  # a link that leads nowhere
        return "nowhere"


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_size} bytes, {found.st_mtime_ns} ns"


def obtain(
    base_url: str,
    broadcast_id: str,
    destination: Path,
    *,
    source: str = "",
    frame_seconds: float = 4,
    picture_numbers: Numbers = "auto",
    programme: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    threads: int = 1,
    give_up: bool = False,
    **options: Unpack[FetchOptions],
) -> Obtained:
    """Make the ZIP of a broadcast, or a placeholder that says why there is none.

    Parameters
    ----------
    base_url
        Where the archive lies; see `castgraph.archive.fetch.join`. Of no account with a source.
    broadcast_id
        The broadcast.
    destination
        The file to write, atomically. A ZIP that is there is only replaced by another one that can be opened,
        never by a placeholder.
    source
        What the broadcast comes from; empty for its ZIP in the archive. A ZIP, from wherever, is kept as it
        comes; `castgraph.archive.unzip` tells what is in it. What a file is, its content says: whatever is no
        ZIP is tried as a video, unless it calls itself one.
    frame_seconds
        Seconds between two frames that are taken out of a video.
    picture_numbers
        What the numbers of the pictures of a folder are; see `castgraph.archive.media.numbering.numbered`.
    programme
        Which programme of a video to take; see `castgraph.archive.media.video.video_frames`.
    limits
        How much to take. A ZIP that is larger than all that can be taken is not fetched; a placeholder with
        the status ``damaged`` says so.
    threads
        Threads that decode a video.
    give_up
        Whether a ZIP that cannot be had at the last attempt becomes a placeholder, with the status
        ``unreachable``, rather than an error.
    **options
        How patiently to fetch; see `castgraph.archive.fetch.fetch`.

    Raises
    ------
    FetchError
        When the source cannot be had although it may be there, unless `give_up`.
    ValueError
        When `broadcast_id` is not a broadcast ID.
    OSError
        When the disk fails or is full.
    """
    Broadcast.parse(broadcast_id)
    path = Path(source) if is_local(source) else None
    # What takes a second to load is imported where it is needed; everything imports this module.
    if path is not None and path.is_dir():
        from castgraph.archive.media.images import pictures

        found = pictures(path, limits, numbers=picture_numbers)
        return Obtained("ok", "", pack(destination, broadcast_id, found, limits))
    if path is not None and path.is_file() and is_video_file(path):
        from castgraph.archive.media.video import video_frames

        found = video_frames(
            path, frame_seconds=frame_seconds, programme=programme, limits=limits, threads=threads
        )
        return Obtained("ok", "", pack(destination, broadcast_id, found, limits))
    address = str(path.absolute()) if path else source or join(base_url, f"{broadcast_id}.zip")
    return _fetched(address, destination, limits, give_up, options)


def _fetched(
    address: str, destination: Path, limits: Limits, give_up: bool, options: FetchOptions
) -> Obtained:
    """Fetch a ZIP, or write the placeholder of it."""
    status: Literal["missing", "unreachable", "damaged"]
    is_there = destination.is_file() and not read_placeholder(destination) and not damage(destination, limits)
    try:
        with files.disk(destination.parent):
            found = fetch(
                address,
                destination,
                max_bytes=limits.max_zip_bytes,
                check=partial(damage, limits=limits),
                keeps_damaged=not is_there,
                **options,
            )
        if found.status == "ok":
            return Obtained("ok", "", {"max_zip_bytes": found.n_bytes})
        status, reason = "missing", found.reason
    except TooLargeError as error:
        status, reason = "damaged", str(error)
    except FetchError as error:
        if not give_up:
            raise
        status, reason = "unreachable", str(error)
    # Without the address: the reason is published with the results.
    reason = reason.removeprefix(f"{address}: ")
    needed: Needed = {"max_zip_bytes": None} if status == "damaged" else {}
    if is_there:
        log.warning("%s: %s; what was there before is kept", status, reason)
        return Obtained("kept", f"{status}: {reason}", needed)
    write_placeholder(destination, reason, status)
    return Obtained(status, reason, needed)
