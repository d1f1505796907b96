"""The register: which faces each person had, so that a person keeps the ID.

It lies in the ledger, as what a run remembers, and no result is read from it: without it people get new IDs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.boxes import BOX, found_again
from castgraph.base.locks import locked
from castgraph.people.places import Places

log = logging.getLogger(__name__)

FORMER = ".before.parquet"
"""What the name of the register before ends with."""

_TEXTS = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("person_id", _TEXTS),
        ("now", pa.bool_()),
        ("broadcast", _TEXTS),
        ("frame", pa.int32()),
        *((side, pa.int32()) for side in BOX),
    ]
)


@dataclass(frozen=True, eq=False)
class Register:
    """The people that are known, and where their faces are.

    Attributes
    ----------
    ids
        Everybody who was ever known.
    now
        Who of them is somebody; the others were merged into one, or have no face left. Shape (n_ids,), bool.
        A face is of one of those that are, at most, and may be of some that were.
    person
        Of each entry, as an index into `ids`; shape (n,), int32.
    broadcasts
        IDs of broadcasts, each once.
    broadcast
        Of each entry, as an index into `broadcasts`; shape (n,), int32.
    frame
        Shape (n,), int32.
    boxes
        Top, right, bottom, left; shape (4, n), int32.
    """

    ids: list[str]
    now: NDArray[np.bool_]
    person: NDArray[np.int32]
    broadcasts: list[str]
    broadcast: NDArray[np.int32]
    frame: NDArray[np.int32]
    boxes: NDArray[np.int32]


def register_of(places: Places, person: NDArray[np.int32], ids: Sequence[str]) -> Register:
    """Make a register of people and their faces.

    Parameters
    ----------
    places
        Where the faces are.
    person
        Of each face its person, as an index into `ids`; `castgraph.base.tables.NOISE` for none. Shape
        (n_faces,).
    ids
        The people.
    """
    rows = np.flatnonzero(person != tables.NOISE)
    return Register(
        list(ids),
        np.ones(len(ids), bool),
        person[rows],
        places.broadcasts,
        places.broadcast[rows],
        places.frame[rows],
        places.boxes[:, rows],
    )


def faces_of(register: Register, places: Places) -> NDArray[np.int64]:
    """Find the faces of a register again, whichever detector found them.

    Parameters
    ----------
    register
        What is known.
    places
        Where the faces are now.

    Returns
    -------
    ndarray of int64, shape (n_entries,)
        The face of each entry, as `castgraph.base.boxes.found_again` finds it; -1 where there is none.
    """
    number = {name: place for place, name in enumerate(places.broadcasts)}
    here = np.array([number.get(name, -1) for name in register.broadcasts], np.int64)
    broadcast = here[register.broadcast] if len(register.broadcasts) else np.empty(0, np.int64)
    frames = (places.broadcast.astype(np.int64) << 32) + places.frame
    wanted = (broadcast << 32) + register.frame
    return found_again(frames, places.boxes, wanted, register.boxes)  # of no broadcast here: below all frames


def read(path: Path) -> Register | None:
    """Read a register; None where there is none, or what is there is none."""
    try:
        table = tables.read(path, SCHEMA)
    except FileNotFoundError:
        return None
    except (OSError, tables.TableError) as error:
        log.warning("%s cannot be read, so people may get new IDs: %s", path, error)
        return None
    ids, person = _codes(table["person_id"])
    broadcasts, broadcast = _codes(table["broadcast"])
    now = np.zeros(len(ids), bool)
    now[person[table["now"].to_numpy()]] = True
    boxes = np.stack([table[side].to_numpy() for side in BOX])
    return Register(ids, now, person, broadcasts, broadcast, table["frame"].to_numpy(), boxes)


def before(path: Path, digest: str) -> Register | None:
    """Read what was known before a clustering was looked at.

    A job that was killed, or is done once more, finds in the register what it wrote itself; so what was known
    before is kept beside it.

    Parameters
    ----------
    path
        The register of the clustering.
    digest
        Of all that the people of now are made of.
    """
    return read(_former(path) if _digest(path) in (None, digest) else path)


def without(register: Register, places: Places, left_out: NDArray[np.bool_]) -> Register:
    """Leave out of a register who is to leave no trace: who has most faces among some of now.

    Parameters
    ----------
    register
        What is known.
    places
        Where the faces are now.
    left_out
        Which of them are left out; shape (n_faces,), bool.
    """
    face = faces_of(register, places)
    hit = (face >= 0) & left_out[face]
    hits = np.bincount(register.person, hit, minlength=len(register.ids))
    found = np.bincount(register.person, face >= 0, minlength=len(register.ids))
    kept = ~hit & ~(2 * hits > found)[register.person]
    here = np.unique(register.person[kept])
    number = np.zeros(len(register.ids), np.int32)
    number[here] = np.arange(len(here))
    return Register(
        [register.ids[each] for each in here.tolist()],
        register.now[here],
        number[register.person[kept]],
        register.broadcasts,
        register.broadcast[kept],
        register.frame[kept],
        register.boxes[:, kept],
    )


def save(path: Path, register: Register, known: Register | None, digest: str) -> None:
    """Write a register, atomically, and beside it what was known before, so that `before` finds it.

    Parameters
    ----------
    path
        The register of the clustering.
    register
        What is known now.
    known
        What was known before; None for nothing.
    digest
        Of all that the people of now are made of.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    with locked(path.with_suffix(".lock")):
        if known is None:
            _former(path).unlink(missing_ok=True)
        else:
            _write(_former(path), known, "")
        _write(path, register, digest)


def _write(path: Path, register: Register, digest: str) -> None:
    order = np.lexsort((register.boxes[3], register.frame, register.broadcast, register.person))
    columns = [
        pa.DictionaryArray.from_arrays(register.person[order], pa.array(register.ids, pa.string())),
        pa.array(register.now[register.person[order]]),
        pa.DictionaryArray.from_arrays(register.broadcast[order], pa.array(register.broadcasts, pa.string())),
        pa.array(register.frame[order]),
        *(pa.array(side[order]) for side in register.boxes),
    ]
    facts = tables.provenance("register", {}, digest=digest)
    tables.write(path, pa.table(columns, schema=SCHEMA), facts, SCHEMA)


def _former(path: Path) -> Path:
    return path.with_suffix(FORMER)


def _digest(path: Path) -> str | None:
    """Tell of what the people of a register are made; None where it cannot be read."""
    try:
        return tables.read_provenance(path).get("digest")
    except (OSError, ValueError):
        return None


def _codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    if not len(column):
        return [], np.empty(0, np.int32)
    whole = column.unify_dictionaries().combine_chunks()
    return whole.dictionary.to_pylist(), whole.indices.to_numpy()
