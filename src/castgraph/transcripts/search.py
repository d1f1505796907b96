"""Where a phrase is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from castgraph.transcripts.text import folded, searched

_PAUSE = 5_000_000
"""Microseconds between two utterances of which the second may go on with the first."""


class Said(NamedTuple):
    """An utterance: its broadcast, its number there, its start and end in microseconds, and its text."""

    broadcast: str
    utterance: int
    start: int
    end: int
    text: str


class Hit(NamedTuple):
    """Where a phrase is said: in which broadcast, and from which utterance to which."""

    broadcast: str
    first: int
    last: int


def finder(phrase: str) -> Callable[[Iterable[Said]], Iterator[Hit]]:
    """Make what finds a phrase: whole words, one behind the other, also from one utterance to the next.

    Parameters
    ----------
    phrase
        One or more words. Case and accents do not matter (`castgraph.transcripts.text.folded`).

    Returns
    -------
    callable
        Takes utterances by broadcast and number and gives the hits in that order, each once.

    Raises
    ------
    ValueError
        When there is no word in it.

    Examples
    --------
    >>> said = [Said("X_20260101_100000", n, n, n + 1, text) for n, text in enumerate(("Prime", "minister"))]
    >>> list(finder("prime Minister")(said))
    [Hit(broadcast='X_20260101_100000', first=0, last=1)]
    """
    wanted = searched(phrase)
    if not wanted:
        raise ValueError("the phrase holds no word")

    def hits(said: Iterable[Said]) -> Iterator[Hit]:
        tail: list[tuple[str, int]] = []  # the last words before, and the utterances that they are of
        last: Said | None = None
        found = None
        for each in said:
            goes_on = last and last.broadcast == each.broadcast and each.start - last.end <= _PAUSE
            tail = tail if goes_on else []
            plain = folded(each.text)
            last = each
            # Most utterances hold no word of it, and need not be taken apart.
            if not any(word in plain for word in wanted):
                tail = []
                continue
            placed = [*tail, *((word, each.utterance) for word in searched(plain))]
            for n in range(len(placed) - len(wanted) + 1):
                if [word for word, _ in placed[n : n + len(wanted)]] == wanted:
                    hit = Hit(each.broadcast, placed[n][1], each.utterance)
                    if hit != found:
                        yield hit
                    found = hit
            tail = placed[len(placed) - len(wanted) + 1 :]

    return hits
