"""What was found and not taken, each with its reason: nothing is left out before it is counted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from castgraph.base import csvs
from castgraph.base.text import counted, visible


class LeftAlone(NamedTuple):
    """Something that was found and not taken.

    Attributes
    ----------
    path
        What it is: a path, an address, or a column of a table.
    reason
        Why it was not taken. It is the same text for all that were not taken for one reason.
    """

    path: str
    reason: str


def grouped(left: Iterable[LeftAlone], most: int = 10) -> list[str]:
    """Tell what was left alone in a line a reason, what is rare first.

    Parameters
    ----------
    left
        What to tell.
    most
        Most lines; one more says how many entries are not told.

    Examples
    --------
    >>> grouped([LeftAlone("a.srt", "subtitles"), LeftAlone("b.srt", "subtitles"), LeftAlone("c", "no ID")])
    ['c: no ID', '2 entries: subtitles; the first: a.srt']
    """
    paths: dict[str, list[str]] = {}
    for each in left:
        paths.setdefault(each.reason, []).append(visible(each.path))
    groups = sorted(paths.items(), key=lambda group: len(group[1]))
    lines = [
        f"{names[0]}: {reason}"
        if len(names) == 1
        else f"{counted(len(names), 'entry', 'entries')}: {reason}; the first: {names[0]}"
        for reason, names in groups[:most]
    ]
    untold = sum(len(names) for _, names in groups[most:])
    return [*lines, f"and {counted(untold, 'entry', 'entries')} more"] if untold else lines


def write_left_alone(path: Path, left: Iterable[LeftAlone]) -> None:
    """Write what was left alone to a CSV file, a column for each attribute of `LeftAlone`."""
    csvs.write(path, LeftAlone._fields, ((visible(each.path), each.reason) for each in left))


def read_left_alone(path: Path) -> list[LeftAlone]:
    """Read what `write_left_alone` wrote; nothing where there is no such file.

    Raises
    ------
    ValueError
        When the file is something else.
    """
    if not path.exists():
        return []
    return [LeftAlone(row["path"], row["reason"]) for row in csvs.read(path, LeftAlone._fields)]
