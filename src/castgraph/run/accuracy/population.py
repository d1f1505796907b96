"""What a sample of a run is drawn from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.boxes import BOX
from castgraph.people.table import broadcast_codes

_COUNT = (tables.WHY.index(""), tables.WHY.index("noise"))
_BLOCK = 65_536  # faces that are summed up at a time

Rows = NDArray[np.int64]


class Face(NamedTuple):
    """A face of the run, and where it is; the box in pixels of the frame: top, right, bottom, left."""

    broadcast: str
    frame: int
    face: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Population:
    """The frames, faces, people and pairs of a run as one clustering has them.

    Attributes
    ----------
    run, clustering
        Its names.
    digest
        Of the members, and so of the faces that they belong to.
    faces
        The merged face table, some columns.
    labels
        The person of each face, as a row of `people`; shape (n_faces,).
    counts
        Which faces are of somebody or of nobody: no quality filter has set them aside, and no correction has
        left them out; shape (n_faces,).
    embeddings
        Of each face; shape (n_faces, d).
    frames
        The frames that were read: broadcast and frame.
    people
        The people.
    best
        The row of the best face of each; shape (n_people,).
    edges
        All pairs of people, each person as a row of `people`; `NOISE` for one who is not there.
    n_unread
        Frames that could not be read; they cannot be drawn.
    """

    run: str
    clustering: str
    digest: str
    faces: pa.Table
    labels: NDArray[np.int32]
    counts: NDArray[np.bool_]
    embeddings: NDArray[np.float32]
    frames: pa.Table
    people: pa.Table
    best: Rows
    edges: pa.Table
    n_unread: int

    @cached_property
    def broadcasts(self) -> tuple[NDArray[np.int32], list[str]]:
        """The broadcast of each face, as a place in a sorted list of IDs, and that list."""
        codes, names = broadcast_codes(self.faces)
        order = np.argsort(names)
        rank = np.empty(len(names), np.int32)
        rank[order] = np.arange(len(names))
        return rank[codes] if names else codes, [names[place] for place in order]

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of the face table that are numbers."""
        return {name: self.faces[name].to_numpy() for name in ("frame", "face", *BOX)}

    @cached_property
    def keys(self) -> Rows:
        """The frame of each face as one number, which is one less for the frame before; shape (n_faces,)."""
        keys: Rows = self.broadcasts[0].astype(np.int64) << 32 | self.columns["frame"]
        return keys

    @cached_property
    def names(self) -> list[str]:
        """What each person is called."""
        names: list[str] = self.people["name"].to_pylist()
        return names

    @cached_property
    def sizes(self) -> Rows:
        """How many faces each person has; shape (n_people,)."""
        sizes: Rows = np.bincount(self.labels[self.labels >= 0], minlength=len(self.people))
        return sizes

    @cached_property
    def _by_person(self) -> tuple[Rows, Rows]:
        order = np.argsort(self.labels, kind="stable")
        return order, np.searchsorted(self.labels, np.arange(len(self.people) + 1), sorter=order)

    def rows_of(self, person: int) -> Rows:
        """Give the rows of a person's faces, in ascending order."""
        order, starts = self._by_person
        rows: Rows = order[starts[person] : starts[person + 1]]
        return rows

    @cached_property
    def middles(self) -> NDArray[np.float64]:
        """The mean embedding of each person; shape (n_people, d)."""
        sums = np.zeros((len(self.people), self.embeddings.shape[1]))
        for begin in range(0, len(self.labels), _BLOCK):
            labels = self.labels[begin : begin + _BLOCK]
            order = np.argsort(labels, kind="stable")
            order = order[np.searchsorted(labels, 0, sorter=order) :]
            if len(order):
                people, starts = np.unique(labels[order], return_index=True)
                block = np.asarray(self.embeddings[begin : begin + _BLOCK], np.float64)
                sums[people] += np.add.reduceat(block[order], starts)
        return sums / np.maximum(self.sizes, 1)[:, None]

    def nearest(self, points: NDArray[np.floating[Any]], many: int) -> NDArray[np.int64]:
        """Find the people whose middles are nearest to points.

        Parameters
        ----------
        points
            Shape (n, d).
        many
            How many people, at most all.

        Returns
        -------
        ndarray of int64, shape (n, many)
            The nearest first.
        """
        middles = self.middles
        squares = (middles**2).sum(axis=1)
        # A point at a time: so many are never asked for that a row of all people would not fit.
        found = [np.argsort(squares - 2 * (middles @ point), kind="stable")[:many] for point in points]
        return np.array(found, np.int64).reshape(len(points), min(many, len(middles)))

    def face(self, row: int) -> Face:
        """Describe the face in a row of the face table."""
        codes, names = self.broadcasts
        top, right, bottom, left = (int(self.columns[side][row]) for side in BOX)
        place = int(self.columns["frame"][row]), int(self.columns["face"][row])
        return Face(names[codes[row]], *place, (top, right, bottom, left))


