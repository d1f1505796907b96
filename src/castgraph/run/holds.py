"""Which edges of a run hold: over its clusterings, and against those of other runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.network.holds import Clustering, holds
from castgraph.people.places import read_places
from castgraph.people.record import read_clustering
from castgraph.people.register import faces_of

log = logging.getLogger(__name__)

COLUMNS = ("source", "target", "weight")
"""What of the edges is read."""


def write_holds(path: Path, clusterings: Sequence[str], others: Sequence[str] = ()) -> None:
    """Write how every edge of every clustering of a run fares in the others.

    Parameters
    ----------
    path
        The table to write, ``results/{run}/holds.parquet``; the tables of the run lie beside it.
    clusterings
        Its clusterings.
    others
        Folders of clusterings of other runs, such as ``results/other/linkage-0.52``, by another detector of
        the same broadcasts. Faces are found again by their places.

    Raises
    ------
    ValueError
        When tables do not fit each other, were made by an earlier castgraph, or a run has no face in common
        with one of `others`.
    """
    run = path.parent
    own = [_of_run(run / name) for name in clusterings]
    compared = [_of_other_run(Path(folder), run / "faces.parquet") for folder in others]
    table = holds(own, compared)
    facts = tables.provenance("holds", {"clusterings": list(clusterings), "others": list(others)})
    tables.write(path, table, facts, tables.HOLDS)


def _of_run(folder: Path) -> Clustering:
    ids = tables.read(folder / "people.parquet", tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    person = tables.read_members(folder / "members.parquet", folder.parent / "faces.parquet", ids).person
    settings = tables.read_provenance(folder / "labels.parquet")["settings"]
    return Clustering(
        folder.name, settings, person, ids, tables.read(folder / "edges.parquet", tables.EDGES, COLUMNS)
    )


def _of_other_run(folder: Path, faces: Path) -> Clustering:
    """Read a clustering of another run as one of the faces of this run."""
    found, places = read_clustering(folder / "members.parquet"), read_places(faces)
    row = faces_of(found, places)
    person = np.full(len(places), NOISE, np.int32)
    person[row[row >= 0]] = found.person[row >= 0]
    if len(places) and not (row >= 0).any():
        raise ValueError(f"network.compare: {folder} has no face in a place where {faces} has one")
    log.info("%s: %d of %d faces are of this run, too", folder, (row >= 0).sum(), len(row))
    settings = tables.read_provenance(folder / "labels.parquet")["settings"]
    edges = tables.read(folder / "edges.parquet", tables.EDGES, COLUMNS)
    return Clustering(str(folder), settings, person, found.ids, edges)
