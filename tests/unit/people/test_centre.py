"""The middle of a person's faces, outliers, and the best face."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from castgraph.people.centre import NEAR_TIE, best_face, centre

SIZE = 128

any_faces = st.integers(1, 30).flatmap(
    lambda n: arrays(
        np.float32, (n, SIZE), elements=st.floats(-1, 1, width=16), fill=st.just(np.float32(0.25))
    )
)


def cloud(n: int, seed: int, spread: float = 0.02) -> np.ndarray:
    """Faces of one person, about 0.2 from their middle, as real ones are."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=SIZE) * 0.08 + rng.normal(size=(n, SIZE)) * spread).astype(np.float32)


def at(distances, outlier=None) -> tuple[np.ndarray, np.ndarray]:
    distances = np.asarray(distances, np.float64)
    outlier = np.zeros(len(distances), bool) if outlier is None else np.asarray(outlier)
    return distances, outlier


def test_one_face_is_its_own_centre():
    faces = cloud(1, 0)
    found = centre(faces)
    np.testing.assert_array_equal(found.median, faces[0])
    assert found.distances.tolist() == [0]
    assert found.outlier.tolist() == [False]


@given(st.integers(0, 1000), st.floats(0, 2, width=16))
def test_two_faces_are_equally_far_and_neither_is_an_outlier(seed, spread):
    found = centre(cloud(2, seed, spread))
    assert not found.outlier.any()
    assert found.distances[0] == pytest.approx(found.distances[1], abs=1e-6)


def test_no_face_has_no_centre():
    with pytest.raises(ValueError, match=r"\(0, 128\).*at least one face"):
        centre(np.empty((0, SIZE), np.float32))


@given(any_faces)
def test_the_parts_fit_each_other(faces):
    before = faces.copy()
    found = centre(faces)
    np.testing.assert_array_equal(faces, before)
    assert found.median.shape == (SIZE,)
    assert found.median.dtype == found.distances.dtype == np.float64
    assert found.outlier.dtype == bool
    assert 2 * found.outlier.sum() <= len(faces)
    np.testing.assert_allclose(found.median, np.median(faces[~found.outlier], axis=0), atol=1e-6)
    np.testing.assert_allclose(found.distances, np.linalg.norm(faces - found.median, axis=1), atol=1e-6)


@given(any_faces, st.randoms(use_true_random=False))
def test_the_order_of_the_faces_does_not_matter(faces, random):
    order = random.sample(range(len(faces)), len(faces))
    found, shuffled = centre(faces), centre(faces[order])
    np.testing.assert_array_equal(shuffled.median, found.median)
    np.testing.assert_array_equal(shuffled.distances, found.distances[order])
    np.testing.assert_array_equal(shuffled.outlier, found.outlier[order])


@given(st.integers(10, 60), st.data())
def test_planted_outliers_are_set_aside(n, data):
    seed = data.draw(st.integers(0, 1000))
    planted = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=n // 5))
    faces = cloud(n, seed)
    direction = np.random.default_rng(seed + 1).normal(size=SIZE)
    faces[sorted(planted)] += (direction / np.linalg.norm(direction)).astype(np.float32)
    assert planted <= set(np.flatnonzero(centre(faces).outlier))


def test_outliers_do_not_pull_the_centre():
    faces = cloud(40, 3)
    spoiled = np.concatenate([faces, np.full((15, SIZE), 0.5, np.float32)])
    np.testing.assert_array_equal(centre(spoiled).median, centre(faces).median)


def test_no_face_is_too_near():
    faces = cloud(60, 5)
    faces[7] = np.median(faces, axis=0)
    assert not centre(faces).outlier[7]


def test_a_still_that_was_repeated_leaves_other_faces_comparable():
    """More than half of the distances are equal, so their median absolute deviation is 0."""
    still = cloud(1, 1)
    far = still + np.float32(0.1)
    found = centre(np.concatenate([np.repeat(still, 20, axis=0), far]))
    assert np.flatnonzero(found.outlier).tolist() == [20]


def test_rounding_makes_no_outlier():
    faces = np.repeat(cloud(1, 1), 20, axis=0)
    faces[3] = np.nextafter(faces[3], np.float32(2))
    assert not centre(faces).outlier.any()


def test_many_faces_are_measured_like_few():
    """More than are measured at a time."""
    faces = np.tile(cloud(7, 2), (10_000, 1))
    found = centre(faces)
    np.testing.assert_array_equal(found.distances.reshape(-1, 7), np.tile(found.distances[:7], (10_000, 1)))


@given(any_faces, st.data())
def test_the_best_face_is_no_outlier_and_nearly_the_nearest(faces, data):
    found = centre(faces)
    values = st.lists(st.floats(0, 1000), min_size=len(faces), max_size=len(faces))
    best = best_face(found.distances, found.outlier, data.draw(values), data.draw(values))
    assert isinstance(best, int)
    assert not found.outlier[best]
    assert found.distances[best] <= found.distances[~found.outlier].min() + NEAR_TIE


@pytest.mark.parametrize(
    ("distances", "sharpness", "size", "best"),
    [
        ([0.21, 0.20], [50, 50], [80, 80], 1),  # all else equal: the nearest
        ([0.20, 0.21], [50, 90], [80, 80], 1),  # the sharper
        ([0.20, 0.21], [50, 50], [80, 160], 1),  # the larger
        ([0.20, 0.23], [50, 90], [80, 160], 0),  # too far to be a tie
        ([0.20, 0.20], [0, 0], [80, 160], 0),  # no sharpness at all: the first
        ([0.20, 0.20], [50, 50], [80, 80], 0),  # equal: the first
    ],
)
def test_near_ties_are_decided_by_sharpness_and_size(distances, sharpness, size, best):
    assert best_face(*at(distances), sharpness, size) == best


def test_an_outlier_is_never_the_best_face():
    assert best_face(*at([0.1, 0.2], outlier=[True, False]), [90, 1], [90, 1]) == 1
