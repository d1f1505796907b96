"""The entities of a run's broadcasts: what is seen and heard in each, by what the run knows."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.base.text import line

Path = str | os.PathLike[str]

KINDS = ("person", "group", "setting", "label", "text", "word", "faces", "shot")
"""What of a run makes a broadcast like another."""

SAME_SHOT = 12
"""Bits of 64 in which the hashes of two frames of one shot differ at most."""

MOST_FACES = 5
"""Faces in a frame from which on they are counted as this many or more."""

SHOTS = (
    "1 frame",
    "2 frames",
    "3-4 frames",
    "5-8 frames",
    "9-16 frames",
    "17-32 frames",
    "33 or more frames",
)
"""By what length shots are counted."""

WHOLE = 0.5
"""A broadcast of which a larger share was on air before is a repeat: it is taken as it is."""

_LONGEST_NAME = 200
"""Characters of a text on the screen; what is longer says nothing by being the same."""

Frames = NDArray[np.int32]
Counts = defaultdict[tuple[str, str, str], float]
"""Broadcast, kind and entity → how much."""


class _Again(NamedTuple):
    """Stretches of a broadcast that do not count, first and last frames."""

    first: Frames
    last: Frames

    def holds(self, frames: Frames) -> NDArray[np.bool_]:
        """Tell which frames do not count."""
        inside = (self.first[:, None] <= frames) & (frames <= self.last[:, None])
        return np.asarray(inside.any(axis=0))


def entities_of_run(
    broadcasts: Path,
    frames: Path,
    faces: Path,
    members: Path,
    *,
    frame_seconds: float,
    replays: Path | None = None,
    visual: Path | None = None,
    utterances: Path | None = None,
    kinds: Collection[str] = KINDS,
) -> pa.Table:
    """Count what is seen and heard in each broadcast of a run.

    Parameters
    ----------
    broadcasts, frames, faces, members
        Tables of the run. Who is ignored or forgotten is nobody, and so in nothing of this.
    frame_seconds
        Seconds between two frames: how long one stands for what is on air.
    replays
        Stretches that were on air before. They do not count, as a clip of another show says nothing of this
        one; but openings do, and so does a broadcast that is a repeat as a whole. Of commercials no showing
        counts, the first neither.
    visual
        The frames as wholes; None where ``visual`` is off.
    utterances
        What was said; None where there are no transcripts.
    kinds
        Which of `KINDS` to count.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.ENTITIES`, ``day`` being null. People, groups of pictures,
        settings, labels, words on the screen and numbers of faces are counted in seconds, words that are
        said in times, and shots of one, two, three or four frames and so on (doubling) in shots.
    """
    known = {row["broadcast"]: row for row in tables.read(broadcasts, tables.BROADCASTS).to_pylist()}
    again = _again(replays, {name: row["n_frames"] or 0 for name, row in known.items()}) if replays else {}
    found: Counts = defaultdict(float)
    if "person" in kinds:
        found.update(_people(faces, members, again, frame_seconds))
    if {"faces", "shot"} & set(kinds):
        found.update(_frames(frames, again, frame_seconds))
    if visual and {"group", "setting", "label", "text"} & set(kinds):
        found.update(_seen(visual, again, frame_seconds))
    if utterances and "word" in kinds:
        found.update(_said(utterances, frames, again, frame_seconds))
    return _table(found, known, kinds)


def _table(found: Counts, known: dict[str, dict[str, object]], kinds: Collection[str]) -> pa.Table:
    rows = sorted(
        (known[broadcast]["station"], known[broadcast]["start"], broadcast, kind, entity)
        for (broadcast, kind, entity), count in found.items()
        if kind in kinds and broadcast in known and count > 0
    )
    station, start, broadcast, kind, entity = zip(*rows, strict=True) if rows else ((),) * 5
    shows = [line(str(known[name]["title"]).replace("_", " ")) or None for name in broadcast]
    counts = [float(found[key]) for key in zip(broadcast, kind, entity, strict=True)]
    columns = [broadcast, station, shows, start, [None] * len(rows), kind, entity, counts]
    names = ("broadcast", "station", "show", "start", "day", "kind", "entity", "count")
    values = {
        name: pa.array(column, pa.string()).dictionary_encode()
        if name == "kind"
        else pa.array(column, tables.ENTITIES.field(name).type)
        for name, column in zip(names, columns, strict=True)
    }
    return pa.table([values[name] for name in tables.ENTITIES.names], schema=tables.ENTITIES)


def _again(replays: Path, n_frames: dict[str, int]) -> dict[str, _Again]:
    """Give the stretches of each broadcast that do not count."""
    columns = ["broadcast", "first_frame", "last_frame", "kind"]
    columns += ["earlier_broadcast", "earlier_first_frame", "earlier_last_frame"]
    parts: dict[str, list[tuple[int, int]]] = {}
    for row in tables.read(replays, tables.REPLAYS, columns).to_pylist():
        if row["kind"] == "opening":
            continue
        parts.setdefault(row["broadcast"], []).append((row["first_frame"], row["last_frame"]))
        if row["kind"] == "commercial":
            earlier = row["earlier_first_frame"], row["earlier_last_frame"]
            parts.setdefault(row["earlier_broadcast"], []).append(earlier)
    found = {}
    for name, stretches in parts.items():
        first, last = np.array(sorted(set(stretches)), np.int32).T
        again = _Again(first, last)
        everything = np.arange(1, n_frames.get(name, 0) + 1, dtype=np.int32)
        if again.holds(everything).sum() <= WHOLE * len(everything):
            found[name] = again
    return found


def _counting(again: dict[str, _Again], broadcast: str, frames: Frames) -> NDArray[np.bool_]:
    """Tell which frames of a broadcast count."""
    stretches = again.get(broadcast)
    return np.ones(len(frames), bool) if stretches is None else ~stretches.holds(frames)


def _people(faces: Path, members: Path, again: dict[str, _Again], frame_seconds: float) -> Counts:
    """Count the seconds that each person is on the screen; a person twice in a frame is there once."""
    found: Counts = defaultdict(float)
    of_faces = tables.by_broadcast(faces, tables.MERGED_FACES, ["frame"])
    of_members = tables.by_broadcast(members, tables.MEMBERS, ["person_id"])
    for (broadcast, [frame]), (_, [person]) in zip(of_faces, of_members, strict=True):
        kept = _counting(again, broadcast, frame)
        there = set(zip(frame[kept].tolist(), person[kept].tolist(), strict=True))
        for each, n in Counter(name for _, name in there if name is not None).items():
            found[broadcast, "person", each] = n * frame_seconds
    return found


def _frames(frames: Path, again: dict[str, _Again], frame_seconds: float) -> Counts:
    """Count how long how many faces are in the picture, and how many shots are how long."""
    found: Counts = defaultdict(float)
    columns = ["frame", "n_faces", "status", "phash"]
    for name, [frame, n_faces, status, phash] in tables.by_broadcast(frames, tables.MERGED_FRAMES, columns):
        kept = _counting(again, name, frame) & (status == "ok")
        faces, n = np.unique(np.minimum(n_faces[kept].astype(np.int64), MOST_FACES), return_counts=True)
        for each, many in zip(faces.tolist(), n.tolist(), strict=True):
            found[name, "faces", f"{each} or more" if each == MOST_FACES else str(each)] = (
                many * frame_seconds
            )
        # Of a table with a frame without a hash Arrow makes floats, which do not hold one exactly.
        whole = np.array(
            [0 if each is None or each != each else int(each) for each in phash[kept]], np.uint64
        )
        for length, many in _shots(frame[kept], whole).items():
            found[name, "shot", length] = many
    return found


def _shots(frame: Frames, phash: NDArray[np.uint64]) -> Counter[str]:
    """Count shots by their length: frames that follow each other and are nearly alike are one."""
    if not len(frame):
        return Counter()
    goes_on = (np.diff(frame) == 1) & (np.bitwise_count(phash[1:] ^ phash[:-1]) <= SAME_SHOT)
    begins = np.flatnonzero(np.concatenate([[True], ~goes_on, [True]]))
    doubled = np.minimum(np.ceil(np.log2(np.diff(begins))), len(SHOTS) - 1).astype(int)
    return Counter(SHOTS[each] for each in doubled.tolist())


def _seen(visual: Path, again: dict[str, _Again], frame_seconds: float) -> Counts:
    """Count how long groups of pictures, settings, labels and words on the screen are seen."""
    found: Counts = defaultdict(float)
    columns = ["frame", "labels", "texts", "group", "setting"]
    for name, [frame, labels, texts, *numbered] in tables.by_broadcast(visual, tables.VISUAL_FRAMES, columns):
        for row in np.flatnonzero(_counting(again, name, frame)).tolist():
            shown = [("label", each) for each in _some(labels[row])]
            shown += [("text", each) for each in _words(_some(texts[row]))]
            shown += [
                (kind, str(of[row]))
                for kind, of in zip(columns[3:], numbered, strict=True)
                if of[row] != NOISE
            ]
            for kind, entity in set(shown):
                found[name, kind, entity] += frame_seconds
    return found


def _some(values: Iterable[str] | None) -> list[str]:
    return [] if values is None else [line(each)[:_LONGEST_NAME] for each in values]


def _words(texts: Iterable[str], language: str = "") -> Iterator[str]:
    # Here, since the stop words of all languages take a while to load.
    from castgraph.transcripts.text import is_word, stop_words, words

    stop = stop_words(language)
    return (each for text in texts for each in words(text, language) if is_word(each, stop))


def _said(utterances: Path, frames: Path, again: dict[str, _Again], frame_seconds: float) -> Counts:
    """Count how often words are said, but for what was on air before."""
    times = _times(frames, again)
    found: Counts = defaultdict(float)
    columns = ["start", "text", "language"]
    for name, [start, text, language] in tables.by_broadcast(utterances, tables.UTTERANCES, columns):
        on_air = start.astype("datetime64[us]")
        counts = np.ones(len(text), bool)
        for first, last in times.get(name, ()):
            counts &= (on_air < first) | (on_air > last + np.timedelta64(round(frame_seconds * 1e6), "us"))
        for row in np.flatnonzero(counts).tolist():
            for word in _words([text[row]], language[row] or ""):
                found[name, "word", word] += 1
    return found


def _times(frames: Path, again: dict[str, _Again]) -> dict[str, list[tuple[np.datetime64, np.datetime64]]]:
    """Tell when the stretches that do not count are on air."""
    found = {}
    for name, [frame, time] in tables.by_broadcast(frames, tables.MERGED_FRAMES, ["frame", "time"]):
        if name in again:
            parts = [
                time[(first <= frame) & (frame <= last)].astype("datetime64[us]")
                for first, last in zip(*again[name], strict=True)
            ]
            found[name] = [(part.min(), part.max()) for part in parts if len(part)]
    return found
