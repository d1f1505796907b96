"""A limit on the bytes per second that all jobs of a run take together.

The jobs have one file in common. It holds one number: the moment up to which the line is taken, in seconds
since 1970. Whoever has received bytes moves it on by the time that they are worth, and waits until it is past
those of the others before.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from castgraph.base.locks import locked

_MOMENT = struct.Struct("<d")
_LARGEST = 1 << 18  # bytes received before they are written down
_SMALLEST = 1 << 14


def reserve(pace_file: Path, n_bytes: int, max_bytes_per_s: float) -> float:
    """Take the line for some bytes.

    Parameters
    ----------
    pace_file
        The file that the jobs have in common; made when it is not there. Whatever it holds, nobody waits
        longer than if a thousand jobs were waiting: after a change of the clock, or in a broken file, the
        number is overwritten.
    n_bytes
        The bytes; 0 only asks.
    max_bytes_per_s
        The limit, the same for all jobs.

    Returns
    -------
    float
        Seconds until it is their turn.
    """
    with locked(pace_file) as handle:
        now = time.time()
        written = os.pread(handle, _MOMENT.size, 0)
        free = _MOMENT.unpack(written)[0] if len(written) == _MOMENT.size else now
        if not now < free < now + 60 + 1000 * max(n_bytes, _piece(max_bytes_per_s)) / max_bytes_per_s:
            free = now  # the line is free, or this is no moment that we wrote
        if n_bytes:
            os.pwrite(handle, _MOMENT.pack(free + n_bytes / max_bytes_per_s), 0)
        return free - now


def paced(pieces: Iterator[bytes], pace_file: Path, max_bytes_per_s: float) -> Iterator[bytes]:
    """Pass on what comes, no faster than the limit allows; waiting fills the line and so slows the server.

    Parameters
    ----------
    pieces
        What is received.
    pace_file, max_bytes_per_s
        See `reserve`.

    Yields
    ------
    bytes
        The same pieces.
    """
    taken = 0
    try:
        for piece in pieces:
            yield piece
            taken += len(piece)
            if taken >= _piece(max_bytes_per_s):
                time.sleep(reserve(pace_file, taken, max_bytes_per_s))
                taken = 0
    finally:
        if taken:  # the next transfer waits for these
            reserve(pace_file, taken, max_bytes_per_s)


def _piece(max_bytes_per_s: float) -> int:
    """Tell after how many bytes to wait: seldom, but so that no server loses its patience meanwhile."""
    return int(min(max(max_bytes_per_s / 8, _SMALLEST), _LARGEST))
