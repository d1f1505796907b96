"""Which pairs are seen together more than chance would have it, given how often each of the two is seen.

*In one frame.* In each broadcast the frames of a person are drawn by chance among all frames of it that were
read, on their own of everybody else's; how many there are of each person stays. So the frames that show both
are hypergeometric in each broadcast, and over broadcasts independent numbers add up.

*In one broadcast.* Who is in which broadcast is drawn by chance; how many broadcasts a person is in, and how
many people a broadcast shows, stays in the mean (the stochastic degree sequence model). So the number of
broadcasts that show both is Poisson binomial.

References
----------
Z. Neal: The backbone of bipartite projections: inferring relationships from co-authorship, co-sponsorship,
co-attendance and other co-behaviors. Social Networks 39 (2014). Z. P. Neal, R. Domagalski, B. Sagan:
Comparing alternatives to the fixed degree sequence model for extracting the backbone of bipartite
projections. Scientific Reports 11 (2021). Y. Benjamini, Y. Hochberg: Controlling the false discovery rate.
Journal of the Royal Statistical Society B 57 (1995).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from castgraph.base.fdr import benjamini_hochberg
from castgraph.network import tails
from castgraph.network.bicm import bicm
from castgraph.network.layers import TESTED, chance_columns
from castgraph.network.presence import Presence, places, shared

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

MOST_TRIALS = 50_000_000
"""Kinds of pairs times broadcasts above which no p of `same_broadcast` is exact: it would take too long."""

_CELLS = 4 << 20
"""Numbers in one array, about."""


class _Chance(NamedTuple):
    """What chance gives: of each pair the mean, the variance, p, whether p is exact, and q."""

    expected: Reals
    variance: Reals
    p: Reals
    exact: NDArray[np.bool_]
    q: Reals
    n_possible: int


def compared(
    edges: pa.Table, seen: Presence, n_frames: Mapping[str, int]
) -> tuple[pa.Table, dict[str, dict[str, int]]]:
    """Compare the pairs with what chance would give.

    Parameters
    ----------
    edges
        Of the schema `castgraph.base.tables.EDGES`; what compares with chance is written anew.
    seen
        Who is seen where; see `castgraph.network.presence.presence`.
    n_frames
        Of each broadcast the frames that were read.

    Returns
    -------
    edges : pyarrow.Table
        The same rows.
    facts : dict
        For each layer of `castgraph.network.layers.TESTED`: ``n_possible``, the pairs that could have met, to
        whose number q is corrected; ``n_exact`` and ``n_approximate``, how many p there are of either kind.

    Notes
    -----
    In one frame, those could have met who share a broadcast; in one broadcast, any two. Pairs that could have
    met and are not among the edges count, too: their p of `same_frame` is 1, that of `same_broadcast` is
    worked out.

    Examples
    --------
    >>> from castgraph.base import tables
    >>> from castgraph.network.cooccurrence import cooccurrences
    >>> from castgraph.network.presence import presence
    >>> frames = [1, 1, 2, 2, 3, 3, 4, 5]  # Ada and Bo in frames 1 to 3, Cy in 4 and 5
    >>> faces = pa.table({"broadcast": ["NTV_20220519_083000"] * 8, "frame": pa.array(frames, pa.int32())})
    >>> person = np.array([0, 1, 0, 1, 0, 1, 2, 2], np.int32)
    >>> who = tables.Members(person, np.zeros(8, np.int8), ["A", "B", "C"])
    >>> edges = cooccurrences(faces, who, np.zeros(8, "datetime64[us]"))
    >>> edges, facts = compared(edges, presence(faces, who), {"NTV_20220519_083000": 10})
    >>> first = edges.slice(0, 1).to_pylist()[0]
    >>> first["source"], first["target"], first["same_frame"], first["expected"], round(first["p"], 4)
    ('A', 'B', 3, 0.9, 0.0083)
    """
    source, target = (places(seen.people, edges[end]) for end in ("source", "target"))
    counts = {layer: edges[layer].to_numpy() for layer in TESTED}
    met = _everybody(seen)
    with threadpool_limits(1, "blas"):  # more threads would change the last digits of what is solved
        chance = {
            "same_frame": _in_frames(counts["same_frame"], source, target, seen, n_frames, met.n_pairs),
            "same_broadcast": _in_broadcasts(counts["same_broadcast"], source, target, seen, met),
        }
    for layer, found in chance.items():
        count, spread = counts[layer], np.sqrt(found.variance)
        ratio = np.divide(count, found.expected, out=np.ones(len(count)), where=found.expected > 0)
        z = np.divide(count - found.expected, spread, out=np.zeros(len(count)), where=spread > 0)
        values = (found.expected, ratio, z, found.p, found.q)
        for name, value in zip(chance_columns(layer), values, strict=True):
            column = edges.schema.get_field_index(name)
            edges = edges.set_column(column, edges.schema.field(column), pa.array(value))
    return edges, {
        layer: {
            "n_possible": found.n_possible,
            "n_exact": int(np.count_nonzero(found.exact)),
            "n_approximate": int(np.count_nonzero(~found.exact)),
        }
        for layer, found in chance.items()
    }


def significant(edges: pa.Table, weights: Mapping[str, float], q: float | None) -> pa.Table:
    """Keep the edges that are more than chance.

    Parameters
    ----------
    edges
        What `compared` returns.
    weights
        What each layer weighs. An edge has to be more than chance in one of those that weigh anything and are
        compared with chance.
    q
        The largest q of an edge that is kept; None keeps all.
    """
    if q is None:
        return edges
    tests = [pc.less_equal(edges[f"{TESTED[layer]}q"], q) for layer in TESTED if weights.get(layer)]
    return edges.filter(reduce(pc.or_, tests)) if tests else edges.slice(0, 0)


# ---- in one frame ----------------------------------------------------------------------------------------


def _in_frames(
    count: Numbers,
    source: Numbers,
    target: Numbers,
    seen: Presence,
    n_frames: Mapping[str, int],
    n_possible: int,
) -> _Chance:
    size = np.array([n_frames.get(name, 0) for name in seen.broadcasts], np.int64)
    np.maximum.at(
        size, seen.broadcast, seen.n_frames
    )  # a face is in a frame, whatever the table of them says
    n = len(count)
    expected, variance, p, exact = np.zeros(n), np.zeros(n), np.ones(n), np.ones(n, bool)
    for pairs, pair, broadcast, a, b in shared(seen, source, target):
        whole = size[broadcast]
        mean = a * b / whole
        spread = mean * (whole - a) * (whole - b) / (whole * np.maximum(1, whole - 1))
        expected[pairs] = np.bincount(pair, mean, len(pairs))
        variance[pairs] = np.bincount(pair, spread, len(pairs))
        p[pairs], exact[pairs] = tails.hypergeometric(count[pairs], pair, whole, a, b)
    q = benjamini_hochberg(p, n_tests=n_possible)
    return _Chance(expected, variance, p, exact, q, n_possible)


# ---- in one broadcast ------------------------------------------------------------------------------------


class _Met(NamedTuple):
    """How often any two people share a broadcast, by kinds of people: those who are in as many broadcasts.

    Attributes
    ----------
    kind
        The kind of each person; shape (n_people,).
    degrees, n_of
        In how many broadcasts the people of each kind are, and how many they are; shape (n_kinds,).
    low, high, shared, times
        Two kinds, ``low`` not above ``high``, a number of broadcasts above 0, and how many pairs of people of
        these kinds share it; shape (n,), sorted.
    """

    kind: Numbers
    degrees: Numbers
    n_of: Numbers
    low: Numbers
    high: Numbers
    shared: Numbers
    times: Numbers

    @property
    def n_pairs(self) -> int:
        """How many pairs of people share a broadcast."""
        return int(self.times.sum())


def _everybody(seen: Presence) -> _Met:
    degree = np.diff(seen.starts)
    degrees, kind, n_of = np.unique(degree, return_inverse=True, return_counts=True)
    base = len(seen.broadcasts) + 1
    keys, times = np.empty(0, np.int64), np.empty(0, np.int64)
    for person, other, n_shared in _all_pairs(seen):
        low, high = _sorted(kind[person], kind[other])
        key, n = np.unique((low * len(degrees) + high) * base + n_shared, return_counts=True)
        keys, where = np.unique(np.concatenate([keys, key]), return_inverse=True)
        times = np.bincount(where, np.concatenate([times, n])).astype(np.int64)
    kinds, n_shared = np.divmod(keys, base)
    low, high = np.divmod(kinds, max(1, len(degrees)))
    return _Met(kind, degrees, n_of, low, high, n_shared, times)


def _sorted(one: Numbers, other: Numbers) -> tuple[Numbers, Numbers]:
    return np.minimum(one, other), np.maximum(one, other)


def _all_pairs(seen: Presence) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Give the pairs that share a broadcast, some at a time: the two people, and how many they share."""
    from scipy.sparse import csr_array  # takes longer to load than all that imports this

    ones = np.ones(len(seen.person), np.int32)
    table = csr_array((ones, seen.broadcast, seen.starts), shape=(len(seen.people), len(seen.broadcasts)))
    other_way = table.T.tocsr()
    most = np.concatenate([[0], np.cumsum(np.diff(other_way.indptr)[seen.broadcast])])[seen.starts]
    cuts = np.searchsorted(most, np.arange(_CELLS, most[-1] + _CELLS, _CELLS))
    begin = 0
    for end in np.unique(np.minimum(np.maximum(cuts, 1), len(seen.people))):
        if begin < end:
            product = (table[begin:end] @ other_way).tocoo()
            once = product.col > product.row + begin
            yield (
                product.row[once].astype(np.int64) + begin,
                product.col[once].astype(np.int64),
                product.data[once].astype(np.int64),
            )
            begin = end


