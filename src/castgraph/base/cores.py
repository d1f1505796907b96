"""Cores that would be idle: a job takes on more workers while nobody else needs its run's cores.

Snakemake gives a job a fixed number of cores. When fewer jobs are left than there are cores, the others would
have nothing to do. A job whose work is divided into tasks can use them: it borrows the core that it sees idle
for a while, and gives it back when a job of its own right comes.

Nothing but the kernel keeps the books: a core that is owned or borrowed is a locked byte of a file, and the
lock is gone when the process that holds it ends, in whatever way.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

log = logging.getLogger(__name__)

LASTING = 3.0
"""Seconds after which an idle core may be borrowed: between two jobs Snakemake leaves it idle for less."""

WORTH = 2
"""Tasks for each worker that must be waiting for another worker to pay."""

SPARE_MB = 2000
"""MiB that must be available for another worker; one of `encode` takes 600."""

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Cores:
    """The cores of a run as one job sees them: its own, those that it borrows, and the others'.

    The job owns cores from the beginning to `release` or to the end of its process. There is one `Cores` in a
    process.

    Parameters
    ----------
    file
        What all jobs of the run lock; made when it is not there.
    n
        Cores of the run.
    own
        Cores that Snakemake gave the job.
    lasting
        Seconds for which a core must have been idle to be borrowed.

    Raises
    ------
    OSError
        When the file cannot be opened: it is another user's, or a link.
    """

    def __init__(self, file: Path, n: int, own: int = 1, *, lasting: float = LASTING) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._n = n
        self._lasting = lasting
        self._own: set[int] = set()
        self._borrowed: set[int] = set()
        self._idle_since: dict[int, float] = {}
        # Idle cores first, then those that another job has borrowed and now gives back.
        for also_borrowed in (False, True):
            for core in range(n):
                if len(self._own) < own and core not in self._own and self._lock(core):
                    if also_borrowed or self._is_free(n + core):
                        self._own.add(core)
                    else:
                        self._unlock(core)

    @property
    def own(self) -> frozenset[int]:
        """The cores that this job owns. It may be fewer than it asked for, when all are owned."""
        return frozenset(self._own)

    def borrow(self) -> int | None:
        """Borrow a core that has been idle for long enough; gives its number, or None when there is none."""
        now = time.monotonic()
        for core in set(range(self._n)) - self._own - self._borrowed:
            if not (self._is_free(core) and self._is_free(self._n + core)):
                self._idle_since.pop(core, None)
            elif now - self._idle_since.setdefault(core, now) >= self._lasting and self._lock(self._n + core):
                self._borrowed.add(core)
                del self._idle_since[core]
                return core
        return None

    def is_wanted(self, core: int) -> bool:
        """Tell whether a job came whose own core it is."""
        return not self._is_free(core)

    def give_back(self, core: int) -> None:
        """End the use of a borrowed core."""
        self._unlock(self._n + core)
        self._borrowed.discard(core)

    def release(self) -> None:
        """Give up all cores."""
        os.close(self._file)

    # Byte `core` is locked by the job that owns the core, byte n + `core` by the one that has borrowed it.
    # A process never finds a lock of its own taken, so these are asked about others' cores only.
    # Not by castgraph.base.locks: filelock has no locks of single bytes.

    def _lock(self, byte: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError:
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def _is_free(self, byte: int) -> bool:
        free = self._lock(byte)
        if free:
            self._unlock(byte)
        return free


def of_run(n: int, own: int) -> Cores | None:
    """Take a job's own cores of the `n` of the run in the working directory; None where none are lent."""
    # Not beside the results: locks are slow on network file systems, and cores are this machine's.
    run = hashlib.sha256(os.fsencode(Path.cwd())).hexdigest()[:16]
    file = Path(tempfile.gettempdir()) / f"castgraph-{os.getuid()}-{run}.cores"
    try:
        return Cores(file, n, own) if n else None
    except OSError as error:
        log.warning("no idle core can be borrowed: %s", error)
        return None


@dataclass(eq=False)
class _Worker(Generic[_Task, _Result]):
    executor: Executor
    core: int | None  # None: one of the job's own
    given: deque[tuple[int, _Task, Future[_Result]]] = field(default_factory=deque)
    leaves: bool = False


