"""Which labels, groups of pictures and settings each person is seen with, more than others are."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.odds import log_odds
from castgraph.base.tables import NOISE
from castgraph.visual.groups import LEAST_Z, PRIOR_LABELS
from castgraph.visual.store import leader_of, leaders

LEAST = 2
"""What a person is seen with in fewer pictures is not listed."""

MOST = 20
"""Most of each kind of a person."""

Numbers = NDArray[np.int64]


def seen_with(frames: str | os.PathLike[str], sightings: str | os.PathLike[str]) -> pa.Table:
    """Tell what stands out in the pictures that show each person.

    Parameters
    ----------
    frames
        The frames of the run as wholes.
    sightings
        Who is seen in which frames.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.SEEN_WITH`. Pictures are counted, not frames: what stands still
        counts once.

    See Also
    --------
    castgraph.base.odds.log_odds : How they are weighed.
    """
    columns = ["broadcast", "frame", "alike", "group", "setting", "labels"]
    table = tables.read(frames, tables.VISUAL_FRAMES, columns)
    if not len(table):
        return tables.SEEN_WITH.empty_table()
    codes = table["broadcast"].combine_chunks()
    names, broadcast = codes.dictionary.to_pylist(), codes.indices.to_numpy()
    number, alike = (table[name].to_numpy() for name in ("frame", "alike"))
    leader = leader_of(broadcast, number, alike)
    leading = pa.array(leaders(number, alike))
    mentions = {
        kind: [[] if each == NOISE else [str(each)] for each in table[kind].take(leading).to_pylist()]
        for kind in ("group", "setting")
    }
    mentions["label"] = [each or [] for each in table["labels"].take(leading).to_pylist()]
    people = pictures_with(sightings, names, broadcast, number, leader)
    rows = [
        {"person_id": person, "kind": kind, **row}
        for person, pictures in sorted(people.items())
        for kind in sorted(mentions)
        for row in _standing_out(mentions[kind], pictures)
    ]
    return pa.Table.from_pylist(rows, tables.SEEN_WITH)


def pictures_with(
    sightings: str | os.PathLike[str],
    names: list[str],
    broadcast: NDArray[np.integer],
    frame: NDArray[np.integer],
    leader: Numbers,
) -> dict[str, Numbers]:
    """Give the pictures that show each person, each once.

    Parameters
    ----------
    sightings
        Who is seen in which frames.
    names
        IDs of broadcasts.
    broadcast, frame
        Of rows in ascending order; the broadcast as an index into `names`. Shape (n,).
    leader
        Of each row its picture, see `castgraph.visual.store.leader_of`; shape (n,).
    """
    place = {name: n for n, name in enumerate(names)}
    keys = np.asarray(broadcast, np.int64) << 32 | frame
    found: dict[str, list[Numbers]] = {}
    for batch in tables.batches(sightings, tables.SIGHTINGS, ["person_id", "broadcast", "frame"]):
        known = np.array([place.get(name, -1) for name in batch["broadcast"].to_pylist()], np.int64)
        key = known << 32 | batch["frame"].to_numpy()
        row = np.searchsorted(keys, key).clip(max=len(keys) - 1)
        is_there = (known >= 0) & (keys[row] == key)
        people = np.array(batch["person_id"].to_pylist(), object)
        for person in sorted(set(people[is_there].tolist())):
            found.setdefault(person, []).append(leader[row[is_there & (people == person)]])
    return {person: np.unique(np.concatenate(parts)) for person, parts in found.items()}


def _standing_out(mentions: list[list[str]], pictures: Numbers) -> list[dict[str, object]]:
    names = sorted({name for each in mentions for name in each})
    place = {name: n for n, name in enumerate(names)}
    total = np.bincount([place[name] for each in mentions for name in each], minlength=len(names))
    mine = [place[name] for row in pictures.tolist() for name in mentions[row]]
    here = np.bincount(np.array(mine, np.int64), minlength=len(names))
    rest = total - here
    said = np.flatnonzero(here >= LEAST)
    if not len(said):
        return []
    odds = log_odds(here[said], rest[said], int(here.sum()), int(rest.sum()), PRIOR_LABELS)
    order = [n for n in np.argsort(-odds.z, kind="stable").tolist() if odds.z[n] >= LEAST_Z][:MOST]
    return [
        {
            "name": names[said[n]],
            "n": int(here[said[n]]),
            "n_rest": int(rest[said[n]]),
            "n_pictures": len(pictures),
            "log_odds": float(odds.log_odds[n]),
            "z": float(odds.z[n]),
        }
        for n in order
    ]
