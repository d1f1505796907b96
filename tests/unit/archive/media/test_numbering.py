"""Which frame each picture of a folder is, by what people have."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive.media.numbering import numbered


def numbers(names, way="auto"):
    return [number for number, _ in numbered(names, way).frames]


def names(*found, form="frame_{:04d}.jpg"):
    return [form.format(number) for number in found]


RNG = random.Random(1)

FRAMES = {
    "all": range(1, 501),
    "some deleted": sorted(RNG.sample(range(1, 501), 300)),
    "one missing": [1, 3],
    "an excerpt": range(500, 901),
    "few of an excerpt": [2, 5, 6, 7, 8, 9, 10],
    "the last of a day": range(21_600, 21_700),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_numbers_that_can_be_those_of_frames_are(kind):
    found = numbered(names(*FRAMES[kind]))
    assert [number for number, _ in found.frames] == list(FRAMES[kind])
    assert (found.way, found.is_odd, found.reasons) == ("numbered by their names", False, {})


def test_numbers_from_0_on_are_raised():
    found = numbered(names(*range(250)))
    assert found.frames[0] == (1, "frame_0000.jpg")
    assert found.frames[-1] == (250, "frame_0249.jpg")
    assert found.way == "numbered by their names, from 0 on"


ORDERED = {
    "every hundredth": (names(100, 200, 300), "steps of 100"),
    "seconds": (names(0, 4, 8, 12), "steps of 4"),
    "every other": (names(2, 4, 6, 8, 10), "steps of 2"),
    "frames of a video": (names(0, 25, 50, 76, 101), "only 5 of the numbers from 0 to 101"),
    "few of many": (names(17, 112, 113, 480), "only 4 of the numbers from 17 to 480"),
    "photographs": (names(4711, 4712, 4714, form="IMG_{:04d}.JPG"), "counter of a camera"),
    "photographs of another camera": (names(1, 2, 4, form="_DSC{:04d}.jpg"), "counter of a camera"),
    "a counter that began anew": (names(9998, 9999, 1, 2, form="DSCN{:04d}.JPG"), "counter of a camera"),
    "times": ([f"shot_2026-01-01_1000{s:02d}.jpg" for s in range(8)], "times of day"),
    "times of every fourth second": (
        [f"shot_2026-01-01_1000{s:02d}.jpg" for s in (0, 4, 8)],
        "times of day",
    ),
    "times in parts": ([f"2026-01-01 at 10.00.{s:02d}.png" for s in range(30, 50)], "times of day"),
    "times in German": ([f"Bild 01.02.2026 um 10-00-{s:02d}.png" for s in range(9)], "times of day"),
    "times without a day": ([f"10-00-{s:02d}.png" for s in range(9)], "times of day"),
    "times of phones": ([f"IMG_20260101_1000{s:02d}.jpg" for s in range(9)], "times of day"),
    "times in one piece": (names(*range(100_000, 100_060), form="{}.jpg"), "the first number is 100000"),
    "days": (names(*range(20_260_101, 20_260_131), form="{}.jpg"), "the first number is 20260101"),
}


@pytest.mark.parametrize("kind", ORDERED)
def test_of_numbers_that_cannot_be_those_of_frames_the_order_counts_and_it_is_said_why(kind):
    given, why = ORDERED[kind]
    found = numbered(given)
    assert [number for number, _ in found.frames] == list(range(1, len(given) + 1))
    assert why in found.way
    assert found.is_odd


@pytest.mark.parametrize(
    ("given", "why", "is_odd"),
    [
        ([], "there is none", False),
        (["IMG_4711.jpg"], "there is one picture", False),
        (["anna.jpg", "berta.jpg", "carla2.jpg"], "not all end with a number", False),
        (["1.jpg", "2.jpg", "title.jpg"], "not all end with a number", True),
        (["a1.jpg", "b1.jpg", "a2.jpg"], "several end with the same number", True),
        (["20260101100000.jpg", "20260101100004.jpg"], "not all end with a number", False),  # of no frame
    ],
)
def test_other_names_are_taken_in_their_order(given, why, is_odd):
    found = numbered(given)
    assert sorted(name for _, name in found.frames) == sorted(given)
    assert found.way == f"numbered in the order of the names: {why}"
    assert found.is_odd is is_odd


def test_frames_of_the_archives_names_are_told_from_times():
    given = [f"NTV_20261001_030000-{n:06d}.jpg" for n in (1, 2, 3, 5)]
    assert numbers(given) == [1, 2, 3, 5]


def test_the_user_can_say_which():
    given = names(100, 200, 300)
    assert numbers(given, "names") == [100, 200, 300]
    assert numbers(names(5, 6, 7), "order") == [1, 2, 3]
    assert numbered(names(5, 6, 7), "order").way == "numbered in the order of the names: as asked"


def test_names_that_tell_no_number_have_none_and_are_told():
    found = numbered(["a.jpg", "b0.jpg", "c7.jpg", "d07.jpg", "e1234567890.jpg"], "names")
    assert found.frames == [(1, "b0.jpg"), (8, "c7.jpg")]
    assert found.reasons == {
        "a.jpg": "its name ends with no number",
        "d07.jpg": "'c7.jpg' has the number 7, too",
        "e1234567890.jpg": "its name ends with no number",
    }


@given(st.sets(st.text(max_size=12), max_size=12), st.sampled_from(["auto", "names", "order"]))
def test_every_picture_has_a_place_or_a_reason(given_names, way):
    found = numbered(sorted(given_names), way)
    placed = [name for _, name in found.frames]
    assert sorted([*placed, *found.reasons]) == sorted(given_names)
    assert all(number >= 1 for number, _ in found.frames)
    assert [number for number, _ in found.frames] == sorted({number for number, _ in found.frames})
    assert not found.reasons or way == "names"
