"""Tables as scripts: what is packed is unpacked as it was, in files of a size that browsers like."""

import functools
import json
import operator
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.explored import decoded

from castgraph.pages.explorer import columns
from castgraph.pages.explorer.columns import script_json, write_table


def unpacked(values) -> tuple[str, list]:
    dtype, kept = columns._typed(values)
    back = decoded(dtype, columns._packed(dtype, kept))
    return dtype, back if isinstance(back, list) else back.tolist()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([], "u8"),
        ([0, 255], "u8"),
        ([256], "u16"),
        ([65536], "u32"),
        ([2**32 - 1], "u32"),
        ([-1, 255], "i32"),
    ],
)
def test_whole_numbers_take_the_smallest_type_that_holds_them(values: list[int], dtype: str) -> None:
    assert unpacked(np.array(values, np.int64)) == (dtype, values)


@pytest.mark.parametrize("value", [2**32, -(2**31) - 1])
def test_numbers_that_are_too_large_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="numbers from"):
        unpacked(np.array([value], np.int64))


@given(st.lists(st.text(), max_size=20))
def test_texts_come_back(texts: list[str]) -> None:
    assert unpacked(texts) == ("json", texts)


def test_half_a_surrogate_is_a_question_mark_and_not_a_fault():
    assert unpacked(["a\ud800b"]) == ("json", ["a?b"])


def test_missing_numbers_and_floats_come_back():
    dtype, values = unpacked(np.array([1.5, np.nan], np.float32))
    assert dtype == "f32"
    assert values[0] == 1.5
    assert np.isnan(values[1])
    assert unpacked(np.array([1e300])) == ("f64", [1e300])


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "\u2028\u2029", "]]>", '"\\', "\u202e"])
def test_nothing_in_a_text_ends_a_script(text: str) -> None:
    written = script_json([text])
    assert written.isascii()
    assert "<" not in written


def read(folder: Path, name: str, parts: int) -> list[dict]:
    found = []
    for part in range(parts):
        text = (folder / (f"{name}-{part}.js" if parts > 1 else f"{name}.js")).read_text()
        body = re.fullmatch(
            rf'CG\.put\("{name}",(.*?)(?:,{part})?\);\n' if part else rf'CG\.put\("{name}",(.*)\);\n', text
        )
        found.append({column: decoded(*packed) for column, packed in json.loads(body[1]).items()})
    return found


def test_a_large_table_is_cut_by_rows_and_no_file_is_larger_than_asked(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 2**31, 20_000)
    names = [f"n{value}" for value in values]
    done = write_table(
        tmp_path, "faces", {"a": values, "b": names}, whole={"first": [0, 7]}, most_bytes=40_000
    )
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert done.parts == len(sizes) > 3
    assert max(sizes) <= 40_000
    assert sum(sizes) - done.n_bytes < 40 * len(sizes)
    parts = read(tmp_path, "faces", done.parts)
    assert np.concatenate([part["a"] for part in parts]).tolist() == values.tolist()
    assert functools.reduce(operator.iadd, (part["b"] for part in parts), []) == names
    assert [part["first"] for part in parts] == [[0, 7]] + [[]] * (done.parts - 1)
    small = write_table(tmp_path / "..", "faces", {"a": values, "b": names}, whole={"first": [0, 7]})
    assert small.digest == done.digest


def test_a_table_is_cut_where_it_may_be(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 2**31, 9_000)
    done = write_table(
        tmp_path, "boxes", {"a": values}, cuts=[0, 100, 4000, 4100, 9000, 9000], most_bytes=20_000
    )
    lengths = [len(part["a"]) for part in read(tmp_path, "boxes", done.parts)]
    assert set(np.cumsum(lengths)) <= {100, 4000, 4100, 9000}
    assert len(lengths) > 1


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rows"):
        write_table(tmp_path, "people", {"a": np.arange(2), "b": ["x"]})
