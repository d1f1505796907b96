"""Idle cores are borrowed, given back, and free again when a process dies."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from castgraph.base import cores
from castgraph.base.cores import Cores, Crew

JOB = """
import sys
from pathlib import Path
from castgraph.base.cores import Cores

mine = Cores(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), lasting=float(sys.argv[4]))
print(len(mine.own), flush=True)
for line in sys.stdin:
    what, *numbers = line.split()
    print(getattr(mine, what)(*map(int, numbers)), flush=True)
"""


class Job:
    """A job in a process of its own: locks are between processes."""

    def __init__(self, file: Path, n: int, own: int, lasting: float) -> None:
        arguments = [str(argument) for argument in (file, n, own, lasting)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.n_own = int(self._line())

    def __call__(self, *words: object) -> int | bool | None:
        assert self.process.stdin is not None
        print(*words, file=self.process.stdin, flush=True)
        answer: int | bool | None = ast.literal_eval(self._line())
        return answer

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


Start = Callable[..., Job]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start jobs of a run with four cores."""
    jobs: list[Job] = []

    def start_one(own: int = 1, n: int = 4, lasting: float = 0) -> Job:
        jobs.append(Job(tmp_path / "run.cores", n, own, lasting))
        return jobs[-1]

    yield start_one
    for job in jobs:
        job.kill()


def test_all_idle_cores_can_be_borrowed_and_no_more(start: Start) -> None:
    first, second = start(), start()
    taken = [first("borrow"), second("borrow"), first("borrow"), second("borrow")]
    assert len({core for core in taken if core is not None}) == 2
    assert taken[2:] == [None, None]


def test_a_core_that_is_given_back_can_be_borrowed_again(start: Start) -> None:
    first, second = start(own=3), start(own=0)
    core = first("borrow")
    assert core is not None
    assert second("borrow") is None
    first("give_back", core)
    assert second("borrow") == core


def test_a_newcomer_has_its_core_at_once_and_the_borrower_is_told(start: Start) -> None:
    borrower = start(own=2)
    borrowed = [borrower("borrow"), borrower("borrow")]
    assert [borrower("is_wanted", core) for core in borrowed] == [False, False]
    newcomer = start()
    assert newcomer.n_own == 1
    assert sorted(borrower("is_wanted", core) for core in borrowed) == [False, True]
    # Until the borrower gives it back the core has two users, and nobody takes it as idle.
    assert newcomer("borrow") is None


def test_newcomers_take_idle_cores_before_borrowed_ones(start: Start) -> None:
    borrower = start()
    core = borrower("borrow")
    for _ in range(2):
        assert start().n_own == 1
        assert not borrower("is_wanted", core)
    assert start().n_own == 1
    assert borrower("is_wanted", core)


def test_more_jobs_than_cores_own_none(start: Start) -> None:
    assert start(own=3).n_own == 3
    assert start(own=3).n_own == 1
    late = start()
    assert late.n_own == 0
    assert late("borrow") is None


def test_the_cores_of_a_killed_job_are_free(start: Start) -> None:
    killed = start(own=2)
    assert None not in (killed("borrow"), killed("borrow"))
    other = start(own=0)
    assert other("borrow") is None
    killed.kill()
    assert sorted(other("borrow") for _ in range(4)) == [0, 1, 2, 3]


def test_only_a_core_that_stays_idle_is_borrowed(start: Start) -> None:
    first = start(own=3, lasting=0.5)
    assert first("borrow") is None
    passing = start()  # it comes and goes
    assert first("borrow") is None
    passing.kill()
    assert first("borrow") is None
    time.sleep(0.6)
    assert first("borrow") is not None


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "run.cores").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=r"run\.cores"):
        Cores(tmp_path / "run.cores", 2)
    assert not (tmp_path / "other").exists()


def test_a_run_without_a_file_goes_without_borrowing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert cores.of_run(0, 1) is None
    assert not caplog.text
    assert cores.of_run(8, 1) is None
    assert "no idle core can be borrowed" in caplog.text


def test_runs_in_other_folders_have_other_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for folder in ("one", "two", "one"):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        run = cores.of_run(8, 1)
        assert run is not None
        run.release()
    assert len(list(tmp_path.glob("*.cores"))) == 2


# --- workers that come and go


