"""Where everybody stands: one arrangement, for the picture and for every file.

People who are drawn stand on the picture, far enough from each other for portraits and names. All others
stand where the layout has them among these, on no one else's disc; the picture leaves them out.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

UNITS = 100
"""x, y and sizes in an inch of the picture."""

WIDTH, HEIGHT = 11.2, 6.63
"""Inches of the picture that the network may fill; their middle is x = y = 0, and y points up."""

# Lengths are inches; sizes of fonts are points.
_FILL = 0.88  # of the field, by the centres of the portraits before they are moved apart
_FEW = 10  # people: fewer stand closer together than to fill the field
_EVEN = 0.6  # how evenly people are spread: 0 keeps the layout as it is, 1 nothing of it but the order
_STRETCH = 2.5  # of the layout along its shorter axis, at most
_SPIRAL = 0.02  # its radius, in units of the square root of the number of people
_COVER = 0.45  # of the field, by portraits and names, at most
_DISCS = 0.2  # of where people stand, by their discs, at most
_GAP = 0.05  # between two neighbours
_SLACK = 1e-3  # by which places may be rounded
_LEAST = 0.02  # the scale below which people stand on each other, whatever is done
_STEPS = 400  # to move people apart, before all are made smaller
_CLASS = 1.25  # the largest radius by the smallest of discs that are placed together
_SQUARES = 10_000_000  # into which the plane is parted, at most
_TURN = math.pi * (3 - math.sqrt(5))  # from point to point of a spiral that fills the plane evenly

_RADIUS = 0.68  # of the largest portrait, at most
_SMALLEST = 0.3  # in units of the largest radius: what is smaller is enlarged to this
_NAME_LETTERS = 16  # in a line of a name
_NAME_SIZE = (6.2, 10.0)
_LINE_HEIGHT = 1.2  # in font sizes
_LETTER, _WIDE_LETTER = 0.62, 1.0  # their widths, in font sizes: about, as no font is at hand here


class Boxes(NamedTuple):
    """What portraits and names take on the picture, in inches.

    Attributes
    ----------
    radii
        Of the portraits, shape (n,).
    sizes
        Of the names, in points, shape (n,).
    half
        Half of the width and height of portrait and name together, shape (n, 2).
    shift
        From the middle of that to the middle of the portrait, shape (n, 2).
    """

    radii: Points
    sizes: Points
    half: Points
    shift: Points


class Arrangement(NamedTuple):
    """Where people stand.

    Attributes
    ----------
    places
        x and y of each, shape (n, 2), in `UNITS`.
    largest
        The radius of the disc of the highest PageRank, in `UNITS`; that of any other is as much smaller as
        the square root of its PageRank. No two discs overlap.
    """

    places: Points
    largest: float


def arranged(points: Points, ranks: Points, names: Sequence[str], drawn: int) -> Arrangement:
    """Arrange people for the picture, and all others around those who are drawn.

    Parameters
    ----------
    points
        Where a layout has each, shape (n, 2).
    ranks
        The PageRank of each, shape (n,).
    names
        What each is called.
    drawn
        How many are drawn: those of the highest PageRank, of as high ones those that come first.

    Notes
    -----
    A place on the picture is a mixture of where the layout has a person and of the rank from left to right
    (from bottom to top), which opens dense parts and closes gaps, and keeps who is left of (above) whom; then
    people are moved apart, as little as it takes. Who is not drawn keeps the place between those who are.
    From the highest PageRank to the lowest, each takes the nearest place that is free.
    """
    if not len(points):
        return Arrangement(np.empty((0, 2)), 1.0)
    order = np.argsort(-ranks, kind="stable")
    first, others = order[:drawn], order[drawn:]
    start, around = _to_field(points[first], points[others])
    centres, largest = _apart(start, relative_radii(ranks[first]), [wrapped(names[n]) for n in first])
    everybody = np.concatenate([centres, around])
    shares = ranks[order] / ranks[order[0]]
    if len(others):
        room = (np.ptp(everybody, axis=0) + 2 * largest).prod()
        largest = min(largest, math.sqrt(_DISCS * room / (math.pi * shares.sum())))
        _fill_in(everybody, largest * np.sqrt(shares), len(first))
    places = np.empty_like(everybody)
    places[order] = everybody
    return Arrangement(places.round(5) * UNITS + 0.0, largest * UNITS)


def wrapped(name: str) -> str:
    """Break a name into at most two lines."""
    return "\n".join(textwrap.wrap(name, _NAME_LETTERS, max_lines=2, placeholder="…")) or "?"


def relative_radii(ranks: Points) -> Points:
    """Give the radii of portraits in units of the largest: areas as the PageRank, the smallest enlarged."""
    return np.asarray(np.maximum(np.sqrt(ranks / ranks.max()), _SMALLEST))


def boxes(relative: Points, widths: Points, lines: Points, scale: float) -> Boxes:
    """Tell how large portraits and names are.

    Parameters
    ----------
    relative
        What `relative_radii` returns.
    widths
        Of each name in a font of 1 point, in inches.
    lines
        How many lines each name has.
    scale
        1 for as large as they ever are.
    """
    radii = _RADIUS * scale * relative
    sizes = min(1.0, 1.3 * scale) * np.interp(relative, (_SMALLEST, 1.0), _NAME_SIZE)
    below = sizes * (lines * _LINE_HEIGHT + 0.5) / 72  # what the name takes under the portrait
    half = np.stack([np.maximum(radii, widths * sizes / 2), radii + below / 2], axis=1) + _GAP * scale / 2
    return Boxes(radii, sizes, half, np.stack([np.zeros_like(below), below / 2], axis=1))


def fitted(centres: Points, relative: Points, widths: Points, lines: Points) -> Boxes:
    """Make portraits and names as large as there is room for where people stand.

    Parameters
    ----------
    centres
        Of the portraits, in inches from the middle of the field, shape (n, 2).
    relative, widths, lines
        See `boxes`.
    """
    scale = 1.0
    while True:
        found = boxes(relative, widths, lines, scale)
        middles = centres - found.shift
        inside = np.abs(middles) + found.half <= np.array([WIDTH, HEIGHT]) / 2 + _SLACK
        if scale < _LEAST or (inside.all() and not _touching(middles, found.half - _SLACK).any()):
            return found
        scale *= 0.95


def _apart(start: Points, relative: Points, names: Sequence[str]) -> tuple[Points, float]:
    """Find the centres of the portraits, and the radius of the largest, as large as there is room for."""
    lines = np.array([name.count("\n") + 1 for name in names])
    widths = np.array([max(map(_width, name.split("\n"))) for name in names])
    scale = 1.0
    while True:
        found = boxes(relative, widths, lines, scale)
        if 4 * found.half.prod(axis=1).sum() <= _COVER * WIDTH * HEIGHT:
            middles = _separated(start - found.shift, found.half)
            if middles is not None:
                return middles + found.shift, float(found.radii[0])
        scale *= 0.95


def _width(line: str) -> float:
    """Guess how wide a line is in a font of 1 point, in inches."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    return (_LETTER * (len(line) - wide) + _WIDE_LETTER * wide) / 72


