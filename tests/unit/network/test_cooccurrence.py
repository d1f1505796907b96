from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members import members, person

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.network.cooccurrence import as_published, cooccurrences, strongest
from castgraph.network.layers import LAYERS, chance_columns

A = "DEMO1_20240102_190000_Evening_Review"
B = "DEMO2_20240102_185800"  # on air 2 minutes earlier: its frame 31 is A's frame 1


def on_air(broadcast: str, frame: int, frame_seconds: float = 4.0) -> datetime:
    return Broadcast.parse(broadcast).start + timedelta(seconds=(frame - 1) * frame_seconds)


def clock(times: list[datetime]) -> np.ndarray:
    return np.array([time.replace(tzinfo=None) for time in times], "datetime64[us]")


def times_of(faces: pa.Table, frame_seconds: float = 4.0) -> np.ndarray:
    places = zip(faces["broadcast"].to_pylist(), faces["frame"].to_pylist(), strict=True)
    return clock([on_air(*place, frame_seconds) for place in places])


def table(
    faces: list[tuple[str, int, int]], frame_seconds: float = 4.0
) -> tuple[pa.Table, tables.Members, np.ndarray]:
    """Make a face table, members and times of broadcasts, frames and labels."""
    faces = sorted(faces)
    columns = {
        "broadcast": pa.array([b for b, _, _ in faces], pa.string()).dictionary_encode(),
        "frame": pa.array([f for _, f, _ in faces], pa.int32()),
    }
    who = members([label for _, _, label in faces])
    return pa.table(columns), who, times_of(pa.table(columns), frame_seconds)


def edges_of(faces: list[tuple[str, int, int]], **settings) -> list[dict]:
    edges = cooccurrences(*table(faces), **settings)
    assert edges.schema.equals(tables.EDGES)
    compared = [name for layer in LAYERS for name in chance_columns(layer)]
    assert all(edges[name].null_count == edges.num_rows for name in compared)
    return edges.drop_columns(compared).to_pylist()


def by_hand(faces: list[tuple[str, int, int]], weights: dict[str, float], k: int) -> list[dict]:
    """Count as the definitions say, pair by pair and frame by frame."""
    seen = defaultdict(set)
    for broadcast, frame, label in faces:
        if label >= 0:
            seen[label].add((broadcast, frame))

    def time(moment):
        return on_air(*moment), moment

    rows = []
    for pair in combinations(sorted(seen), 2):
        one, other = (seen[label] for label in pair)
        frames = sorted(one | other)

        def follows(broadcast, frame, *apart, one=one, other=other):
            """Whether one is in the frame and the other so many frames before, whichever of the two."""
            return any(
                (broadcast, frame) in now and (broadcast, frame - n) in then
                for n in apart
                for now, then in ((one, other), (other, one))
            )

        same = {place for place in frames if follows(*place, 0)}
        adjacent = {place for place in frames if follows(*place, 1)}
        within = {place for place in frames if follows(*place, *range(k + 1))}
        broadcasts = {b for b, _ in one} & {b for b, _ in other}
        latest = {
            max(min(p for p in each if p[0] == b) for each in (one, other)) for b in broadcasts
        }  # by then both were seen
        left = {min(max(p for p in each if p[0] == b) for each in (one, other)) for b in broadcasts}
        both = same | adjacent
        counts = {
            "same_frame": len(same),
            "adjacent": len(adjacent),
            "within": len(within),
            "same_broadcast": len(broadcasts),
        }
        weight = sum(weights.get(layer, 0.0) * count for layer, count in counts.items())
        if not weight:
            continue
        broadcast, frame = min(same or adjacent or within or latest, key=time)
        rows.append(
            {
                "source": person(pair[0]),
                "target": person(pair[1]),
                **counts,
                "n_broadcasts": len({b for b, _ in both}),
                "first_seen": min(map(time, both or within or latest))[0],
                "last_seen": max(map(time, both or within or left))[0],
                "broadcast": broadcast,
                "frame": frame,
                "weight": weight,
            }
        )
    return sorted(rows, key=lambda row: (-row["weight"], row["source"], row["target"]))


@given(
    faces=st.lists(
        st.tuples(st.sampled_from([A, B, "1TV_20240102_190000"]), st.integers(1, 40), st.integers(-1, 5))
    ),
    weights=st.dictionaries(st.sampled_from(LAYERS), st.sampled_from([0.0, 0.5, 1.0, 2.0])),
    within=st.integers(0, 4),
)
def test_it_counts_as_the_definition_says(faces, weights, within):
    assert edges_of(faces, weights=weights, within=within) == by_hand(faces, weights, within)


