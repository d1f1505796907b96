"""Forgetting people: of their faces nothing is kept by which they could be known again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.faces.forgotten import SCHEMA, among, forget_in_file, is_forgotten, remember_to_forget
from castgraph.people import who
from castgraph.people.corrections import find_faces, read_anchor
from castgraph.people.corrections.editing import change, without_decision
from castgraph.people.corrections.reading import decisions
from castgraph.people.places import Places, read_places
from castgraph.run import ledger, reviewed
from castgraph.run.corrections import called, clustering_of, people_of
from castgraph.run.shown import home_of
from castgraph.run.turn import take_turn

OF_CLUSTERING = (
    *("portraits", "contact_sheets", "network.png", "network.svg", "DATABASE.json", "explorer"),
    *("labelling.html", "labelling"),
    "accuracy-*/sheet.html",
)
"""What a clustering has that shows faces, or has embeddings."""

OF_RUN = (
    *("report.html", "gallery.parquet"),
    *("visual/map.html", "visual/map", "visual/map_*_pictures.png", "visual/sheets"),
)
"""What a run has that shows faces, or has embeddings of pictures."""


class Chosen(NamedTuple):
    """Who is to be forgotten.

    Attributes
    ----------
    told
        What to call them.
    names
        The names that they have.
    faces
        Where their faces are, of the schema `castgraph.faces.forgotten.SCHEMA`.
    """

    told: list[str]
    names: list[str]
    faces: pa.Table


class Forgotten(NamedTuple):
    """What was done.

    Attributes
    ----------
    n_encoded
        How many faces of the encodings were forgotten; a face of two detectors counts twice.
    runs
        How many faces of each run were.
    deleted
        What was deleted: pictures of people, which the next run makes again without them.
    taken
        The text of the corrections that were about their faces, and were taken out.
    not_reached
        Tables that could not be changed, and why.
    """

    n_encoded: int
    runs: dict[Path, int]
    deleted: list[Path]
    taken: list[str]
    not_reached: list[str]


def choose(run: Path, clustering: str, texts: Sequence[str]) -> Chosen:
    """Choose people of a run.

    Parameters
    ----------
    run, clustering
        The results of the run, and the clustering as for `castgraph.run.corrections.clustering_of`.
    texts
        IDs, names or ``BROADCAST#FRAME@X,Y``; none for everybody without a name, and faces of nobody with
        them.

    Raises
    ------
    FileNotFoundError, ValueError
        When there is no such run or person.
    """
    people = people_of(run, clustering)
    faces = run / "faces.parquet"
    places = read_places(faces)
    ids = people["person_id"].to_pylist()
    members = tables.read_members(run / clustering_of(run, clustering) / "members.parquet", faces, ids)
    if not texts:
        named = np.flatnonzero(pc.not_equal(people["name_from"], "").to_numpy())
        rows = np.flatnonzero(~np.isin(members.person, named))
        return Chosen(["everybody without a name, and the faces of nobody"], [], _table(places, rows))
    told, names, found = [], [], []
    for text in texts:
        anchor = read_anchor(text)
        if anchor is None:
            person = who.find_person(people, text)
        else:
            [row] = find_faces([anchor], places)
            if row < 0:
                raise ValueError(f"there is no face at {anchor}")
            if members.person[row] < 0:
                told.append(f"the face at {anchor}, which is nobody's")
                found.append(np.array([row]))
                continue
            person = who.find_person(people, ids[members.person[row]])
        told.append(called(person))
        names += [person["name"]] * bool(person["name_from"])
        found.append(np.flatnonzero(members.person == ids.index(person["person_id"])))
    return Chosen(told, names, _table(places, np.unique(np.concatenate(found))))


def forget(run: Path, chosen: Chosen, corrections: Path | None = None) -> Forgotten:
    """Forget people, in every run beside this one and in the encodings that they share.

    Their faces stay rows, and so they stay counted; the embeddings are zeros, and what shows faces is
    deleted. What is decided is kept in the ledger, so that a broadcast that is encoded again does not have
    them again. To do it once more is to do nothing.

    Parameters
    ----------
    run
        The results of a run.
    chosen
        Whom.
    corrections
        The file of corrections; what it says of their faces is taken out.

    Raises
    ------
    BlockingIOError
        When a run is at work there.
    castgraph.people.corrections.CorrectionsError, castgraph.people.corrections.editing.EditError
        When the corrections can only be changed by hand; then nothing is done.
    OSError
        When a file cannot be written.
    """
    results = Path(os.path.abspath(run)).parent  # noqa: PTH100 (it may be a link)
    turn = take_turn(run, "", home_of(run))
    try:
        taken = [] if corrections is None else _without(corrections, run, chosen.faces)
        remember_to_forget(results / ledger.FOLDER / ledger.FORGOTTEN, chosen.faces)
        n_encoded, not_reached = 0, []
        for path in _encoded(results, chosen.faces):
            try:
                n_encoded += forget_in_file(path, chosen.faces)
            except tables.TableError as error:
                not_reached.append(str(error))
        runs, deleted = {}, []
        for faces in sorted(results.glob("*/faces.parquet")):
            try:
                places = read_places(faces)
                wanted = _rows(places, chosen.faces)
                reviewed.drop(faces.parent, places, wanted.tolist())  # names that were replaced are in it
                gone = wanted[~is_forgotten(tables.open_embeddings(faces)[wanted])]
            except ValueError as error:
                not_reached.append(str(error))
                continue
            if len(gone):
                runs[faces.parent] = len(gone)
                # The embeddings last: where nothing is left of them, nothing is left to be done.
                deleted += _delete_pictures(faces.parent)
                embeddings = np.lib.format.open_memmap(faces.with_name(tables.EMBEDDINGS), mode="r+")
                embeddings[gone] = 0
                embeddings.flush()
    finally:
        turn.release()
    return Forgotten(n_encoded, runs, deleted, taken, not_reached)


def _table(places: Places, rows: NDArray[np.int64]) -> pa.Table:
    broadcast = pa.DictionaryArray.from_arrays(
        places.broadcast[rows], pa.array(places.broadcasts, pa.string())
    )
    columns = [broadcast, pa.array(places.frame[rows]), *map(pa.array, places.boxes[:, rows])]
    return pa.table(columns, schema=SCHEMA)


def _encoded(results: Path, faces: pa.Table) -> Iterator[Path]:
    """Find the face tables of the broadcasts, whichever encoder made them."""
    for broadcast in sorted(faces["broadcast"].unique().to_pylist()):
        yield from sorted((results / "faces").glob(f"*/*/{broadcast}.parquet"))


def _rows(places: Places, wanted: pa.Table) -> NDArray[np.int64]:
    """Find the faces that are wanted among those of a run."""
    names, found = wanted["broadcast"].cast(pa.string()), [np.empty(0, np.int64)]
    for number, name in enumerate(places.broadcasts):
        part = wanted.filter(pc.equal(names, name))
        begin, end = np.searchsorted(places.broadcast, [number, number + 1])
        if len(part):
            found.append(
                begin + np.flatnonzero(among(places.frame[begin:end], places.boxes[:, begin:end], part))
            )
    return np.concatenate(found)


def _delete_pictures(run: Path) -> list[Path]:
    patterns = [*OF_RUN, *(f"*/{name}" for name in OF_CLUSTERING)]
    found = [path for pattern in patterns for path in sorted(run.glob(pattern))]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return found


def _without(path: Path, run: Path, faces: pa.Table) -> list[str]:
    """Take what is said of faces out of a file of corrections; the texts that were taken out."""
    taken: list[str] = []
    if not path.is_file():
        return taken
    places = read_places(run / "faces.parquet")
    gone = set(_rows(places, faces).tolist())

    def make(text: str) -> str:
        said = decisions(path, text)
        of = [find_faces(each.anchors, places).tolist() for each in said]
        for number in reversed(range(len(said))):
            if gone & set(of[number]):
                text, block = without_decision(str(path), text, number)
                taken.append(block)
        return text

    change(path, make)
    return taken[::-1]
