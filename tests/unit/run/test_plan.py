"""What a run would do, put together from the jobs of a dry run."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from castgraph.archive import LeftAlone, about_n_frames
from castgraph.base import tables
from castgraph.run.estimate import FIRST_GUESS, estimate, pace
from castgraph.run.plan import Plan, render, why
from castgraph.run.progress import Facts, Job


def facts(folder: Path, **others: Any) -> Facts:
    usual: dict[str, Any] = {
        "run": "mine", "results": folder / "results" / "mine", "config": "mine.yaml", "n_broadcasts": 10,
        "sources": {}, "left_alone": [], "encoder": "fast", "frame_seconds": 4, "keep_zips": True,
        "cores": 4, "descriptions": {},
    }  # fmt: skip
    return Facts(**usual | others)


def encoded(folder: Path, name: str, n_frames: int, seconds: float) -> None:
    """Write what is left of a broadcast that was encoded."""
    receipt = folder / "results" / "encoded" / "fast" / "gdelt" / f"{name}.json"
    receipt.parent.mkdir(parents=True, exist_ok=True)
    receipt.write_text(json.dumps({"n_frames": n_frames, "n_faces": 2 * n_frames}))
    measured = folder / "results" / "benchmarks" / "encode" / "fast" / "gdelt" / f"{name}.tsv"
    measured.parent.mkdir(parents=True, exist_ok=True)
    measured.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t0:00:01\t1.0\t1.0\n")
    table = folder / "results" / "faces" / "fast" / "gdelt" / f"{name}.parquet"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_bytes(bytes(1000 * n_frames))


def printed(found: Facts, jobs: list[Job], width: int = 200) -> str:
    said = io.StringIO()
    Console(file=said, width=width).print(render(found, jobs))
    return said.getvalue()


def jobs_of(number: int, *, outputs: list[str] | None = None, reason: str = "") -> list[Job]:
    broadcast = {"broadcast": f"A_20240101_{number:06d}"}
    return [
        Job(2 * number, "unzip", broadcast, reason, ["scratch"]),
        Job(
            2 * number + 1, "encode", broadcast, "Input files updated by another job: a", outputs or ["none"]
        ),
    ]


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        ("Missing output files: a, b", []),
        ("Input files updated by another job: a; Set of input files has changed since last execution", []),
        ("Missing output files: a; Updated input files: x/y.zip, x/z.zip", ["y.zip, z.zip is newer"]),
        ("Forced execution", ["forced execution"]),
        (
            "Missing output files: a; Params have changed since last execution: Union of exclusive params "
            "before and now across all output: before: {'limits': {'max_frames': 9, 'b': 1}, 'versions': "
            "{'a': 1}} now: {'limits': {'max_frames': 8, 'b': 1}, 'versions': {'a': 2}} ",
            ["max_frames is 8 instead of 9", "castgraph makes it another way"],
        ),
        (
            "Params have changed since last execution: Union …: before: <nothing exclusive> now: {'a': 1} ",
            ["a is new"],
        ),
        (
            "Params have changed since last execution: Union …: before: 4, 'x' now: 5, 'x' ",
            ["a setting is another, or castgraph makes it another way"],
        ),
        ("Params have changed since last execution: Union …: before: {'a': __import__('os')} now: {'a': 2} ",
         ["a setting is another, or castgraph makes it another way", "a is new"]),
    ],
)  # fmt: skip
def test_why_something_is_made_again(reason: str, found: list[str]) -> None:
    assert why(reason) == found


def test_a_plan_tells_what_is_new_what_is_made_again_and_why(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    jobs = jobs_of(1) + jobs_of(2, outputs=[str(there)], reason="Updated input files: zips/B.zip")
    jobs += [
        Job(90, "download", {"broadcast": "A_20240101_000001"}, "", ["zip"]),
        Job(91, "merge", {}, "Input files updated by another job: x", [str(there)]),
        Job(92, "people", {"clustering": "a"}, "", ["new"]),
        Job(93, "people", {"clustering": "b"}, "", ["new"]),
        Job(94, "all", {}, "", []),
    ]
    text = printed(facts(tmp_path), jobs)
    assert "10: 8 encoded already, 1 to encode, 1 to encode again, 1 to fetch or read first" in text
    assert "again since B.zip is newer: A_20240101_000002" in text
    assert "made: people (2)" in text
    assert "made again: merge" in text


def test_a_year_is_one_screen(tmp_path: Path) -> None:
    jobs = [job for number in range(342) for job in jobs_of(number)]
    left = [LeftAlone(f"rec/{number}.srt", "subtitles") for number in range(500)]
    lines = printed(facts(tmp_path, n_broadcasts=342, left_alone=left), jobs, width=80).splitlines()
    assert len(lines) <= 24
    assert "500 entries: subtitles; the first: rec/0.srt" in " ".join(line.strip() for line in lines)


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    text = printed(facts(tmp_path), [])
    assert "10: 10 encoded already" in text
    assert "nothing: all of it is there" in text


def test_inventories_come_first(tmp_path: Path) -> None:
    jobs = [Job(n, "inventory", {}, "", []) for n in range(7)] + [Job(9, "select", {}, "", [])]
    assert "inventories tell which: 7 to fetch" in printed(facts(tmp_path, n_broadcasts=None), jobs)


def test_errors_are_told_and_no_plan(tmp_path: Path) -> None:
    said = io.StringIO()
    plan = Plan(Console(file=said, width=200))
    plan.says("no such key", is_error=True)
    plan.knows(facts(tmp_path))
    plan.closes()
    assert said.getvalue() == "error: no such key\n"


def test_without_earlier_broadcasts_it_is_a_first_guess_and_said_so(tmp_path: Path) -> None:
    assert pace(tmp_path / "results", "fast") is FIRST_GUESS
    assert "a first guess" in printed(facts(tmp_path), jobs_of(1))


def test_an_estimate_is_reckoned_from_what_earlier_broadcasts_took(tmp_path: Path) -> None:
    encoded(tmp_path, "A", 100, seconds=10)
    encoded(tmp_path, "B", 300, seconds=30)
    (tmp_path / "results" / "encoded" / "fast" / "gdelt" / "C.json").write_text("{")
    known = pace(tmp_path / "results", "fast")
    assert (known.n_broadcasts, known.frames, known.faces) == (2, 200, 2)
    assert known.seconds == pytest.approx(0.1)
    assert known.table_bytes == pytest.approx(2000)
    names = [f"N{number}" for number in range(8)]
    found = estimate(names, 10, {}, known, frame_seconds=4, cores=4, keep_zips=False)
    assert found.frames == 1600
    assert found.seconds == pytest.approx((1600 * 0.1 + 8 * 5) / 4)  # five seconds for each to start
    kept = estimate(names, 10, {}, known, frame_seconds=4, cores=4, keep_zips=True)
    assert kept.disk - found.disk == pytest.approx(1600 * known.zip_bytes)
    assert "reckoned from what 2 broadcasts took that lie here" in printed(facts(tmp_path), jobs_of(1))


def test_recordings_are_as_long_as_they_say(tmp_path: Path, demo: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(7):
        (tmp_path / "pictures" / f"{number}.jpg").touch()
    assert about_n_frames(str(tmp_path / "pictures"), 4) == 7
    assert about_n_frames(str(demo / "DEMO2_20240105_120000.zip"), 4) >= 50
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    assert about_n_frames(str(tmp_path / "broken.mp4"), 4) == 0
    sources = {f"X{number}": str(tmp_path / "pictures") for number in range(3)}
    assert (
        estimate(list(sources), 3, sources, FIRST_GUESS, frame_seconds=4, cores=1, keep_zips=True).frames
        == 21
    )


def test_the_embeddings_that_there_are_tell_how_large_they_are(tmp_path: Path) -> None:
    assert pace(tmp_path / "results", "fast").embedding_size == 128
    encoded(tmp_path, "A_20240101_000000", 10, 1)  # no table that can be read
    assert pace(tmp_path / "results", "fast").embedding_size == 128
    table = tmp_path / "results" / "faces" / "fast" / "gdelt" / "A_20240101_000000.parquet"
    tables.write(table, tables.encoded_faces(512).empty_table(), {})
    assert pace(tmp_path / "results", "fast").embedding_size == 512
