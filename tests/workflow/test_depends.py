"""What results depend on: what has changed is made again, nothing else is, and nothing is lost on the way."""

import copy
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from castgraph.cli import app
from castgraph.run import ledger
from tests.workflow.conftest import SHORT, Config, Run, frames_of, jobs, write_zip

FIRST, SECOND, THIRD, FOURTH = SHORT
MERGED = "results/small/merged.json"
BROADCASTS = "results/small/broadcasts.parquet"
CHAIN = ("download", "unzip", "encode", "merge")


@pytest.fixture
def copied(small_run: Run, tmp_path: Path) -> Run:
    """The finished small run in another folder, where it may be changed."""
    return small_run.copied(tmp_path / "moved")


def planned(run: Run, target: str = MERGED) -> dict[str, int]:
    """How often each rule of a broadcast's chain is planned."""
    counts = jobs(run("-n", target))
    return {rule: counts[rule] for rule in CHAIN if counts[rule]}


def rows(run: Run) -> dict[str, dict]:
    table = pq.read_table(run.results / "broadcasts.parquet").to_pylist()
    return {row["broadcast"]: row for row in table}


def of_broadcast(run: Run, broadcast: str) -> dict[str, bytes]:
    """The ZIP and the tables of a broadcast, and the merged tables."""
    found = [*run.folder.glob(f"resources/zips/*/{broadcast}.zip")]
    found += run.folder.glob(f"results/f*s/*/*/{broadcast}.parquet")
    found += [path for path in run.results.glob("*") if path.suffix in (".parquet", ".npy")]
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in found}


