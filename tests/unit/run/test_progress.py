"""What a run tells people, as Snakemake hands it on."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from castgraph.base.joblog import failure
from castgraph.run import logger, progress
from castgraph.run.logger import LogHandler
from castgraph.run.progress import Facts, Job, Progress

FACTS: dict[str, Any] = {
    "run": "mine",
    "config": "mine.yaml",
    "n_broadcasts": 8,
    "sources": {},
    "left_alone": [],
    "encoder": "fast",
    "frame_seconds": 4,
    "keep_zips": True,
    "cores": 2,
    "descriptions": {"merge": "Join the tables."},
}


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., tuple[Progress, Callable[[], list[str]]]]:
    def make(**options: bool) -> tuple[Progress, Callable[[], list[str]]]:
        said = io.StringIO()
        console = Console(file=said, width=1000)
        teller = Progress(console=console, found=console, **options)
        teller.knows(Facts(results=tmp_path / "results" / "mine", **FACTS))
        return teller, lambda: [line[9:] for line in said.getvalue().splitlines()]

    return make


def encode(number: int, folder: Path, **found: object) -> Job:
    receipt = folder / f"{number}.json"
    receipt.write_text(json.dumps({"n_frames": 50, "n_faces": 1, "status": "ok", "reason": ""} | found))
    wildcards = {"broadcast": f"A_20240101_00000{number}"}
    return Job(number, "encode", wildcards, "", ["faces.parquet", str(receipt)])


def log(folder: Path, number: int, sentence: str) -> str:
    path = folder / f"{number}.log"
    path.write_text(f"2026-01-01 INFO begun\nTraceback …\n2026-01-01 ERROR failed: {sentence}\n")
    assert failure(path) == sentence
    return str(path)


def test_each_broadcast_is_a_line_with_how_far_it_is(told, tmp_path: Path) -> None:
    teller, lines = told()
    teller.plans({"encode": 5, "merge": 1, "total": 6})
    for number in range(5):
        teller.begins(
            encode(number, tmp_path, **({"status": "partial", "reason": "cut"} if number == 4 else {}))
        )
    for number in range(5):
        teller.ends(number)
    assert lines()[:3] == [
        "run mine of mine.yaml: 8 broadcasts; planning",
        "6 jobs to do; 3 of the broadcasts are encoded",
        "encoded 4 of 8: A_20240101_000000: 50 frames, 1 face",
    ]
    assert "frames/s, all in about " in lines()[-2]
    assert lines()[-1] == "encoded 8 of 8: A_20240101_000004: 50 frames, 1 face, partial: cut"


def test_a_stage_is_told_when_it_begins(told) -> None:
    teller, lines = told()
    teller.begins(Job(1, "merge", {"run": "mine"}, "", []))
    teller.begins(Job(2, "people", {"run": "mine", "clustering": "eps-0.40"}, "", []))
    teller.begins(Job(3, "download", {"broadcast": "A_20240101_000000"}, "", []))
    assert lines()[1:] == ["merge: Join the tables.", "people eps-0.40"]


def test_what_is_tried_again_has_not_failed(told, tmp_path: Path) -> None:
    teller, lines = told()
    for number in (1, 2):  # both fail before either is tried again
        teller.begins(encode(number, tmp_path))
        teller.fails(number, "encode", [log(tmp_path, number, "no memory")])
    for number in (1, 2):
        teller.tries_again(number)
        teller.begins(encode(number, tmp_path))
        teller.ends(number)
    teller.closes()
    assert not [line for line in lines() if "fail" in line]


@pytest.mark.parametrize("quiet", [{}, {"quiet": True}, {"silent": True}])
def test_failures_are_told_once_each_then_counted_by_their_reason(told, tmp_path: Path, quiet) -> None:
    teller, lines = told(**quiet)
    for number in range(9):
        teller.begins(encode(number, tmp_path))
        sentence = f"http://archive/A_20240101_00000{number}.zip: refused"
        teller.fails(number, "encode", [log(tmp_path, number, sentence)])
    teller.fails(99, "merge", [str(tmp_path / "no.log")])
    teller.closes()
    failed = [line for line in lines() if line.startswith("failed: ")]
    assert failed[0] == (
        "failed: A_20240101_000000: encode: http://archive/A_20240101_000000.zip: refused; "
        f"details in {tmp_path}/0.log"
    )
    assert len(failed) == progress._MOST_TOLD + 1
    assert lines()[-4:-1] == [
        "10 jobs failed:",
        "  9 × encode: http://archive/….zip: refused",
        "  1 × merge: it ended without saying why",
    ]
    assert "castgraph status" in lines()[-1]


def test_what_failed_for_good_is_told_before_the_end(told, tmp_path: Path, monkeypatch) -> None:
    teller, lines = told()
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    monkeypatch.setattr(Progress._settle, "__defaults__", (0,))
    teller.fails(1, "merge", [log(tmp_path, 1, "disk full")])
    teller.begins(Job(2, "people", {}, "", []))
    assert lines()[-2:] == [f"failed: merge: disk full; details in {tmp_path}/1.log", "people"]


def test_inventories_tell_how_many_there_are(told, tmp_path: Path) -> None:
    said = io.StringIO()
    teller = Progress(console=Console(file=said, width=200))
    teller.knows(Facts(results=tmp_path, **FACTS | {"n_broadcasts": None}))
    selected = tmp_path / "selected.csv"
    selected.write_text(
        "broadcast,station,start,title,program,source,origin\nA_20240101_000000,A,,,,,gdelt\n",
        encoding="utf-8",
    )
    teller.begins(Job(1, "select", {}, "", [str(selected)]))
    teller.ends(1)
    assert "1 broadcast chosen" in said.getvalue()


def record(text: str, level: int = logging.INFO, **found: object) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", level, "", 0, text, None, None)
    made.__dict__.update(found)
    return made


def handler(**settings: object) -> LogHandler:
    usual = {"verbose": False, "debug_dag": False, "printshellcmds": False, "dryrun": False, "quiet": None}
    return LogHandler(SimpleNamespace(**usual | {"stdout": False} | settings), None)


REFUSED = (
    'WorkflowError in file "/x/common.smk", line 38:\nthe run is refused\n  File "/x/common.smk", line 3'
)


@pytest.mark.parametrize("quiet", [None, ["all"], ["progress", "rules"]])
def test_why_a_run_is_refused_is_said_in_a_sentence_whatever_is_quiet(capsys, quiet) -> None:
    made = handler(quiet=quiet)
    assert made.has_filter  # else Snakemake would drop the record
    made.emit(record(REFUSED, logging.ERROR, event=LogEvent.ERROR, exception="WorkflowError"))
    made.close()
    assert capsys.readouterr().err[9:] == "error: the run is refused\n"


def test_what_snakemake_says_beside_a_failed_job_is_left_out(capsys) -> None:
    made = handler()
    for text in (
        "RuleException:\nCalledProcessError in file",
        "Exiting because a job execution failed. Look",
    ):
        made.emit(record(text, logging.ERROR, event=LogEvent.ERROR))
    made.emit(record("Building DAG of jobs..."))
    made.close()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "none.yaml cannot be read (No such file or directory)"),
        ("a: [", "none.yaml is not YAML"),
        ("a text", "none.yaml holds no keys"),
        ("a: 1", ""),
    ],
)
def test_a_configuration_that_is_none_is_named(
    tmp_path: Path, monkeypatch, given: str | None, found: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if given is not None:
        Path("none.yaml").write_text(given)
    said = logger._config_files_that_are_none(["snakemake", "--configfile", "none.yaml", "--cores", "1"])
    assert found in said
    assert bool(found) == bool(said)


def test_a_target_behind_the_configuration_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text("run: x")
    said = logger._config_files_that_are_none(["snakemake", "--configfile", "good.yaml", "encodings"])
    assert said.startswith("the configuration encodings cannot be read")
    assert "put -- before a target" in said


def test_a_traceback_of_a_missing_file_is_a_sentence_and_any_other_stays(capsys) -> None:
    made = handler()
    for kind in ("FileNotFoundError", "ZeroDivisionError"):
        text = f'Traceback (most recent call last):\n  File "x", line 1\n{kind}: [Errno 2] what is wrong'
        made.emit(record(text, logging.ERROR, event=LogEvent.ERROR, exception=kind))
    first, second = capsys.readouterr().err.split("error: ")[1:]
    assert first.splitlines()[0] == "[Errno 2] what is wrong"
    assert second.startswith("Traceback")


def test_details_are_snakemakes_own(capsys) -> None:
    made = handler(printshellcmds=True)
    assert not made.has_filter
    made.emit(record("Building DAG of jobs..."))
    made.close()
    assert capsys.readouterr().err == "Building DAG of jobs...\n"
