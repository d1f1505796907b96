"""The words for what has become of a broadcast, wherever they stand."""

from __future__ import annotations

from typing import Literal, NamedTuple

Word = Literal["missing", "unreachable", "damaged", "empty", "partial", "ok"]
"""What has become of a broadcast; `STATUSES` tells what each means."""


class Status(NamedTuple):
    """What a status word says.

    Attributes
    ----------
    meaning
        In a sentence without an end, for people.
    read
        Whether frames of the broadcast were read.
    ask_again
        Whether the archive may have something better, so that it is worth another try.
    """

    meaning: str
    read: bool
    ask_again: bool


STATUSES: dict[Word, Status] = {
    "missing": Status("the archive has no ZIP; there is no such recording", read=False, ask_again=True),
    "unreachable": Status(
        "the ZIP could not be had after all attempts, and the run went on without it",
        read=False,
        ask_again=True,
    ),
    "damaged": Status("the ZIP, or every frame, cannot be read", read=False, ask_again=True),
    "empty": Status("the ZIP can be opened, and no entry of it is a frame", read=False, ask_again=False),
    "partial": Status(
        "some frames were read and others not, or a limit cut the broadcast short",
        read=True,
        ask_again=True,
    ),
    "ok": Status("every frame that the ZIP lists was read", read=True, ask_again=False),
}
"""All of them, from the worst on."""

READ = tuple(word for word, status in STATUSES.items() if status.read)
NOT_READ = tuple(word for word in STATUSES if word not in READ)
NOT_OK = tuple(word for word in STATUSES if word != "ok")
ASK_AGAIN = tuple(word for word, status in STATUSES.items() if status.ask_again)
