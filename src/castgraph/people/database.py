"""DATABASE.json: every face of a run in the form of the published study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import files, tables
from castgraph.archive import frame_name


def write_database_json(path: Path, faces: Path, labels: NDArray[np.int32]) -> None:
    """Write one JSON object a face and line, atomically; one row group is in memory at a time.

    The keys are ``faceid`` (the person, -1 for noise and for faces set aside), ``image`` (as the ZIP
    unpacks), ``box`` (top, right, bottom, left, pixels) and ``encoding`` (128 numbers).

    Parameters
    ----------
    path
        The file to write.
    faces
        The merged face table.
    labels
        The label of each face, shape (n_faces,).

    Raises
    ------
    ValueError
        When there are more or fewer labels than faces.
    """
    table = pq.ParquetFile(faces)
    if table.metadata.num_rows != len(labels):
        raise ValueError(f"{faces} holds {table.metadata.num_rows} faces, but there are {len(labels)} labels")
    rest = iter(labels.tolist())
    with files.atomic(path) as part, part.open("w", encoding="utf-8") as file:
        for batch in table.iter_batches(batch_size=4096):
            embeddings = tables.embeddings(pa.chunked_array([batch["embedding"]]))
            for row, embedding in zip(batch.drop_columns(["embedding"]).to_pylist(), embeddings, strict=True):
                broadcast = row["broadcast"]
                face = {
                    "faceid": next(rest),
                    "image": f"{broadcast}/{frame_name(broadcast, row['frame'])}",
                    "box": [row[side] for side in ("top", "right", "bottom", "left")],
                    "encoding": embedding.astype(float).tolist(),
                }
                file.write(json.dumps(face, ensure_ascii=False) + "\n")
