"""Transcripts in SubRip (.srt) and WebVTT (.vtt): their cues, believing nothing in them."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from webvtt import WebVTT
from webvtt.errors import MalformedFileError

from castgraph.base.text import line, shortened
from castgraph.transcripts.languages import language_code

LONGEST_SECONDS = 600.0
"""A cue that lasts longer is cut to this; a sentence takes some seconds."""

_LATEST_SECONDS = 2 * 86_400.0  # no broadcast is so long
_MOST_TEXT = 5000  # characters of a cue
_TOUCHING = 1.0  # seconds between two cues of which the one carries on the lines of the other
_ROLLING = 0.5  # of the cues that touch the one before carry on its lines, in captions that roll

_TIME = r"[0-9]+(?:[:：][0-9]{1,2}){2}[:：][0-9]{3}|[0-9]+(?:[:：][0-9]{1,2}){1,2}(?:[.,，．][0-9]{1,9})?"
_ARROW = r"\s*(?:-{1,2}\s?>|[—–]>|→)\s*"
_TIMES = re.compile(rf"\s*({_TIME}){_ARROW}({_TIME})(?![0-9])")
_LIKE_TIMES = re.compile(r"[0-9][:：][0-9].*(?:-\s?>|→|[—–]>)|(?:-->).*[0-9][:：][0-9]")
_LONGEST_TIMES = 300  # characters of a line of times, with what is said of its place
_OVERRIDE = re.compile(r"\{\\[^{}]{0,200}\}")  # of Advanced SubStation, as many .srt have it
_LANGUAGE = re.compile(r"\s*language\s*:\s*([a-z]{2,3})(?:[-_]\S*)?\s*", re.IGNORECASE)


class Cue(NamedTuple):
    """What a transcript shows at a time; seconds since its beginning."""

    start: float
    end: float
    lines: tuple[str, ...]


class Utterance(NamedTuple):
    """What was said between two moments, in seconds since the beginning, in one line."""

    start: float
    end: float
    text: str


class Read(NamedTuple):
    """What is in a transcript.

    Attributes
    ----------
    cues
        By start. None is without text.
    n_broken
        Cues that cannot be used, as their times are none, or only in part.
    language
        Two or three letters, where the file tells it.
    """

    cues: list[Cue]
    n_broken: int
    language: str


def read_cues(text: str) -> Read:
    """Take a transcript apart.

    Parameters
    ----------
    text
        What its file holds: WebVTT where it begins so, else SubRip, also with blank lines within cues,
        without numbers, hours or blank lines between cues, or with other arrows than ``-->``.

    Notes
    -----
    Formatting and what is invisible are left out. A cue that ends before it begins, or begins after two days,
    is broken; one that lasts longer than `LONGEST_SECONDS` is cut, as is one with a text of more than 5,000
    characters, and counted among the broken, too.
    """
    text = text.removeprefix("\ufeff")
    is_webvtt = text.startswith("WEBVTT")
    lines = re.split(r"\r\n|\r|\n", text)
    prepared, n_unread = _of_webvtt(lines) if is_webvtt else _of_subrip(lines)
    try:
        parsed = WebVTT.from_string("\n".join(prepared))
    except MalformedFileError:  # WEBVTTX
        return Read([], 0, "")
    cues: list[Cue] = []
    n_broken = n_unread - len(parsed.captions)
    for caption in parsed.captions:
        shown = tuple(filter(None, map(_shown, caption.text.split("\n"))))
        start, end = (each.in_milliseconds() / 1000 for each in (caption.start_time, caption.end_time))
        if not start <= end or start > _LATEST_SECONDS:
            n_broken += 1
        elif shown:
            whole = sum(map(len, shown)) <= _MOST_TEXT
            n_broken += not (whole and end - start <= LONGEST_SECONDS)
            cut = shown if whole else (shortened(" ".join(shown), _MOST_TEXT),)
            cues.append(Cue(start, min(end, start + LONGEST_SECONDS), cut))
    cues.sort(key=lambda cue: cue[:2])
    languages = filter(None, (_LANGUAGE.fullmatch(each) for each in parsed.metadata))
    return Read(cues, n_broken, next((language_code(found[1]) for found in languages), ""))


def _of_webvtt(lines: Sequence[str]) -> tuple[list[str], int]:
    """Give WebVTT as it is, and the number of lines that should be those of times."""
    return list(lines), sum("-->" in each for each in lines)


def _of_subrip(lines: Sequence[str]) -> tuple[list[str], int]:
    """Write SubRip as WebVTT; also give the number of lines that should be those of times.

    A number before the times belongs to them, and a blank line within a text parts nothing.
    """
    made = ["WEBVTT"]
    n_times = 0
    for before, each in zip(["", *lines], lines, strict=False):
        short = each[:_LONGEST_TIMES]
        if (times := _TIMES.match(short)) or _LIKE_TIMES.search(short):
            n_times += 1
            if before.strip().isdecimal():
                made.pop()
            made += ["", " --> ".join(map(_time, times.groups())) if times else "-->"]
        elif each.strip():
            made.append(each.replace("-->", "→"))
    return made, n_times


def _time(text: str) -> str:
    """Write a time of SubRip as one of WebVTT."""
    whole = re.split("[:：.,，．]", text)
    has_fraction = len(whole) == 4 or any(sign in text for sign in ".,，．")
    fraction = whole.pop() if has_fraction else ""
    return f"{':'.join(each.zfill(2) for each in whole)}.{fraction[:3].ljust(3, '0')}"


def _shown(text: str) -> str:
    return line(html.unescape(_OVERRIDE.sub("", text)))


def utterances(cues: Sequence[Cue]) -> tuple[list[Utterance], int]:
    r"""Make what was said of what is shown: lines that a cue carries on from the one before are said once.

    Parameters
    ----------
    cues
        By start.

    Returns
    -------
    list of Utterance
    n_joined : int
        Cues that only repeat what the one before shows.

    Notes
    -----
    Live captions roll: a cue shows the last lines of the one before again, above a new one, or its text again
    with more behind. Where half of the cues do so, every such repetition is taken for one. In other
    transcripts only what cannot be speech is: cues that are on the screen at the same time, and lines that
    stand above a new one. Somebody who says "No." twice has said it twice.

    Examples
    --------
    >>> rolling = [Cue(0, 2, ("one",)), Cue(2, 4, ("one", "two")), Cue(4, 6, ("two", "three"))]
    >>> [each.text for each in utterances(rolling)[0]]
    ['one', 'two', 'three']
    """
    carried = [None, *(_carried(*pair) for pair in itertools.pairwise(cues))]
    n_touching = sum(_touch(*pair) for pair in itertools.pairwise(cues))
    rolls = sum(each is not None for each in carried) >= _ROLLING * max(1, n_touching)
    found: list[Utterance] = []
    n_joined = 0
    for before, cue, carry in zip([None, *cues], cues, carried, strict=False):
        if before is None or carry is None or not (rolls or carry.above or cue.start < before.end):
            found.append(Utterance(cue.start, cue.end, " ".join(cue.lines)))
        elif carry.new and not carry.grows:
            found.append(Utterance(cue.start, cue.end, carry.new))
        else:
            n_joined += 1
            last = found[-1]
            text = " ".join(filter(None, [last.text, carry.new]))
            found[-1] = Utterance(last.start, max(last.end, cue.end), text)
    return found, n_joined


class _Carry(NamedTuple):
    """What a cue carries on from the one before.

    Attributes
    ----------
    new
        What it shows beside that.
    grows
        Whether this goes on in the last line that it carries on.
    above
        Whether one of the two has more lines than these.
    """

    new: str
    grows: bool
    above: bool


def _touch(before: Cue, cue: Cue) -> bool:
    return cue.start <= before.end + _TOUCHING


def _carried(before: Cue, cue: Cue) -> _Carry | None:
    """Tell what a cue carries on: the last lines of the one before are its first; None for nothing."""
    if not _touch(before, cue):
        return None
    for n in range(min(len(before.lines), len(cue.lines)), 0, -1):
        *whole, last = before.lines[-n:]
        if tuple(whole) != cue.lines[: n - 1] or not f"{cue.lines[n - 1]} ".startswith(f"{last} "):
            continue
        more = cue.lines[n - 1][len(last) :].strip()
        new = " ".join(filter(None, [more, *cue.lines[n:]]))
        above = not more and n < max(len(before.lines), len(cue.lines))
        return _Carry(new, bool(more), above)
    return None
