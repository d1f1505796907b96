"""What a run says of itself, as a user sees it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.conftest import SHORT, Config, Run
from tests.workflow.test_kill import wait_for, workers
from tests.workflow.warm import snakemake

CASTGRAPH = Path(sys.executable).with_name("castgraph")


def castgraph(folder: Path, *arguments: object, fails: bool = False) -> str:
    """Run a command and give what it printed."""
    done = subprocess.run([CASTGRAPH, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


def test_a_run_tells_each_broadcast_and_stage_and_in_the_end_what_was_found(
    small_config: Config, new_run: Callable[..., Run]
) -> None:
    run = new_run(small_config, detailed=False)
    told = run("encodings").splitlines()
    assert len(told) < 20
    for broadcast in SHORT:
        [line] = [line for line in told if " encoded " in line and broadcast in line]
        assert f" of {len(SHORT)}: {broadcast}: {len(SHORT[broadcast])} frames, " in line
    assert any(line.split() == ["broadcasts", "4:", "4", "ok"] for line in told)  # whatever the target
    told = run().splitlines()
    assert any("merge: Join the tables of all broadcasts of the run." in line for line in told)
    assert any(line.split()[:2] == ["broadcasts", "4"] for line in told)
    assert any(str(Path("results") / "small" / "report.html") in line for line in told)
    assert all(len(line) < 250 for line in told)  # no lists of files
    assert "nothing to do" in run()

    plan = castgraph(run.folder, "plan", run.folder / "config" / "test.yaml")
    assert "4: 4 encoded already" in plan
    assert "nothing: all of it is there" in plan


def test_a_plan_is_one_screen_and_makes_nothing(tmp_path: Path, root: Path) -> None:
    plan = castgraph(tmp_path, "plan", root / "config" / "config.yaml")
    assert "inventories tell which: 8 to fetch" in plan
    assert len(plan.splitlines()) < 24
    assert {path.name for path in tmp_path.iterdir()} <= {".snakemake"}


def test_a_plan_tells_what_is_made_again_and_why(small_run: Run, tmp_path: Path) -> None:
    config = {**small_run.config, "archive": small_run.config["archive"] | {"max_frames": 5}}
    run = small_run.copied(tmp_path / "run", config)
    run.command()  # writes the configuration
    plan = " ".join(castgraph(run.folder, "plan", "config/test.yaml").split())
    assert "3 to encode again" in plan  # the fourth has fewer frames
    assert "again since max_frames is 5 instead of 50000: DEMO1_20240102_190000_Evening_Review" in plan
    assert "reckoned from what 4 broadcasts took" in plan


def test_a_dead_archive_is_told_in_at_most_15_lines(new_run: Callable[..., Run]) -> None:
    config = {
        "run": "dead",
        "broadcasts": {"ids": [f"A_202401{day:02d}_100000" for day in range(1, 9)]},
        "archive": {"base_url": "http://127.0.0.1:9/"},
        "compute": {"attempts": 1},
    }
    run = new_run(config, detailed=False, extra=["--retries", "1"])
    told = run("encodings", cores=4, fails=True)
    assert len(told.splitlines()) <= 15
    assert "Traceback" not in told
    assert re.search(
        r"(A_202401\d\d_100000): download: http://127\.0\.0\.1:9/\1\.zip: ConnectError", told
    )  # the first five, in whatever order they end
    assert "8 × download: http://127.0.0.1:9/….zip: ConnectError" in told
    log = run.results.parent / "logs" / "download"
    assert all("Traceback" in path.read_text() for path in log.rglob("*.log"))  # the whole story is there


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--configfile", "none.yaml"],
            "the configuration none.yaml cannot be read (No such file or directory)",
        ),
        (["--configfile", "good.yaml", "encodings"], "put -- before a target"),
        (["--configfile", "bad.yaml"], "bad.yaml: broadcasts.idz: unknown key; did you mean ids?"),
        (["--configfile", "good.yaml", "--", "nothing"], "No rule to produce nothing"),
    ],
)
@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_refusal_is_a_sentence(
    tmp_path: Path, root: Path, arguments: list[str], said: str, quiet: list[str]
) -> None:
    (tmp_path / "bad.yaml").write_text("run: x\nbroadcasts: {idz: [A]}\n")
    (tmp_path / "good.yaml").write_text("run: x\nbroadcasts: {ids: [A_20240101_100000]}\n")
    command = ["--snakefile", root / "Snakefile", "--cores", "1", *quiet, *arguments]
    told = snakemake(tmp_path, *command, fails=True)
    assert said in told
    assert "Traceback" not in told
    assert len(told.splitlines()) <= 4


def test_a_second_run_is_refused_before_it_plans_with_what_the_first_is_doing(
    small_config: Config, new_run: Callable[..., Run]
) -> None:
    run = new_run(small_config, warm_jobs=False)
    process = run.start("encodings")
    try:
        [pid, *_] = wait_for(lambda: workers(run.folder, "encode.py"), process)
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: (run.results / "selected.csv").exists(), process)
        (run.folder / "output.txt").rename(run.folder / "first.txt")
        refused = Run(run.folder, run.config, detailed=False)("encodings", fails=True)
        at_work = rf"\(process {process.pid}\), into results/small: \d of 4 broadcasts are encoded"
        assert re.search(at_work, refused)
        assert "jobs to do" not in refused
        assert "to encode" in castgraph(run.folder, "plan", "config/test.yaml")  # may be asked beside it
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
