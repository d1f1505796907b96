"""What a person has decided about the faces of a run: the blocks of a file of corrections."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
)

from castgraph.base.text import counted, quoted, visible
from castgraph.people.corrections.anchors import Anchor

MOST_SIGNS = 200
"""Of a name, and of who or what is named with it."""

_MOST_OF_NOTE = 2000


def _text(value: str) -> str:
    """Take a text in one line; nothing invisible is in it."""
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    if not text or len(text) > MOST_SIGNS or len(value.splitlines()) > 1 or visible(text) != text:
        raise ValueError("no such text")
    return text


def _note(value: str) -> str:
    if any(visible(line) != line.replace("\t", "\\t") for line in value.splitlines()):
        raise ValueError("no such text")
    return value


def _day(value: object) -> object:
    if isinstance(value, str):
        if len(value) != len("2024-01-02"):
            raise ValueError("no day")
        return date.fromisoformat(value)
    return value


_ONE_LINE = f"text in one line, of 1 to {MOST_SIGNS} characters"

Text = Annotated[str, AfterValidator(_text)]


class Decision(BaseModel):
    """A decision, whatever its kind; the kind's own key has the anchors.

    Attributes
    ----------
    by, on, note
        Who decided it and when, and anything else; None where it does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    fewest: ClassVar[int] = 1
    """Faces without which there is nothing to decide."""

    by: Text | None = Field(None, description=_ONE_LINE)
    on: Annotated[date | None, BeforeValidator(_day)] = Field(None, description="a day, such as 2024-01-02")
    note: Annotated[str, Field(max_length=_MOST_OF_NOTE), AfterValidator(_note)] | None = Field(
        None, description=f"text of at most {_MOST_OF_NOTE} characters"
    )

    _file: str = PrivateAttr("")
    _line: int = PrivateAttr(0)

    def model_post_init(self, context: Any) -> None:
        """Take over where it is written."""
        if context:
            self._file, self._line = context

    @property
    def file(self) -> str:
        """The name of the file that has it; empty for none."""
        return self._file

    @property
    def line(self) -> int:
        """The number of its first line in the file, from 1; 0 without a file."""
        return self._line

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """The faces that it is about."""
        found: Anchor | tuple[Anchor, ...] = getattr(self, self.kind)
        return found if isinstance(found, tuple) else (found,)


_FACE = "a face, as {broadcast: ID, frame: NUMBER, at: [x, y]}"


def _faces(fewest: int, most: int | None, words: str) -> Any:
    told = f"a list of {words}, each {_FACE.removeprefix('a face, ')}"
    return Field(min_length=fewest, max_length=most, description=told)


def _face() -> Any:
    return Field(description=_FACE)


class NotAFace(Decision):
    """It is no face."""

    kind = "not_a_face"
    not_a_face: Anchor = _face()


class Split(Decision):
    """These faces leave their people, and form one together."""

    kind = "split"
    split: tuple[Anchor, ...] = _faces(1, None, "one face or more")


class Same(Decision):
    """The people of these faces are one."""

    kind = "same"
    fewest = 2
    same: tuple[Anchor, ...] = _faces(2, None, "two faces or more")


class Different(Decision):
    """These are the faces of two people."""

    kind = "different"
    fewest = 2
    different: tuple[Anchor, ...] = _faces(2, 2, "two faces")


class Person(Decision):
    """The person of this face has a name; `source` says where that is known from."""

    kind = "person"
    person: Anchor = _face()
    name: Text = Field(description=_ONE_LINE)
    source: Text = Field(description=f"where the name is known from: {_ONE_LINE}")


class Ignore(Decision):
    """The person of this face is left out everywhere."""

    kind = "ignore"
    ignore: Anchor = _face()
    reason: Text = Field(description=f"why the person is left out: {_ONE_LINE}")


class Portrait(Decision):
    """Of its person, the face is the portrait."""

    kind = "portrait"
    portrait: Anchor = _face()


KINDS: dict[str, type[Decision]] = {
    each.kind: each for each in (NotAFace, Split, Same, Different, Person, Ignore, Portrait)
}
"""The kinds of decisions by their keys, in the order in which they are applied."""

Kind = TypeVar("Kind", bound=Decision)


def decide(kind: type[Kind], anchors: Sequence[Anchor], **own: object) -> Kind:
    """Make a decision about faces.

    Parameters
    ----------
    kind
        One of `KINDS`.
    anchors
        The faces.
    own
        Its other keys; those that are empty are left out.

    Raises
    ------
    ValueError
        For what cannot be in it; the message has the key, what was found and what is allowed.

    Examples
    --------
    >>> there = Anchor(broadcast="NTV_20220519_083000", frame=7, at=(312, 140))
    >>> decide(Person, [there], name="", source="caption")
    Traceback (most recent call last):
        ...
    ValueError: name: found nothing; allowed: text in one line, of 1 to 200 characters
    """
    given = {key: value for key, value in own.items() if value not in ("", None)}
    if len(set(anchors)) < len(anchors):
        raise ValueError(
            f"{kind.kind}: found one face twice; allowed: {kind.model_fields[kind.kind].description}"
        )
    is_one = kind.model_fields[kind.kind].annotation is Anchor
    faces = anchors[0] if is_one and len(anchors) == 1 else tuple(anchors)
    try:
        return kind.model_validate({kind.kind: faces, **given})
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        if key == kind.kind:
            found = counted(len(anchors), "face")
        else:
            found = quoted(given[key]) if key in given else "nothing"
        raise ValueError(f"{key}: found {found}; allowed: {kind.model_fields[key].description}") from None
