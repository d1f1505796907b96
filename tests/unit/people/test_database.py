"""DATABASE.json."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.members import members

from castgraph.base import tables
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
    write_database_json(path, faces, members([0, -1, 1, 0, 2]))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["faceid"] for row in rows] == ["P00", -1, "P01", "P00", "P02"]
    assert rows[3]["image"] == f"{BROADCAST}/{BROADCAST}-000004.jpg"
    assert rows[3]["box"] == [3, 4, 5, 6]
    assert (np.array([row["encoding"] for row in rows], np.float32) == EMBEDDINGS).all()


def test_who_is_ignored_or_forgotten_and_what_is_no_face_is_left_out(faces: Path, tmp_path: Path) -> None:
    path, who = tmp_path / "DATABASE.json", members([0, -1, -1, -1, -1])
    who.why[2:] = tables.LEFT_OUT
    write_database_json(path, faces, who)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["faceid"], row["box"][0]) for row in rows] == [("P00", 0), (-1, 1)]


def test_members_of_another_table_are_refused(faces: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"faces\.parquet holds 5 faces, but there are 4 members"):
        write_database_json(tmp_path / "DATABASE.json", faces, members([0] * 4))
    assert not (tmp_path / "DATABASE.json").exists()
