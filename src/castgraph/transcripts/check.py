"""Holding the times of a transcript against the frames of its broadcast.

What frames can tell without the sound: whether there is anything on air at the times that a transcript names.
A shift of some seconds, as of live captions, cannot be told so, and a transcript of another broadcast of the
same length cannot either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from castgraph.base.text import counted
from castgraph.base.times import duration
from castgraph.transcripts.cues import Utterance
from castgraph.transcripts.statuses import Word

_SLACK_SECONDS = 60.0
_SLACK_SHARE = 0.02  # of the broadcast: films that are played a little faster differ by more
_LATE_SECONDS = 600.0
_SHORT = 0.5
_HOUR = 3600.0


class Checked(NamedTuple):
    """What the frames say of a transcript."""

    status: Word
    reason: str


def check(utterances: Sequence[Utterance], frames_seconds: float | None) -> Checked:
    """Compare the times of a transcript with those of the frames.

    Parameters
    ----------
    utterances
        By start; one at least.
    frames_seconds
        When the last frame that was read ends, in seconds since the broadcast began; None where none was.

    Examples
    --------
    >>> said = [Utterance(3600, 3603, "Good evening"), Utterance(3690, 3695, "Good night")]
    >>> check(said, 100).status, check(said, 3700).status, check(said, 7200).status
    ('shifted', 'short', 'short')
    """
    if frames_seconds is None:
        return Checked("unchecked", "no frame of the broadcast was read")
    first, last = utterances[0].start, max(each.end for each in utterances)
    slack = max(_SLACK_SECONDS, _SLACK_SHARE * frames_seconds)
    covers = last - first
    if last > frames_seconds + slack:
        behind = sum(each.start >= frames_seconds for each in utterances)
        ends = f"ends {duration(last - frames_seconds)} after its last frame"
        if covers <= frames_seconds + slack and first > slack:
            hours = int((first + slack) // _HOUR)
            fits = hours and last - hours * _HOUR <= frames_seconds + slack
            return Checked(
                "shifted",
                f"it begins {duration(first)} after the broadcast and {ends}, and covers {duration(covers)}"
                + (f"; its clock seems to begin at {hours} h" if fits else ""),
            )
        said = counted(behind, "utterance")
        return Checked("longer", f"it {ends}; {said} of {len(utterances):,} lie behind it")
    if first > max(_LATE_SECONDS, _SHORT * frames_seconds) or covers < _SHORT * frames_seconds - slack:
        return Checked(
            "short",
            f"it covers {duration(covers)} of {duration(frames_seconds)}, from {duration(first)} on",
        )
    return Checked("ok", "")
