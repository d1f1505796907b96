"""Locks among processes and threads, which the kernel takes back when their holder ends, however it ends.

They are filelock's (``flock`` on Unix), taken on a file that is open, so that its holder can write into it.
Only the bytes that stand for cores are locked otherwise; see `castgraph.base.cores`.
"""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

_SHORTEST, _LONGEST = 0.001, 0.1  # seconds after which a lock of another is tried again
_MOST_BYTES = 1000  # of what the holder of a lock says of itself


def open_lock(path: Path) -> int:
    """Open the file of a lock; it is made when it is not there, and a link in its place is refused.

    Returns
    -------
    int
        The descriptor. To close it is to give the lock back.

    Raises
    ------
    OSError
        When it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)


def lock(handle: int, patience: float | None = None) -> None:
    """Lock an open file; what another process or thread has locked is waited for.

    Parameters
    ----------
    handle
        The descriptor of the file.
    patience
        Seconds to wait: for ever with None, not at all with 0.

    Raises
    ------
    BlockingIOError
        When another has it for longer.
    """
    end = math.inf if patience is None else time.monotonic() + patience
    pause = _SHORTEST
    while not lock_descriptor(handle, blocking=False):
        if time.monotonic() >= end:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked by another process")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)


def is_at(handle: int, path: Path) -> bool:
    """Tell whether `path` leads to the open file itself (and not to a link to it)."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


@contextmanager
def locked(path: Path, patience: float | None = None) -> Iterator[int]:
    """Do something that only one process or thread may do at a time.

    Parameters
    ----------
    path
        The lock's own file, which stays. What the block reads and writes is another file, such as the one
        that `castgraph.base.files.write_json` replaces; or it is this file, written in its place.
    patience
        As for `lock`.

    Yields
    ------
    int
        The descriptor of the file.

    Raises
    ------
    BlockingIOError
        When another has the lock for longer.
    OSError
        When the file cannot be opened, as where there is a link.

    Examples
    --------
    >>> import json, tempfile
    >>> from castgraph.base.files import write_json
    >>> ledger = Path(tempfile.mkdtemp()) / "ledger.json"
    >>> with locked(ledger.with_suffix(".lock")):
    ...     entries = json.loads(ledger.read_text()) if ledger.exists() else {}
    ...     write_json(ledger, {**entries, "key": 1})
    """
    while True:
        handle = open_lock(path)
        try:
            try:
                lock(handle, patience)
            except BlockingIOError as error:
                error.filename = str(path)
                raise
            if is_at(handle, path):  # else somebody has removed it, and others lock the one that came after
                yield handle
                return
        finally:
            os.close(handle)


class RunLock:
    """One run at a time in a working directory, also after a run that was killed.

    Snakemake's own lock is a file that stays when Snakemake is killed, so that the same command refuses to
    go on. The profiles switch it off and this one takes its place.

    Parameters
    ----------
    path
        The file to lock; it is made when it is not there.
    holder
        Who takes it, in a line; others are told.

    Raises
    ------
    BlockingIOError
        When another process holds the lock; the message is its `holder`.
    """

    def __init__(self, path: Path, holder: str) -> None:
        self._file = open_lock(path)
        try:
            lock(self._file, patience=0)
        except BlockingIOError:
            found = os.read(self._file, _MOST_BYTES).decode(errors="replace").strip()
            self.release()
            raise BlockingIOError(found) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{holder}\n".encode())

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._file)
