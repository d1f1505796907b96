"""Where the faces of a run are: broadcast, frame and box of each."""

from __future__ import annotations

import os
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.boxes import BOX


@dataclass(frozen=True, eq=False)
class Places:
    """Where faces are.

    Attributes
    ----------
    broadcasts
        IDs of broadcasts, each once, in ascending order.
    broadcast
        Of each face, as an index into `broadcasts`; shape (n_faces,), int32.
    face, frame
        Of each face its number in the broadcast and that of its frame; shape (n_faces,), int32.
    boxes
        Top, right, bottom, left, pixels of the frame; shape (4, n_faces), int32.
    """

    broadcasts: list[str]
    broadcast: NDArray[np.int32]
    face: NDArray[np.int32]
    frame: NDArray[np.int32]
    boxes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.broadcast)

    def row(self, broadcast: str, face: int) -> int:
        """Give the row of a face by its key."""
        number = bisect_left(self.broadcasts, broadcast)
        begin = int(np.searchsorted(self.broadcast, number))
        return begin + int(
            np.searchsorted(self.face[begin : np.searchsorted(self.broadcast, number + 1)], face)
        )


def read_places(faces: str | os.PathLike[str]) -> Places:
    """Read where the faces of a merged face table are, in its order: by broadcast, frame, and from the left.

    Raises
    ------
    TableError
        As `castgraph.base.tables.read`.
    """
    names: list[str] = []
    parts: list[NDArray[np.int32]] = []
    for name, columns in tables.by_broadcast(faces, tables.MERGED_FACES, ["face", "frame", *BOX]):
        parts.append(np.vstack([np.full(len(columns[0]), len(names), np.int32), *columns]))
        names.append(name)
    found = np.hstack(parts) if parts else np.empty((3 + len(BOX), 0), np.int32)
    return Places(names, found[0], found[1], found[2], found[3:])
