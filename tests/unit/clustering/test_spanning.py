"""The spanning tree by mutual reachability, against SciPy's of all distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from sklearn.metrics import pairwise_distances

from castgraph.clustering import spanning
from castgraph.clustering.spanning import spanning_tree


def reachability(X: np.ndarray, k: int) -> np.ndarray:
    distances = pairwise_distances(X.astype(float))
    core = np.sort(distances, axis=1)[:, k - 1]
    return np.maximum(np.maximum(distances, core), core[:, None])


@st.composite
def points(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, d = draw(st.integers(2, 60)), draw(st.integers(1, 5))
    X = rng.normal(size=(n, d))
    if draw(st.booleans()):
        X = X.round()  # many are the same, or equally far
    return (X + draw(st.sampled_from([0, 1000]))).astype(draw(st.sampled_from(["f4", "f8"]))), draw(
        st.integers(1, n)
    )


@given(points(), st.integers(1, 3))
def test_no_tree_is_shorter(made: tuple[np.ndarray, int], threads: int) -> None:
    X, k = made
    n, far = len(X), reachability(*made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning, "ROWS", 7)
        patch.setattr(spanning, "COLUMNS", 11)
        edges, lengths = spanning_tree(X, k, threads=threads)
    assert edges.shape == (n - 1, 2)
    graph = coo_array((np.ones(n - 1), edges.T), shape=(n, n))
    assert connected_components(graph, directed=False)[0] == 1
    np.testing.assert_allclose(lengths, far[edges[:, 0], edges[:, 1]], rtol=1e-8, atol=1e-9)
    # For SciPy a distance of 0 is no edge.
    shortest = minimum_spanning_tree(far + 1).data - 1
    np.testing.assert_allclose(np.sort(lengths), np.sort(shortest), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_points_of_any_size_and_one_far_away(scale: float) -> None:
    rng = np.random.default_rng(4)
    X = scale * np.concatenate([rng.normal(size=(40, 3)), [[1e6, 0, 0]]])
    _, lengths = spanning_tree(X, 3)
    shortest = minimum_spanning_tree(reachability(X / scale, 3)).data
    np.testing.assert_allclose(np.sort(lengths) / scale, np.sort(shortest), rtol=1e-8)


def test_a_single_point_has_no_edge() -> None:
    edges, lengths = spanning_tree(np.zeros((1, 3)), 1)
    assert (edges.shape, lengths.shape) == ((0, 2), (0,))


@pytest.mark.parametrize("k", [2, 5])
def test_blocks_and_threads_change_nothing(k: int) -> None:
    X = np.random.default_rng(3).normal(size=(5_000, 6)).astype(np.float32)
    edges, lengths = spanning_tree(X, k)
    again, same = spanning_tree(X, k, threads=3)
    assert (again == edges).all()
    assert (same == lengths).all()
