"""Writing files so that nothing half-written ever looks finished."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import socket
import string
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

PART = ".part"  # the ending of everything that is still being written

_HOUSEKEEPING = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "system volume information"),  # Windows
        *("$recycle.bin", "recycler", "recycled", "found.000"),
        *("icon\r", "__macosx", "network trash folder", "temporary items"),  # macOS
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "~snapshot"),  # NAS
        *("lost+found",),  # Linux
    }
)


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is none that somebody put there: hidden, or of a system's housekeeping.

    Parameters
    ----------
    name
        Its name, without the folder that it lies in.

    Examples
    --------
    >>> [is_hidden(name) for name in ("._tape.mp4", "Thumbs.db", "@eaDir", "tape.mp4")]
    [True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _HOUSEKEEPING


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


def _part_of(path: Path) -> Path:
    """Name what is to become `path`, as nobody else names it."""
    # Not by tempfile, whose files are for their owner alone: the kernel applies the umask, which no thread
    # can ask for without changing it.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")


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
    What several processes write in turn, such as a ledger, they write under `castgraph.base.locks.locked`.

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
    with temporary(path) as part:
        yield part
        part.replace(path)


@contextmanager
def atomic_together(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Do as `atomic` for several files: all are renamed when the block ends well, or none.

    The last file vouches for the others: it is not there while they are replaced, and comes last. So where it
    is, all are whole and of one writing, also after a process was killed.

    Parameters
    ----------
    paths
        The files to write.

    Yields
    ------
    tuple of Path
        Where to write each.
    """
    with ExitStack() as stack:
        parts = tuple(stack.enter_context(temporary(path)) for path in paths)
        yield parts
        _replace_together(parts, paths)


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Yield a new file beside `path`; if it is still there when the block ends, it is removed.

    What a killed job left of an earlier one is removed, too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    part = _part_of(path)
    part.touch(exist_ok=False)
    try:
        with disk(path.parent):
            yield part
    finally:
        remove(part)


def _replace_together(parts: Sequence[Path], paths: Sequence[Path]) -> None:
    """Rename each part to its path; when one cannot be, put all back as it was."""
    olds = [part.with_suffix(f".old{PART}") for part in parts]
    done: list[tuple[Path, Path]] = []  # from, to: in reverse the way back
    try:
        moves = [*zip(reversed(paths), reversed(olds), strict=True), *zip(parts, paths, strict=True)]
        for source, target in moves:
            if source in parts or source.exists():
                source.replace(target)
                done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.replace(source)
        raise
    for old in olds:
        remove(old)


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
    part = _part_of(path)
    part.mkdir()
    try:
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


def known(kind: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the fields of a dataclass out of an object of JSON.

    Parameters
    ----------
    kind
        The dataclass.
    value
        The object. A newer castgraph may have written more into it, an older one less.

    Returns
    -------
    dict
        What the dataclass can be made of, unless a field without a default is missing.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> Point = make_dataclass("Point", ["x", "y"])
    >>> Point(**known(Point, {"x": 1, "y": 2, "z": 3}))
    Point(x=1, y=2)
    """
    return {field.name: value[field.name] for field in fields(kind) if field.name in value}


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
