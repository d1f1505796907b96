"""Few coordinates in place of many: distances in them are lower bounds of the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32] | NDArray[np.float64]
"""The points to be clustered, shape (n, d)."""

_CHOICES = (8, 16, 24, 32, 40, 48, 64)
MOST_COORDINATES = _CHOICES[-1]
"""Coordinates that are kept at most."""

_SAMPLE = 16_384
_PAIRS_A_POINT = 12  # of the sample, in choosing how many coordinates to keep
_CHUNK = 8_192
# What a pair costs that the few coordinates do not rule out, in coordinates of a pair: it is measured with
# all its coordinates, which lie somewhere in memory. It is more than that, since the pairs that are compared
# at all are nearer than random ones.
_CANDIDATE = 20_000
# Above so many dimensions the principal axes cost more than they save.
_MOST_DIMENSIONS = 2_048


@dataclass(frozen=True)
class Projection:
    """A shift, a rotation of which few axes are kept, and a scale.

    Attributes
    ----------
    centre
        Shape (d,), float64.
    axes
        Shape (d, k), float64, orthonormal columns.
    scale
        A power of two; projected points have coordinates of at most about 1.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    scale: float

    @classmethod
    def fit(cls, points: Points, eps: float) -> Projection:
        """Choose the principal axes of a sample, as many as make the least work at `eps`."""
        n, d = points.shape
        sample = points[np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)].astype(np.float64)
        centre = np.median(sample, axis=0)
        largest = max(np.abs(points.max(axis=0) - centre).max(), np.abs(points.min(axis=0) - centre).max())
        exponent = np.frexp(largest)[1] if np.isfinite(largest) and largest > 0 else 0
        scale = float(np.ldexp(1.0, -int(np.clip(exponent, -1000, 1000))))
        sample = (sample - centre) * scale
        axes = _principal_axes(sample) if d <= _MOST_DIMENSIONS else np.eye(d, _CHOICES[-1])
        k = coordinates(sample @ axes, eps * scale, d)
        return cls(centre, np.ascontiguousarray(axes[:, :k]), scale)

    def __call__(self, points: Points) -> NDArray[np.float32]:
        """Project points.

        Parameters
        ----------
        points
            Shape (n, d).

        Returns
        -------
        ndarray of shape (n, k), float32
            The rounding of the result is the only error worth counting: it is computed with float64.
        """
        projected = np.empty((len(points), self.axes.shape[1]), dtype=np.float32)
        for start in range(0, len(points), _CHUNK):
            chunk = (points[start : start + _CHUNK] - self.centre) * self.scale
            projected[start : start + _CHUNK] = chunk @ self.axes
        return projected


def _principal_axes(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give all axes, those with the largest variance first; shape (d, d)."""
    axes: NDArray[np.float64] = np.linalg.eigh(sample.T @ sample)[1]
    return axes[:, ::-1]


def coordinates(
    sample: NDArray[np.floating[Any]], eps: float, d: int, *, candidate: float = _CANDIDATE
) -> int:
    """Choose how many coordinates to keep, by what they rule out among random pairs of a sample.

    Parameters
    ----------
    sample
        Shape (n, d): in coordinates of which the first vary the most.
    eps
        How near pairs are that must not be ruled out.
    d
        Coordinates there are.
    candidate
        What a pair costs that is not ruled out, in coordinates of a pair.
    """
    if d <= _CHOICES[0]:
        return d
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, len(sample), (2, _PAIRS_A_POINT * len(sample)))
    choices = [k for k in _CHOICES if k < d]
    squares = np.zeros(len(x))
    costs, before = [], 0
    for k in choices:
        squares += ((sample[x, before:k] - sample[y, before:k]) ** 2).sum(axis=1)
        before = k
        costs.append(k + candidate * float((squares <= eps * eps).mean()))
    return choices[int(np.argmin(costs))]