def work(crew: Crew[int, int], task: Callable[[int], int]) -> dict[int, int]:
    """Do all tasks, as `encode` does."""
    done: dict[int, int] = {}
    while not crew.is_done:
        for number, value in crew.own():
            done[number] = task(value)
            done |= crew.look()
        done |= crew.rest()
    return done


@contextmanager
def counted() -> Iterator[tuple[Callable[[], Executor], list[int]]]:
    """Hire threads; also a list of how many are there, at each change."""
    numbers = [0]

    class Thread(ThreadPoolExecutor):
        def __init__(self) -> None:
            super().__init__(1)
            numbers.append(numbers[-1] + 1)

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            numbers.append(numbers[-1] - 1)
            super().shutdown(wait, cancel_futures=cancel_futures)

    yield Thread, numbers


def slow(value: int) -> int:
    time.sleep(0.01)
    return -value


@pytest.mark.parametrize("n", [0, 1, 3])
def test_every_task_is_done_once(n: int) -> None:
    seen: list[int] = []

    def task(value: int) -> int:
        seen.append(value)
        return slow(value)

    with counted() as (hire, numbers), Crew(range(100, 140), task, hire, n) as crew:
        assert work(crew, task) == {number: -100 - number for number in range(40)}
    assert sorted(seen) == [*range(100, 140)]
    assert (max(numbers), numbers[-1]) == (n, 0)


def test_a_job_that_is_alone_borrows_all_cores_while_it_pays(tmp_path: Path) -> None:
    run = Cores(tmp_path / "run.cores", 4, 1, lasting=0)
    with counted() as (hire, numbers):
        with Crew(range(60), slow, hire, cores=run, every=0) as crew:
            assert len(work(crew, slow)) == 60
        assert (max(numbers), numbers[-1]) == (3, 0)
        with Crew(range(5), slow, hire, cores=run, every=0) as crew:
            work(crew, slow)
        assert max(numbers) == 3
        del numbers[1:]
        with Crew(range(7), slow, hire, cores=run, every=0) as crew:
            work(crew, slow)
        assert max(numbers) <= 1 + 7 // cores.WORTH - 2
    run.release()


def test_a_worker_leaves_when_its_core_is_wanted(tmp_path: Path, start: Start) -> None:
    run = Cores(tmp_path / "run.cores", 4, 3, lasting=0)
    newcomer: list[Job] = []
    here: list[int] = []

    def task(value: int) -> int:
        if value >= 20 and not newcomer:
            newcomer.append(start())
        here.append(value)
        return slow(value)

    with counted() as (hire, numbers), Crew(range(60), slow, hire, cores=run, every=0) as crew:
        assert len(work(crew, task)) == 60
        assert numbers == [0, 1, 0]
    assert newcomer[0].n_own == 1
    assert here[:10] != [*range(10)]
    assert here[-30:] == [*range(30, 60)]
    run.release()


def test_nobody_is_hired_without_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Cores(tmp_path / "run.cores", 4, 1, lasting=0)
    monkeypatch.setattr(cores, "SPARE_MB", 1e12)
    with counted() as (hire, numbers), Crew(range(30), slow, hire, cores=run, every=0) as crew:
        work(crew, slow)
        assert numbers == [0]
    run.release()


class Dying(Executor):
    """A worker that dies with its first task."""

    def submit(self, *_: object, **__: object) -> Future[int]:
        future: Future[int] = Future()
        future.set_exception(BrokenExecutor())
        return future


def test_the_work_of_a_borrowed_worker_that_died_is_done_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Cores(tmp_path / "run.cores", 4, 1, lasting=0)
    with Crew(range(30), slow, Dying, cores=run, every=0) as crew:
        assert work(crew, slow) == {number: -number for number in range(30)}
    assert caplog.text.count("died") == 1  # and no other is hired
    assert run.borrow() is not None
    run.release()


def test_a_worker_of_the_jobs_own_that_died_is_an_error() -> None:
    with pytest.raises(BrokenExecutor), Crew(range(30), slow, Dying, 1) as crew:
        work(crew, slow)


def test_importing_is_light() -> None:
    """Every job of a run imports it, and so do the sleepers of the benchmark."""
    command = "import sys, castgraph.base.cores; print('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["False", "False"]
