"""Folders that hold broadcasts: what is taken, and what is left alone and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.listing.choose import FORM, Choice, some, with_included
from castgraph.archive.listing.left_alone import LeftAlone, grouped
from castgraph.archive.listing.local import ending, is_recording, kind_of, local_source, no_recording
from castgraph.base.files import is_hidden
from castgraph.base.text import counted

NO_ID = "its name is no broadcast ID"
_NAMELESS = f"{NO_ID}; castgraph init gives IDs"
_EXCLUDED = "excluded"
_UNWANTED = "not wanted, by what narrows the list"
_ADVICE = "castgraph init FOLDER --station STATION writes a list of files that have other names"
_TOLD = 5  # reasons


class Found(NamedTuple):
    """What was found of broadcasts that are listed somewhere.

    Attributes
    ----------
    sources
        ID → source, sorted by ID.
    left_alone
        What was not taken.
    """

    sources: Mapping[str, str]
    left_alone: tuple[LeftAlone, ...] = ()


def read_folder(folder: Path, choice: Choice | None = None, here: Path | None = None) -> Found:
    """Read which broadcasts lie in a folder: ZIPs, folders of images, and videos, named by their IDs.

    What is hidden, or of a system's housekeeping, is left alone without a word. All else that is not taken is
    told. What lies deeper is not looked at. Links are followed.

    Parameters
    ----------
    folder
        Where to look.
    choice
        What is wanted; None for all. `Choice.exclude` may also name files, such as ``*.mkv``.
    here
        The folder that sources within it are relative to; None for the working directory.

    Returns
    -------
    Found
        With what is included.

    Raises
    ------
    ValueError
        When there is no such folder, when it holds no broadcast, and when two entries are wanted as one.
    """
    here = here or Path.cwd()
    choice = choice or Choice()
    found: dict[str, list[str]] = {}
    left: list[LeftAlone] = []
    for entry in visible_entries(folder):
        try:
            broadcast = _broadcast(entry, choice)
        except ValueError as error:
            left.append(LeftAlone(local_source(entry.path, here), str(error)))
        else:
            found.setdefault(broadcast.id, []).append(entry.name)
    twice = [f"{key} ({' and '.join(names)})" for key, names in found.items() if len(names) > 1]
    if twice:
        raise ValueError(
            f"{counted(len(twice), 'broadcast is', 'broadcasts are')} there twice: {some(twice)}; move away "
            "what is not meant, or name the file in broadcasts.exclude, which takes patterns such as '*.mkv'"
        )
    if not found and not any(each.reason in (_EXCLUDED, _UNWANTED) for each in left):
        reasons = "; ".join(grouped(left, _TOLD)) or "it is empty"
        raise ValueError(f"holds no broadcast: {reasons}; {FORM}; {_ADVICE}")
    taken = {key: local_source(str(folder / names[0]), here) for key, names in found.items()}
    return Found(with_included(taken, choice), tuple(left))


def visible_entries(folder: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    """Give the entries of a folder that somebody put there, sorted by name.

    Raises
    ------
    ValueError
        When the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            yield from sorted(
                (entry for entry in entries if not is_hidden(entry.name)), key=lambda entry: entry.name
            )
    except OSError as error:
        raise ValueError(f"cannot be read ({error})") from error


def named_id(name: str, *, is_folder: bool = False) -> str:
    """Give the part of a name that is an ID, or should be one: of a file, all but its ending."""
    return name if is_folder else name[: len(name) - len(ending(name))]


def _broadcast(entry: os.DirEntry[str], choice: Choice) -> Broadcast:
    """Tell which broadcast an entry of a folder is; a ValueError tells why it is left alone."""
    # As an entry a link that leads back to itself would raise.
    is_folder = os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()  # noqa: PTH112
    name = named_id(entry.name, is_folder=is_folder)
    if choice.excludes(name, entry.name):
        raise ValueError(_EXCLUDED)
    if not is_folder and (reason := no_recording(entry.name)):
        raise ValueError(reason)
    if entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110
        kind_of(entry.path)
    try:
        broadcast = Broadcast.parse(name)
    except ValueError:
        raise ValueError(f"a folder: {_NAMELESS}" if is_folder else _NAMELESS) from None
    if not choice.takes(broadcast):
        raise ValueError(_UNWANTED)
    # Of most the kind is known without asking the disk.
    if not (is_folder or (is_recording(entry.name) and entry.is_file())):
        kind_of(entry.path)
    return broadcast
