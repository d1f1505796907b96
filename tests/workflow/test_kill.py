"""Killed runs: the same command finishes them, and the results are those of an undisturbed run."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.conftest import SHORT, Config, Run, jobs

# What is killed before the merge ends is looked at as far as that; the last test goes on to the end.
MADE = ("broadcasts.parquet", "embeddings.npy", "faces.parquet", "frames.parquet")
MERGED = "results/small/faces.parquet"


TWO = list(SHORT)[:2]


@pytest.fixture
def two_broadcasts(small_config: Config) -> Config:
    return small_config | {"broadcasts": {"ids": TWO}}


@pytest.fixture(scope="module")
def undisturbed(small_config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What comes of two broadcasts."""
    run = Run(tmp_path_factory.mktemp("undisturbed"), small_config | {"broadcasts": {"ids": TWO}})
    run(MERGED)
    return merged(run)


def wait_for(condition: Callable[[], object], process, seconds: float = 120) -> object:
    """Wait until the condition gives something, while the process is at work."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        assert process.poll() is None, "the run ended before it could be disturbed"
        time.sleep(0.03)
    raise AssertionError("nothing to disturb within the time")


def workers(folder: Path, script: str) -> list[int]:
    """The processes that run a script of the workflow in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                here = (entry / "cwd").readlink() == folder
            except OSError:
                continue
            if here and b"python" in command[0] and command[1].endswith(f".{script}".encode()):
                found.append(int(entry.name))
    return found


def encoded(run: Run) -> dict[str, int]:
    """The finished face tables and when they were written."""
    folder = run.folder / "results" / "faces"
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def merged(run: Run) -> dict[str, str]:
    """SHA-256 of the encodings and of what the merge makes of them."""
    made = ("faces/", "frames/", *(f"small/{name}" for name in MADE))
    return {name: digest for name, digest in run.digests().items() if name.startswith(made)}


def kill(process, pids: list[int]) -> None:
    for pid in [process.pid, *pids]:
        os.kill(pid, signal.SIGKILL)
    process.wait()


def test_snakemake_and_its_workers_killed_while_encoding(
    two_broadcasts: Config, undisturbed: dict[str, str], new_run: Callable[..., Run]
) -> None:
    run = new_run(two_broadcasts, warm_jobs=False)
    process = run.start(MERGED, cores=1)
    # One is finished in Snakemake's eyes, too, and the next one is at work.
    wait_for(lambda: "(Rule: encode)" in run.output and workers(run.folder, "encode.py"), process)
    kill(process, workers(run.folder, "encode.py"))
    finished = encoded(run)
    assert 0 < len(finished) < len(TWO)

    counts = jobs(run(MERGED))
    assert counts["encode"] == len(TWO) - len(finished)
    assert {name: encoded(run)[name] for name in finished} == finished
    assert merged(run) == undisturbed


def test_snakemake_killed_while_its_workers_live_on(
    two_broadcasts: Config, undisturbed: dict[str, str], new_run: Callable[..., Run]
) -> None:
    run = new_run(two_broadcasts, warm_jobs=False)
    process = run.start(MERGED, cores=2)
    wait_for(lambda: workers(run.folder, "encode.py"), process)
    kill(process, [])
    run(MERGED)
    for pid in workers(run.folder, "encode.py"):  # an orphan may still be at work: it must do no harm
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists(), process=Alive())
    assert merged(run) == undisturbed


class Alive:
    """Stands for a process that is not watched."""

    def poll(self) -> None:
        return None


def test_a_killed_worker_is_tried_again(
    two_broadcasts: Config, undisturbed: dict[str, str], new_run: Callable[..., Run]
) -> None:
    run = new_run(two_broadcasts, warm_jobs=False)
    process = run.start(MERGED)
    [pid, *_] = wait_for(lambda: workers(run.folder, "encode.py"), process)
    os.kill(pid, signal.SIGKILL)
    assert process.wait(timeout=600) == 0, run.output
    assert jobs(run.output)["encode"] == len(TWO) + 1
    assert merged(run) == undisturbed


def kill_while_writing(run: Run, process) -> bool:
    """Let `merge` run in slices of 2 ms until a half-written table is there, then kill; tell if it was."""
    [pid, *_] = wait_for(lambda: workers(run.folder, "merge.py"), process)
    while not list(run.results.glob(".*.part")):
        try:
            os.kill(pid, signal.SIGSTOP)
            if list(run.results.glob(".*.part")):
                break
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            process.wait()
            return False
        time.sleep(0.002)
    kill(process, [pid])
    return True


def test_killed_while_merging(small_run: Run, tmp_path: Path) -> None:
    run = small_run.copied(tmp_path / "run")
    run.warm_jobs = False
    for path in [*run.results.glob("*.parquet"), *run.results.glob("*.npy"), run.results / "merged.json"]:
        path.unlink()
    finished = encoded(run)
    for _ in range(5):  # on a busy machine the moment may be missed
        if kill_while_writing(run, run.start(MERGED)):
            break
        for path in run.results.glob("*.parquet"):
            path.unlink()
    assert list(run.results.glob(".*.part"))
    assert not (run.results / "broadcasts.parquet").exists()

    counts = jobs(run(MERGED))
    assert (counts["encode"], counts["merge"]) == (0, 1)
    assert encoded(run) == finished
    assert merged(run) == merged(small_run)


def test_killed_between_a_fetch_and_its_record(small_run: Run, new_run: Callable[..., Run]) -> None:
    run = new_run(small_run.config, warm_jobs=False)
    process = run.start(MERGED)
    orphans = wait_for(lambda: workers(run.folder, "download.py"), process)
    kill(process, [])
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), Alive())
    fetched = list((run.folder / "resources" / "zips").rglob("*.zip"))
    assert 0 < len(fetched) < len(SHORT)
    run(MERGED)
    assert merged(run) == merged(small_run)


def test_two_runs_in_one_folder_are_refused(
    two_broadcasts: Config, undisturbed: dict[str, str], new_run: Callable[..., Run]
) -> None:
    run = new_run(two_broadcasts, warm_jobs=False)
    process = run.start(MERGED)
    [pid, *_] = wait_for(lambda: workers(run.folder, "encode.py"), process)
    os.kill(pid, signal.SIGSTOP)  # so that the first run is still at work
    second = Run(run.folder, run.config, warm_jobs=False)
    output = (run.folder / "output.txt").rename(run.folder / "first.txt")
    refused = second("encodings", fails=True)
    assert re.search(rf"another run of .*, since \d\d:\d\d \(process {process.pid}\)", refused)
    assert not jobs(refused)
    os.kill(pid, signal.SIGCONT)
    assert process.wait(timeout=600) == 0, output.read_text()
    assert merged(run) == undisturbed


# Each needs the one before, so none can have finished beside the one that was killed.
STAGES = ("download", "unzip", "clustering", "identify", "portraits", "picture")


def test_killed_at_one_stage_after_the_other(small_run: Run, new_run: Callable[..., Run]) -> None:
    run = new_run(small_run.config, warm_jobs=False)
    for stage in STAGES:
        process = run.start()
        wait_for(lambda stage=stage: workers(run.folder, f"{stage}.py"), process)
        kill(process, workers(run.folder, f"{stage}.py"))
    run()
    assert run.digests() == small_run.digests()
    assert not [path for path in run.folder.rglob("*.part") if ".snakemake" not in path.parts]
