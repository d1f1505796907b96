"""Average linkage with constraints: against SciPy, and what frames, links and poor faces change."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as reference
from scipy.spatial.distance import pdist

from castgraph.clustering import kernels
from castgraph.clustering.labels import by_first_row
from castgraph.clustering.linkage import Rules, linkage, predicted_memory_mb
from castgraph.clustering.merging import Merging

NEVER = 10**9
PLAIN = Rules(start_samples=NEVER, mend=1e-9, attach=1e-9, cohort=NEVER)
"""Rules of average linkage and nothing else."""


def points(seed: int, n: int, d: int, spread: float = 0.5) -> np.ndarray:
    """Faces of some people, some of them alone."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(max(1, n // 4), d)) * spread
    return places[rng.integers(0, len(places), n)] + rng.normal(size=(n, d)) * 0.2


@given(st.integers(0, 10**6), st.integers(2, 70), st.integers(1, 20), st.floats(0.05, 3))
def test_without_constraints_the_groups_are_those_of_scipy(seed, n, d, eps):
    X = points(seed, n, d)
    merged = reference(pdist(X, "sqeuclidean"), "average")
    if np.isclose(merged[:, 2], eps * eps, rtol=1e-9).any():
        return
    expected = by_first_row(fcluster(merged, eps * eps, "distance"))
    assert (linkage(X, eps, 1, rules=PLAIN) == expected).all()


def test_many_groups_in_several_blocks_are_those_of_scipy():
    X = points(1, 3000, 24).astype(np.float32)
    merged = reference(pdist(X.astype(np.float64), "sqeuclidean"), "average")
    expected = by_first_row(fcluster(merged, 1.5**2, "distance"))
    assert 20 < expected.max() < 2000
    for kernel in kernels():
        assert (linkage(X, 1.5, 1, rules=PLAIN, kernel=kernel) == expected).all()


def merged_plainly(X, frames, scale, eps, together, *, is_mending):
    """Merge with all distances in sight, in rounds of the pairs that are each other's nearest."""
    members = [[i] for i in range(len(X))]
    while True:
        n = [len(group) for group in members]
        means = [X[group].mean(axis=0) for group in members]
        spread = [np.square(X[g] - m).sum(axis=1).mean() for g, m in zip(members, means, strict=True)]
        extra = [-v / max(k - 1, 1) if is_mending else v for v, k in zip(spread, n, strict=True)]
        by = [scale[group].mean() for group in members]
        best: dict[int, tuple[float, int]] = {}
        for i, j in permutations(range(len(members)), 2):
            square = (np.square(means[i] - means[j]).sum() + extra[i] + extra[j]) * by[i] * by[j]
            seen = [set(frames[members[k]].tolist()) for k in (i, j)]
            if square <= eps * eps and len(seen[0] & seen[1]) <= together * min(map(len, seen)):
                best[i] = min(best.get(i, (np.inf, 0)), (square, j))
        pairs = [(i, j) for i, (_, j) in best.items() if i < j and best[j][1] == i]
        if not pairs:
            labels = np.empty(len(X), np.int32)
            for group in members:
                labels[group] = min(group)
            return by_first_row(labels)
        for i, j in pairs:
            members[i] = members[i] + members[j]
        members = [group for i, group in enumerate(members) if i not in {j for _, j in pairs}]


@given(
    st.integers(0, 10**6), st.integers(1, 24), st.integers(1, 12), st.sampled_from(kernels()), st.booleans()
)
def test_groups_are_those_of_a_plain_search(seed, n, d, kernel, is_mending):
    rng = np.random.default_rng(seed)
    X, scale = points(seed, n, d), rng.uniform(0.7, 1.4, n)
    frames, together = rng.integers(0, n, n), rng.choice([0.0, 0.3, 0.5])
    eps = rng.uniform(0.1, 2)
    merging = Merging(
        X, np.arange(n, dtype=np.int32), frames, eps, together,
        scale=scale, is_mending=is_mending, threads=2, kernel=kernel,
    )  # fmt: skip
    expected = merged_plainly(X, frames, scale, eps, together, is_mending=is_mending)
    assert (by_first_row(merging.merged()) == expected).all()


@pytest.mark.slow
@given(st.integers(0, 10**6), st.integers(2, 200), st.integers(1, 3), st.integers(1, 4))
def test_where_many_are_equally_near_all_kernels_and_threads_agree(seed, n, d, threads):
    """Whole numbers, of which many lie exactly at the distance."""
    rng = np.random.default_rng(seed)
    X, frames = rng.integers(0, 6, (n, d)).astype(float), rng.integers(0, n, n)
    rules = Rules(start_samples=NEVER, attach=1, mend=1, cohort=2, others=1)
    found = [linkage(X, 2.0, 1, frames=frames, rules=rules, kernel=kernel) for kernel in kernels()]
    again = linkage(X, 2.0, 1, frames=frames, rules=rules, threads=threads)
    assert all((labels == again).all() for labels in found)


