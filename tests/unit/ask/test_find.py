"""The faces of a run that are near to one."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.unit.ask.conftest import ANN, BEA, CAST, DAY, LATER, OTHER, Cast, link, when

from castgraph.ask.find import CLIPS, DAYS, FACES, clips, days, matches, middle, nearest
from castgraph.ask.results import Results
from castgraph.ask.views import QueryError

FINITE = st.floats(-4, 4, width=32)


def brute(points: np.ndarray, point: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
    distances = np.sqrt(np.square(points.astype(np.float64) - point.astype(np.float64)).sum(axis=1))
    rows = np.flatnonzero(distances <= most)
    return rows[np.argsort(distances[rows], kind="stable")], distances


@given(
    points=arrays.arrays(np.float32, st.tuples(st.integers(0, 40), st.just(6)), elements=FINITE),
    point=arrays.arrays(np.float32, 6, elements=FINITE),
    most=st.floats(0, 12),
)
def test_as_by_brute_force(points: np.ndarray, point: np.ndarray, most: float) -> None:
    rows, distances = nearest(points, point, most)
    expected, of_all = brute(points, point, most)
    assert rows.tolist() == expected.tolist()
    assert distances.tolist() == of_all[expected].tolist()


def test_faces_at_the_very_border(tmp_path: Path) -> None:
    """Far from the origin the products of float32 are worth nothing; distances are exact all the same."""
    rng = np.random.default_rng(0)
    points = (1000 + rng.normal(0, 0.05, (10_000, 128))).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    stored = np.lib.format.open_memmap(tmp_path / "points.npy", mode="r")
    point = points[7]
    _, of_all = brute(points, point, 0)
    for most in np.sort(of_all)[[1, 500, 5000, 9999]]:
        rows, distances = nearest(stored, point, float(most))
        expected, _ = brute(points, point, float(most))
        assert rows.tolist() == expected.tolist()
        assert distances[-1] == most


def test_what_is_no_number_is_near_to_nothing() -> None:
    points = np.array([[np.nan, 0], [np.inf, 0], [0, 1]], np.float32)
    rows, _ = nearest(points, np.zeros(2), 2)
    assert rows.tolist() == [2]


def test_a_point_of_another_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="128 numbers each, and the point has 512"):
        nearest(np.zeros((3, 128), np.float32), np.zeros(512), 1)


@pytest.fixture
def spread(make_run: Callable[..., Path]) -> Results:
    """Of each person the embeddings lie 0.1 apart on an axis of its own, in the order of the face table."""
    ordered = sorted(CAST.faces, key=lambda face: face[0])
    ordered = [
        face
        for name in dict.fromkeys(face[0] for face in ordered)
        for face in sorted((each for each in ordered if each[0] == name), key=lambda face: face[1])
    ]
    people = sorted({face[2] for face in ordered})
    counts = dict.fromkeys(people, 0)
    embeddings = np.zeros((len(ordered), 128), np.float32)
    for row, (_, _, person) in enumerate(ordered):
        embeddings[row, people.index(person)] = 1 + 0.1 * counts[person]
        counts[person] += 1
    cast = Cast(CAST.faces, CAST.names, CAST.read, embeddings)
    return Results(make_run("spread", cast))


def of(results: Results, person: str) -> np.ndarray:
    place = sorted({face[2] for face in CAST.faces}).index(person)
    return np.eye(128)[place]


def test_faces_with_person_time_and_link(spread: Results) -> None:
    found = matches(spread, of(spread, BEA), 0.25)
    assert found.schema.equals(FACES)
    rows = found.to_pylist()
    assert [(row["broadcast"], row["frame"]) for row in rows] == [(DAY, 2), (DAY, 5), (DAY, 10)]
    assert [round(row["distance"], 4) for row in rows] == [0.0, 0.1, 0.2]
    assert {(row["person_id"], row["name"]) for row in rows} == {(BEA, "=Bea\x1b[31m")}
    assert [row["link"] for row in rows] == [link(row["broadcast"], row["frame"]) for row in rows]
    assert rows[1]["time"].isoformat() == "2024-01-02T19:00:16+00:00"


def test_a_face_of_nobody_has_no_name(spread: Results) -> None:
    [row] = matches(spread, of(spread, ""), 0.05).to_pylist()
    assert (row["person_id"], row["name"], row["broadcast"], row["frame"]) == ("", "", LATER, 4)


def test_who_is_ignored_is_not_found(spread: Results) -> None:
    assert len(matches(spread, of(spread, "-"), 0.05)) == 0


def test_only_some_days_and_one_station(spread: Results) -> None:
    everywhere = {row["broadcast"] for row in matches(spread, of(spread, ANN), 1).to_pylist()}
    assert everywhere == {DAY, LATER, OTHER}
    found = matches(spread, of(spread, ANN), 1, first=date(2024, 1, 9), last=date(2024, 1, 31))
    assert {row["broadcast"] for row in found.to_pylist()} == {LATER}
    found = matches(spread, of(spread, ANN), 1, station="RTR")
    assert {row["broadcast"] for row in found.to_pylist()} == {OTHER}
    with pytest.raises(QueryError, match=r"no faces of a station 'ntv' in .*; there are those of NTV, RTR"):
        matches(spread, of(spread, ANN), 1, station="ntv")


def test_what_a_person_is_near_to(spread: Results) -> None:
    point = middle(spread, BEA)
    assert point[sorted({face[2] for face in CAST.faces}).index(BEA)] == pytest.approx(1.15)
    found = matches(spread, point, 3, without=BEA)
    assert BEA not in found["person_id"].to_pylist()
    assert len(found) == len(CAST.faces) - 4 - 1


def test_a_run_without_people_is_searched(spread: Results) -> None:
    (spread.run / "linkage-0.52" / "labels.parquet").unlink()
    found = matches(Results(spread.run), of(spread, ANN), 0.05)
    assert found["person_id"].to_pylist() == [""]


def row(broadcast: str, frame: int, distance: float, name: str = "Ann") -> dict[str, Any]:
    return {
        "distance": distance,
        "person_id": ANN,
        "name": name,
        "broadcast": broadcast,
        "frame": frame,
        "face": 0,
        "time": when(broadcast, frame),
        "link": link(broadcast, frame),
    }


def test_clips_join_adjacent_frames() -> None:
    rows = [
        row(DAY, 3, 0.1),
        row(OTHER, 2, 0.2),
        row(DAY, 2, 0.3, "Bea"),
        row(DAY, 5, 0.35),
        row(DAY, 3, 0.4),
    ]
    found = clips(pa.Table.from_pylist(rows, FACES), 4)
    assert [dict(zip(CLIPS, each, strict=True)) for each in found] == [
        {"broadcast": DAY, "first_frame": 2, "last_frame": 3, "start": row(DAY, 2, 0)["time"],
         "end": row(DAY, 3, 0)["time"], "n_frames": 2, "seconds": 8, "distance": 0.1, "names": "Bea, Ann",
         "link": link(DAY, 2)},
        {"broadcast": DAY, "first_frame": 5, "last_frame": 5, "start": row(DAY, 5, 0)["time"],
         "end": row(DAY, 5, 0)["time"], "n_frames": 1, "seconds": 4, "distance": 0.35, "names": "Ann",
         "link": link(DAY, 5)},
        {"broadcast": OTHER, "first_frame": 2, "last_frame": 2, "start": row(OTHER, 2, 0)["time"],
         "end": row(OTHER, 2, 0)["time"], "n_frames": 1, "seconds": 4, "distance": 0.2, "names": "Ann",
         "link": link(OTHER, 2)},
    ]  # fmt: skip
    assert clips(FACES.empty_table(), 4) == days(FACES.empty_table(), 4) == []


def test_a_day_counts_each_frame_once() -> None:
    rows = [row(OTHER, 2, 0.1), row(OTHER, 2, 0.2), row(OTHER, 3, 0.3), row(DAY, 1, 0.4)]
    found = days(pa.Table.from_pylist(rows, FACES), 4)
    day, first, second = ({**dict(zip(DAYS, each, strict=True))} for each in found)
    assert (day["day"], day["n_faces"], day["seconds"], day["link"]) == (date(2024, 1, 2), 1, 4, link(DAY, 1))
    assert (first["day"], first["n_frames"], first["n_faces"], first["seconds"]) == (
        date(2024, 2, 1),
        1,
        2,
        4,
    )
    assert (first["distance"], first["link"]) == (0.1, link(OTHER, 2))
    assert (second["day"], second["n_broadcasts"], second["distance"]) == (date(2024, 2, 2), 1, 0.3)
