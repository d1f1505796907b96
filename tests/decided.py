"""Faces of tests, and decisions about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from castgraph.people.corrections import KINDS, Anchor, Decision
from castgraph.people.places import Places

BROADCASTS = ["NTV_20220519_083000_News", "NTV_20220520_083000_News"]


def places(n_faces: int, n_in_frame: int = 2) -> Places:
    """Faces of 50 pixels, 50 pixels apart in their frames; half of them in each broadcast."""
    half = (n_faces + 1) // 2
    row = np.arange(n_faces, dtype=np.int32)
    broadcast = (row >= half).astype(np.int32)
    face = row - broadcast * half
    left = 100 * (face % n_in_frame)
    boxes = np.stack([np.full(n_faces, 10), left + 50, np.full(n_faces, 60), left]).astype(np.int32)
    return Places(BROADCASTS, broadcast, face, face // n_in_frame + 1, boxes)


def anchor(found: Places, row: int) -> dict[str, Any]:
    """The middle of a face."""
    top, right, bottom, left = found.boxes[:, row].tolist()
    return {
        "broadcast": found.broadcasts[found.broadcast[row]],
        "frame": int(found.frame[row]),
        "at": [(left + right) / 2, (top + bottom) / 2],
    }


OWN = {"person": {"name": "Ann Example", "source": "caption"}, "ignore": {"reason": "asked to be"}}
"""What kinds need beside faces."""


def decision(found: Places, kind: str, *rows: int, line: int = 0, **own: Any) -> Decision:
    """A decision about faces, in a line of `corrections.yaml`."""
    anchors = [Anchor.model_validate(anchor(found, row)) for row in rows]
    value: Any = anchors if kind in ("same", "different", "split") else anchors[0]
    return KINDS[kind].model_validate(
        {kind: value} | OWN.get(kind, {}) | own, context=("corrections.yaml", line)
    )


def parts(groups: Sequence[int]) -> set[frozenset[int]]:
    """The rows of each group, whatever its number."""
    found: dict[int, set[int]] = {}
    for row, group in enumerate(groups):
        if group >= 0:
            found.setdefault(group, set()).add(row)
    return {frozenset(rows) for rows in found.values()}
