"""A linear map of embeddings, learned from what the frames of a run tell of its own faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.constraints import Constraints
from castgraph.clustering.projection import Points

Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]

Method = Literal["triplet", "correlation"]
METHODS: tuple[Method, ...] = ("triplet", "correlation")

FEWEST = 50
"""Pairs of tracklets that are seen at one time, and tracklets of two faces; with fewer nothing is learned."""

_MOST_PAIRS = 20_000  # of tracklets, in each epoch
_EPOCHS = 60
_PATIENCE = 8  # epochs without a smaller loss on the pairs that are held back
_HELD_BACK = 0.2
_RATE = 0.003  # of Adam
_MARGIN, _NEAR = 0.3, 0.15  # in mean squared distances of two people
_PULL = 1.0  # towards the map that changes nothing
_SHRINKAGE = 0.9  # of the covariance within tracklets; with less it did harm


class Adaptation(NamedTuple):
    """A map of embeddings.

    Attributes
    ----------
    matrix
        Shape (d, d), float32: points times it are the adapted ones. It is the identity where nothing was
        learned.
    facts
        What it was learned from, and what was gained; JSON.
    """

    matrix: NDArray[np.float32]
    facts: Mapping[str, Any]


def adapt(X: Points, found: Constraints, method: Method = "triplet", *, seed: int = 0) -> Adaptation:
    """Learn a linear map that brings the faces of a tracklet together and those of two people apart.

    Nobody says who is who: the faces of a tracklet are one person, and two tracklets that are seen in one
    frame are two.

    - ``triplet``: of a face, another of its tracklet, and the nearest face of a tracklet beside it, the
      second shall be nearer than the third, by a margin, and near in itself (improved triplet loss). Gradient
      descent from the map that changes nothing, pulled towards it; a fifth of the pairs is held back, and the
      map with the smallest loss on these is taken.
    - ``correlation``: the directions in which the faces of a tracklet agree most with each other, compared
      with all faces (multiview correlation), each weighted by how much they do.

    Parameters
    ----------
    X
        Points, shape (n, d).
    found
        What frames tell of them. Tracklets that contradict themselves are left out.
    method
        How to learn.
    seed
        The same seed gives the same map.

    Returns
    -------
    Adaptation
        Distances between faces of different tracklets beside each other are as large as before, on average,
        so that eps means about the same.

    Raises
    ------
    ValueError
        When there is no such method.

    References
    ----------
    K. Somandepalli, R. Hebbar and S. Narayanan, "Robust character labeling in movie videos: Data resources
    and self-supervised feature adaptation", IEEE Transactions on Multimedia 2021, arXiv:2008.11289 (the
    sampling, and both losses).
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; there are {', '.join(METHODS)}")
    d = X.shape[1]
    members, pairs = _tracklets(found)
    facts: dict[str, Any] = {
        "method": method,
        "seed": seed,
        "n_tracklets": len(members),
        "n_pairs": len(pairs),
        "learned": False,
    }
    if len(members) < FEWEST or len(pairs) < FEWEST:
        return Adaptation(np.eye(d, dtype=np.float32), facts)
    rng = np.random.default_rng(seed)
    if method == "triplet":
        matrix, losses = _by_triplets(X, members, pairs, rng)
        facts |= losses
    else:
        matrix = _by_correlation(X, members)
    facts["learned"] = bool((matrix != np.eye(d)).any())
    return Adaptation((matrix * _scale(X, matrix, members, pairs)).astype(np.float32), facts)


