"""One run at a time in a working directory, also after a run that was killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path`; another process that wants it waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


class RunLock:
    """A lock that the kernel takes back when its holder ends, however it ends.

    Snakemake's own lock is a file that stays when Snakemake is killed, so that the same command refuses to
    go on. The profiles switch it off and this one takes its place.

    Parameters
    ----------
    path
        The file to lock; it is made when it is not there.

    Raises
    ------
    BlockingIOError
        When another process holds the lock; the message names it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 20).decode(errors="replace").strip()
            self.release()
            raise BlockingIOError(
                f"another castgraph run (process {holder or 'unknown'}) is at work in {Path.cwd()}; "
                "wait for it, stop it, or start this one in another folder"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._file)
