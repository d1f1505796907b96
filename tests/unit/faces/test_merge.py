"""The merge: the tables of all broadcasts, and which faces count."""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from castgraph.base import files, tables
from castgraph.faces.engine import Face
from castgraph.faces.merge import broadcast_row, merge
from castgraph.faces.quality import Quality

OTHER = "NTV_20261001_030000"
ANOTHER = "NTV_20261001_010000"


def face(left: int) -> Face:
    return Face(
        1, left + 10, 11, left, 0.5, 12.0, np.arange(10, dtype=np.float32), np.full(128, left, np.float32)
    )


def write_encoded(
    folder: Path, broadcast: str, statuses: list[str], n_faces: int, size: int = 128, **facts
) -> tuple[Path, Path]:
    """Write the two tables of a broadcast as the encode job does."""
    paths = folder / "faces" / f"{broadcast}.parquet", folder / "frames" / f"{broadcast}.parquet"
    rows = [
        {"broadcast": broadcast, "face": n, "frame": n + 1, **face(n)._asdict(), "embedding": [n + 1] * size}
        for n in range(n_faces)
    ]
    frames = [
        {"broadcast": broadcast, "frame": n + 1, "n_faces": 0, "status": status, "reason": ""}
        for n, status in enumerate(statuses)
    ]
    provenance = tables.provenance("encode", {}, **{"status": "ok", "reason": "", "n_refused": 0, **facts})
    tables.write(paths[0], pa.Table.from_pylist(rows, schema=tables.encoded_faces(size)), provenance)
    tables.write(paths[1], pa.Table.from_pylist(frames, schema=tables.FRAMES), provenance)
    return paths


def merged(folder: Path, encoded: list[tuple[Path, Path]], **quality: float | None) -> dict[str, Path]:
    out = {name: folder / f"{name}.parquet" for name in ("broadcasts", "faces", "frames")}
    merge(encoded, **out, quality=Quality(**quality), frame_seconds=4, settings={"encoder": "test"})
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
    assert tables.open_embeddings(second["faces"])[:, 0].tolist() == [1, 1, 2]


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


def told(folder: Path, frames: list[tuple[str, str]], **facts: str) -> tuple[str, str]:
    """What a broadcast table says of a broadcast whose frames have these statuses and reasons."""
    faces, path = write_encoded(folder, OTHER, [status for status, _ in frames], 0, **facts)
    rewritten(path, tables.FRAMES, reason=[reason for _, reason in frames])
    row = broadcast_row(faces, path)
    return row["status"], row["reason"]


TURNED = ("ok", "EXIF orientation 6 not applied")
SIZE = "16320x12240 pixels; at most 128000000 pixels are allowed"


@pytest.mark.parametrize(
    ("frames", "facts", "expected"),
    [
        ([("ok", "")], {}, ("ok", "")),
        ([TURNED] * 12 + [("ok", "")], {}, ("ok", "12 frames: EXIF orientation 6 not applied")),
        (
            [TURNED, ("ok", "greyscale, EXIF orientation 6 not applied"), ("ok", "greyscale, CMYK")],
            {"reason": "1 other file left alone: 1 .txt"},
            (
                "ok",
                "1 other file left alone: 1 .txt; 2 frames: EXIF orientation 6 not applied; "
                "2 frames: greyscale; 1 frame: CMYK",
            ),
        ),
        ([("unreadable", SIZE)], {}, ("damaged", f"no frame could be read: {SIZE}")),
        (
            [("unreadable", "broken"), ("unreadable", SIZE), ("unreadable", SIZE)],
            {},
            ("damaged", f"no frame could be read, 2 of them: {SIZE}"),
        ),
        (
            [("unreadable", "broken"), TURNED],
            {},
            ("partial", "1 of 2 frames unreadable: broken; 1 frame: EXIF orientation 6 not applied"),
        ),
        (
            [("damaged", "CRC"), ("unreadable", "broken"), ("ok", "")],
            {"status": "partial", "reason": "1 of 3 frames damaged; the first: CRC"},
            ("partial", "1 of 3 frames damaged; the first: CRC; 1 of 3 frames unreadable: broken"),
        ),
    ],
)
def test_a_broadcast_tells_what_is_odd_about_its_frames_and_why_some_cannot_be_read(
    frames: list[tuple[str, str]], facts: dict[str, str], expected: tuple[str, str], tmp_path: Path
) -> None:
    assert told(tmp_path, frames, **facts) == expected


