"""What has become of each broadcast, and asking for some of them again."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from castgraph.base import tables
from castgraph.cli import app
from castgraph.run.status import ask_for_again, states

ENCODER = "fast-hog-up1"
FACES = {"engine": "fast", "detector": "hog", "upsample": 1, "min_size_px": 0, "score_threshold": 0}
GOOD, MISSING, PARTIAL, FAILED, FETCHED, WAITING = (f"NTV_20261001_0{n}0000" for n in range(6))


def encoded(results: Path, broadcast: str, status: str, reason: str = "") -> None:
    facts = tables.provenance("encode", {}, status=status, reason=reason, n_refused=0)
    for kind, schema in (("faces", tables.FACES), ("frames", tables.FRAMES)):
        tables.write(results / kind / ENCODER / f"{broadcast}.parquet", schema.empty_table(), facts)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that is half done."""
    results = tmp_path / "results"
    run = results / "mine"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump({"run": "mine", "faces": FACES}))
    names = (GOOD, MISSING, PARTIAL, FAILED, FETCHED, WAITING)
    (run / "selected.csv").write_text("broadcast,station\n" + "".join(f"{name},NTV\n" for name in names))
    (run / "inventories.csv").write_text(
        "station,day,status,n_shows,n_refused,reason\n"
        "NTV,2026-10-01,ok,6,0,\nNTV,2026-10-02,missing,0,0,404 Not Found\n"
    )
    encoded(results, GOOD, "ok")
    encoded(results, MISSING, "missing", "404 Not Found")
    encoded(results, PARTIAL, "partial", "1 of 9 frames damaged")
    log = results / "logs" / "download" / f"{FAILED}.log"
    log.parent.mkdir(parents=True)
    log.write_text(
        "2026-11-01 12:00:00,000 ERROR failed\nTraceback (most recent call last):\n  File …\n"
        "castgraph.archive.fetch.FetchError: https://…: the server answered 403 Forbidden\n"
    )
    zips = tmp_path / "resources" / "zips"
    zips.mkdir(parents=True)
    (zips / f"{FETCHED}.zip").touch()
    return run


def test_every_broadcast_and_inventory_has_a_status_and_a_reason(run: Path) -> None:
    assert [tuple(state) for state in states(run)] == [
        ("NTV.20261001", "inventory", "ok", ""),
        ("NTV.20261002", "inventory", "missing", "404 Not Found"),
        (GOOD, "broadcast", "ok", ""),
        (MISSING, "broadcast", "missing", "404 Not Found"),
        (PARTIAL, "broadcast", "partial", "1 of 9 frames damaged"),
        (
            FAILED,
            "broadcast",
            "failed",
            "download: castgraph.archive.fetch.FetchError: https://…: the server answered 403 Forbidden",
        ),
        (FETCHED, "broadcast", "fetched", ""),
        (WAITING, "broadcast", "waiting", ""),
    ]


def test_a_merged_run_is_read_from_its_broadcast_table(run: Path) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    row = {"broadcast": GOOD, "station": "NTV", "start": start, "status": "partial", "reason": "as merged"}
    facts = tables.provenance("merge", {"encoder": ENCODER})
    tables.write(run / "broadcasts.parquet", pa.Table.from_pylist([row], schema=tables.BROADCASTS), facts)
    (run / "config.yaml").unlink()  # as where another workflow uses this one as a module
    assert next(state for state in states(run) if state.name == GOOD).reason == "as merged"
    encoded(run.parent, GOOD, "ok")  # made anew since
    assert next(state for state in states(run) if state.name == GOOD).status == "ok"


def test_what_is_not_whole_is_asked_for_again_and_nothing_else(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    chosen = ask_for_again(run)
    assert [state.name for state in chosen] == ["NTV.20261002", MISSING, PARTIAL]
    record = run.parent.parent / "resources" / "asked_again.json"
    assert json.loads(record.read_text()) == {"NTV.20261002": 1, MISSING: 1, PARTIAL: 1}
    assert {path: path.read_bytes() for path in before} == before  # what there is stays until it is replaced
    ask_for_again(run, ["partial"])
    assert json.loads(record.read_text())[PARTIAL] == 2


def test_the_command_tells_counts_and_what_is_not_whole(run: Path) -> None:
    result = CliRunner().invoke(app, ["status", str(run)])
    assert result.exit_code == 0
    assert "6: 1 ok, 1 missing, 1 partial, 1 failed, 1 fetched, 1 waiting" in result.output
    assert "1 of 9 frames damaged" in result.output
    assert GOOD not in result.output


def test_the_command_writes_a_table(run: Path) -> None:
    result = CliRunner().invoke(app, ["status", str(run), "--csv"])
    lines = result.output.splitlines()
    assert lines[0] == "name,kind,status,reason"
    assert f"{PARTIAL},broadcast,partial,1 of 9 frames damaged" in lines
    assert len(lines) == 9


def test_the_command_retry_says_what_the_next_run_will_do(run: Path) -> None:
    result = CliRunner().invoke(app, ["retry", str(run), "--status", "missing"])
    assert result.exit_code == 0
    assert "1 broadcast and 1 inventory" in result.output
    result = CliRunner().invoke(app, ["retry", str(run), "--status", "empty"])
    assert "nothing" in result.output.lower()


@pytest.mark.parametrize("command", ["status", "retry"])
def test_a_folder_that_is_no_run_is_refused(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, str(tmp_path)])
    assert result.exit_code == 1
    assert "selected.csv" in result.output
    assert "Traceback" not in result.output


def test_a_status_that_there_is_not_is_refused(run: Path) -> None:
    result = CliRunner().invoke(app, ["retry", str(run), "--status", "broken"])
    assert result.exit_code != 0
    assert "missing" in result.output
