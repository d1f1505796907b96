"""Which frame each picture of a folder is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from castgraph.base.text import quoted

Numbers = Literal["auto", "names", "order"]
"""Where the numbers of frames come from; see `numbered`."""

_END = re.compile(r"(?<![0-9])0*([0-9]{1,9})\Z")  # a frame's number has at most 9 digits
_DAY = r"(?:(?:19|20)[0-9]{2}([-_.]?)[01][0-9]\1[0-3][0-9]|[0-3][0-9]([-_.])[01][0-9]\2(?:19|20)[0-9]{2})"
_TIME_OF_DAY = re.compile(
    rf"(?:{_DAY}[^0-9]{{1,6}}[0-2][0-9][-_.:h]?[0-5][0-9][-_.:m]?"
    r"|(?<![0-9])[0-2][0-9][-_.:h][0-5][0-9][-_.:m])[0-5][0-9]\Z"
)
_COUNTER = re.compile(r"_?(?:CIMG|DJI|DSC[FN]?|GOPR|HPIM|IMG|MG|P[0-9]{3}|PICT|SAM)_?[0-9]{4}")  # of a camera
_LATEST_FIRST = 21_600  # with a frame every 4 seconds, after a day


class Numbered(NamedTuple):
    """Pictures as frames.

    Attributes
    ----------
    frames
        Number and name, sorted by number.
    reasons
        The names that have no number, and why.
    way
        Where the numbers come from, in words.
    is_odd
        Whether most names end with numbers that are not the frames'.
    """

    frames: list[tuple[int, str]]
    reasons: dict[str, str]
    way: str
    is_odd: bool = False


def numbered(names: Sequence[str], numbers: Numbers = "auto") -> Numbered:
    """Give the pictures of a folder their numbers.

    Parameters
    ----------
    names
        Their names, none twice.
    numbers
        ``names``: the numbers that the names end with; a picture whose name has none, or that of another, has
        no place. ``order``: 1, 2, 3, … in the natural order of the names. ``auto``: the numbers in the names
        where they can be those of frames: all names end with different ones, at least half of those from the
        first to the last are there, they do not go up by a step larger than 1, the first is none after a
        day, and they are neither times of day nor the counter of a camera (``IMG_4711``); else the order.
        Numbers from 0 on are raised by 1.

    Examples
    --------
    >>> numbered(["f_0500.jpg", "f_0501.jpg", "f_0503.jpg"]).frames
    [(500, 'f_0500.jpg'), (501, 'f_0501.jpg'), (503, 'f_0503.jpg')]
    >>> numbered(["f_100.jpg", "f_200.jpg", "f_300.jpg"]).frames
    [(1, 'f_100.jpg'), (2, 'f_200.jpg'), (3, 'f_300.jpg')]
    """
    ends = {name: int(match[1]) for name in names if (match := _END.search(Path(name).stem))}
    why_not = {"names": "", "order": "as asked", "auto": _no_frames(names, ends)}[numbers]
    if why_not:
        frames = list(enumerate(sorted(names, key=_natural), start=1))
        is_odd = numbers == "auto" and len(ends) > len(names) / 2 and len(names) > 1
        return Numbered(frames, {}, f"numbered in the order of the names: {why_not}", is_odd)
    first_of = {number: name for name, number in sorted(ends.items(), reverse=True)}
    reasons = {name: "its name ends with no number" for name in names if name not in ends} | {
        name: f"{quoted(first_of[number])} has the number {number}, too"
        for name, number in ends.items()
        if first_of[number] != name
    }
    raised = 1 if 0 in first_of else 0
    frames = sorted((number + raised, name) for number, name in first_of.items())
    return Numbered(frames, reasons, "numbered by their names" + ", from 0 on" * raised)


def _no_frames(names: Sequence[str], ends: Mapping[str, int]) -> str:
    """Tell why the numbers at the end of names are no frame numbers; empty when they are."""
    found = sorted(ends.values())
    if len(names) < 2:
        return "there is one picture" if names else "there is none"
    if len(found) < len(names):
        return "not all end with a number"
    first, last = found[0], found[-1]
    step = math.gcd(*(number - first for number in found))
    stems = [Path(name).stem for name in names]
    reasons = {
        "several end with the same number": len(set(found)) < len(found),
        "they end with times of day": all(map(_TIME_OF_DAY.search, stems)),
        "they have the counter of a camera": all(map(_COUNTER.fullmatch, stems)),
        f"the numbers go up in steps of {step}": step > 1 and len(found) > 2,
        f"only {len(found)} of the numbers from {first} to {last} are there": 2 * len(found) <= last - first,
        f"the first number is {first}": first > _LATEST_FIRST,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Make the key that sorts 2 before 10; of equal ones the names themselves decide."""
    parts = re.split("([0-9]+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name
