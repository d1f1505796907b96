"""Faces that count, and labels of a run in which some are set aside."""

import hashlib
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.base import tables
from castgraph.clustering import dbscan
from castgraph.clustering.algorithms import ALGORITHMS
from castgraph.run.counted import Portion, read_counted

cluster = partial(dbscan, eps=0.4, min_samples=3)


def label_faces(path: Path, cluster) -> np.ndarray:
    faces = read_counted(path)
    return faces.spread(cluster(faces.points) if len(faces.points) else np.empty(0, np.int32))


def write(folder: Path, embeddings: np.ndarray, aside: list[str], names: list[str] | None = None) -> Path:
    """Write a merged face table, with only what is read, and its embeddings; give the path of the table."""
    names = names or ["NTV_20261001_030000"] * len(aside)
    rows = [
        {"broadcast": name, "set_aside": text, "founds": True}
        for name, text in zip(names, aside, strict=True)
    ]
    folder.mkdir(exist_ok=True)
    tables.write(folder / "faces.parquet", pa.Table.from_pylist(rows, schema=tables.MERGED_FACES), {})
    np.save(folder / tables.EMBEDDINGS, embeddings)
    return folder / "faces.parquet"


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
    labels = label_faces(write(tmp_path / "all", people, names), cluster)
    without = write(tmp_path / "without", people[~aside], [""] * int((~aside).sum()))
    assert labels.dtype == np.int32
    assert labels.shape == (60,)
    assert set(labels[aside]) == {tables.NOISE}
    assert labels[~aside].tolist() == label_faces(without, cluster).tolist()
    assert labels[~aside].tolist() == cluster(people[~aside]).tolist()


def test_a_face_set_aside_makes_no_core_and_joins_nobody(tmp_path: Path) -> None:
    """Ten faces in a row, each within eps of its neighbours only: one gap parts them."""
    row = np.zeros((10, 128), np.float32)
    row[:, 0] = np.arange(10) * 0.3
    whole = label_faces(write(tmp_path / "a", row, [""] * 10), cluster)
    assert whole.tolist() == [0] * 10
    parted = ["", "", "", "", "min_face_px", "", "", "", "min_sharpness", ""]
    assert label_faces(write(tmp_path / "b", row, parted), cluster).tolist() == [
        0, 0, 0, 0, -1, 1, 1, 1, -1, -1,
    ]  # fmt: skip


def test_an_embedding_that_is_no_number_does_no_harm_where_it_is_set_aside(tmp_path: Path) -> None:
    embeddings = np.zeros((4, 128), np.float32)
    embeddings[1] = np.nan
    path = write(tmp_path, embeddings, ["", "min_sharpness", "", ""])
    assert label_faces(path, cluster).tolist() == [0, -1, 0, 0]
    path = write(tmp_path, embeddings, [""] * 4)
    with pytest.raises(ValueError, match="NaN"):
        label_faces(path, cluster)


@pytest.mark.parametrize("n_faces", [0, 3])
def test_no_face_that_counts_gives_nobody(n_faces: int, tmp_path: Path) -> None:
    path = write(tmp_path, np.zeros((n_faces, 128), np.float32), ["min_score"] * n_faces)
    assert label_faces(path, cluster).tolist() == [-1] * n_faces


@pytest.mark.parametrize("at_a_time", [1, 4, 100])
def test_faces_are_read_by_broadcast(at_a_time: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read at a time need not be a broadcast, and one whose faces are all set aside is not there."""
    monkeypatch.setattr(tables, "ROW_GROUP", at_a_time)
    names = ["A_1"] * 5 + ["B_2"] * 3 + ["C_3"] * 4
    aside = [""] * 5 + ["min_score"] * 3 + ["", "min_score", "", ""]
    embeddings = np.random.default_rng(0).normal(size=(12, 128)).astype(np.float32)
    faces = read_counted(write(tmp_path, embeddings, aside, names))
    counted = np.array([not text for text in aside])
    assert (faces.counted == counted).all()
    assert (faces.points == embeddings[counted]).all()
    assert faces.n_set_aside == 4
    # The saved state of earlier versions has the same digests.
    digests = [
        hashlib.blake2b(embeddings[rows].tobytes(), digest_size=16).hexdigest()
        for rows in (range(5), [8, 10, 11])
    ]
    assert faces.portions == (Portion("A_1", 5, digests[0]), Portion("C_3", 3, digests[1]))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_where_every_face_counts_the_file_itself_is_clustered(
    algorithm: str, people: np.ndarray, tmp_path: Path
) -> None:
    cluster = partial(ALGORITHMS[algorithm], min_samples=3)
    if algorithm != "hdbscan":
        cluster = partial(cluster, eps=0.4)
    faces = read_counted(write(tmp_path, people, [""] * 60))
    assert not faces.points.flags.owndata
    assert not faces.points.flags.writeable
    assert faces.points.flags.c_contiguous
    assert faces.spread(cluster(faces.points)).tolist() == cluster(people).tolist()


@settings(max_examples=settings().max_examples // 2)
@given(aside=st.lists(st.sampled_from(["", "", "min_score"]), max_size=20), at_a_time=st.integers(1, 25))
def test_whatever_is_set_aside_the_others_are_read(
    aside: list[str], at_a_time: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [f"B_{n // 3}" for n in range(len(aside))]
    embeddings = np.random.default_rng(len(aside)).normal(size=(len(aside), 128)).astype(np.float32)
    path = write(tmp_path_factory.mktemp("run"), embeddings, aside, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP", at_a_time)
        faces = read_counted(path)
    kept = [n for n, text in enumerate(aside) if not text]
    assert (faces.points == embeddings[kept]).all()
    counts = Counter(names[n] for n in kept)
    assert {portion.broadcast: portion.n_faces for portion in faces.portions} == counts
