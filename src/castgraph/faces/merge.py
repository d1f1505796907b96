"""Joining the tables of all broadcasts of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import tables
from castgraph.archive import Broadcast
from castgraph.faces.quality import COLUMNS, FILTERS, Quality, set_aside


def merge(
    encoded: Sequence[tuple[Path, Path]],
    *,
    broadcasts: Path,
    faces: Path,
    frames: Path,
    quality: Quality,
    settings: Mapping[str, Any],
) -> None:
    """Join the face and frame tables of broadcasts; one broadcast is in memory at a time.

    Every face stays a row; those that fail a quality filter are set aside by name (`set_aside`).

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

    Raises
    ------
    ValueError
        When a table holds another broadcast than its file name says.
    """
    encoded = sorted(encoded, key=lambda pair: pair[0].stem)
    # One row a broadcast, one column a filter. Counted ahead, as the tables are written in one go.
    caught = np.array([_caught(face, quality) for face, _ in encoded], int).reshape(-1, len(FILTERS))
    rows = [
        _broadcast_row(*pair) | {"n_set_aside": n}
        for pair, n in zip(encoded, caught.sum(axis=1).tolist(), strict=True)
    ]
    counts = {
        "n_broadcasts": len(rows),
        "n_frames": sum(row["n_frames"] for row in rows),
        "n_faces": sum(row["n_faces"] for row in rows),
        "n_set_aside": int(caught.sum()),
        "set_aside": dict(zip(FILTERS, caught.sum(axis=0).tolist(), strict=True)),
    }
    facts = tables.provenance("merge", {**settings, "quality": asdict(quality)}, **counts)
    judged = (_judge(table, quality) for table in _tables(face for face, _ in encoded))
    tables.write_all(faces, tables.MERGED_FACES, judged, facts)
    tables.write_all(frames, tables.FRAMES, _tables(frame for _, frame in encoded), facts)
    # Written last: where the broadcast table is, the others are whole.
    tables.write(broadcasts, pa.Table.from_pylist(rows, schema=tables.BROADCASTS), facts)


def _tables(paths: Iterable[Path]) -> Iterator[pa.Table]:
    for path in paths:
        table = pq.read_table(path)
        found = set(table["broadcast"].unique().to_pylist())
        if found - {path.stem}:
            raise ValueError(f"{path} holds broadcasts {sorted(found)}; it may only hold {path.stem}")
        yield table


def _judge(faces: pa.Table, quality: Quality) -> pa.Table:
    return faces.append_column("set_aside", set_aside(faces, quality))


def _caught(faces: Path, quality: Quality) -> NDArray[np.int64]:
    """Count the faces that each filter sets aside, in the order of `FILTERS`."""
    codes = set_aside(pq.read_table(faces, columns=list(COLUMNS)), quality).indices.to_numpy()
    return np.bincount(codes, minlength=1 + len(FILTERS))[1:]  # 0 is a face that counts


def _broadcast_row(faces: Path, frames: Path) -> dict[str, Any]:
    broadcast = Broadcast.parse(faces.stem)
    facts = tables.read_provenance(frames)
    status = pq.read_table(frames, columns=["status"])["status"]
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
