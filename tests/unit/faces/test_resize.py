"""Resizing, and the mapping of boxes between the levels of the pyramids, against dlib."""

import dlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.faces.resize import (
    Box,
    enlarged,
    halved,
    lround,
    pyramid_down_size,
    pyramid_up,
    pyramid_up_size,
    resize,
    rounded,
)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("value", "whole"), [(0.5, 1), (-0.5, -1), (2.5, 3), (-2.5, -3), (2.4999, 2), (0.49999999999999994, 0)]
)
def test_halves_are_rounded_away_from_zero(value: float, whole: int) -> None:
    assert lround(value) == whole


def bilinear(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Plain bilinear interpolation between the corners, in double precision, not rounded."""
    y = np.arange(height) * ((picture.shape[0] - 1) / max(height - 1, 1))
    x = np.arange(width) * ((picture.shape[1] - 1) / max(width - 1, 1))
    top, left = y.astype(int), x.astype(int)
    below = np.minimum(top + 1, picture.shape[0] - 1)
    right = np.minimum(left + 1, picture.shape[1] - 1)
    dy, dx = (y - top)[:, None, None], (x - left)[None, :, None]
    upper = (1 - dx) * picture[top][:, left] + dx * picture[top][:, right]
    lower = (1 - dx) * picture[below][:, left] + dx * picture[below][:, right]
    return (1 - dy) * upper + dy * lower


@settings(max_examples=settings().max_examples // 2)
@given(*[st.integers(1, 60)] * 4)
def test_pixels_are_interpolated_and_cut_off(rows: int, columns: int, height: int, width: int) -> None:
    picture = noise(rows, columns)
    resized = resize(picture, height, width)
    assert resized.shape == (height, width, 3)
    assert resized.dtype == np.uint8
    error = bilinear(picture, height, width) - resized
    assert error.min() > -0.01
    assert error.max() < 1.01


def test_a_view_is_resized_like_its_copy() -> None:
    picture = noise(40, 60)[::-1, 5:50]
    np.testing.assert_array_equal(resize(picture, 31, 77), resize(picture.copy(), 31, 77))


def test_planes_of_floats_keep_their_fractions() -> None:
    plane = np.random.default_rng(0).random((37, 53), dtype=np.float32)
    resized = resize(plane, 30, 44)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, bilinear(plane[..., None], 30, 44)[..., 0], atol=1e-5)


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(360, 640), (480, 853), (37, 51), (1, 1)])
def test_doubled_sizes(height: int, width: int, times: int) -> None:
    picture = pyramid_up(noise(height, width), times)
    for _ in range(times):
        height, width = 2 * height + 1, 2 * width + 2
    assert picture.shape == (height, width, 3)


@pytest.mark.parametrize("levels", [1, 2])
def test_boxes_are_halved_as_dlib_does_it(levels: int) -> None:
    pyramid = dlib.pyramid_down(2)
    for left, top, right, bottom in [(0, 0, 79, 79), (-33, 7, 120, 161), (901, 402, 1300, 803)]:
        expected = pyramid.rect_down(dlib.rectangle(left, top, right, bottom), levels)
        found = rounded(halved(Box(left, top, right, bottom), levels))
        assert found == (expected.left(), expected.top(), expected.right(), expected.bottom())
        large = pyramid.rect_up(dlib.rectangle(0, 0, right, bottom))
        assert pyramid_up_size(bottom + 1, right + 1) == (large.bottom() + 1, large.right() + 1)


@pytest.mark.parametrize("levels", [0, 1, 5, 17])
def test_boxes_are_enlarged_as_dlib_does_it(levels: int) -> None:
    pyramid = dlib.pyramid_down(6)
    for left, top, right, bottom in [(0, 0, 79, 79), (-33, 7, 46, 86), (511, 402, 590, 481)]:
        expected = pyramid.rect_up(dlib.rectangle(left, top, right, bottom), levels)
        found = rounded(enlarged(Box(left, top, right, bottom), levels))
        assert found == (expected.left(), expected.top(), expected.right(), expected.bottom())


@pytest.mark.parametrize(("height", "width"), [(480, 853), (361, 642), (9, 17), (6, 6)])
def test_smaller_levels_are_those_of_dlib(height: int, width: int) -> None:
    picture = noise(height, width)
    expected = dlib.pyramid_down(6)(picture)
    assert pyramid_down_size(height, width) == expected.shape[:2]
    np.testing.assert_array_equal(resize(picture, *pyramid_down_size(*picture.shape[:2])), expected)
