"""Reading a file of corrections: YAML that may come from anywhere, and the line of everything in it."""

from __future__ import annotations

import codecs
import difflib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from castgraph.base.text import line, quoted
from castgraph.people.corrections.anchors import Anchor
from castgraph.people.corrections.decisions import KINDS, Decision

MOST_BYTES = 16 << 20
"""Of a file: about 80,000 decisions."""

MOST_EVENTS = 3_000_000
_DEEPEST = 8  # an anchor's point is at 5
_MOST_FAULTS = 20
_BEGINS = frozenset({yaml.SequenceStartEvent, yaml.MappingStartEvent})
_ENDS = frozenset({yaml.SequenceEndEvent, yaml.MappingEndEvent})
_NODES = _BEGINS | {yaml.ScalarEvent, yaml.AliasEvent}
_EMPTY = frozenset({"", "~", "null"})


class Fault(NamedTuple):
    """What is wrong with a file of corrections.

    Attributes
    ----------
    file
        Its path.
    line
        The number of the line, from 1; 0 for the file as a whole.
    key
        The key in the decision, such as ``same.0.frame``; empty where it is none.
    found, allowed
        What is there, and what may be.
    """

    file: str
    line: int
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        key = f"{self.key}: " if self.key else ""
        return f"{where}: {key}found {self.found}; allowed: {self.allowed}"


class CorrectionsError(ValueError):
    """A file of corrections that cannot be used; the message has a line for each thing that is wrong.

    Parameters
    ----------
    faults
        What is wrong.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Mark(NamedTuple):
    """A place in a text: number of the line and of the sign in it, from 0."""

    line: int
    column: int


class _Mapping(dict[str, Any]):
    """A mapping of YAML, with the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


