"""What is asked of each piece of a sample, and what may be answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

UNSURE = "?"
"""The answer of who cannot tell."""

MOST_MISSED = 99

_MOST_PEOPLE = 9  # of a piece


class Kind(NamedTuple):
    """A kind of question.

    Attributes
    ----------
    title
        What the pieces are.
    default
        How many are drawn.
    how
        How to judge them.
    """

    title: str
    default: int
    how: str


KINDS: Mapping[str, Kind] = {
    "frame": Kind(
        "Frames",
        40,
        "Whole frames with the boxes of the faces that count. A face is visible when somebody who knows the "
        "person could recognise it on this picture: at least one eye, the nose and the mouth can be made "
        "out. Photographs, screens and posters count; drawings, masks and backs of heads do not. A face has "
        "been found when a box lies on it.",
    ),
    "face": Kind(
        "Faces of people",
        60,
        "A face that was drawn, and after it others that were put to the same person. Tell how many of the "
        "others show somebody else than the first one.",
    ),
    "person": Kind(
        "People",
        40,
        "The same, for people: each had the same chance to be drawn, be they seen once or in every "
        "broadcast.",
    ),
    "pair": Kind(
        "People side by side",
        60,
        "Two people of the run, with up to three faces of each. Tell whether they are in truth one person. "
        "Where one of the faces does not fit the others, judge by the others.",
    ),
    "noise": Kind(
        "Faces of nobody",
        40,
        "A face that was put to nobody, in its frame, and the people of the run that are most like it. Tell "
        "which of them it is, if any.",
    ),
    "edge": Kind(
        "Pairs of the network",
        40,
        "A frame that makes a pair (or two, one after the other, where no frame shows both), drawn among "
        "all that make it, and other faces of the two. Tell whether both are there: the boxes A and B show "
        "them, as the faces below do. They are together when they share a place or talk to each other, also "
        "on a split screen; they are apart when one is only in a clip, on a screen or on a poster, or the "
        "scene has changed between the frames.",
    ),
}
"""Kind → what is asked; in the order of the sheet."""


class Question(NamedTuple):
    """A question, a row of the table to fill in.

    Attributes
    ----------
    id
        Its name within the sample.
    text
        What is asked.
    allowed
        What may be answered → what that means. Numbers up to the largest stand as the first and the last.
    most
        The largest number that may be answered; None where answers are words.
    """

    id: str
    text: str
    allowed: Mapping[str, str]
    most: int | None = None

    def read(self, answer: str) -> str:
        """Give an answer as it is counted; empty when there is none.

        Raises
        ------
        ValueError
            When it is none of those that are allowed; the message tells these.
        """
        word = answer.strip().casefold()
        if word in ("", UNSURE) or word in self.allowed:
            return word
        if self.most is not None:
            number = word.replace(",", ".")
            try:
                value = float(number) if len(number) <= 8 else -1.0  # 2.0 is how some programs write 2
            except ValueError:
                value = -1.0
            if value.is_integer() and 0 <= value <= self.most:
                return str(int(value))
        else:
            begun = [each for each in self.allowed if each.startswith(word)]
            if len(begun) == 1:  # y, n
                return begun[0]
        raise ValueError(f"found {answer[:40]!r}; allowed: {self.told()}, or nothing where it was not judged")

    def told(self) -> str:
        """Tell what may be answered, in one line."""
        words = [word for word in self.allowed if not word.isdigit()]
        numbers = [] if self.most is None else ["0" if self.most == 0 else f"0 to {self.most}"]
        return ", ".join([*numbers, *words, UNSURE])


_LEAST: Mapping[str, Mapping[str, float]] = {
    "frame": {"boxes": 0},
    "face": {"others": 1, "n_faces": 2},
    "person": {"others": 1, "n_faces": 2},
    "pair": {"near": 0, "weight": 0},
    "noise": {},
    "edge": {},
}
"""Kind → what the estimates need to know of a piece, and the least that it may be."""


def check(item: Mapping[str, Any]) -> None:
    """Check a piece of a sample that comes from a file.

    Raises
    ------
    ValueError, KeyError, TypeError
        When it cannot be one.
    """
    for name, least in _LEAST[item["kind"]].items():
        if not least <= item[name] < 2**53 or isinstance(item[name], bool):
            raise ValueError(f"{item['id']}: {name} is {item[name]!r}")
    people = item.get("people", [])
    if not all(isinstance(person, int) for person in people) or len(people) > _MOST_PEOPLE:
        raise ValueError(f"{item['id']}: people are {people!r}")
    if not isinstance(item["id"], str):
        raise TypeError("id")
    questions(item)


def questions(item: Mapping[str, Any]) -> list[Question]:
    """Give the questions about a piece of the sample, as it is written down in ``sample.json``."""
    name, kind = item["id"], item["kind"]
    if kind == "frame":
        boxes = item["boxes"]
        asked = [_count(f"{name}-missed", "How many visible faces have no box?", MOST_MISSED)]
        if boxes:
            asked.append(_count(f"{name}-false", "How many of the boxes show no face?", boxes))
        return asked
    if kind in ("face", "person"):
        others = item["others"]
        what = "other is" if others == 1 else f"{others} others are"
        return [_count(name, f"How many of the {what} somebody else than the first?", others)]
    if kind == "pair":
        return [Question(name, "Are A and B one person?", {"yes": "one person", "no": "two people"})]
    if kind == "noise":
        many = len(item["people"])
        allowed = {"0": "none of them"}
        allowed |= {str(n): "" for n in range(1, many + 1)}
        return [Question(name, "Which of the people is it?", allowed | {"x": "not a face"}, many)]
    if kind == "edge":
        allowed = {
            "yes": "both are there, together",
            "apart": "both are there, one only in a clip, on a screen, on a poster",
            "no": "one of the two is somebody else, or nobody",
        }
        return [Question(name, "Are both there, together?", allowed)]
    raise ValueError(f"{kind!r} is no kind of question; they are {', '.join(KINDS)}")


def _count(name: str, text: str, most: int) -> Question:
    allowed = {str(n): "" for n in range(most + 1)} if most < MOST_MISSED else {}
    return Question(name, text, allowed, most)
