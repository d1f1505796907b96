"""Where a person can see a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from castgraph.archive.listing.holdings import GDELT
from castgraph.archive.listing.inventory import Selected
from castgraph.archive.listing.local import is_local
from castgraph.archive.media.sources import is_video

_VIEWER = "https://api.gdeltproject.org/api/v2/tvv/tvv?id={broadcast}&frame={frame}"
"""The viewer of the GDELT TV Visual Explorer."""


FRAME, SECONDS = "{frame}", "{seconds}"
"""What stands in a template for the number of a frame, and for its second from the beginning of a video."""


def frame_templates(
    selected: Iterable[Selected], base_url: str, frame_url: str | None
) -> Callable[[str], str]:
    """Make the function that gives the address of the frames of a broadcast, with `FRAME` or `SECONDS` in it.

    Parameters are those of `frame_links`; without a place where the frames can be seen the address is empty.

    Examples
    --------
    >>> from castgraph.archive import listed
    >>> frame_templates(listed({"X_20260101_100000": "/tapes/one.mp4"}), GDELT, None)("X_20260101_100000")
    'file:///tapes/one.mp4#t={seconds}'
    """
    sources = {row.broadcast: row.source for row in selected}
    of_archive = frame_url or (_VIEWER if base_url.rstrip("/") == GDELT.rstrip("/") else "")

    def template(broadcast: str) -> str:
        source = sources.get(broadcast, "")
        viewer = frame_url if is_local(source) else of_archive
        if viewer:
            # Not str.format, which would let a template reach into the values.
            return viewer.replace("{broadcast}", broadcast)
        if is_video(source):
            return f"{Path(source).absolute().as_uri()}#t={SECONDS}"
        return ""

    return template


def frame_links(
    selected: Iterable[Selected], base_url: str, frame_url: str | None, frame_seconds: float
) -> Callable[[str, int], str]:
    """Make the function that gives the address of a frame, or nothing where there is none that works.

    Parameters
    ----------
    selected
        The broadcasts of the run.
    base_url
        The archive of the run. Of the GDELT TV Visual Explorer its viewer shows the frames.
    frame_url
        The address of a viewer, with ``{broadcast}`` and ``{frame}`` in it, for all broadcasts; None without.
    frame_seconds
        Seconds between two frames of a video.

    Returns
    -------
    callable
        Takes a broadcast and the number of a frame. For a video of one's own it gives the address of the
        file and the second, as browsers take it (``file:///tapes/X.mp4#t=68``).

    References
    ----------
    W3C, "Media Fragments URI 1.0", section 4.2.1.

    Examples
    --------
    >>> from castgraph.archive import listed
    >>> chosen = listed({"X_20260101_100000": "/tapes/one.mp4", "Y_20260101_100000": ""})
    >>> link = frame_links(chosen, GDELT, None, 4)
    >>> link("X_20260101_100000", 18)
    'file:///tapes/one.mp4#t=68'
    >>> link("Y_20260101_100000", 18)
    'https://api.gdeltproject.org/api/v2/tvv/tvv?id=Y_20260101_100000&frame=18'
    """
    template = frame_templates(selected, base_url, frame_url)

    def link(broadcast: str, frame: int) -> str:
        return (
            template(broadcast)
            .replace(FRAME, str(frame))
            .replace(SECONDS, f"{(frame - 1) * frame_seconds:g}")
        )

    return link
