"""A map learned from tracklets: it helps where there is something to learn, and does nothing elsewhere."""

import numpy as np
import pytest

from castgraph.clustering.adapt import FEWEST, METHODS, adapt, adapted
from castgraph.clustering.constraints import Constraints, constraints

D = 16


def show(n_shots: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Constraints]:
    """Shots of two people beside each other, four frames each; light, in four directions, says nothing."""
    rng = np.random.default_rng(seed)
    people = np.zeros((8, D))
    people[:, 4:] = rng.normal(size=(8, D - 4)) * 0.25
    X, who, frames, boxes = [], [], [], []
    for shot in range(n_shots):
        for place, person in enumerate(rng.choice(8, 2, replace=False)):
            for n in range(4):
                light = np.zeros(D)
                light[:4] = rng.normal(size=4) * 0.12
                X.append(people[person] + light + rng.normal(size=D) * 0.02)
                who.append(person)
                frames.append(10 * shot + n)
                boxes.append([0, 100 + 300 * place, 100, 300 * place])
    points = np.array(X, np.float32)
    return points, np.array(who), constraints(points, np.array(frames), np.array(boxes).T, near=2)


def contrast(X: np.ndarray, who: np.ndarray) -> float:
    """How far apart people are, in distances of faces of one person."""
    distance = np.linalg.norm(X[:, None] - X, axis=2)
    same = who[:, None] == who
    return float(distance[~same].mean() / distance[same & ~np.eye(len(X), dtype=bool)].mean())


@pytest.mark.parametrize("method", METHODS)
def test_people_are_told_apart_better_than_before_on_other_shots_too(method) -> None:
    X, who, found = show(80)
    learned = adapt(X, found, method)
    assert learned.facts["learned"]
    assert learned.facts["n_tracklets"] == 160
    others, theirs, _ = show(40, seed=0)
    for points, persons in ((X[:400], who[:400]), (others, theirs)):
        assert contrast(adapted(points, learned.matrix), persons) > 1.1 * contrast(points, persons)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_map_and_distances_stay_about_as_large(method) -> None:
    X, _, found = show(60)
    one, two = adapt(X, found, method), adapt(X, found, method)
    assert (one.matrix == two.matrix).all()
    a, b = found.cannot.T
    before, after = (
        np.linalg.norm(points[a] - points[b], axis=1).mean() for points in (X, adapted(X, one.matrix))
    )
    assert after == pytest.approx(before, rel=0.2)


def test_with_little_to_learn_from_nothing_is_changed() -> None:
    X, _, found = show(FEWEST // 2 - 2)
    learned = adapt(X, found)
    assert not learned.facts["learned"]
    assert (learned.matrix == np.eye(D)).all()
    nothing = constraints(X[:1], np.array([1]), np.zeros((4, 1), int))
    assert not adapt(X[:1], nothing).facts["learned"]


def test_tracklets_that_contradict_themselves_are_left_out() -> None:
    X, _, found = show(60)
    one_of_all = Constraints(found.must, found.cannot, np.zeros(len(X), np.int32))
    assert adapt(X, one_of_all).facts["n_tracklets"] == 0


def test_another_method_is_refused() -> None:
    X, _, found = show(2)
    with pytest.raises(ValueError, match="method is 'magic'; there are triplet, correlation"):
        adapt(X, found, "magic")  # type: ignore[arg-type]