class _List(list[Any]):
    """A list of YAML, with the line of each item."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


class Item(NamedTuple):
    """An item of the list that a file holds: its value, and where it begins and ends."""

    value: Any
    begin: Mark
    end: Mark


class Items(NamedTuple):
    """The list that a file holds.

    Attributes
    ----------
    items
        Its items.
    column
        Where the dashes before the items are; -1 for none, where they are in brackets or there is no list.
    bracket
        Behind the bracket that opens the list; None for a list without.
    """

    items: list[Item]
    column: int
    bracket: Mark | None


def read_corrections(path: str | os.PathLike[str]) -> list[Decision]:
    """Read a file of corrections.

    Parameters
    ----------
    path
        A YAML file: a list, each item a decision. An empty file has none.

    Returns
    -------
    list of Decision
        In the order of the file, each with its line.

    Raises
    ------
    CorrectionsError
        For what is not as it should be, each with its line and key, what was found and what is allowed.

    Examples
    --------
    >>> _ = Path("corrections.yaml").write_text('''
    ... - person: {broadcast: NTV_20220519_083000, frame: 7, at: [312, 140]}
    ...   name: Ann Example
    ...   source: caption in the frame
    ... ''')
    >>> [(each.kind, each.name, each.line) for each in read_corrections("corrections.yaml")]
    [('person', 'Ann Example', 2)]
    """
    return decisions(path, read_text(path))


def read_text(path: str | os.PathLike[str]) -> str:
    """Read the text of a file of corrections, with the line ends that it has."""
    file = str(path)
    try:
        if not Path(path).is_file() and Path(path).exists():
            raise CorrectionsError(Fault(file, 0, "", "what is no file", "a file of YAML"))
        with Path(path).open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        reason = f"a file that cannot be read ({error.strerror})"
        raise CorrectionsError(Fault(file, 0, "", reason, "a file of YAML")) from error
    if len(content) > MOST_BYTES:
        raise CorrectionsError(Fault(file, 0, "", "a larger file", f"at most {MOST_BYTES:,} bytes"))
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        n_lines = content[: error.start].count(b"\n") + 1
        raise CorrectionsError(Fault(file, n_lines, "", "what is not UTF-8", "text in UTF-8")) from error


def decisions(path: str | os.PathLike[str], text: str) -> list[Decision]:
    """Read the decisions in the text of a file; see `read_corrections`."""
    found: list[Decision] = []
    faults: list[Fault] = []
    for item in items(path, text).items:
        try:
            found.append(_decision(str(path), item))
        except CorrectionsError as error:
            faults += error.faults
            if len(faults) >= _MOST_FAULTS:
                break
    if faults:
        raise CorrectionsError(*faults[:_MOST_FAULTS])
    return found


def items(path: str | os.PathLike[str], text: str) -> Items:
    """Find the items of the list in the text of a file, decisions or not.

    The texts in it stay texts, as they are written, so that nobody is called ``False`` who is called No.

    Raises
    ------
    CorrectionsError
        When it is no YAML, holds something else than a list, or has what no correction needs and what may do
        harm: references, tags, more than one document.
    """
    file = str(path)
    try:
        return _items(file, _events(file, text))
    except yaml.MarkedYAMLError as error:
        n_line = error.problem_mark.line + 1 if error.problem_mark else 0
        fault = line(error.problem or "what cannot be read")
        raise CorrectionsError(Fault(file, n_line, "", f"what is no YAML ({fault})", "YAML")) from error
    except yaml.reader.ReaderError as error:
        n_line = text[: error.position].count("\n") + 1
        found = f"what is no text (the sign U+{error.character:04X})"
        raise CorrectionsError(Fault(file, n_line, "", found, "YAML")) from error


def _events(file: str, text: str) -> Iterator[Any]:
    """Go through what is in a text, without what no correction needs."""
    depth = n_documents = 0
    parsed: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
    for number, event in enumerate(parsed):
        kind, found, allowed = type(event), "", ""
        if kind in _NODES:
            if event.anchor or kind is yaml.AliasEvent:
                found, allowed = "a reference (& or *)", "every decision written out"
            elif event.tag:
                found, allowed = f"a tag ({quoted(event.tag)})", "text, numbers, lists and keys"
        if kind in _BEGINS:
            depth += 1
            if depth > _DEEPEST:
                found, allowed = "lists in lists", f"at most {_DEEPEST} in each other"
        elif kind in _ENDS:
            depth -= 1
        elif kind is yaml.DocumentStartEvent:
            n_documents += 1
            if n_documents > 1:
                found, allowed = "a second document", "one list"
        if number >= MOST_EVENTS:
            found, allowed = "more", f"about {MOST_EVENTS // 40:,} decisions"
        if found:
            raise CorrectionsError(Fault(file, event.start_mark.line + 1, "", found, allowed))
        yield event


def _items(file: str, events: Iterator[Any]) -> Items:
    root: Any = next(each for each in events if isinstance(each, yaml.NodeEvent | yaml.StreamEndEvent))
    if isinstance(root, yaml.StreamEndEvent):
        return Items([], -1, None)
    if isinstance(root, yaml.ScalarEvent) and _scalar(root) is None:
        _ = list(events)
        return Items([], -1, None)
    if not isinstance(root, yaml.SequenceStartEvent):
        kind = "keys" if isinstance(root, yaml.MappingStartEvent) else quoted(root.value)
        allowed = "a list, each decision with a dash before it"
        raise CorrectionsError(Fault(file, root.start_mark.line + 1, "", kind, allowed))
    found: list[Item] = []
    while type(event := next(events)) is not yaml.SequenceEndEvent:
        value, end = _value(file, event, events)
        found.append(Item(value, _mark(event.start_mark), _mark(end)))
    _ = list(events)  # to the end of the file
    if root.flow_style:
        return Items(found, -1, _mark(root.end_mark))
    return Items(found, _mark(root.start_mark).column, None)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line, mark.column)


def _value(file: str, event: Any, events: Iterator[Any]) -> tuple[Any, Any]:
    """Make the value that begins with an event; also where its last part ends."""
    if type(event) is yaml.ScalarEvent:
        return _scalar(event), event.end_mark
    end = event.end_mark
    if type(event) is yaml.SequenceStartEvent:
        values = _List()
        while type(item := next(events)) is not yaml.SequenceEndEvent:
            values.lines.append(item.start_mark.line + 1)
            value, end = _value(file, item, events)
            values.append(value)
        return values, item.end_mark if event.flow_style else end
    mapping = _Mapping()
    while type(key := next(events)) is not yaml.MappingEndEvent:
        n_line = key.start_mark.line + 1
        if type(key) is not yaml.ScalarEvent:
            raise CorrectionsError(Fault(file, n_line, "", "a key that is a list or has keys", "text"))
        if key.value in mapping:
            raise CorrectionsError(Fault(file, n_line, quoted(key.value)[1:-1], "the key twice", "once"))
        mapping.lines[key.value] = n_line
        mapping[key.value], end = _value(file, next(events), events)
    return mapping, key.end_mark if event.flow_style else end


def _scalar(event: Any) -> str | None:
    is_plain = event.implicit[0]
    return None if is_plain and event.value in _EMPTY else event.value


def _decision(file: str, item: Item) -> Decision:
    n_line, block = item.begin.line + 1, item.value
    kinds = ", ".join(KINDS)
    if not isinstance(block, _Mapping):
        raise CorrectionsError(Fault(file, n_line, "", _found(block), f"a decision with one of {kinds}"))
    given = [key for key in block if key in KINDS]
    if len(given) != 1:
        found = f"{' and '.join(given)} in one decision" if given else f"the keys {_found(list(block))}"
        near = difflib.get_close_matches(next(iter(block), ""), KINDS, n=1) if not given else []
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise CorrectionsError(Fault(file, n_line, "", f"{found}{hint}", f"one of {kinds}"))
    kind = KINDS[given[0]]
    try:
        return kind.model_validate(block, context=(file, n_line))
    except ValidationError as error:
        faults = [_fault(file, n_line, kind, block, each["loc"], each["type"]) for each in error.errors()]
        # A list counts as short where its items are wrong.
        lists = {each.key.partition(".")[0] for each in faults if "." in each.key}
        raise CorrectionsError(*dict.fromkeys(each for each in faults if each.key not in lists)) from None


def _fault(
    file: str, n_line: int, kind: type[Decision], block: Any, where: Sequence[str | int], fault: str
) -> Fault:
    """Tell of one fault by its place in a decision."""
    model: Any = kind
    allowed, keys, value = "", list[str](), block
    for part in where:
        is_key = isinstance(value, _Mapping)
        if not (is_key or (isinstance(value, _List) and int(part) < len(value))):
            break
        if is_key and part not in model.model_fields:
            allowed = ", ".join(model.model_fields)
        elif is_key:
            field = model.model_fields[part]
            allowed = field.description
            if part == kind.kind:
                model = Anchor
        if part not in value and is_key:  # missing
            return Fault(file, n_line, ".".join([*keys, str(part)]), "nothing", allowed)
        n_line = value.lines[part]
        value = value[part]
        keys.append(quoted(part)[1:-1] if isinstance(part, str) else str(part))
    if fault == "extra_forbidden":
        return Fault(file, n_line, ".".join(keys), "a key that is not known", allowed)
    return Fault(file, n_line, ".".join(keys), _found(value), allowed)


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, _Mapping):
        value = dict(value)
    elif isinstance(value, _List):
        value = list(value)
    return quoted(value)
