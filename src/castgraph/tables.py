"""The tables of castgraph: their columns, and how they are written and read.

Every table is a Parquet file that carries its provenance: under the key ``castgraph`` of the file's metadata
lies a JSON object with the version, the stage, its settings and its counts, and nothing that differs
between two runs on the same input (no time, host or path), so equal input gives equal bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import __version__, files

EMBEDDING_SIZE = 128
"""Dimensions of dlib's face embedding."""

NOISE = -1
"""The label of a face that belongs to no person, because it is like too few others or is set aside."""

_BROADCAST = pa.dictionary(pa.int32(), pa.string())
_BOX = [(side, pa.int32()) for side in ("top", "right", "bottom", "left")]

FACES = pa.schema(
    [
        ("broadcast", _BROADCAST),
        ("frame", pa.int32()),
        *_BOX,  # pixels of the original frame
        ("score", pa.float32()),
        ("sharpness", pa.float32()),  # variance of the Laplacian on the aligned chip
        ("landmarks", pa.list_(pa.float32(), 10)),  # x, y of 5 points, pixels of the original frame
        ("embedding", pa.list_(pa.float32(), EMBEDDING_SIZE)),
    ]
)
"""One row a face, sorted by broadcast, frame, left."""

MERGED_FACES = FACES.append(
    # The quality filter that the face failed, by the name of its key; empty where the face counts.
    pa.field("set_aside", pa.dictionary(pa.int32(), pa.string()))
)
"""The faces of a run, as `FACES`; faces that are set aside are rows, too."""

FRAMES = pa.schema(
    [
        ("broadcast", _BROADCAST),
        ("frame", pa.int32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("n_faces", pa.int32()),
        ("status", pa.string()),  # "ok", or what is wrong with the frame
        ("reason", pa.string()),  # why; of an ok frame what is odd about its file, else empty
        ("phash", pa.uint64()),  # perceptual hash of the whole frame; null when it could not be read
    ]
)
"""One row a frame, sorted by broadcast, frame."""

BROADCASTS = pa.schema(
    [
        ("broadcast", pa.string()),
        ("station", pa.string()),
        ("start", pa.timestamp("s", tz="UTC")),
        ("title", pa.string()),  # empty when the ID has none
        ("status", pa.string()),  # ok, partial, empty, damaged, missing
        ("reason", pa.string()),
        ("n_frames", pa.int32()),
        ("n_unreadable", pa.int32()),  # frames that could not be read
        ("n_refused", pa.int32()),  # entries of the ZIP that are no frame of this broadcast
        ("n_faces", pa.int32()),
        ("n_set_aside", pa.int32()),  # of these, faces that failed a quality filter
    ]
)
"""One row a broadcast of the run, sorted by broadcast."""

LABELS = pa.schema([("label", pa.int32())])
"""One row a face, in the order of the merged face table; -1 is noise, or a face that is set aside."""

PEOPLE = pa.schema(
    [
        ("person", pa.int32()),  # the label
        ("name", pa.string()),  # what the person is called in every output
        ("n_faces", pa.int32()),
        ("n_frames", pa.int32()),
        ("n_broadcasts", pa.int32()),
        ("screen_seconds", pa.float64()),  # n_frames times the seconds between two frames
        ("first_seen", pa.timestamp("s", tz="UTC")),
        ("last_seen", pa.timestamp("s", tz="UTC")),
        ("n_outliers", pa.int32()),  # faces left out when the centre was taken
        ("spread", pa.float32()),  # median distance of the faces from the centre
        ("best_face", pa.int64()),  # row in the merged face table
        ("broadcast", pa.string()),  # of the best face, as all that follows
        ("frame", pa.int32()),
        *_BOX,
        ("portrait", pa.string()),  # file name in portraits/
    ]
)
"""One row a person, sorted by person."""

EDGES = pa.schema(
    [
        ("source", pa.int32()),  # person, the smaller label
        ("target", pa.int32()),  # person, the larger label
        ("same_frame", pa.int64()),  # frames that show both
        ("adjacent", pa.int64()),  # frames that show one, with the other in the frame before
        ("n_broadcasts", pa.int32()),  # broadcasts in which they are same_frame or adjacent
        ("first_seen", pa.timestamp("s", tz="UTC")),
        ("last_seen", pa.timestamp("s", tz="UTC")),
        ("broadcast", pa.string()),  # of the first frame that makes the pair, as evidence
        ("frame", pa.int32()),
        ("weight", pa.float64()),
    ]
)
"""One row a pair of people, sorted by weight (largest first), source, target."""


def provenance(stage: str, settings: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """Tell how a table came about: the version, the stage, its settings and facts such as counts."""
    return {"castgraph": __version__, "stage": stage, "settings": dict(settings), **facts}


def read_provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the provenance of the Parquet file at `path`."""
    facts: dict[str, Any] = json.loads((pq.read_metadata(path).metadata or {}).get(b"castgraph", b"{}"))
    return facts


def write(path: str | os.PathLike[str], table: pa.Table, facts: Mapping[str, Any]) -> None:
    """Write `table` to `path` with its provenance, atomically."""
    write_all(path, table.schema, [table], facts)


def write_all(
    path: str | os.PathLike[str], schema: pa.Schema, parts: Iterable[pa.Table], facts: Mapping[str, Any]
) -> None:
    """Write `parts` to `path`, one row group each, holding one of them in memory at a time.

    Parameters
    ----------
    path
        The Parquet file to write, atomically.
    schema
        The columns. A part that differs is refused by Arrow.
    parts
        The tables, in order.
    facts
        The provenance.
    """
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    with (
        files.atomic(path) as part_path,
        pq.ParquetWriter(part_path, schema, compression="zstd") as writer,
    ):
        for part in parts:
            if part.num_rows:
                writer.write_table(part.cast(schema))
        writer.add_key_value_metadata({"castgraph": text})


def embeddings(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Turn an embedding column into an array.

    Parameters
    ----------
    column
        The column ``embedding`` of a face table.

    Returns
    -------
    ndarray of shape (n_faces, 128), float32
    """
    if len(column) == 0:
        return np.empty((0, EMBEDDING_SIZE), dtype=np.float32)
    flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(flat).reshape(len(column), EMBEDDING_SIZE)
