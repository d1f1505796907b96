"""Anchors: a place in a frame that means a face, whatever found the face and whatever group it is in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from castgraph.base.text import quoted, visible
from castgraph.people.places import Places

NOWHERE = -1
"""The row of an anchor where there is no face."""

_LEAST_OVERLAP = 0.1  # intersection of two boxes by their union; a neighbour's may touch
_PLACE = re.compile(r"(?P<broadcast>.+)#(?P<frame>[0-9]{1,9})@(?P<x>-?[0-9.]{1,12}),(?P<y>-?[0-9.]{1,12})")

Number = Annotated[float, Field(ge=-1e6, le=1e6)]


def _id(text: str) -> str:
    if not text or visible(text) != text or len(text.split()) != 1:
        raise ValueError("no ID")
    return text


def _sides(box: tuple[float, ...] | None) -> Any:
    if box is not None and not (box[0] < box[2] and box[3] < box[1]):
        raise ValueError("no box")
    return box


def _list(value: object) -> object:
    if isinstance(value, str | dict):
        raise ValueError("no list")
    return value


class Anchor(BaseModel):
    """A place in a frame that means a face.

    Attributes
    ----------
    broadcast, frame
        The broadcast's ID, and the number of the frame in it, from 1.
    at
        x and y of a point in the face, in pixels of the frame.
    box
        Top, right, bottom and left of the face, in pixels; None where only the point is known.

    Examples
    --------
    >>> str(Anchor(broadcast="NTV_20220519_083000", frame=7, at=(312, 140)))
    'NTV_20220519_083000#7@312,140'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    broadcast: Annotated[str, Field(max_length=300, description="the ID of a broadcast"), AfterValidator(_id)]
    frame: int = Field(ge=1, lt=2**31, description="the number of a frame, a whole number from 1")
    at: Annotated[tuple[Number, Number], BeforeValidator(_list)] = Field(
        description="[x, y], a point in the face, in pixels of the frame"
    )
    box: Annotated[
        tuple[Number, Number, Number, Number] | None, BeforeValidator(_list), AfterValidator(_sides)
    ] = Field(None, description="[top, right, bottom, left] of the face, in pixels of the frame")

    def __str__(self) -> str:
        x, y = self.at
        return f"{self.broadcast}#{self.frame}@{x:.10g},{y:.10g}"

    @property
    def place(self) -> tuple[Any, ...]:
        """What anchors are sorted by."""
        return self.broadcast, self.frame, self.at


def read_anchor(text: str) -> Anchor | None:
    """Read an anchor as ``BROADCAST#FRAME@X,Y``; None where the text is none.

    Raises
    ------
    ValueError
        When it is one, of no frame or point that there can be.

    Examples
    --------
    >>> read_anchor("NTV_20220519_083000#7@312,140").at
    (312.0, 140.0)
    """
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return Anchor(
            broadcast=match["broadcast"], frame=int(match["frame"]), at=(float(match["x"]), float(match["y"]))
        )
    except ValueError:
        raise ValueError(
            f"found {quoted(text)}; allowed: BROADCAST#FRAME@X,Y with a frame from 1 and a point in pixels"
        ) from None


def find_faces(anchors: Sequence[Anchor], places: Places) -> NDArray[np.int64]:
    """Find the face that each anchor means.

    Parameters
    ----------
    anchors
        The anchors.
    places
        Where the faces of the run are.

    Returns
    -------
    ndarray of shape (n_anchors,), int64
        The row of the face in `places`; `NOWHERE` where there is none.

    Notes
    -----
    Of the faces of the frame it is the one whose box overlaps the anchor's box most, where one does. Else the
    one whose box holds the point, and of several the one whose middle is nearest. Else, since another
    detector gives other boxes, the one whose middle is nearest and no further than a box is wide.
    """
    keys = places.broadcast.astype(np.int64) << 32 | places.frame
    order = np.arange(len(keys)) if (keys[1:] >= keys[:-1]).all() else np.argsort(keys, kind="stable")
    keys = keys[order]
    number = {name: place for place, name in enumerate(places.broadcasts)}
    wanted = np.array([number.get(each.broadcast, -1) << 32 | each.frame for each in anchors], np.int64)
    begins, ends = (np.searchsorted(keys, wanted, side) for side in ("left", "right"))
    # A row for each anchor and each face of its frame.
    of = np.repeat(np.arange(len(anchors)), ends - begins)
    within = np.arange(len(of)) - np.repeat(np.cumsum(ends - begins) - (ends - begins), ends - begins)
    rows = order[begins[of] + within]

    top, right, bottom, left = places.boxes[:, rows].astype(np.float64)
    x, y = np.array([each.at for each in anchors], np.float64).reshape(-1, 2)[of].T
    away = np.hypot(x - (left + right) / 2, y - (top + bottom) / 2)
    holds = (left <= x) & (x <= right) & (top <= y) & (y <= bottom)
    boxes = np.array([each.box or (0, 0, 0, 0) for each in anchors], np.float64).reshape(-1, 4)
    overlap = _overlap(boxes[of].T, np.stack([top, right, bottom, left]))
    tiers = [overlap >= _LEAST_OVERLAP, holds, away <= np.sqrt((right - left) * (bottom - top))]
    tier = np.select(tiers, range(len(tiers)), len(tiers))
    rank = np.where(tier == 0, -overlap, away)

    found = np.full(len(anchors), NOWHERE, np.int64)
    best = np.lexsort((rows, away, rank, tier, of))
    best = best[tier[best] < len(tiers)]
    which, first = np.unique(of[best], return_index=True)
    found[which] = rows[best[first]]
    return found


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the intersection of boxes by their union; boxes of no size overlap nothing."""
    height = np.clip(np.minimum(one[2], other[2]) - np.maximum(one[0], other[0]), 0, None)
    width = np.clip(np.minimum(one[1], other[1]) - np.maximum(one[3], other[3]), 0, None)
    areas = [(box[2] - box[0]) * (box[1] - box[3]) for box in (one, other)]
    shared = height * width
    by_union: NDArray[np.float64] = shared / np.where(shared > 0, areas[0] + areas[1] - shared, 1)
    return by_union
