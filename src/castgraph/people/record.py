"""From labels to people: who each face is, the people, and what became of those who were known."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.tables import NOISE, WHY
from castgraph.faces.times import face_times
from castgraph.people import register
from castgraph.people.identify import identify, sentences
from castgraph.people.places import Places, read_places
from castgraph.people.table import COLUMNS, people_table

log = logging.getLogger(__name__)


class Written(NamedTuple):
    """Where the tables of a clustering go."""

    members: Path
    people: Path
    changes: Path


def write_people(
    written: Written,
    faces: Path,
    frames: Path,
    labels: Path,
    known: Path,
    follow: Path | None,
    *,
    frame_seconds: float,
) -> None:
    """Write who each face is, the people, and what became of those who were known.

    Parameters
    ----------
    written
        The tables to write.
    faces, frames
        The merged tables of the run, embeddings beside them.
    labels
        What the algorithm said.
    known
        The register of the clustering. Where there is none, `follow` tells who was known, else the register
        of another clustering of the run that was written last.
    follow
        The members of another clustering, its faces in the folder above.
    frame_seconds
        Seconds between two frames.

    Raises
    ------
    TableError
        When tables do not fit each other, or were made by an earlier castgraph.
    """
    places = read_places(faces)
    said = tables.read_labels(labels, faces)
    digest = _digest(said, faces, [] if follow is None else [follow])
    before = _known(known, follow, digest)
    found = identify(places, said, before)
    for sentence in sentences(found.changes):
        log.info(sentence)
    set_aside = tables.read(faces, tables.MERGED_FACES, ["set_aside"])["set_aside"]
    why = np.where(pc.equal(set_aside, "").to_numpy(), WHY.index("noise"), WHY.index("set_aside"))
    why[found.person != NOISE] = 0
    members = tables.Members(found.person, why.astype(np.int8), found.ids)
    settings = {"frame_seconds": frame_seconds}
    statuses = tables.read(frames, tables.MERGED_FRAMES, ["status"])["status"]
    people = people_table(
        tables.read(faces, tables.MERGED_FACES, COLUMNS),
        tables.open_embeddings(faces),
        members,
        face_times(faces, frames),
        frame_seconds=frame_seconds,
        n_frames=pc.sum(pc.equal(statuses, "ok")).as_py() or 0,
    )
    counts = np.bincount(why, minlength=len(WHY)).tolist()
    facts = tables.provenance(
        "identify",
        settings,
        n_people=people.num_rows,
        **{f"n_{name}": n for name, n in zip(WHY[1:], counts[1:], strict=True)},
    )
    # The register first: without it a job that is done once more could not know what was known before.
    register.save(known, found.register, before, digest)
    tables.write_members(written.members, faces, members, facts)
    tables.write(written.people, people, facts, tables.PEOPLE)
    tables.write(written.changes, found.changes, facts, tables.PEOPLE_CHANGES)


def register_of(members: Path) -> register.Register:
    """Make a register of the people of a clustering.

    Parameters
    ----------
    members
        Its table; the people lie beside it, the faces of its run in the folder above.
    """
    faces = members.parent.parent / "faces.parquet"
    places = read_places(faces)
    people = tables.read(members.with_name("people.parquet"), tables.PEOPLE, ["person_id"])
    found = tables.read_members(members, faces, people["person_id"].to_pylist())
    return _register(places, found)


def _register(places: Places, members: tables.Members) -> register.Register:
    now = np.flatnonzero(members.person != NOISE)
    return register.Register(
        list(members.ids),
        np.ones(len(members.ids), bool),
        members.person[now],
        places.broadcasts,
        places.broadcast[now],
        places.frame[now],
        places.boxes[:, now],
    )


def _known(own: Path, follow: Path | None, digest: str) -> register.Register | None:
    """Find who was known before: by the register of the clustering, else by what it follows."""
    if own.exists():
        return register.before(own, digest)
    if follow is not None:
        return register_of(follow)
    others = sorted(
        (path for path in own.parent.glob("*.parquet") if not path.name.endswith(register.FORMER)),
        key=lambda path: (path.stat().st_mtime_ns, path.name),
    )
    return register.read(others[-1]) if others else None


def _digest(said: NDArray[np.int32], faces: Path, others: Iterable[Path]) -> str:
    """Digest all that the people are made of."""
    whole = hashlib.blake2b(said.tobytes(), digest_size=16)
    whole.update(str(tables.read_provenance(faces).get("digest")).encode())
    for path in others:
        whole.update(path.read_bytes())
    return whole.hexdigest()
