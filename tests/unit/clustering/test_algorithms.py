"""Other ways than DBSCAN to group faces into people."""

import dlib
import numpy as np
import pytest
from sklearn.cluster import HDBSCAN
from sklearn.metrics import pairwise_distances
from tests.unit.clustering.test_spanning import reachability

from castgraph.clustering import dbscan
from castgraph.clustering.algorithms import ALGORITHMS, chinese_whispers, hdbscan, iterative
from castgraph.clustering.labels import by_first_row

NAMES = ["dbscan", "hdbscan", "chinese_whispers", "iterative"]
OTHERS = NAMES[1:]

every = pytest.mark.parametrize("name", NAMES)


def cluster(name: str, X, eps: float = 0.4, min_samples: int = 5, **keywords) -> np.ndarray:
    """Call an algorithm as a run does."""
    with_eps = {} if name == "hdbscan" else {"eps": eps}
    return ALGORITHMS[name](X, min_samples=min_samples, **with_eps, **keywords)


def faces(rng: np.random.Generator, middle: np.ndarray, spread: float, n: int) -> np.ndarray:
    """n faces about as far as `spread` from their middle."""
    return middle + rng.normal(size=(n, 128)) * spread / np.sqrt(128)


def unit(rng: np.random.Generator) -> np.ndarray:
    """A direction."""
    direction = rng.normal(size=128)
    return direction / np.linalg.norm(direction)


def same_people(a, b) -> bool:
    """Whether two labellings differ in the numbers of the people only."""
    pairs = set(zip(np.asarray(a).tolist(), np.asarray(b).tolist(), strict=True))
    return len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs}) and all(
        (x == -1) == (y == -1) for x, y in pairs
    )


@pytest.fixture(scope="module")
def people() -> tuple[np.ndarray, np.ndarray]:
    """100 faces of 8 people and 10 of nobody in mixed order, and who they are."""
    rng = np.random.default_rng(7)
    truth = np.r_[np.repeat(np.arange(8), [5, 8, 9, 12, 12, 14, 20, 20]), np.full(10, -1)]
    middles = np.stack([unit(rng) for _ in range(8)])
    X = np.concatenate(
        [*(faces(rng, middles[k], 0.15, (truth == k).sum()) for k in range(8)), rng.normal(size=(10, 128))]
    ).astype(np.float32)
    order = rng.permutation(len(X))
    return X[order], truth[order]


@every
def test_people_are_found(name: str, people) -> None:
    X, truth = people
    labels = cluster(name, X)
    assert labels.dtype == np.int32
    assert same_people(labels, truth)


@every
def test_the_same_faces_give_the_same_labels(name: str, people) -> None:
    X, _ = people
    labels = cluster(name, X).tolist()
    assert cluster(name, X.copy()).tolist() == labels
    assert cluster(name, np.asfortranarray(X), threads=2).tolist() == labels
    assert cluster(name, X.astype(np.float64).tolist()).tolist() == labels


@every
def test_the_input_is_not_modified(name: str, people) -> None:
    for dtype in (np.float32, np.float64):
        X = people[0].astype(dtype)
        before = X.copy()
        X.flags.writeable = False
        cluster(name, X)
        assert np.array_equal(X, before)


@every
@pytest.mark.parametrize("n", [1, 4])
def test_too_few_faces_are_noise(name: str, n: int) -> None:
    assert cluster(name, np.zeros((n, 128), np.float32)).tolist() == [-1] * n


@every
def test_strangers_are_noise(name: str) -> None:
    X = np.random.default_rng(0).normal(size=(40, 128)).astype(np.float32)
    assert set(cluster(name, X).tolist()) == {-1}


@every
def test_a_still_that_is_shown_again_and_again_is_one_person(name: str, people) -> None:
    X, truth = people
    again = np.concatenate([X, np.repeat(X[truth == 3][:1], 15, axis=0)])
    assert same_people(cluster(name, again), np.r_[truth, np.full(15, 3)])


@every
def test_memory_beyond_the_limit_is_refused(name: str, people) -> None:
    with pytest.raises(MemoryError, match=r"needs up to \d+ MB, and 0 MB are allowed"):
        cluster(name, people[0], max_memory_mb=0.001)
    assert cluster(name, people[0], max_memory_mb=4000).max() == 7


