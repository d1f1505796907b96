"""Faces that are forgotten: nothing but zeros is left of their embeddings, and they stay counted."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.base import tables
from castgraph.faces.forgotten import (
    SCHEMA,
    forget,
    forget_in_file,
    is_forgotten,
    read_forgotten,
    remember_to_forget,
)

ONE, OTHER = "NTV_20240101_190000", "NTV_20240102_190000"


def encoded(broadcast: str, places: list[tuple[int, int]], jitter: int = 0) -> pa.Table:
    """Faces of 50 pixels at (frame, left), found by one detector or, a little off, by another."""
    rows = [
        {"broadcast": broadcast, "face": n, "frame": frame, "top": 10 + jitter, "bottom": 60}
        | {"left": left - jitter, "right": left + 50, "score": 1.0, "sharpness": 9.0}
        | {"landmarks": [0.0] * 10, "embedding": [n + 1.0] * 128}
        for n, (frame, left) in enumerate(sorted(places))
    ]
    return pa.Table.from_pylist(rows, schema=tables.encoded_faces(128))


def places(rows: list[tuple[str, int, int]]) -> pa.Table:
    side = {"top": 10, "bottom": 60}
    return pa.Table.from_pylist(
        [{"broadcast": b, "frame": f, "left": left, "right": left + 50, **side} for b, f, left in rows],
        schema=SCHEMA,
    )


drawn = st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 100, 200])), unique=True)


@given(drawn, drawn, st.integers(0, 8))
def test_those_and_no_others_are_forgotten_whichever_detector_found_them(there, gone, jitter: int) -> None:
    faces = encoded(ONE, there, jitter)
    wanted = places([(ONE, *place) for place in gone] + [(OTHER, *place) for place in there])
    found = forget(faces, wanted)
    assert found.schema == faces.schema
    assert found.drop_columns("embedding").equals(faces.drop_columns("embedding"))
    before, after = (tables.embeddings(table["embedding"]) for table in (faces, found))
    expected = [place in gone for place in sorted(there)]
    assert is_forgotten(after).tolist() == expected
    assert (after[~np.array(expected, bool)] == before[~np.array(expected, bool)]).all()


def test_a_table_is_changed_once_and_keeps_what_is_told_of_it(tmp_path: Path) -> None:
    path, facts = tmp_path / f"{ONE}.parquet", {"status": "ok", "n_faces": 3}
    tables.write(path, encoded(ONE, [(1, 0), (1, 100), (2, 0)]), facts)
    assert forget_in_file(path, places([(OTHER, 1, 0)])) == 0
    before = path.stat().st_mtime_ns
    assert forget_in_file(path, places([(ONE, 1, 0)])) == 1
    assert path.stat().st_mtime_ns != before
    assert tables.read_provenance(path) == facts
    assert tables.read(path, tables.encoded_faces(128)).num_rows == 3
    once = path.read_bytes(), path.stat().st_mtime_ns
    assert forget_in_file(path, places([(ONE, 1, 0)])) == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == once


parts = st.lists(st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.integers(1, 4), st.integers(0, 3))))


@pytest.mark.slow
@given(parts, st.randoms())
def test_what_is_to_be_forgotten_adds_up_in_any_order(tmp_path_factory, said, shuffle) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    assert read_forgotten(folder / "none.parquet").num_rows == 0
    for name in ("one", "other"):
        remember_to_forget(folder / f"{name}.parquet", places([]))
        for part in said:
            remember_to_forget(folder / f"{name}.parquet", places(part))
        shuffle.shuffle(said)
    one, other = (folder / f"{name}.parquet" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    found = [(row["broadcast"], row["frame"], row["left"]) for row in read_forgotten(one).to_pylist()]
    assert found == sorted({row for part in said for row in part})


def test_a_damaged_list_is_an_error_since_they_would_come_back(tmp_path: Path) -> None:
    path = tmp_path / "forgotten.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(tables.TableError, match=r"forgotten\.parquet cannot be read"):
        read_forgotten(path)