def retry(run: Run, *options: str) -> str:
    result = CliRunner().invoke(app, ["retry", str(run.results), *options])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def partial_run(
    small_archive: Path, small_config: Config, demo: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A run in which one frame of a broadcast could not be read."""
    run = Run(tmp_path_factory.mktemp("partial"), copy.deepcopy(small_config))
    archive = run.folder / "archive"
    shutil.copytree(small_archive, archive)
    frames = frames_of(demo, FOURTH, SHORT[FOURTH])
    write_zip(archive, FOURTH, [*frames[:-1], b"no picture"])
    run.config["broadcasts"] = {"ids": [FIRST, FOURTH]}
    run.config["archive"] = {"base_url": "archive"}
    run(MERGED)
    assert rows(run)[FOURTH]["status"] == "partial"
    return run


@pytest.fixture
def partial(partial_run: Run, tmp_path: Path) -> Run:
    """The same in a folder of its own, where it may be changed."""
    return partial_run.copied(tmp_path / "partial")


def test_what_is_asked_for_again_stays_until_it_is_had(partial: Run, demo: Path) -> None:
    before = of_broadcast(partial, FOURTH)
    assert len(before) == 7
    archive = partial.folder / "archive"
    assert "1 broadcast" in retry(partial)

    # The archive is down: a folder in the place of the file is no answer that the file is missing.
    (archive / f"{FOURTH}.zip").unlink()
    (archive / f"{FOURTH}.zip").mkdir()
    for _ in range(2):  # and it is not forgotten
        assert jobs(partial(MERGED, fails=True))["download"] >= 1
        assert of_broadcast(partial, FOURTH) == before
    status = CliRunner().invoke(app, ["status", str(partial.results)]).output
    assert "not a regular file" in status
    assert "1 partial" in status

    # It has become broken, then it is gone: what there was of it is better.
    (archive / f"{FOURTH}.zip").rmdir()
    for content in (b"PK broken", None):
        if content:
            (archive / f"{FOURTH}.zip").write_bytes(content)
            partial.config["archive"]["give_up"] = True
        else:
            (archive / f"{FOURTH}.zip").unlink()
            retry(partial)
        partial(MERGED)
        assert of_broadcast(partial, FOURTH) == before

    write_zip(archive, FOURTH, frames_of(demo, FOURTH, SHORT[FOURTH]))
    retry(partial)
    assert planned(partial) == dict.fromkeys(CHAIN, 1)
    partial(MERGED)
    assert rows(partial)[FOURTH]["status"] == "ok"
    assert planned(partial) == {}


def test_tables_stay_until_others_are_whole(partial: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the ZIPs are not kept: of a broadcast that is gone now the tables are left."""
    before = of_broadcast(partial, FOURTH)
    shutil.rmtree(partial.folder / "resources")
    (partial.folder / "archive" / f"{FOURTH}.zip").unlink()
    retry(partial)
    partial(MERGED)
    after = of_broadcast(partial, FOURTH)
    tables = [name for name in before if name.endswith((".parquet", ".npy"))]
    assert {name: after[name] for name in tables} == {name: before[name] for name in tables}

    # A job that fails leaves them, and is planned again.
    retry(partial)
    monkeypatch.setenv("CASTGRAPH_CACHE", "/proc/nowhere")  # no model can be had
    assert "encode" in jobs(partial(MERGED, fails=True))
    after = of_broadcast(partial, FOURTH)
    assert {name: after[name] for name in tables} == {name: before[name] for name in tables}
    assert planned(partial)["encode"] == 1


def test_a_merge_that_fails_leaves_the_merged_tables(copied: Run) -> None:
    before = of_broadcast(copied, FIRST)
    [table] = copied.folder.glob(f"results/faces/*/*/{FIRST}.parquet")
    content = table.read_bytes()
    table.write_bytes(content[:-100])
    copied(MERGED, fails=True)
    table.write_bytes(content)
    assert of_broadcast(copied, FIRST) == before
    assert planned(copied) == {"merge": 1}


def test_a_recording_that_was_replaced_is_read_again(demo: Path, new_run: Callable[..., Run]) -> None:
    run = new_run(None)
    pictures = run.folder / "recordings" / FIRST
    pictures.mkdir(parents=True)
    for number, frame in zip(SHORT[FIRST], frames_of(demo, FIRST, SHORT[FIRST]), strict=True):
        (pictures / f"{number:06d}.jpg").write_bytes(frame)
    packed = write_zip(run.folder / "recordings", SECOND, frames_of(demo, SECOND, SHORT[SECOND]))
    run.config = {"run": "small", "broadcasts": {"folder": "recordings"}}
    run(MERGED)
    assert planned(run) == {}

    moved = run.copied(run.folder.parent / "moved")
    assert planned(moved) == {}  # moved with the run, it is the same

    os.utime(packed, (1, 1))
    assert planned(run) == dict.fromkeys(CHAIN, 1)
    shutil.copy(pictures / "000003.jpg", pictures / "000099.jpg")
    assert planned(run) == dict.fromkeys(CHAIN[:3], 2) | {"merge": 1}
    run(MERGED)
    assert rows(run)[FIRST]["n_frames"] == len(SHORT[FIRST]) + 1
    assert planned(run) == {}
    (pictures / "000099.jpg").unlink()
    assert planned(run) == dict.fromkeys(CHAIN, 1)


def test_limits_make_again_what_they_could_change(small_config: Config, new_run: Callable[..., Run]) -> None:
    config = copy.deepcopy(small_config)
    config["broadcasts"] = {"ids": [*SHORT, "DEMO1_20240109_000000_Missing"]}
    config["archive"]["max_frames"] = 7
    run = new_run(config)
    run(MERGED)
    assert [row["n_frames"] for row in rows(run).values()] == [7, 6, 0, 6, 4]
    assert rows(run)[FIRST]["status"] == "partial"
    assert planned(run) == {}

    for limits, expected in (
        ({"max_frame_mb": 30, "max_broadcast_mb": 4000}, {}),
        ({"max_frames": 50_000}, dict.fromkeys(("unzip", "encode", "merge"), 1)),
        ({"max_frames": 6}, dict.fromkeys(("unzip", "encode", "merge"), 1)),
        ({"max_frames": 5}, dict.fromkeys(("unzip", "encode"), 3) | {"merge": 1}),
    ):
        run.config["archive"] = {**config["archive"], **limits}
        assert planned(run) == expected, limits

    run.config["archive"]["max_frames"] = 50_000
    run.config["compute"] = {"scratch": "elsewhere"}  # where no trace is left of how it was unpacked
    run(MERGED)
    assert rows(run)[FIRST]["status"] == "ok"
    assert [row["n_frames"] for row in rows(run).values()] == [8, 6, 0, 6, 4]
    assert planned(run) == {}
    run.config["archive"]["max_frames"] = 60_000
    assert planned(run) == {}


def test_another_archive_lies_elsewhere(copied: Run, small_archive: Path) -> None:
    other = copied.folder / "other"
    shutil.copytree(small_archive, other)
    (other / f"{FOURTH}.zip").unlink()
    before = copied.digests()
    config = copy.deepcopy(copied.config)
    copied.config["archive"] = {"base_url": "other"}
    assert planned(copied) == dict.fromkeys(CHAIN[:3], 4) | {"merge": 1}
    copied(MERGED)
    assert rows(copied)[FOURTH]["status"] == "missing"
    # The first is as it was, and only merged anew.
    copied.config = config
    assert planned(copied) == {"merge": 1}
    copied(MERGED)
    after = copied.digests()
    assert {name: after[name] for name in before} == before


def test_two_sources_of_one_id_do_not_share_a_place(demo: Path, new_run: Callable[..., Run]) -> None:
    run = new_run(None)
    for name, numbers in (("a", (3, 4)), ("b", (5, 6, 7))):
        (run.folder / name).mkdir()
        write_zip(run.folder / name, FIRST, frames_of(demo, FIRST, numbers))
    first = {"run": "first", "broadcasts": {"folder": "a"}}
    second = {"run": "second", "broadcasts": {"folder": "b"}}
    for config, n_frames in ((first, 2), (second, 3)):
        run.config = config
        run(f"results/{config['run']}/merged.json")
        assert rows(run)[FIRST]["n_frames"] == n_frames
    for config in (first, second):
        run.config = config
        assert planned(run, f"results/{config['run']}/merged.json") == {}


def test_the_ledger_may_be_lost(partial: Run) -> None:
    retry(partial)
    partial(MERGED)
    shutil.rmtree(partial.folder / "results" / "ledger")
    assert planned(partial) == {}
    ledger = partial.folder / "results" / "ledger" / "limits"
    ledger.mkdir(parents=True)
    for origin in {path.parent.name for path in partial.folder.glob("resources/zips/*/*.zip")}:
        (ledger / origin).mkdir()
        (ledger / origin / f"{FIRST}.json").write_bytes(b"\xff[")
    assert planned(partial) == {}


def test_results_may_be_a_link(partial: Run) -> None:
    results = partial.folder / "results"
    elsewhere = partial.folder.parent / f"{partial.folder.name}-disk"
    results.rename(elsewhere)
    results.symlink_to(elsewhere)
    assert planned(partial) == {}
    assert "1 broadcast" in retry(partial)
    assert planned(partial) == dict.fromkeys(CHAIN, 1)


def test_an_inventory_that_could_be_read_is_not_replaced_by_none(new_run: Callable[..., Run]) -> None:
    run = new_run(None)
    archive = run.folder / "archive"
    archive.mkdir()
    listed = archive / "NTV.20200101.inventory.json"
    listed.write_text(json.dumps({"shows": [{"id": "NTV_20200101_030000"}]}))
    run.config = {
        "run": "old",
        "broadcasts": {"stations": ["NTV"], "from": "2020-01-01", "to": "2020-01-01"},
        "archive": {"base_url": "archive"},
    }
    selected = "results/old/selected.csv"
    run(selected)
    listed.unlink()
    ledger.ask(run.folder / "results", (run.folder / "results" / "fetched").rglob("*.json"))
    assert jobs(run(selected))["inventory"] == 1
    assert "NTV_20200101_030000" in (run.folder / selected).read_text()

    # Of another configuration's inventories nothing is left that could be asked for.
    assert len((run.results / "inventories.csv").read_text().splitlines()) == 2
    run.config["broadcasts"] = {"ids": ["NTV_20200101_030000"]}
    run(selected)
    assert len((run.results / "inventories.csv").read_text().splitlines()) == 1


def test_portraits_are_read_under_the_limits_of_the_run(copied: Run) -> None:
    """A frame that is larger than the default limits is shown where the run's own limits allow it."""
    archive = copied.folder / "archive"
    shutil.copytree(copied.config["archive"]["base_url"], archive)
    path = archive / f"{FIRST}.zip"
    with zipfile.ZipFile(path) as source:
        frames = [source.read(name) + bytes(21 << 20) for name in sorted(source.namelist())]
    write_zip(archive, FIRST, frames)
    copied.config["archive"] = {"base_url": "archive", "max_frame_mb": 30}
    copied.config["broadcasts"] = {"ids": [FIRST]}
    copied("results/small/eps-0.40/portraits")
    log = copied.folder / "results" / "logs" / "small" / "eps-0.40" / "portraits.log"
    assert "could not be shown" not in log.read_text()
