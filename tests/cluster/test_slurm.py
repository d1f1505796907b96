"""Four broadcasts on a real Slurm that ends a job of each in a way of its own, all in one run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.slurm import Job, Slurm
from tests.workflow.conftest import SHORT, Config, Run, jobs
from tests.workflow.test_kill import workers

SLOTS = 3
CANCELLED = "DEMO1_20240103_190000_Evening_Review"
REQUEUED = "DEMO2_20240102_220000_Night_Debate"
LATE = "DEMO1_20240102_190000_Evening_Review"
GREEDY = "DEMO2_20240105_120000"

# As far as the first jobs that are no broadcast's; each job takes as long as four starts of Snakemake.
LABELS = "results/small/eps-0.40/labels.parquet"

# What the faults need: a first try with a minute of time for one broadcast, and with less memory for another
# one than Snakemake alone takes.
FIRST = {
    "runtime": f"1 if attempt == 1 and wildcards.broadcast == '{LATE}' else 100 * attempt",
    "mem_mb": f"40 if attempt == 1 and wildcards.broadcast == '{GREEDY}' else 1000 * attempt",
}
OPTIONS = [
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "16"),
    *("--slurm-keep-successful-logs", "--latency-wait", "20", "--max-threads", "2"),
    *("--resources", f"download_slots={SLOTS}"),
    *("--set-resources", f"download:runtime={FIRST['runtime']}", "unzip:runtime=0", "encode:runtime=0"),
    *(f"{rule}:mem_mb={FIRST['mem_mb']}" for rule in ("download", "unzip", "encode")),
]


@dataclass
class Disturbed:
    """A run on the cluster, and what was seen of it."""

    run: Run
    jobs: list[Job]
    most_at_a_time: int = 0
    tries: dict[str, list[Job]] = field(default_factory=lambda: defaultdict(list))


def broadcast_of(run: Run, job: Job) -> str:
    """Tell which broadcast a group job is about, from what it logged; nothing where it logged nothing."""
    for log in (run.folder / ".snakemake" / "slurm_logs").glob(f"group_broadcast_*/{job.id}.log"):
        if found := re.search(r"broadcast=(\w+)", log.read_text(errors="replace")):
            return found[1]
    return ""


def processes(run: Run, job: Job) -> list[int]:
    """The processes of a job at work in the folder of the run."""
    mine = f"SLURM_JOB_ID={job.id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                environment = (entry / "environ").read_bytes().split(b"\0")
                if mine in environment and (entry / "cwd").readlink() == run.folder:
                    found.append(int(entry.name))
    return found


def encoding(run: Run, job: Job) -> bool:
    return bool(set(processes(run, job)) & set(workers(run.folder, "encode.py")))


@pytest.fixture(scope="module")
def disturbed(
    cluster: Slurm, root: Path, small_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Disturbed:
    config = small_config | {"compute": {"scratch": "$TMPDIR/castgraph"}}
    profile = ["--workflow-profile", str(root / "profiles" / "slurm")]
    run = Run(tmp_path_factory.mktemp("on-slurm"), config, extra=[*profile, *OPTIONS], warm=False)
    faults = {CANCELLED: ("scancel",), REQUEUED: ("scontrol", "requeue")}
    process = run.start(LABELS, cores=200)
    most = 0
    try:
        deadline = time.monotonic() + 1200
        while process.poll() is None and time.monotonic() < deadline:
            active = [job for job in cluster.jobs() if job.state in ("PENDING", "RUNNING", "COMPLETING")]
            groups = [job for job in active if "encode" in job.comment]
            most = max(most, len(groups))
            for job in groups:
                if job.minutes == 1:  # it will not be done in time
                    for pid in processes(run, job):
                        with suppress(OSError):
                            os.kill(pid, signal.SIGSTOP)
                elif broadcast_of(run, job) in faults and encoding(run, job):
                    cluster.run(*faults.pop(broadcast_of(run, job)), job.id)
            time.sleep(0.3)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, run.output[-6000:]
    assert not faults
    seen = Disturbed(run, cluster.jobs(), most)
    for job in seen.jobs:
        if broadcast := broadcast_of(run, job):
            seen.tries[broadcast].append(job)
    return seen


def states(jobs: list[Job]) -> list[str]:
    return [job.state for job in jobs]


def test_results_are_those_of_a_local_run(disturbed: Disturbed, small_run: Run) -> None:
    found, expected = disturbed.run.digests(), small_run.digests()
    del found["small/config.yaml"]
    assert {"small/faces.parquet", "small/eps-0.40/labels.parquet"} < set(found)
    assert found == {name: expected[name] for name in found}


def test_a_broadcast_is_one_job(disturbed: Disturbed) -> None:
    groups = [job for job in disturbed.jobs if "encode" in job.comment]
    assert len(groups) == len(SHORT) + 3  # with the retries; Slurm itself tries a requeued job again
    assert len({job.comment for job in groups}) == 1
    assert not [job.comment for job in disturbed.jobs if job not in groups and "download" in job.comment]
    # A core, although the chain is three jobs, and the memory of the one that needs most.
    assert {job.cores for job in groups} == {1}


def test_a_cancelled_job_is_tried_again(disturbed: Disturbed) -> None:
    assert states(disturbed.tries[CANCELLED]) == ["CANCELLED", "COMPLETED"]


def test_a_job_out_of_time_is_tried_again_with_more(disturbed: Disturbed) -> None:
    [first] = [job for job in disturbed.jobs if job.minutes == 1]  # it may have logged nothing
    second = disturbed.tries[LATE][-1]
    assert first.state == "TIMEOUT"
    assert (second.state, second.minutes) == ("COMPLETED", 200)


def test_a_job_out_of_memory_is_tried_again_with_more(disturbed: Disturbed, cluster: Slurm) -> None:
    [first] = [job for job in disturbed.jobs if job.mem_mb == 40]  # it may have logged nothing
    second = disturbed.tries[GREEDY][-1]
    assert first.state in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert (second.state, second.mem_mb) == ("COMPLETED", 2000)
    log = (cluster.folder / "slurmd.log").read_text()
    assert re.search(rf"\[{first.id}\.\w+\].*exceeded memory limit", log)


def test_a_pre_empted_job_goes_back_into_the_queue(disturbed: Disturbed, cluster: Slurm) -> None:
    [job] = disturbed.tries[REQUEUED]
    assert job.state == "COMPLETED"
    assert "Restarts=1" in cluster.run("scontrol", "show", "job", job.id)


def test_fetches_are_limited_over_the_whole_cluster(disturbed: Disturbed) -> None:
    assert 1 < disturbed.most_at_a_time <= SLOTS


def test_scratch_lies_on_the_node_and_is_left_empty(disturbed: Disturbed, cluster: Slurm) -> None:
    finished = {job.id for job in disturbed.jobs if job.state == "COMPLETED"}
    used = [cluster.scratch / f"job-{number}" / "castgraph" for number in finished]
    assert len([folder for folder in used if folder.is_dir()]) == len(SHORT)
    assert not [path for folder in used for path in folder.rglob("*") if path.is_file()]
    submit = Path(os.environ["TMPDIR"])
    assert not (submit / "castgraph").exists()


def test_nothing_is_made_again_where_scratch_lies_elsewhere(disturbed: Disturbed, tmp_path: Path) -> None:
    assert disturbed.run.config is not None
    config = {**disturbed.run.config, "compute": {"scratch": str(tmp_path / "elsewhere")}}
    run = Run(tmp_path / "copy", config)
    shutil.copytree(disturbed.run.folder, run.folder)
    assert jobs(run("-n", LABELS)) == {}
