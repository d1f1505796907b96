"""Labels: the number of a group for each point, -1 for noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import NOISE


def by_first_row(labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Give groups new numbers, by the first row of each; noise stays noise.

    Examples
    --------
    >>> by_first_row(np.array([7, -1, 3, 7]))
    array([ 0, -1,  1,  0], dtype=int32)
    """
    numbered = np.full(len(labels), NOISE, dtype=np.int32)
    found = labels != NOISE
    _, first, group = np.unique(labels[found], return_index=True, return_inverse=True)
    numbered[found] = first.argsort().argsort()[group]
    return numbered
