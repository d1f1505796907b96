"""CSV files: guarded, read as they were written, and refused when they are something else."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.base import csvs
from castgraph.base.text import no_formula


def test_texts_are_guarded_and_numbers_are_not(tmp_path: Path) -> None:
    csvs.write(tmp_path / "a.csv", ("name", "x"), [("=1", -1.5), ("Ada", 2), ("-", None)])
    assert (tmp_path / "a.csv").read_text() == "name,x\n'=1,-1.5\nAda,2\n'-,\n"


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))))
def test_any_text_is_found_again_in_its_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    csvs.write(path, ("a", "b"), rows)
    found = [(row["a"], row["b"]) for row in csvs.read(path, ["a", "b"])]
    assert found == [(cell(a), cell(b)) for a, b in rows]


def cell(text: str) -> str:
    """A text as it stands in a cell: guarded, with line feeds."""
    return "\n".join(re.split("\r\n?|\n", no_formula(text)))


def test_what_a_row_lacks_is_empty_and_other_columns_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffa,b,c\r\n1\r\n2,3,4,5\r\n".encode())
    first, second = csvs.read(tmp_path / "a.csv", ["a"])
    assert first == {"a": "1", "b": "", "c": ""}
    assert second["c"] == "4"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", r"a\.csv: no column 'b'; the columns are \[\]"),
        (b"a\n1\n", r"a\.csv: no column 'b'; the columns are \['a'\]"),
        (b"a,b\n\xff,1\n", r"a\.csv: cannot be read"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", r"a\.csv: cannot be read"),
    ],
)
def test_what_is_no_such_table_is_refused_by_name(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        csvs.read(tmp_path / "a.csv", ["b"])


# ---- tables of any spreadsheet ---------------------------------------------------------------------------


@pytest.mark.parametrize("separator", csvs.SEPARATORS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_a_table_is_read_with_any_separator_and_encoding(
    separator: str, encoding: str, tmp_path: Path
) -> None:
    lines = [[" Name ", "VALUE", "möre"], ["a", " 1 ", "é"], ["", "", ""], ["b", ""]]
    text = "\n" + "\r\n".join(separator.join(line) for line in lines)
    (tmp_path / "table.csv").write_bytes(text.encode(encoding))
    assert csvs.read_any(tmp_path / "table.csv", ("name", "value")) == [
        (3, {"name": "a", "value": "1", "möre": "é"}),
        (5, {"name": "b", "value": "", "möre": ""}),
    ]


def test_a_line_that_names_the_separator_is_heeded(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text('sep=;\nname;value\n"a;b\nc";2,5\n"d";3\n')
    assert csvs.read_any(tmp_path / "table.csv", ("name", "value")) == [
        (4, {"name": "a;b\nc", "value": "2,5"}),
        (5, {"name": "d", "value": "3"}),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no column 'name'; the columns are none"),
        (b"\n\n", "no column 'name'"),
        (b"sep=;\n", "no column 'name'"),
        (b"name,other\n", "no column 'value'; the columns are 'name', 'other'"),
        (b"name,value,Name\n", "2 columns are called 'name'"),
        (b"PK\x03\x04\x00", "save the table as CSV"),
        (b"name,value\n" + b"x" * 200_000, "field larger than"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (b"\xff\xfen\x00a", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_by_name(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ValueError, match=problem) as error:
        csvs.read_any(tmp_path / "table.csv", ("name", "value"))
    assert str(error.value).startswith(f"{tmp_path / 'table.csv'}: ")


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"table\.csv: cannot be read \(.*No such file"):
        csvs.read_any(tmp_path / "table.csv", ("name",))
