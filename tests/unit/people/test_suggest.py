"""Suggestions: what is found, what is not, and that what was answered is not asked again."""

import numpy as np
import pytest

from castgraph.base import tables
from castgraph.people.places import Places
from castgraph.people.suggest import LEAST, PRIOR, Calibration, suggest

DAYS = [f"DEMO1_2024010{day}_190000_Evening_Review" for day in range(1, 6)]
SIZE = 32


class World:
    """People who are seen in frames: each appearance is a tracklet of faces side by side."""

    def __init__(self, seed=0, spread=0.25):
        self.rng = np.random.default_rng(seed)
        self.spread = spread
        self.middles = {}
        self.moments = 0
        self.faces = []  # broadcast, frame, person as it is, person as it was found, embedding

    def middle(self, who):
        if who not in self.middles:
            vector = self.rng.normal(size=SIZE)
            self.middles[who] = vector / np.linalg.norm(vector) * 0.55
        return self.middles[who]

    def moment(self):
        """Give a moment at which nobody is seen: a broadcast, and the frame."""
        self.moments += 1
        return self.moments % len(DAYS), 10 * self.moments

    def show(self, who, found, n_frames=4, broadcast=None, frame=None):
        """Show a person for some frames; `found` is who the clustering says, None for nobody."""
        if frame is None:
            broadcast, frame = self.moment()
        look = self.middle(who) + self.rng.normal(size=SIZE) * self.spread / np.sqrt(SIZE)
        for n in range(n_frames):
            face = look + self.rng.normal(size=SIZE) * 0.08 / np.sqrt(SIZE)
            self.faces.append((broadcast, frame + n, found, len(self.faces) - n, face))

    def cast(self, n_people=6, n_shows=15):
        """Show a few people, in pairs often."""
        for _ in range(n_shows):
            for who in range(0, n_people, 2):
                broadcast, frame = self.moment()
                for each in (who, who + 1):
                    self.show(each, f"P{each}", broadcast=broadcast, frame=frame)
        return self

    def suggest(self, ask=lambda row: True, **options):
        """Suggest; give the table's rows and the rows of the faces in the order of the face table."""
        order = sorted(range(len(self.faces)), key=lambda n: (self.faces[n][:2], n))
        faces = [self.faces[n] for n in order]
        ids = sorted({face[2] for face in faces} - {None})
        person = np.array([tables.NOISE if f[2] is None else ids.index(f[2]) for f in faces], np.int32)
        broadcast, frame = (np.array([f[n] for f in faces], np.int32) for n in (0, 1))
        number = (np.arange(len(faces)) - np.searchsorted(broadcast, broadcast)).astype(np.int32)
        places = Places(DAYS, broadcast, number, frame, np.zeros((4, len(faces)), np.int32))
        shown = np.array([f[3] for f in faces])
        must = []
        for row in range(len(faces)):
            after = np.flatnonzero(
                (shown == shown[row]) & (broadcast == broadcast[row]) & (frame == frame[row] + 1)
            )
            must += [(row, int(each)) for each in after]
        embeddings = np.array([f[4] for f in faces], np.float32).reshape(-1, SIZE)
        members = tables.Members(person, (person < 0).astype(np.int8), ids)
        must = options.pop("must", np.array(must, np.int64).reshape(-1, 2))
        found, calibration = suggest(members, embeddings, places, must, frame_seconds=4, **options)
        assert found.schema.equals(tables.SUGGESTIONS)
        self.places, self.calibration = places, calibration
        return found.to_pylist()

    def rows(self, suggestion):
        """Give the rows of the two faces to look at."""
        return tuple(
            self.places.row(suggestion[f"{side}broadcast"], suggestion[f"{side}face"])
            for side in ("", "other_")
        )


def kinds(found):
    return [(row["kind"], row["person_id"], row["other_id"]) for row in found]


def split_person():
    world = World().cast()
    for _ in range(8):
        world.show(0, "P0b")
    return world


def merged_people():
    world = World().cast()
    for _ in range(10):
        world.show("other", "P0")
    return world


def loose_faces():
    world = World().cast()
    for _ in range(3):
        world.show(2, None, n_frames=2)
    return world


def test_of_people_who_are_right_nothing_is_suggested():
    assert World().cast().suggest() == []


def test_a_person_who_was_split_is_suggested_as_one():
    world = split_person()
    found = world.suggest()
    assert kinds(found) == [("same", "P0", "P0b")]
    [row] = found
    assert row["probability"] > 0.5
    assert row["seconds"] == pytest.approx(8 * 4 * 4, rel=0.1)
    assert row["gain"] == pytest.approx(row["probability"] * row["seconds"])
    assert "Evening Review" in row["reason"] or "broadcast" in row["reason"]
    assert world.calibration.n_one > 20 < world.calibration.n_two


def test_two_people_under_one_id_are_suggested_as_two():
    world = merged_people()
    found = world.suggest()
    assert kinds(found) == [("split", "P0", "")]
    small, large = world.rows(found[0])
    assert found[0]["seconds"] == pytest.approx(10 * 4 * 4, rel=0.1)
    assert small != large


