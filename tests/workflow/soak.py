"""A run that is killed with -9 again and again while its archive fails at random, beside an undisturbed one.

    uv run python -m tests.workflow.soak --broadcasts 200

`test_soak.py` does the same in small.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from tests.conftest import ROOT
from tests.faults import FaultServer
from tests.workflow.conftest import Config, Run, frames_of, jobs, write_zip

DEMO = ROOT / "resources" / "demo"


def make_archive(
    folder: Path, n_broadcasts: int, n_frames: int, every: int, chance: random.Random
) -> list[str]:
    """Make broadcasts of frames of the demo; of each `every` one is damaged, and one missing."""
    sources = sorted(DEMO.glob("*.zip"))
    ids = []
    for number in range(n_broadcasts):
        source = chance.choice(sources)
        with zipfile.ZipFile(source) as archive:
            n_there = len([name for name in archive.namelist() if name.endswith(".jpg")])
        begin = chance.randint(1, max(1, n_there - n_frames + 1))
        frames = frames_of(DEMO, source.stem, range(begin, min(begin + n_frames, n_there + 1)))
        start = datetime(2024, 1, 1) + timedelta(hours=number)
        ids.append(f"SOAK{number % 3}_{start:%Y%m%d_%H%M%S}_Programme")
        path = write_zip(folder, ids[-1], frames)
        if number % every == every // 3:
            path.write_bytes(path.read_bytes()[:-300])
        if number % every == 2 * every // 3:
            path.unlink()
    return ids


def configuration(ids: list[str], base_url: str) -> Config:
    return {
        "run": "soak",
        "broadcasts": {"ids": ids},
        "archive": {"base_url": base_url},
        "compute": {"timeout": 2, "attempts": 8},
        "people": {"portraits": False},
    }


def finish(run: Run, targets: Sequence[str], seconds: Callable[[], float], most_kills: int) -> int:
    """Start a run and kill it and its jobs after some seconds, until it comes to its end; count the kills."""
    kills = failures = 0
    while True:
        process = run.start(*targets)
        try:
            returncode = process.wait(timeout=seconds() if kills < most_kills else None)
        except subprocess.TimeoutExpired:
            kills += 1
            continue
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if returncode == 0:
            return kills
        failures += 1  # what a job could not fetch in all its attempts is tried by the next start
        assert failures < 20, run.output[-6000:]


def soak(
    folder: Path,
    *,
    n_broadcasts: int,
    n_frames: int,
    most_kills: int,
    seconds: tuple[float, float],
    seed: int,
    say: Callable[[str], None],
    every: int = 20,
    targets: Sequence[str] = (),
) -> None:
    """Compare a run that is killed after some `seconds` again and again with an undisturbed one.

    Raises
    ------
    AssertionError
        When a result differs, is there in one of them only, or something half-written is left.
    """
    chance = random.Random(seed)
    archive, calm, wild = (folder / name for name in ("archive", "calm", "wild"))
    for path in (archive, calm, wild):
        path.mkdir(parents=True)
    ids = make_archive(archive, n_broadcasts, n_frames, every, chance)
    with FaultServer(archive) as server:
        undisturbed = Run(calm, configuration(ids, server.url))
        began = time.monotonic()
        finish(undisturbed, targets, lambda: 0, most_kills=0)
        say(f"undisturbed: {time.monotonic() - began:.0f} s, {sum(jobs(undisturbed.output).values())} jobs")
        # At the same address, which is part of where results lie.
        server.random = random.Random(seed)
        server.requests.clear()
        run = Run(wild, configuration(ids, server.url), warm_jobs=False)
        began = time.monotonic()
        kills = finish(run, targets, lambda: chance.uniform(*seconds), most_kills)
        say(
            f"disturbed: {time.monotonic() - began:.0f} s, killed {kills} times, "
            f"{len(server.requests)} requests for {n_broadcasts} broadcasts"
        )
    found, expected = run.digests(), undisturbed.digests()
    assert sorted(found) == sorted(expected)
    differing = [name for name in found if found[name] != expected[name]]
    assert not differing, differing
    left = [path for path in wild.rglob("*") if ".part" in path.name and ".snakemake" not in path.parts]
    assert not left, left
    say(f"all {len(found)} results are the same, byte for byte")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--broadcasts", type=int, default=200)
    parser.add_argument(
        "--frames", type=int, default=50, help="frames of a broadcast; the demo's have about 50"
    )
    parser.add_argument("--kills", type=int, default=1000, help="kills at most")
    parser.add_argument("--longest", type=float, default=40, help="seconds at most between two kills")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="castgraph-soak-") as folder:
        soak(
            Path(folder),
            n_broadcasts=options.broadcasts,
            n_frames=options.frames,
            most_kills=options.kills,
            seconds=(5, options.longest),
            seed=options.seed,
            say=lambda text: print(text, flush=True),
        )


if __name__ == "__main__":
    sys.exit(main())
