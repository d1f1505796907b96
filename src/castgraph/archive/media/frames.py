"""The frames of a broadcast for whoever wants to see some of them, also when its ZIP is not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from castgraph.archive.fetch import FetchError, fetch_options
from castgraph.archive.listing.inventory import Selected
from castgraph.archive.media.sources import obtain
from castgraph.archive.media.zips import DEFAULT_LIMITS, FrameReader, Limits


@contextmanager
def frames_of(
    broadcast: str,
    zip_path: Path,
    source: str = "",
    *,
    base_url: str | None,
    scratch: Path,
    limits: Limits = DEFAULT_LIMITS,
    **options: Any,
) -> Iterator[Callable[[int], bytes]]:
    """Give what reads the frames of a broadcast.

    Parameters
    ----------
    broadcast
        Its ID.
    zip_path
        Its ZIP, or where that would be.
    source
        What it comes from; see `castgraph.archive.obtain`.
    base_url
        Where a ZIP that is not there any more is fetched from, for the time of the block; None not to fetch.
    scratch
        The folder to put it in.
    limits
        How much is taken: that under which the frames were encoded.
    **options
        Passed on to `castgraph.archive.obtain`.

    Yields
    ------
    callable
        Gives the picture file of a frame, by its number. It raises `LookupError`, with the reason, when that
        cannot be had, be it the frame or the whole ZIP.
    """
    with ExitStack() as stack:
        try:
            path = zip_path
            if not path.is_file():
                path = stack.enter_context(
                    _fetched(broadcast, zip_path, source, base_url, scratch, limits=limits, **options)
                )
            read = stack.enter_context(FrameReader(path, broadcast, limits)).read
        except (LookupError, FetchError) as error:
            read = partial(_no_frame, str(error))
        yield read


def opener(
    selected: Iterable[Selected], zips: Path, config: Mapping[str, Any], *, scratch: Path, pace: Path
) -> Callable[[str], AbstractContextManager[Callable[[int], bytes]]]:
    """Make what opens the frames of each broadcast of a run, as `frames_of` does.

    Parameters
    ----------
    selected
        The broadcasts of the run.
    zips
        The folder of ZIPs.
    config
        The configuration of the run, of which ``archive`` and ``compute`` say how a ZIP that is gone is had.
    scratch
        The folder to put such a ZIP in.
    pace
        The folder by which all fetches keep to a limit; see `castgraph.archive.fetch_options`.
    """
    rows = {row.broadcast: row for row in selected}
    archive = config["archive"]

    def opened(broadcast: str) -> AbstractContextManager[Callable[[int], bytes]]:
        row = rows[broadcast]
        return frames_of(
            broadcast,
            zips / row.origin / f"{broadcast}.zip",
            row.source,
            base_url=archive["base_url"],
            scratch=scratch,
            limits=Limits.of(archive),
            **{key: archive[key] for key in ("frame_seconds", "picture_numbers", "programme")},
            **fetch_options(config["compute"], pace),
        )

    return opened


def _no_frame(reason: str, frame: int) -> bytes:
    raise LookupError(reason)


@contextmanager
def _fetched(
    broadcast: str, zip_path: Path, source: str, base_url: str | None, scratch: Path, **options: Any
) -> Iterator[Path]:
    if base_url is None:
        raise LookupError(f"{zip_path} is not there")
    path = scratch / f"{broadcast}.zip"
    try:
        obtain(base_url, broadcast, path, source=source, **options)
        yield path
    finally:
        path.unlink(missing_ok=True)
