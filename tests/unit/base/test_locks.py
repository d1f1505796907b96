"""One run at a time in a folder, also after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from castgraph.base.locks import RunLock

HOLD = "import sys, time; from pathlib import Path; from castgraph.base.locks import RunLock\n" \
       "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"  # fmt: skip


def test_a_second_run_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "run.lock")
    with pytest.raises(BlockingIOError, match=f"process {os.getpid()}"):
        RunLock(tmp_path / "run.lock")
    lock.release()
    RunLock(tmp_path / "run.lock").release()


def test_a_killed_run_gives_its_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError, match=f"process {holder.pid}"):
            RunLock(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    RunLock(path).release()
