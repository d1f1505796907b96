"""Exact DBSCAN: the labels of every kernel are those of scikit-learn.

Where scikit-learn's own rounding decides, there is nothing to be equal to. For more than 15 dimensions (or
fewer than 12 points) it takes squared distances as x² + y² - 2xy, in float64: an error of about 1e-16 of the
squared norms. Those tests keep distances further than that from eps. Otherwise it adds up squared differences
in float64, one dimension after the other; there, even distances are tested that are eps but for rounding.
"""

import hashlib
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.cluster import DBSCAN

from castgraph.clustering.dbscan import dbscan, kernels, predicted_memory_mb, sweep

Points = NDArray[np.floating]

each_kernel = pytest.mark.parametrize("kernel", kernels())
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


known: dict[tuple, list[int]] = {}


def expected(X: Points, eps: float, min_samples: int) -> list[int]:
    """The labels of scikit-learn, which are the same for every kernel."""
    question = (hashlib.sha256(X.tobytes()).digest(), X.shape, X.dtype.str, eps, min_samples)
    if question not in known:
        known[question] = DBSCAN(eps=eps, min_samples=min_samples).fit(X).labels_.tolist()
    return known[question]


def squared_eps(X: Points, eps: float) -> float:
    """What scikit-learn compares squared distances with: for float32 it rounds eps, unless it uses a tree."""
    brute = X.shape[1] > 15 or len(X) < 12
    return float(np.float32(eps) * np.float32(eps)) if brute and X.dtype == np.float32 else eps * eps


def nearest_to_eps(X: Points, eps: float) -> float:
    """The smallest relative difference between a squared distance and eps squared."""
    return np.abs(pdist(X.astype(np.float64), "sqeuclidean") / squared_eps(X, eps) - 1).min(initial=np.inf)


def eps_at(X: Points, share: float) -> float:
    """An eps within which about a share of the pairs are; it lies between two distances."""
    distances = np.unique(pdist(X[:130].astype(np.float64)))
    distances = distances[distances > 1e-6]
    if len(distances) < 2:
        return 1.0
    below = min(int(share * len(distances)), len(distances) - 2)
    return float(distances[below : below + 2].mean())


