"""One at a time, also after a kill."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from castgraph.base.files import write_json
from castgraph.base.locks import RunLock, locked

HOLD = "import sys, time; from pathlib import Path; from castgraph.base.locks import RunLock\n" \
       "lock = RunLock(Path(sys.argv[1]), 'the first'); print('held', flush=True)\n" \
       "time.sleep(60)"  # fmt: skip


def test_a_second_run_is_refused_with_what_the_first_says_of_itself(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "run.lock", "the first")
    with pytest.raises(BlockingIOError, match=r"^the first$"):
        RunLock(tmp_path / "run.lock", "the second")
    lock.release()
    RunLock(tmp_path / "run.lock", "").release()


def test_a_killed_run_gives_its_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError, match="the first"):
            RunLock(path, "the second")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    RunLock(path, "the second").release()


def remember(ledger: Path, who: int) -> None:
    """Write ten entries into a ledger."""
    for number in range(10):
        with locked(ledger.with_suffix(".lock")):
            entries = json.loads(ledger.read_text()) if ledger.exists() else {}
            write_json(ledger, {**entries, f"{who}.{number}": who})


def test_of_what_many_write_at_once_under_a_lock_nothing_is_lost(tmp_path: Path) -> None:
    ledger = tmp_path / "new" / "ledger.json"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=remember, args=(ledger, who)) for who in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    assert len(json.loads(ledger.read_text())) == 80
    assert sorted(path.name for path in ledger.parent.iterdir()) == ["ledger.json", "ledger.lock"]


def test_threads_wait_for_one_another_as_processes_do(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(remember, [ledger] * 8, range(8)))
    assert len(json.loads(ledger.read_text())) == 80


@pytest.mark.parametrize("patience", [0, 0.05])
def test_a_lock_is_waited_for_no_longer_than_patience_lasts(tmp_path: Path, patience: float) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(BlockingIOError, match=f"locked by another process: '{tmp_path}/lock'"),
        locked(tmp_path / "lock", patience),
    ):
        pytest.fail("two have the lock")
    with locked(tmp_path / "lock", patience):
        pass


def test_a_block_that_fails_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        _ = 1 / 0
    with locked(tmp_path / "lock", patience=0):
        pass


def test_a_lock_that_was_removed_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ThreadPoolExecutor(1) as thread:
        with locked(path):
            waiting = thread.submit(hold_and_tell, path)
            wait_until_open(path, 2)
            path.unlink()
        assert waiting.result(timeout=60)


def hold_and_tell(path: Path) -> bool:
    """Take a lock; tell whether others find it taken."""
    with locked(path), pytest.raises(BlockingIOError), locked(path, patience=0):
        pass
    return True


def wait_until_open(path: Path, n: int) -> None:
    """Wait until this process has a file open so many times."""
    while sum(os.path.realpath(link) == str(path) for link in Path("/proc/self/fd").iterdir()) < n:
        time.sleep(0.005)


@pytest.mark.parametrize("take", [lambda path: RunLock(path, "me"), lambda path: locked(path).__enter__()])
def test_a_link_is_not_followed(tmp_path: Path, take: Callable[[Path], object]) -> None:
    (tmp_path / "precious").write_text("data")
    (tmp_path / "lock").symlink_to("precious")
    with pytest.raises(OSError, match="symbolic links"):
        take(tmp_path / "lock")
    assert (tmp_path / "precious").read_text() == "data"
