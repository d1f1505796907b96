"""Which 64-bit hashes are near to each other, exactly and without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]
Rows = NDArray[np.int64]

_EQUAL = 3  # chunks in which two near hashes are equal
_MOST_ALIKE = 64
_BLOCK = 1 << 21


def near_pairs(codes: Codes, radius: int) -> tuple[Rows, Rows]:
    """Find the pairs of hashes that differ in few bits.

    Parameters
    ----------
    codes
        Shape (n,), of fewer than 2**32.
    radius
        Bits in which the two differ, at most; from 0 to 13.

    Returns
    -------
    first, second : ndarray of int64, shape (n_pairs,)
        Rows of the two, first < second, in ascending order.

    Notes
    -----
    For a radius of 8 the 64 bits are cut into 11 chunks. Of two hashes that differ in 8 bits at least 3
    chunks are equal, so sorting by each choice of 3 chunks brings every such pair together once or oftener
    (165 sorts). Of very many hashes with the same 3 chunks each is compared with the next 64 only: more than
    so many equal pictures are a chain, and no longer everyone with everyone.

    References
    ----------
    G. S. Manku, A. Jain, A. Das Sarma, "Detecting near-duplicates for web crawling", WWW 2007, section 3.
    M. Norouzi, A. Punjani, D. J. Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012.

    Examples
    --------
    >>> first, second = near_pairs(np.array([0b1011, 0xFFFF_FFFF, 0b0001], np.uint64), 2)
    >>> first.tolist(), second.tolist()
    ([0], [2])
    """
    found = np.empty(0, np.uint64)
    waiting: list[NDArray[np.uint64]] = []
    for order, key in _sorted(codes, radius + _EQUAL):
        here = codes[order]
        at = np.arange(len(order) - 1)
        for step in range(1, _MOST_ALIKE + 1):
            at = at[: np.searchsorted(at, len(order) - step)]
            at = at[key[at] == key[at + step]]
            if not len(at):
                break
            near = at[np.bitwise_count(here[at] ^ here[at + step]) <= radius]
            # Of equal keys the rows ascend.
            waiting.append(order[near] << np.uint64(32) | order[near + step])
        if sum(map(len, waiting)) > _BLOCK:
            found, waiting = _once([found, *waiting]), []
    found = _once([found, *waiting])
    return (found >> np.uint64(32)).astype(np.int64), (found & np.uint64(0xFFFF_FFFF)).astype(np.int64)


def _once(parts: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Give each value once, in order: np.unique takes longer where most are there once."""
    values = np.sort(np.concatenate(parts))
    once: NDArray[np.uint64] = values[np.diff(values, prepend=~values[:1]) != 0]
    return once


def _sorted(codes: Codes, n_chunks: int) -> Iterator[tuple[Codes, Codes]]:
    """Give the rows in the order of each choice of chunks, and by what they are sorted."""
    rows = np.arange(len(codes), dtype=np.uint64)
    chunks = [np.zeros(len(codes), np.uint64) for _ in range(n_chunks)]
    # Neighbouring bits of a hash are alike, so each chunk takes bits from everywhere.
    for bit in range(64):
        chunk = chunks[bit % n_chunks]
        chunk <<= np.uint64(1)
        chunk |= codes >> np.uint64(bit) & np.uint64(1)
    width = -(-64 // n_chunks)
    for chosen in combinations(range(n_chunks), _EQUAL):
        key = np.zeros(len(codes), np.uint64)
        for number in chosen:
            key = key << np.uint64(width) | chunks[number]
        key = np.sort(key << np.uint64(32) | rows)
        yield key & np.uint64(0xFFFF_FFFF), key >> np.uint64(32)


def n_near(codes: Codes, others: Codes, radius: int) -> NDArray[np.int32]:
    """Count for each hash the `others` that differ from it in at most `radius` bits.

    Returns
    -------
    ndarray of int32, shape (n,)
    """
    counts = np.zeros(len(codes), np.int32)
    for begin in range(0, len(codes), 4096):
        block, within = codes[begin : begin + 4096], counts[begin : begin + 4096]
        for other in others:
            within += np.bitwise_count(block ^ other) <= radius
    return counts
