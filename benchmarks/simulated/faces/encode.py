"""Sleep instead of encoding, and borrow idle cores as the real script does."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulated import SETTINGS, began, import_as, now, record

TASK, BATCH = 64, 16  # castgraph.faces.encode's


def worker_of(spans: list[tuple[float, float]], start_s: float) -> type[ThreadPoolExecutor]:
    """Make a class of workers that take a while to start and note when they were there."""

    class Worker(ThreadPoolExecutor):
        def __init__(self) -> None:
            super().__init__(1, initializer=time.sleep, initargs=(start_s,))
            self.hired = now()

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            spans.append((self.hired, now()))
            super().shutdown(wait, cancel_futures=cancel_futures)

    return Worker


def sleep_through(n_frames: int) -> None:
    """Take as long as the frames would; the workers share the time out."""
    from castgraph.base.cores import Crew, of_run  # not where nothing is simulated but the start of a job

    spans: list[tuple[float, float]] = []
    frame_s = SETTINGS["frame_s"]
    tasks = [min(TASK, n_frames - first) for first in range(0, n_frames, TASK)]
    cores = of_run(snakemake.resources.cores_of_run, snakemake.threads) if SETTINGS["borrow"] else None
    time.sleep(SETTINGS["start_s"])
    with Crew(
        tasks, lambda n: time.sleep(n * frame_s), worker_of(spans, SETTINGS["start_s"]), cores=cores
    ) as crew:
        for _, n in crew.own():
            for first in range(0, n, BATCH):
                time.sleep(min(BATCH, n - first) * frame_s)
                list(crew.look())
        list(crew.rest())
    record("encode", snakemake.wildcards.broadcast, [(began(), now()), *spans], n_frames * frame_s)


import_as("faces/encode.py")
if n_frames := int(Path(snakemake.input.manifest).read_text()):
    sleep_through(n_frames)
for path in snakemake.output:
    Path(path).touch()
