"""When frames and faces were on air: a video by its own clock, all else by its frame numbers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.members import members

from castgraph.base import tables
from castgraph.faces.merge import merge
from castgraph.faces.quality import Quality
from castgraph.faces.times import face_times, frame_times, n_read, on_air
from castgraph.network.cooccurrence import cooccurrences
from castgraph.people.centre import middles
from castgraph.people.table import COLUMNS, people_table

START = datetime(2026, 1, 3, 18, 0, tzinfo=UTC)
VIDEO, STILLS = "LOCAL1_20260103_180000_Film", "NTV_20260103_180000"
SECONDS = [0.0, 4.3, 8.0, 152.04]
"""A video that is late at its second frame, and has a gap after the third: frames 1, 2, 3 and 39."""


def encoded(
    folder: Path, broadcast: str, frames: list[int], seconds: list[float | None]
) -> tuple[Path, Path]:
    """Write the tables of a broadcast with two faces in each frame."""
    facts = tables.provenance("encode", {}, status="ok", reason="", n_refused=0)
    box = {"top": 10, "right": 60, "bottom": 60, "left": 10, "score": 1.0, "sharpness": 9.0}
    looks = box | {"landmarks": [0.0] * 10, "embedding": [0.0] * 128}
    faces = [
        {"broadcast": broadcast, "face": n, "frame": frame, **looks}
        for n, frame in enumerate(frame for frame in frames for _ in range(2))
    ]
    rows = [
        {
            "broadcast": broadcast,
            "frame": frame,
            "seconds": second,
            "n_faces": 2,
            "status": "ok",
            "reason": "",
        }
        for frame, second in zip(frames, seconds, strict=True)
    ]
    paths = folder / "faces" / f"{broadcast}.parquet", folder / "frames" / f"{broadcast}.parquet"
    tables.write(paths[0], pa.Table.from_pylist(faces, schema=tables.FACES), facts, tables.FACES)
    tables.write(paths[1], pa.Table.from_pylist(rows, schema=tables.FRAMES), facts, tables.FRAMES)
    return paths


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Path]:
    """The merged tables of a video and of stills that were on air at the same time."""
    out = {name: tmp_path / f"{name}.parquet" for name in ("broadcasts", "faces", "frames")}
    both = [
        encoded(tmp_path, VIDEO, [1, 2, 3, 39], SECONDS),
        encoded(tmp_path, STILLS, [1, 2, 5], [None] * 3),
    ]
    merge(both, **out, quality=Quality(), frame_seconds=4, settings={})
    return out


def test_frames_of_a_video_have_its_clock_and_stills_their_number(run: dict[str, Path]) -> None:
    rows = tables.read(run["frames"], tables.MERGED_FRAMES).to_pylist()
    assert {(row["broadcast"], row["frame"]): row["time"] - START for row in rows} == {
        (VIDEO, 1): timedelta(),
        (VIDEO, 2): timedelta(seconds=4.3),
        (VIDEO, 3): timedelta(seconds=8),
        (VIDEO, 39): timedelta(seconds=152.04),
        (STILLS, 1): timedelta(),
        (STILLS, 2): timedelta(seconds=4),
        (STILLS, 5): timedelta(seconds=16),
    }
    for name in ("faces", "frames", "broadcasts"):
        tables.check(run[name], tables.TABLES[name])


def test_what_was_read_was_on_air_from_the_first_frame_to_the_end_of_the_last(run: dict[str, Path]) -> None:
    assert on_air(run["frames"], 4) == (START, START + timedelta(seconds=156.04))
    table = tables.read(run["frames"], tables.MERGED_FRAMES)
    for statuses, expected in (
        (["damaged"] * 7, None),
        (["ok"] * 2 + ["damaged"] * 5, (START, START + timedelta(seconds=8.3))),
    ):
        place = table.schema.get_field_index("status")
        changed = table.set_column(place, table.schema.field(place), pa.array(statuses))
        tables.write(run["frames"], changed, {}, tables.MERGED_FRAMES)
        assert on_air(run["frames"], 4) == expected


def test_frames_that_were_read_are_counted_and_replays_are_left_out(run: dict[str, Path]) -> None:
    assert n_read(run["frames"]) == {VIDEO: 4, STILLS: 3}
    assert n_read(run["frames"], {VIDEO: np.array([[2, 3], [30, 50]], np.int32)}) == {VIDEO: 1, STILLS: 3}


def test_a_face_has_the_time_of_its_frame_in_all_that_follows(run: dict[str, Path]) -> None:
    times = face_times(run["faces"], run["frames"])
    elapsed = (times - np.datetime64(START.replace(tzinfo=None))) / np.timedelta64(1, "s")
    assert elapsed.tolist() == [s for s in (*SECONDS, 0, 4, 16) for _ in range(2)]
    faces = tables.read(run["faces"], tables.MERGED_FACES, COLUMNS)
    labels = np.tile(np.array([0, 1], np.int32), 7)
    labels[[0, 1, 8, 9]] = -1  # they are not in the first frames
    who = members(labels)
    embeddings = tables.open_embeddings(run["faces"])
    people = people_table(faces, middles(embeddings, labels), who, times, frame_seconds=4, n_frames=7)
    [edge] = cooccurrences(faces, who, times).to_pylist()
    for row in (*people.to_pylist(), edge):
        assert row["first_seen"] == START + timedelta(seconds=4)
        assert row["last_seen"] == START + timedelta(seconds=152)
    # The second frame of the stills was on air 0.3 s before that of the video, whose ID comes first.
    assert (edge["broadcast"], edge["frame"]) == (STILLS, 2)


def test_a_face_whose_frame_is_lost_is_an_error(run: dict[str, Path]) -> None:
    frames = tables.read(run["frames"], tables.MERGED_FRAMES)
    for lost, told in ((3, f"frame 39 of {VIDEO}"), (6, f"frame 5 of {STILLS}"), (0, f"frame 1 of {VIDEO}")):
        tables.write(run["frames"], frames.take([n for n in range(7) if n != lost]), {}, tables.MERGED_FRAMES)
        with pytest.raises(tables.TableError, match=f"a face in {told}, a frame that is not in"):
            face_times(run["faces"], run["frames"])
    tables.write(run["frames"], frames.slice(0, 4), {}, tables.MERGED_FRAMES)
    with pytest.raises(tables.TableError, match=f"a face in frame 1 of {STILLS}"):
        face_times(run["faces"], run["frames"])


@settings(max_examples=30, deadline=None)
@given(
    n_frames=st.lists(st.integers(0, 6), max_size=4),
    n_faces=st.lists(st.integers(0, 3), min_size=24, max_size=24),
    at_a_time=st.integers(1, 9),
)
def test_any_faces_find_their_frames(
    n_frames: list[int], n_faces: list[int], at_a_time: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    frames, faces, counts = [], [], iter(n_faces)
    for day, n in enumerate(n_frames, 1):
        for frame in range(1, n + 1):
            place = {"broadcast": f"A_202601{day:02}_000000", "frame": 2 * frame}
            frames.append(place | {"time": START + timedelta(seconds=len(frames))})
            faces += [place | {"face": 0}] * next(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables.parquet, "ROW_GROUP", at_a_time)
        for name, schema, rows in (
            ("frames", tables.MERGED_FRAMES, frames),
            ("faces", tables.MERGED_FACES, faces),
        ):
            with tables.writer(folder / name, schema, {}) as add:
                for row in rows:
                    add(pa.Table.from_pylist([row], schema=schema))
    expected = {(row["broadcast"], row["frame"]): row["time"].replace(tzinfo=None) for row in frames}
    assert face_times(folder / "faces", folder / "frames").astype(object).tolist() == [
        expected[face["broadcast"], face["frame"]] for face in faces
    ]


@given(frame=st.integers(1, 100_000), frame_seconds=st.sampled_from([0.04, 0.5, 1 / 3, 4]))
def test_frames_follow_each_other_from_the_start(frame: int, frame_seconds: float) -> None:
    unknown = np.array([np.nan])
    [time] = frame_times(START, np.array([frame], np.int32), unknown, frame_seconds).astype(object)
    assert time.replace(tzinfo=UTC) == START + timedelta(seconds=(frame - 1) * frame_seconds)


@pytest.mark.parametrize("seconds", [float("inf"), 999_999_999_999.0, float("nan")])
def test_a_clock_that_cannot_be_is_not_believed(seconds: float) -> None:
    """It comes from the comment of a ZIP, and a ZIP comes from anywhere."""
    [time] = frame_times(START, np.array([3], np.int32), np.array([seconds]), 4).astype(object)
    assert time.replace(tzinfo=UTC) == START + timedelta(seconds=8)
