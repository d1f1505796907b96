"""The files that a server gives: those of a list, by their names in it; no request is made a path."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""Ending → type; of other endings nothing is listed."""


def listed(folder: Path) -> dict[str, Path]:
    """List the regular files of a folder by their paths in it, with ``/`` between the parts.

    Links, whatever they lead to, hidden files and files whose endings `TYPES` does not have are left out.
    """
    return {"/".join(path.relative_to(folder).parts): path for path in _regular(folder)}


def _regular(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _regular(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and Path(entry.name).suffix in TYPES:
                yield Path(entry.path)


def read(path: Path) -> bytes:
    """Read a listed file.

    Raises
    ------
    OSError
        When it is not there any more, or a link or something else has come in its place.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileNotFoundError(path)
        return file.read()


def answer(files: Mapping[str, Path], name: str) -> Response:
    """Give a listed file, or say that there is none."""
    try:
        path = files[name]
        return Response(read(path), headers={"Content-Type": TYPES[path.suffix]})
    except (KeyError, OSError):
        return not_found("no such file")


def not_found(reason: str) -> Response:
    """Say why there is nothing."""
    return PlainTextResponse(f"{reason}\n", 404)
