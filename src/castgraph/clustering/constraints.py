"""What frames tell of faces: one person where nothing moved, two where both are seen."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.boxes import most_overlapping
from castgraph.clustering.components import components
from castgraph.clustering.distances import squared_distances
from castgraph.clustering.projection import Points

Integers = NDArray[np.int64]
Pairs = NDArray[np.int64]
"""Pairs of rows, shape (n_pairs, 2)."""

MIN_OVERLAP = 0.5
"""Least intersection over union of two boxes that are nearly the same.

The HOG detector's boxes come in sizes 1.2 apart and in steps of a tenth of their size. A box one size larger
overlaps by 0.69, also when it is one step aside, and by 0.50 when it is two steps aside in both directions;
the boxes of people who sit side by side do not overlap at all.
"""

NEAR = 0.5
"""Most distance of two faces that are linked: after a cut another person may be where one was before."""


class Constraints(NamedTuple):
    """Pairs of faces of which it is known whether they are one person.

    Attributes
    ----------
    must
        Shape (n_must, 2): rows of adjacent faces that are one person, the earlier frame first.
    cannot
        Shape (n_cannot, 2): rows of faces in one frame. Mirrors and screens show a person twice, so these are
        likely rather than certain.
    tracklet
        Shape (n,): the tracklet of each face, that is, the faces that `must` links to each other; numbered by
        the first row of each. A face that is linked with none is one by itself.
    """

    must: Pairs
    cannot: Pairs
    tracklet: NDArray[np.int32]

    @property
    def contradictions(self) -> NDArray[np.bool_]:
        """Of each pair that cannot be one person, whether links say that it is."""
        a, b = self.cannot.T
        return np.asarray(self.tracklet[a] == self.tracklet[b])


def constraints(
    X: Points,
    frames: NDArray[np.integer[Any]],
    boxes: NDArray[np.integer[Any]],
    *,
    near: float = NEAR,
    overlap: float = MIN_OVERLAP,
) -> Constraints:
    """Find the pairs of faces of which frames tell whether they are one person.

    Parameters
    ----------
    X
        Points, shape (n, d); faces are (n, 128).
    frames
        Shape (n,): the number of each face's frame; those of neighbouring frames differ by 1.
    boxes
        Shape (4, n): top, right, bottom and left.
    near
        How far apart the embeddings of two faces may be that are linked.
    overlap
        As for `adjacent_pairs`.

    Returns
    -------
    Constraints

    Notes
    -----
    Pairs in one frame grow with the square of the faces in it.

    References
    ----------
    R. G. Cinbis, J. Verbeek and C. Schmid, "Unsupervised metric learning for face identification in TV
    video", ICCV 2011.

    Examples
    --------
    >>> X = np.array([[0.0], [0.1], [5.0]])
    >>> boxes = np.array([[0, 0, 0], [9, 9, 30], [9, 9, 9], [0, 0, 21]])
    >>> found = constraints(X, np.array([1, 2, 2]), boxes)
    >>> found.must.tolist(), found.cannot.tolist(), found.tracklet.tolist()
    ([[0, 1]], [[1, 2]], [0, 0, 1])
    """
    must = links(X, frames, boxes, near=near, overlap=overlap)
    return Constraints(must, in_one_frame(frames), components(len(frames), must))


def links(
    X: Points,
    frames: NDArray[np.integer[Any]],
    boxes: NDArray[np.integer[Any]],
    *,
    near: float = NEAR,
    overlap: float = MIN_OVERLAP,
) -> Pairs:
    """Find the adjacent faces that are one person: `must` of `constraints`, which has the same parameters."""
    pairs = adjacent_pairs(frames, boxes, overlap=overlap)
    return pairs[squared_distances(X, *pairs.T.astype(np.int32)) <= near * near]


FEW_PAIRS = 20
"""Of fewer pairs a kind no range of eps is proposed."""

_KEPT, _MERGED = 0.75, 0.05


def eps_range(
    adjacent: NDArray[np.floating[Any]], one_frame: NDArray[np.floating[Any]]
) -> tuple[float, float] | None:
    """Propose the eps to compare, for any embedder: from what frames tell, and without labels.

    Parameters
    ----------
    adjacent
        Distances of the `adjacent_pairs`, nearly all of one person; those that are far apart, too.
    one_frame
        Distances of the pairs in one frame, nearly all of two people.

    Returns
    -------
    tuple of (float, float) or None
        Three in four of the adjacent pairs are nearer than the first, and one in twenty of the pairs in one
        frame are nearer than the second, to two decimals; that allows for cuts, and for mirrors and screens.
        None where there are fewer than `FEW_PAIRS` of a kind, and where the first is not below the second.

    Examples
    --------
    >>> eps_range(np.linspace(0.1, 0.5, 101), np.linspace(0.5, 1.5, 101))
    (0.4, 0.55)
    """
    if min(len(adjacent), len(one_frame)) < FEW_PAIRS:
        return None
    low = round(float(np.quantile(adjacent, _KEPT)), 2)
    high = round(float(np.quantile(one_frame, _MERGED)), 2)
    return (low, high) if low < high else None


def adjacent_pairs(
    frames: NDArray[np.integer[Any]], boxes: NDArray[np.integer[Any]], *, overlap: float = MIN_OVERLAP
) -> Pairs:
    """Find the faces that are in the same place in two neighbouring frames.

    Parameters
    ----------
    frames, boxes
        As for `constraints`.
    overlap
        The least intersection over union. Of all boxes in its frame each of the two overlaps the other most,
        so a face has at most one partner in the frame before and one in the frame after.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int64
        Rows, the earlier frame first; sorted by it.

    Notes
    -----
    Memory grows with the number of faces, time with the number of pairs of faces in neighbouring frames.
    """
    order = np.argsort(frames, kind="stable")
    keys = np.asarray(frames)[order]
    begins = np.diff(keys, prepend=-1) > 0
    if len(keys):
        begins[0] = True
    first = np.flatnonzero(begins)
    frame = np.cumsum(begins) - 1
    count = np.diff(first, append=len(order))
    sorted_boxes = np.asarray(boxes)[:, order]
    # Those of the frames with faces that are right before the next of them.
    joined = np.flatnonzero(np.diff(keys[first]) == 1)
    after, common = most_overlapping(
        sorted_boxes, sorted_boxes, *_ranges(frame, joined, joined + 1, first, count)
    )
    before, _ = most_overlapping(
        sorted_boxes, sorted_boxes, *_ranges(frame, joined + 1, joined, first, count)
    )
    near = np.flatnonzero(common >= overlap)
    mutual = near[before[after[near]] == near]
    return np.stack([order[mutual], order[after[mutual]]], axis=1)


def in_one_frame(frames: NDArray[np.integer[Any]]) -> Pairs:
    """Give all pairs of faces in one frame, by frame; the row of the earlier comes first."""
    order = np.argsort(frames, kind="stable")
    keys = np.asarray(frames)[order]
    place = np.arange(len(keys))
    # How many of its frame come after each face.
    n_after = np.searchsorted(keys, keys, side="right") - place - 1
    a = np.repeat(place, n_after)
    b = a + 1 + np.arange(len(a)) - np.repeat(np.cumsum(n_after) - n_after, n_after)
    return np.stack([order[a], order[b]], axis=1)


def _ranges(
    frame: Integers, from_: Integers, to: Integers, first: Integers, count: Integers
) -> tuple[Integers, Integers]:
    """Tell where the faces of the neighbouring frame begin, and how many there are, for each face."""
    start, size = np.zeros((2, len(first)), np.int64)
    start[from_], size[from_] = first[to], count[to]
    return start[frame], size[frame]