class Crew(Generic[_Task, _Result]):
    """Workers that do tasks beside this process, and come and go with the cores that there are.

    The process does tasks, too (`own`, in any thread), and calls `look` now and then. Use it as a context
    manager: at the end no worker is left.

    Parameters
    ----------
    tasks
        What is to be done; more than the workers can begin at once.
    work
        Does one task, in a worker.
    hire
        Makes a worker: an executor that does one task after the other.
    n
        Workers from the beginning to the end, beside this process.
    cores
        Where further ones are borrowed; none when it is None.
    every
        Seconds between two looks for an idle core.
    """

    def __init__(
        self,
        tasks: Iterable[_Task],
        work: Callable[[_Task], _Result],
        hire: Callable[[], Executor],
        n: int = 0,
        cores: Cores | None = None,
        *,
        every: float = 1.0,
    ) -> None:
        self._waiting = deque(enumerate(tasks))
        self._work = work
        self._hire = hire
        self._cores = cores
        self._every = every
        self._next_look = 0.0
        self._may_borrow = cores is not None
        self._workers: list[_Worker[_Task, _Result]] = [_Worker(hire(), None) for _ in range(n)]
        for worker in self._workers:
            self._give(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._workers:
            self._dismiss(self._workers[0])

    @property
    def n_borrowed(self) -> int:
        """How many of the workers work on borrowed cores."""
        return sum(worker.core is not None for worker in self._workers)

    @property
    def is_done(self) -> bool:
        """Whether all tasks are done. When a worker on a borrowed core dies its tasks wait again."""
        return not self._waiting and not self._workers

    def own(self) -> Iterator[tuple[int, _Task]]:
        """Give the tasks that this process is to do, with their numbers from 0, until none is waiting."""
        while taken := self._take():
            yield taken

    def look(self) -> Iterator[tuple[int, _Result]]:
        """See to the workers; give the tasks that they have done, by number, with what came of them.

        Raises
        ------
        BrokenExecutor
            When one of the job's own workers died. What a task raises comes through as it is.
        """
        for worker in [*self._workers]:
            yield from self._done(worker)
            if worker.core is not None and self._cores is not None:
                worker.leaves = worker.leaves or self._cores.is_wanted(worker.core)
            self._give(worker)
            if not worker.given:
                self._dismiss(worker)
        self._borrow()

    def rest(self) -> Iterator[tuple[int, _Result]]:
        """Do as `look` does until the workers have done what they were given."""
        while self._workers:
            wait(
                [worker.given[0][-1] for worker in self._workers],
                timeout=self._every,
                return_when=FIRST_COMPLETED,
            )
            yield from self.look()

    def _take(self) -> tuple[int, _Task] | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _done(self, worker: _Worker[_Task, _Result]) -> Iterator[tuple[int, _Result]]:
        while worker.given and worker.given[0][-1].done():
            number, _, future = worker.given[0]
            try:
                result = future.result()
            except BrokenExecutor:
                if worker.core is None:
                    raise
                log.warning(
                    "a worker on a borrowed core died, for lack of memory perhaps; its work is done again"
                )
                self._may_borrow = False
                self._waiting.extendleft((number, task) for number, task, _ in reversed(worker.given))
                worker.given.clear()
                worker.leaves = True
                return
            worker.given.popleft()
            yield number, result

    def _give(self, worker: _Worker[_Task, _Result]) -> None:
        # A second one, so that it goes on while this process is busy; not where others could do it sooner.
        n = 2 if len(self._waiting) > 2 * len(self._workers) else 1
        while len(worker.given) < n and not worker.leaves and (taken := self._take()):
            number, task = taken
            worker.given.append((number, task, worker.executor.submit(self._work, task)))

    def _borrow(self) -> None:
        now = time.monotonic()
        enough = len(self._waiting) >= WORTH * (2 + len(self._workers))
        if self._cores is None or not self._may_borrow or not enough or now < self._next_look:
            return
        self._next_look = now + self._every
        if _available_mb() < SPARE_MB:
            return
        core = self._cores.borrow()
        if core is not None:
            worker: _Worker[_Task, _Result] = _Worker(self._hire(), core)
            self._workers.append(worker)
            self._give(worker)
            log.info("a worker more, on an idle core: %d in all", 1 + len(self._workers))

    def _dismiss(self, worker: _Worker[_Task, _Result]) -> None:
        worker.executor.shutdown(wait=False, cancel_futures=True)
        self._workers.remove(worker)
        if worker.core is not None and self._cores is not None:
            self._cores.give_back(worker.core)


def _available_mb() -> float:
    """Tell how much memory is available on this machine, in MiB; endless where the kernel does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return float("inf")
    return next(
        (int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:")), float("inf")
    )
