"""How tables and embeddings are written and read."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.members import members

from castgraph.base import tables
from castgraph.base.files import atomic

NUMBERS = pa.schema([("n", pa.int32())])


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int32())})


def test_the_provenance_is_what_is_known_at_the_end(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"stage": "count"}
    with tables.writer(tmp_path / "t.parquet", NUMBERS, facts) as add:
        for n in range(3):
            add(numbers(n))
        facts["n"] = 3
    assert tables.read_provenance(tmp_path / "t.parquet") == {"stage": "count", "n": 3}
    assert pq.read_table(tmp_path / "t.parquet")["n"].to_pylist() == [0, 1, 2]


def test_a_part_with_other_columns_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="names are not matching"),
        atomic(tmp_path / "t.parquet") as part,
        tables.writer(part, NUMBERS, {}) as add,
    ):
        add(numbers(1))
        add(pa.table({"m": [1]}))
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_has_the_columns_of_its_kind(tmp_path: Path) -> None:
    for table in (tables.LABELS.empty_table().select(["label", "face", "broadcast"]), numbers(1)):
        with pytest.raises(tables.TableError, match=r"t\.parquet: the columns are"):
            tables.write(tmp_path / "t.parquet", table, {}, tables.LABELS)
    assert list(tmp_path.iterdir()) == []


def old(path: Path, schema: pa.Schema, without: str) -> Path:
    """A table as the version before wrote it."""
    table = schema.remove(schema.get_field_index(without)).empty_table()
    tables.write(path, table, {"castgraph": "0.1.0"})
    return path


def test_a_table_of_an_earlier_version_is_recognised(tmp_path: Path) -> None:
    path = old(tmp_path / "faces.parquet", tables.FACES, "face")
    told = re.escape(f"{path} has no column face: it was made by an earlier castgraph (0.1.0); the next run")
    with pytest.raises(tables.TableError, match=told):
        tables.read(path, tables.FACES)
    with pytest.raises(tables.TableError, match=told):
        list(tables.batches(path, tables.FACES))
    assert tables.read(path, tables.FACES, ["frame"]).num_rows == 0  # what is read of it is as it was


def test_a_column_of_another_type_is_recognised(tmp_path: Path) -> None:
    tables.write(tmp_path / "t.parquet", pa.table({"n": ["one"]}), {})
    with pytest.raises(tables.TableError, match="has a column n of string: it was made by an earlier"):
        tables.read(tmp_path / "t.parquet", NUMBERS)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"no table")
    with pytest.raises(tables.TableError, match=r"t\.parquet cannot be read as a table"):
        tables.read(tmp_path / "t.parquet", NUMBERS)


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_table_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    """Parquet alone gives whole seconds back as milliseconds."""
    kind = tables.TABLES[name]
    tables.write(tmp_path / "t.parquet", kind.schema.empty_table(), {}, kind.schema)
    assert tables.read(tmp_path / "t.parquet", kind.schema).schema.equals(kind.schema)
    tables.check(tmp_path / "t.parquet", kind)


def test_the_registry_is_of_one_piece() -> None:
    for name, kind in tables.TABLES.items():
        columns = kind.schema.names
        assert len(set(columns)) == len(columns), name
        assert set(kind.key) <= set(columns), name
        assert {column.removeprefix("-") for column in kind.order} <= set(columns), name
        assert all(meaning for _, _, meaning in kind.columns), name
    assert len({kind.path for kind in tables.TABLES.values()}) == len(tables.TABLES)


EDGE = {"source": "A", "target": "B", "weight": 5.0}


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([EDGE, EDGE | {"target": "C", "weight": 3.0}], ""),
        ([EDGE, EDGE | {"weight": 3.0}], "several rows with the same source, target"),
        ([EDGE | {"target": "C", "weight": 3.0}, EDGE], "not sorted by -weight, source, target"),
        ([EDGE | {"target": "C"}, EDGE], "not sorted by -weight, source, target"),
    ],
)
def test_key_and_order_are_checked(rows: list[dict[str, Any]], fault: str, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(rows, schema=tables.EDGES)
    tables.write(tmp_path / "edges.parquet", table, {})
    with pytest.raises(tables.TableError, match=fault) if fault else nullcontext():
        tables.check(tmp_path / "edges.parquet", tables.TABLES["edges"])


def test_a_column_too_many_is_found(tmp_path: Path) -> None:
    tables.write(tmp_path / "t.parquet", tables.LABELS.append(pa.field("x", pa.int8())).empty_table(), {})
    with pytest.raises(tables.TableError, match="has the columns"):
        tables.check(tmp_path / "t.parquet", tables.TABLES["labels"])


IDS = ["A_20240101_000000", "A_20240102_000000", "B_20240101_000000"]


def merged_faces(path: Path, counts: list[int], digest: str | None = "d", at_a_time: int = 2) -> Path:
    """A merged face table with so many faces of each broadcast, written in small row groups."""
    rows = [
        {"broadcast": name, "face": n} for name, count in zip(IDS, counts, strict=False) for n in range(count)
    ]
    table = pa.Table.from_pylist(rows, schema=tables.MERGED_FACES)
    with tables.writer(path, tables.MERGED_FACES, {"digest": digest} if digest else {}) as add:
        for begin in range(0, len(table), at_a_time):
            add(table.slice(begin, at_a_time))
    return path


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(0, 5), max_size=3), at_a_time=st.integers(1, 7))
def test_labels_come_back_with_the_keys_of_their_faces(
    counts: list[int], at_a_time: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    labels = np.random.default_rng(sum(counts)).integers(-1, 3, sum(counts), np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables.parquet, "ROW_GROUP", at_a_time)
        faces = merged_faces(folder / "faces.parquet", counts)
    tables.write_labels(folder / "labels.parquet", faces, labels, {}, 0)
    found = tables.read_labels(folder / "labels.parquet", faces)
    assert found.dtype == np.int32
    assert found.tolist() == labels.tolist()
    rows = tables.read(folder / "labels.parquet", tables.LABELS)
    assert rows.select(["broadcast", "face"]).to_pylist() == (
        tables.read(faces, tables.MERGED_FACES, ["broadcast", "face"]).to_pylist()
    )
    assert tables.read_provenance(folder / "labels.parquet")["digest"] == "d"


@pytest.mark.parametrize(
    ("counts", "digest"),
    [([2, 3], "another"), ([2, 3], None), ([3, 2], "d"), ([2, 0, 3], "d"), ([2, 4], "d"), ([], "d")],
    ids=["digest", "no digest", "keys", "broadcasts", "more faces", "no faces"],
)
def test_labels_of_other_faces_are_refused_in_a_sentence(
    counts: list[int], digest: str | None, tmp_path: Path
) -> None:
    labels, faces = tmp_path / "labels.parquet", tmp_path / "faces.parquet"
    tables.write_labels(labels, merged_faces(faces, [2, 3]), np.zeros(5, np.int32), {}, 0)
    assert tables.read_labels(labels, faces).tolist() == [0] * 5
    merged_faces(faces, counts, digest)
    told = f"{labels} were made of other faces than those of {faces}; make them again"
    with pytest.raises(tables.TableError, match=re.escape(told)):
        tables.read_labels(labels, faces)


def test_labels_of_an_earlier_version_are_recognised(tmp_path: Path) -> None:
    faces = merged_faces(tmp_path / "faces.parquet", [2])
    tables.write(tmp_path / "labels.parquet", pa.table({"label": pa.array([0, 1], pa.int32())}), {})
    with pytest.raises(tables.TableError, match="has no column broadcast: it was made by an earlier"):
        tables.read_labels(tmp_path / "labels.parquet", faces)


def test_as_many_labels_as_faces_are_written(tmp_path: Path) -> None:
    faces = merged_faces(tmp_path / "faces.parquet", [2])
    with pytest.raises(ValueError, match=r"labels of shape \(3,\) do not fit the 2 faces"):
        tables.write_labels(tmp_path / "labels.parquet", faces, np.zeros(3, np.int32), {}, 0)
    assert not (tmp_path / "labels.parquet").exists()


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A face table of three faces; its embeddings are not there yet."""
    rows = [{"broadcast": "A_20240101_000000", "frame": n} for n in range(3)]
    table = pa.Table.from_pylist(rows, schema=tables.MERGED_FACES)
    tables.write(tmp_path / "faces.parquet", table, {})
    return tmp_path / "faces.parquet"