def _in_broadcasts(count: Numbers, source: Numbers, target: Numbers, seen: Presence, met: _Met) -> _Chance:
    n_shown = np.bincount(seen.broadcast, minlength=len(seen.broadcasts))
    sizes, n_sizes = np.unique(n_shown, return_counts=True)
    one = bicm(met.degrees, sizes, met.n_of, n_sizes)
    mean = (one * n_sizes) @ one.T
    variance = np.maximum(0.0, mean - (one**2 * n_sizes) @ (one**2).T)
    # All pairs of the same kinds of people have the same chance.
    kinds, of = np.unique(met.low * len(met.degrees) + met.high, return_inverse=True)
    p, exact = np.ones(len(of)), np.ones(len(of), bool)
    step = max(1, _CELLS // max(1, len(sizes)))
    exact_to = tails.EXACT if len(kinds) * len(seen.broadcasts) <= MOST_TRIALS else 0
    for begin in range(0, len(kinds), step):
        low, high = np.divmod(kinds[begin : begin + step], len(met.degrees))
        rows = slice(*np.searchsorted(of, (begin, begin + step)))
        p[rows], exact[rows] = tails.trials(
            met.shared[rows], of[rows] - begin, one[low] * one[high], n_sizes, exact_to
        )
    n_people = int(met.n_of[met.degrees > 0].sum())
    n_possible = n_people * (n_people - 1) // 2
    q = benjamini_hochberg(p, met.times, n_possible)
    low, high = _sorted(met.kind[source], met.kind[target])
    base, n_kinds = len(seen.broadcasts) + 1, len(met.degrees)
    row = np.searchsorted(
        (met.low * n_kinds + met.high) * base + met.shared, (low * n_kinds + high) * base + count
    )
    return _Chance(mean[low, high], variance[low, high], p[row], exact[row], q[row], n_possible)
