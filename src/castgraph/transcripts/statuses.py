"""The words for what has become of a transcript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Word = Literal[
    "missing", "unreachable", "damaged", "empty", "unchecked", "shifted", "longer", "short", "partial", "ok"
]

STATUSES: Mapping[Word, str] = {
    "missing": "there is no transcript",
    "unreachable": "it could not be had after all attempts, and the run went on without it",
    "damaged": "it cannot be read",
    "empty": "it can be read, and no cue of it has a text and a time",
    "unchecked": "no frame of the broadcast was read, so its times are compared with nothing",
    "shifted": "its times do not lie within the broadcast, and moved they would: they are wrong",
    "longer": "it goes on after the last frame that was read",
    "short": "it covers less than half of what was read",
    "partial": "some of its cues could not be used",
    "ok": "its times lie within the broadcast",
}
"""Word → what it means, from the worst on."""

NOT_READ: frozenset[Word] = frozenset({"missing", "unreachable", "damaged"})
"""The archive may have something better."""

NOT_ALIGNED: frozenset[Word] = frozenset({"shifted"})
"""The times are known to be wrong: nothing is said of who was on the screen meanwhile."""
