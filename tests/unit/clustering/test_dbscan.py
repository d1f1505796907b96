"""Labels of faces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import DBSCAN

from castgraph.clustering import dbscan, sweep


@given(
    X=st.integers(1, 60).flatmap(lambda n: arrays(np.float32, (n, 3), elements=st.floats(-1, 1, width=32))),
    eps=st.floats(0.05, 1.5),
    min_samples=st.integers(1, 6),
    threads=st.integers(1, 2),
)
def test_labels_are_those_of_scikit_learn(X, eps: float, min_samples: int, threads: int) -> None:
    expected = DBSCAN(eps=eps, min_samples=min_samples).fit(X).labels_
    labels = dbscan(X, eps, min_samples, threads=threads)
    assert labels.dtype == np.int32
    assert labels.tolist() == expected.tolist()


def test_eps_is_inclusive_and_a_point_counts_itself() -> None:
    X = np.array([[0.0], [1.0], [2.0]])
    assert dbscan(X, 1.0, 2).tolist() == [0, 0, 0]
    assert dbscan(X, 0.999, 2).tolist() == [-1, -1, -1]
    assert dbscan(X, 0.1, 1).tolist() == [0, 1, 2]


def test_the_input_is_not_modified() -> None:
    X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    before = X.copy()
    dbscan(X, 0.5, 3)
    assert (before == X).all()


def test_the_number_of_eps_and_of_threads_is_bounded() -> None:
    with pytest.raises(ValueError, match="eps has 0 values; 1 to 100 are allowed"):
        sweep([[0.0]], [], 5)
    with pytest.raises(ValueError, match="eps has 101 values"):
        sweep([[0.0]], np.arange(1, 102).tolist(), 5)
    with pytest.raises(ValueError, match="threads is 0"):
        dbscan([[0.0]], 0.4, 5, threads=0)


def test_more_neighbours_than_there_could_be_make_noise() -> None:
    assert dbscan(np.zeros((5, 3)), 0.4, 10**30).tolist() == [-1] * 5


@pytest.mark.parametrize(
    ("X", "eps", "min_samples", "message"),
    [
        ([[0.0, float("nan")]], 0.4, 5, "NaN or infinite"),
        ([[0.0, float("inf")]], 0.4, 5, "NaN or infinite"),
        ([0.0, 1.0], 0.4, 5, r"shape \(2,\)"),
        (np.empty((0, 128)), 0.4, 5, r"shape \(0, 128\)"),
        (np.empty((3, 0)), 0.4, 5, r"shape \(3, 0\)"),
        ([[0.0]], 0.0, 5, "eps is 0.0"),
        ([[0.0]], -1.0, 5, "eps is -1.0"),
        ([[0.0]], float("nan"), 5, "eps is nan"),
        ([[0.0]], 0.4, 0, "min_samples is 0"),
    ],
)
def test_bad_arguments_are_refused(X, eps: float, min_samples: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dbscan(X, eps, min_samples)
