"""Which frames of a broadcast are nearly the same picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 6
"""In which the perceptual hashes of two nearly identical pictures differ, at most, of 64."""

LEAST_COSINE = 0.97
"""Of their embeddings: pictures with little in them may have like hashes by chance."""

_BLOCK = 256


def alike(hashes: NDArray[np.uint64], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Give each picture the first one that it is nearly identical to.

    Parameters
    ----------
    hashes
        `castgraph.faces.frame.phash` of each; shape (n,).
    vectors
        Unit vectors, shape (n, d).

    Returns
    -------
    ndarray of shape (n,), int64
        The row of the first picture that is alike, and that is itself alike to no earlier one: its own row
        where there is none.

    Examples
    --------
    >>> alike(np.array([7, 6, 0xFFFF_FFFF], np.uint64), np.ones((3, 1), np.float32)).tolist()
    [0, 0, 2]
    """
    found = np.arange(len(hashes))
    firsts = np.empty(0, np.int64)
    for start in range(0, len(hashes), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(hashes)))
        known = np.concatenate([firsts, rows])
        near = vectors[rows] @ vectors[known].T >= LEAST_COSINE
        near &= np.bitwise_count(hashes[rows, None] ^ hashes[known]) <= MOST_BITS
        for place, row in enumerate(rows.tolist()):
            earlier = known[near[place]]
            # Of this block only those before it, and such as are alike to none.
            earlier = earlier[(earlier < row) & (found[earlier] == earlier)]
            if len(earlier):
                found[row] = earlier.min()
        firsts = np.concatenate([firsts, rows[found[rows] == rows]])
    return found
