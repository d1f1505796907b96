"""Who is who after the decisions of a file of corrections, and what a decision changes."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import NOISE, WHY
from castgraph.pages.review.results import Results
from castgraph.people import who
from castgraph.people.corrections import Applied, Decision, apply, find_faces

Integers = NDArray[np.int64]

_IGNORED = WHY.index("ignored")
_MOST_PEOPLE = 20  # that an effect names


class Grouping:
    """The people of a run after decisions.

    Parameters
    ----------
    results
        What the run knows.
    decisions
        What was decided, with their lines in the file.

    Notes
    -----
    Decisions are applied by `castgraph.people.corrections.apply`, as the workflow does. A group has the ID of
    the person of the last run who has most of its faces; where two want one ID, it is the one with more.
    Those that are left have none until the next run.
    """

    def __init__(self, results: Results, decisions: Sequence[Decision]) -> None:
        self._results = results
        self.decisions = decisions
        self.applied: Applied = apply(decisions, results.places, results.groups, results.why)
        self.groups, self.why = self.applied.groups, self.applied.why
        self.parts: dict[tuple[int, int], tuple[Integers, Integers]] = {}  # of people, as they were asked for
        # The groups by number, and the faces of each, in the order of the table.
        known = np.flatnonzero(self.groups != NOISE)
        self._rows = known[np.argsort(self.groups[known], kind="stable")]
        of = self.groups[self._rows]
        self._begins = np.flatnonzero(np.diff(of, prepend=-1))
        self.numbers = of[self._begins].astype(np.int64)
        keys = results.keys[self._rows]
        is_new = np.append(True, np.diff(keys) != 0)[: len(keys)]
        is_new[self._begins] = True
        n_frames = (
            np.add.reduceat(is_new.astype(np.int64), self._begins) if len(of) else np.empty(0, np.int64)
        )
        self.seconds = n_frames * results.frame_seconds

    # ---- groups ------------------------------------------------------------------------------------------

    def place(self, group: int) -> int:
        """Give the place of a group in `numbers`; `NOISE` where there is none."""
        at = int(np.searchsorted(self.numbers, group))
        return at if at < len(self.numbers) and self.numbers[at] == group else NOISE

    def rows(self, group: int) -> Integers:
        """Give the rows of the faces of a group."""
        at = self.place(group)
        if at == NOISE:
            return np.empty(0, np.int64)
        end = self._begins[at + 1] if at + 1 < len(self._begins) else len(self._rows)
        return self._rows[self._begins[at] : end]

    def seconds_of(self, group: int) -> float:
        """Tell how long a group is on the screen."""
        at = self.place(group)
        return 0.0 if at == NOISE else float(self.seconds[at])

    @cached_property
    def typical(self) -> Integers:
        """Give the face of each group that is nearest to the middle; the first where that is not known."""
        if not len(self._rows):
            return self._rows
        apart = np.nan_to_num(self._results.distances[self._rows], nan=np.inf)
        nearest = np.minimum.reduceat(apart, self._begins)
        sizes = np.diff(np.append(self._begins, len(self._rows)))
        places = np.flatnonzero(apart == np.repeat(nearest, sizes))
        found: Integers = self._rows[places[np.searchsorted(places, self._begins)]]
        return found

    def stands_for(self, group: int) -> int:
        """Give the face that stands for a group: the best of its person, where it still has that."""
        best = self._results.best.get(self.ids.get(group, ""), NOISE)
        is_own = best != NOISE and self.groups[best] == group
        return best if is_own else int(self.typical[self.place(group)])

    @cached_property
    def ids(self) -> dict[int, str]:
        """Group → the ID of its person; none of those that are new."""
        results = self._results
        person = results.person[self._rows].astype(np.int64)
        of = np.repeat(np.arange(len(self.numbers)), np.diff(np.append(self._begins, len(self._rows))))
        both = person != NOISE
        pairs, counts = np.unique(of[both] << 32 | person[both], return_counts=True)
        found: dict[int, str] = {}
        taken: set[int] = set()
        for at in np.lexsort((pairs, -counts)).tolist():
            group, one = int(self.numbers[pairs[at] >> 32]), int(pairs[at] & 0xFFFFFFFF)
            if group not in found and one not in taken:
                found[group] = results.ids[one]
                taken.add(one)
        return found

    def name(self, group: int) -> str:
        """Give the name of a group: by a correction, else by the gallery; empty for none."""
        given = self.applied.names.get(group)
        return given[0] if given else self._results.called.get(self.ids.get(group, ""), "")

    @cached_property
    def named(self) -> dict[int, str]:
        """Group → its name, of all that have one."""
        return {group: name for group in self.numbers.tolist() if (name := self.name(group))}

    @cached_property
    def different(self) -> set[frozenset[int]]:
        """Pairs of groups of which it was decided that they are two people."""
        return {frozenset(self.groups[list(rows)].tolist()) for rows in self.applied.different}

    @cached_property
    def anchored(self) -> list[int]:
        """The rows of all faces that decisions are about."""
        anchors = [anchor for each in self.decisions for anchor in each.anchors]
        found: list[int] = find_faces(anchors, self._results.places).tolist()
        return found

    def namesakes(self, group: int) -> list[int]:
        """Find the other groups that have the name of one, and of which it was not said that they are two."""
        name = who.folded(self.named.get(group, ""))
        return [
            other
            for other, its in self.named.items()
            if name and other != group and who.folded(its) == name and {group, other} not in self.different
        ]

    # ---- pairs -------------------------------------------------------------------------------------------

    def pairs(self, groups: Collection[int]) -> set[tuple[int, int]]:
        """Find the pairs that some groups make with any: in one frame, or in adjacent ones of a broadcast."""
        results = self._results
        counted = results.counts & (self.groups != NOISE)
        rows = np.concatenate([np.empty(0, np.int64), *(self.rows(each) for each in groups)])
        rows = rows[results.counts[rows]]
        found: list[Integers] = []
        for step in (-1, 0, 1):
            wanted = results.keys[rows] + step
            begins, ends = (np.searchsorted(results.keys, wanted, side) for side in ("left", "right"))
            of = np.repeat(np.arange(len(rows)), ends - begins)
            other = np.arange(len(of)) - np.repeat(np.cumsum(ends - begins) - (ends - begins), ends - begins)
            other += begins[of]
            kept = counted[other]
            one, two = (self.groups[each[kept]].astype(np.int64) for each in (rows[of], other))
            apart = one != two
            low, high = np.minimum(one, two)[apart], np.maximum(one, two)[apart]
            found.append(np.unique(low << 32 | high))
        codes = np.unique(np.concatenate(found))
        return {(code >> 32, code & 0xFFFFFFFF) for code in codes.tolist()}


class _Changed(NamedTuple):
    """The groups that differ, before and after, and the rows whose person changed."""

    before: list[int]
    after: list[int]
    moved: Integers


def _changed(before: Grouping, after: Grouping) -> _Changed:
    rows = np.flatnonzero(before.groups != after.groups)
    old, new = before.groups[rows].astype(np.int64), after.groups[rows].astype(np.int64)
    moved = rows[[one != two for one, two in zip(_ids(before, old), _ids(after, new), strict=True)]]
    return _Changed(
        [each for each in np.unique(old).tolist() if each != NOISE],
        [each for each in np.unique(new).tolist() if each != NOISE],
        moved,
    )


def _ids(grouping: Grouping, groups: Integers) -> Iterator[str | int]:
    """Give of each group its ID, its number where it is new, and nothing for nobody."""
    return (grouping.ids.get(each, each) if each != NOISE else "" for each in groups.tolist())


def effect(before: Grouping, after: Grouping, frame_seconds: float, keys: Integers) -> dict[str, Any]:
    """Tell what changes from one grouping to another, for the page.

    Parameters
    ----------
    before, after
        The groupings, of the same results.
    frame_seconds, keys
        As in `castgraph.pages.review.results.Results`.

    Returns
    -------
    dict
        ``people``: those that change, with their seconds before and after; ``n_people``: all people, before
        and after; ``pairs``: the pairs of those that change, before and after; ``gained``, ``lost``,
        ``merged``: pairs that come, that go, and that become one with another; ``seconds``: the screen time
        that is another's; ``problems``: what does not apply.
    """
    changed = _changed(before, after)
    # A group that grew by a merge is one that differs, whichever number it took.
    old = {*changed.before, *(each for each in changed.after if before.place(each) != NOISE)}
    new = {*changed.after, *(each for each in changed.before if after.place(each) != NOISE)}
    people: dict[str, dict[str, Any]] = {}
    for grouping, groups, key in ((before, old, "before"), (after, new, "after")):
        for group in sorted(groups):
            person = grouping.ids.get(group, "")
            name = grouping.name(group) or (f"Person {person}" if person else "")
            row = people.setdefault(person or f"{key} {group}", {"before": 0.0, "after": 0.0})
            row |= {"person": person, "name": name, key: grouping.seconds_of(group)}
    shown = sorted(people.values(), key=lambda row: -max(row["before"], row["after"]))
    were, are = before.pairs(old), after.pairs(new)
    became = _became(before, after, {each for pair in were for each in pair})
    images = [tuple(sorted((became[one], became[two]))) for one, two in were]
    kept = [each for each in images if each in are]
    known = set(_problems(before))
    named_before = {(before.ids.get(each), name) for each, name in before.named.items()}
    renamed = [
        {"person": after.ids.get(group, ""), "name": name}
        | dict.fromkeys(("before", "after"), after.seconds_of(group))
        for group, name in after.named.items()
        if (after.ids.get(group), name) not in named_before and group not in new
    ]
    return {
        "people": [*shown, *renamed][:_MOST_PEOPLE],
        "n_people": [len(before.numbers), len(after.numbers)],
        "pairs": [len(were), len(are)],
        "gained": len(are - set(kept)),
        "lost": len(images) - len(kept),
        "merged": len(kept) - len(set(kept)),
        "seconds": len(np.unique(keys[changed.moved])) * frame_seconds,
        "problems": [sentence for about, sentence in _problems(after).items() if about not in known],
    }


def _problems(grouping: Grouping) -> dict[Hashable, str]:
    """Give the problems of a grouping by what they are about: lines of a file change."""
    at = {each.line: (each.kind, each.anchors) for each in grouping.decisions}
    return {
        (each.kind, frozenset(at[line] for line in each.decisions if line in at)): each.sentence
        for each in grouping.applied.problems
    }


def _became(before: Grouping, after: Grouping, groups: Collection[int]) -> dict[int, int]:
    """Tell of groups which has most of their faces afterwards; `NOISE` for nobody."""
    found = {}
    for group in groups:
        rows = before.rows(group)
        numbers, counts = np.unique(after.groups[rows], return_counts=True)
        found[group] = int(numbers[counts.argmax()])
    return found


def progress(grouping: Grouping) -> dict[str, float]:
    """Tell how much of the screen time was reviewed: that of people of whom a decision holds a face.

    Returns
    -------
    dict
        ``share``, ``seconds``, ``reviewed_seconds``, ``n_people``, ``n_named``, ``n_ignored``. Who is left
        out counts, as what was reviewed.
    """
    results = grouping._results
    reviewed = {int(grouping.groups[row]) for row in grouping.anchored if row != NOISE}
    places = [grouping.place(each) for each in reviewed if each != NOISE]
    seconds = float(grouping.seconds.sum())
    done = float(grouping.seconds[places].sum())
    # The groups of those who are left out are no more: each is one that the algorithm made.
    ignored = np.flatnonzero(grouping.why == _IGNORED)
    of = np.stack([results.groups[ignored].astype(np.int64), results.keys[ignored]])
    left_out = len(np.unique(of, axis=1).T) * results.frame_seconds
    return {
        "share": (done + left_out) / (seconds + left_out) if seconds + left_out else 0.0,
        "seconds": seconds + left_out,
        "reviewed_seconds": done + left_out,
        "n_people": len(grouping.numbers),
        "n_named": len(grouping.named),
        "n_ignored": len(np.unique(results.groups[ignored])),
    }
