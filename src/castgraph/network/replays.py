"""The same footage on air again: stretches of frames that follow each other as others did before."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.faces.forgotten import is_forgotten
from castgraph.network.hamming import n_near, near_pairs

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

APART_SECONDS = 60.0
"""Two showings in one broadcast are at least so far apart: before that a scene is merely still going on."""

FEWEST = 3
"""Frames of a replay that have a like one, at least."""

CHANCE = 0.05
"""How many replays of a run may be chance, about."""

BITS = (0, 4, 8, 12)
"""Bits of 64 in which the hashes of like frames differ at most: not at all, hardly, a little, more."""

FACE_BITS = 20
"""Bits in which they differ at most where a face is of the same picture and the rest is cropped or marked."""

LIKELY = (0.4, 0.2, 0.15, 0.1, 0.15)
"""Of the frames of a replay the share that is alike to each of these degrees, and that is not, about."""

SAME_FACE, OTHER_FACE = 0.15, 0.3
"""Distances of dlib's embeddings: up to the first a face is of one picture, beyond the other of two moments.
"""

OPENING_BROADCASTS, OPENING_SECONDS = 3, 60.0
"""What is shown in so many broadcasts of one show, and so near to the same place, is an opening."""

COMMERCIAL_SHOWINGS, COMMERCIAL_DAYS, COMMERCIAL_SECONDS = 5, 3, 120.0
"""What is shown so often and on so many days, and is no longer than this, is a commercial."""

KINDS = ("scene", "opening", "commercial")
"""What footage is that is on air again; all else is a scene."""

_NEAR = 8  # bits between frames at which a search begins
_SAMPLE = 1024  # frames that stand for all
_COMMON, _FEW = 0.002, 50
"""A frame that so large a share of all frames looks like, and more than so few, is no place to begin."""
_OFTEN = 20  # frames of its broadcast that look like it: no place to begin within the broadcast
_EARLIEST = 8  # places where a frame was before that are looked at
_SIGNS, _CENTRES = 6, 256  # of the hashes of faces, and how many means they are taken about
_PROMISING = 0.6  # of the sum that is needed, which frames close by may speak for
_GAP = 16  # frames between two like pairs that may be of one replay
_ALIKE_PLACE = 0.1  # of the frame's width, and a third of a face's size
_UNLIKE = len(BITS)
_UNREADABLE = np.uint8(65)  # more bits than there are
_BLOCK = 1 << 15


@dataclass(frozen=True, eq=False)
class Stills:
    """The frames of a run, with what tells them apart.

    Attributes
    ----------
    broadcasts
        IDs, each once, in ascending order.
    begins
        The first row of each broadcast, and the number of rows; shape (n_broadcasts + 1,).
    frame
        The number of each frame; shape (n_frames,).
    time
        When it was on air; shape (n_frames,), datetime64[us].
    code
        Its perceptual hash; shape (n_frames,), uint64.
    readable
        Whether it has one; shape (n_frames,), bool.
    first_face
        The first face of each frame, and the number of faces; shape (n_frames + 1,).
    places
        Middle (x, y) and width of each face in widths of its frame; shape (n_faces, 3).
    embeddings
        Of each face; shape (n_faces, d), float32.
    scale
        What distances are multiplied by that were measured with dlib's embedder.
    """

    broadcasts: list[str]
    begins: Rows
    frame: NDArray[np.int32]
    time: NDArray[np.datetime64]
    code: NDArray[np.uint64]
    readable: NDArray[np.bool_]
    first_face: Rows
    places: Floats
    embeddings: NDArray[np.float32]
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.code)


class _Stretch(NamedTuple):
    """A stretch that was on air before: its rows, those of the other showing, and how alike they are."""

    first: int
    last: int
    earlier_first: int
    earlier_last: int
    n_alike: int
    bits: float
    face: float
    score: float


def read_stills(frames: str | os.PathLike[str], faces: str | os.PathLike[str], scale: float = 1.0) -> Stills:
    """Read the frames of a run, with their faces.

    Parameters
    ----------
    frames, faces
        The merged frame table and the merged face table, with the embeddings beside it.
    scale
        What distances are multiplied by that were measured with dlib's embedder.

    Raises
    ------
    TableError
        As `castgraph.base.tables.read`, and when the two are not of the same merge.
    """
    columns = ["broadcast", "frame", "time", "phash", "width", "n_faces"]
    table = tables.read(frames, tables.MERGED_FRAMES, columns).combine_chunks()
    box = tables.read(faces, tables.MERGED_FACES, ["top", "right", "bottom", "left"])
    embeddings = np.asarray(tables.open_embeddings(faces))
    n_faces = table["n_faces"].fill_null(0).to_numpy().astype(np.int64)
    if n_faces.sum() != len(box):
        raise tables.TableError(f"{faces} has not the faces that {frames} counts; merge them again")
    top, right, bottom, left = (box[side].to_numpy().astype(np.float64) for side in box.column_names)
    width = np.repeat(np.maximum(table["width"].fill_null(1).to_numpy(), 1), n_faces)
    if len(gone := np.flatnonzero(is_forgotten(embeddings))):  # they would all be one face
        frame_of = np.repeat(np.arange(len(table)), n_faces)
        n_faces -= np.bincount(frame_of[gone], minlength=len(table))
        top, right, bottom, left, width = (
            np.delete(each, gone) for each in (top, right, bottom, left, width)
        )
        embeddings = np.delete(embeddings, gone, axis=0)
    runs = [
        (name, rows.stop - rows.start)
        for chunk in table["broadcast"].unify_dictionaries().chunks
        for name, rows in tables.runs(chunk)
    ]
    return Stills(
        broadcasts=[name for name, _ in runs],
        begins=np.cumsum([0, *(n for _, n in runs)]),
        frame=table["frame"].to_numpy(),
        time=table["time"].to_numpy().astype("datetime64[us]"),
        code=table["phash"].fill_null(0).to_numpy(),
        readable=pc.is_valid(table["phash"]).to_numpy(),
        first_face=np.cumsum([0, *n_faces]),
        places=np.stack([(left + right) / 2, (top + bottom) / 2, right - left], axis=1) / width[:, None],
        embeddings=embeddings,
        scale=scale,
    )


def replays(stills: Stills, frame_seconds: float) -> pa.Table:
    """Find the footage that is on air again.

    Parameters
    ----------
    stills
        The frames of a run.
    frame_seconds
        Seconds between two frames.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.REPLAYS`.

    Notes
    -----
    Pairs of near-identical frames (`castgraph.network.hamming`) are where a search begins. From each it goes
    along the diagonal, that is through the frames that follow in both places; of a showing at another phase
    of the sampling each frame lies between two of the other. How much a pair of frames speaks for a replay is
    the logarithm of how much likelier it is in a replay (`LIKELY`) than by chance, which is the share of the
    frames of the two broadcasts that are as much alike: a picture that a studio shows all day says next to
    nothing. A pair counts only where it is more alike than either frame is to the other's neighbour before:
    a shot that stands still is one picture, however long. The stretch of the largest sum is taken (Kadane's
    algorithm), and is a replay when so large a sum is expected less than `CHANCE` times among all places
    where two stretches could begin, as is done with sequences that are aligned.

    References
    ----------
    S. Karlin, S. F. Altschul, "Methods for assessing the statistical significance of molecular sequence
    features by using general scoring schemes", PNAS 87 (1990).
    """
    found = _stretches(stills, frame_seconds)
    showings = _showings(stills, found)
    rows = [
        {**_row(stills, each, frame_seconds), "n_showings": len(of), "kind": _kind(stills, of, frame_seconds)}
        for each, of in zip(found, showings, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=tables.REPLAYS)


def _row(stills: Stills, found: _Stretch, frame_seconds: float) -> dict[str, Any]:
    """Name the two places of a replay."""
    row: dict[str, Any] = {}
    for prefix, first, last in (
        ("", found.first, found.last),
        ("earlier_", found.earlier_first, found.earlier_last),
    ):
        number = int(np.searchsorted(stills.begins, first, side="right")) - 1
        end = stills.time[last] + np.timedelta64(round(frame_seconds * 1e6), "us")
        row |= {
            f"{prefix}broadcast": stills.broadcasts[number],
            f"{prefix}first_frame": int(stills.frame[first]),
            f"{prefix}last_frame": int(stills.frame[last]),
            f"{prefix}start": stills.time[first].item(),
            f"{prefix}end": end.item(),
        }
    return row | {
        "n_frames": found.last - found.first + 1,
        "n_alike": found.n_alike,
        "distance": found.bits,
        "face_distance": None if math.isnan(found.face) else found.face,
        "score": found.score,
    }


# ---- where a search begins -------------------------------------------------------------------------------


class _Seeds(NamedTuple):
    """Pairs of near frames on one diagonal, close to each other."""

    later: Rows
    offset: int  # from the row of the later frame to that of the earlier


def _seeds(stills: Stills, frame_seconds: float) -> list[_Seeds]:
    """Find where replays may be: the earliest showing first, and of the same place the most pairs first."""
    share = _share(stills)
    common = (share > _COMMON) & (share * len(stills) > _FEW)
    rare = np.flatnonzero(stills.readable & ~common)
    one, other = (rare[rows] for rows in near_pairs(stills.code[rare], _NEAR))
    number = np.repeat(np.arange(len(stills.broadcasts)), np.diff(stills.begins))
    # What a broadcast shows all the time is no replay within it.
    inside = number[one] == number[other]
    often = np.bincount(np.concatenate([one[inside], other[inside]]), minlength=len(stills)) > _OFTEN
    kept = ~inside | ~(often[one] | often[other])
    by_face = _face_seeds(stills)
    one, other = (np.concatenate(rows) for rows in zip((one[kept], other[kept]), by_face, strict=True))
    one, other = np.unique([one, other], axis=1)
    apart = (number[one] != number[other]) | (other - one >= APART_SECONDS / frame_seconds)
    one, other = one[apart], other[apart]
    turned = stills.time[one] > stills.time[other]
    later, earlier = np.where(turned, one, other), np.where(turned, other, one)
    # The first places where a frame was before are enough.
    order = np.lexsort((earlier, stills.time[earlier], later))
    later, earlier = later[order], earlier[order]
    kept = np.arange(len(later)) - np.searchsorted(later, later) < _EARLIEST
    later, earlier = later[kept], earlier[kept]
    promise = _promise(stills, number, share, later, earlier)
    kept = promise >= _PROMISING * _needed(len(stills), len(stills) / 2)
    later, earlier = later[kept], earlier[kept]
    offset = earlier - later
    order = np.lexsort((later, offset, number[earlier], number[later]))
    later, offset, earlier = later[order], offset[order], earlier[order]
    begins = np.flatnonzero(
        (np.diff(number[later], prepend=-1) != 0)
        | (np.diff(number[earlier], prepend=-1) != 0)
        | (np.diff(offset, prepend=0) != 0)
        | (np.diff(later, prepend=-1) > _GAP)
    )
    sizes = np.diff(begins, append=len(later))
    first_earlier = stills.begins[number[earlier[begins]]]
    order = np.lexsort((offset[begins], later[begins], -sizes, first_earlier, stills.time[first_earlier]))
    return [
        _Seeds(later[begin : begin + size], int(offset[begin]))
        for begin, size in zip(begins[order].tolist(), sizes[order].tolist(), strict=True)
    ]


def _face_seeds(stills: Stills) -> tuple[Rows, Rows]:
    """Find the frames that show the same picture of a face at the same place, also where all looks alike."""
    frame = np.repeat(np.arange(len(stills)), np.diff(stills.first_face))
    one, other = near_pairs(_face_codes(stills.embeddings), _SIGNS)
    kept = np.zeros(len(one), bool)
    for begin in range(0, len(one), _BLOCK):
        a, b = one[begin : begin + _BLOCK], other[begin : begin + _BLOCK]
        near = np.linalg.norm(stills.embeddings[a] - stills.embeddings[b], axis=1) <= SAME_FACE * stills.scale
        kept[begin : begin + _BLOCK] = near & _at_one_place(stills, a, b) & (frame[a] != frame[b])
    return frame[one[kept]], frame[other[kept]]


def _face_codes(embeddings: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Make hashes of embeddings that tell the faces of one person apart: signs of what is left of the mean.

    The mean is that of the faces about one of `_CENTRES`. All is counted in whole numbers that a float32
    holds exactly, so that no rounding depends on the number of threads.
    """
    n, size = embeddings.shape
    blocks = [slice(begin, begin + _BLOCK) for begin in range(0, n, _BLOCK)]
    rng = np.random.default_rng(0)
    planes = rng.choice(np.array([-1, 1], np.float32), (size, 64))
    whole = [np.clip(np.rint(embeddings[block] * 256), -9999, 9999).astype(np.int16) for block in blocks]
    if not n:
        return np.empty(0, np.uint64)
    order = np.argsort(np.concatenate([part @ planes[:, 0] for part in whole]), kind="stable")
    chosen = np.sort(order[np.linspace(0, n - 1, min(_CENTRES, n)).astype(np.int64)])
    centres = np.clip(np.rint(embeddings[chosen] * 256), -9999, 9999).astype(np.float32)
    nearest = []
    for part in whole:
        faces = part.astype(np.float32)
        nearest.append(np.argmin((centres**2).sum(axis=1) - 2 * (faces @ centres.T), axis=1))
    sums, counts = np.zeros(centres.shape), np.zeros(len(centres))
    for part, of in zip(whole, nearest, strict=True):
        belongs = np.zeros((len(centres), len(part)), np.float32)
        belongs[of, np.arange(len(part))] = 1
        sums += belongs @ part.astype(np.float32)
        counts += belongs.sum(axis=1)
    means = np.rint(sums / np.maximum(counts, 1)[:, None]).astype(np.int16)
    codes = np.empty(n, np.uint64)
    for block, part, of in zip(blocks, whole, nearest, strict=True):
        signs = (part - means[of]).astype(np.float32) @ planes > 0
        codes[block] = np.packbits(signs, axis=1).view(np.uint64).ravel()
    return codes


def _share(stills: Stills) -> Floats:
    """Tell how large a share of all frames each looks like, by a sample that their order does not change."""
    codes = stills.code[stills.readable]
    sample = np.sort(codes)[np.linspace(0, len(codes) - 1, min(_SAMPLE, len(codes))).astype(np.int64)]
    share = np.zeros(len(stills))
    if len(sample):
        share[stills.readable] = n_near(codes, sample, _NEAR) / len(sample)
    return share


def _promise(stills: Stills, number: Rows, share: Floats, one: Rows, other: Rows) -> Floats:
    """Add up for pairs of frames what those about them may speak for a replay, at most."""
    found = np.empty(len(one))
    steps = np.arange(-_GAP, _GAP + 1)
    for begin in range(0, len(one), 1024):
        pairs = slice(begin, begin + 1024)
        here, there = one[pairs, None], other[pairs, None]
        a, fits = _within(stills, number, here, here + steps)
        best = np.full(a.shape, _UNREADABLE)
        match = np.zeros_like(a)
        for shift in (0, -1, 1):
            b, fits_too = _within(stills, number, there, there + steps + shift)
            bits = np.where(fits & fits_too, _bits(stills, a, b), _UNREADABLE)
            better = bits < best
            best[better], match[better] = bits[better], b[better]
        near = best <= FACE_BITS
        face = np.full(a.shape, np.nan)
        face[near] = _face_distances(stills, a[near], match[near])
        by_face = face <= SAME_FACE * stills.scale
        alike = by_face | ((best <= BITS[-1]) & ~(face > OTHER_FACE * stills.scale))
        level = np.searchsorted(BITS, best)
        is_new = alike.copy()
        is_new[:, 1:] &= by_face[:, 1:] | ~(
            alike[:, :-1]
            & (
                (np.searchsorted(BITS, _bits(stills, a[:, 1:], match[:, :-1])) <= level[:, 1:])
                | (np.searchsorted(BITS, _bits(stills, a[:, :-1], match[:, 1:])) <= level[:, 1:])
            )
        )
        n_frames = np.diff(stills.begins)
        least = 1 / np.maximum(n_frames[number[here]], n_frames[number[there]])
        usual = np.where(by_face, 0, share[a])
        found[pairs] = (is_new * np.maximum(np.log2(LIKELY[0] / np.maximum(usual, least)), 0)).sum(axis=1)
    return found


def _within(stills: Stills, number: Rows, rows: Rows, wanted: Rows) -> tuple[Rows, NDArray[np.bool_]]:
    """Give the wanted rows, and whether they are in the same broadcast as `rows`; if not, these instead."""
    inside = (wanted >= 0) & (wanted < len(stills))
    inside &= number[np.where(inside, wanted, 0)] == number[rows]
    return np.where(inside, wanted, rows), inside


# ---- how alike frames are --------------------------------------------------------------------------------


def _bits(stills: Stills, one: Rows, other: Rows) -> NDArray[np.uint8]:
    """Count the bits in which the hashes of frames differ; `_UNREADABLE` where one has none."""
    bits = np.bitwise_count(stills.code[one] ^ stills.code[other])
    return np.where(stills.readable[one] & stills.readable[other], bits, _UNREADABLE)


def _face_distances(stills: Stills, one: Rows, other: Rows) -> Floats:
    """Measure how far apart the faces at the same places of two frames are, pair by pair of frames.

    Returns
    -------
    ndarray of shape (n,)
        The mean over those at the same place; NaN where one of the two shows no face, infinity where both do
        and no two of them are at the same place.
    """
    found = np.full(len(one), np.nan)
    n_pairs = np.prod(
        [stills.first_face[rows + 1] - stills.first_face[rows] for rows in (one, other)], axis=0
    )
    both = np.flatnonzero(n_pairs)
    if not len(both):
        return found
    # So many pairs of faces at a time: a crowd has thousands in two frames.
    step = np.cumsum(n_pairs[both]) // _BLOCK
    parts = np.split(both, np.flatnonzero(np.diff(step)) + 1) if step[-1] else [both]
    for part in parts:
        found[part] = _face_distances_of(stills, one[part], other[part])
    return found


def _at_one_place(stills: Stills, one: Rows, other: Rows) -> NDArray[np.bool_]:
    """Tell of pairs of faces whether both are at about the same place of their frames, and as large."""
    apart = np.abs(stills.places[one] - stills.places[other])
    sizes = np.maximum(stills.places[one, 2], stills.places[other, 2])
    alike: NDArray[np.bool_] = (apart[:, :2].max(axis=1, initial=0) <= _ALIKE_PLACE) & (
        apart[:, 2] <= sizes / 3
    )
    return alike


def _face_distances_of(stills: Stills, one: Rows, other: Rows) -> Floats:
    n_one, n_other = (stills.first_face[rows + 1] - stills.first_face[rows] for rows in (one, other))
    n_pairs = n_one * n_other
    pair = np.repeat(np.arange(len(one)), n_pairs)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(n_pairs) - n_pairs, n_pairs)
    a = stills.first_face[one][pair] + within // n_other[pair]
    b = stills.first_face[other][pair] + within % n_other[pair]
    alike = _at_one_place(stills, a, b)
    pair, a, b = pair[alike], a[alike], b[alike]
    distance = np.linalg.norm(stills.embeddings[a] - stills.embeddings[b], axis=1)
    # Of each face the nearest at its place.
    order = np.lexsort((distance, a, pair))
    a, of = a[order], pair[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (a[1:] != a[:-1]) | (of[1:] != of[:-1])
    nearest = order[is_first]
    sums = np.bincount(pair[nearest], distance[nearest], len(one))
    counts = np.bincount(pair[nearest], minlength=len(one))
    means: Floats = np.divide(sums, counts, out=np.full(len(one), np.inf), where=counts > 0)
    return means


class _Match(NamedTuple):
    """Frames that others may be like, and how alike they are."""

    row: Rows
    level: NDArray[np.intp]
    bits: NDArray[np.uint8]
    face: Floats

    def of(self, chosen: Rows) -> _Match:
        """Give some of them."""
        return _Match(self.row[chosen], self.level[chosen], self.bits[chosen], self.face[chosen])


def _match(stills: Stills, one: Rows, other: Rows) -> _Match:
    """Tell how alike frames are, by their hashes and, where both show faces, by these."""
    bits = _bits(stills, one, other)
    level = np.searchsorted(BITS, bits)
    face = np.full(len(one), np.nan)
    near = np.flatnonzero(bits <= FACE_BITS)
    face[near] = _face_distances(stills, one[near], other[near])
    level[face <= SAME_FACE * stills.scale] = 0
    level[face > OTHER_FACE * stills.scale] = _UNLIKE
    return _Match(other, level, bits, face)


def _chance(stills: Stills, rows: Rows, match: _Match, among: list[int], apart: int) -> Floats:
    """Give the share of the frames of a broadcast that are as like each of `rows` as its match is.

    Frames less than `apart` from it do not count: they are of the same shot.
    """
    begin, end = among
    others = np.arange(begin, end)
    by_face = match.face <= SAME_FACE * stills.scale
    most = np.where(by_face, FACE_BITS, np.append(BITS, 64)[match.level])
    n_alike = np.empty(len(rows))
    for at in range(0, len(rows), 256):
        block = slice(at, at + 256)
        near = np.bitwise_count(stills.code[rows[block], None] ^ stills.code[begin:end]) <= most[block, None]
        near &= stills.readable[begin:end]
        if apart:
            near &= np.abs(rows[block, None] - others) >= apart
        if by_face[block].any():
            near[by_face[block]] &= _maybe_same_face(stills, rows[block][by_face[block]], begin, end)
            which, where = np.nonzero(near & by_face[block, None])
            same = _face_distances(stills, rows[block][which], others[where]) <= SAME_FACE * stills.scale
            near[which[~same], where[~same]] = False
        n_alike[block] = near.sum(axis=1)
    return np.maximum(n_alike, 1) / len(others)


def _maybe_same_face(stills: Stills, rows: Rows, begin: int, end: int) -> NDArray[np.bool_]:
    """Leave out, of the frames from `begin` to `end`, those without a face that is near to one of a row."""
    faces = slice(stills.first_face[begin], stills.first_face[end])
    n_faces = stills.first_face[rows + 1] - stills.first_face[rows]
    row = np.repeat(np.arange(len(rows)), n_faces)
    own = np.repeat(stills.first_face[rows], n_faces) + np.arange(len(row))
    own -= np.repeat(np.cumsum(n_faces) - n_faces, n_faces)
    other = np.asarray(stills.embeddings[faces])
    squares = np.einsum("ij,ij->i", other, other)
    frame = np.repeat(np.arange(end - begin), np.diff(stills.first_face[begin : end + 1]))
    maybe = np.zeros((len(rows), end - begin), bool)
    step = 1 + (1 << 23) // max(len(other), 1)
    for at in range(0, len(own), step):
        one = np.asarray(stills.embeddings[own[at : at + step]])
        squared = np.einsum("ij,ij->i", one, one)[:, None] - 2 * one @ other.T + squares
        # Wider than is needed: whatever the rounding, what is near enough is among them.
        face, near = np.nonzero(squared <= (1.2 * SAME_FACE * stills.scale) ** 2)
        maybe[row[at + face], frame[near]] = True
    return maybe


# ---- how far a replay goes -------------------------------------------------------------------------------


def _stretches(stills: Stills, frame_seconds: float) -> list[_Stretch]:
    """Find the replays; a frame is in one of them at most, with the earliest other showing."""
    found: list[_Stretch] = []
    taken, known = np.zeros(len(stills), bool), np.zeros(len(stills), bool)
    apart = math.ceil(APART_SECONDS / frame_seconds)

    def search(groups: list[_Seeds], needed: float) -> list[_Seeds]:
        """Give the seeds back that chance could give."""
        left = []
        for seeds in groups:
            waiting = [seeds.later]
            while waiting:
                later = waiting.pop()
                later = later[~taken[later]]
                if not len(later):
                    continue
                best = _judge(stills, later, seeds.offset, taken, apart)
                if best.score < needed or best.n_alike < FEWEST:
                    left.append(_Seeds(later, seeds.offset))
                    continue
                found.append(best)
                taken[best.first : best.last + 1] = True
                known[best.first : best.last + 1] = True
                known[best.earlier_first : best.earlier_last + 1] = True
                waiting += [later[later < best.first], later[later > best.last]]
        return left

    left = search(_seeds(stills, frame_seconds), _needed(len(stills), len(stills) / 2))
    # Where one of the two is known to be shown again, there are fewer places at which chance could begin.
    again = [seeds for seeds in left if known[seeds.later].any() or known[seeds.later + seeds.offset].any()]
    search(again, _needed(len(stills), int(known.sum())))
    return sorted(found)


def _needed(n_frames: int, n_others: float) -> float:
    """Tell the sum that chance reaches less than `CHANCE` times among so many frames and so many others.

    Each is tried in three ways: like the other, or like one of two that it lies between.
    """
    return math.log2(max(n_frames, 2) * max(n_others, 1) * 3 / CHANCE)


def _judge(stills: Stills, later: Rows, offset: int, taken: NDArray[np.bool_], apart: int) -> _Stretch:
    """Find the best stretch about some seeds."""
    here, there = (
        stills.begins[np.searchsorted(stills.begins, row, side="right") - 1 :][:2].tolist()
        for row in (later[0], later[0] + offset)
    )
    limits = max(here[0], there[0] - offset), min(here[1], there[1] - offset)
    reach = _GAP
    while True:
        begin = max(int(later[0]) - reach, limits[0])
        end = min(int(later[-1]) + 1 + reach, limits[1])
        rows = np.arange(begin, end)
        matches = {
            shift: _match(stills, rows, np.clip(rows + offset + shift, there[0], there[1] - 1))
            for shift in (0, -1, 1)
        }
        alone = matches[0].level < _UNLIKE
        bands = [(0,), *((0, shift) for shift in (-1, 1) if (alone < (matches[shift].level < _UNLIKE)).any())]
        best = max(
            (
                _best(stills, rows, [matches[shift] for shift in band], here, there, taken, apart)
                for band in bands
            ),
            key=lambda stretch: stretch.score,
        )
        if (best.first > begin or begin == limits[0]) and (best.last + 1 < end or end == limits[1]):
            return best
        reach *= 4


def _best(
    stills: Stills,
    rows: Rows,
    matches: list[_Match],
    here: list[int],
    there: list[int],
    taken: NDArray[np.bool_],
    apart: int,
) -> _Stretch:
    """Find the stretch of `rows` that speaks most for a replay, by the best match of each."""
    choice = np.argmin([each.level * 100 + each.bits for each in matches], axis=0)
    match = _Match(*(np.choose(choice, columns) for columns in zip(*matches, strict=True)))
    other, level, bits, face = match
    is_alike = level < _UNLIKE
    still = np.zeros(len(rows), bool)
    still[1:] = (_match(stills, rows[1:], other[:-1]).level <= level[1:]) | (
        _match(stills, rows[:-1], other[1:]).level <= level[1:]
    )
    scores = np.where(
        is_alike | ~(stills.readable[rows] & stills.readable[other]), 0, np.log2(LIKELY[_UNLIKE])
    )
    new = np.flatnonzero(is_alike & ~still)
    own = apart if here == there else 0
    chance = len(matches) * np.maximum(
        _chance(stills, rows[new], match.of(new), there, own),
        _chance(stills, other[new], match.of(new), here, own),
    )
    scores[new] = np.log2(np.array(LIKELY)[level[new]] / chance)
    scores[taken[rows]] = -np.inf
    first, last = _largest_sum(scores)
    score = float(scores[first : last + 1].sum())
    free = is_alike & ~taken[rows]
    while first > 0 and free[first - 1]:
        first -= 1
    while last + 1 < len(rows) and free[last + 1]:
        last += 1
    part = slice(first, last + 1)
    of_alike = is_alike[part]
    faces = face[part][of_alike & np.isfinite(face[part])]
    return _Stretch(
        int(rows[first]),
        int(rows[last]),
        int(other[first]),
        int(other[last]),
        int(of_alike.sum()),
        float(np.median(bits[part][of_alike])) if of_alike.any() else 64.0,
        float(np.median(faces)) if len(faces) else math.nan,
        score,
    )


def _largest_sum(scores: Floats) -> tuple[int, int]:
    """Find the first and last place of the stretch with the largest sum (Kadane)."""
    best, first, last = -math.inf, 0, 0
    total, begin = 0.0, 0
    for place, score in enumerate(scores.tolist()):
        if total <= 0:
            total, begin = 0.0, place
        total += score
        if total > best:
            best, first, last = total, begin, place
    return first, last


# ---- what is shown again ---------------------------------------------------------------------------------


class _Showing(NamedTuple):
    """A place where the same footage is on air."""

    first: int
    last: int


def _showings(stills: Stills, found: list[_Stretch]) -> list[list[_Showing]]:
    """List for each replay all showings of its footage, the first one included."""
    places = [_Showing(*each[:2]) for each in found] + [_Showing(*each[2:4]) for each in found]
    parent = list(range(len(places)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    order = sorted(range(len(places)), key=places.__getitem__)
    same = list(range(len(places)))  # the first of the places that are one showing
    for before, after in pairwise(order):
        a, b = places[before], places[after]
        if 2 * (min(a.last, b.last) - b.first + 1) >= min(a.last - a.first, b.last - b.first) + 1:
            same[after] = same[before]
            parent[root(after)] = root(before)
    for later in range(len(found)):
        parent[root(later + len(found))] = root(later)
    of_root: dict[int, dict[int, _Showing]] = {}
    for place in order:
        of_root.setdefault(root(place), {}).setdefault(same[place], places[place])
    return [list(of_root[root(later)].values()) for later in range(len(found))]


def _kind(stills: Stills, showings: list[_Showing], frame_seconds: float) -> str:
    """Tell by how often, where and how long footage is shown what it is; see `KINDS`."""
    numbers = np.searchsorted(stills.begins, [each.first for each in showings], side="right") - 1
    first = np.array([each.first for each in showings])
    last = np.array([each.last for each in showings])
    shows = {Broadcast.parse(stills.broadcasts[number]).title for number in numbers}
    if len(shows) == 1 and len(set(numbers.tolist())) >= OPENING_BROADCASTS:
        for away in (
            stills.time[first] - stills.time[stills.begins[numbers]],
            stills.time[stills.begins[numbers + 1] - 1] - stills.time[last],
        ):
            seconds = away.astype("timedelta64[us]").astype(np.int64) / 1e6
            if np.mean(np.abs(seconds - np.median(seconds)) <= OPENING_SECONDS) > 0.75:
                return "opening"
    days = {str(day) for day in stills.time[first].astype("datetime64[D]")}
    longest = (int((last - first).max()) + 1) * frame_seconds
    if (
        len(showings) >= COMMERCIAL_SHOWINGS
        and len(days) >= COMMERCIAL_DAYS
        and longest <= COMMERCIAL_SECONDS
    ):
        return "commercial"
    return "scene"
