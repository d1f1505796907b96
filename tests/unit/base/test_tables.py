"""How tables and embeddings are written and read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.base import tables

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
        tables.writer(tmp_path / "t.parquet", NUMBERS, {}) as add,
    ):
        add(numbers(1))
        add(pa.table({"m": [1]}))
    assert list(tmp_path.iterdir()) == []


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
    with tables.embeddings_writer(folder / "faces.parquet", facts) as add:
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
        tables.embeddings_writer(tmp_path / "faces.parquet", facts) as add,
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
        (lambda path: np.save(path, np.zeros((3, 64), np.float32)), r"of shape \(3, 64\)"),
        (lambda path: np.save(path, np.zeros((3, 128))), "holds float64"),
        (lambda path: np.save(path, np.zeros((128, 3), np.float32).T), "in Fortran order"),
    ],
    ids=["missing", "empty", "another format", "cut off", "objects", "rows", "columns", "dtype", "order"],
)
def test_embeddings_that_do_not_fit_the_table_are_refused(
    write: Callable[[Path], None], told: str, faces: Path
) -> None:
    write(faces.with_name("embeddings.npy"))
    with pytest.raises(ValueError, match=told) as error:
        tables.open_embeddings(faces)
    assert str(faces) in str(error.value)
    assert str(faces.with_name("embeddings.npy")) in str(error.value)
