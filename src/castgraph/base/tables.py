"""The tables of castgraph: their columns, and how they are written and read.

Every table is a Parquet file that carries its provenance: under the key ``castgraph`` of the file's metadata
lies a JSON object with the version, the stage, its settings and its counts, and nothing that differs
between two runs on the same input (no time, host or path), so equal input gives equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import __version__
from castgraph.base import files

EMBEDDING_SIZE = 128
"""Dimensions of dlib's face embedding."""

_EMBEDDING = np.dtype("<f4")

EMBEDDINGS = "embeddings.npy"
"""The file beside a merged face table that holds the embeddings of its rows."""

NOISE = -1
"""The label of a face that belongs to no person, because it is like too few others or is set aside."""

ROW_GROUP = 65_536
"""Rows of a table that are written, and read, at a time, about."""

ROW_GROUP_BYTES = 64 << 20
"""The most of them, in bytes, about."""

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

MERGED_FACES = FACES.remove(FACES.get_field_index("embedding")).append(
    # The quality filter that the face failed, by the name of its key; empty where the face counts.
    pa.field("set_aside", pa.dictionary(pa.int32(), pa.string()))
)
"""The faces of a run, as `FACES`; faces that are set aside are rows, too. See `open_embeddings`."""

FRAMES = pa.schema(
    [
        ("broadcast", _BROADCAST),
        ("frame", pa.int32()),
        ("seconds", pa.float64()),  # since the first frame of the video; null for stills
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
        ("status", pa.string()),  # see castgraph.base.statuses
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


SWEEP = pa.schema(
    [
        ("clustering", pa.string()),  # the name of its folder
        ("algorithm", pa.string()),
        ("eps", pa.float64()),  # null for algorithms without
        ("min_samples", pa.int32()),  # null for algorithms without
        ("n_people", pa.int32()),
        ("n_noise", pa.int64()),  # faces that count and have no person
        ("noise_share", pa.float64()),  # of the faces that count
        ("largest", pa.int64()),  # faces of the largest person
        ("largest_share", pa.float64()),  # of the faces that count
        ("frame_pairs", pa.int64()),  # pairs of faces in one frame that both have a person
        ("violations", pa.int64()),  # of these, the pairs of one person
        ("violation_rate", pa.float64()),  # violations / frame_pairs
        ("chance", pa.float64()),  # the rate if the labels were shuffled among the faces with a person
        ("violation_ratio", pa.float64()),  # violation_rate / chance
        ("adjacent_pairs", pa.int64()),  # pairs of faces with nearly the same box in frames n and n+1
        ("adjacent_same", pa.int64()),  # of these, the pairs of one person
        ("adjacent_different", pa.int64()),  # of two people
        ("adjacent_one_noise", pa.int64()),  # of a person and noise; the rest are noise twice
        ("adjacent_agreement", pa.float64()),  # adjacent_same / (adjacent_same + adjacent_different)
        ("adjacent_kept", pa.float64()),  # adjacent_same / adjacent_pairs
        ("balance", pa.float64()),  # adjacent_kept - violation_rate
        ("next", pa.string()),  # the clustering with the next larger eps; null for the last
        ("ari_next", pa.float64()),  # adjusted Rand index with it, over the faces with a person in both
        ("moved_next", pa.float64()),  # share of the faces that count which are noise in one of the two only
        ("merges_next", pa.int32()),  # people of the next that several of this one merge into
        ("splits_next", pa.int32()),  # people of this one that are split into several of the next
        ("recommended", pa.bool_()),
    ]
)
"""One row a clustering, DBSCAN first, sorted by algorithm, min_samples, eps. A rate of nothing is null."""

SWEEP_CHANGES = pa.schema(
    [
        ("from", pa.string()),  # a clustering
        ("to", pa.string()),  # the next
        ("kind", pa.string()),  # merge: several of from are one of to; split: one of from is several of to
        ("person_from", pa.int32()),
        ("person_to", pa.int32()),
        ("n_from", pa.int64()),  # faces of person_from
        ("n_to", pa.int64()),  # faces of person_to
        ("n_faces", pa.int64()),  # faces that are of both
        ("same_frame", pa.int64()),  # frames that show this part and another of the same merge or split
    ]
)
"""One row a part of a merge or split, in the order of the sweep; those that move most faces come first."""


def provenance(stage: str, settings: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """Tell how a table came about: the version, the stage, its settings and facts such as counts."""
    return {"castgraph": __version__, "stage": stage, "settings": dict(settings), **facts}


def read_provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the provenance of the Parquet file at `path`."""
    facts: dict[str, Any] = json.loads((pq.read_metadata(path).metadata or {}).get(b"castgraph", b"{}"))
    return facts


def write(path: str | os.PathLike[str], table: pa.Table, facts: Mapping[str, Any]) -> None:
    """Write `table` to `path` with its provenance, atomically."""
    with _parquet(path, table.schema, facts) as file:
        if table.num_rows:
            file.write_table(table)


@contextmanager
def writer(
    path: str | os.PathLike[str], schema: pa.Schema, facts: Mapping[str, Any]
) -> Iterator[Callable[[pa.Table], None]]:
    """Write a table part by part, atomically, with one row group in memory at a time.

    Parts are put together until they make a row group of `ROW_GROUP` rows or `ROW_GROUP_BYTES`: what a reader
    has to keep of each row group would else be more than what it reads.

    Parameters
    ----------
    path
        The Parquet file to write.
    schema
        The columns. A part that differs is refused by Arrow.
    facts
        The provenance, as it is when the block ends.

    Yields
    ------
    callable
        Takes the parts, in order.
    """
    parts: list[pa.Table] = []
    n_rows = n_bytes = 0

    with _parquet(path, schema, facts) as file:

        def flush() -> None:
            nonlocal n_rows, n_bytes
            if n_rows:
                # With one dictionary for all, or Parquet writes the texts out.
                file.write_table(pa.concat_tables(parts).unify_dictionaries().combine_chunks())
            parts.clear()
            n_rows = n_bytes = 0

        def add(part: pa.Table) -> None:
            nonlocal n_rows, n_bytes
            parts.append(part.cast(schema))
            n_rows += part.num_rows
            n_bytes += part.nbytes
            if n_rows >= ROW_GROUP or n_bytes >= ROW_GROUP_BYTES:
                flush()

        yield add
        flush()


@contextmanager
def _parquet(
    path: str | os.PathLike[str], schema: pa.Schema, facts: Mapping[str, Any]
) -> Iterator[pq.ParquetWriter]:
    with files.atomic(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as file:
        yield file
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        file.add_key_value_metadata({"castgraph": text})


def write_labels(
    path: str | os.PathLike[str], labels: NDArray[np.int32], settings: Mapping[str, Any], n_set_aside: int
) -> None:
    """Write the labels of a clustering with their provenance, atomically.

    Parameters
    ----------
    path
        The label table to write.
    labels
        Shape (n_faces,), in the order of the merged face table.
    settings
        The algorithm and what it was given.
    n_set_aside
        How many of the faces do not count.
    """
    facts = provenance(
        "clustering",
        settings,
        n_faces=len(labels),
        n_set_aside=n_set_aside,
        n_people=int(labels.max(initial=NOISE)) + 1,
        n_noise=int((labels == NOISE).sum()) - n_set_aside,
    )
    write(path, pa.table({"label": labels}, schema=LABELS), facts)


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


@contextmanager
def embeddings_writer(
    faces: str | os.PathLike[str], facts: dict[str, Any]
) -> Iterator[Callable[[NDArray[np.float32]], None]]:
    """Write the embeddings of a merged face table, atomically, block by block.

    Parameters
    ----------
    faces
        The merged face table; `EMBEDDINGS` beside it is written: float32, shape (n_faces, 128), C order.
    facts
        Gets, when the block ends, an entry ``embeddings``: ``file``, ``shape``, ``dtype``, and ``blake2b`` of
        the array's bytes.

    Yields
    ------
    callable
        Takes blocks of shape (n, 128), float32, in the order of the rows.
    """
    n_faces, digest = 0, hashlib.blake2b(digest_size=16)
    path = Path(faces).with_name(EMBEDDINGS)
    with files.atomic(path) as part, part.open("wb") as file:

        def write_header() -> None:
            # As long for any number of rows: NumPy leaves room for it to grow.
            shape = (n_faces, EMBEDDING_SIZE)
            header = {"descr": _EMBEDDING.str, "fortran_order": False, "shape": shape}
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, header)

        def add(block: NDArray[np.float32]) -> None:
            nonlocal n_faces
            data = np.ascontiguousarray(block, dtype=_EMBEDDING).data
            file.write(data)
            digest.update(data)
            n_faces += len(block)

        write_header()
        yield add
        write_header()
    facts["embeddings"] = {
        "file": EMBEDDINGS,
        "shape": [n_faces, EMBEDDING_SIZE],
        "dtype": _EMBEDDING.name,
        "blake2b": digest.hexdigest(),
    }


def open_embeddings(faces: str | os.PathLike[str]) -> np.memmap[Any, np.dtype[np.float32]]:
    """Open the embeddings of a merged face table; only what is used of them is read.

    Parameters
    ----------
    faces
        The merged face table, with `EMBEDDINGS` beside it.

    Returns
    -------
    memmap of shape (n_faces, 128), float32
        Row i is that of row i of the table. It cannot be written to.

    Raises
    ------
    ValueError
        When the file is not there, is not whole, or is not of as many faces.
    """
    path = Path(faces).with_name(EMBEDDINGS)
    needed = (pq.read_metadata(faces).num_rows, EMBEDDING_SIZE)
    try:
        found = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} should hold the embeddings of {faces}, and cannot be read: {error}"
        ) from error
    if (found.shape, found.dtype, found.flags.c_contiguous) != (needed, _EMBEDDING, True):
        order = "C" if found.flags.c_contiguous else "Fortran"
        raise ValueError(
            f"{path} holds {found.dtype} of shape {found.shape} in {order} order; for {faces} it has to be "
            f"{_EMBEDDING} of shape {needed} in C order"
        )
    return found
