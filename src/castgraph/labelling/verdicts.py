"""What each broadcast is by its likeness: suspect, usual, a change of its title, a holiday, or not judged."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base.fdr import benjamini_hochberg
from castgraph.base.text import counted, shortened
from castgraph.labelling.units import Flags, Ints, Titles, Units

LEVEL = 0.05
"""The q of a suspect, at most."""

DEPARTS = -2.5
"""The z at which others depart, too, on a holiday."""

RECURS = 3
"""Days of the year that a holiday may lie apart in two years."""

LONGEST_HOLIDAY = 3
"""More in a row that depart are no holiday by its being one in another year."""

HOST = 0.8
"""A host is in so large a share of the broadcasts of a title, at least."""

GONE = 0.1
"""And one who has left in so large a share at most."""

TERM, FEWEST = 40, 10
"""Broadcasts before and after a change by which a host is known to go, at most and at least."""

_SPELLED = 80  # characters of a title in a reason

Floats = NDArray[np.float64]


class Found(NamedTuple):
    """What is found of each broadcast; NaN where it is not known.

    Attributes
    ----------
    n_same, own, before, after, other, other_title, z, p
        As in the table of likeness, the title as a number.
    is_other
        Whether it is like another title instead.
    is_odd
        Whether it is like nothing of its title.
    lasts
        Whether it is odd, but one of the first or last of its title that are like each other.
    changed
        Whether it is unlike those before it, and like those after it.
    unlike_pair
        Whether there is one other of its title, which it is not like.
    """

    n_same: Ints
    own: Floats
    before: Floats
    after: Floats
    other: Floats
    other_title: Ints
    z: Floats
    p: Floats
    is_other: Flags
    is_odd: Flags
    lasts: Flags
    changed: Flags
    unlike_pair: Flags


class Said(NamedTuple):
    """The q of each broadcast, its verdict, and the reason in words."""

    q: Floats
    verdict: list[str]
    reason: list[str]


def verdicts(units: Units, titles: Titles, found: Found, dips: pa.Table | None = None) -> Said:
    """Say what each broadcast is, and why."""
    q = benjamini_hochberg(found.p)
    dipped = _dipped(dips)
    holidays = _holidays(units, titles, found)
    changes = _changes(units, titles, found)
    verdict, reason = [], []
    for n, (broadcast, station, _, _, day) in enumerate(units.keys):
        what, why = _verdict(units, titles, found, q, holidays, n)
        if what == "usual" and n in changes:
            what, why = changes[n]
        spans = [span for span in dipped.get(station, ()) if span[0] <= day <= span[1]]
        if broadcast is None and spans:
            what, why = "suspect", f"its station departs from the others from {spans[0][0]} to {spans[0][1]}"
        verdict.append(what)
        reason.append(why)
    return Said(q, verdict, reason)


def _dipped(dips: pa.Table | None) -> dict[str, list[tuple[date, date]]]:
    found: dict[str, list[tuple[date, date]]] = {}
    for row in dips.to_pylist() if dips is not None else ():
        found.setdefault(row["station"], []).append((row["first"], row["last"]))
    return found


def _verdict(
    units: Units, titles: Titles, found: Found, q: Floats, holidays: list[str], n: int
) -> tuple[str, str]:
    other = found.other_title[n]
    instead = shortened(titles.names[other], _SPELLED) if other >= 0 else ""
    told = f"; it is most like {instead}" if instead else ""
    if not units.has[n].any():
        return "not judged", "nothing is known of what it shows"
    if titles.of[n] < 0:
        return "not judged", f"its ID has no title{told}"
    title = shortened(titles.names[titles.of[n]], _SPELLED)
    if found.n_same[n] == 0:
        alone = len(titles.members[titles.of[n]]) == 1
        why = "it is the only one of its title" if alone else "no other of its title can be compared with it"
        return "not judged", f"{why}{told}"
    own = f"{found.own[n]:.2f}"
    others = counted(int(found.n_same[n]), "other")
    if found.is_other[n] and q[n] <= LEVEL:
        return "suspect", (
            f"like {instead} ({found.other[n]:.2f}) and not like the {others} of {title} ({own})"
        )
    if found.unlike_pair[n]:
        return (
            "not judged",
            f"the only other of its title is unlike it, and which is wrong cannot be told{told}",
        )
    if found.is_odd[n] and q[n] <= LEVEL:
        if holidays[n]:
            return "holiday", holidays[n]
        if found.lasts[n]:
            return "new season", (
                f"unlike the others of {title}, but like those about it, up to where the data end: a change, "
                "or wrong as all of these"
            )
        return "suspect", f"unlike the {others} of {title} ({own}), and like no other title"
    return "usual", ""


def _holidays(units: Units, titles: Titles, found: Found) -> list[str]:
    """Say of each broadcast that departs whether others do on its day, or in other years."""
    reasons = [""] * len(units)
    by_day: dict[date, list[int]] = {}
    for n in np.flatnonzero(np.isfinite(found.z)).tolist():
        by_day.setdefault(units.keys[n][4], []).append(n)
    year, of_year = np.array([each[4].timetuple()[:8:7] for each in units.keys], np.int64).reshape(-1, 2).T
    for n in np.flatnonzero(found.is_odd).tolist():
        day = units.keys[n][4]
        others = [m for m in by_day.get(day, ()) if titles.of[m] != titles.of[n]]
        departing = [m for m in others if found.z[m] <= DEPARTS and not found.is_other[m]]
        if 2 * len(departing) > len(others):
            many = counted(len(others), "broadcast")
            reasons[n] = f"{len(departing)} of {many} of other titles on its day depart from them, too"
        else:
            away = np.abs(of_year - of_year[n])
            near = (np.minimum(away, 366 - away) <= RECURS) & (year != year[n]) & (titles.of == titles.of[n])
            years, departs = (len(np.unique(year[each])) for each in (near, near & found.is_odd))
            # Of many years some depart on any day.
            if departs and 2 * departs > years:
                reasons[n] = "its title departs on this day of other years, too"
    return reasons


# ---- what lasts ------------------------------------------------------------------------------------------


def _changes(units: Units, titles: Titles, found: Found) -> dict[int, tuple[str, str]]:
    """Find the first broadcasts of a new season or a new host, and say so."""
    changes: dict[int, tuple[str, str]] = {}
    for title, members in enumerate(titles.members):
        usual = members[~(found.is_other | found.is_odd)[members]]
        name = shortened(titles.names[title], _SPELLED)
        for place in _begins(found.changed[usual]):
            changes[usual[place]] = (
                "new season",
                f"from here on {name} is unlike what it was, and like what follows",
            )
        for place in _hosts(units, usual):
            near = [n for n in usual[max(place - FEWEST, 0) : place + FEWEST + 1].tolist() if n in changes]
            for n in near:
                del changes[n]
            changes[usual[place]] = (
                "new host",
                f"from here on whoever was in nearly every {name} is in hardly any",
            )
    return changes


def _begins(flags: Flags) -> list[int]:
    """Give where stretches of at least a few begin."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(int))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [int(a) for a, b in zip(first, last, strict=True) if b - a >= FEWEST and a > 0]


