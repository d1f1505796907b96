"""Joining the tables of all broadcasts of a run."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from castgraph.archive.broadcast import Broadcast
from castgraph.base import files, tables
from castgraph.base.text import counted
from castgraph.faces.forgotten import FORGOTTEN, is_forgotten
from castgraph.faces.frame import NOTES_JOIN
from castgraph.faces.quality import FILTERS, Founding, Quality, founds, set_aside, turn
from castgraph.faces.times import frame_times

_MOST_KINDS = 3
"""Kinds of odd frames that are told of a broadcast."""

_ROWS = 16_384
"""Rows of a broadcast that are read at a time: all, but for very few broadcasts."""


EVERY = Founding()
"""Every face can found a person."""

_REASONS = (FORGOTTEN, *FILTERS)
"""Why a face is set aside, in the order in which it is tried."""

_IDENTITY = ("face", "frame", "top", "right", "bottom", "left")
"""The columns by which a face table is known again, beside the broadcasts, the filters and the embeddings."""


def merge(
    encoded: Sequence[tuple[Path, Path]],
    *,
    broadcasts: Path,
    faces: Path,
    frames: Path,
    quality: Quality,
    frame_seconds: float,
    settings: Mapping[str, Any],
    founding: Founding = EVERY,
) -> dict[str, Any]:
    """Join the face and frame tables of broadcasts; about one row group is in memory at a time.

    Every face stays a row; those that are forgotten, or fail a quality filter, are set aside by name
    (`set_aside`). The embeddings go into a file of their own, `castgraph.base.tables.EMBEDDINGS` beside
    `faces`. What was there is replaced when all is whole; until then, and after any error, it is left as it
    was.

    Parameters
    ----------
    encoded
        For each broadcast its face table and its frame table, empty ones included. The order does not
        matter: the result is sorted by broadcast.
    broadcasts, faces, frames
        The files to write: the broadcast table (one row for each of `encoded`, with its status), and the
        joined face and frame tables. Where the broadcast table is, the others are of the same merge.
    quality
        What a face must have to count.
    frame_seconds
        Seconds between two frames; from these the frames of all but videos have their time.
    settings
        What the merge depends on besides, for the provenance.
    founding
        What a face must have to found a person.

    Returns
    -------
    dict
        The provenance, with the counts.

    Raises
    ------
    ValueError
        When a table holds another broadcast than its file name says, its faces are not numbered in order or
        its frames do not ascend, when embeddings differ in size, when an earlier castgraph made it
        (`castgraph.base.tables.TableError`), and when `frame_seconds` is not positive.

    Notes
    -----
    The provenance has a ``digest`` of what the face table holds. Labels have the digest of their face table.
    """
    if not (math.isfinite(frame_seconds) and frame_seconds > 0):
        raise ValueError(f"frame_seconds: {frame_seconds} is not allowed; it must be positive")
    encoded = sorted(encoded, key=lambda pair: pair[0].stem)
    size = _size([faces for faces, _ in encoded])
    rows: list[dict[str, Any]] = []
    caught = np.zeros(1 + len(_REASONS), int)  # faces that count, then those set aside for each reason
    digest = hashlib.blake2b(digest_size=16)
    rules = {"quality": asdict(quality), "founding": asdict(founding)}
    facts = tables.provenance("merge", {**settings, **rules, "frame_seconds": frame_seconds})
    n_founding = 0
    with files.atomic_together(faces.with_name(tables.EMBEDDINGS), faces, frames, broadcasts) as parts:
        with (
            tables.writer(parts[1], tables.MERGED_FACES, facts) as add_faces,
            tables.writer(parts[2], tables.MERGED_FRAMES, facts) as add_frames,
        ):
            with tables.embeddings_writer(parts[0], facts, size) as add_embeddings:
                for face_table, frame_table in encoded:
                    codes = np.zeros_like(caught)
                    for part in _faces(face_table, size):
                        embeddings = tables.embeddings(part["embedding"])
                        # The filters come after being forgotten.
                        by_filter = set_aside(part, quality).indices.to_numpy()
                        failed = np.where(is_forgotten(embeddings), 1, by_filter + (by_filter > 0))
                        reasons = pa.DictionaryArray.from_arrays(
                            failed.astype(np.int32), pa.array(["", *_REASONS])
                        )
                        codes += np.bincount(failed, minlength=len(codes))
                        landmarks = part["landmarks"].combine_chunks().flatten().to_numpy()
                        turned = turn(landmarks.reshape(-1, 10))
                        can_found = founds(part, turned, founding)
                        n_founding += int((can_found & (failed == 0)).sum())
                        identity = [*(part[name].to_numpy() for name in _IDENTITY), failed, can_found]
                        digest.update(np.stack(identity, axis=1).data)
                        add_embeddings(embeddings)
                        more = {"set_aside": reasons, "turn": turned, "founds": can_found}
                        add_faces(_with(part.drop_columns(["embedding"]), more))
                    for part in _frames(frame_table, frame_seconds):
                        add_frames(part)
                    row = broadcast_row(face_table, frame_table)
                    rows.append(row | {"n_set_aside": int(codes[1:].sum())})
                    caught += codes
            sizes = [(row["broadcast"], row["n_faces"]) for row in rows if row["n_faces"]]
            digest.update(json.dumps([sizes, _REASONS, facts["embeddings"]["blake2b"]]).encode())
            facts |= {
                "digest": digest.hexdigest(),
                "n_broadcasts": len(rows),
                "n_frames": sum(row["n_frames"] for row in rows),
                "n_faces": int(caught.sum()),
                "n_set_aside": int(caught[1:].sum()),
                "n_founding": n_founding,
                "set_aside": dict(zip(_REASONS, caught[1:].tolist(), strict=True)),
            }
        with tables.writer(parts[3], tables.BROADCASTS, facts) as add_broadcasts:
            add_broadcasts(pa.Table.from_pylist(rows, schema=tables.BROADCASTS))
    return facts


def _with(table: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """Put columns behind those of a table."""
    for name, column in columns.items():
        table = table.append_column(name, column if isinstance(column, pa.Array) else pa.array(column))
    return table


def _size(encoded: Sequence[Path]) -> int:
    """Tell how many numbers the embeddings of all broadcasts have."""
    size, first = tables.EMBEDDING_SIZE, None
    for path in encoded:
        found = tables.embedding_size(path)
        if first is None:
            size, first = found, path
        elif found != size:
            raise tables.TableError(
                f"{path} has embeddings of {found} numbers and {first} of {size}; a run has one embedder"
            )
    return size


def _faces(path: Path, size: int) -> Iterator[pa.Table]:
    """Read the faces of a broadcast, some at a time."""
    begin = last = 0
    for part in _parts(path, tables.encoded_faces(size)):
        face, frame = part["face"].to_numpy(), part["frame"].to_numpy()
        if (face != np.arange(begin, begin + len(part))).any() or (np.diff(frame, prepend=last) < 0).any():
            raise tables.TableError(
                f"{path}: its faces are not numbered 0, 1, 2, … by frame; encode it again"
            )
        begin, last = begin + len(part), frame[-1]
        yield part


def _frames(path: Path, frame_seconds: float) -> Iterator[pa.Table]:
    """Read the frames of a broadcast, some at a time, with their time."""
    start = Broadcast.parse(path.stem).start
    last = 0
    column = tables.MERGED_FRAMES.field("time")
    for part in _parts(path, tables.FRAMES):
        frame = part["frame"].to_numpy()
        if (np.diff(frame, prepend=last) <= 0).any():
            raise tables.TableError(f"{path}: the numbers of its frames do not ascend; encode it again")
        last = frame[-1]
        times = frame_times(start, frame, part["seconds"].to_numpy(), frame_seconds)
        place = tables.MERGED_FRAMES.get_field_index("time")
        yield part.add_column(place, column, pa.array(times).cast(column.type))


def _parts(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    """Read the table of one broadcast, some rows at a time, none of them without rows."""
    for batch in tables.batches(path, schema, rows=_ROWS):
        found = set(batch["broadcast"].unique().to_pylist())
        if found - {path.stem}:
            raise ValueError(f"{path} holds broadcasts {sorted(found)}; it may only hold {path.stem}")
        if len(batch):
            yield pa.Table.from_batches([batch])


def broadcast_row(faces: Path, frames: Path) -> dict[str, Any]:
    """Describe a broadcast by its face table and its frame table: a row of the broadcast table.

    Returns
    -------
    dict
        The columns of `castgraph.base.tables.BROADCASTS`, without ``n_set_aside``.
    """
    broadcast = Broadcast.parse(faces.stem)
    facts = tables.read_provenance(frames)
    table = tables.read(frames, tables.FRAMES, ["status", "reason"])
    n_unreadable = pc.sum(pc.not_equal(table["status"], "ok")).as_py() or 0
    return {
        "broadcast": broadcast.id,
        "station": broadcast.station,
        "start": broadcast.start,
        "title": broadcast.title,
        "status": _status(facts["status"], len(table), n_unreadable),
        "reason": "; ".join(filter(None, [facts["reason"], _unreadable(table), _odd(table)])),
        "n_frames": len(table),
        "n_unreadable": n_unreadable,
        "n_refused": facts["n_refused"],
        "n_faces": pq.read_metadata(faces).num_rows,
    }


def _status(status: str, n_frames: int, n_unreadable: int) -> str:
    """Judge a broadcast once its frames were decoded: a ZIP that was fine may hold bad pictures."""
    if status in ("ok", "partial") and n_unreadable:
        return "damaged" if n_unreadable == n_frames else "partial"
    return status


def _unreadable(frames: pa.Table) -> str:
    """Tell how many frames could not be decoded, and why most of them; empty when all could."""
    reasons = _reasons(frames, "unreadable")
    if not reasons:
        return ""
    n, all_of = reasons.total(), len(frames)
    [(reason, n_like)] = reasons.most_common(1)
    counts = "no frame could be read" if n == all_of else f"{n} of {all_of} frames unreadable"
    return f"{counts}, {n_like} of them: {reason}" if n_like < n else f"{counts}: {reason}"


def _odd(frames: pa.Table) -> str:
    """Tell what is odd about frames that were read, and about how many of them; empty when nothing is."""
    kinds: Counter[str] = Counter()
    for reason, n in _reasons(frames, "ok").items():
        kinds.update(dict.fromkeys(filter(None, reason.split(NOTES_JOIN)), n))
    shown = [f"{counted(n, 'frame')}: {kind}" for kind, n in kinds.most_common(_MOST_KINDS)]
    rest = len(kinds) - len(shown)
    return "; ".join([*shown, *[f"{counted(rest, 'more kind')} of odd frames"] * (rest > 0)])


def _reasons(frames: pa.Table, status: str) -> Counter[str]:
    """Count the frames of a status by what is told of them."""
    told = frames["reason"].filter(pc.equal(frames["status"], status)).value_counts()
    return Counter({row["values"]: row["counts"] for row in told.to_pylist()})
