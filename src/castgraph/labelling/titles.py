"""Titles that differ only in spelling."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from castgraph.base.text import shortened

LONGEST = 100
"""Characters of a title that are shown."""

RARE = 10
"""A spelling is a slip of another that is so many times as frequent, at least."""

_LONG = 6  # letters that a word must have for one wrong one to be a slip
_MOST_WORDS = 30

Name = tuple[str, str]
"""Station and show."""

Words = tuple[str, ...]


class Title(NamedTuple):
    """The one spelling of a title.

    Attributes
    ----------
    title
        The spelling that stands for all of them: the most frequent one.
    why
        Why this spelling is joined to it; empty for the spelling itself.
    """

    title: str
    why: str


def joined(shows: Iterable[tuple[str, str | None]]) -> dict[Name, Title]:
    """Join the titles of each station that differ only in spelling.

    What is joined is at one station, and differs in nothing but

    - small and large letters, accents, spaces, underscores and punctuation, ``and`` for ``&``;
    - the number of an episode or a part at the end, or a tag such as ``HD``;
    - ``The`` before it, or a time of day behind it (``at 6``, ``10pm``), where the title without is there,
      too, and no other time;
    - who presents it (``with …``), where the title without is there, too, or another presenter;
    - one letter of a long word, where that spelling is rare and the other frequent.

    All else is apart: ``News at 5`` and ``News at 10`` may well be two programmes, and a number in a title is
    never a slip.

    Parameters
    ----------
    shows
        Station and title of each broadcast, with spaces or underscores; empty or None for none.

    Returns
    -------
    dict of (station, show) to Title
        Of each spelling; those that are no title, as they have neither letter nor digit, are not in it.

    Examples
    --------
    >>> found = joined([("NTV", "Evening News")] * 3 + [("NTV", "Evening_News_at_6"), ("NTV", "Late News")])
    >>> found["NTV", "Evening_News_at_6"]
    Title(title='Evening News', why='a time of day behind it')
    >>> found["NTV", "Late News"].title
    'Late News'
    """
    counts = Counter((station, show) for station, show in shows if show and _words(show))
    found: dict[Name, Title] = {}
    by_station: dict[str, Counter[str]] = defaultdict(Counter)
    for (station, show), n in counts.items():
        by_station[station][show] = n
    for station, of_station in sorted(by_station.items()):
        for show, title in _of_station(of_station).items():
            found[station, show] = title
    return found


def _words(show: str) -> Words:
    from castgraph.transcripts.text import folded  # here: it takes a while to load

    spelled = folded(show[:1000]).replace("&", " and ").replace("'", "")
    return tuple(re.findall(r"[^\W_]+", spelled)[:_MOST_WORDS])


# ---- what may be left out --------------------------------------------------------------------------------

_EPISODE = re.compile(r"(?<=.) (s\d+ ?e\d+|(episode|ep|part|folge|season \d+ episode) \d+|e\d+|hd)$")
_ARTICLE = re.compile(r"^the (?=.)")
_TIME = re.compile(
    r"(?<=.) ((at|um|de) )?(\d{1,2}( ?[0-5]\d)? ?(am|pm|a m|p m|uhr|h)|noon|midnight)$"
    r"|(?<=.) at (\d{1,2}( ?[0-5]\d)?|five|six|seven|eight|nine|ten|eleven|noon|midnight)$"
)
_WITH = re.compile(r"(?<=.) (with|mit|s) (\w+ ){0,5}\w+$")


def _without(pattern: re.Pattern[str], words: Words) -> Words:
    return tuple(pattern.sub("", " ".join(words)).split())


def _of_station(counts: Counter[str]) -> dict[str, Title]:
    words = {show: _words(show) for show in counts}
    # What is one whatever else there is: case, punctuation, the number of the episode.
    plain = {show: _without(_EPISODE, each) or each for show, each in words.items()}
    key = {show: "".join(each) for show, each in plain.items()}
    parent: dict[str, str] = {each: each for each in key.values()}
    why: dict[str, str] = {}
    spelled: dict[str, Words] = {}
    n_of: Counter[str] = Counter()
    for show in sorted(counts):
        spelled.setdefault(key[show], plain[show])
        n_of[key[show]] += counts[show]

    def join(one: str, other: str, reason: str) -> None:
        if parent[one] == one != _root(parent, other):
            parent[one] = other
            why[one] = reason

    _join_stems(spelled, parent, join)
    _join_slips(spelled, n_of, parent, join)
    return _named(counts, words, key, parent, why, spelled)


def _root(parent: Mapping[str, str], key: str) -> str:
    while parent[key] != key:
        key = parent[key]
    return key


Join = Callable[[str, str, str], None]


def _join_stems(spelled: Mapping[str, Words], parent: dict[str, str], join: Join) -> None:
    """Join titles to the title without what may be left out."""
    rules = (
        (_ARTICLE, "The before it"),
        (_TIME, "a time of day behind it"),
        (_WITH, "who presents it behind it"),
    )
    for pattern, reason in rules:
        by_stem: dict[str, list[str]] = defaultdict(list)
        stems: dict[str, Words] = {}
        for key, words in sorted(spelled.items()):
            stem = _without(pattern, words)
            if stem and stem != words:
                by_stem["".join(stem)].append(key)
                stems["".join(stem)] = stem
        for stem_key, keys in sorted(by_stem.items()):
            if pattern is _TIME and len(keys) > 1:
                continue  # several times: perhaps several programmes
            if stem_key in parent:
                for key in keys:
                    join(key, stem_key, reason)
            elif pattern is _WITH and len(keys) > 1 and len(stems[stem_key]) > 1:
                for key in keys[1:]:
                    join(key, keys[0], reason)


def _join_slips(
    spelled: Mapping[str, Words], n_of: Counter[str], parent: Mapping[str, str], join: Join
) -> None:
    """Join rare titles that differ in one letter of a long word from one that is frequent."""
    frequent: dict[tuple[int, str], list[str]] = defaultdict(list)
    for key, words in sorted(spelled.items()):
        if n_of[key] >= RARE:
            frequent[len(words), words[0][0]].append(key)
    for key, words in sorted(spelled.items()):
        likely = [
            other
            for other in frequent[len(words), words[0][0]]
            if n_of[other] >= RARE * n_of[key] and _is_slip(words, spelled[other])
        ]
        if len(likely) == 1:
            join(key, likely[0], "a letter that differs")


def _is_slip(one: Sequence[str], other: Sequence[str]) -> bool:
    different = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    if len(different) != 1:
        return False
    a, b = different[0]
    if min(len(a), len(b)) < _LONG or abs(len(a) - len(b)) > 1 or a[0] != b[0]:
        return False
    if any(sign.isdigit() for sign in a + b):
        return False
    if a + "s" == b or b + "s" == a:
        return False  # one and several: perhaps another programme
    head = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[head:], b[head:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[:2][::-1] and rest_a[2:] == rest_b[2:])
    )


def _named(
    counts: Counter[str],
    words: Mapping[str, Words],
    key: Mapping[str, str],
    parent: Mapping[str, str],
    why: Mapping[str, str],
    spelled: Mapping[str, Words],
) -> dict[str, Title]:
    """Choose the spelling that stands for all that are joined."""
    groups: dict[str, list[str]] = defaultdict(list)
    for show in sorted(counts):
        groups[_root(parent, key[show])].append(show)
    found = {}
    for root, shows in groups.items():
        # Of the spellings of the title to which all others are joined, the most frequent, then the plainest.
        own = [show for show in shows if key[show] == root]
        best = min(own, key=lambda show: (-counts[show], len(show), show))
        stem = _without(_WITH, words[best])
        if any(key[show] != root for show in shows) and all(
            _without(_WITH, words[show]) == stem != words[show] for show in shows
        ):
            title = " ".join(_readable(best).split()[: len(stem)])
        else:
            title = _readable(best)
        for show in shows:
            reason = why.get(key[show], "")
            if not reason and _readable(show) != title:
                reason = "only case, punctuation or a number of the episode" if show != best else ""
            found[show] = Title(title, reason)
    return found


def _readable(show: str) -> str:
    return shortened(show.replace("_", " "), LONGEST)
