"""Which faces count."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.base import tables
from castgraph.faces.quality import COLUMNS, FILTERS, Founding, Quality, founds, set_aside, turn

GOOD = {"top": 10, "right": 90, "bottom": 70, "left": 20, "score": 0.7, "sharpness": 30.1}  # 60 pixels high
SCHEMA = pa.schema([tables.FACES.field(name) for name in COLUMNS])
NAN, INF = float("nan"), float("inf")


def judged(*faces: dict[str, Any], **quality: Any) -> list[str]:
    table = pa.Table.from_pylist([GOOD | face for face in faces], schema=SCHEMA)
    found: list[str] = set_aside(table, Quality(**quality)).to_pylist()
    return found


@pytest.mark.parametrize(
    ("quality", "failed"),
    [
        ({"min_face_px": 60}, ""),
        ({"min_face_px": 61}, "min_face_px"),
        ({"min_score": 0.7}, ""),  # 0.7 is a little less in float32
        ({"min_score": 0.7000001}, "min_score"),
        ({"min_score": -0.5}, ""),
        ({"min_sharpness": 30.1}, ""),
        ({"min_sharpness": 30.11}, "min_sharpness"),
    ],
)
def test_a_face_with_exactly_the_minimum_counts(quality: dict[str, Any], failed: str) -> None:
    assert judged({}, **quality) == [failed]


def test_the_shorter_side_counts() -> None:
    wide, high = {"bottom": 49}, {"right": 59}
    assert judged(wide, high, min_face_px=40) == ["min_face_px"] * 2
    assert judged(wide, high, min_face_px=39) == ["", ""]


def test_the_first_filter_that_fails_is_named() -> None:
    small, low, blurred = {"bottom": 20}, {"score": 0.1}, {"sharpness": 1.0}
    minima = {"min_face_px": 40, "min_score": 0.5, "min_sharpness": 10}
    assert judged(small | low | blurred, low | blurred, blurred, {}, **minima) == [*FILTERS, ""]


def test_by_default_every_face_counts() -> None:
    assert judged({"score": -3.0, "sharpness": 0.0}, {"bottom": 10}, {"score": 0.0}) == ["", "", ""]
    assert judged() == []


@pytest.mark.parametrize("value", [NAN, INF, -INF, None])
@pytest.mark.parametrize("minimum", [None, -1.0, 0.5])
def test_what_is_no_number_never_counts(value: float | None, minimum: float | None) -> None:
    assert judged({"score": value}, {}, min_score=minimum) == ["min_score", ""]
    assert judged({"sharpness": value}, {}, min_score=minimum) == ["min_sharpness", ""]
    assert judged({"left": None}, {"score": value}) == ["min_face_px", "min_score"]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("minimum", [NAN, INF, -INF])
def test_a_minimum_that_is_no_number_is_refused(name: str, minimum: float) -> None:
    with pytest.raises(ValueError, match=rf"quality\.{name}: found -?(nan|inf); allowed: a finite number"):
        Quality(**{name: minimum})


numbers = st.floats(width=32, allow_nan=True) | st.sampled_from([0.0, 0.5, 1.0])


@settings(max_examples=2 * settings().max_examples)
@given(
    faces=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), numbers, numbers), max_size=8),
    min_face_px=st.integers(0, 100),
    min_score=st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    min_sharpness=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_each_face_is_judged_by_itself(faces, min_face_px, min_score, min_sharpness) -> None:
    rows = [
        {
            "top": 5,
            "bottom": 5 + height,
            "left": 7,
            "right": 7 + width,
            "score": score,
            "sharpness": sharpness,
        }
        for height, width, score, sharpness in faces
    ]
    expected = []
    for height, width, score, sharpness in faces:
        if min(height, width) < min_face_px:
            expected.append("min_face_px")
        elif not np.isfinite(score) or (min_score is not None and score < min_score):
            expected.append("min_score")
        elif not np.isfinite(sharpness) or sharpness < min_sharpness:
            expected.append("min_sharpness")
        else:
            expected.append("")
    minima = {"min_face_px": min_face_px, "min_score": min_score, "min_sharpness": min_sharpness}
    assert judged(*rows, **minima) == expected


def five(nose_x: float, eyes: float = 4.0) -> list[float]:
    """Landmarks of a face whose eyes are `eyes` apart, around 0."""
    half = eyes / 2
    return [-half - 1, 0, -half + 1, 0, half + 1, 0, half - 1, 0, nose_x, 3]


def test_how_far_a_face_is_turned_does_not_depend_on_size_tilt_or_place() -> None:
    straight = np.array([five(0), five(1), five(-1), five(2), five(5)], np.float32)
    assert turn(straight).tolist() == pytest.approx([0, 0.5, 0.5, 1, 2.5])
    angle = 0.7
    rotation = 3 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (straight.reshape(-1, 2) @ rotation.T + [50, -20]).reshape(-1, 10).astype(np.float32)
    assert turn(moved).tolist() == pytest.approx([0, 0.5, 0.5, 1, 2.5], abs=1e-4)


def test_a_face_without_eyes_apart_is_turned_away() -> None:
    assert turn(np.zeros((1, 10), np.float32)).tolist() == [np.inf]
    assert turn(np.empty((0, 10), np.float32)).shape == (0,)


def test_what_a_face_needs_to_found_a_person() -> None:
    columns = {"top": [0, 0, 0], "right": [50, 50, 30], "bottom": [50, 50, 30], "left": [0, 0, 0]}
    faces = pa.table({**columns, "score": [0.5, 0.9, 0.9], "sharpness": [80.0, 80.0, 80.0]})
    turned = np.array([0.1, 1.2, 0.1], np.float32)
    assert founds(faces, turned, Founding()).tolist() == [True] * 3
    assert founds(faces, turned, Founding(min_face_px=40)).tolist() == [True, True, False]
    assert founds(faces, turned, Founding(max_turn=1, min_score=0.6)).tolist() == [False, False, True]
    with pytest.raises(ValueError, match=r"quality\.founding_max_turn: found nan"):
        Founding(max_turn=float("nan"))
