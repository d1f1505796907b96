"""What all tests share does what it says."""

from pathlib import Path

import pytest
from tests.conftest import outside


def test_what_lies_outside_is_found_where_the_variable_says(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASTGRAPH_CASES", str(tmp_path))
    (tmp_path / "list.sh").touch()
    assert outside("CASTGRAPH_CASES", "cases", "list.sh") == tmp_path


def test_what_is_not_there_is_skipped_loudly(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASTGRAPH_CASES", str(tmp_path))
    with (
        pytest.warns(UserWarning, match="^NOT TESTED ON REAL BROADCASTS: no list.sh in .*CASTGRAPH_CASES"),
        pytest.raises(pytest.skip.Exception, match="CASTGRAPH_CASES"),
    ):
        outside("CASTGRAPH_CASES", "cases", "list.sh")


def test_tests_are_marked_by_their_folder(request: pytest.FixtureRequest) -> None:
    assert [mark.name for mark in request.node.iter_markers()] == ["unit"]