def main_clustering(run: Path) -> str:
    """Tell the clustering to look at: the recommended one, else the first of the run.

    Raises
    ------
    FileNotFoundError, ValueError
        When the run is not finished, or is none; the message names the file.
    """
    path = run / "summary.json"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}; the run is not finished, or its results are elsewhere")
    recommended = tables.read_provenance(run / "sweep.parquet").get("recommended")
    if recommended is None:
        try:
            names = list(json.loads(path.read_text(encoding="utf-8"))["clusterings"])
            recommended = names[0]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ValueError(f"{path} is not a summary of castgraph ({error!r})") from error
    return str(recommended)


def digest_of(members: Path) -> str:
    """Give the digest of a table of members: of what it says and of the faces that it belongs to."""
    facts = json.dumps(tables.read_provenance(members).get("digest"))
    digest = hashlib.blake2b(facts.encode(), digest_size=16)
    for batch in tables.batches(members, tables.MEMBERS, ["person_id"]):
        digest.update("\n".join(name or "" for name in batch["person_id"].to_pylist()).encode())
    return digest.hexdigest()


def read_population(run: Path, clustering: str) -> Population:
    """Read what there is to draw from.

    Parameters
    ----------
    run
        The results of a finished run, for example ``results/demo``.
    clustering
        One of its clusterings.

    Raises
    ------
    FileNotFoundError
        When a table is not there; the message names it.
    ValueError
        When a table is not what it should be, or is not of the same clustering as the others.
    """
    folder = run / clustering
    if not (folder / "members.parquet").is_file():
        there = ", ".join(sorted(path.parent.name for path in run.glob("*/members.parquet"))) or "none"
        raise ValueError(f"{run} has no clustering {clustering!r}; there are: {there}")
    faces = tables.read(
        run / "faces.parquet", tables.MERGED_FACES, ["broadcast", "frame", "face", *BOX, "set_aside"]
    )
    people = tables.read(folder / "people.parquet", tables.PEOPLE, ["person_id", "name", "broadcast", "face"])
    members = tables.read_members(
        folder / "members.parquet", run / "faces.parquet", people["person_id"].to_pylist()
    )
    best = _rows(faces, people)
    if (best < 0).any() or (members.person[best] != np.arange(len(people))).any():
        raise ValueError(f"{folder / 'people.parquet'} is not of the faces of {folder / 'members.parquet'}")
    frames = tables.read(run / "frames.parquet", tables.MERGED_FRAMES, ["broadcast", "frame", "status"])
    was_read = pc.equal(frames["status"], "ok")
    return Population(
        run=run.resolve().name,
        clustering=clustering,
        digest=digest_of(folder / "members.parquet"),
        faces=faces,
        labels=members.person,
        counts=np.isin(members.why, _COUNT),
        embeddings=tables.open_embeddings(run / "faces.parquet"),
        frames=frames.filter(was_read).drop_columns(["status"]),
        people=people,
        best=best,
        edges=_numbered(
            tables.read(folder / "edges.parquet", tables.EDGES, ["source", "target", "same_frame", "weight"]),
            people["person_id"],
        ),
        n_unread=len(frames) - int(pc.sum(was_read).as_py() or 0),
    )


def _rows(faces: pa.Table, people: pa.Table) -> Rows:
    """Find the best face of each person; -1 where it is not there."""
    codes, names = broadcast_codes(faces)
    place = {name: number for number, name in enumerate(names)}
    keys = codes.astype(np.int64) << 32 | faces["face"].to_numpy()
    order = np.argsort(keys, kind="stable")
    broadcasts = np.array([place.get(name, -1) for name in people["broadcast"].to_pylist()], np.int64)
    wanted = broadcasts << 32 | people["face"].to_numpy()
    at = np.searchsorted(keys, wanted, sorter=order)
    rows = np.append(order, -1)[at]
    return np.where(np.append(keys, -1)[rows] == wanted, rows, -1)


def _numbered(edges: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """Put the number of each person in the place of the ID."""
    for end in ("source", "target"):
        numbers = pc.fill_null(pc.index_in(edges[end], ids.combine_chunks()), tables.NOISE)
        edges = edges.set_column(edges.schema.get_field_index(end), end, numbers)
    return edges
