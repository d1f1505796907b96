"""Faces that count, and labels of a run in which some are set aside."""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from castgraph import tables
from castgraph.clustering import dbscan, read_counted

cluster = partial(dbscan, eps=0.4, min_samples=3)


def label_faces(path: Path, cluster) -> np.ndarray:
    return read_counted(path).labels(cluster)


def write(path: Path, embeddings: np.ndarray, aside: list[str], row_group: int = 7) -> Path:
    """Write a merged face table with only what is read."""
    rows = [
        {"broadcast": "NTV_20261001_030000", "frame": n + 1, "embedding": embedding, "set_aside": name}
        for n, (embedding, name) in enumerate(zip(embeddings, aside, strict=True))
    ]
    parts = [rows[start : start + row_group] for start in range(0, len(rows), row_group)]
    schema = tables.MERGED_FACES
    tables.write_all(path, schema, (pa.Table.from_pylist(part, schema=schema) for part in parts), {})
    return path


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    """60 faces of 6 people in mixed order, the last of whom lies between two others; shape (60, 128)."""
    rng = np.random.default_rng(3)
    middles = rng.normal(size=(6, 128)) * 0.08
    middles[5] = middles[0] + 0.55 * (middles[1] - middles[0])
    return (middles[rng.permutation(np.arange(60) % 6)] + rng.normal(size=(60, 128)) * 0.02).astype(
        np.float32
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_rest_is_labelled_as_if_faces_set_aside_were_not_there(
    share: float, people: np.ndarray, tmp_path: Path
) -> None:
    aside = np.random.default_rng(int(share * 10)).random(60) < share
    names = np.where(aside, "min_score", "").tolist()
    labels = label_faces(write(tmp_path / "all.parquet", people, names), cluster)
    without = write(tmp_path / "without.parquet", people[~aside], [""] * int((~aside).sum()))
    assert labels.dtype == np.int32
    assert labels.shape == (60,)
    assert set(labels[aside]) == {tables.NOISE}
    assert labels[~aside].tolist() == label_faces(without, cluster).tolist()
    assert labels[~aside].tolist() == cluster(people[~aside]).tolist()


def test_a_face_set_aside_makes_no_core_and_joins_nobody(tmp_path: Path) -> None:
    """Ten faces in a row, each within eps of its neighbours only: one gap parts them."""
    row = np.zeros((10, 128), np.float32)
    row[:, 0] = np.arange(10) * 0.3
    whole = label_faces(write(tmp_path / "a.parquet", row, [""] * 10), cluster)
    assert whole.tolist() == [0] * 10
    parted = ["", "", "", "", "min_face_px", "", "", "", "min_sharpness", ""]
    assert label_faces(write(tmp_path / "b.parquet", row, parted), cluster).tolist() == [
        0, 0, 0, 0, -1, 1, 1, 1, -1, -1,
    ]  # fmt: skip


def test_an_embedding_that_is_no_number_does_no_harm_where_it_is_set_aside(tmp_path: Path) -> None:
    embeddings = np.zeros((4, 128), np.float32)
    embeddings[1] = np.nan
    path = write(tmp_path / "faces.parquet", embeddings, ["", "min_sharpness", "", ""])
    assert label_faces(path, cluster).tolist() == [0, -1, 0, 0]
    path = write(tmp_path / "faces.parquet", embeddings, [""] * 4)
    with pytest.raises(ValueError, match="NaN"):
        label_faces(path, cluster)


@pytest.mark.parametrize("n_faces", [0, 3])
def test_no_face_that_counts_gives_nobody(n_faces: int, tmp_path: Path) -> None:
    path = write(tmp_path / "faces.parquet", np.zeros((n_faces, 128), np.float32), ["min_score"] * n_faces)
    assert label_faces(path, cluster).tolist() == [-1] * n_faces


def test_faces_are_read_by_broadcast(tmp_path: Path) -> None:
    """Row groups need not be broadcasts, and a broadcast whose faces are all set aside is not there."""
    schema = tables.MERGED_FACES
    rng = np.random.default_rng(0)
    names = ["A_1"] * 5 + ["B_2"] * 3 + ["C_3"] * 4
    aside = [""] * 5 + ["min_score"] * 3 + ["", "min_score", "", ""]
    embeddings = rng.normal(size=(12, 128)).astype(np.float32)
    rows = [
        {"broadcast": name, "embedding": embedding, "set_aside": text}
        for name, embedding, text in zip(names, embeddings, aside, strict=True)
    ]
    parts = [pa.Table.from_pylist(rows[start : start + 4], schema=schema) for start in (0, 4, 8)]
    tables.write_all(tmp_path / "faces.parquet", schema, parts, {})
    faces = read_counted(tmp_path / "faces.parquet")
    counted = np.array([not text for text in aside])
    assert (faces.counted == counted).all()
    assert (faces.points == embeddings[counted]).all()
    assert faces.n_set_aside == 4
    assert [(portion.broadcast, portion.n_faces) for portion in faces.portions] == [("A_1", 5), ("C_3", 3)]
    assert len({portion.digest for portion in faces.portions}) == 2
