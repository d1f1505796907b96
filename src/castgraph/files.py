"""Writing files so that nothing half-written ever looks finished."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PART = ".part"  # the ending of everything that is still being written


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove what a killed job left of an earlier try to write `path`."""
    prefix = f".{path.name}."
    with os.scandir(path.parent) as entries:
        leftovers = [Path(e.path) for e in entries if e.name.startswith(prefix) and e.name.endswith(PART)]
    for leftover in leftovers:
        _remove(leftover)


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it to `path` when the block ends well.

    The name is unique, so two jobs that write the same file do not mix their bytes. The job that begins last
    takes the file over: what an orphan of a killed run has half written is removed, and the orphan fails.

    Parameters
    ----------
    path
        The file to write. Its folder is made when it is not there.

    Yields
    ------
    Path
        Where to write. It is removed when the block raises.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        part.chmod(0o666 & ~_umask())
        yield part
        part.replace(path)
    except BaseException:
        _remove(part)
        raise


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new folder beside `path` and put it in the place of `path` when the block ends well.

    Parameters
    ----------
    path
        The folder to make. What stands there is replaced whole.

    Yields
    ------
    Path
        The folder to fill. It is removed when the block raises.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent))
    try:
        part.chmod(0o777 & ~_umask())
        yield part
        _remove(path)
        part.rename(path)
    except BaseException:
        _remove(part)
        raise


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically and the same for the same value."""
    with atomic(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _umask() -> int:
    """Tell the umask of the process (it can only be read by setting it)."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
