"""Nothing half-written looks finished."""

import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from castgraph.base.files import (
    atomic,
    atomic_directory,
    atomic_together,
    expanded,
    remove,
    write_json,
)


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "table.txt"
    with atomic(target) as part:
        part.write_text("whole")
        assert not target.exists()
        assert part.parent == target.parent
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["table.txt"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "table.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.txt"]


def test_leftovers_of_a_killed_job_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".table.txt.abc.part").write_text("half")
    (tmp_path / ".folder.abc.part").mkdir()
    (tmp_path / ".other.txt.abc.part").write_text("half of another")
    with atomic(tmp_path / "table.txt") as part:
        part.write_text("whole")
    with atomic_directory(tmp_path / "folder") as part:
        (part / "x").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"table.txt", "folder", ".other.txt.abc.part"}


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").touch()
    with atomic_directory(target) as part:
        (part / "new").touch()
        assert (target / "old").exists()
    assert [path.name for path in target.iterdir()] == ["new"]
    with pytest.raises(RuntimeError), atomic_directory(target) as part:
        (part / "newer").touch()
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_writer_that_outlived_its_run_does_not_replace_the_newer_result(tmp_path: Path) -> None:
    target = tmp_path / "table.txt"
    with pytest.raises(FileNotFoundError), atomic(target) as orphan:
        orphan.write_text("half, from a job whose run was killed")
        with atomic(target) as part:
            part.write_text("whole, from the run that followed")
    assert target.read_text() == "whole, from the run that followed"
    assert [path.name for path in tmp_path.iterdir()] == ["table.txt"]


def test_files_get_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic(tmp_path / "table.txt") as part:
        part.touch()
    assert (tmp_path / "table.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


MANY = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from castgraph.base.files import atomic_directory, write_json

folder, mask = Path(sys.argv[1]), int(sys.argv[2], 8)
change = os.umask
change(mask)

def umask(mask):
    before = change(mask)
    time.sleep(0.001)  # so that the other threads come between
    return before

os.umask = umask

def write(number):
    for _ in range(20):
        write_json(folder / f"{number}.json", number)
        with atomic_directory(folder / f"{number}"):
            pass
        assert (folder / f"{number}.json").stat().st_mode & 0o777 == 0o666 & ~mask
        assert (folder / f"{number}").stat().st_mode & 0o777 == 0o777 & ~mask

with ThreadPoolExecutor(8) as threads:
    list(threads.map(write, range(8)))
assert change(0) == mask
"""


@pytest.mark.parametrize("mask", ["077", "002"])
def test_the_umask_holds_and_stays_when_threads_write_at_once(tmp_path: Path, mask: str) -> None:
    subprocess.run([sys.executable, "-c", MANY, tmp_path, mask], check=True)


def test_json_is_readable_and_the_same_each_time(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Zoë", "n": 1})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "name": "Zoë",\n  "n": 1\n}\n'


def test_what_is_there_is_removed_and_what_is_not_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deeper").mkdir(parents=True)
    (tmp_path / "folder" / "deeper" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("link", "folder", "nowhere"):
        remove(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_path_takes_its_variables_from_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", "/node/job-7")
    monkeypatch.setenv("CASTGRAPH_DISK", "/fast")
    assert expanded("$TMPDIR/castgraph") == "/node/job-7/castgraph"
    assert expanded("${CASTGRAPH_DISK}/a$$b") == "/fast/a$b"
    assert expanded("scratch") == "scratch"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("TMPDIR")
    assert expanded("$TMPDIR/castgraph") == f"{tmp_path}/castgraph"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$CASTGRAPH_NOWHERE/x", "the environment variable CASTGRAPH_NOWHERE is not set on "),
        ("$CASTGRAPH_EMPTY/x", "the environment variable CASTGRAPH_EMPTY is not set on "),
        ("/a/$/b", "allowed: $NAME or ${NAME}, and $$ for a dollar sign"),
    ],
)  # fmt: skip
def test_a_path_whose_variables_are_not_set_is_refused(
    path: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASTGRAPH_EMPTY", "")
    with pytest.raises(ValueError, match=re.escape(message)):
        expanded(path)


NAMES = ("a", "b", "last")


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, ...]:
    paths = tuple(tmp_path / name for name in NAMES)
    for path in paths:
        path.write_text("old")
    return paths


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_several_files_are_replaced_together(three: tuple[Path, ...], tmp_path: Path) -> None:
    with atomic_together(*three) as parts:
        for part in parts:
            part.write_text("new")
        assert {path.read_text() for path in three} == {"old"}
    assert texts(tmp_path) == dict.fromkeys(NAMES, "new")


@pytest.mark.parametrize("n_moves", range(7))
@pytest.mark.parametrize("old", ["all", "some", "none"])
def test_when_one_cannot_be_renamed_all_is_as_it_was(
    n_moves: int, old: str, three: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three old ones are moved away and three new ones come, where they all are; the disk fails at a move."""
    for path in {"all": (), "some": three[1:2], "none": three}[old]:
        path.unlink()
    before = texts(tmp_path)
    moves, replace = [], Path.replace

    def failing(source: Path, target: Path) -> Path:
        moves.append(target)
        if len(moves) == n_moves + 1:
            raise OSError("the disk fails")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", failing)
    fails = n_moves < {"all": 6, "some": 5, "none": 3}[old]
    with pytest.raises(OSError, match="fails") if fails else nullcontext(), atomic_together(*three) as parts:
        for part in parts:
            part.write_text("new")
    assert texts(tmp_path) == (before if fails else dict.fromkeys(NAMES, "new"))


def test_where_the_last_file_is_the_others_are_of_the_same_writing(
    three: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every moment, so also when the process is killed between two moves."""
    seen, replace = [], Path.replace

    def watched(source: Path, target: Path) -> Path:
        moved = replace(source, target)
        seen.append({path.name: path.read_text() for path in three if path.exists()})
        return moved

    monkeypatch.setattr(Path, "replace", watched)
    with atomic_together(*three) as parts:
        for part in parts:
            part.write_text("new")
    assert len(seen) == 6
    assert [state for state in seen if "last" in state] == [dict.fromkeys(NAMES, "new")]
    assert texts(tmp_path) == dict.fromkeys(NAMES, "new")


def test_what_a_kill_left_of_a_replacement_is_removed(three: tuple[Path, ...], tmp_path: Path) -> None:
    (tmp_path / ".last.abc.old.part").write_text("old")
    with atomic_together(*three):
        pass
    assert set(texts(tmp_path)) == set(NAMES)
