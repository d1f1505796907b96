"""Where each person is seen."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members import members

from castgraph.base import tables
from castgraph.people.places import Places
from castgraph.people.screen_time import screen_time
from castgraph.people.sightings import appearances, sightings

BROADCASTS = ["NTV_20240101_190000", "NTV_20240102_190000"]


def link(broadcast: str, frame: int) -> str:
    return f"https://tv.example/{broadcast}#{frame}"


def made(rows: list[tuple[int, int, int]], frame_seconds: float = 4):
    """Places, members and times of (broadcast, frame, person)."""
    rows = sorted(rows)
    broadcast, frame, person = (np.array([row[n] for row in rows], np.int32) for n in range(3))
    face = np.array([sum(row[0] == b for row in rows[:n]) for n, (b, _, _) in enumerate(rows)], np.int32)
    boxes = np.tile(np.array([[10], [60], [60], [10]], np.int32), len(rows))
    start = np.array(["2024-01-01T19:00", "2024-01-02T19:00"], "datetime64[us]")
    elapsed = ((frame - 1) * frame_seconds * 1e6).astype("timedelta64[us]")
    return Places(BROADCASTS, broadcast, face, frame, boxes), members(person), start[broadcast] + elapsed


ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 30), st.integers(-1, 3)), max_size=60)


@given(ROWS)
def test_every_face_of_every_person_and_no_other(rows) -> None:
    places, who, times = made(rows)
    distances = np.random.default_rng(len(rows)).random(len(rows)).astype(np.float32)
    found = sightings(places, who, distances, times, link)
    assert found.schema == tables.SIGHTINGS
    keys = [(row["person_id"], row["broadcast"], row["face"]) for row in found.to_pylist()]
    assert keys == sorted(
        (who.ids[person], BROADCASTS[broadcast], face)
        for person, broadcast, face in zip(
            who.person.tolist(), places.broadcast.tolist(), places.face.tolist(), strict=True
        )
        if person >= 0
    )
    for row in found.to_pylist():
        at = [n for n in range(len(rows)) if BROADCASTS[places.broadcast[n]] == row["broadcast"]][row["face"]]
        assert row["distance"] == distances[at]
        assert row["link"] == link(row["broadcast"], row["frame"])
        assert row["time"].replace(tzinfo=None) == times[at].item()


@given(ROWS, st.sampled_from([0.5, 4.0]), st.sampled_from([0.0, 4.0, 8.0, 12.0]))
def test_appearances_add_up_to_screen_time_and_are_apart(rows, frame_seconds: float, gap: float) -> None:
    places, who, times = made(rows, frame_seconds)
    found = appearances(places, who, times, link, frame_seconds=frame_seconds, gap_seconds=gap)
    assert found.schema == tables.APPEARANCES
    listed = found.to_pylist()
    keys = [(row["person_id"], row["broadcast"], row["first_frame"]) for row in listed]
    assert keys == sorted(set(keys))
    for person, name in enumerate(who.ids):
        frames = {row[:2] for row in rows if row[2] == person}
        assert sum(row["n_frames"] for row in listed if row["person_id"] == name) == len(frames)
        total = sum(row["screen_seconds"] for row in listed if row["person_id"] == name)
        assert total == len(frames) * frame_seconds
    for one, other in pairwise(listed):
        if (one["person_id"], one["broadcast"]) == (other["person_id"], other["broadcast"]):
            assert (other["start"] - one["end"]).total_seconds() > gap
    for row in listed:
        inside = sorted(
            frame
            for broadcast, frame, person in set(rows)
            if who.ids[person] == row["person_id"]
            and person >= 0
            and BROADCASTS[broadcast] == row["broadcast"]
            and row["first_frame"] <= frame <= row["last_frame"]
        )
        assert inside[0] == row["first_frame"]
        assert inside[-1] == row["last_frame"]
        assert all((b - a - 1) * frame_seconds <= gap for a, b in pairwise(inside))


def test_a_run_without_any_face() -> None:
    nobody = Places([], *np.empty((3, 0), np.int32), np.empty((4, 0), np.int32))
    times = np.empty(0, "datetime64[us]")
    assert sightings(nobody, members([]), np.empty(0, np.float32), times, link).num_rows == 0
    found = appearances(nobody, members([]), times, link, frame_seconds=4, gap_seconds=12)
    assert found.equals(pa.table(found.to_pydict(), schema=tables.APPEARANCES))


@given(ROWS, st.sampled_from([0.5, 4.0]))
def test_screen_time_is_what_counting_by_hand_says(rows, frame_seconds: float) -> None:
    places, who, times = made(rows, frame_seconds)
    start = np.array(["2024-01-01T19:00", "2024-01-02T19:00"], "datetime64[us]")
    broadcast = np.repeat(np.arange(2, dtype=np.int32), 30)
    elapsed = np.tile((np.arange(30) * frame_seconds * 1e6).astype("timedelta64[us]"), 2)
    read = BROADCASTS, broadcast, start[broadcast] + elapsed
    found = screen_time(places, who, times, read, frame_seconds)
    assert found.schema == tables.SCREEN_TIME
    keys = [(row["person_id"], row["by"], row["part"]) for row in found.to_pylist()]
    assert keys == sorted(set(keys))
    parts = {
        "show": ("", ""),
        "station": ("NTV", "NTV"),
        "day": ("2024-01-01", "2024-01-02"),
        "week": ("2024-W01", "2024-W01"),
        "month": ("2024-01", "2024-01"),
    }
    for row in found.to_pylist():
        of = [n for n in range(2) if parts[row["by"]][n] == row["part"]]
        seen = {
            each for each in rows if each[2] >= 0 and who.ids[each[2]] == row["person_id"] and each[0] in of
        }
        assert row["screen_seconds"] == len(seen) * frame_seconds
        assert row["read_seconds"] == 30 * len(of) * frame_seconds
        assert row["share"] == pytest.approx(row["screen_seconds"] / row["read_seconds"])
    assert {key[0] for key in keys} == {who.ids[row[2]] for row in rows if row[2] >= 0}
