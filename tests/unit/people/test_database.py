"""DATABASE.json."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from castgraph.people.database import write_database_json

BROADCAST = "DEMO1_20240102_190000_Evening_Review"


EMBEDDINGS = np.random.default_rng(0).normal(size=(5, 128)).astype(np.float32)


@pytest.fixture
def faces(write_faces: Callable[..., Path], tmp_path: Path) -> Path:
    rows = [
        {
            "broadcast": BROADCAST,
            "frame": n + 1,
            **dict(zip(("top", "right", "bottom", "left"), range(n, n + 4), strict=True)),
        }
        for n in range(5)
    ]
    return write_faces(tmp_path, rows, EMBEDDINGS)


def test_one_object_a_face_and_line(faces: Path, tmp_path: Path) -> None:
    path = tmp_path / "DATABASE.json"
    write_database_json(path, faces, np.array([0, -1, 1, 0, 2], np.int32))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["faceid"] for row in rows] == [0, -1, 1, 0, 2]
    assert rows[3]["image"] == f"{BROADCAST}/{BROADCAST}-000004.jpg"
    assert rows[3]["box"] == [3, 4, 5, 6]
    assert (np.array([row["encoding"] for row in rows], np.float32) == EMBEDDINGS).all()


def test_labels_of_another_table_are_refused(faces: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"faces\.parquet holds 5 faces, but there are 4 labels"):
        write_database_json(tmp_path / "DATABASE.json", faces, np.zeros(4, np.int32))
    assert not (tmp_path / "DATABASE.json").exists()
