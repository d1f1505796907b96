"""What was said, asked of the transcripts of a run; each gives the rows of an answer, with links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from castgraph.ask.questions import together
from castgraph.ask.views import QueryError, Views
from castgraph.ask.who import Person
from castgraph.base.text import counted
from castgraph.transcripts.search import Said, finder
from castgraph.transcripts.statuses import NOT_ALIGNED

# An utterance and a frame are on air together: the frame stands for the seconds to the next one.
_OVERLAP = """
epoch_us({frame}) < greatest(epoch_us("end"), epoch_us(start) + 1)
    AND epoch_us({frame}) + $lasts > epoch_us(start)
    AND NOT list_contains($not_aligned, transcripts.status)
"""

SAID = ("broadcast", "frame", "time", "text", "people", "transcript", "link")
"""What `said` tells: the people are those whom a frame shows meanwhile, the transcript is its status."""

_SAID = f"""
WITH asked AS (
    SELECT unnest($broadcasts) AS broadcast, unnest($firsts) AS first, unnest($lasts_of) AS last
), spans AS (
    SELECT asked.broadcast, first, last, min(start) AS start, max("end") AS "end",
        string_agg(text, ' ' ORDER BY utterance) AS text
    FROM asked JOIN utterances
        ON utterances.broadcast = asked.broadcast AND utterance BETWEEN first AND last
    GROUP BY asked.broadcast, first, last
), on_air AS (
    SELECT spans.broadcast, first, last, frame
    FROM spans JOIN transcripts USING (broadcast) JOIN frames USING (broadcast)
    WHERE frames.status = 'ok' AND {_OVERLAP.format(frame="frames.time")}
), seen AS (
    SELECT broadcast, first, last, string_agg(DISTINCT name, ', ' ORDER BY name) AS people
    FROM on_air JOIN sightings USING (broadcast, frame) JOIN names USING (person_id)
    GROUP BY broadcast, first, last
), places AS (SELECT broadcast, first, last, min(frame) AS frame FROM on_air GROUP BY broadcast, first, last)
SELECT spans.broadcast, frame, start AS time, text, coalesce(people, '') AS people, transcripts.status
FROM spans JOIN transcripts USING (broadcast) LEFT JOIN seen USING (broadcast, first, last)
    LEFT JOIN places USING (broadcast, first, last)
ORDER BY time, spans.broadcast, first, last
"""  # noqa: S608 (constants)

TOGETHER = ("broadcast", "frame", "time", "text", "shows", "link")
"""What `said_together` tells: the first frame of those that show the two meanwhile, and whom it shows."""

_TOGETHER = f"""
WITH asked AS (
    SELECT unnest($broadcasts) AS broadcast, unnest($frames) AS frame, unnest($times) AS on_air,
        unnest($shows) AS shows, unnest($links) AS link
)
SELECT asked.broadcast, min(frame) AS frame, start AS time, any_value(text) AS text,
    string_agg(DISTINCT shows, ', ' ORDER BY shows) AS shows, arg_min(link, frame) AS link
FROM asked JOIN utterances USING (broadcast) JOIN transcripts USING (broadcast)
WHERE {_OVERLAP.format(frame="on_air")}
GROUP BY asked.broadcast, utterance, start ORDER BY time, asked.broadcast, utterance
"""  # noqa: S608 (constants)

WORDS = ("language", "word", "n", "n_rest", "n_words", "n_broadcasts", "log_odds", "z")
"""What `words` tells; see `castgraph.base.tables.WORDS`."""


def said(views: Views, phrase: str) -> list[tuple[Any, ...]]:
    """Find where a phrase is said, and who was on the screen then.

    Parameters
    ----------
    views
        The tables.
    phrase
        One or more words, one behind the other; case and accents do not matter. It may go on in the next
        utterance.

    Returns
    -------
    list of tuple
        A row each, of `SAID`; by time. Where the times of a transcript are known to be wrong, or no frame was
        read then, nobody is named, and there is no frame and no link.

    Raises
    ------
    QueryError
        When there is no word in the phrase, or the run has no transcripts.
    """
    try:
        find = finder(phrase)
    except ValueError as error:
        raise QueryError(str(error)) from error
    hits = list(find(_utterances(views)))
    if not hits:
        return []
    broadcasts, firsts, lasts = map(list, zip(*hits, strict=True))
    asked = {"broadcasts": broadcasts, "firsts": firsts, "lasts_of": lasts}
    link = views.results.links()
    rows = views.ask(_SAID, {**asked, **_overlap(views)}).read_all().to_pydict()
    return [
        (*row, link(row[0], row[1]) if row[1] is not None else "") for row in zip(*rows.values(), strict=True)
    ]


def said_together(views: Views, one: Person, other: Person, within: float = 0) -> list[tuple[Any, ...]]:
    """Find what was said while two people were on the screen together.

    Parameters
    ----------
    views, one, other, within
        As of `castgraph.ask.questions.together`, which tells the frames.

    Returns
    -------
    list of tuple
        A row an utterance that overlaps one of these frames, of `TOGETHER`; by time. Transcripts whose times
        are known to be wrong are left out.

    Raises
    ------
    QueryError
        When the two are one, or the run has no transcripts.
    """
    found = together(views, one, other, within).read_all()
    views.ask("SELECT 1 FROM utterances JOIN transcripts USING (broadcast) LIMIT 0").read_all()
    if not len(found):
        return []
    asked = {
        "broadcasts": found["broadcast"].to_pylist(),
        "frames": found["frame"].to_pylist(),
        "times": found["time"].to_pylist(),
        "shows": found["shows"].to_pylist(),
        "links": found["link"].to_pylist(),
    }
    rows = views.ask(_TOGETHER, {**asked, **_overlap(views)}).read_all().to_pydict()
    return list(zip(*rows.values(), strict=True))


def words(views: Views, people: Sequence[Person]) -> list[tuple[Any, ...]]:
    """Tell which words stand out beside a person, or beside both people of a pair.

    Parameters
    ----------
    views
        The tables.
    people
        One person or two.

    Returns
    -------
    list of tuple
        A row each, of `WORDS`, the word that stands out most first.

    Raises
    ------
    QueryError
        When there are more people, or the run has no transcripts.
    """
    ids = sorted({each.person_id for each in people})
    if len(ids) != len(people) or len(ids) > 2:
        raise QueryError(f"{counted(len(people), 'person', 'people')} given; words asks for one, or for two")
    columns = ", ".join(WORDS)
    rows = views.ask(
        f"""
        SELECT {columns} FROM words WHERE person_id = $person AND other_id = $other
        ORDER BY z DESC, language, word
        """,  # noqa: S608 (constants)
        {"person": ids[0], "other": ids[1] if len(ids) > 1 else ""},
    )
    return list(zip(*rows.read_all().to_pydict().values(), strict=True))


def _overlap(views: Views) -> dict[str, Any]:
    return {
        "lasts": round(views.results.frame_seconds * 1e6),
        "not_aligned": sorted(NOT_ALIGNED),
    }


def _utterances(views: Views) -> Iterator[Said]:
    reader = views.ask(
        'SELECT broadcast, utterance, epoch_us(start), epoch_us("end"), text FROM utterances '
        "ORDER BY broadcast, utterance"
    )
    for batch in reader:
        yield from map(Said, *(column.to_pylist() for column in batch.columns))
