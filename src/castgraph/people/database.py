"""DATABASE.json: every face of a run in the form of the published study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from castgraph.archive.broadcast import frame_name
from castgraph.base import files, tables
from castgraph.people.table import BOX


def write_database_json(path: Path, faces: Path, labels: NDArray[np.int32]) -> None:
    """Write one JSON object a face and line, atomically, with some of them in memory at a time.

    The keys are ``faceid`` (the person, -1 for noise and for faces set aside), ``image`` (as the ZIP
    unpacks), ``box`` (top, right, bottom, left, pixels) and ``encoding`` (the embedding, as numbers).

    Parameters
    ----------
    path
        The file to write.
    faces
        The merged face table, with its embeddings beside it.
    labels
        The label of each face, shape (n_faces,); see `castgraph.base.tables.read_labels`.

    Raises
    ------
    ValueError
        When there are more or fewer labels than faces, and as `castgraph.base.tables.open_embeddings`.
    """
    embeddings = tables.open_embeddings(faces)
    if len(embeddings) != len(labels):
        raise ValueError(f"{faces} holds {len(embeddings)} faces, but there are {len(labels)} labels")
    with files.atomic(path) as part, part.open("w", encoding="utf-8") as file:
        batches = tables.batches(faces, tables.MERGED_FACES, ["broadcast", "frame", *BOX], 4096)
        rows = (row for batch in batches for row in batch.to_pylist())
        for row, label, embedding in zip(rows, labels, embeddings, strict=True):
            face = {
                "faceid": int(label),
                "image": f"{row['broadcast']}/{frame_name(row['broadcast'], row['frame'])}",
                "box": [row[side] for side in BOX],
                "encoding": embedding.astype(float).tolist(),
            }
            file.write(json.dumps(face, ensure_ascii=False) + "\n")
