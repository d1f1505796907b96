"""From labels to people: who each face is, the people, and what became of those who were known."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.tables import NOISE, WHY
from castgraph.faces.forgotten import FORGOTTEN
from castgraph.faces.times import face_times
from castgraph.people import gallery, register
from castgraph.people.centre import Middles, middles
from castgraph.people.corrections import Applied, apply, read_corrections
from castgraph.people.identify import identify, sentences
from castgraph.people.places import Places, read_places
from castgraph.people.table import COLUMNS, Called, people_table

log = logging.getLogger(__name__)


class Written(NamedTuple):
    """Where the tables of a clustering go."""

    members: Path
    people: Path
    changes: Path


class Given(NamedTuple):
    """What the people of a clustering are made of.

    Attributes
    ----------
    faces, frames
        The merged tables of the run, embeddings beside them.
    labels
        What the algorithm said.
    corrections
        What was decided; None for nothing.
    gallery
        The encoded gallery, `castgraph.base.tables.GALLERY`; None for none.
    follow
        The members of another clustering, its faces in the folder above; None for none.
    """

    faces: Path
    frames: Path
    labels: Path
    corrections: Path | None = None
    gallery: Path | None = None
    follow: Path | None = None


class StrictError(ValueError):
    """Corrections that do not apply, or contradict each other; the message lists them."""


def write_people(
    written: Written,
    given: Given,
    known: Path,
    *,
    frame_seconds: float,
    max_distance: float = 0.45,
    margin: float = 0.05,
    strict: bool = False,
) -> None:
    """Write who each face is, the people, and what became of those who were known.

    Parameters
    ----------
    written
        The tables to write.
    given
        What they are made of.
    known
        The register of the clustering. Where there is none, `Given.follow` tells who was known, else the
        register of another clustering of the run that was written last.
    frame_seconds
        Seconds between two frames.
    max_distance, margin
        See `castgraph.people.gallery.match`.
    strict
        Whether a correction that cannot be applied is an error.

    Raises
    ------
    StrictError
        When `strict` and a correction cannot be applied, or there is a question to be answered.
    castgraph.people.corrections.CorrectionsError
        When the corrections cannot be read.
    TableError
        When tables do not fit each other, or were made by an earlier castgraph.
    """
    places = read_places(given.faces)
    said = tables.read_labels(given.labels, given.faces)
    decided = _decided(given, places, said)
    problems = [problem.sentence for problem in decided.problems]
    if strict and problems:
        raise StrictError("\n".join(problems))

    digest = _digest(given, said)
    before = _known(known, given.follow, digest)
    no_trace = np.isin(decided.why, (WHY.index("ignored"), WHY.index("forgotten")))
    if before is not None and no_trace.any():
        before = register.without(before, places, no_trace)
    found = identify(places, decided.groups, before)
    why = decided.why.copy()
    why[found.person != NOISE] = 0
    members = tables.Members(found.person, why, found.ids)
    middle = middles(tables.open_embeddings(given.faces), members.person)
    called = _called(decided, members, places)
    if given.gallery is not None:
        named, conflicts = _from_gallery(given.gallery, members, middle, called, max_distance, margin)
        called |= named
        problems += conflicts

    settings = {"frame_seconds": frame_seconds, "max_distance": max_distance, "margin": margin}
    statuses = tables.read(given.frames, tables.MERGED_FRAMES, ["status"])["status"]
    people = people_table(
        tables.read(given.faces, tables.MERGED_FACES, COLUMNS),
        middle,
        members,
        face_times(given.faces, given.frames),
        frame_seconds=frame_seconds,
        n_frames=pc.sum(pc.equal(statuses, "ok")).as_py() or 0,
        called=called,
    )
    for sentence in sentences(found.changes, {name: told.name for name, told in called.items() if told.name}):
        log.info(sentence)
    for problem in problems:
        log.warning(problem)
    counts = np.bincount(why, minlength=len(WHY)).tolist()
    facts = tables.provenance(
        "identify",
        settings,
        n_people=people.num_rows,
        **{f"n_{name}": n for name, n in zip(WHY[1:], counts[1:], strict=True)},
        problems=problems,
        different=[_keys(pair, places) for pair in decided.different],
        same=[_keys(pair, places) for pair in decided.same],
    )
    # The register first: without it a job that is done once more could not know what was known before.
    register.save(known, found.register, before, digest)
    tables.write_members(
        written.members, given.faces, members, facts, distances=middle.distances, outlier=middle.outlier
    )
    tables.write(written.people, people, facts, tables.PEOPLE)
    tables.write(written.changes, found.changes, facts, tables.PEOPLE_CHANGES)


def _decided(given: Given, places: Places, said: NDArray[np.int32]) -> Applied:
    """Apply the corrections to what the algorithm said."""
    decisions = [] if given.corrections is None else read_corrections(given.corrections)
    return apply(decisions, places, said, reasons(given.faces, said))


def reasons(faces: Path, said: NDArray[np.int32]) -> NDArray[np.int8]:
    """Tell why faces have no person before anything is decided.

    Parameters
    ----------
    faces
        The merged face table.
    said
        What the algorithm said; shape (n_faces,).

    Returns
    -------
    ndarray of shape (n_faces,), int8
        Indices into `castgraph.base.tables.WHY`.
    """
    set_aside = tables.read(faces, tables.MERGED_FACES, ["set_aside"])["set_aside"]
    counts, forgotten = (pc.equal(set_aside, word).to_numpy() for word in ("", FORGOTTEN))
    words = [said != NOISE, counts, forgotten]
    return np.select(words, [0, WHY.index("noise"), WHY.index("forgotten")], WHY.index("set_aside")).astype(
        np.int8
    )


def _called(decided: Applied, members: tables.Members, places: Places) -> dict[str, Called]:
    """Tell what was decided of each person: the name, and the face that is the portrait."""
    told = set(decided.names) | set(decided.portraits)
    rows = np.flatnonzero(np.isin(decided.groups, list(told)))
    groups, first = np.unique(decided.groups[rows], return_index=True)
    called = {}
    for group, row in zip(groups.tolist(), rows[first].tolist(), strict=True):
        name, _ = decided.names.get(group, ("", ""))
        person = members.ids[members.person[row]]
        called[person] = Called(name, "correction" if name else "", best=decided.portraits.get(group))
    return called


def _from_gallery(
    path: Path,
    members: tables.Members,
    middle: Middles,
    called: Mapping[str, Called],
    max_distance: float,
    margin: float,
) -> tuple[dict[str, Called], list[str]]:
    """Name those who look like somebody in the gallery and have no name by a correction."""
    centres = {
        members.ids[person]: median
        for person, median in middle.medians.items()
        if not called.get(members.ids[person], Called()).name
    }
    matches, conflicts = gallery.match(
        centres, tables.read(path, tables.GALLERY), max_distance=max_distance, margin=margin
    )
    named = {
        person: called.get(person, Called())._replace(
            name=found.name, name_from="gallery", gallery_distance=found.distance
        )
        for person, found in matches.items()
    }
    return named, conflicts


def _keys(pair: tuple[int, int], places: Places) -> list[str | int]:
    """Give the keys of two faces."""
    return [key for row in pair for key in (places.broadcasts[places.broadcast[row]], int(places.face[row]))]


def read_clustering(members: Path) -> register.Register:
    """Read the people of a clustering as a register.

    Parameters
    ----------
    members
        Its table; the people lie beside it, the faces of its run in the folder above.
    """
    faces = members.parent.parent / "faces.parquet"
    places = read_places(faces)
    people = tables.read(members.with_name("people.parquet"), tables.PEOPLE, ["person_id"])
    found = tables.read_members(members, faces, people["person_id"].to_pylist())
    return register.register_of(places, found.person, found.ids)


def _known(own: Path, follow: Path | None, digest: str) -> register.Register | None:
    """Find who was known before: by the register of the clustering, else by what it follows."""
    if own.exists():
        return register.before(own, digest)
    if follow is not None:
        return read_clustering(follow)
    others = sorted(
        (path for path in own.parent.glob("*.parquet") if not path.name.endswith(register.FORMER)),
        key=lambda path: (path.stat().st_mtime_ns, path.name),
    )
    return register.read(others[-1]) if others else None


def _digest(given: Given, said: NDArray[np.int32]) -> str:
    """Digest all that the people are made of."""
    whole = hashlib.blake2b(said.tobytes(), digest_size=16)
    whole.update(str(tables.read_provenance(given.faces).get("digest")).encode())
    for path in (given.corrections, given.gallery, given.follow):
        whole.update(b"" if path is None else path.read_bytes())
        whole.update(b"\0")
    return whole.hexdigest()