def test_two_people_in_one_frame_under_one_id_are_more_probably_two():
    apart, twice = World().cast(), World().cast()
    for n in range(6):
        apart.show("other", "P0", broadcast=0, frame=6000 + 10 * n)
        twice.show("other", "P0", broadcast=0, frame=6000 + 10 * n)
        apart.show(0, "P0", broadcast=0, frame=7000 + 10 * n)
        twice.show(0, "P0", broadcast=0, frame=6000 + 10 * n)
    [of_apart], [of_twice] = apart.suggest(), twice.suggest()
    assert of_twice["kind"] == of_apart["kind"] == "split"
    assert of_twice["probability"] > of_apart["probability"]
    assert "in one frame 24 times" in of_twice["reason"]


def test_faces_of_nobody_are_suggested_to_the_person_they_are_near():
    world = loose_faces()
    found = world.suggest()
    assert kinds(found) == [("member", "P2", "")] * 3
    assert [row["seconds"] for row in found] == [8.0] * 3
    for row in found:
        face, _ = world.rows(row)
        assert face not in {world.rows(other)[1] for other in found}


def test_a_face_between_two_people_is_not_suggested_to_either():
    world = World().cast()
    world.middles["between"] = (world.middle(0) + world.middle(3)) / 2
    world.spread = 0.05
    world.show("between", None, broadcast=0, frame=6000)
    assert world.suggest() == []


def test_people_in_one_frame_are_never_suggested_as_one():
    world = split_person()
    world.show(0, "P0", n_frames=1, broadcast=1, frame=8000)
    world.show(0, "P0b", n_frames=1, broadcast=1, frame=8000)
    assert [row["kind"] for row in world.suggest()] == []


def test_faces_of_nobody_in_a_frame_with_the_person_are_not_suggested():
    world = World().cast()
    world.show(2, "P2", n_frames=2, broadcast=0, frame=6000)
    world.show(2, None, n_frames=2, broadcast=0, frame=6000)
    assert [row["kind"] for row in world.suggest() if row["kind"] == "member"] == []


@pytest.mark.parametrize("make", [split_person, loose_faces])
def test_what_is_different_is_not_suggested_again(make):
    world = make()
    answers = [world.rows(row) for row in world.suggest()]
    assert answers
    assert world.suggest(different=answers) == []
    assert world.suggest(different=[pair[::-1] for pair in answers]) == []
    assert len(world.suggest(different=answers[1:])) == 1


def test_who_is_one_by_decision_is_not_suggested_as_two_again():
    world = merged_people()
    answers = [world.rows(row) for row in world.suggest()]
    assert answers
    assert world.suggest(same=answers) == []


def test_what_is_left_out_is_suggested_to_nobody():
    """Only faces that are noise are: not what is no face, or ignored, or set aside."""
    world = loose_faces()
    person = np.array([f[2] is None for f in world.faces])
    assert person.any()
    members = tables.Members(np.full(1, tables.NOISE, np.int32), np.array([4], np.int8), ["P2"])
    places = Places(DAYS, *(np.zeros(1, np.int32) for _ in range(3)), np.zeros((4, 1), np.int32))
    none = np.empty((0, 2), np.int64)
    found, _ = suggest(members, np.zeros((1, SIZE), np.float32), places, none, frame_seconds=4)
    assert found.num_rows == 0


def test_what_puts_more_right_comes_first():
    world = split_person()
    for _ in range(3):
        world.show(3, "P3b")
    found = world.suggest()
    assert kinds(found) == [("same", "P0", "P0b"), ("same", "P3", "P3b")]
    gains = [row["gain"] for row in found]
    assert gains == sorted(gains, reverse=True)
    assert kinds(world.suggest(most=1)) == [("same", "P0", "P0b")]


def test_the_same_faces_give_the_same_suggestions():
    assert split_person().suggest() == split_person().suggest()


@pytest.mark.parametrize("calibration", [Calibration(0.5, 20, 0, 0), Calibration(1.1, 3, 900, 900)])
def test_the_farther_the_less_likely(calibration):
    distance = np.linspace(0, 2, 200)
    odds = calibration.odds(distance, PRIOR)
    assert (np.diff(odds) < 0).all()
    limit = calibration.farthest(LEAST / (1 - LEAST), PRIOR)
    assert calibration.odds(np.array(limit), PRIOR) == pytest.approx(LEAST / (1 - LEAST))


def test_what_is_learnt_lies_between_one_person_and_two():
    world = World().cast()
    world.suggest()
    assert 0.1 < world.calibration.middle < 0.78
    assert world.calibration.slope > 0


def test_without_pairs_that_frames_label_the_sample_of_television_counts():
    world = split_person()
    found = world.suggest(must=np.empty((0, 2), np.int64))
    assert world.calibration == Calibration(0.52, 20.0, 0, 0)
    assert ("same", "P0", "P0b") in kinds(found)
    world.suggest(must=np.empty((0, 2), np.int64), scale=1.75)
    assert world.calibration.middle == pytest.approx(0.52 * 1.75)


def test_a_run_without_faces_or_people_has_no_suggestions():
    empty = World()
    assert empty.suggest() == []
    empty.show(0, None)
    assert empty.suggest() == []


def test_one_person_of_one_face():
    world = World()
    world.show(0, "P0", n_frames=1)
    assert world.suggest() == []