@settings(max_examples=settings().max_examples // 2)
@given(sizes=st.lists(st.integers(0, 5), max_size=5))
def test_embeddings_are_an_array_that_numpy_reads(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    blocks = [np.random.default_rng(n).normal(size=(n, 128)).astype(np.float32) for n in sizes]
    facts: dict[str, Any] = {}
    with tables.embeddings_writer(folder / "embeddings.npy", facts) as add:
        for block in blocks:
            add(block)
    found = np.load(folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert (found == np.concatenate([np.empty((0, 128), np.float32), *blocks])).all()
    assert facts["embeddings"]["shape"] == [sum(sizes), 128] == list(found.shape)


def test_embeddings_half_written_are_not_there(tmp_path: Path) -> None:
    facts: dict[str, Any] = {}
    with (
        pytest.raises(KeyboardInterrupt),
        atomic(tmp_path / "embeddings.npy") as part,
        tables.embeddings_writer(part, facts) as add,
    ):
        add(np.zeros((2, 128), np.float32))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    assert facts == {}


def test_embeddings_are_mapped_and_cannot_be_written_to(faces: Path) -> None:
    expected = np.arange(3 * 128, dtype=np.float32).reshape(3, 128)
    np.save(faces.with_name(tables.EMBEDDINGS), expected)
    found = tables.open_embeddings(faces)
    assert isinstance(found, np.memmap)
    assert (found == expected).all()
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def cut_off(path: Path) -> None:
    np.save(path, np.zeros((3, 128), np.float32))
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: None, "cannot be read: .*No such file"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.write_bytes(b"PAR1" * 100), "cannot be read"),
        (cut_off, "cannot be read"),
        (lambda path: np.save(path, np.array([{}]), allow_pickle=True), "cannot be read"),
        (
            lambda path: np.save(path, np.zeros((4, 128), np.float32)),
            r"float32 of shape \(4, 128\) in C order",
        ),
        (lambda path: np.save(path, np.zeros((3, 0), np.float32)), r"of shape \(3, 0\)"),
        (lambda path: np.save(path, np.zeros(3, np.float32)), r"of shape \(3,\)"),
        (lambda path: np.save(path, np.zeros((3, 128))), "holds float64"),
        (lambda path: np.save(path, np.zeros((128, 3), np.float32).T), "in Fortran order"),
    ],
    ids=[
        "missing",
        "empty",
        "another format",
        "cut off",
        "objects",
        "rows",
        "no columns",
        "one dimension",
        "dtype",
        "order",
    ],
)
def test_embeddings_that_do_not_fit_the_table_are_refused(
    write: Callable[[Path], None], told: str, faces: Path
) -> None:
    write(faces.with_name("embeddings.npy"))
    with pytest.raises(ValueError, match=told) as error:
        tables.open_embeddings(faces)
    assert str(faces) in str(error.value)
    assert str(faces.with_name("embeddings.npy")) in str(error.value)


def test_members_that_do_not_fit_leave_no_table(tmp_path: Path) -> None:
    faces = merged_faces(tmp_path / "faces.parquet", [3])
    with pytest.raises(ValueError, match="2 members do not fit the 3 faces"):
        tables.write_members(tmp_path / "members.parquet", faces, members([0, 1]), {})
    assert not (tmp_path / "members.parquet").exists()
