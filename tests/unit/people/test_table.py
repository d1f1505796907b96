"""The people table, and the choice of faces for a contact sheet."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members import members, person

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.base.boxes import BOX
from castgraph.people.centre import Middles, best_face, centre, middles, rows_by_person
from castgraph.people.table import Called, contact_faces, people_table, portrait_name

MORNING = "DEMO1_20240102_070000_Morning_Desk"
EVENING = "DEMO1_20240102_190000"
NIGHT = "2X_20231231_235930_Night"
BROADCASTS = [MORNING, EVENING, NIGHT]

labels_of = st.lists(st.integers(-1, 6), max_size=40)


@given(labels_of)
def test_rows_by_person_finds_every_face_of_every_person(labels):
    found = {
        person: rows.tolist() for person, rows in rows_by_person(np.array(labels, np.int32), len(labels))
    }
    people = sorted(set(labels) - {-1})
    assert list(found) == people
    assert found == {person: [i for i, label in enumerate(labels) if label == person] for person in people}


def same(faces):
    """Of faces whose embeddings are all the same."""
    return Middles({}, np.zeros(len(faces)), np.zeros(len(faces), bool))


@pytest.fixture
def described(on_air):
    """Make the people table of faces with the labels given."""

    def make(faces, labels, frame_seconds=4):
        settings = {"frame_seconds": frame_seconds, "n_frames": 100}
        return people_table(faces, same(faces), members(labels), on_air(faces, frame_seconds), **settings)

    return make


def brute_force(faces, embeddings, labels, frame_seconds):
    """What the people table should say, the slow and plain way."""
    rows = faces.to_pylist()
    people = []
    for number in sorted(set(labels) - {-1}):
        own = [i for i, label in enumerate(labels) if label == number]
        middle = centre(np.array([embeddings[i] for i in own]))
        sizes = [min(rows[i]["bottom"] - rows[i]["top"], rows[i]["right"] - rows[i]["left"]) for i in own]
        best = own[best_face(middle.distances, middle.outlier, [rows[i]["sharpness"] for i in own], sizes)]
        frames = {(rows[i]["broadcast"], rows[i]["frame"]) for i in own}
        times = [
            Broadcast.parse(b).start + timedelta(seconds=(frame - 1) * frame_seconds) for b, frame in frames
        ]
        found = {
            "person_id": person(number),
            "name": f"Person {person(number)}",
            "name_from": "",
            "gallery_distance": None,
            "n_faces": len(own),
            "n_frames": len(frames),
            "n_broadcasts": len({b for b, _ in frames}),
            "screen_seconds": len(frames) * frame_seconds,
            "airtime_share": len(frames) / 100,
            "first_seen": min(times),
            "last_seen": max(times),
            "n_outliers": middle.outlier.sum(),
            "spread": np.float32(np.median(middle.distances)),
            **{key: rows[best][key] for key in ("broadcast", "face", "frame", *BOX)},
            "portrait": f"{person(number)}.jpg",
        }
        people.append((-len(frames), own[0], found))
    people.sort(key=lambda each: each[:2])
    return [found | {"rank": rank} for rank, (*_, found) in enumerate(people, start=1)]


@given(
    st.lists(
        st.tuples(st.sampled_from(BROADCASTS), st.integers(1, 4), st.integers(0, 50), st.integers(20, 90)),
        max_size=30,
    ),
    st.data(),
)
def test_the_table_says_what_counting_by_hand_says(make_faces, on_air, drawn, data):
    rng = np.random.default_rng(len(drawn))
    rows = [
        {
            "broadcast": broadcast,
            "frame": frame,
            "left": left,
            "right": left + size,
            "bottom": 10 + size + left % 7,
            "sharpness": float(rng.integers(0, 100)),
        }
        for broadcast, frame, left, size in sorted(drawn)
    ]
    faces = make_faces(rows)
    labels = data.draw(st.lists(st.integers(-1, 3), min_size=len(rows), max_size=len(rows)))
    embeddings = rng.normal(size=(len(rows), 128)).astype(np.float32) * 0.05
    middle = middles(embeddings, labels)
    table = people_table(faces, middle, members(labels), on_air(faces), frame_seconds=4, n_frames=100)
    assert table.schema == tables.PEOPLE
    assert table.to_pylist() == brute_force(faces, embeddings, labels, 4)


@pytest.mark.parametrize("n_faces", [0, 3])
def test_without_people_the_table_is_empty(make_faces, n_faces, on_air):
    faces = make_faces([{"broadcast": MORNING, "frame": 1}] * n_faces)
    table = people_table(
        faces, same(faces), members([-1] * n_faces), on_air(faces), frame_seconds=4, n_frames=100
    )
    assert len(table) == 0
    assert table.schema == tables.PEOPLE


def test_a_face_table_read_without_rows_has_no_people(on_air):
    faces = tables.MERGED_FACES.empty_table()
    table = people_table(faces, same(faces), members([]), on_air(faces), frame_seconds=4, n_frames=0)
    assert len(table) == 0


def test_two_faces_in_one_frame_are_one_frame_of_screen_time(make_faces, described):
    rows = [{"broadcast": EVENING, "frame": frame} for frame in (7, 7, 8)]
    (person,) = described(make_faces(rows), [12, 12, 12], 4).to_pylist()
    assert (person["n_faces"], person["n_frames"], person["screen_seconds"]) == (3, 2, 8.0)
    assert person["portrait"] == "P12.jpg"


def test_the_same_frame_number_in_two_broadcasts_is_two_frames(make_faces, described):
    rows = [{"broadcast": broadcast, "frame": 7} for broadcast in (MORNING, EVENING)]
    (person,) = described(make_faces(rows), [0, 0], 4).to_pylist()
    assert (person["n_frames"], person["n_broadcasts"]) == (2, 2)


def test_first_and_last_seen_follow_the_clock_and_not_the_order_of_names(make_faces, described):
    rows = [
        {"broadcast": EVENING, "frame": 1},
        {"broadcast": MORNING, "frame": 3},
        {"broadcast": NIGHT, "frame": 10},
    ]
    (person,) = described(make_faces(rows), [0, 0, 0], 4).to_pylist()
    assert person["first_seen"] == datetime(2024, 1, 1, 0, 0, 6, tzinfo=UTC)
    assert person["last_seen"] == datetime(2024, 1, 2, 19, 0, 0, tzinfo=UTC)


def test_frames_may_be_parts_of_a_second_apart(make_faces, described):
    rows = [{"broadcast": EVENING, "frame": 4}]
    (person,) = described(make_faces(rows), [0], 0.5).to_pylist()
    assert person["screen_seconds"] == 0.5
    assert person["first_seen"] == datetime(2024, 1, 2, 19, 0, 1, tzinfo=UTC)


def test_tables_of_several_broadcasts_may_be_put_together_unmerged(make_faces, on_air):
    """Each part has a dictionary of its own."""
    parts = [make_faces([{"broadcast": broadcast, "frame": 1}]) for broadcast in BROADCASTS]
    faces = pa.concat_tables(parts)
    table = people_table(faces, same(parts), members([0, 1, 2]), on_air(faces), frame_seconds=4, n_frames=3)
    assert table["broadcast"].to_pylist() == BROADCASTS


def test_labels_of_another_clustering_are_refused(make_faces, on_air):
    faces = make_faces([{"broadcast": MORNING, "frame": 1}] * 3)
    with pytest.raises(ValueError, match=r"labels of shape \(2,\).*each of the 3 faces"):
        people_table(faces, same(faces), members([0, 0]), on_air(faces), frame_seconds=4, n_frames=3)


def test_a_video_has_its_own_clock(make_faces):
    """The first frame was shown 0.3 s late, and after a gap a frame has the number of its minute."""
    faces = make_faces([{"broadcast": EVENING, "frame": frame} for frame in (2, 16)])
    times = np.array(["2024-01-02T19:00:04.3", "2024-01-02T19:01:03.999999"], "datetime64[us]")
    (person,) = people_table(
        faces, same(faces), members([0, 0]), times, frame_seconds=4, n_frames=2
    ).to_pylist()
    assert person["first_seen"] == datetime(2024, 1, 2, 19, 0, 4, tzinfo=UTC)
    assert person["last_seen"] == datetime(2024, 1, 2, 19, 1, 3, tzinfo=UTC)


def test_what_is_known_from_elsewhere_is_told(make_faces, on_air):
    rows = [{"broadcast": EVENING, "frame": frame, "face": frame - 1} for frame in (1, 2, 3)]
    called = {"P00": Called("Zoë", "gallery", 0.25, best=2)}
    faces = make_faces(rows)
    (row,) = people_table(
        faces, same(faces), members([0] * 3), on_air(faces), frame_seconds=4, n_frames=6, called=called
    ).to_pylist()
    assert (row["name"], row["name_from"], row["gallery_distance"]) == ("Zoë", "gallery", 0.25)
    assert (row["face"], row["frame"], row["airtime_share"]) == (2, 3, 0.5)
    assert row["portrait"] == portrait_name("P00") == "P00.jpg"


centres = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60).map(
    # Only faces beyond the middle of the distances can be outliers.
    lambda rows: Middles(
        {},
        np.array([d for d, _ in rows]),
        np.array([o and d > np.median([d for d, _ in rows]) for d, o in rows], bool),
    )
)


@given(centres, st.integers(1, 70))
def test_a_contact_sheet_shows_the_whole_range(middle, limit):
    shown = contact_faces(middle.distances, middle.outlier, limit)
    n_faces = len(middle.distances)
    near = [i for i in shown if not middle.outlier[i]]
    doubtful = [i for i in shown if middle.outlier[i]]
    inliers = middle.distances[~middle.outlier]
    outliers = middle.distances[middle.outlier]

    assert len(set(shown)) == len(shown) == min(n_faces, limit)
    assert shown == near + doubtful, "doubtful faces come last"
    for part in (near, doubtful):
        assert np.all(np.diff(middle.distances[part]) >= 0)
    assert middle.distances[near[0]] == inliers.min()
    if len(near) > 1:
        assert middle.distances[near[-1]] == inliers.max()
    if len(doubtful) > 1:
        assert middle.distances[doubtful[-1]] == outliers.max()
    assert len(doubtful) <= max(limit // 4, limit - len(inliers))
    assert len(doubtful) >= min(len(outliers), limit // 4)


def test_a_contact_sheet_is_spread_evenly():
    assert contact_faces(np.arange(101) / 100, np.zeros(101, bool), 5) == [0, 25, 50, 75, 100]


def test_a_contact_sheet_holds_at_least_one_face():
    with pytest.raises(ValueError, match="0 faces; at least 1"):
        contact_faces(np.zeros(3), np.zeros(3, bool), 0)
