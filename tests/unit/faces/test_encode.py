"""The encode job and the merge: tables that say what happened to every frame."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph import tables
from castgraph.archive import Manifest, UnzippedFrame
from castgraph.faces import Face, encode, merge, phash, read_frame

OTHER = "NTV_20261001_030000"


class CountingEngine:
    """Finds one face in every picture that is not dark, and two in none; it counts what it is given."""

    def __init__(self) -> None:
        self.models: dict[str, str] = {}
        self.batches: list[int] = []

    def encode(self, pictures):
        self.batches.append(len(pictures))
        return [[face(left) for left in (5, 30)[: 1 + n % 2]] for n, _ in enumerate(pictures)]


def face(left: int) -> Face:
    return Face(
        1, left + 10, 11, left, 0.5, 12.0, np.arange(10, dtype=np.float32), np.full(128, left, np.float32)
    )


@pytest.fixture
def short(frames) -> tuple[Manifest, Path]:
    manifest, folder = frames
    return dataclasses.replace(manifest, frames=manifest.frames[:21]), folder


def test_every_frame_and_face_is_a_row(short) -> None:
    manifest, folder = short
    engine = CountingEngine()
    faces, frames = encode(manifest, folder, engine)
    assert faces.schema.equals(tables.FACES)
    assert frames.schema.equals(tables.FRAMES)
    assert engine.batches == [16, 5]
    assert frames["frame"].to_pylist() == list(range(1, 22))
    assert set(frames["status"].to_pylist()) == {"ok"}
    assert frames["n_faces"].to_pylist() == [1 + n % 2 for n in [*range(16), *range(5)]]
    assert frames["width"].to_pylist() == [640] * 21
    assert frames["phash"][3].as_py() == phash(read_frame(folder / manifest.frames[3].file))
    rows = faces.select(["frame", "left"]).to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["frame"], row["left"]))
    assert faces.num_rows == sum(frames["n_faces"].to_pylist())
    assert faces["embedding"][1].as_py() == [5.0] * 128


def test_bad_frames_are_rows_with_a_reason_and_the_rest_goes_on(short, tmp_path: Path) -> None:
    manifest, folder = short
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "good.jpg").write_bytes((folder / manifest.frames[5].file).read_bytes())
    entries = (
        UnzippedFrame(1, "text.jpg"),
        UnzippedFrame(2, None, "damaged", "CRC error"),
        UnzippedFrame(7, "good.jpg"),
    )
    faces, frames = encode(dataclasses.replace(manifest, frames=entries), tmp_path, CountingEngine())
    assert frames.select(["frame", "status", "reason", "n_faces"]).to_pylist() == [
        {"frame": 1, "status": "unreadable", "reason": "not a JPEG picture", "n_faces": 0},
        {"frame": 2, "status": "damaged", "reason": "CRC error", "n_faces": 0},
        {"frame": 7, "status": "ok", "reason": "", "n_faces": 1},
    ]
    assert faces["frame"].to_pylist() == [7]


def test_a_frame_that_vanished_is_an_error_of_the_job(short, tmp_path: Path) -> None:
    manifest, _ = short
    with pytest.raises(FileNotFoundError):
        encode(manifest, tmp_path, CountingEngine())


def test_a_broadcast_without_frames_gives_empty_tables(short, tmp_path: Path) -> None:
    manifest, _ = short
    faces, frames = encode(dataclasses.replace(manifest, frames=()), tmp_path, CountingEngine())
    assert (faces.num_rows, frames.num_rows) == (0, 0)
    assert faces.schema.equals(tables.FACES)


def write_encoded(
    folder: Path, broadcast: str, statuses: list[str], n_faces: int, **facts
) -> tuple[Path, Path]:
    """Write the two tables of a broadcast as the encode job does."""
    import pyarrow as pa

    paths = folder / "faces" / f"{broadcast}.parquet", folder / "frames" / f"{broadcast}.parquet"
    rows = [{"broadcast": broadcast, "frame": n + 1, **face(n)._asdict()} for n in range(n_faces)]
    frames = [
        {"broadcast": broadcast, "frame": n + 1, "n_faces": 0, "status": status, "reason": ""}
        for n, status in enumerate(statuses)
    ]
    provenance = tables.provenance("encode", {}, **{"status": "ok", "reason": "", "n_refused": 0, **facts})
    tables.write(paths[0], pa.Table.from_pylist(rows, schema=tables.FACES), provenance)
    tables.write(paths[1], pa.Table.from_pylist(frames, schema=tables.FRAMES), provenance)
    return paths


def merged(folder: Path, encoded: list[tuple[Path, Path]]) -> dict[str, Path]:
    out = {name: folder / f"{name}.parquet" for name in ("broadcasts", "faces", "frames")}
    merge(encoded, **out, settings={"encoder": "test"})
    return out


def test_merge_joins_in_the_order_of_broadcasts_whatever_the_order_given(tmp_path: Path) -> None:
    ids = ["B_20240101_000000", "A_20240101_000000", "A_20240102_000000"]
    encoded = [write_encoded(tmp_path, name, ["ok"] * (n + 1), n) for n, name in enumerate(ids)]
    first = {k: p.read_bytes() for k, p in merged(tmp_path, encoded).items()}
    second = merged(tmp_path, encoded[::-1])
    assert {k: p.read_bytes() for k, p in second.items()} == first
    assert pq.read_table(second["faces"])["broadcast"].to_pylist() == [ids[1], ids[2], ids[2]]
    assert pq.read_table(second["broadcasts"])["broadcast"].to_pylist() == sorted(ids)
    assert tables.read_provenance(second["faces"])["n_faces"] == 3
    assert tables.embeddings(pq.read_table(second["faces"])["embedding"])[:, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("unzipped", "frames", "expected"),
    [
        ("ok", ["ok", "ok"], "ok"),
        ("ok", ["ok", "unreadable"], "partial"),
        ("partial", ["ok", "damaged"], "partial"),
        ("ok", ["unreadable", "unreadable"], "damaged"),
        ("damaged", ["damaged"], "damaged"),
        ("damaged", [], "damaged"),
        ("empty", [], "empty"),
        ("missing", [], "missing"),
    ],
)
def test_the_status_of_a_broadcast(unzipped: str, frames: list[str], expected: str, tmp_path: Path) -> None:
    reason = "" if unzipped == "ok" else "why"
    encoded = write_encoded(tmp_path, OTHER, frames, 0, status=unzipped, reason=reason, n_refused=3)
    [row] = pq.read_table(merged(tmp_path, [encoded])["broadcasts"]).to_pylist()
    assert row["status"] == expected
    assert bool(row["reason"]) == (expected != "ok")
    assert row["n_refused"] == 3
    assert row["n_unreadable"] == sum(status != "ok" for status in frames)
    assert (row["station"], row["title"], row["start"].isoformat()) == (
        "NTV",
        "",
        "2026-10-01T03:00:00+00:00",
    )


def test_a_table_of_another_broadcast_is_refused(tmp_path: Path) -> None:
    faces, frames = write_encoded(tmp_path, OTHER, ["ok"], 1)
    wrong = faces.with_name("NTV_20261002_030000.parquet"), frames.with_name("NTV_20261002_030000.parquet")
    faces.rename(wrong[0])
    frames.rename(wrong[1])
    with pytest.raises(
        ValueError, match=r"20261002_030000\.parquet holds broadcasts \['NTV_20261001_030000'\]"
    ):
        merged(tmp_path, [wrong])
    assert not (tmp_path / "broadcasts.parquet").exists()


def test_a_run_without_broadcasts_or_faces_gives_empty_tables(tmp_path: Path) -> None:
    out = merged(tmp_path, [])
    assert {name: pq.read_table(path).num_rows for name, path in out.items()} == dict.fromkeys(out, 0)
    assert tables.embeddings(pq.read_table(out["faces"])["embedding"]).shape == (0, 128)


@settings(max_examples=30, deadline=None)
@given(chunks=st.lists(st.integers(0, 4), max_size=4))
def test_embeddings_come_back_as_they_were_whatever_the_chunks(chunks: list[int]) -> None:
    import pyarrow as pa

    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(n, 128)).astype(np.float32) for n in chunks]
    kind = tables.FACES.field("embedding").type
    column = pa.chunked_array([pa.array(list(array), kind) for array in arrays], kind)
    expected = np.concatenate([np.empty((0, 128), np.float32), *arrays])
    assert (tables.embeddings(column) == expected).all()


def test_provenance_holds_nothing_that_differs_between_runs(tmp_path: Path) -> None:
    one, two = (write_encoded(tmp_path / name, OTHER, ["ok"], 1)[0] for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert json.dumps(tables.read_provenance(one)).count(str(tmp_path)) == 0
