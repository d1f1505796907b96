"""What a run remembers: nothing is lost, and every entry says what it costs to delete it."""

import subprocess
import sys
from pathlib import Path

from castgraph.base.files import write_json
from castgraph.run import ledger

WRITE = """
import sys
from pathlib import Path
from castgraph.run import ledger
path, writer = sys.argv[1:]
for n in range(10):
    ledger.change(Path(path), lambda found: found | {f"{writer}-{n}": n})
"""


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "a" / "b.json"
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, path, str(number)]) for number in range(8)]
    assert [writer.wait() for writer in writers] == [0] * 8
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


def test_what_is_asked_for_again_is_counted(tmp_path: Path) -> None:
    one, other = (tmp_path / "fetched" / "gdelt" / f"{name}.json" for name in ("A_20260101_000000_B.c", "B"))
    entry = lambda: ledger.read(tmp_path / "ledger" / ledger.ASKED)  # noqa: E731
    assert ledger.asked(entry(), one) == 0
    ledger.ask(tmp_path, [one, other])
    ledger.ask(tmp_path, [one])
    assert [ledger.asked(entry(), receipt) for receipt in (one, other)] == [2, 1]
    write_json(one, {"asked": 2})  # it was had
    assert ledger.asked({}, one) == 2  # also without the ledger
    assert ledger.asked({}, other) == 0
    (tmp_path / "ledger" / ledger.ASKED).unlink()
    ledger.ask(tmp_path, [one])
    assert ledger.asked(entry(), one) == 3


def test_a_spoilt_entry_asks_for_nothing(tmp_path: Path) -> None:
    for entry in ({"gdelt/A": "many"}, {"gdelt/A": None}):
        assert ledger.asked(entry, tmp_path / "fetched" / "gdelt" / "A.json") == 0


def test_the_documents_tell_what_may_be_deleted(root: Path) -> None:
    assert ledger.table() in (root / "docs" / "operations.md").read_text(encoding="utf-8")