@given(
    faces=st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 20), st.integers(-1, 4))),
)
def test_meetings_are_the_frames_that_the_edges_count(faces):
    parts: list[pa.Table] = []
    edges = edges_of(faces, meetings=parts.append)
    met = pa.concat_tables(parts).cast(tables.MEETINGS) if parts else tables.MEETINGS.empty_table()
    rows = met.to_pylist()
    keys = [(row["source"], row["target"], row["broadcast"], row["frame"]) for row in rows]
    assert keys == sorted(set(keys))
    assert all(row["time"] == on_air(row["broadcast"], row["frame"]) for row in rows)
    for edge in edges:
        own = [row for row in rows if (row["source"], row["target"]) == (edge["source"], edge["target"])]
        assert sum(row["same_frame"] for row in own) == edge["same_frame"]
        assert sum(row["adjacent"] for row in own) == edge["adjacent"]
        assert all(row["same_frame"] or row["adjacent"] for row in own)
    assert {key[:2] for key in keys} == {(edge["source"], edge["target"]) for edge in edges}


def test_two_people_in_one_frame():
    [edge] = edges_of([(A, 3, 0), (A, 3, 1)])
    assert edge == {
        "source": "P00",
        "target": "P01",
        "same_frame": 1,
        "adjacent": 0,
        "within": 1,
        "same_broadcast": 1,
        "n_broadcasts": 1,
        "first_seen": datetime(2024, 1, 2, 19, 0, 8, tzinfo=UTC),
        "last_seen": datetime(2024, 1, 2, 19, 0, 8, tzinfo=UTC),
        "broadcast": A,
        "frame": 3,
        "weight": 2.0,
    }


def test_a_cut_from_one_to_the_other_is_adjacent():
    [edge] = edges_of([(A, 3, 0), (A, 4, 1)])
    assert (edge["same_frame"], edge["adjacent"], edge["weight"], edge["frame"]) == (0, 1, 1.0, 4)


def test_several_faces_of_a_person_in_a_frame_count_once():
    [edge] = edges_of([(A, 3, 0), (A, 3, 0), (A, 3, 1), (A, 3, 1), (A, 4, 0), (A, 4, 0)])
    assert (edge["same_frame"], edge["adjacent"]) == (1, 1)


def test_a_frame_is_adjacent_once_even_when_both_are_in_both_frames():
    [edge] = edges_of([(A, 3, 0), (A, 3, 1), (A, 4, 0), (A, 4, 1)])
    assert (edge["same_frame"], edge["adjacent"], edge["weight"]) == (2, 1, 5.0)


def test_neither_a_gap_nor_another_broadcast_is_adjacent():
    assert edges_of([(A, 3, 0), (A, 5, 1), (B, 4, 1)]) == []


def test_who_only_shares_a_broadcast_is_an_edge_where_that_weighs():
    faces = [(A, 3, 0), (A, 9, 1), (B, 2, 0), (B, 7, 1), (B, 8, 0)]
    assert [edge["same_broadcast"] for edge in edges_of(faces)] == [2]  # of the cut in B
    assert edges_of(faces[:-1]) == []
    [edge] = edges_of(faces[:-1], weights={"same_broadcast": 1.0})
    assert (edge["same_frame"], edge["adjacent"], edge["same_broadcast"], edge["n_broadcasts"]) == (
        0,
        0,
        2,
        0,
    )
    assert (edge["broadcast"], edge["frame"]) == (B, 7)  # by then both were seen


def test_within_counts_each_frame_once():
    faces = [(A, 3, 0), (A, 4, 0), (A, 6, 1), (A, 6, 0), (A, 8, 1)]
    counts = [edges_of(faces, within=k)[0]["within"] for k in range(6)]
    assert counts == [1, 1, 2, 2, 2, 2]


def test_a_frame_that_shows_both_is_better_evidence_than_an_earlier_cut():
    [edge] = edges_of([(A, 3, 0), (A, 4, 1), (A, 9, 0), (A, 9, 1)])
    assert (edge["frame"], edge["first_seen"].second) == (9, 12)


def test_of_frames_on_air_at_once_the_first_id_is_the_evidence():
    [edge] = edges_of([(B, 31, 0), (B, 31, 1), (A, 1, 0), (A, 1, 1)])
    assert (edge["broadcast"], edge["frame"], edge["n_broadcasts"]) == (A, 1, 2)


def test_a_pair_of_weight_0_is_no_edge():
    cut = [(A, 3, 0), (A, 4, 1)]
    assert edges_of(cut, weights={"same_frame": 2.0}) == []
    assert len(edges_of(cut, weights={"same_frame": 0.0, "adjacent": 1.0})) == 1


def test_ties_come_in_the_order_of_the_ids():
    edges = edges_of([(A, 3, 7), (A, 3, 2), (A, 3, 5)])
    assert [(edge["source"], edge["target"]) for edge in edges] == [
        ("P02", "P05"),
        ("P02", "P07"),
        ("P05", "P07"),
    ]


