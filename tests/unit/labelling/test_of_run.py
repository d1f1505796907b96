"""The entities of a broadcast, by what a run knows of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from castgraph.base import tables
from castgraph.labelling.of_run import KINDS, entities_of_run

START = datetime(2024, 1, 2, 19, tzinfo=UTC)
ONE, TWO = "NTV_20240102_190000_Evening_News", "NTV_20240103_070000"
HASH = 0xFFFF0000FFFF0000

Run = Callable[..., dict[tuple[str, str], float]]


def rows_of(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, tables.TABLES[name].schema)


def frames_of(broadcast: str, n_faces: Mapping[int, int], hashes: Mapping[int, int]) -> list[dict[str, Any]]:
    start = START + timedelta(days=broadcast == TWO)
    return [
        {"broadcast": broadcast, "frame": frame, "time": start + timedelta(seconds=4 * (frame - 1))}
        | {"n_faces": n_faces.get(frame, 0), "status": "ok", "reason": "", "phash": hashes.get(frame, HASH)}
        for frame in range(1, 11)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Make a run of two broadcasts of ten frames, and count its entities: of the second, by kind and name."""

    def count(of: str = TWO, **options: Any) -> dict[tuple[str, str], float]:
        broadcasts = [
            {"broadcast": name, "station": "NTV", "start": START + timedelta(hours=hours), "title": title}
            | {"status": "ok", "reason": "", "n_frames": 10, "n_unreadable": 0, "n_refused": 0, "n_faces": 4}
            for name, hours, title in ((ONE, 0, "Evening_News"), (TWO, 12, ""))
        ]
        seen = [
            (ONE, 2, "A1"),
            (TWO, 1, "A1"),
            (TWO, 1, "A1"),
            (TWO, 2, "A1"),
            (TWO, 2, None),
            (TWO, 7, "B2"),
        ]
        faces = [
            {"broadcast": name, "face": n, "frame": frame, "score": 1.0}
            for n, (name, frame, _) in enumerate(seen)
        ]
        members = [
            {"broadcast": name, "face": n, "person_id": person, "why": "" if person else "forgotten"}
            for n, (name, _, person) in enumerate(seen)
        ]
        shots = {5: 0, 6: 0, 7: 0, 8: 0b1111, 9: 2**64 - 1, 10: 0}
        frames = [*frames_of(ONE, {2: 1}, {}), *frames_of(TWO, {1: 2, 2: 2, 7: 9}, shots)]
        visual = [
            {"broadcast": TWO, "frame": frame, "group": group, "labels": labels, "texts": texts}
            | {"setting": min(group, 1)}
            for frame, group, labels, texts in (
                (1, 3, ["studio", "desk"], ["Live 12:00", "LIVE"]),
                (2, 3, ["studio"], None),
                (7, -1, [], []),
            )
        ]
        said = [
            {"broadcast": TWO, "utterance": n, "text": text, "language": "en"}
            | {
                "start": START + timedelta(days=1, seconds=at),
                "end": START + timedelta(days=1, seconds=at + 3),
            }
            for n, (at, text) in enumerate([(0, "The harbour is open."), (25, "The harbour, the sea!")])
        ]
        made = {
            "broadcasts": broadcasts,
            "faces": faces,
            "members": members,
            "frames": frames,
            "visual_frames": visual,
            "utterances": said,
            "replays": options.pop("replays", []),
        }
        paths = {}
        for name, rows in made.items():
            paths[name] = tmp_path / f"{name}.parquet"
            tables.write(paths[name], rows_of(name, rows), {}, tables.TABLES[name].schema)
        found = entities_of_run(
            paths["broadcasts"],
            paths["frames"],
            paths["faces"],
            paths["members"],
            frame_seconds=4.0,
            replays=paths["replays"],
            **{"visual": paths["visual_frames"], "utterances": paths["utterances"], **options},
        )
        tables.write(tmp_path / "entities.parquet", found, {}, tables.ENTITIES)
        tables.check(tmp_path / "entities.parquet", tables.TABLES["entities"])
        assert {row["show"] for row in found.to_pylist()} <= {"Evening News", None}
        return {(r["kind"], r["entity"]): r["count"] for r in found.to_pylist() if r["broadcast"] == of}

    return count


def replay(first: int, last: int, kind: str = "scene") -> dict[str, Any]:
    return {"broadcast": TWO, "first_frame": first, "last_frame": last, "kind": kind} | {
        "earlier_broadcast": ONE,
        "earlier_first_frame": first,
        "earlier_last_frame": last,
    }


def test_what_is_seen_and_heard_is_counted(run: Run) -> None:
    found = run()
    assert {name: count for (kind, name), count in found.items() if kind == "person"} == {"A1": 8, "B2": 4}
    assert {name: count for (kind, name), count in found.items() if kind == "faces"} == {
        "0": 28,
        "2": 8,
        "5 or more": 4,
    }
    # Frames 1 to 4, 5 to 8, 9, and 10, whose hash is that of 5 again.
    assert {name: count for (kind, name), count in found.items() if kind == "shot"} == {
        "1 frame": 2,
        "3-4 frames": 2,
    }
    assert found["group", "3"] == found["setting", "1"] == found["label", "studio"] == 8
    assert found["label", "desk"] == found["text", "live"] == 4
    assert {name: count for (kind, name), count in found.items() if kind == "word"} == {
        "harbour": 2,
        "sea": 1,
    }
    assert {kind for kind, _ in found} == set(KINDS)


def test_who_is_nobody_is_in_nothing(run: Run) -> None:
    assert {name for kind, name in run() if kind == "person"} == {"A1", "B2"}


def test_a_clip_of_another_broadcast_does_not_count(run: Run) -> None:
    found = run(replays=[replay(1, 2)])
    assert {name for kind, name in found if kind == "person"} == {"B2"}
    assert sum(count for (kind, _), count in found.items() if kind == "faces") == 32
    assert ("group", "3") not in found
    assert found["word", "harbour"] == 1


@pytest.mark.parametrize(("first", "last", "kind"), [(1, 2, "opening"), (1, 8, "scene")])
def test_an_opening_counts_and_a_repeat_as_a_whole(run: Run, first: int, last: int, kind: str) -> None:
    assert run(replays=[replay(first, last, kind)]) == run()


def test_of_a_commercial_no_showing_counts(run: Run) -> None:
    assert ("person", "A1") in run(ONE, replays=[replay(1, 2)])
    assert ("person", "A1") not in run(ONE, replays=[replay(1, 2, "commercial")])


def test_without_pictures_and_words_the_rest_is_counted(run: Run) -> None:
    found = run(visual=None, utterances=None)
    assert {kind for kind, _ in found} == {"person", "faces", "shot"}
    assert {kind for kind, _ in run(kinds=["person", "word"])} == {"person", "word"}