def test_of_many_kinds_of_odd_frames_a_few_are_told(tmp_path: Path) -> None:
    frames = [("ok", ", ".join(f"kind {kind}" for kind in range(1 + n % 9))) for n in range(50_000)]
    assert told(tmp_path, frames) == (
        "ok",
        "50,000 frames: kind 0; 44,444 frames: kind 1; 38,888 frames: kind 2; 6 more kinds of odd frames",
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


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


STEPS = {
    "the first face table": ("faces", 0),
    "the last face table": ("faces", 1),
    "the last frame table": ("frames", 1),
    "the embeddings": "embeddings_writer",
    "a table": "writer",
    "a broadcast": "broadcast_row",
    "the time": "frame_times",
}


@pytest.mark.parametrize("step", STEPS)
def test_whatever_fails_what_was_there_is_untouched(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = [write_encoded(tmp_path, name, ["ok"], 2) for name in ("A_20240101_000000", OTHER)]
    merged(tmp_path, encoded)
    before = content(tmp_path)
    assert set(before) == {"embeddings.npy", "faces.parquet", "frames.parquet", "broadcasts.parquet"}
    encoded.append(write_encoded(tmp_path, "Z_20240101_000000", ["ok"], 1))
    match STEPS[step]:
        case (kind, number):
            encoded[number][kind == "frames"].write_bytes(b"no table")
        case name:
            module = sys.modules["castgraph.faces.merge"]
            owner = module if hasattr(module, name) else tables
            real, calls = getattr(owner, name), []

            def fails(*given, **more):
                calls.append(given)
                if len(calls) == (1 if name.endswith("writer") else 3):
                    raise ValueError("the step fails")
                return real(*given, **more)

            monkeypatch.setattr(owner, name, fails)
    with pytest.raises(ValueError, match=r"cannot be read as a table|the step fails"):
        merged(tmp_path, encoded)
    assert content(tmp_path) == before


def test_the_last_table_to_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = [write_encoded(tmp_path, OTHER, ["ok"], 2)]
    merged(tmp_path, encoded)
    before, real = content(tmp_path), tables.writer

    def fails(path: Path, schema: pa.Schema, facts: dict):
        if schema is tables.BROADCASTS:
            raise OSError("the disk fails")
        return real(path, schema, facts)

    monkeypatch.setattr(tables, "writer", fails)
    with pytest.raises(OSError, match="the disk fails"):
        merged(tmp_path, encoded, min_score=0.9)
    assert content(tmp_path) == before


def test_a_killed_merge_leaves_what_was_there_and_the_next_cleans_up(tmp_path: Path) -> None:
    """It is killed where all four files are written, and none has its name yet."""
    encoded = [write_encoded(tmp_path, OTHER, ["ok"], 2)]
    merged(tmp_path, encoded)
    before = content(tmp_path)
    killed = multiprocessing.get_context("fork").Process(target=merged_and_killed, args=(tmp_path, encoded))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    left = content(tmp_path)
    assert len(left) == 8
    assert {name: left[name] for name in before} == before
    merged(tmp_path, encoded)
    assert content(tmp_path) == before


def merged_and_killed(folder: Path, encoded: list[tuple[Path, Path]]) -> None:
    files._replace_together = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
    merged(folder, encoded, min_score=0.9)


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
    assert (
        found.drop_columns(["set_aside", "turn", "founds"]).to_pylist()
        == every.drop_columns("embedding").to_pylist()
    )
    assert (tables.open_embeddings(out["faces"]) == tables.embeddings(every["embedding"])).all()
    rows = pq.read_table(out["broadcasts"]).to_pylist()
    assert [(row["n_faces"], row["n_set_aside"]) for row in rows] == [(0, 0), (1, 1), (2, 2)]
    for path in out.values():
        facts = tables.read_provenance(path)
        assert (facts["n_faces"], facts["n_set_aside"]) == (3, 3)
        assert facts["set_aside"] == {"forgotten": 0, "min_face_px": 1, "min_score": 0, "min_sharpness": 2}
        assert facts["settings"] == {
            "encoder": "test",
            "frame_seconds": 4,
            "quality": {"min_face_px": 10, "min_score": 0.5, "min_sharpness": 12.5},
            "founding": {"min_face_px": 0, "min_score": None, "min_sharpness": 0, "max_turn": None},
        }
        assert facts["n_founding"] == 0  # none counts


def test_a_face_that_is_forgotten_counts_for_nothing_and_stays_counted(tmp_path: Path) -> None:
    encoded = write_encoded(tmp_path, OTHER, ["ok"], 3)
    faces = pq.read_table(encoded[0])
    kept = tables.embeddings(faces["embedding"])
    kept[1] = 0
    column = pa.FixedSizeListArray.from_arrays(kept.ravel(), 128)
    number = faces.schema.get_field_index("embedding")
    tables.write(encoded[0], faces.set_column(number, "embedding", column).cast(tables.FACES), {})
    out = merged(tmp_path, [encoded], min_sharpness=99)
    filtered = pq.read_table(out["faces"])["set_aside"].to_pylist()
    assert filtered == ["min_sharpness", "forgotten", "min_sharpness"]
    out = merged(tmp_path, [encoded])
    assert pq.read_table(out["faces"])["set_aside"].to_pylist() == ["", "forgotten", ""]
    facts = tables.read_provenance(out["faces"])
    assert (facts["n_faces"], facts["n_set_aside"], facts["set_aside"]["forgotten"]) == (3, 1, 1)


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
        patch.setattr(tables.parquet, "ROW_GROUP", at_a_time)
        patch.setattr(tables.parquet, "ROW_GROUP_BYTES", n_bytes)
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
    expected = [number + 1 for n in sizes for number in range(n)]
    assert tables.open_embeddings(out["faces"])[:, 5].tolist() == expected
    assert tables.read_provenance(out["faces"])["n_faces"] == sum(sizes)


def test_a_broadcast_with_very_many_faces(tmp_path: Path) -> None:
    """More than are read at a time."""
    n = 40_000
    paths = write_encoded(tmp_path, OTHER, ["ok"], 1)
    one = pq.read_table(paths[0])
    numbers = pa.array(np.arange(n, dtype=np.int32))
    many = one.take(np.zeros(n, np.int32)).set_column(1, "face", numbers).set_column(2, "frame", numbers)
    embeddings = np.repeat(np.arange(n, dtype=np.float32), 128)
    column = pa.FixedSizeListArray.from_arrays(pa.array(embeddings), 128)
    tables.write(paths[0], many.set_column(10, "embedding", column).cast(tables.FACES), {})
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


def rewritten(path: Path, schema: pa.Schema, **columns: list) -> None:
    table = pq.read_table(path)
    for name, values in columns.items():
        field = schema.field(name)
        table = table.set_column(schema.get_field_index(name), field, pa.array(values, field.type))
    tables.write(path, table.cast(schema), tables.read_provenance(path))


@pytest.mark.parametrize(
    "columns",
    [
        {"face": [0, 2, 1]},
        {"face": [1, 2, 3]},
        {"face": [0, 0, 1]},
        {"frame": [2, 1, 3]},
        {"frame": [-1, 1, 2]},
    ],
)
def test_faces_that_are_not_numbered_in_order_are_refused(columns: dict, tmp_path: Path) -> None:
    encoded = write_encoded(tmp_path, OTHER, ["ok"] * 3, 3)
    rewritten(encoded[0], tables.FACES, **columns)
    with pytest.raises(
        tables.TableError, match=rf"faces/{OTHER}\.parquet: its faces are not numbered 0, 1, 2"
    ):
        merged(tmp_path, [encoded])
    assert content(tmp_path) == {}


@pytest.mark.parametrize("frame", [[1, 1, 2], [2, 1, 3], [0, 1, 2]])
def test_frames_that_do_not_ascend_are_refused(frame: list[int], tmp_path: Path) -> None:
    encoded = write_encoded(tmp_path, OTHER, ["ok"] * 3, 0)
    rewritten(encoded[1], tables.FRAMES, frame=frame)
    with pytest.raises(
        tables.TableError, match=rf"frames/{OTHER}\.parquet: the numbers of its frames do not"
    ):
        merged(tmp_path, [encoded])


def test_encodings_of_an_earlier_version_are_recognised(tmp_path: Path) -> None:
    encoded = write_encoded(tmp_path, OTHER, ["ok"], 1)
    facts = tables.read_provenance(encoded[0])
    tables.write(encoded[0], pq.read_table(encoded[0]).drop_columns("face"), facts)
    with pytest.raises(tables.TableError, match="has no column face: it was made by an earlier castgraph"):
        merged(tmp_path, [encoded])


@pytest.mark.parametrize("frame_seconds", [0, -1, float("nan"), float("inf")])
def test_seconds_between_frames_are_positive(frame_seconds: float, tmp_path: Path) -> None:
    out = {name: tmp_path / f"{name}.parquet" for name in ("broadcasts", "faces", "frames")}
    with pytest.raises(ValueError, match=r"frame_seconds: .* is not allowed"):
        merge([], **out, quality=Quality(), frame_seconds=frame_seconds, settings={})


def digest(folder: Path, encoded: list[tuple[Path, Path]], **quality: float | None) -> str:
    folder.mkdir(exist_ok=True)
    return tables.read_provenance(merged(folder, encoded, **quality)["faces"])["digest"]


def test_the_digest_is_that_of_what_the_faces_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of their keys, frames and boxes, their embeddings, and of which are set aside."""
    ids = ["A_20240101_000000", "A_20240102_000000"]
    encoded = [write_encoded(tmp_path, name, ["ok"] * 3, n) for n, name in enumerate(ids, 2)]
    found = [digest(tmp_path / "run", encoded)]
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["castgraph.faces.merge"], "_ROWS", 1)
        assert digest(tmp_path / "run", encoded[::-1]) == found[0]
    faceless = write_encoded(tmp_path, OTHER, ["ok"], 0)
    assert digest(tmp_path / "run", [*encoded, faceless]) == found[0]

    found.append(digest(tmp_path / "run", encoded, min_score=0.9))
    found.append(digest(tmp_path / "run", encoded[:1]))
    moved = write_encoded(tmp_path / "moved", ids[0], ["ok"] * 3, 3)
    found.append(digest(tmp_path / "run", [moved, encoded[1]]))
    for name, change in (
        ("frame", {"frame": [1, 3]}),
        ("box", {"left": [5, 5]}),
        ("embedding", {"embedding": [[0.5] * 128] * 2}),
    ):
        changed = write_encoded(tmp_path / name, ids[0], ["ok"] * 3, 2)
        rewritten(changed[0], tables.FACES, **change)
        found.append(digest(tmp_path / "run", [changed, encoded[1]]))
    assert len(set(found)) == len(found) == 7


@pytest.mark.parametrize("n_faces", [0, 3])
def test_embeddings_may_have_any_size(n_faces: int, tmp_path: Path) -> None:
    encoded = [
        write_encoded(tmp_path, name, ["ok"], n, size=5) for name, n in ((ANOTHER, 0), (OTHER, n_faces))
    ]
    found = tables.open_embeddings(merged(tmp_path, encoded)["faces"])
    assert found.tolist() == [[n + 1] * 5 for n in range(n_faces)]
    assert found.shape == (n_faces, 5)


def test_embeddings_of_two_sizes_are_refused(tmp_path: Path) -> None:
    sizes = ((ANOTHER, 128), (OTHER, 512))
    encoded = [write_encoded(tmp_path, name, ["ok"], 1, size=size) for name, size in sizes]
    with pytest.raises(
        tables.TableError, match=f"{OTHER}.* of 512 numbers and .*{ANOTHER}.* of 128; a run has one"
    ):
        merged(tmp_path, encoded)
