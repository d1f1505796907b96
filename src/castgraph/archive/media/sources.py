"""Getting a broadcast, whatever it comes from, as a ZIP in the archive's layout.

A *source* is a text: empty for the broadcast's ZIP in the archive; the web address of a ZIP; or a path, of a
ZIP, of a folder of images or of a video.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Unpack

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.fetch import FetchError, FetchOptions, TooLargeError, fetch, join
from castgraph.archive.listing.choose import VIDEO_SUFFIXES
from castgraph.archive.media.pack import pack
from castgraph.archive.media.zips import DEFAULT_LIMITS, Limits, damage, write_placeholder
from castgraph.base import files


def is_local(source: str) -> bool:
    """Tell whether a source is a path, rather than the archive or an address."""
    return bool(source) and "://" not in source


def obtain(
    base_url: str,
    broadcast_id: str,
    destination: Path,
    *,
    source: str = "",
    frame_seconds: float = 4,
    limits: Limits = DEFAULT_LIMITS,
    threads: int = 1,
    give_up: bool = False,
    **options: Unpack[FetchOptions],
) -> None:
    """Make the ZIP of a broadcast, or a placeholder that says why there is none.

    Parameters
    ----------
    base_url
        Where the archive lies; see `castgraph.archive.fetch.join`. Of no account with a source.
    broadcast_id
        The broadcast.
    destination
        The file to write, atomically.
    source
        What the broadcast comes from; empty for its ZIP in the archive. A ZIP, from wherever, is kept as it
        comes; `castgraph.archive.unzip` tells what is in it.
    frame_seconds
        Seconds between two frames that are taken out of a video.
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
        When `broadcast_id` is not a broadcast ID, or `source` is a file of a kind that is none.
    OSError
        When the disk fails or is full.
    """
    Broadcast.parse(broadcast_id)
    path = Path(source) if is_local(source) else None
    # What takes a second to load is imported where it is needed; everything imports this module.
    if path is not None and path.is_dir():
        from castgraph.archive.media.images import pictures

        pack(destination, broadcast_id, pictures(path, limits), limits)
    elif path is not None and path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        from castgraph.archive.media.video import video_frames

        found = video_frames(path, frame_seconds=frame_seconds, limits=limits, threads=threads)
        pack(destination, broadcast_id, found, limits)
    elif path is not None and path.is_file() and path.suffix.lower() != ".zip":
        allowed = ", ".join((".zip", *sorted(VIDEO_SUFFIXES)))
        raise ValueError(f"{path} is no source of a broadcast; allowed: a folder of images, or {allowed}")
    else:
        address = str(path.absolute()) if path else source or join(base_url, f"{broadcast_id}.zip")
        _fetch(address, destination, limits, give_up, options)


def _fetch(address: str, destination: Path, limits: Limits, give_up: bool, options: FetchOptions) -> None:
    """Fetch a ZIP, or write the placeholder of it."""
    try:
        with files.disk(destination.parent):
            fetched = fetch(
                address,
                destination,
                max_bytes=limits.max_zip_bytes,
                check=partial(damage, limits=limits),
                **options,
            )
    except FetchError as error:
        is_too_large = isinstance(error, TooLargeError)
        if not give_up and not is_too_large:
            raise
        # Without the address: it may hold a password, and the reason is published with the results.
        reason = str(error).removeprefix(f"{address}: ")
        write_placeholder(destination, reason, "damaged" if is_too_large else "unreachable")
    else:
        if fetched.status == "missing":
            write_placeholder(destination, fetched.reason)
