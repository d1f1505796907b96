"""The tables of what was said: times held against frames, and words beside people."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.archive import listed
from castgraph.base import tables
from castgraph.base.files import write_json
from castgraph.base.odds import log_odds
from castgraph.transcripts.check import check
from castgraph.transcripts.cues import Utterance
from castgraph.transcripts.statuses import STATUSES
from castgraph.transcripts.utterances import write_tables
from castgraph.transcripts.words import LEAST, LEAST_Z, words_table

X, Y = "X_20260101_100000", "Y_20260101_120000"
START = {X: datetime(2026, 1, 1, 10, tzinfo=UTC), Y: datetime(2026, 1, 1, 12, tzinfo=UTC)}


def write(path: Path, schema: pa.Schema, rows: list[dict[str, Any]]) -> Path:
    empty = {field.name: 0 if pa.types.is_integer(field.type) else None for field in schema}
    tables.write(path, pa.Table.from_pylist([empty | row for row in rows], schema=schema), {})
    return path


def frames(folder: Path, read: dict[str, int], *, status: str = "ok") -> Path:
    return write(
        folder / "frames.parquet",
        tables.MERGED_FRAMES,
        [
            {"broadcast": name, "frame": n, "status": status}
            | {"time": START[name] + timedelta(seconds=4 * (n - 1))}
            for name in sorted(read)
            for n in range(1, read[name] + 1)
        ],
    )


def subrip(*cues: tuple[float, float, str]) -> str:
    def stamp(seconds: float) -> str:
        ms = round(seconds * 1000)
        return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"

    return "".join(f"{n}\n{stamp(a)} --> {stamp(b)}\n{text}\n\n" for n, (a, b, text) in enumerate(cues, 1))


def made(
    folder: Path, texts: dict[str, Any], read: dict[str, int], **options: Any
) -> tuple[pa.Table, pa.Table]:
    paths = {}
    for name, holds in texts.items():
        paths[name] = folder / f"{name}.json"
        facts = holds if isinstance(holds, dict) else {"status": "ok", "name": "x.srt", "text": holds}
        write_json(paths[name], facts)
    write_tables(
        listed({X: "", Y: ""}),
        paths,
        frames(folder, read, status=options.pop("frames_status", "ok")),
        transcripts_to=folder / "transcripts.parquet",
        utterances_to=folder / "utterances.parquet",
        frame_seconds=4,
        **options,
    )
    for name in ("transcripts", "utterances"):
        tables.check(folder / f"{name}.parquet", tables.TABLES[name])
    return (
        tables.read(folder / "transcripts.parquet", tables.TRANSCRIPTS),
        tables.read(folder / "utterances.parquet", tables.UTTERANCES),
    )


# ---- utterances ------------------------------------------------------------------------------------------


def test_utterances_have_their_time_and_transcripts_their_status(tmp_path: Path) -> None:
    text = subrip((1, 2.5, "=Good evening"), (200, 204, "and good night"))
    transcripts, said = made(tmp_path, {X: text}, {X: 60}, language="en")
    first, second = said.to_pylist()
    assert first == {
        "broadcast": X,
        "utterance": 1,
        "start": START[X] + timedelta(seconds=1),
        "end": START[X] + timedelta(seconds=2.5),
        "seconds": 1.0,
        "text": "=Good evening",
        "language": "en",
    }
    assert (second["utterance"], second["seconds"]) == (2, 200.0)
    one, other = transcripts.to_pylist()
    assert (one["status"], one["reason"], one["n_utterances"]) == ("ok", "", 2)
    assert (one["first_seconds"], one["last_seconds"], one["frames_seconds"]) == (1.0, 204.0, 240.0)
    assert (other["broadcast"], other["status"], other["n_utterances"]) == (Y, "missing", 0)
    assert "not asked for" in other["reason"]


@pytest.mark.parametrize(
    ("given", "options", "status", "reason"),
    [
        ({"status": "missing", "reason": "no such file"}, {}, "missing", "no such file"),
        ({"status": "damaged", "reason": "larger", "name": "x.srt"}, {}, "damaged", "larger"),
        ("no cue", {}, "empty", "no cue of it has a text and a time"),
        (subrip((1, 239, "x")), {"frames_status": "unreadable"}, "unchecked", "no frame"),
        (subrip((1, 2, "a"), (9, 8, "b"), (200, 239, "c")), {}, "partial", "1 cue could not be used"),
        (subrip((3601, 3602, "a"), (3800, 3839, "b")), {}, "shifted", "its clock seems to begin at 1 h"),
        (subrip((400, 402, "a"), (600, 630, "b")), {}, "shifted", "ends 6 min 30 s"),
        (subrip((1, 2, "a"), (1000, 1030, "b")), {}, "longer", "1 utterance of 2 lie"),
        (subrip((1, 2, "a"), (30, 40, "b")), {}, "short", "it covers 39 s of 4 min"),
        (subrip((1, 2, "a"), (270, 290, "b")), {}, "ok", ""),  # a minute more is allowed
    ],
)
def test_times_that_do_not_fit_are_told(tmp_path: Path, given, options, status, reason) -> None:
    transcripts, _ = made(tmp_path, {X: given}, {X: 60}, **options)
    found = transcripts.to_pylist()[0]
    assert (found["status"], reason in found["reason"]) == (status, True), found


@given(
    st.lists(st.tuples(st.floats(0, 10_000), st.floats(0, 100)), min_size=1, max_size=9),
    st.one_of(st.none(), st.floats(4, 10_000)),
)
def test_every_transcript_has_a_status(cues: list[tuple[float, float]], span: float | None) -> None:
    said = [Utterance(start, start + lasts, "x") for start, lasts in sorted(cues)]
    found = check(said, span)
    assert found.status in STATUSES
    assert bool(found.reason) == (found.status != "ok")
    if span and max(each.end for each in said) <= span:
        assert found.status in ("ok", "short")


def test_the_language_is_that_of_the_name_else_of_the_file_else_of_the_configuration(tmp_path: Path) -> None:
    vtt = "WEBVTT\nLanguage: de\n\n00:01.000 --> 00:02.000\nja\n"
    named = {"status": "ok", "name": "x.en.vtt", "language": "en", "text": vtt}
    assert set(made(tmp_path, {X: named, Y: vtt}, {X: 1}, language="ru")[1]["language"].to_pylist()) == {
        "en",
        "de",
    }
    assert made(tmp_path, {X: subrip((1, 2, "да"))}, {X: 1}, language="ru")[1]["language"].to_pylist() == [
        "ru"
    ]
    assert made(tmp_path, {X: subrip((1, 2, "да"))}, {X: 1})[1]["language"].to_pylist() == [""]


# ---- words -----------------------------------------------------------------------------------------------


def words(
    folder: Path,
    said: dict[str, list[tuple[float, float, str]]],
    seen: list[tuple[str, str, int]],
    met: list[tuple[str, str, str, int]] = [],  # noqa: B006
    read: int = 400,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    made(
        folder, {name: subrip(*cues) for name, cues in said.items()}, dict.fromkeys(said, read), language="en"
    )
    sightings = [
        {"person_id": person, "broadcast": name, "frame": frame, "face": n}
        for n, (person, name, frame) in enumerate(sorted(seen))
    ]
    meetings = [
        dict(zip(("source", "target", "broadcast", "frame"), row, strict=True)) for row in sorted(met)
    ]
    found, counts = words_table(
        folder / "utterances.parquet",
        folder / "transcripts.parquet",
        folder / "frames.parquet",
        write(folder / "sightings.parquet", tables.SIGHTINGS, sightings),
        write(folder / "meetings.parquet", tables.MEETINGS, meetings),
        4,
    )
    tables.write(folder / "words.parquet", found, {}, tables.WORDS)
    tables.check(folder / "words.parquet", tables.TABLES["words"])
    return found.to_pylist(), counts


def test_a_planted_word_stands_out_beside_its_person_and_pair_alone(tmp_path: Path) -> None:
    """A word a frame; AAAA is in every third, BBBB in every second, and CCCC never with the others."""
    said = {X: [(4 * n, 4 * n + 3.5, "the lake" if n % 6 == 0 else f"and w{n % 7}") for n in range(300)]}
    seen = [("AAAA", X, n + 1) for n in range(0, 300, 3)] + [("BBBB", X, n + 1) for n in range(0, 300, 2)]
    seen += [("CCCC", X, n + 1) for n in range(1, 300, 6)]
    rows, counts = words(tmp_path, said, seen, [("AAAA", "BBBB", X, n + 1) for n in range(0, 300, 6)])
    assert [(row["person_id"], row["other_id"], row["word"]) for row in rows] == [
        ("AAAA", "", "lake"),
        ("AAAA", "BBBB", "lake"),
        ("BBBB", "", "lake"),
    ]
    pair = rows[1]
    assert (pair["n"], pair["n_rest"], pair["n_words"], pair["n_broadcasts"]) == (50, 0, 50, 1)
    assert (pair["language"], rows[0]["n_words"]) == ("en", 100)
    # Nobody is in two of six frames but CCCC, who is in one of these.
    assert counts == {
        "n_utterances": 300,
        "n_left_out": 0,
        "n_without_frames": 0,
        "n_outside": 50,
        "n_beside": 250,
    }


def test_what_is_said_outside_of_everything_is_counted_once(tmp_path: Path) -> None:
    said = {
        X: [(0, 2, "a"), (10, 12, "b"), (39, 45, "c"), (50, 52, "d")],
        Y: [(7200, 7202, "e"), (7230, 7250, "f")],
    }
    _, counts = words(
        tmp_path, said, [("AAAA", X, 1), ("AAAA", X, 1), ("BBBB", X, 10), ("CCCC", Y, 1)], read=10
    )
    # d lies after the last frame, and the times of Y are wrong.
    assert counts == {
        "n_utterances": 6,
        "n_left_out": 2,
        "n_without_frames": 1,
        "n_outside": 1,
        "n_beside": 2,
    }


def test_languages_are_not_compared_with_each_other(tmp_path: Path) -> None:
    cues = [(4 * n, 4 * n + 3, f"word{n % 5}") for n in range(100)]
    english = {"status": "ok", "name": "x", "language": "en", "text": subrip(*cues)}
    spoken = subrip(*((start, end, "слово") for start, end, _ in cues))
    russian = {"status": "ok", "name": "x", "language": "ru", "text": spoken}
    made(tmp_path, {X: english, Y: russian}, {X: 100, Y: 100})
    seen = [{"person_id": "AAAA", "broadcast": Y, "frame": n} for n in range(1, 101)]
    found, _ = words_table(
        tmp_path / "utterances.parquet",
        tmp_path / "transcripts.parquet",
        tmp_path / "frames.parquet",
        write(tmp_path / "sightings.parquet", tables.SIGHTINGS, seen),
        write(tmp_path / "meetings.parquet", tables.MEETINGS, []),
        4,
    )
    # All that is said in Russian is said beside AAAA, so nothing of it is said more.
    assert found.num_rows == 0


def test_a_run_in_which_nothing_is_said_has_empty_tables(tmp_path: Path) -> None:
    rows, counts = words(tmp_path, {}, [])
    assert rows == []
    assert set(counts.values()) == {0}


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 80), st.integers(0, 9), st.sampled_from(["lake", "boat", "lake boat", "hill the"])
        ),
        min_size=1,
        max_size=60,
    ),
    st.sets(st.tuples(st.sampled_from(["AAAA", "BBBB"]), st.integers(1, 20)), max_size=30),
)
def test_counts_are_those_of_a_plain_look(tmp_path_factory, cues, seen) -> None:
    folder = tmp_path_factory.mktemp("plain")
    spoken = sorted((start, start + lasts, text) for start, lasts, text in cues)
    rows, counts = words(folder, {X: spoken}, [(person, X, frame) for person, frame in seen], read=20)
    kept = tables.read(folder / "utterances.parquet", tables.UTTERANCES).to_pylist()
    left_out = counts["n_left_out"] > 0

    def overlaps(row: dict[str, Any], frame: int) -> bool:
        start, end = row["seconds"], (row["end"] - START[X]).total_seconds()
        return 4 * (frame - 1) < max(end, start + 1e-6) and 4 * frame > start

    def counted(utterances: list[dict[str, Any]]) -> Counter[str]:
        return Counter(word for row in utterances for word in row["text"].split() if word != "the")

    for person in ("AAAA", "BBBB"):
        shown = [frame for name, frame in seen if name == person]
        here = counted([row for row in kept if not left_out and any(overlaps(row, frame) for frame in shown)])
        all_of = counted([] if left_out else kept)
        expected = {}
        for word, n in here.items():
            rest = all_of[word] - n
            odds = log_odds(np.array([n]), np.array([rest]), here.total(), all_of.total() - here.total())
            if n >= LEAST and odds.z[0] >= LEAST_Z:
                expected[word] = (n, rest, pytest.approx(odds.z[0]))
        assert {
            r["word"]: (r["n"], r["n_rest"], r["z"]) for r in rows if r["person_id"] == person
        } == expected
    outside = [
        row
        for row in kept
        if any(overlaps(row, n) for n in range(1, 21)) and not any(overlaps(row, n) for _, n in seen)
    ]
    assert left_out or counts["n_outside"] == len(outside)
