"""DATABASE.json: every face of a run in the form of the published study."""

from __future__ import annotations

import json
from pathlib import Path

from castgraph.archive.broadcast import frame_name
from castgraph.base import files, tables
from castgraph.base.boxes import BOX


def write_database_json(path: Path, faces: Path, members: tables.Members) -> None:
    """Write one JSON object a face and line, atomically, with some of them in memory at a time.

    The keys are ``faceid`` (the ID of the person, -1 for noise and for faces set aside), ``image`` (as the
    ZIP unpacks), ``box`` (top, right, bottom, left, pixels) and ``encoding`` (the embedding, as numbers).
    What is no face, and who is ignored, is left out.

    Parameters
    ----------
    path
        The file to write.
    faces
        The merged face table, with its embeddings beside it.
    members
        Who each face is.

    Raises
    ------
    ValueError
        When there are more or fewer members than faces, and as `castgraph.base.tables.open_embeddings`.
    """
    embeddings = tables.open_embeddings(faces)
    if len(embeddings) != len(members.person):
        raise ValueError(
            f"{faces} holds {len(embeddings)} faces, but there are {len(members.person)} members"
        )
    with files.atomic(path) as part, part.open("w", encoding="utf-8") as file:
        batches = tables.batches(faces, tables.MERGED_FACES, ["broadcast", "frame", *BOX], 4096)
        rows = (row for batch in batches for row in batch.to_pylist())
        who = [*members.ids, -1]  # the last for nobody
        for row, person, why, embedding in zip(rows, members.person, members.why, embeddings, strict=True):
            if why in tables.LEFT_OUT:
                continue
            face = {
                "faceid": who[person],
                "image": f"{row['broadcast']}/{frame_name(row['broadcast'], row['frame'])}",
                "box": [row[side] for side in BOX],
                "encoding": embedding.astype(float).tolist(),
            }
            file.write(json.dumps(face, ensure_ascii=False) + "\n")
