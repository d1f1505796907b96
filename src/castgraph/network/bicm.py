"""The bipartite configuration model: who would be in which broadcast by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

_STEPS, _CLOSE = 200, 1e-9


def bicm(
    rows: Numbers, columns: Numbers, n_rows: Numbers | None = None, n_columns: Numbers | None = None
) -> Reals:
    """Tell how probable each cell of a table of zeros and ones is, given how many ones rows and columns have.

    Of all ways to give every cell a probability, on its own, so that each row and each column has as many
    ones as it should in the mean, this one assumes least (it has the largest entropy).

    Parameters
    ----------
    rows
        How many ones a row has, such as the broadcasts that show a person; shape (n_kinds_of_rows,).
    columns
        The same for columns, such as the people of a broadcast; shape (n_kinds_of_columns,).
    n_rows, n_columns
        How many rows and columns of each kind there are; one of each when not given. Rows with as many ones
        have the same probabilities, so they are best given as one kind.

    Returns
    -------
    ndarray of shape (n_kinds_of_rows, n_kinds_of_columns)
        The probabilities. A row that is full has 1 everywhere.

    Raises
    ------
    ValueError
        When no table has these numbers.

    Notes
    -----
    p = xy / (1 + xy), with an x for each row and a y for each column, by Newton's method on their logarithms.

    References
    ----------
    F. Saracco et al.: Randomizing bipartite networks: the case of the World Trade Web. Scientific Reports 5
    (2015). Z. P. Neal, R. Domagalski, B. Sagan: Comparing alternatives to the fixed degree sequence model for
    extracting the backbone of bipartite projections. Scientific Reports 11 (2021).

    Examples
    --------
    >>> bicm(np.array([1, 1, 2]), np.array([1, 1, 2])).round(3).tolist()
    [[0.216, 0.216, 0.568], [0.216, 0.216, 0.568], [0.568, 0.568, 0.863]]
    """
    n_rows = np.ones_like(rows) if n_rows is None else n_rows
    n_columns = np.ones_like(columns) if n_columns is None else n_columns
    if (ones := int(rows @ n_rows)) != (others := int(columns @ n_columns)):
        raise ValueError(f"rows have {ones} ones, columns {others}; both must have as many")
    p = np.zeros((len(rows), len(columns)))
    r, c, rows, columns = _set_full(p, rows, n_rows, columns, n_columns)
    if len(r) and len(c):
        p[np.ix_(r, c)] = _solved(rows, n_rows[r], columns, n_columns[c])
    return p


def _set_full(
    p: Reals, rows: Numbers, n_rows: Numbers, columns: Numbers, n_columns: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Put 1 where a row or a column is full, and leave 0 where it is empty, again and again.

    Returns
    -------
    r, c : ndarray
        The rows and columns that are neither.
    rows, columns : ndarray
        How many ones each of these has besides.
    """
    r, c = np.arange(len(rows)), np.arange(len(columns))
    while True:
        if not _fits(rows, n_columns[c]) or not _fits(columns, n_rows[r]):
            raise ValueError("rows, columns: no table has so many ones in them")
        full = rows == n_columns[c].sum()
        p[np.ix_(r[full], c)] = 1
        columns = columns - n_rows[r[full]].sum()
        keep = ~full & (rows > 0)
        r, rows = r[keep], rows[keep]
        full = columns == n_rows[r].sum()
        p[np.ix_(r, c[full])] = 1
        rows = rows - n_columns[c[full]].sum()
        still = ~full & (columns > 0)
        c, columns = c[still], columns[still]
        if keep.all() and still.all():
            return r, c, rows, columns


def _fits(ones: Numbers, n_others: Numbers) -> bool:
    return bool(((ones >= 0) & (ones <= n_others.sum())).all())


def _solved(rows: Numbers, n_rows: Numbers, columns: Numbers, n_columns: Numbers) -> Reals:
    """Find the probabilities of kinds of rows and columns, `n_rows` and `n_columns` of each."""
    from scipy.special import expit  # takes longer to load than all that imports this

    wanted = np.concatenate([n_rows * rows, n_columns * columns]).astype(float)
    cells = np.outer(n_rows, n_columns).astype(float)
    split = len(rows)
    theta = np.concatenate(
        [
            np.log(rows / (n_columns.sum() - rows)),
            np.log(columns / (n_rows.sum() - columns))
            - np.log(wanted[:split].sum() / (cells.sum() - wanted[:split].sum())),
        ]
    )

    def entropy(theta: Reals) -> float:
        whole = np.logaddexp(0, theta[:split, None] + theta[split:])
        return float(wanted @ theta - (cells * whole).sum())

    value = entropy(theta)
    for _ in range(_STEPS):
        p = expit(theta[:split, None] + theta[split:])
        ones = cells * p
        gradient = wanted - np.concatenate([ones.sum(axis=1), ones.sum(axis=0)])
        of_each = gradient / np.concatenate([n_rows, n_columns])
        if np.abs(of_each).max() <= _CLOSE * max(1.0, float(rows.max())):
            return np.asarray(p)
        spread = ones * (1 - p)
        hessian = np.block([[np.diag(spread.sum(axis=1)), spread], [spread.T, np.diag(spread.sum(axis=0))]])
        # x times a number and y by it is the same: a little on the diagonal holds that direction.
        hessian[np.diag_indices_from(hessian)] *= 1 + 1e-12
        hessian[np.diag_indices_from(hessian)] += 1e-12 * hessian.max()
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (found := entropy(theta + size * step)) < value and size > 1e-6:
            size /= 2
        theta, value = theta + size * step, found
    raise ValueError(f"rows and columns: no solution within {_STEPS} steps")
