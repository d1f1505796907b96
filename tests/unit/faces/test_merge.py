"""The merge: the tables of all broadcasts, and which faces count."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from castgraph.base import tables
from castgraph.faces import Face, Quality, merge

OTHER = "NTV_20261001_030000"


def face(left: int) -> Face:
    return Face(
        1, left + 10, 11, left, 0.5, 12.0, np.arange(10, dtype=np.float32), np.full(128, left, np.float32)
    )


def write_encoded(
    folder: Path, broadcast: str, statuses: list[str], n_faces: int, **facts
) -> tuple[Path, Path]:
    """Write the two tables of a broadcast as the encode job does."""
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


def merged(folder: Path, encoded: list[tuple[Path, Path]], **quality: float | None) -> dict[str, Path]:
    out = {name: folder / f"{name}.parquet" for name in ("broadcasts", "faces", "frames")}
    merge(encoded, **out, quality=Quality(**quality), settings={"encoder": "test"})
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
    assert tables.open_embeddings(second["faces"])[:, 0].tolist() == [0, 0, 1]


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
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_where_the_broadcast_table_is_the_others_are_whole(tmp_path: Path) -> None:
    """A second merge breaks off at a table that is no table; no old broadcast table vouches for the rest."""
    encoded = [write_encoded(tmp_path, name, ["ok"], 2) for name in ("A_20240101_000000", OTHER)]
    out = merged(tmp_path, encoded)
    before = {path: path.read_bytes() for path in out.values()}
    encoded[1][0].write_bytes(b"no table")
    with pytest.raises(pa.ArrowInvalid):
        merged(tmp_path, encoded)
    left = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    del before[out["broadcasts"]], left[tmp_path / tables.EMBEDDINGS]
    assert left == before


def test_a_run_without_broadcasts_or_faces_gives_empty_tables(tmp_path: Path) -> None:
    out = merged(tmp_path, [], min_face_px=50)
    assert {name: pq.read_table(path).num_rows for name, path in out.items()} == dict.fromkeys(out, 0)
    assert tables.open_embeddings(out["faces"]).shape == (0, 128)


@settings(max_examples=settings().max_examples // 2)
@given(chunks=st.lists(st.integers(0, 4), max_size=4))
def test_embeddings_come_back_as_they_were_whatever_the_chunks(chunks: list[int]) -> None:
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


def test_the_merge_keeps_every_face_and_tells_which_are_set_aside_by_what(tmp_path: Path) -> None:
    """The faces of a broadcast differ in nothing but their embedding, so each broadcast gets its own box."""
    ids = ["A_20240101_000000", "A_20240102_000000", OTHER]
    encoded = [write_encoded(tmp_path, name, ["ok"], n) for n, name in enumerate(ids)]
    faces = pq.read_table(encoded[2][0])
    small = faces.set_column(faces.schema.get_field_index("top"), "top", pa.array([1, 2], pa.int32()))
    tables.write(encoded[2][0], small.cast(tables.FACES), {})
    before = [path.read_bytes() for pair in encoded for path in pair]

    out = merged(tmp_path, encoded, min_face_px=10, min_score=0.5, min_sharpness=12.5)
    assert [path.read_bytes() for pair in encoded for path in pair] == before
    found = pq.read_table(out["faces"])
    assert found.schema.equals(tables.MERGED_FACES)
    assert found["set_aside"].to_pylist() == ["min_sharpness", "min_sharpness", "min_face_px"]
    every = pa.concat_tables(pq.read_table(faces) for faces, _ in encoded)
    assert found.drop_columns("set_aside").to_pylist() == every.drop_columns("embedding").to_pylist()
    assert (tables.open_embeddings(out["faces"]) == tables.embeddings(every["embedding"])).all()
    rows = pq.read_table(out["broadcasts"]).to_pylist()
    assert [(row["n_faces"], row["n_set_aside"]) for row in rows] == [(0, 0), (1, 1), (2, 2)]
    for path in out.values():
        facts = tables.read_provenance(path)
        assert (facts["n_faces"], facts["n_set_aside"]) == (3, 3)
        assert facts["set_aside"] == {"min_face_px": 1, "min_score": 0, "min_sharpness": 2}
        assert facts["settings"] == {
            "encoder": "test",
            "quality": {"min_face_px": 10, "min_score": 0.5, "min_sharpness": 12.5},
        }


def test_without_filters_every_face_counts(tmp_path: Path) -> None:
    out = merged(tmp_path, [write_encoded(tmp_path, OTHER, ["ok"], 3)])
    assert pq.read_table(out["faces"])["set_aside"].to_pylist() == [""] * 3
    assert pq.read_table(out["broadcasts"])["n_set_aside"].to_pylist() == [0]
    assert set(tables.read_provenance(out["faces"])["set_aside"].values()) == {0}


def row_groups(path: Path) -> list[int]:
    metadata = pq.read_metadata(path)
    return [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]


@settings(max_examples=settings().max_examples // 4)
@given(sizes=st.lists(st.integers(0, 9), max_size=7), at_a_time=st.integers(1, 12), n_bytes=st.just(1 << 20))
@example(sizes=[9, 0, 9], at_a_time=1_000, n_bytes=1)
def test_tables_are_the_same_whatever_the_row_groups(
    sizes: list[int], at_a_time: int, n_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    ids = [f"A_202401{n + 1:02}_000000" for n in range(len(sizes))]
    encoded = [write_encoded(folder, name, ["ok"] * 3, n) for name, n in zip(ids, sizes, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP", at_a_time)
        patch.setattr(tables, "ROW_GROUP_BYTES", n_bytes)
        out = merged(folder, encoded)
    for name, schema, inputs in (("faces", tables.FACES, 0), ("frames", tables.FRAMES, 1)):
        every = pa.concat_tables([schema.empty_table(), *(pq.read_table(pair[inputs]) for pair in encoded)])
        found = pq.read_table(out[name])
        assert found.select([c for c in schema.names if c != "embedding"]).to_pylist() == (
            every.drop_columns(["embedding"] if name == "faces" else []).to_pylist()
        )
        groups = row_groups(out[name])
        assert all(at_a_time <= n < at_a_time + 9 or n_bytes == 1 for n in groups[:-1])
        # A name is there once in each row group, and no more than a name for each row.
        names = [chunk.dictionary.to_pylist() for chunk in found["broadcast"].chunks]
        assert all(len(set(some)) == len(some) for some in names)
        assert sum(map(len, names)) <= len(groups) + len(ids)
    expected = [left for n in sizes for left in range(n)]
    assert tables.open_embeddings(out["faces"])[:, 5].tolist() == expected
    assert tables.read_provenance(out["faces"])["n_faces"] == sum(sizes)


def test_a_broadcast_with_very_many_faces(tmp_path: Path) -> None:
    """More than are read at a time."""
    n = 40_000
    paths = write_encoded(tmp_path, OTHER, ["ok"], 1)
    one = pq.read_table(paths[0])
    many = one.take(np.zeros(n, np.int32)).set_column(1, "frame", pa.array(np.arange(n, dtype=np.int32)))
    embeddings = np.repeat(np.arange(n, dtype=np.float32), 128)
    column = pa.FixedSizeListArray.from_arrays(pa.array(embeddings), 128)
    tables.write(paths[0], many.set_column(9, "embedding", column).cast(tables.FACES), {})
    out = merged(tmp_path, [paths])
    assert pq.read_table(out["faces"])["frame"].to_pylist() == list(range(n))
    assert (tables.open_embeddings(out["faces"]).ravel() == embeddings).all()
    assert pq.read_table(out["broadcasts"])["n_faces"].to_pylist() == [n]


def test_small_broadcasts_share_a_row_group(tmp_path: Path) -> None:
    encoded = [write_encoded(tmp_path, f"A_202401{n:02}_000000", ["ok"], 3) for n in range(1, 31)]
    out = merged(tmp_path, encoded)
    assert row_groups(out["faces"]) == [90]
    assert row_groups(out["frames"]) == [30]


def test_the_provenance_of_the_faces_tells_of_their_embeddings(tmp_path: Path) -> None:
    out = merged(tmp_path, [write_encoded(tmp_path, OTHER, ["ok"], 3)])
    assert "embedding" not in pq.read_schema(out["faces"]).names
    embeddings = np.load(tmp_path / tables.EMBEDDINGS)
    assert tables.read_provenance(out["faces"])["embeddings"] == {
        "file": "embeddings.npy",
        "shape": [3, 128],
        "dtype": "float32",
        "blake2b": hashlib.blake2b(embeddings.tobytes(), digest_size=16).hexdigest(),
    }
