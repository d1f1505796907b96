"""Joining the tables of all broadcasts of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from castgraph.archive import Broadcast
from castgraph.base import tables
from castgraph.faces.quality import FILTERS, Quality, set_aside

_BUFFER = 1 << 20
"""Bytes of a column that are read at a time."""

_ROWS = 16_384
"""Rows of a broadcast that are read at a time: all, but for very few broadcasts."""


def merge(
    encoded: Sequence[tuple[Path, Path]],
    *,
    broadcasts: Path,
    faces: Path,
    frames: Path,
    quality: Quality,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Join the face and frame tables of broadcasts; about one row group is in memory at a time.

    Every face stays a row; those that fail a quality filter are set aside by name (`set_aside`). The
    embeddings go into a file of their own, `castgraph.base.tables.EMBEDDINGS` beside `faces`.

    Parameters
    ----------
    encoded
        For each broadcast its face table and its frame table, empty ones included. The order does not
        matter: the result is sorted by broadcast.
    broadcasts, faces, frames
        The files to write: the broadcast table (one row for each of `encoded`, with its status), and the
        joined face and frame tables.
    quality
        What a face must have to count.
    settings
        What the merge depends on besides, for the provenance.

    Returns
    -------
    dict
        The provenance, with the counts.

    Raises
    ------
    ValueError
        When a table holds another broadcast than its file name says.
    """
    # Where the broadcast table is, the others are whole and of one merge: it goes first and is written last.
    broadcasts.unlink(missing_ok=True)
    rows: list[dict[str, Any]] = []
    caught = np.zeros(1 + len(FILTERS), int)  # faces that count, then those that each filter sets aside
    facts = tables.provenance("merge", {**settings, "quality": asdict(quality)})
    with (
        tables.writer(faces, tables.MERGED_FACES, facts) as add_faces,
        tables.writer(frames, tables.FRAMES, facts) as add_frames,
        tables.embeddings_writer(faces, facts) as add_embeddings,
    ):
        for face_table, frame_table in sorted(encoded, key=lambda pair: pair[0].stem):
            codes = np.zeros_like(caught)
            for part in _parts(face_table):
                reasons = set_aside(part, quality)
                codes += np.bincount(reasons.indices.to_numpy(), minlength=len(codes))
                add_embeddings(tables.embeddings(part["embedding"]))
                add_faces(part.drop_columns(["embedding"]).append_column("set_aside", reasons))
            for part in _parts(frame_table):
                add_frames(part)
            rows.append(broadcast_row(face_table, frame_table) | {"n_set_aside": int(codes[1:].sum())})
            caught += codes
        facts |= {
            "n_broadcasts": len(rows),
            "n_frames": sum(row["n_frames"] for row in rows),
            "n_faces": int(caught.sum()),
            "n_set_aside": int(caught[1:].sum()),
            "set_aside": dict(zip(FILTERS, caught[1:].tolist(), strict=True)),
        }
    tables.write(broadcasts, pa.Table.from_pylist(rows, schema=tables.BROADCASTS), facts)
    return facts


def _parts(path: Path) -> Iterator[pa.Table]:
    """Read the table of one broadcast, some rows at a time."""
    # Without these two a row group of the file, up to a million faces, is read as one piece.
    with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(_ROWS, use_threads=False):
            found = set(batch["broadcast"].unique().to_pylist())
            if found - {path.stem}:
                raise ValueError(f"{path} holds broadcasts {sorted(found)}; it may only hold {path.stem}")
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
    with pq.ParquetFile(frames) as file:
        status = file.read(columns=["status"])["status"]
    n_unreadable = pc.sum(pc.not_equal(status, "ok")).as_py() or 0
    return {
        "broadcast": broadcast.id,
        "station": broadcast.station,
        "start": broadcast.start,
        "title": broadcast.title,
        **_status(facts["status"], facts["reason"], len(status), n_unreadable),
        "n_frames": len(status),
        "n_unreadable": n_unreadable,
        "n_refused": facts["n_refused"],
        "n_faces": pq.read_metadata(faces).num_rows,
    }


def _status(status: str, reason: str, n_frames: int, n_unreadable: int) -> dict[str, str]:
    """Judge a broadcast once its frames were decoded: a ZIP that was fine may hold bad pictures."""
    if status in ("ok", "partial") and n_unreadable:
        if n_unreadable == n_frames:
            return {"status": "damaged", "reason": reason or "no frame could be read"}
        return {"status": "partial", "reason": reason or f"{n_unreadable} of {n_frames} frames unreadable"}
    return {"status": status, "reason": reason}