@every
@pytest.mark.parametrize(
    ("X", "min_samples", "message"),
    [
        ([[0.0, float("nan")]], 5, "NaN or infinite"),
        ([[0.0, float("inf")]], 5, "NaN or infinite"),
        ([0.0, 1.0], 5, r"shape \(2,\)"),
        (np.empty((0, 128)), 5, r"shape \(0, 128\)"),
        (np.empty((3, 0)), 5, r"shape \(3, 0\)"),
        ([[0.0]], 0, "min_samples is 0"),
        ([[0.0]], 2.5, "min_samples is 2.5"),
    ],
)
def test_bad_input_is_refused(name: str, X, min_samples, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cluster(name, X, min_samples=min_samples)


@every
@pytest.mark.parametrize("eps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bad_eps_is_refused(name: str, eps: float) -> None:
    if name != "hdbscan":
        with pytest.raises(ValueError, match=f"eps is {eps}"):
            cluster(name, [[0.0]], eps)


@pytest.mark.parametrize("name", OTHERS)
def test_people_are_numbered_by_their_first_face(name: str, people) -> None:
    labels = cluster(name, people[0])
    first = [labels.tolist().index(person) for person in range(8)]
    assert first == sorted(first)


@pytest.mark.parametrize("name", ["dbscan", "chinese_whispers", "iterative"])
def test_one_person_is_found(name: str) -> None:
    X = faces(np.random.default_rng(3), np.zeros(128), 0.15, 30)
    assert cluster(name, X).tolist() == [0] * 30


# HDBSCAN


def test_hdbscan_finds_nobody_where_there_is_only_one_person() -> None:
    X = faces(np.random.default_rng(3), np.zeros(128), 0.15, 30)
    assert hdbscan(X, 5).tolist() == [-1] * 30


@pytest.mark.parametrize("seed", range(4))
def test_hdbscan_finds_the_people_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(6, 16))
    X = np.concatenate(
        [*(m + rng.normal(0, s, (25, 16)) for m, s in zip(middles, rng.uniform(0.05, 0.5, 6), strict=True)),
         rng.normal(size=(40, 16))]
    ).astype(np.float32)  # fmt: skip
    for min_samples in (2, 5, 12):
        expected = HDBSCAN(min_cluster_size=min_samples, min_samples=min_samples, copy=True).fit(X).labels_
        found, expected = hdbscan(X, min_samples), by_first_row(expected)
        assert found.max() == expected.max()
        # A point that is equally near to several is given by scikit-learn to the first of them.
        assert np.count_nonzero(found != expected) <= 4
        far = mutual_reachability(X, min_samples)
        model = HDBSCAN(min_cluster_size=min_samples, min_samples=1, metric="precomputed", copy=True)
        assert found.tolist() == by_first_row(model.fit(far).labels_).tolist()


def mutual_reachability(X: np.ndarray, k: int) -> np.ndarray:
    """All distances, of which those that are equal are told apart by a billionth."""
    far = reachability(X, k)
    np.fill_diagonal(far, 0)
    return np.sqrt(far**2 + 1e-9 * pairwise_distances(X.astype(float)) ** 2)


def test_hdbscan_gives_the_same_people_in_any_order() -> None:
    rng = np.random.default_rng(8)
    X = np.concatenate([m + rng.normal(0, 0.4, (30, 8)) for m in rng.normal(size=(7, 8))])
    order = rng.permutation(len(X))
    for min_samples in (2, 5, 9):
        assert same_people(hdbscan(X[order], min_samples), hdbscan(X, min_samples)[order])


def test_hdbscan_bears_faces_that_are_the_same() -> None:
    X = np.repeat(np.eye(4), [9, 9, 1, 1], axis=0)
    assert hdbscan(X, 3)[:18].tolist() == [0] * 9 + [1] * 9


def test_hdbscan_needs_no_eps_for_people_of_different_spread() -> None:
    """One person varies more than two others differ: no eps fits all three."""
    rng = np.random.default_rng(5)
    near, far = unit(rng), 3 * unit(rng)
    X = np.concatenate(
        [faces(rng, near * 0, 0.05, 20), faces(rng, near * 0.25, 0.05, 20), faces(rng, far, 0.5, 20)]
    )
    truth = np.repeat([0, 1, 2], 20)
    assert same_people(hdbscan(X, 5), truth)
    assert not any(same_people(dbscan(X, eps, 5), truth) for eps in np.arange(0.05, 1.0, 0.05))


def test_hdbscan_refuses_people_of_one_face() -> None:
    with pytest.raises(ValueError, match="min_samples is 1; HDBSCAN needs at least 2"):
        hdbscan([[0.0]], 1)


# Chinese Whispers


def theirs(X: np.ndarray, threshold: float) -> list[int]:
    """What dlib's own function gives."""
    return list(dlib.chinese_whispers_clustering([dlib.vector(x) for x in X.tolist()], threshold))


@pytest.mark.parametrize("seed", range(5))
def test_chinese_whispers_gives_the_labels_of_dlib(seed: int) -> None:
    """Faces without clear groups, so that the labels hang on every pick."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, (250, 3)).astype(np.float32)
    for threshold in (0.01, 0.08, 0.15, 0.3, 2.0):
        assert chinese_whispers(X, threshold, 1).tolist() == theirs(X, threshold)


def test_chinese_whispers_gives_the_labels_of_dlib_for_faces_and_repeated_faces(people) -> None:
    X = np.concatenate([people[0], people[0][:20], people[0][:5]])
    for threshold in (0.1, 0.2, 0.25, 0.6, 1.4):
        assert chinese_whispers(X, threshold, 1).tolist() == theirs(X, threshold)


def test_in_chinese_whispers_people_with_few_faces_are_noise(people) -> None:
    X, _ = people
    everybody, many = chinese_whispers(X, 0.4, 1), chinese_whispers(X, 0.4, 10)
    n_faces = np.bincount(everybody)
    assert sorted(n_faces.tolist()) == [1] * 10 + [5, 8, 9, 12, 12, 14, 20, 20]
    assert ((many == -1) == (n_faces[everybody] < 10)).all()


def test_in_chinese_whispers_neighbours_are_nearer_than_eps() -> None:
    assert chinese_whispers([[0.0], [1.0]], 1.0, 1).tolist() == [0, 1]
    assert chinese_whispers([[0.0], [1.0]], 1.001, 1).tolist() == [0, 0]


def test_chinese_whispers_holds_eps_in_single_precision_as_dlib_does() -> None:
    X = np.array([[0.0], [0.400000003]])
    assert chinese_whispers(X, 0.4, 1).tolist() == theirs(X, 0.4) == [0, 0]


def test_chinese_whispers_says_how_much_memory_the_pairs_would_take() -> None:
    same = np.zeros((3000, 2), np.float32)
    with pytest.raises(MemoryError, match=r"^Chinese Whispers of 3000 points .* and 220 MB are allowed"):
        chinese_whispers(same, 0.4, 5, max_memory_mb=220)
    apart = np.arange(6000, dtype=np.float32).reshape(3000, 2)
    assert set(chinese_whispers(apart, 0.4, 5, max_memory_mb=220).tolist()) == {-1}


# Iterative


def linked(n_a: int, n_b: int, apart: float, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Two people, a third far away, and last a face halfway between the two; and who they are."""
    rng = np.random.default_rng(0)
    step, far = unit(rng), 3 * unit(rng)
    X = np.concatenate(
        [
            faces(rng, 0 * step, spread, n_a),
            faces(rng, apart * step, spread, n_b),
            faces(rng, far, 0.05, 10),
            apart / 2 * step[None],
        ]
    ).astype(np.float32)
    return X, np.repeat([0, 1, 2, -1], [n_a, n_b, 10, 1])


def test_iterative_parts_two_people_that_the_first_eps_merges() -> None:
    X, truth = linked(20, 20, apart=0.6, spread=0.2)
    assert dbscan(X, 0.4, 5)[:40].tolist() == [0] * 40
    assert iterative(X, 0.4, 5)[:-1].tolist() == truth[:-1].tolist()


def test_iterative_parts_a_person_with_few_faces_from_one_with_many() -> None:
    X, truth = linked(80, 8, apart=0.6, spread=0.17)
    assert dbscan(X, 0.4, 5)[:88].tolist() == [0] * 88
    assert iterative(X, 0.4, 5)[:-1].tolist() == truth[:-1].tolist()


def test_iterative_leaves_compact_people_as_they_are(people) -> None:
    X, _ = people
    assert same_people(iterative(X, 0.4, 5), dbscan(X, 0.4, 5))


def test_iterative_keeps_a_person_that_no_round_finds_compact() -> None:
    row = np.zeros((30, 128), np.float32)
    row[:, 0] = np.arange(30) * 0.1
    assert iterative(row, 0.4, 5).tolist() == [0] * 30
    assert iterative(row, 0.4, 5, step=0.13, floor=0.14).tolist() == [-1] * 30


def test_iterative_with_an_eps_at_its_floor_is_dbscan() -> None:
    X, _ = linked(20, 20, apart=0.6, spread=0.2)
    for eps in (0.25, 0.3):
        assert same_people(iterative(X, eps, 5), dbscan(X, eps, 5))
    assert same_people(iterative(X, 0.4, 5, floor=0.4), dbscan(X, 0.4, 5))


def test_iterative_takes_every_face_for_a_person_where_one_is_enough() -> None:
    assert iterative([[0.0], [1.0], [1.1]], 0.4, 1).tolist() == [0, 1, 1]


@pytest.mark.parametrize("name", ["step", "floor", "compactness", "reach"])
@pytest.mark.parametrize("value", [0.0, -0.1, float("nan"), float("inf")])
def test_bad_settings_of_iterative_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be a number above 0"):
        iterative([[0.0]], 0.4, 5, **{name: value})
