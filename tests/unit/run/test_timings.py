"""What jobs took: which measurements belong to a run, sums by rule, and cores over time."""

from pathlib import Path

import numpy as np
import pytest
from tests.finished import ENCODER, measured

from castgraph.run.timings import GAP, Job, RuleTimes, by_rule, course, read_jobs, total

T = 1_790_000_000.0  # when the work began


def job(start: float, seconds: float, cores: float = 1.0, rule: str = "encode") -> Job:
    return Job(rule, T + start + seconds, seconds, cores * seconds, 100.0)


def test_only_the_jobs_that_the_run_rests_on_are_read(tmp_path: Path) -> None:
    own, other = "NTV_20261001_030000", "NTV_20261001_040000"
    for folder in ("download", "unzip", f"encode/{ENCODER}", "encode/reference-hog-up1"):
        for broadcast in (own, other):
            measured(tmp_path / folder / f"{broadcast}.tsv", T, 2)
    for name in ("inventory/NTV.20261001", "inventory/NTV.20261002", "mine/merge", "mine/eps-0.40/people"):
        measured(tmp_path / f"{name}.tsv", T, 2)
    for name in ("mine/eps-0.40/clustering", "mine/eps-0.38/clustering", "mine/report", "yours/merge"):
        measured(tmp_path / f"{name}.tsv", T, 2)
    found = read_jobs(tmp_path, "mine", ENCODER, [own, "NTV_20261001_050000"], ["NTV.20261001"])
    assert sorted(job.rule for job in found) == [
        *("clustering", "clustering", "download", "encode", "inventory", "merge", "people", "unzip"),
    ]


@pytest.mark.parametrize(("cpu", "memory"), [("NA", "NA"), ("-", "-"), ("nan", "inf"), ("-1", "")])
def test_what_was_not_measured_is_nothing(cpu: str, memory: str, tmp_path: Path) -> None:
    measured(tmp_path / "mine" / "merge.tsv", T, 2.5, cpu, memory)
    assert read_jobs(tmp_path, "mine", ENCODER, []) == [Job("merge", T, 2.5, 0.0, 0.0)]


@pytest.mark.parametrize("content", [b"", b"s\n", b"s\tcpu_time\nsoon\t1\n", b"\xff\xfe", b"a\tb\n1\t2\n"])
def test_a_file_that_is_no_measurement_is_passed_over(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "merge.tsv").write_bytes(content)
    assert read_jobs(tmp_path, "mine", ENCODER, []) == []


def test_jobs_are_summed_up_by_rule_in_the_order_of_their_start() -> None:
    jobs = [job(50, 10, rule="merge"), job(10, 20, 0.5), job(0, 5, 0.0, "download"), job(20, 30, 1.5)]
    assert by_rule(jobs) == [
        RuleTimes("download", 1, 5.0, 0.0, 100.0),
        RuleTimes("encode", 2, 50.0, 55.0, 100.0),
        RuleTimes("merge", 1, 10.0, 10.0, 100.0),
    ]
    assert total(jobs)[1:] == (4, 65.0, 65.0, 100.0)
    assert (by_rule([]), total([])) == ([], RuleTimes("all", 0, 0, 0, 0))


def test_cores_and_jobs_side_by_side_add_up() -> None:
    found = course([job(0, 100, 0.5), job(0, 50, 2.0), job(50, 25, 1.0)], n=4)
    assert found.edges.tolist() == [0, 25, 50, 75, 100]
    assert found.cores == pytest.approx([2.5, 2.5, 1.5, 0.5], abs=1e-6)
    assert found.jobs == pytest.approx([2, 2, 2, 1], abs=1e-6)
    assert (found.cuts, found.cut_seconds) == ([], 0)


def test_the_time_in_which_a_run_was_interrupted_is_cut_out() -> None:
    day = 86_400.0
    jobs = [job(0, 60), job(10, 30), job(day, 40), job(day + 40 + GAP - 1, 20), job(2 * day, 10)]
    found = course(jobs, n=10)
    assert found.edges[-1] == pytest.approx(60 + 40 + GAP - 1 + 20 + 10)
    assert found.cuts == pytest.approx([60, 60 + 40 + GAP - 1 + 20])
    assert found.cut_seconds == pytest.approx(2 * day - 60 - 40 - GAP + 1 - 20)
    # No CPU time is lost by it.
    assert np.sum(found.cores * np.diff(found.edges)) == pytest.approx(sum(job.cpu_seconds for job in jobs))


def test_without_jobs_there_is_no_course() -> None:
    assert course([]) is None