def groups(rng: np.random.Generator, n: int, d: int, spread: float) -> Points:
    """Points in groups of about eight."""
    centres = rng.normal(size=(n // 8 + 1, d))
    return centres[rng.integers(len(centres), size=n)] + spread * rng.normal(size=(n, d))


@cache
def faces(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Embeddings like dlib's: people with very many to one face, and a quarter of faces that are nobody's."""
    rng = np.random.default_rng(seed)
    spectrum = np.exp(-np.arange(128) / 20) + 0.003
    axes = np.sqrt(spectrum / spectrum.sum())[:, None] * np.linalg.qr(rng.normal(size=(128, 128)))[0]
    weights = 1 / np.arange(1, n // 12 + 2)
    places = np.sqrt(0.29) * rng.normal(size=(len(weights), 128))
    X = places[rng.choice(len(weights), n, p=weights / weights.sum())]
    X += np.sqrt(0.04) * np.exp(0.4 * rng.normal(size=(n, 1))) * rng.normal(size=(n, 128))
    nobody = rng.random(n) < 0.25
    X[nobody] = np.sqrt(0.31) * rng.normal(size=(np.count_nonzero(nobody), 128))
    X = (X @ axes + 1.25 / np.sqrt(128)).astype(np.float32)
    X.flags.writeable = False
    return X


def labels_of_faces(n: int, eps: float, min_samples: int = 5) -> list[int]:
    return expected(faces(n), eps, min_samples)


def pairs_at(d: int, factors: NDArray[np.float64], eps: float) -> Points:
    """Pairs of points, far from each other pair, at a distance of eps times a factor for each; float64."""
    rng = np.random.default_rng(d)
    n = len(factors)
    first = np.zeros((n, d))
    side = int(np.ceil(np.sqrt(n)))
    first[:, 0], first[:, 1] = 3 * eps * (np.arange(n) % side), 3 * eps * (np.arange(n) // side)
    first[:, 2:] = 0.1 * eps * rng.normal(size=(n, d - 2))
    way = rng.normal(size=(n, d))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return np.stack([first, first + (eps * factors)[:, None] * way], axis=1).reshape(2 * n, d)


# --- random points of all sizes


@each_kernel
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 129),
    d=st.integers(1, 300),
    dtype=st.sampled_from([np.float32, np.float64]),
    spread=st.sampled_from([0.001, 0.1, 0.5]),
    share=st.sampled_from([0.002, 0.02, 0.1, 0.4, 0.9]),
    min_samples=st.integers(1, 8),
)
def test_random_points(kernel, seed, n, d, dtype, spread, share, min_samples) -> None:
    X = groups(np.random.default_rng(seed), n, d, spread).astype(dtype)
    eps = eps_at(X, share)
    assert dbscan(X, eps, min_samples, kernel=kernel).tolist() == expected(X, eps, min_samples)


@each_kernel
@pytest.mark.parametrize("d", [1, 2, 3, 15, 16, 17, 31, 33, 64, 128, 129, 300])
def test_sizes_around_those_of_blocks(kernel: str, d: int) -> None:
    rng = np.random.default_rng(d)
    for n in (1, 2, 11, 12, 15, 16, 17, 63, 64, 65, 127, 128, 129, 130, 191, 193):
        X = groups(rng, n, d, 0.1).astype(np.float32)
        eps = eps_at(X, 0.05)
        assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3), n


@each_kernel
@pytest.mark.parametrize("n", [2047, 2048, 2049, 2050, 5000])
def test_sizes_around_those_of_tiles(kernel: str, n: int) -> None:
    assert dbscan(faces(n), 0.4, 5, kernel=kernel).tolist() == labels_of_faces(n, 0.4)


# --- distances that are eps, or nearly


@each_kernel
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 150),
    d=st.integers(1, 20),
    side=st.integers(2, 6),
    spacing=st.sampled_from([2.0**-10, 0.25, 1.0, 8.0]),
    steps=st.sampled_from([1.0, 1.5, 2.0, 3.0, 4.0]),
    min_samples=st.integers(1, 8),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_lattices_with_distances_of_exactly_eps(
    kernel, seed, n, d, side, spacing, steps, min_samples, dtype
) -> None:
    # Everything here is a small multiple of a power of two: no one rounds.
    X = (spacing * np.random.default_rng(seed).integers(-1, side, size=(n, d))).astype(dtype)
    eps = spacing * steps
    assert dbscan(X, eps, min_samples, kernel=kernel).tolist() == expected(X, eps, min_samples)


@each_kernel
@each_dtype
@pytest.mark.parametrize(("d", "side"), [(1, 60), (2, 14), (3, 6)])
def test_lattices_with_distances_of_eps_but_for_rounding(kernel: str, dtype, d: int, side: int) -> None:
    rng = np.random.default_rng(d)
    lattice = np.moveaxis(np.indices((side,) * d), 0, -1).reshape(-1, d)
    for share in (0.5, 0.8):
        X = rng.permutation(lattice[rng.random(len(lattice)) < share]).astype(dtype) * dtype(0.1)
        for eps in (0.1, 0.2, 0.1 * 3, 0.3, 0.1 * np.sqrt(2), 0.1 * np.sqrt(3)):
            for min_samples in (2, 2 * d, 2 * d + 1):
                labels = dbscan(X, eps, min_samples, kernel=kernel)
                assert labels.tolist() == expected(X, eps, min_samples), (eps, min_samples)


@each_kernel
@pytest.mark.parametrize("d", [2, 3, 7, 15, 16, 24, 25, 50, 128, 200])
def test_pairs_a_hundred_millionth_from_eps(kernel: str, d: int) -> None:
    factors = 1 + 1e-8 * np.resize([-1, 1, 1], 64)
    X = pairs_at(d, factors, 0.4)
    wanted = np.full(len(X), -1)
    wanted[np.repeat(factors < 1, 2)] = np.repeat(np.arange(np.count_nonzero(factors < 1)), 2)
    assert expected(X, 0.4, 2) == wanted.tolist()
    assert dbscan(X, 0.4, 2, kernel=kernel).tolist() == wanted.tolist()


@each_kernel
@pytest.mark.parametrize("eps", [0.4, 0.3, 0.123456789, 1.0])
@pytest.mark.parametrize("n_pairs", [5, 64])
def test_pairs_that_the_rounding_of_float32_moves_across_eps(kernel: str, n_pairs: int, eps: float) -> None:
    for d in (2, 3, 15, 16, 24, 40, 128, 200):
        factors = 1 + np.resize([0, 1e-8, -1e-8, 3e-8, -3e-8, 1e-7, -1e-7, 1e-6], n_pairs)
        X = pairs_at(d, factors, eps).astype(np.float32)
        assert nearest_to_eps(X, eps) > 1e-13
        assert dbscan(X, eps, 2, kernel=kernel).tolist() == expected(X, eps, 2), d


@each_kernel
@each_dtype
def test_corners_of_a_simplex_are_all_at_one_distance(kernel: str, dtype) -> None:
    X = np.eye(130, dtype=dtype)
    for eps in (np.sqrt(2), 1.4142135, 1.4142136, np.nextafter(np.sqrt(2), 0), 2.0, 1.0):
        assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3), eps


# --- points of odd kinds


@each_kernel
@pytest.mark.parametrize("d", [2, 20, 128])
def test_duplicates(kernel: str, d: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.permutation(np.repeat(groups(rng, 40, d, 0.05), rng.integers(1, 40, 40), axis=0)).astype(
        np.float32
    )
    for eps, min_samples in ((0.01, 5), (0.3, 30), (0.3, 100)):
        assert dbscan(X, eps, min_samples, kernel=kernel).tolist() == expected(X, eps, min_samples)


@each_kernel
@pytest.mark.parametrize("n", [1, 5, 64, 200, 2050])
def test_the_same_point_over_and_over(kernel: str, n: int) -> None:
    for X in (np.zeros((n, 128), np.float32), np.full((n, 3), 7.3)):
        assert dbscan(X, 0.4, n if n <= 200 else 60, kernel=kernel).tolist() == [0] * n
        if n <= 200:
            assert dbscan(X, 0.4, n + 1, kernel=kernel).tolist() == [-1] * n


@each_kernel
def test_all_noise(kernel: str) -> None:
    X = np.random.default_rng(0).normal(size=(2100, 128)).astype(np.float32)  # about 16 apart
    assert dbscan(X, 4.0, 2, kernel=kernel).tolist() == [-1] * len(X)
    assert dbscan(X, 4.0, 1, kernel=kernel).tolist() == list(range(len(X)))


@each_kernel
def test_one_cluster(kernel: str) -> None:
    X = 0.1 * np.random.default_rng(0).normal(size=(2100, 128)).astype(np.float32)  # about 1.6 apart
    for min_samples in (1, 5, 64):
        assert dbscan(X, 4.0, min_samples, kernel=kernel).tolist() == [0] * len(X)
    some = X[:200]
    assert dbscan(some, 4.0, len(some), kernel=kernel).tolist() == [0] * len(some)
    assert dbscan(some, 4.0, len(some) + 1, kernel=kernel).tolist() == [-1] * len(some)


@each_kernel
@pytest.mark.parametrize("d", [3, 128])
def test_min_samples_from_one_to_more_than_there_are_points(kernel: str, d: int) -> None:
    X = groups(np.random.default_rng(1), 70, d, 0.3)
    eps = eps_at(X, 0.15)
    for min_samples in range(1, len(X) + 2):
        assert dbscan(X, eps, min_samples, kernel=kernel).tolist() == expected(X, eps, min_samples)


@each_kernel
def test_many_neighbours_are_asked_for(kernel: str) -> None:
    assert dbscan(faces(2050), 0.45, 60, kernel=kernel).tolist() == labels_of_faces(2050, 0.45, 60)


@each_kernel
@each_dtype
@pytest.mark.parametrize("d", [3, 128])
@pytest.mark.parametrize("scale", [1e6, 1e-6, 2.0**50, 2.0**-50])
def test_scales(kernel: str, dtype, d: int, scale: float) -> None:
    X = groups(np.random.default_rng(2), 300, d, 0.1)
    eps = eps_at(X, 0.02) * scale
    X = (X * scale).astype(dtype)
    assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3)


@each_kernel
@pytest.mark.parametrize("scale", [2.0**200, 2.0**-200])
def test_scales_beyond_those_of_float32(kernel: str, scale: float) -> None:
    X = groups(np.random.default_rng(2), 300, 128, 0.1) * scale
    eps = eps_at(X / scale, 0.02) * scale
    assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3)


@each_kernel
@each_dtype
@pytest.mark.parametrize("d", [3, 128])
@pytest.mark.parametrize("offset", [100.0, -3000.0])
def test_points_far_from_the_origin(kernel: str, dtype, d: int, offset: float) -> None:
    X = (groups(np.random.default_rng(3), 300, d, 0.1) + offset).astype(dtype)
    eps = eps_at(X, 0.02)
    assert nearest_to_eps(X, eps) > 1e-6
    assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3)


@each_kernel
@each_dtype
@pytest.mark.parametrize("d", [3, 128])
@pytest.mark.parametrize("distance", [1e6, 1e15, 1e30])
def test_one_point_far_from_all_others(kernel: str, dtype, d: int, distance: float) -> None:
    X = groups(np.random.default_rng(4), 300, d, 0.1)
    eps = eps_at(X, 0.02)
    X[17] = distance
    X = X.astype(dtype)
    assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3)


@each_kernel
@each_dtype
def test_a_group_far_from_all_others(kernel: str, dtype) -> None:
    X = groups(np.random.default_rng(5), 300, 128, 0.01)
    eps = eps_at(X, 0.02)
    X[::10] = X[0] + 0.01 * X[::10] + 1e3
    X = X.astype(dtype)
    assert nearest_to_eps(X, eps) > 1e-6
    assert dbscan(X, eps, 3, kernel=kernel).tolist() == expected(X, eps, 3)


@each_kernel
@each_dtype
def test_one_dimension_that_is_much_wider_than_the_others(kernel: str, dtype) -> None:
    X = groups(np.random.default_rng(6), 300, 40, 0.1)
    eps = eps_at(X[:, 1:], 0.04)
    X[:, 0] = 1e4 * np.arange(300)
    X[1::2, 0] -= 1e4
    X[1::2, 1:] = X[::2, 1:] + 0.12 * X[1::2, 1:]
    X = X.astype(dtype)
    assert nearest_to_eps(X, eps) > 1e-6
    assert len(set(expected(X, eps, 2))) > 10
    assert dbscan(X, eps, 2, kernel=kernel).tolist() == expected(X, eps, 2)


@each_kernel
@pytest.mark.parametrize("rank", [0, 1, 2, 5])
def test_points_in_few_of_many_dimensions(kernel: str, rank: int) -> None:
    rng = np.random.default_rng(rank)
    X = (groups(rng, 200, rank, 0.1) @ rng.normal(size=(rank, 128)) + 1).astype(np.float32)
    eps = eps_at(X, 0.05)
    assert dbscan(X, eps, 4, kernel=kernel).tolist() == expected(X, eps, 4)


# --- faces, and clusters that lie across all cells


@each_kernel
@pytest.mark.parametrize(("eps", "min_samples"), [(0.40, 5), (0.48, 3), (0.30, 10)])
def test_faces(kernel: str, eps: float, min_samples: int) -> None:
    wanted = labels_of_faces(4200, eps, min_samples)
    assert len(set(wanted)) > 25
    assert dbscan(faces(4200), eps, min_samples, kernel=kernel).tolist() == wanted


@each_kernel
def test_faces_in_double_precision(kernel: str) -> None:
    X = faces(2050).astype(np.float64) * (1 + 1e-9 * np.arange(2050)[:, None])
    assert dbscan(X, 0.4, 5, kernel=kernel).tolist() == expected(X, 0.4, 5)


@each_kernel
@pytest.mark.parametrize("threads", [2, 4])
def test_the_labels_do_not_depend_on_the_number_of_threads(kernel: str, threads: int) -> None:
    for eps, min_samples in ((0.40, 5), (0.48, 3), (0.48, 3)):
        labels = dbscan(faces(4200), eps, min_samples, kernel=kernel, threads=threads)
        assert labels.tolist() == labels_of_faces(4200, eps, min_samples)


def test_the_best_kernel_is_the_default() -> None:
    assert kernels()[-1] == "numpy"
    assert dbscan(faces(2050), 0.4, 5).tolist() == labels_of_faces(2050, 0.4)


@each_kernel
@pytest.mark.parametrize("n_chains", [1, 7])
def test_long_chains(kernel: str, n_chains: int) -> None:
    rng = np.random.default_rng(n_chains)
    length = 2800 // n_chains
    steps = rng.normal(size=(n_chains, length, 128))
    steps *= 0.39 / np.linalg.norm(steps, axis=2, keepdims=True)
    chains = np.cumsum(steps, axis=1) + 5 * rng.normal(size=(n_chains, 1, 128))
    order = rng.permutation(n_chains * length)
    chain = np.repeat(np.arange(n_chains), length)[order]
    X = chains.reshape(-1, 128)[order].astype(np.float32)
    labels = dbscan(X, 0.4, 3, kernel=kernel)
    assert labels.tolist() == expected(X, 0.4, 3)
    assert len(set(zip(chain.tolist(), labels.tolist(), strict=True))) == n_chains
    assert labels.min() == 0  # not even the ends are noise


# --- how clusters are numbered


@each_kernel
@each_dtype
@pytest.mark.parametrize("d", [1, 40])
def test_clusters_are_numbered_by_their_first_core_point(kernel: str, dtype, d: int) -> None:
    #                 border of the right cluster, the left cluster, noise, the right cluster
    line = np.array([13.0, 1.0, 0.0, 0.5, 50.0, 11.0, 12.0, 10.5])
    X = np.zeros((len(line), d), dtype)
    X[:, 0] = line
    assert expected(X, 1.0, 3) == [1, 0, 0, 0, -1, 1, 1, 1]
    assert dbscan(X, 1.0, 3, kernel=kernel).tolist() == [1, 0, 0, 0, -1, 1, 1, 1]


@each_kernel
@each_dtype
@pytest.mark.parametrize("d", [1, 40])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_border_point_between_two_clusters_takes_the_smaller_label(
    kernel: str, dtype, d: int, mirrored: bool
) -> None:
    line = np.array([0.0, 4.0, -0.5, -1.0, -0.5, 4.5, 5.0, 4.5, 2.0])
    X = np.zeros((len(line), d), dtype)
    X[:, 0] = -line if mirrored else line
    assert dbscan(X, 2.0, 4, kernel=kernel).tolist() == [0, 1, 0, 0, 0, 1, 1, 1, 0]
    for order in np.random.default_rng(0).permuted(np.tile(np.arange(len(X)), (20, 1)), axis=1):
        assert dbscan(X[order], 2.0, 4, kernel=kernel).tolist() == expected(X[order], 2.0, 4)


@each_kernel
def test_many_border_points_in_any_order(kernel: str) -> None:
    X = faces(2050)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        wanted = expected(X[order], 0.5, 40)
        assert 0 < wanted.count(-1) < len(X)
        assert dbscan(X[order], 0.5, 40, kernel=kernel).tolist() == wanted


# --- several eps at once


@each_kernel
@pytest.mark.parametrize("threads", [1, 3])
def test_each_row_of_a_sweep_is_a_clustering_of_its_own(kernel: str, threads: int) -> None:
    values = [0.40, 0.30, float(np.nextafter(0.40, 1)), 0.44, 0.40, 0.4000001, 0.55, 0.36]
    labels = sweep(faces(3000), values, 5, kernel=kernel, threads=threads)
    assert labels.dtype == np.int32
    assert labels.shape == (len(values), 3000)
    for eps, row in zip(values, labels, strict=True):
        assert row.tolist() == labels_of_faces(3000, eps), eps


@each_kernel
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 150),
    d=st.integers(1, 20),
    steps=st.lists(st.sampled_from([0.5, 1.0, 1.25, 2.0, 3.0, 100.0]), min_size=1, max_size=6),
    min_samples=st.integers(1, 8),
)
def test_a_sweep_over_a_lattice(kernel, seed, n, d, steps, min_samples) -> None:
    X = np.random.default_rng(seed).integers(0, 4, size=(n, d)).astype(np.float32)
    labels = sweep(X, steps, min_samples, kernel=kernel)
    assert labels.tolist() == [expected(X, eps, min_samples) for eps in steps]


@each_kernel
def test_a_sweep_over_pairs_that_the_rounding_of_float32_moves_across_eps(kernel: str) -> None:
    X = pairs_at(128, 1 + np.linspace(-3e-7, 3e-7, 64), 0.4).astype(np.float32)
    values = [0.4 * (1 + tiny) for tiny in (-1e-7, 0, 1e-9, 1e-8, 5e-8, -2e-8, 2e-7)]
    assert min(nearest_to_eps(X, eps) for eps in values) > 1e-13
    assert sweep(X, values, 2, kernel=kernel).tolist() == [expected(X, eps, 2) for eps in values]


# --- what points may come as


@each_kernel
@each_dtype
@pytest.mark.parametrize("d", [3, 40])
def test_points_may_lie_in_memory_in_any_way(kernel: str, dtype, d: int, tmp_path: Path) -> None:
    X = groups(np.random.default_rng(7), 150, d, 0.1).astype(dtype)
    eps = eps_at(X, 0.02)
    wide = np.full((300, 3 * d), 5, dtype)
    wide[::2, 1::3] = X
    read_only = X.copy()
    read_only.flags.writeable = False
    np.save(tmp_path / "X.npy", X)
    ways = {
        "Fortran": np.asfortranarray(X),
        "strided": wide[::2, 1::3],
        "backwards": X[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": read_only,
        "other byte order": X.astype(np.dtype(dtype).newbyteorder()),
        "mapped": np.load(tmp_path / "X.npy", mmap_mode="r"),
        "unaligned": np.frombuffer(b"x" + X.tobytes(), np.uint8)[1:].view(dtype).reshape(X.shape),
    }
    wanted = expected(X, eps, 3)
    for name, points in ways.items():
        before = points.copy()
        assert dbscan(points, eps, 3, kernel=kernel).tolist() == wanted, name
        assert (points == before).all()
    as_float64 = X.astype(np.float64)
    assert dbscan(as_float64.tolist(), eps, 3, kernel=kernel).tolist() == expected(as_float64, eps, 3)


@each_kernel
@pytest.mark.parametrize("d", [3, 40])
def test_a_row_that_is_repeated_without_a_copy(kernel: str, d: int) -> None:
    X = np.broadcast_to(np.arange(d, dtype=np.float32), (70, d))
    assert dbscan(X, 0.4, 70, kernel=kernel).tolist() == [0] * 70


@each_kernel
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.float16])
@pytest.mark.parametrize("d", [3, 40])
def test_other_numbers_become_float64(kernel: str, dtype, d: int) -> None:
    X = np.random.default_rng(d).integers(0, {3: 9, 40: 3}[d], size=(150, d)).astype(dtype)
    eps = {3: 1, 40: 6}[d]
    assert len(set(expected(X, eps, 4))) > 1
    assert dbscan(X, eps, np.int64(4), kernel=kernel).tolist() == expected(X, eps, 4)


# --- what is refused


def never(done: float) -> None:
    raise AssertionError(f"work was begun before the arguments were checked ({done})")


@pytest.mark.parametrize(
    ("X", "changed", "message"),
    [
        (np.full((2, 2), np.nan), {}, "NaN or infinite"),
        (np.append(np.zeros((5000, 2)), [[0, -np.inf]], axis=0), {}, "NaN or infinite"),
        (np.zeros(3), {}, r"shape \(3,\)"),
        (np.zeros((2, 2, 2)), {}, r"shape \(2, 2, 2\)"),
        (np.zeros((3, 0)), {}, r"shape \(3, 0\)"),
        (np.zeros((0, 3)), {}, r"shape \(0, 3\)"),
        (np.zeros((2, 2)), {"eps": 0}, "eps is 0"),
        (np.zeros((2, 2)), {"eps": -0.4}, r"eps is -0\.4"),
        (np.zeros((2, 2)), {"eps": np.nan}, "eps is nan"),
        (np.zeros((2, 2)), {"eps": np.inf}, "eps is inf"),
        (np.zeros((2, 2)), {"min_samples": 0}, "min_samples is 0"),
        (np.zeros((2, 2)), {"min_samples": -3}, "min_samples is -3"),
        (np.zeros((2, 2)), {"min_samples": 2.5}, r"min_samples is 2\.5"),
        (np.zeros((2, 2)), {"kernel": "abacus"}, "abacus.*" + ".*".join(map(re.escape, kernels()))),
    ],
)
def test_bad_arguments_are_refused(X, changed: dict, message: str) -> None:
    eps, min_samples, options = 0.4, 5, dict(changed)
    eps, min_samples = options.pop("eps", eps), options.pop("min_samples", min_samples)
    with pytest.raises(ValueError, match=message):
        dbscan(X, eps, min_samples, progress=never, **options)
    with pytest.raises(ValueError, match=message):
        sweep(X, [0.3, eps], min_samples, progress=never, **options)


@each_kernel
def test_more_memory_than_allowed_is_refused(kernel: str) -> None:
    X = faces(5000)
    needed = predicted_memory_mb(*X.shape, itemsize=4, n_eps=1, min_samples=5, threads=1)
    assert needed > 101
    with pytest.raises(MemoryError) as refused:
        dbscan(X, 0.4, 5, kernel=kernel, max_memory_mb=100, progress=never)
    numbers = [float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", str(refused.value))]
    assert 100 in numbers
    assert any(abs(one - needed) <= max(1.0, 0.02 * needed) for one in numbers if one != 100)
    assert dbscan(X, 0.4, 5, kernel=kernel, max_memory_mb=2 * needed).tolist() == labels_of_faces(5000, 0.4)


def test_the_memory_of_a_sweep_counts_all_its_eps() -> None:
    X = faces(5000)
    needed = predicted_memory_mb(*X.shape, n_eps=8)
    assert needed > predicted_memory_mb(*X.shape)
    with pytest.raises(MemoryError):
        sweep(X, np.linspace(0.3, 0.44, 8), 5, max_memory_mb=0.9 * needed, progress=never)


def test_the_predicted_memory_grows_with_the_points_and_not_with_their_pairs() -> None:
    once, twice = predicted_memory_mb(400_000, 128), predicted_memory_mb(800_000, 128)
    assert once < twice < 2.2 * once
    assert predicted_memory_mb(400_000, 128, min_samples=50) > once
    assert predicted_memory_mb(400_000, 128, itemsize=8) >= once
    assert predicted_memory_mb(400_000, 128, threads=64) >= once


# --- while it runs


@each_kernel
@pytest.mark.parametrize("threads", [1, 2])
def test_progress_goes_from_the_beginning_to_the_end(kernel: str, threads: int) -> None:
    for cluster in (
        lambda progress: dbscan(faces(4200), 0.4, 5, kernel=kernel, threads=threads, progress=progress),
        lambda progress: sweep(faces(3000), [0.3, 0.4], 5, kernel=kernel, threads=threads, progress=progress),
        lambda progress: dbscan([[1.0]], 0.4, 5, kernel=kernel, threads=threads, progress=progress),
    ):
        seen: list[float] = []
        cluster(seen.append)
        assert seen == sorted(seen)
        assert seen[0] >= 0
        assert seen[-1] == 1


@each_kernel
@pytest.mark.parametrize("begun", [0.0, 1e-9])
def test_an_error_in_the_progress_function_comes_through(kernel: str, begun: float) -> None:
    class StopError(Exception):
        pass

    def stop(done: float) -> None:
        if done >= begun:
            raise StopError

    with pytest.raises(StopError):
        dbscan(faces(4200), 0.4, 5, kernel=kernel, threads=2, progress=stop)
    assert dbscan(faces(2050), 0.4, 5, kernel=kernel).tolist() == labels_of_faces(2050, 0.4)


@each_kernel
def test_two_clusterings_at_a_time(kernel: str) -> None:
    def cluster(n: int) -> list[int]:
        return dbscan(faces(n), 0.4, 5, kernel=kernel).tolist()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(cluster, (2050, 3000))
    assert first == labels_of_faces(2050, 0.4)
    assert second == labels_of_faces(3000, 0.4)


INTERRUPTED = """
import signal
import sys
import numpy as np
from castgraph.clustering.dbscan import dbscan

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
begun = False
def progress(done):
    global begun
    if done > 0 and not begun:
        begun = True
        print("begun", flush=True)

X = 0.05 * np.random.default_rng(0).standard_normal((30_000, 128), np.float32)
try:
    for _ in range(20):  # a fast kernel may be through before the signal comes
        dbscan(X, 0.4, 5, kernel=sys.argv[1], progress=progress)
except KeyboardInterrupt:
    print("interrupted, then", dbscan([[0.0], [0.0]], 1.0, 2, kernel=sys.argv[1]).tolist())
"""


@pytest.mark.slow
@pytest.mark.parametrize("kernel", dict.fromkeys([kernels()[0], "numpy"]))
def test_it_can_be_interrupted(kernel: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, kernel]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=300)[0] == "interrupted, then [0, 0]\n"
        finally:
            process.kill()


MEASURED = """
import sys
import numpy as np
from castgraph.clustering.dbscan import dbscan, predicted_memory_mb

X = 0.01 * np.random.default_rng(0).standard_normal((20_000, 128), np.float32)
labels = dbscan(X, 0.4, 5, kernel=sys.argv[1])
assert (labels == 0).all()
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith("VmHWM"))
print(peak, predicted_memory_mb(*X.shape))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
@pytest.mark.parametrize("kernel", dict.fromkeys([kernels()[0], "numpy"]))
def test_the_memory_is_as_predicted_though_all_points_are_neighbours(kernel: str) -> None:
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURED, kernel]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | one_thread)
    peak, predicted = map(float, done.stdout.split())
    assert peak < 1.1 * predicted  # in lists, 400 million neighbours take more than 1,600 MB
    assert predicted < 500
