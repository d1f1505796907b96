"""What was found and not taken is told, in few lines, and written down."""

from pathlib import Path

import pytest
from tests.formulas import FORMULAS

from castgraph.archive import LeftAlone, grouped, read_left_alone, write_left_alone
from castgraph.base.text import is_formula


def test_it_is_told_by_the_reason_what_is_rare_first() -> None:
    left = [LeftAlone(f"{n:04}.srt", "subtitles (.srt)") for n in range(1200)] + [LeftAlone("x", "no ID")]
    assert grouped(left) == ["x: no ID", "1,200 entries: subtitles (.srt); the first: 0000.srt"]
    assert grouped([]) == []


def test_no_more_lines_than_are_asked_for() -> None:
    left = [LeftAlone(f"{n}", f"reason {n}") for n in range(12)]
    assert grouped(left, most=2) == ["0: reason 0", "1: reason 1", "and 10 entries more"]


def test_hostile_names_are_shown_and_written_in_one_line(tmp_path: Path) -> None:
    left = [LeftAlone("a\n\x1b[31m\udcff.mp4", "no ID"), *(LeftAlone(text, "no ID") for text in FORMULAS)]
    assert grouped(left[:1]) == ["a\\n\\x1b[31m\\udcff.mp4: no ID"]
    write_left_alone(tmp_path / "left_alone.csv", left)
    read = read_left_alone(tmp_path / "left_alone.csv")
    assert len(read) == len(left)
    assert not any("\n" in each.path or is_formula(each.path) for each in read)


def test_the_header_is_always_there_and_no_file_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "left_alone.csv"
    assert read_left_alone(path) == []
    write_left_alone(path, [])
    assert (path.read_text(), read_left_alone(path)) == ("path,reason\n", [])
    path.write_text("a,b\n")
    with pytest.raises(ValueError, match="no column 'path'"):
        read_left_alone(path)