def _to_field(points: Points, others: Points) -> tuple[Points, Points]:
    """Turn the layout to be widest from left to right, spread it over the field, and others with it."""
    middle = points.mean(axis=0)
    _, _, directions = np.linalg.svd(points - middle, full_matrices=False)
    if len(directions) < 2:
        directions = np.eye(2)
    # The sign of a direction is arbitrary; the first person goes to the upper right.
    directions = directions * np.where((points[0] - middle) @ directions.T < 0, -1.0, 1.0)[:, None]
    turned, around = (points - middle) @ directions.T, (others - middle) @ directions.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    room = np.array([WIDTH, HEIGHT]) * _FILL * min(1.0, math.sqrt(len(points) / _FEW))
    extent = np.maximum(high - low, 1e-9)
    room *= np.minimum(1.0, _STRETCH * (extent / room) / (extent / room).max())
    share = (turned - (low + high) / 2) / extent
    rank = (_ranks(turned.round(6)) - (len(points) + 1) / 2) / max(1, len(points) - 1)
    spread = room * ((1 - _EVEN) * share + _EVEN * rank)
    between = [_carried(*axis) for axis in zip(around.T, turned.T, spread.T, strict=True)]
    # Those at one place start on a tiny spiral, or they could only be moved apart in a line.
    return spread + _SPIRAL * _spiral(len(points)), np.stack(between, axis=1)


def _carried(values: Points, known: Points, places: Points) -> Points:
    """Carry values along with known ones: between two of these in proportion, outside at their mean rate."""
    known, first = np.unique(known, return_index=True)
    places = places[first]
    extent = known[-1] - known[0]
    rate = (places[-1] - places[0]) / extent if extent > 1e-6 else 1 / UNITS
    outside = values - np.clip(values, known[0], known[-1])
    return np.asarray(np.interp(values, known, places) + rate * outside, np.float64)


