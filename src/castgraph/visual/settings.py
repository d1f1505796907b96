"""Settings: pictures of one palette, coarser than groups, as a studio is by whatever camera it is seen.

A network that was trained on things tells how many people stand where in the picture, and so a group is one
camera's view of one cast. What the views of a studio have in common is its colours.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.archive.media import jpeg
from castgraph.base.tables import NOISE

BINS = (6, 8, 8)
"""Of brightness and of the two differences of colour."""

NUMBERS = 6 * 8 * 8
"""Of a palette."""

LEAST_COSINE = 0.84
"""Of settings that are one, on the average of their looks. Demo and real sample part right by .82 to .86."""

LEAST_OF_LOOK = 0.98
"""Of a picture to the first of its look: what is seen for hours counts once, as what is seen for seconds."""

MOST_PICTURES = 20_000
"""That looks are chosen from."""

MOST_LOOKS = 5_000
"""That are compared with each other."""

SEED = 42

_SIDE = 40  # pixels of the longer side that are counted, at least
_BLOCK = 1024

Palettes = NDArray[np.float32]
Numbers = NDArray[np.int64]


def palettes(pictures: Sequence[bytes | None]) -> Palettes:
    """Count the colours of small pictures.

    Parameters
    ----------
    pictures
        JPEG each; None has no colours.

    Returns
    -------
    ndarray of shape (n, `NUMBERS`), float32
        Of each the square roots of the shares of its colours, a unit vector, so that the cosine of two is
        the Bhattacharyya coefficient of their colours; zeros for None. A colour counts for the bins around
        it, by how near it is to the middle of each.

    References
    ----------
    M. J. Swain and D. H. Ballard, "Color indexing", IJCV 7 (1991); F. J. Aherne, N. A. Thacker and P. I.
    Rockett, "The Bhattacharyya metric as an absolute similarity measure", Kybernetika 34 (1998).
    """
    found = np.zeros((len(pictures), NUMBERS), np.float32)
    for row, data in enumerate(pictures):
        if data is not None:
            found[row] = _palette(data)
    return found


def _palette(data: bytes) -> Palettes:
    with jpeg.errors("a broken thumbnail"), Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        image.draft("YCbCr", (_SIDE, _SIDE * 9 // 16))
        pixels = np.asarray(image.convert("YCbCr")).reshape(-1, 3)
    bright, blue, red = (weights[pixels[:, n]] for n, weights in enumerate(_weights()))
    counts = bright.T @ (blue[:, :, None] * red[:, None, :]).reshape(len(pixels), -1)
    return np.asarray(np.sqrt(counts.ravel() / len(pixels)), np.float32)


@cache
def _weights() -> tuple[Palettes, ...]:
    """Tell for how much each value of a channel counts in each bin."""
    found = []
    for n_bins in BINS:
        at = (np.arange(256) * n_bins / 256 - 0.5).clip(0, n_bins - 1)
        found.append(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(n_bins))).astype(np.float32))
    return tuple(found)


def settings(
    colours: Palettes, n_frames: Numbers, *, most: int = MOST_PICTURES, most_looks: int = MOST_LOOKS
) -> Numbers:
    """Put pictures of one palette together.

    Parameters
    ----------
    colours
        Their `palettes`; they may lie on disk.
    n_frames
        In how many nearly identical frames each is seen; shape (n,).
    most
        Most pictures to choose looks from: of more, so many are drawn, always the same.
    most_looks
        Most looks to compare; of more, those of most frames.

    Returns
    -------
    ndarray of shape (n,), int64
        The setting of each picture, in no order; -1 where none is near enough. The same for the same input.

    Notes
    -----
    Average linkage of looks by cosine, cut at `LEAST_COSINE`. Neither how many pictures there are nor how
    often each is seen changes what is one setting, as it would with a density. A picture of which no look
    was made joins the setting to whose looks it is nearest on the average, if that is as near as that.
    """
    n = len(colours)
    rows = np.arange(n)
    if n > most:
        rows = np.sort(np.random.default_rng(SEED).choice(n, most, replace=False))
    rows = rows[[bool(np.any(colours[row])) for row in rows.tolist()]]
    found = np.full(n, NOISE, np.int64)
    if not len(rows):
        return found
    look, firsts = _looks(np.asarray(colours[rows]))
    seen = np.bincount(look, weights=n_frames[rows], minlength=len(firsts))
    kept = np.sort(np.argsort(-seen, kind="stable")[:most_looks])
    looks = np.asarray(colours[rows[firsts[kept]]], np.float64)
    of_look = np.full(len(firsts), NOISE, np.int64)
    of_look[kept] = _linked(looks)
    found[rows] = of_look[look]
    means = np.stack(
        [looks[of_look[kept] == number].mean(axis=0) for number in range(int(of_look.max()) + 1)]
    )
    for start in range(0, n, _BLOCK):
        left = start + np.flatnonzero(found[start : start + _BLOCK] == NOISE)
        if len(left):
            near = np.asarray(colours[left], np.float64) @ means.T
            best = near.argmax(axis=1)
            found[left] = np.where(near[np.arange(len(left)), best] >= LEAST_COSINE, best, NOISE)
    return found


def _looks(colours: Palettes) -> tuple[Numbers, Numbers]:
    """Give each picture the look that is nearest of those before it, or one of its own.

    Returns
    -------
    look : ndarray of shape (n,), int64
    firsts : ndarray of shape (n_looks,), int64
        The first picture of each look.
    """
    look = np.empty(len(colours), np.int64)
    firsts = np.empty(0, np.int64)
    for start in range(0, len(colours), _BLOCK):
        block = colours[start : start + _BLOCK]
        near = block @ colours[firsts].T
        inside = block @ block.T
        own: list[int] = []
        for row in range(len(block)):
            close = np.concatenate([near[row], inside[row, own]])
            best = int(close.argmax()) if len(close) else -1
            if best >= 0 and close[best] >= LEAST_OF_LOOK:
                look[start + row] = best
            else:
                look[start + row] = len(firsts) + len(own)
                own.append(row)
        firsts = np.concatenate([firsts, start + np.array(own, np.int64)])
    return look, firsts


def _linked(looks: NDArray[np.float64]) -> Numbers:
    """Join looks by average linkage."""
    if len(looks) < 2:
        return np.zeros(len(looks), np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage  # slow to import

    apart = 1 - (looks @ looks.T)[np.triu_indices(len(looks), 1)]
    tree = linkage(apart.clip(0, 2), "average")
    return np.asarray(fcluster(tree, 1 - LEAST_COSINE, "distance"), np.int64) - 1
