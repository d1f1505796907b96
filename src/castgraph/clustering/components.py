"""What hangs together by pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def components(n: int, pairs: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Tell of points that are linked in pairs which hang together.

    Parameters
    ----------
    n
        The number of points.
    pairs
        Shape (n_pairs, 2): rows of points.

    Returns
    -------
    ndarray of shape (n,), int32
        The component of each point, numbered by the first row of each.

    Examples
    --------
    >>> components(5, np.array([[4, 1], [0, 3]])).tolist()
    [0, 1, 2, 0, 1]
    """
    from scipy.sparse import coo_array  # takes longer to load than all that imports this
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), np.uint8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    # It numbers them as they are met, from the first row on.
    found: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return found