@given(st.integers(0, 10**6), st.integers(5, 80), st.integers(1, 6))
def test_order_and_threads_change_nothing(seed, n, threads):
    rng = np.random.default_rng(seed)
    X, frames = points(seed, n, 8, 0.4), rng.integers(0, n // 2 + 1, n)
    founding = rng.random(n) < 0.8
    found = linkage(X, 0.7, 2, frames=frames, founding=founding)
    order = rng.permutation(n)
    again = linkage(X[order], 0.7, 2, frames=frames[order], founding=founding[order], threads=threads)
    assert (by_first_row(found[order]) == again).all()


def test_with_many_people_distances_are_normalised_whatever_the_threads_and_the_kernel():
    X = points(3, 900, 30, 1.0)
    rules = Rules(cohort=30)
    one = linkage(X, 1.6, 3, rules=rules)
    for kernel in kernels():
        assert (one == linkage(X, 1.6, 3, rules=rules, threads=3, kernel=kernel)).all()
    assert one.max() >= 30
    assert (one != linkage(X, 1.6, 3, rules=Rules(cohort=NEVER))).any()


@given(st.integers(0, 10**6), st.integers(2, 60))
def test_nobody_is_twice_in_many_frames(seed, n):
    rng = np.random.default_rng(seed)
    X, frames = points(seed, n, 4, 0.3), rng.integers(0, max(1, n // 3), n)
    labels = linkage(X, 1.0, 1, frames=frames, rules=Rules(start_samples=NEVER, mend=0.5, cohort=NEVER))
    for person in range(labels.max() + 1):
        seen = frames[labels == person]
        # Each merge bears a share; of so few faces that is none.
        assert len(seen) > 20 or len(np.unique(seen)) == len(seen)


def test_a_screen_in_the_studio_does_not_split_a_person():
    """Seen twice in two frames of a hundred, which is a share that mirrors have."""
    rng = np.random.default_rng(0)
    left, right = (centre + rng.normal(size=(100, 8)) * 0.01 for centre in (0.0, 0.15))
    frames = np.concatenate([np.arange(100), np.arange(98, 198)])
    X = np.concatenate([left, right])
    assert (linkage(X, 0.52, 5, frames=frames) == 0).all()
    always = linkage(X, 0.52, 5, frames=np.tile(np.arange(100), 2))
    assert (always[:100] == 0).all()
    assert (always[100:] == 1).all()


def test_links_hold_where_distances_do_not():
    X = np.array([[0.0], [5.0], [0.1], [5.1]])
    assert linkage(X, 0.5, 2).tolist() == [0, 1, 0, 1]
    assert linkage(X, 0.5, 4, must_link=np.array([[0, 1], [1, 3], [2, 3]])).tolist() == [0, 0, 0, 0]


def test_faces_that_found_nobody_join_those_who_are_there():
    X = np.array([[0.0], [0.1], [0.2], [3.0], [3.1], [3.2], [0.15]])
    founding = np.array([True, True, True, False, False, False, False])
    assert linkage(X, 0.5, 3, founding=founding).tolist() == [0, 0, 0, -1, -1, -1, 0]
    assert linkage(X, 0.5, 3, founding=np.zeros(7, dtype=bool)).tolist() == [-1] * 7


def test_people_who_were_split_are_mended_unless_they_are_seen_together():
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(60, 64)) * 0.09  # so wide that halves of it are 0.7 apart, face by face
    X = spread + np.repeat([[0.0], [0.01]], 30, axis=0)
    apart = linkage(X, 0.5, 5, rules=Rules(start_samples=NEVER, mend=1e-6, attach=1e-6))
    assert apart.max() == -1  # nobody is within 0.5 of anybody
    links = np.array([[0, n] for n in range(30)] + [[30, n] for n in range(30, 60)])
    rules = Rules(start_samples=NEVER)
    assert (linkage(X, 0.5, 5, must_link=links, rules=rules) == 0).all()
    frames = np.tile(np.arange(30), 2)
    both = linkage(X, 0.5, 5, must_link=links, frames=frames, rules=rules)
    assert sorted(np.bincount(both)) == [30, 30]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_faces(n):
    assert linkage(np.zeros((n, 3)), 0.5, 3).tolist() == ([0] * n if n >= 3 else [-1] * n)
    assert linkage(np.zeros((n, 3)), 0.5, 1, frames=np.zeros(n, int)).shape == (n,)


def test_all_faces_in_one_frame_are_different_people():
    X = np.random.default_rng(0).normal(size=(40, 16)) * 0.01
    found = linkage(X, 0.52, 1, frames=np.zeros(40, int), rules=Rules(start_samples=NEVER))
    assert found.tolist() == list(range(40))


def test_memory_is_predicted_and_minded():
    X = points(0, 100, 16)
    with pytest.raises(MemoryError, match="linkage of 100 points"):
        linkage(X, 0.5, 3, max_memory_mb=100)
    assert predicted_memory_mb(774_615, 128) < 3000


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"frames": np.zeros(3, int)}, r"frames has shape \(3,\); it must be \(4,\)"),
        ({"founding": np.ones(5, bool)}, r"founding has shape \(5,\)"),
        ({"must_link": np.array([[0, 4]])}, "must_link has rows from 0 to 4; there are 4 points"),
        ({"must_link": np.array([0, 1])}, r"must_link has shape \(2,\)"),
        ({"rules": Rules(mend=0)}, "mend is 0; it must be a number above 0"),
        ({"rules": Rules(margin=-1)}, "margin is -1; it must be a number of at least 0"),
    ],
)
def test_what_does_not_fit_is_refused(given_, message):
    with pytest.raises(ValueError, match=message):
        linkage(np.zeros((4, 2)), 0.5, 2, **given_)
