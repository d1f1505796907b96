"""What two results differ in: people and pairs that are gained and lost."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from castgraph.ask.results import Results
from castgraph.ask.views import MEMORY_MB, QueryError, Views
from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.people.identify import identify
from castgraph.people.places import read_places
from castgraph.people.record import read_clustering
from castgraph.run.shown import home_of

_MONTH = re.compile(r"(?P<path>.+):(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])")

COLUMNS = (
    *("change", "what", "person_id", "name", "other_id", "other_name"),
    *("seconds_before", "seconds_after", "time", "broadcast", "frame", "link"),
)
"""What `diff` tells: the first frame that shows the person, or makes the pair, is the link."""


class Side(NamedTuple):
    """One of two results that are compared: all of them, or one month."""

    results: Results
    month: str

    @classmethod
    def of(cls, text: str) -> Side:
        """Read the folder of a run or a clustering, with ``:2024-01`` behind it for one month.

        Raises
        ------
        ValueError
            When there are no such results.
        """
        match = _MONTH.fullmatch(text)
        if match is None or Path(text).exists():
            return cls(Results(Path(text)), "")
        return cls(Results(Path(match["path"])), f"{match['year']}-{match['month']}")


class Differences(NamedTuple):
    """What two results differ in.

    Attributes
    ----------
    rows
        A row each, of `COLUMNS`: who or which pair is ``gained`` or ``lost``; people first, by seconds.
    n_people, n_pairs
        How many are in both.
    matched_by
        How people of one were found in the other: ``IDs`` or ``faces``.
    """

    rows: list[tuple[Any, ...]]
    n_people: int
    n_pairs: int
    matched_by: str


class _Seen(NamedTuple):
    """A person or a pair: the seconds, and the first frame."""

    seconds: float
    time: Any
    broadcast: str
    frame: int
    link: str | None


def diff(before: Side, after: Side, memory_mb: int = MEMORY_MB) -> Differences:
    """Tell which people and pairs are gained and lost between two results.

    People are the same when their IDs are, where these are of one register: in one run, or where one run
    follows the other (`people.follow`). Else they are the same when they share most faces: of the same
    broadcast and frame, with boxes that overlap.

    Parameters
    ----------
    before, after
        What to compare.
    memory_mb
        What a question may take, in MB.

    Raises
    ------
    QueryError
        When tables are not there, or the results have neither a register nor a broadcast in common.
    """
    of_before, of_after = (Views(side.results, memory_mb) for side in (before, after))
    names_before, names_after = _names(of_before), _names(of_after)
    by_ids = _one_register(before.results, after.results)
    if by_ids:
        same = {name: name for name in names_before if name in names_after}
    else:
        _check_common(of_before, of_after)
        same = _by_faces(before.results, after.results)
    rows: list[tuple[Any, ...]] = []
    n_kept = []
    for what, found in (("person", _people), ("pair", _pairs)):
        was, now = found(of_before, before.month), found(of_after, after.month)
        into = {ends: tuple(sorted(same[end] for end in ends)) for ends in was if same.keys() >= {*ends}}
        kept = {ends for ends in was if into.get(ends) in now}
        gained = now.keys() - {into[ends] for ends in kept}
        n_kept.append(len(kept))
        changed = [("lost", ends, was[ends], names_before) for ends in was.keys() - kept]
        changed += [("gained", ends, now[ends], names_after) for ends in gained]
        for change, ends, seen, names in sorted(changed, key=lambda each: (-each[2].seconds, each[:2])):
            called = [part for end in ends for part in (end, names.get(end, end))]
            seconds = (seen.seconds, 0.0) if change == "lost" else (0.0, seen.seconds)
            rows.append((change, what, *called, *[""] * (4 - len(called)), *seconds, *seen[1:]))
    return Differences(rows, n_kept[0], n_kept[1], "IDs" if by_ids else "faces")


def _one_register(before: Results, after: Results) -> bool:
    if before.run.resolve() == after.run.resolve():
        return True
    runs = [results.run.resolve() for results in (before, after)]
    for results in (before, after):
        follow = results.config["people"]["follow"] if results.config else None
        # As the workflow finds it: from where results/ lies.
        if follow and (home_of(results.run) / follow).resolve().parent in runs:
            return True
    return False


def _check_common(before: Views, after: Views) -> None:
    one, other = (
        set(views.ask("SELECT DISTINCT broadcast FROM sightings").read_all()["broadcast"].to_pylist())
        for views in (before, after)
    )
    if one.isdisjoint(other):
        raise QueryError(
            f"{before.results.run} and {after.results.run} have no broadcast with a person in common, so "
            "nobody of the one can be found in the other; let one follow the other (people.follow), or "
            f"compare months of one run: {after.results.run}:2024-01"
        )


def _by_faces(before: Results, after: Results) -> dict[str, str]:
    """Find the people of one in the other by their faces: one to one, who share most."""
    places = read_places(after.path("faces"))
    ids = tables.read(after.path("people"), tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    members = tables.read_members(after.path("members"), after.path("faces"), ids)
    known = read_clustering(before.path("members"))
    found = identify(places, members.person, known)
    rows = np.flatnonzero(members.person != NOISE)
    now, first = np.unique(members.person[rows], return_index=True)
    as_before = found.person[rows[first]]
    were = set(known.ids)
    return {
        found.ids[group]: ids[person]
        for person, group in zip(now.tolist(), as_before.tolist(), strict=True)
        if found.ids[group] in were
    }


def _names(views: Views) -> dict[str, str]:
    rows = views.ask("FROM names").read_all()
    return dict(zip(rows["person_id"].to_pylist(), rows["name"].to_pylist(), strict=True))


def _people(views: Views, month: str) -> dict[tuple[str, ...], _Seen]:
    return _seen(
        views,
        month,
        """
        SELECT [person_id] AS ends, count(DISTINCT (broadcast, frame)) AS n,
            arg_min(
                {'time': time, 'broadcast': broadcast, 'frame': frame, 'link': link}, (time, broadcast, face)
            ) AS first
        FROM sightings WHERE time >= $begin AND time < $end GROUP BY person_id
        """,
    )


def _pairs(views: Views, month: str) -> dict[tuple[str, ...], _Seen]:
    return _seen(
        views,
        month,
        """
        WITH pairs AS (
            SELECT source, target, count_if(same_frame)::BIGINT AS n,
                min({'time': time, 'broadcast': broadcast, 'frame': frame}) AS first
            FROM meetings WHERE time >= $begin AND time < $end GROUP BY source, target
        ), firsts AS (SELECT DISTINCT first.broadcast AS broadcast, first.frame AS frame FROM pairs),
        links AS (
            SELECT broadcast, frame, max(link) AS link
            FROM sightings SEMI JOIN firsts USING (broadcast, frame) GROUP BY broadcast, frame
        )
        SELECT [source, target] AS ends, n,
            {'time': first.time, 'broadcast': first.broadcast, 'frame': first.frame, 'link': link} AS first
        FROM pairs LEFT JOIN links ON links.broadcast = first.broadcast AND links.frame = first.frame
        """,
    )


def _seen(views: Views, month: str, sql: str) -> dict[tuple[str, ...], _Seen]:
    begin, end = _span(month)
    seconds = views.results.frame_seconds
    found = {}
    for row in views.ask(sql, {"begin": begin, "end": end}).read_all().to_pylist():
        found[tuple(row["ends"])] = _Seen(row["n"] * seconds, *row["first"].values())
    return found


def _span(month: str) -> tuple[date, date]:
    if not month:
        return date.min, date.max
    year, number = map(int, month.split("-"))
    return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)
