"""DBSCAN as an estimator of scikit-learn."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.utils.estimator_checks import parametrize_with_checks

from castgraph.clustering.estimator import ExactDBSCAN


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Three groups, with noise and border points between them."""
    rng = np.random.default_rng(1)
    middles = np.repeat([[0, 0, 0], [1, 0, 0], [0, 2, 0]], 40, axis=0)
    return np.concatenate([middles + rng.normal(0, 0.2, (120, 3)), rng.uniform(-2, 3, (40, 3))])


@parametrize_with_checks([ExactDBSCAN()])
def test_it_keeps_the_contract_of_scikit_learn(estimator, check) -> None:
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("eps", "min_samples"), [(0.2, 4), (0.4, 5), (5.0, 3)])
def test_the_result_is_that_of_scikit_learn(points, dtype, eps: float, min_samples: int) -> None:
    X = points.astype(dtype)
    expected = DBSCAN(eps=eps, min_samples=min_samples).fit(X)
    found = ExactDBSCAN(eps, min_samples=min_samples, n_jobs=2).fit(X)
    assert found.labels_.tolist() == expected.labels_.tolist()
    assert found.core_sample_indices_.tolist() == expected.core_sample_indices_.tolist()
    assert np.array_equal(found.components_, expected.components_)
    for name in ("labels_", "core_sample_indices_", "components_"):
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert found.n_features_in_ == 3


def test_the_defaults_are_those_of_scikit_learn() -> None:
    theirs, ours = DBSCAN().get_params(), ExactDBSCAN().get_params()
    for name in ("eps", "min_samples", "n_jobs"):
        assert ours[name] == theirs[name]


def test_where_nothing_is_dense_there_are_no_components(points) -> None:
    found = ExactDBSCAN(1e-6).fit(points)
    assert set(found.labels_) == {-1}
    assert found.core_sample_indices_.shape == (0,)
    assert found.components_.shape == (0, 3)


def test_components_are_copies(points) -> None:
    X = points.copy()
    found = ExactDBSCAN().fit(X)
    found.components_[:] = 0
    assert np.array_equal(X, points)


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
def test_labels_do_not_depend_on_n_jobs(points, n_jobs: int | None) -> None:
    assert ExactDBSCAN(0.4, n_jobs=n_jobs).fit_predict(points).tolist() == (
        ExactDBSCAN(0.4).fit_predict(points).tolist()
    )


def test_no_jobs_are_refused(points) -> None:
    with pytest.raises(ValueError, match="n_jobs"):
        ExactDBSCAN(n_jobs=0).fit(points)


@pytest.mark.parametrize("method", ["fit", "fit_predict"])
def test_weights_are_refused_with_what_to_do_instead(points, method: str) -> None:
    with pytest.raises(ValueError, match=r"sample_weight is given; .* numpy\.repeat"):
        getattr(ExactDBSCAN(), method)(points, sample_weight=np.ones(len(points)))


def test_what_to_do_instead_of_weights_gives_the_labels_of_weights(points) -> None:
    weights = np.random.default_rng(2).integers(1, 4, len(points))
    expected = DBSCAN(0.3, min_samples=6).fit_predict(points, sample_weight=weights)
    repeated = ExactDBSCAN(0.3, min_samples=6).fit_predict(np.repeat(points, weights, axis=0))
    assert repeated.tolist() == np.repeat(expected, weights).tolist()


def test_no_weights_are_no_weights(points) -> None:
    assert ExactDBSCAN().fit(points, sample_weight=None).labels_.shape == (160,)


def test_other_keywords_are_refused(points) -> None:
    with pytest.raises(TypeError, match="weight'"):
        ExactDBSCAN().fit(points, weight=1)


def test_sparse_points_are_refused(points) -> None:
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        ExactDBSCAN().fit(sparse.csr_array(points))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"eps": 0.0}, ValueError, "eps is 0.0"),
        ({"min_samples": 0}, ValueError, "min_samples is 0"),
        ({"kernel": "abacus"}, ValueError, "abacus"),
        ({"max_memory_mb": 1e-6}, MemoryError, "0 MB are allowed"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(points, parameters, error, message: str) -> None:
    estimator = clone(ExactDBSCAN(**parameters))  # nothing is checked before fit
    with pytest.raises(error, match=message):
        estimator.fit(points)
