"""The bytes so far of a file that is being fetched: beside the file to be, and locked.

They lie in ``.{name}.partial``; ``.{name}.partial.json`` tells what they are the beginning of. Both stay when
the process is killed and when a fetch fails, so that the next one goes on where this one ended; they go when
the file is complete, and when nothing could be added to them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from castgraph.base.locks import is_at, lock, open_lock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """What a server told of the file whose beginning the bytes are.

    Attributes
    ----------
    url
        The address that was asked for.
    validator
        A strong ETag or a date of modification, by which the server knows whether it still has the same file;
        empty when it gives none to rely on. Without one the bytes cannot be added to.
    total
        The file's size; None when the server did not tell.
    md5
        The file's MD5 in base64; empty when the server did not tell.
    """

    url: str
    validator: str = ""
    total: int | None = None
    md5: str = ""


class Partial:
    """The bytes so far. `held` makes it.

    Attributes
    ----------
    path
        Where they lie.
    version
        What they are the beginning of.
    n_bytes
        How many there are.
    most
        How many there ever were.
    is_finished
        Whether they have become the file that they were meant for.
    """

    def __init__(self, destination: Path, handle: int, version: Version) -> None:
        self.path, self._note = _paths(destination)
        self._destination = destination
        self._handle = handle
        self.version = version
        self.n_bytes = self.most = os.fstat(handle).st_size
        self.is_finished = False

    @property
    def can_go_on(self) -> bool:
        """Whether the server can be asked for the bytes that follow."""
        return bool(self.n_bytes and self.version.validator)

    def begin(self, version: Version) -> None:
        """Throw the bytes away and begin with those of `version`."""
        # In this order, so that no bytes ever lie beside a note that is not theirs.
        self._note.unlink(missing_ok=True)
        os.ftruncate(self._handle, 0)
        self.version = version
        self.n_bytes = 0
        if version.validator:
            self._note.write_text(json.dumps(asdict(version), indent=2) + "\n", encoding="utf-8")

    def restart(self) -> None:
        """Throw the bytes away."""
        self.begin(Version(self.version.url))

    def append(self, piece: bytes) -> None:
        """Add the next bytes. What was written when the disk is full is kept."""
        rest = memoryview(piece)
        while rest:
            n_bytes = os.pwrite(self._handle, rest, self.n_bytes)
            self.n_bytes += n_bytes
            self.most = max(self.most, self.n_bytes)
            rest = rest[n_bytes:]

    def is_as_summed(self) -> bool:
        """Tell whether the bytes have the MD5 that the server gave; they need not when it gave none."""
        if not self.version.md5:
            return True
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
        return base64.b64encode(digest).decode() == self.version.md5

    def finish(self) -> None:
        """Put the complete file in its place."""
        self.path.replace(self._destination)
        self._note.unlink(missing_ok=True)
        self.is_finished = True


@contextmanager
def held(destination: Path, url: str, patience: float) -> Iterator[Partial]:
    """Give the bytes so far of the file that is to become `destination`, and to nobody else meanwhile.

    When another process has them, it is waited for. If it finishes the same file in that time, `is_finished`.

    Parameters
    ----------
    destination
        The file to be. Its folder is made when it is not there.
    url
        Where the file is fetched from; bytes of another address are thrown away.
    patience
        Seconds to wait for another process.

    Yields
    ------
    Partial

    Raises
    ------
    BlockingIOError
        When another process has had them for that long.
    """
    path, note = _paths(destination)
    while True:
        # Not `locked`: the bytes are their own lock, which goes to the file's place with them, and whoever
        # waited for it must tell that from bytes that were thrown away.
        handle = open_lock(path)
        try:
            before = _read(note)
            _lock(handle, patience)
            if is_at(handle, path):
                version = _read(note)
                partial = Partial(destination, handle, version or Version(url))
                if version is None or version.url != url:
                    partial.begin(Version(url))
                if partial.n_bytes:
                    log.info("%s: going on after %d bytes", url, partial.n_bytes)
                try:
                    yield partial
                finally:
                    if not (partial.is_finished or partial.can_go_on):
                        note.unlink(missing_ok=True)
                        path.unlink(missing_ok=True)
                return
            # Whoever had the lock has put the file in its place, or thrown it away.
            if before is not None and before.url == url and is_at(handle, destination):
                finished = Partial(destination, handle, before)
                finished.is_finished = True
                yield finished
                return
        finally:
            os.close(handle)  # and with it the lock


def _paths(destination: Path) -> tuple[Path, Path]:
    """Name the bytes and the note of a file."""
    # Not the ending of castgraph.base.files: what that writes is removed at the next try.
    name = f".{destination.name}.partial"
    return destination.with_name(name), destination.with_name(f"{name}.json")


def _read(note: Path) -> Version | None:
    """Read a note; None when there is none, or one that a machine that went down has left in pieces."""
    try:
        return Version(**json.loads(note.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _lock(handle: int, patience: float) -> None:
    try:
        lock(handle, patience=0)
    except BlockingIOError:
        log.info("another process fetches the same file; waiting for it")
        lock(handle, patience)
