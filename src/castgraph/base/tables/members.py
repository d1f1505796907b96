"""Who each face is, and the face table that it belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph.base import files
from castgraph.base.tables.labels import NOISE
from castgraph.base.tables.parquet import TableError, by_broadcast, opened, read_provenance, writer
from castgraph.base.tables.registry import MEMBERS, MERGED_FACES

WHY = ("", "noise", "set_aside", "not_a_face", "ignored", "forgotten")
"""Why a face has no person; the first for one that has."""

LEFT_OUT = (WHY.index("not_a_face"), WHY.index("ignored"), WHY.index("forgotten"))
"""Of these nothing is shown or written out."""


class Members(NamedTuple):
    """Who each face is.

    Attributes
    ----------
    person
        Of each face its person, as an index into `ids`; `NOISE` for none. Shape (n_faces,), int32.
    why
        Of each face why it has none, as an index into `WHY`; shape (n_faces,), int8.
    ids
        The people.
    """

    person: NDArray[np.int32]
    why: NDArray[np.int8]
    ids: Sequence[str]


def write_members(
    path: str | os.PathLike[str],
    faces: str | os.PathLike[str],
    members: Members,
    facts: Mapping[str, Any],
    *,
    distances: NDArray[np.floating[Any]] | None = None,
    outlier: NDArray[np.bool_] | None = None,
) -> None:
    """Write who each face is, atomically; a broadcast at a time is read.

    Parameters
    ----------
    path
        The table to write.
    faces
        The merged face table. The members get its keys and its digest, by which `read_members` knows it
        again.
    members
        In the order of the merged face table.
    facts
        The provenance; the digest is added.
    distances, outlier
        Of each face how far it is from the middle of its person, and whether that is unusually far; where
        they are not given, nothing is known of it. Shape (n_faces,).

    Raises
    ------
    ValueError
        When there are not as many members as faces.
    """
    n_faces = pq.read_metadata(faces).num_rows
    if members.person.shape != (n_faces,):
        raise ValueError(f"{len(members.person)} members do not fit the {n_faces} faces of {faces}")
    facts = {**facts, "digest": read_provenance(faces).get("digest")}
    ids, reasons = pa.array(members.ids, pa.string()), pa.array(WHY)
    apart = np.full(n_faces, np.nan) if distances is None else distances
    is_far = np.zeros(n_faces, bool) if outlier is None else outlier
    end = 0
    with files.atomic(path) as part, writer(part, MEMBERS, facts) as add:
        for broadcast, [face] in by_broadcast(faces, MERGED_FACES, ["face"]):
            begin, end = end, end + len(face)
            person, why = members.person[begin:end], members.why[begin:end]
            names = pa.DictionaryArray.from_arrays(np.zeros(len(face), np.int32), [broadcast])
            known = pa.array(person, mask=person == NOISE)
            add(
                pa.table(
                    [
                        names,
                        face,
                        pa.DictionaryArray.from_arrays(known, ids),
                        pa.DictionaryArray.from_arrays(why.astype(np.int32), reasons),
                        pa.array(apart[begin:end].astype(np.float32), from_pandas=True),  # NaN is none
                        is_far[begin:end],
                    ],
                    MEMBERS.names,
                )
            )


def read_members(
    members: str | os.PathLike[str], faces: str | os.PathLike[str], ids: Sequence[str]
) -> Members:
    """Read who each face is, once it is known that it belongs to the face table.

    Parameters
    ----------
    members
        The table of members.
    faces
        The merged face table.
    ids
        The people, in the order in which they are to be numbered: ``person_id`` of the people table.

    Raises
    ------
    TableError
        When it was made of other faces, or of other people, or a table was made by an earlier castgraph.
    """
    with opened(members, MEMBERS) as found, opened(faces, MERGED_FACES) as needed:
        n_faces = needed.metadata.num_rows
        fits = found.metadata.num_rows == n_faces
    digest = read_provenance(faces).get("digest")
    if not (fits and digest is not None and digest == read_provenance(members).get("digest")):
        raise TableError(f"{members} was made of other faces than those of {faces}; make it again")
    place: dict[str | None, int] = {name: number for number, name in enumerate(ids)}
    place[None] = NOISE
    reasons: dict[str | None, int] = {name: number for number, name in enumerate(WHY)}
    person, why = np.empty(n_faces, np.int32), np.empty(n_faces, np.int8)
    end = 0
    with opened(members, MEMBERS) as file:
        for batch in file.iter_batches(columns=["person_id", "why"]):
            begin, end = end, end + len(batch)
            try:
                person[begin:end] = _numbers(batch["person_id"], place)
                why[begin:end] = _numbers(batch["why"], reasons)
            except KeyError as error:
                raise TableError(f"{members} has {error} and the people do not; make it again") from None
    return Members(person, why, list(ids))


def _numbers(column: pa.DictionaryArray, numbers: Mapping[str | None, int]) -> NDArray[np.int64]:
    column = column.cast(pa.dictionary(pa.int32(), pa.string()))
    # Only those that are used: a dictionary may hold more.
    codes = column.indices.fill_null(len(column.dictionary)).to_numpy()
    names = [*column.dictionary.to_pylist(), None]
    found = np.full(len(names), NOISE, np.int64)
    for code in np.unique(codes).tolist():
        found[code] = numbers[names[code]]
    numbered: NDArray[np.int64] = found[codes]
    return numbered