@pytest.mark.parametrize("faces", [[], [(A, 1, -1), (A, 1, -1)], [(A, 1, 0), (A, 2, 0)]])
def test_without_two_people_there_is_an_empty_table(faces):
    assert edges_of(faces) == []


def test_the_demo_has_31_pairs_in_one_frame_and_32_with_cuts(truth):
    faces, labels, _ = truth
    edges = cooccurrences(faces, members(labels), times_of(faces))
    assert edges.num_rows == 32
    assert as_published(edges).num_rows == 31


def test_the_result_depends_on_neither_threads_nor_memory_nor_chunks(truth, tmp_path: Path):
    faces, labels, _ = truth
    times = times_of(faces)
    once = cooccurrences(faces, members(labels), times)
    chunks = [faces.slice(start, 100) for start in range(0, faces.num_rows, 100)]
    chunks = [
        chunk.set_column(0, "broadcast", chunk["broadcast"].cast(pa.string()).dictionary_encode())
        for chunk in chunks
    ]
    again = cooccurrences(
        pa.concat_tables(chunks), members(labels), times, threads=2, memory_limit="100MB", scratch=tmp_path
    )
    assert again.equals(once)


def test_times_of_parts_of_a_second_are_rounded_down():
    edges = cooccurrences(*table([(A, 4, 0), (A, 4, 1)], frame_seconds=0.5))
    assert edges["first_seen"][0].as_py() == datetime(2024, 1, 2, 19, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": {"same_frame": -1.0}}, "weights: -1.0 of same_frame"),
        ({"weights": {"adjacent": float("inf")}}, "weights: inf of adjacent"),
        (
            {"weights": {"same_shot": 1.0}},
            "weights: 'same_shot' is not known; it must be one of same_frame, ",
        ),
        ({"within": -1}, "within: -1 is not allowed"),
    ],
)
def test_a_wrong_setting_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        cooccurrences(*table([(A, 1, 0)]), **change)


def test_members_of_another_table_are_refused():
    faces, who, times = table([(A, 1, 0), (A, 1, 1)])
    with pytest.raises(ValueError, match=r"members: shape .* does not fit 2 faces"):
        cooccurrences(faces, members([0]), times)
    with pytest.raises(ValueError, match=r"times: shape .* does not fit 2 faces"):
        cooccurrences(faces, who, times[:1])


def test_frames_have_their_own_time():
    """Two videos: the larger frame number of one was on air before the smaller ones of the other."""
    faces, labels, _ = table([(A, 2, 0), (A, 2, 1), (A, 9, 0), (A, 9, 1), (B, 40, 0), (B, 40, 1)])
    start = Broadcast.parse(A).start
    seconds = {(A, 2): 4.3, (A, 9): 152.7, (B, 40): 3.9}
    places = zip(faces["broadcast"].to_pylist(), faces["frame"].to_pylist(), strict=True)
    times = clock([start + timedelta(seconds=seconds[place]) for place in places])
    [edge] = cooccurrences(faces, labels, times).to_pylist()
    assert (edge["broadcast"], edge["frame"]) == (B, 40)
    assert edge["first_seen"] == start + timedelta(seconds=3)
    assert edge["last_seen"] == start + timedelta(seconds=152)


def test_strongest_keeps_the_order(make_edges):
    edges = make_edges([(0, 1, 5), (3, 4, 1), (0, 3, 1), (0, 2, 1)])
    pairs = list(zip(*(strongest(edges, 3)[end].to_pylist() for end in ("source", "target")), strict=True))
    assert pairs == [("P00", "P01"), ("P00", "P02"), ("P00", "P03")]
    assert strongest(edges, None).num_rows == 4
    assert strongest(edges, 99).num_rows == 4
    assert strongest(edges, 0).num_rows == 0
    with pytest.raises(ValueError, match="top: -1"):
        strongest(edges, -1)


def test_as_published_weighs_twice_and_keeps_1001(make_edges):
    pairs = [(a, b, 1 + (a + b) % 3) for a, b in combinations(range(50), 2)]
    published = as_published(make_edges(pairs))
    assert published.num_rows == 1001
    assert published["weight"].to_pylist() == [2.0 * n for n in published["same_frame"].to_pylist()]
    expected = sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:1001]
    assert published["target"].to_pylist() == [person(b) for _, b, _ in expected]
    assert as_published(published.slice(0, 0)).num_rows == 0


def test_a_long_broadcast_with_whole_seconds_between_frames() -> None:
    faces = pa.table(
        {"broadcast": ["A_20240101_000000"] * 4, "frame": pa.array([1, 1, 21_600, 21_600], pa.int32())}
    )
    (pair,) = cooccurrences(faces, members([0, 1, 0, 1]), times_of(faces)).to_pylist()
    assert pair["same_frame"] == 2
    assert pair["last_seen"] == datetime(2024, 1, 1, 23, 59, 56, tzinfo=UTC)