def _spiral(n: int) -> Points:
    turn = np.arange(n, dtype=np.float64)
    return np.asarray(np.sqrt(turn)[:, None] * np.stack([np.cos(_TURN * turn), np.sin(_TURN * turn)], axis=1))


def _ranks(points: Points) -> Points:
    """Rank each coordinate from 1; equal ones share the mean of their ranks."""

    def rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        mean: NDArray[np.float64] = count.cumsum() - (count - 1) / 2
        return mean[place]

    return np.stack([rank(values) for values in points.T], axis=1)


def _separated(centres: Points, half: Points) -> Points | None:
    """Move boxes apart, as little as it takes, within the field; None when that does not come to an end.

    Parameters
    ----------
    centres, half
        Of shape (n_boxes, 2): the centre and half of the width and height of each box.
    """
    most = np.array([WIDTH, HEIGHT]) / 2 - half
    if np.any(most < 0):
        return None
    for step in range(1, _STEPS + 1):
        centres = np.clip(centres, -most, most)
        touching = _touching(centres, half)
        if not touching.any():
            return centres
        apart = centres[:, None] - centres[None]
        overlap = half[:, None] + half[None] - np.abs(apart)
        # Both give way by nearly half along the axis on which they overlap least; at every third step along
        # the other one, or a row of people could only ever grow longer.
        axis = overlap.argmin(axis=2) if step % 3 else overlap.argmax(axis=2)
        along = axis[..., None] == np.arange(2)
        centres = centres + 0.4 * (np.sign(apart) * overlap * along * touching[..., None]).sum(axis=1)
    return None


def _touching(centres: Points, half: Points) -> NDArray[np.bool_]:
    """Tell which boxes overlap which others, shape (n_boxes, n_boxes)."""
    room = half[:, None] + half[None]
    touching = np.all(room - np.abs(centres[:, None] - centres[None]) > 1e-6, axis=2)
    np.fill_diagonal(touching, False)
    return np.asarray(touching)


def _fill_in(centres: Points, radii: Points, n_placed: int) -> None:
    """Move the discs after the first `n_placed`, in order, to the nearest place where each touches none.

    Parameters
    ----------
    centres, radii
        Of shape (n, 2) and (n,), the largest first; the centres are changed.
    n_placed
        How many stay where they are.

    Notes
    -----
    The plane is parted into squares, anew for each `_CLASS` of radii; in a free square every point is free.
    So it takes the longer the more discs there are, not the more of them want the same place.
    """
    margin = math.sqrt(
        math.pi * (radii**2).sum() / _DISCS
    )  # in which all would find room, wherever they were
    low, high = centres.min(axis=0) - margin, centres.max(axis=0) + margin
    while n_placed < len(centres):
        radius = radii[n_placed]
        n_class = int(np.count_nonzero(radii[n_placed:] > radius / _CLASS))
        side = max(radius / 2, math.sqrt((high - low).prod() / _SQUARES))
        blocked = np.zeros(np.ceil((high - low) / side).astype(int), bool)
        for number in range(n_placed + n_class):
            place = (centres[number] - low) / side
            if number >= n_placed:
                place = _free(blocked, place)
                centres[number] = low + place * side
            _block(blocked, place, (radii[number] + radius + _SLACK) / side)
        n_placed += n_class


def _block(blocked: NDArray[np.bool_], place: Points, reach: float) -> None:
    """Block every square that has a point nearer to a place than `reach`; lengths are in squares."""
    reach += math.sqrt(0.5)
    first = np.maximum(np.floor(place - reach), 0).astype(int)
    window = blocked[
        tuple(slice(*ends) for ends in zip(first, np.ceil(place + reach).astype(int), strict=True))
    ]
    x, y = (np.arange(n) + start + 0.5 - at for n, start, at in zip(window.shape, first, place, strict=True))
    window |= x[:, None] ** 2 + y**2 < reach**2


def _free(blocked: NDArray[np.bool_], place: Points) -> Points:
    """Give the place itself where its square is free, else the middle of the nearest square that is."""
    at = place.astype(int)
    if not blocked[tuple(at)]:
        return place
    reach = 4
    while True:
        first = np.maximum(at - reach, 0)
        window = blocked[first[0] : at[0] + reach + 1, first[1] : at[1] + reach + 1]
        middles = np.argwhere(~window) + first + 0.5
        apart = ((middles - place) ** 2).sum(axis=1)
        all_seen = window.shape == blocked.shape
        # Beyond the window there may be a nearer one than in its corners.
        if len(middles) and (all_seen or apart.min() <= reach**2):
            return np.asarray(middles[apart.argmin()])
        if all_seen:
            return place
        reach *= 2
