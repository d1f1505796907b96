"""Writing files so that nothing half-written ever looks finished."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import string
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PART = ".part"  # the ending of everything that is still being written


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; what is not there is no error."""
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
        remove(leftover)


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Say in plain words that the disk of `folder` is full, when the block finds it so."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise OSError(error.errno, "the disk is full", str(folder)) from error


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

    Raises
    ------
    OSError
        When the disk fails or is full; of a full one the message says so, and names the folder.

    Examples
    --------
    >>> with atomic("days.txt") as part:
    ...     _ = part.write_text("2022-05-19")
    >>> Path("days.txt").read_text()
    '2022-05-19'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        part.chmod(0o666 & ~_umask())
        with disk(path.parent):
            yield part
        part.replace(path)
    except BaseException:
        remove(part)
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
        with disk(path.parent):
            yield part
        remove(path)
        part.rename(path)
    except BaseException:
        remove(part)
        raise


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically and the same for the same value."""
    with atomic(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def expanded(path: str) -> str:
    """Put environment variables (``$TMPDIR`` or ``${TMPDIR}``) into a path; ``$$`` is a dollar sign.

    Parameters
    ----------
    path
        A path as a configuration has it. Where ``TMPDIR`` is not set it is the system's temporary folder.

    Raises
    ------
    ValueError
        For any other variable that is not set, and for a ``$`` that begins no name.

    Examples
    --------
    >>> expanded("$TMPDIR/castgraph") == f"{tempfile.gettempdir()}/castgraph"
    True
    >>> expanded("a folder named $$HOME")
    'a folder named $HOME'
    """
    variables = {"TMPDIR": tempfile.gettempdir()} | {k: v for k, v in os.environ.items() if v}
    try:
        return string.Template(path).substitute(variables)
    except KeyError as error:
        raise ValueError(
            f"found {path!r}; the environment variable {error.args[0]} is not set on {socket.gethostname()}"
        ) from error
    except ValueError as error:
        raise ValueError(f"found {path!r}; allowed: $NAME or ${{NAME}}, and $$ for a dollar sign") from error


def _umask() -> int:
    """Tell the umask of the process (it can only be read by setting it)."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
