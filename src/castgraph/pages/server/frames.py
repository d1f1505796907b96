"""Frames of a run for as long as a server runs: a ZIP that was opened stays open, directory and all."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path

from castgraph.run.shown import Read, RunFrames

MOST_OPEN = 32
"""ZIPs at a time; the directory of one takes about a MB."""

_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)


def number(text: str, least: int, most: int) -> int | None:
    """Read a whole number that a request has; None where it is none, or not between two others.

    Examples
    --------
    >>> number("640", 64, 1920), number("1e3", 64, 1920), number("9" * 5000, 64, 1920)
    (640, None, None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    found = int(text)
    return found if least <= found <= most else None


class OpenFrames:
    """Reads single frames of a run, from any thread; what was not asked for the longest is closed.

    Parameters
    ----------
    run
        The results of the run.
    most
        ZIPs that are open at a time.

    Raises
    ------
    ValueError, OSError
        As `castgraph.run.shown.RunFrames`.
    """

    def __init__(self, run: Path, most: int = MOST_OPEN) -> None:
        self._frames, self._most = RunFrames(run, fetch=False), most
        self._open: OrderedDict[str, tuple[Read, ExitStack]] = OrderedDict()
        # To read a frame takes 0.2 ms; to decode it, which is done elsewhere, takes 5.
        self._lock = threading.Lock()

    def read(self, broadcast: str, frame: int) -> bytes:
        """Read the picture file of a frame.

        Raises
        ------
        LookupError
            When it cannot be had; the message is the reason.
        """
        with self._lock:
            try:
                return self._reader(broadcast)(frame)
            except (LookupError, OSError, ValueError) as error:
                self._close(broadcast)  # a ZIP that is not there now may be there later
                raise LookupError(_reason(error)) from error

    def close(self) -> None:
        """Close all ZIPs."""
        with self._lock:
            for broadcast in list(self._open):
                self._close(broadcast)

    def _reader(self, broadcast: str) -> Read:
        if broadcast not in self._open:
            stack = ExitStack()
            self._open[broadcast] = stack.enter_context(self._frames.of(broadcast)), stack
            while len(self._open) > self._most:
                self._close(next(iter(self._open)))
        self._open.move_to_end(broadcast)
        return self._open[broadcast][0]

    def _close(self, broadcast: str) -> None:
        if broadcast in self._open:
            self._open.pop(broadcast)[1].close()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the disk'}: {error.strerror}"
    return str(error.args[0]) if error.args else "it cannot be read"
