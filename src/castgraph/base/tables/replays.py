"""Which frames were on air before, and what is left without them."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables.labels import NOISE
from castgraph.base.tables.members import Members
from castgraph.base.tables.parquet import by_broadcast, read
from castgraph.base.tables.registry import MERGED_FACES, REPLAYS

Replayed = Mapping[str, NDArray[np.int32]]
"""Broadcast → first and last frames of the stretches that were on air before, shape (n, 2)."""


def read_replayed(replays: str | os.PathLike[str]) -> Replayed:
    """Read which stretches were on air before.

    Raises
    ------
    TableError
        When an earlier castgraph made the table.
    """
    table = read(replays, REPLAYS, ["broadcast", "first_frame", "last_frame"])
    found: dict[str, list[list[int]]] = {}
    for row in table.to_pylist():
        found.setdefault(row["broadcast"], []).append([row["first_frame"], row["last_frame"]])
    return {name: np.array(stretches, np.int32) for name, stretches in found.items()}


def is_replayed(replayed: Replayed, broadcast: str, frames: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which frames of a broadcast were on air before; both of shape (n,).

    Examples
    --------
    >>> replayed = {"NTV_20240102_190000": np.array([[3, 5]], np.int32)}
    >>> is_replayed(replayed, "NTV_20240102_190000", np.array([2, 3, 4, 6], np.int32)).tolist()
    [False, True, True, False]
    """
    found = np.zeros(len(frames), bool)
    for first, last in replayed.get(broadcast, ()):
        found |= (first <= frames) & (frames <= last)
    return found


def without_replays(
    members: Members, faces: str | os.PathLike[str], replayed: Replayed
) -> tuple[Members, int]:
    """Give the faces nobody that are in frames which were on air before.

    Parameters
    ----------
    members
        Who each face is.
    faces
        The merged face table.
    replayed
        What `read_replayed` gave.

    Returns
    -------
    members : Members
    n_replayed : int
        How many faces of people are left out.
    """
    parts = [
        is_replayed(replayed, name, frames) for name, [frames] in by_broadcast(faces, MERGED_FACES, ["frame"])
    ]
    again = np.concatenate([np.zeros(0, bool), *parts])
    n_replayed = int((again & (members.person != NOISE)).sum())
    return members._replace(person=np.where(again, NOISE, members.person).astype(np.int32)), n_replayed
