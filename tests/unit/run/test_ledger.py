"""What a run remembers: nothing is lost, and every entry says what it costs to delete it."""

import multiprocessing
from pathlib import Path

from castgraph.run import ledger


def write(path: Path, writer: int) -> None:
    for n in range(10):
        ledger.change(path, lambda found, n=n: found | {f"{writer}-{n}": n})


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "a" / "b.json"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write, args=(path, writer)) for writer in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    assert len(ledger.read(path)) == 80


def test_a_damaged_entry_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "b.json"
    assert ledger.read(path) == {}
    path.parent.mkdir()
    for content in (b"", b"\xff", b"[]", b"{", b"5"):
        path.write_bytes(content)
        assert ledger.read(path) == {}
    ledger.change(path, lambda found: found | {"a": 1})
    assert ledger.read(path) == {"a": 1}


def test_the_readme_tells_what_may_be_deleted(root: Path) -> None:
    assert ledger.table() in (root / "README.md").read_text(encoding="utf-8")
