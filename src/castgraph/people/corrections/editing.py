"""Changing a file of corrections: one decision comes or goes, and everything else stays, byte for byte."""

from __future__ import annotations

import bisect
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from castgraph.base import files
from castgraph.base.locks import locked
from castgraph.people.corrections.anchors import Anchor
from castgraph.people.corrections.decisions import Decision
from castgraph.people.corrections.reading import Items, Mark, decisions, items, read_text

_MARK = "\ufeff"  # which some editors put before a text
_BREAK = re.compile("(?<=\n)|(?<=\r)(?!\n)|(?<=[\x85\u2028\u2029])")  # what YAML takes for the end of a line

_EMPTY = re.compile(r"\[\s*\]\s*")


class EditError(ValueError):
    """A change that cannot be made; the message says why, and what to do."""


@dataclass(frozen=True)
class _Text:
    """The text of a file of corrections, taken apart."""

    file: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """Its lines with their ends."""
        return [each for each in _BREAK.split(self.text) if each]

    @cached_property
    def found(self) -> Items:
        """The list in it."""
        return items(self.file, self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, and the text ends."""
        return [0, *itertools.accumulate(map(len, self.lines))]

    @property
    def eol(self) -> str:
        """What ends its lines."""
        first = self.lines[0] if self.lines else ""
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def is_blank(self, line: int) -> bool:
        """Tell whether there is a line with nothing in it."""
        return 0 <= line < len(self.lines) and not self.lines[line].strip()

    def first(self, item: int) -> int:
        """Find the line with the dash of an item."""
        line = self.found.items[item].begin.line
        while not self.lines[line][self.found.column :].startswith("-"):
            line -= 1
        return line

    def last(self, item: int) -> int:
        """Find the last line with anything of an item."""
        end = self.found.items[item].end
        line = end.line if end.column else end.line - 1
        while self.is_blank(line):
            line -= 1
        return line

    def offset(self, mark: Mark) -> int:
        """Find a place in the whole text."""
        return self.starts[mark.line] + mark.column


def change(path: str | os.PathLike[str], make: Callable[[str], str]) -> None:
    """Change a file of corrections, atomically; nobody else changes it meanwhile.

    Parameters
    ----------
    path
        The file; it is made when it is not there. Of a link what it leads to is changed.
    make
        Gets the text of the file and returns the new one. What it raises leaves the file as it was.

    Raises
    ------
    CorrectionsError
        When the file cannot be read as text.
    OSError
        When it cannot be written.
    """
    path = Path(path).resolve()
    was_there = path.exists()
    with locked(path):
        try:
            before = read_text(path)
            after = make(before)
        except BaseException:
            if not was_there:
                path.unlink()
            raise
        if after != before:
            has_mark = path.read_bytes().startswith(_MARK.encode())
            with files.atomic(path) as part:
                part.write_bytes(f"{_MARK if has_mark else ''}{after}".encode())
                shutil.copymode(path, part)


def with_decision(file: str, text: str, decision: Decision) -> str:
    r"""Write a decision into the text of a file: where it belongs, or last where the file is not sorted.

    Parameters
    ----------
    file
        The name of the file, for messages.
    text
        What it holds.
    decision
        What comes in.

    Returns
    -------
    str
        The new text.

    Raises
    ------
    CorrectionsError
        When the file has faults.
    EditError
        When there is no place for it.

    Examples
    --------
    >>> there = {"broadcast": "NTV_20220519_083000", "frame": 7, "at": (312, 140)}
    >>> from castgraph.people.corrections.decisions import NotAFace
    >>> print(with_decision("corrections.yaml", "# of May\n", NotAFace(not_a_face=there)), end="")
    # of May
    - not_a_face: {broadcast: NTV_20220519_083000, frame: 7, at: [312, 140]}
    """
    before = decisions(file, text)
    places = [each.anchors[0].place for each in before]
    is_sorted = all(one <= other for one, other in itertools.pairwise(places))
    place = bisect.bisect_right(places, decision.anchors[0].place) if is_sorted else len(places)
    parts = _Text(file, text)
    if parts.found.bracket and not before:  # an empty list in brackets becomes one of blocks
        at = parts.offset(parts.found.bracket) - 1
        empty = _EMPTY.match(text, at)
        if empty is None:
            raise EditError(f"{file} is written so that it can only be changed by hand")
        parts = _Text(file, text[:at] + text[empty.end() :])
    put = _put_between if parts.found.bracket is None else _put_in_brackets
    return _checked(file, put(parts, place, decision), [*before[:place], decision, *before[place:]])


def without_decision(file: str, text: str, number: int) -> tuple[str, str]:
    """Take a decision out of the text of a file.

    Parameters
    ----------
    file, text
        As for `with_decision`.
    number
        Its place among the decisions.

    Returns
    -------
    text : str
        The new text. Comments above the decision stay.
    taken : str
        What was taken out.
    """
    before = decisions(file, text)
    parts = _Text(file, text)
    after = [*before[:number], *before[number + 1 :]]
    taken = _block(parts, number).text
    if parts.found.bracket is None:
        return _checked(file, _cut_lines(parts, number), after), taken
    all_items, offset = parts.found.items, parts.offset
    begin, end = offset(all_items[number].begin), offset(all_items[number].end)
    if number + 1 < len(all_items):
        end = offset(all_items[number + 1].begin)
    elif number:
        begin = offset(all_items[number - 1].end)
    return _checked(file, text[:begin] + text[end:], after), taken


class Block(NamedTuple):
    """The text of a decision, without what is around it, and its lines, from 1."""

    text: str
    lines: range


def blocks(file: str, text: str) -> list[Block]:
    """Give the blocks of a file, decisions or not."""
    parts = _Text(file, text)
    return [_block(parts, number) for number in range(len(parts.found.items))]


def _block(parts: _Text, number: int) -> Block:
    if parts.found.bracket is None:
        first, last = parts.first(number), parts.last(number)
        text = "".join(each[parts.found.column :] for each in parts.lines[first : last + 1])
        return Block(text.rstrip(), range(first + 1, last + 2))
    item = parts.found.items[number]
    text = parts.text[parts.offset(item.begin) : parts.offset(item.end)]
    return Block(text, range(item.begin.line + 1, item.end.line + 2))


def _checked(file: str, text: str, wanted: Sequence[Decision]) -> str:
    """See that a new text says what it is to say."""
    try:
        found = decisions(file, text)
    except ValueError as error:
        raise EditError(f"{file} is written so that it can only be changed by hand ({error})") from error
    if [each.model_dump() for each in found] != [each.model_dump() for each in wanted]:
        raise EditError(f"{file} is written so that it can only be changed by hand")
    return text


def _put_between(parts: _Text, place: int, decision: Decision) -> str:
    lines, n_items, eol = list(parts.lines), len(parts.found.items), parts.eol
    new = [" " * max(parts.found.column, 0) + each + eol for each in written(decision)]
    if not n_items:
        at, is_apart = len(lines), False
    elif place:
        at = parts.last(place - 1) + 1
        near = at if place < n_items else parts.first(place - 1) - 1
        is_apart = n_items > 1 and parts.is_blank(near)
        new = [eol, *new] if is_apart else new
    else:
        at = top = parts.first(0)
        while top and lines[top - 1].lstrip().startswith("#"):
            top -= 1
        at = top if parts.is_blank(top - 1) else at  # else it heads the file
        is_apart = n_items > 1 and parts.is_blank(parts.last(0) + 1)
        new = [*new, eol] if is_apart else new
    if at and at == len(lines) and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += eol
    return "".join([*lines[:at], *new, *lines[at:]])


def _cut_lines(parts: _Text, number: int) -> str:
    first, last, lines = parts.first(number), parts.last(number), parts.lines
    if len(parts.found.items) > 1:  # else no blank line came with it
        if parts.is_blank(first - 1) and (last + 1 == len(lines) or parts.is_blank(last + 1)):
            first -= 1
        elif number == 0 and parts.is_blank(last + 1):
            last += 1
    return "".join([*lines[:first], *lines[last + 1 :]])


def _put_in_brackets(parts: _Text, place: int, decision: Decision) -> str:
    text, all_items, offset = parts.text, parts.found.items, parts.offset
    new = json.dumps(_plain(decision), ensure_ascii=False, default=str)
    between = ", "
    if len(all_items) > 1:
        gap = text[offset(all_items[-2].end) : offset(all_items[-1].begin)]
        between = between if "#" in gap else gap
    if place < len(all_items):
        at, new = offset(all_items[place].begin), new + between
    else:
        at, new = offset(all_items[-1].end), between + new
    return text[:at] + new + text[at:]


# ---- a decision in words of YAML -------------------------------------------------------------------------


def written(decision: Decision) -> list[str]:
    """Write a decision as lines of YAML."""
    lines: list[str] = []
    for key, value in _plain(decision).items():
        if isinstance(value, list):
            lines += [f"{key}:", *(f"- {_flow(each)}" for each in value)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return [f"{'  ' if number else '- '}{each}" for number, each in enumerate(lines)]


def _plain(decision: Decision) -> dict[str, Any]:
    """Give a decision as plain values: its kind first, and last what any may have."""
    keys = sorted(
        type(decision).model_fields, key=lambda key: (key in Decision.model_fields, key != decision.kind)
    )
    given = ((key, getattr(decision, key)) for key in keys)
    return {key: _value(value) for key, value in given if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, Anchor):
        found = {"broadcast": value.broadcast, "frame": value.frame, "at": _numbers(value.at)}
        return found | ({"box": _numbers(value.box)} if value.box else {})
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return value


def _numbers(values: Iterable[float]) -> list[float]:
    return [int(each) if each.is_integer() else each for each in values]


def _flow(value: Any) -> str:
    """Write a value on one line."""
    text = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=2**31, sort_keys=False)
    return text.strip()[1:-1]
