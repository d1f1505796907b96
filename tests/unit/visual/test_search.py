"""What is nearest is what comparing with everything finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.visual.search import Index, axes_of, drop, heads_of, nearest


def unit_vectors(n: int, d: int, seed: int, along: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((n, along)) @ rng.standard_normal((along, d)) + 0.05 * rng.standard_normal(
        (n, d)
    )
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(1, 400), st.integers(2, 40), st.integers(0, 99), st.integers(1, 30), st.booleans())
def test_the_index_changes_nothing(n: int, d: int, seed: int, top: int, some: bool) -> None:
    vectors = unit_vectors(n, d, seed, min(d, 5))
    rng = np.random.default_rng(seed)
    query = unit_vectors(2, d, seed + 1, 2)[0] if seed % 2 else vectors[rng.integers(n)]
    allowed = np.flatnonzero(rng.random(n) < 0.6) if some else None
    axes = axes_of(vectors, min(d, 4))
    index = Index(axes, np.concatenate(list(heads_of(vectors, axes))))
    rows, cosines = nearest(vectors, query, top, index=index, allowed=allowed)
    meant = np.arange(n) if allowed is None else allowed
    exact = vectors[meant].astype(np.float64) @ query.astype(np.float64)
    order = np.lexsort((meant, -exact))[:top]
    assert rows.tolist() == meant[order].tolist()
    np.testing.assert_allclose(cosines, exact[order], atol=1e-12)


def test_the_index_spares_most_of_the_work() -> None:
    vectors = unit_vectors(3000, 64, 0, 6)
    axes = axes_of(vectors, 8)
    index = Index(axes, np.concatenate(list(heads_of(vectors, axes))))

    class Counted(np.ndarray):
        read = 0

        def __getitem__(self, rows):
            found = np.asarray(self.view(np.ndarray)[rows])
            Counted.read += len(found) if found.ndim == 2 else 0
            return found

    nearest(vectors.view(Counted), vectors[5], 10, index=index)
    assert Counted.read < 1500


def test_of_as_near_ones_the_first() -> None:
    vectors = np.array([[1, 0]] * 5 + [[0, 1]], np.float32)
    assert nearest(vectors, np.array([1.0, 0]), 3)[0].tolist() == [0, 1, 2]


def test_another_embedder_is_told() -> None:
    with pytest.raises(ValueError, match="different embedders"):
        nearest(np.ones((2, 3), np.float32), np.ones(4), 1)


def test_nothing_is_nearest_of_nothing() -> None:
    rows, cosines = nearest(np.empty((0, 3), np.float32), np.ones(3), 5)
    assert len(rows) == len(cosines) == 0


def test_scores_fall_where_they_fall_most() -> None:
    assert drop(np.array([0.9, 0.8, 0.3, 0.25])).place == 2
    assert drop(np.array([0.9])).place == 0
    assert drop(np.array([])).place == 0