def _hosts(units: Units, members: Ints) -> list[int]:
    """Give from which of these broadcasts on a host of all before is gone for good."""
    n = len(members)
    kinds = [at for at, kind in enumerate(units.kinds) if kind == "person"]
    if n < 2 * FEWEST or not kinds:
        return []
    there = units.counts[kinds[0]][members]
    often = np.flatnonzero(np.bincount(there.indices, minlength=there.shape[1]) >= HOST * FEWEST)
    seen = np.zeros((n + 1, len(often)))
    np.cumsum((there[:, often] > 0).toarray(), axis=0, out=seen[1:])
    at = np.arange(FEWEST, n - FEWEST + 1)
    first, last = np.maximum(at - TERM, 0), np.minimum(at + TERM, n)
    before = (seen[at] - seen[first]) / (at - first)[:, None]
    after = (seen[last] - seen[at]) / (last - at)[:, None]
    fall = np.where((before >= HOST) & (after <= GONE), before - after, 0)
    found = []
    for host in range(len(often)):
        goes = fall[:, host] > 0
        edges = np.flatnonzero(np.diff(np.concatenate([[False], goes, [False]]).astype(int)))
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            # Where the fall is steepest: of several, the last before which the host is there.
            best = begin + int(np.flatnonzero(fall[begin:end, host] == fall[begin:end, host].max())[-1])
            found.append(int(at[best]))
    # Who leaves with another is of one change.
    return [one for before, one in pairwise([-n, *sorted(set(found))]) if one - before > FEWEST]