def adapted(X: Points, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map points, shape (n, d); some at a time."""
    mapped = np.empty(X.shape, np.float32)
    for start in range(0, len(X), 65_536):
        mapped[start : start + 65_536] = X[start : start + 65_536] @ matrix
    return mapped


def _tracklets(found: Constraints) -> tuple[list[Integers], Integers]:
    """Give the faces of each tracklet of two or more, and which of these are seen at one time."""
    tracklet = found.tracklet.astype(np.int64)
    counts = np.bincount(tracklet, minlength=1)
    good = counts > 1
    good[tracklet[found.cannot[found.contradictions, 0]]] = False
    number = np.where(good, np.cumsum(good) - 1, -1)
    order = np.argsort(tracklet, kind="stable")
    ends = np.cumsum(counts)
    members = [order[end - n : end] for end, n, kept in zip(ends, counts, good, strict=True) if kept]
    both = number[tracklet[found.cannot]]
    both = np.sort(both[(both >= 0).all(axis=1)], axis=1)
    return members, np.unique(both, axis=0) if len(both) else np.empty((0, 2), np.int64)


def _by_triplets(
    X: Points, members: list[Integers], pairs: Integers, rng: np.random.Generator
) -> tuple[Numbers, dict[str, float]]:
    """Learn by the improved triplet loss."""
    order = rng.permutation(len(pairs))
    n_held = max(1, int(_HELD_BACK * len(pairs)))
    held, used = pairs[order[:n_held]], pairs[order[n_held:]]
    matrix = best = np.eye(X.shape[1])
    check = _differences(X, members, held, matrix, np.random.default_rng(0))
    usual = float(np.square(check[1]).sum(axis=1).mean())
    before = least = _loss(matrix, *check, usual)[0]
    first, second, waited, step = np.zeros_like(matrix), np.zeros_like(matrix), 0, 0
    for _ in range(_EPOCHS):
        chosen = used[rng.permutation(len(used))[:_MOST_PAIRS]]
        near, far = _differences(X, members, chosen, matrix, rng)
        for start in range(0, len(near), 256):
            step += 1
            _, slope = _loss(matrix, near[start : start + 256], far[start : start + 256], usual)
            slope += 2 * _PULL * (matrix - np.eye(len(matrix))) / len(matrix)
            first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * np.square(slope)
            rate = _RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            matrix = matrix - rate * first / (np.sqrt(second) + 1e-8)
        # The faces that are compared are those of the beginning, or losses could not be.
        loss = _loss(matrix, *check, usual)[0]
        waited += 1
        if loss < least:
            best, least, waited = matrix, loss, 0
        if waited == _PATIENCE:
            break
    return best, {"loss_before": before, "loss_after": least}


def _differences(
    X: Points, members: list[Integers], pairs: Integers, matrix: Numbers, rng: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """Draw a face and another of its tracklet for each pair, and find the nearest face of the other one.

    Gives what the first differs by from the second, and from the third; both of shape (2 * n_pairs, d).
    """
    near, far = [], []
    for one, other in np.concatenate([pairs, pairs[:, ::-1]]).tolist():
        a, b = rng.choice(members[one], 2, replace=False)
        beside = X[members[other]].astype(np.float64)
        gaps = X[a] - beside
        far.append(gaps[np.square(gaps @ matrix).sum(axis=1).argmin()])
        near.append(X[a].astype(np.float64) - X[b])
    return np.stack(near), np.stack(far)


def _loss(matrix: Numbers, near: Numbers, far: Numbers, usual: float) -> tuple[float, Numbers]:
    """Give the improved triplet loss, and its slope."""
    close, away = near @ matrix, far @ matrix
    d_near, d_far = np.square(close).sum(axis=1), np.square(away).sum(axis=1)
    wrong, loose = d_near - d_far + _MARGIN * usual, d_near - _NEAR * usual
    is_wrong, is_loose = (wrong > 0).astype(float), (loose > 0).astype(float)
    loss = float((wrong * is_wrong + loose * is_loose).mean())
    slope = near.T @ (close * (is_wrong + is_loose)[:, None]) - far.T @ (away * is_wrong[:, None])
    return loss, 2 * slope / len(near)


def _by_correlation(X: Points, members: list[Integers]) -> Numbers:
    """Find the directions in which the faces of a tracklet agree."""
    from scipy.linalg import eigh

    d = X.shape[1]
    within, n = np.zeros((d, d)), 0
    for rows in members:
        faces = X[rows] - X[rows].mean(axis=0, dtype=np.float64)
        within += faces.T @ faces
        n += len(rows) - 1
    within /= n
    within = (1 - _SHRINKAGE) * within + _SHRINKAGE * np.trace(within) / d * np.eye(d)
    middles = np.stack([X[rows].mean(axis=0, dtype=np.float64) for rows in members])
    between = np.cov(middles.T)
    ratio, axes = eigh(between, within)
    agreement = np.maximum(ratio, 0) / (1 + np.maximum(ratio, 0))
    return np.asarray(axes * np.sqrt(agreement))


def _scale(X: Points, matrix: Numbers, members: list[Integers], pairs: Integers) -> float:
    """Tell by what to multiply so that people beside each other are as far apart as before."""
    middles = np.stack([X[rows].mean(axis=0, dtype=np.float64) for rows in members])
    gaps = middles[pairs[:, 0]] - middles[pairs[:, 1]]
    now = np.square(gaps @ matrix).sum()
    return float(np.sqrt(np.square(gaps).sum() / now)) if now else 1.0
