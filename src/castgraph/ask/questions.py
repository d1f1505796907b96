"""The questions that are asked often; each gives the rows of an answer, every row with its link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from castgraph.archive.listing.choose import time_zone
from castgraph.ask.views import QueryError, Views
from castgraph.ask.who import Person
from castgraph.base.text import counted, quoted

# Not from the configuration: of a run of a module none is kept.
_FRAME_SECONDS = "(SELECT max(screen_seconds / n_frames) FROM people)"

_LOCAL = "({} AT TIME ZONE $zone)"
_UNITS: Mapping[str, str] = {
    "day": f"CAST({_LOCAL} AS DATE)",
    "week": f"CAST(date_trunc('week', {_LOCAL}) AS DATE)",
    "show": "coalesce(nullif(replace(broadcasts.title, '_', ' '), ''), 'without a title')",
    "station": "broadcasts.station",
}
"""What a timeline is divided by, and the value of it; a week is that which begins on the Monday."""

UNITS = tuple(_UNITS)

_MOST_TOLD = 5

# The links of frames that show somebody, whoever it is.
_LINKS = """
SELECT broadcast, frame, max(link) AS link FROM sightings SEMI JOIN {} USING (broadcast, frame)
GROUP BY broadcast, frame
"""


def together(views: Views, one: Person, other: Person, within: float = 0) -> pa.RecordBatchReader:
    """Find every frame that shows two people together.

    Parameters
    ----------
    views
        The tables.
    one, other
        The people; the answer is the same the other way about.
    within
        Also every frame that shows one of them while the other is shown at most so many seconds before or
        after it in the same broadcast.

    Returns
    -------
    RecordBatchReader
        ``broadcast``, ``frame``, ``time``, ``shows`` (both, or the name of one), ``seconds`` to the nearest
        frame that shows the other, ``link``; by time.
    """
    if one.person_id == other.person_id:
        raise QueryError(f"{one.name} twice; together asks for two people")
    first, second = sorted((one, other))
    return views.ask(
        """
        WITH seen AS (
            SELECT broadcast, frame, epoch_us(max(time)) AS us, max(time) AS time, max(link) AS link,
                bool_or(person_id = $a) AS a, bool_or(person_id = $b) AS b
            FROM sightings WHERE person_id IN ($a, $b) GROUP BY broadcast, frame
        ), around AS (
            SELECT *, max(CASE WHEN a THEN us END) OVER earlier AS a_earlier,
                min(CASE WHEN a THEN us END) OVER later AS a_later,
                max(CASE WHEN b THEN us END) OVER earlier AS b_earlier,
                min(CASE WHEN b THEN us END) OVER later AS b_later
            FROM seen
            WINDOW earlier AS (PARTITION BY broadcast ORDER BY us, frame
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
                later AS (PARTITION BY broadcast ORDER BY us, frame
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
        ), near AS (
            SELECT *, CASE WHEN a AND b THEN 0 WHEN a THEN least(us - b_earlier, b_later - us)
                ELSE least(us - a_earlier, a_later - us) END AS gap
            FROM around
        )
        SELECT broadcast, frame, time,
            CASE WHEN a AND b THEN 'both' WHEN a THEN $name_a ELSE $name_b END AS shows,
            gap / 1e6 AS seconds, link
        FROM near WHERE (a AND b) OR ($within > 0 AND gap <= $within)
        ORDER BY time, broadcast, frame
        """,
        {
            "a": first.person_id,
            "b": second.person_id,
            "name_a": first.name,
            "name_b": second.name,
            "within": round(within * 1e6),
        },
    )


def first(views: Views, people: Sequence[Person]) -> pa.RecordBatchReader:
    """Find the first frame that shows each of some people.

    Returns
    -------
    RecordBatchReader
        ``person_id``, ``name``, ``time``, ``broadcast``, ``frame``, ``link``; the earliest first.
    """
    return views.ask(
        """
        SELECT person_id, name, time, sightings.broadcast, sightings.frame, link
        FROM sightings JOIN names USING (person_id) WHERE person_id IN (SELECT unnest($people))
        QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY time, broadcast, face) = 1
        ORDER BY time, person_id
        """,
        {"people": _ids(people)},
    )


def timeline(
    views: Views, people: Sequence[Person], by: str = "day", *, timezone: str = "UTC", every: bool = False
) -> pa.RecordBatchReader:
    """Tell how long some people are on screen by day, week, show or station.

    Parameters
    ----------
    views
        The tables.
    people
        Who.
    by
        One of `UNITS`.
    timezone
        Where days begin at midnight.
    every
        Whether also what was read and does not show them; those rows have no link.

    Returns
    -------
    RecordBatchReader
        ``person_id``, ``name``, the unit, ``n_broadcasts`` and ``n_frames`` that show the person, their
        ``seconds``, the ``seconds_read`` of that unit and the ``share`` of them, ``link`` to the first frame.
        Days and weeks in order, shows and stations by seconds.
    """
    time_zone(timezone)
    value = _UNITS[by]
    order = "unit" if by in ("day", "week") else "n_frames DESC, unit"
    parameters: dict[str, Any] = {"people": _ids(people), "every": every}
    if "$zone" in value:
        parameters["zone"] = timezone
    return views.ask(
        f"""
        WITH of_frames AS (
            SELECT {value.format("frames.time")} AS unit, count(*) AS n_read
            FROM frames JOIN broadcasts USING (broadcast) WHERE frames.status = 'ok' GROUP BY unit
        ), seen AS (
            SELECT person_id, broadcast, frame, max(time) AS time, max(link) AS link
            FROM sightings WHERE person_id IN (SELECT unnest($people)) GROUP BY person_id, broadcast, frame
        ), by_unit AS (
            SELECT person_id, {value.format("seen.time")} AS unit, count(DISTINCT broadcast) AS n_broadcasts,
                count(*) AS n_frames, arg_min(link, (seen.time, broadcast, frame)) AS link
            FROM seen JOIN broadcasts USING (broadcast) GROUP BY person_id, unit
        ), units AS (
            SELECT person_id, unit FROM by_unit
            UNION SELECT unnest($people), unit FROM of_frames WHERE $every
        )
        SELECT person_id, name, unit AS "{by}", coalesce(by_unit.n_broadcasts, 0) AS n_broadcasts,
            coalesce(by_unit.n_frames, 0) AS n_frames,
            coalesce(by_unit.n_frames, 0) * {_FRAME_SECONDS} AS seconds,
            coalesce(n_read, 0) * {_FRAME_SECONDS} AS seconds_read,
            coalesce(by_unit.n_frames, 0) / nullif(n_read, 0) AS share, link
        FROM units JOIN people USING (person_id) LEFT JOIN by_unit USING (person_id, unit)
            LEFT JOIN of_frames USING (unit)
        ORDER BY rank, {order}
        """,  # noqa: S608 (of `_UNITS`)
        parameters,
    )


def partners(views: Views, person: Person) -> pa.RecordBatchReader:
    """Tell with whom somebody is seen.

    Returns
    -------
    RecordBatchReader
        ``person_id`` and ``name`` of the other, the frames ``same_frame`` and ``adjacent``, ``seconds`` of
        the former, ``n_broadcasts``, ``first_seen``, ``last_seen``, and of the first frame ``broadcast``,
        ``frame`` and ``link``; most frames together first.
    """
    return views.ask(
        f"""
        WITH pairs AS (
            SELECT *, CASE WHEN source = $person THEN target ELSE source END AS person_id
            FROM edges WHERE $person IN (source, target)
        ), links AS ({_LINKS.format("pairs")})
        SELECT person_id, name, same_frame, adjacent, same_frame * {_FRAME_SECONDS} AS seconds,
            n_broadcasts, first_seen, last_seen, broadcast, frame, link
        FROM pairs LEFT JOIN names USING (person_id) LEFT JOIN links USING (broadcast, frame)
        ORDER BY same_frame DESC, adjacent DESC, person_id
        """,  # noqa: S608 (constants)
        {"person": person.person_id},
    )


def show(views: Views, broadcast: str) -> pa.RecordBatchReader:
    """Tell who is seen in a broadcast.

    Returns
    -------
    RecordBatchReader
        ``person_id``, ``name``, ``n_frames``, ``seconds``, ``n_appearances``, ``first_seen``, ``last_seen``,
        ``link`` to the first frame; who is seen longest first.

    Raises
    ------
    QueryError
        When there is no such broadcast; the message tells those that it is a part of.
    """
    known = views.ask(
        "SELECT broadcast FROM broadcasts WHERE contains(lower(broadcast), lower($text)) ORDER BY broadcast",
        {"text": broadcast},
    )
    like = known.read_all()["broadcast"].to_pylist()
    if broadcast not in like:
        more = f" and {counted(len(like) - _MOST_TOLD, 'other')}" if len(like) > _MOST_TOLD else ""
        told = f"perhaps {', '.join(like[:_MOST_TOLD])}{more}" if like else "the table broadcasts tells them"
        raise QueryError(f"no broadcast {quoted(broadcast)}; {told}")
    return views.ask(
        """
        SELECT person_id, name, sum(appearances.n_frames)::BIGINT AS n_frames,
            sum(appearances.screen_seconds) AS seconds, count(*) AS n_appearances,
            min(start) AS first_seen, max("end") AS last_seen, arg_min(link, first_frame) AS link
        FROM appearances JOIN people USING (person_id) WHERE appearances.broadcast = $broadcast
        GROUP BY person_id, name, rank ORDER BY n_frames DESC, rank
        """,
        {"broadcast": broadcast},
    )


def _ids(people: Sequence[Person]) -> list[str]:
    return [person.person_id for person in people]
