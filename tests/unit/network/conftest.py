"""What the tests of the network share: the demo's ground truth, and small networks."""

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from tests.members import person

from castgraph.base import tables

TIME = datetime(2024, 1, 2, 19, 0, 8, tzinfo=UTC)


@pytest.fixture(scope="session")
def truth(demo: Path) -> tuple[pa.Table, np.ndarray, list[str]]:
    """The true faces of the demo, their labels (passers-by are noise) and the names of the people."""
    with (demo / "ground_truth.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda r: (r["broadcast"], int(r["frame"]), int(r["left"])))
    names = sorted({row["person"] for row in rows if not row["person"].startswith("Passer-by")})
    number = {name: i for i, name in enumerate(names)}
    faces = pa.table(
        {
            "broadcast": pa.array([row["broadcast"] for row in rows]).dictionary_encode(),
            "frame": pa.array([int(row["frame"]) for row in rows], pa.int32()),
        }
    )
    labels = np.array([number.get(row["person"], tables.NOISE) for row in rows], dtype=np.int32)
    return faces, labels, names


@pytest.fixture(scope="session")
def make_people() -> Callable[[dict[int, str]], pa.Table]:
    """Make a people table of labels and names."""

    def make(names: dict[int, str]) -> pa.Table:
        common: dict[str, Any] = dict.fromkeys(tables.PEOPLE.names, 0) | {
            "name_from": "",
            "n_faces": 12,
            "screen_seconds": 44.0,
            "first_seen": TIME,
            "last_seen": TIME,
            "broadcast": "DEMO1_20240102_190000",
        }
        rows = [
            common | {"person_id": person(i), "name": n, "portrait": f"{i}.jpg"}
            for i, n in sorted(names.items())
        ]
        return pa.Table.from_pylist(rows, schema=tables.PEOPLE)

    return make


@pytest.fixture(scope="session")
def make_edges() -> Callable[[Sequence[tuple[int, int, int]]], pa.Table]:
    """Make an edge table of pairs and the frames that show both."""

    def make(pairs: Sequence[tuple[int, int, int]]) -> pa.Table:
        rows = [
            {
                "source": person(source),
                "target": person(target),
                "same_frame": frames,
                "adjacent": 0,
                "within": frames,
                "same_broadcast": 1,
                "n_broadcasts": 1,
                "first_seen": TIME,
                "last_seen": TIME,
                "broadcast": "DEMO1_20240102_190000",
                "frame": 3,
                "weight": 2.0 * frames,
                "expected": 0.5,
                "ratio": 2.0 * frames,
                "z": 1.25,
                "p": 0.1**frames,
                "q": 0.2**frames,
            }
            for source, target, frames in pairs
        ]
        return pa.Table.from_pylist(rows, schema=tables.EDGES)

    return make


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """A folder of plain portraits for the people 0 to 19."""
    folder = tmp_path / "portraits"
    folder.mkdir()
    for i in range(20):
        Image.new("RGB", (192, 192), (12 * i, 120, 200)).save(folder / f"{i}.jpg")
    return folder
