"""What has become of each broadcast, and asking for some of them again."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from tests.formulas import FORMULAS, guarded
from typer.testing import CliRunner

from castgraph.archive import (
    LeftAlone,
    listed,
    write_inventory_report,
    write_left_alone,
    write_selection,
)
from castgraph.archive.listing.inventory import Inventory
from castgraph.base import files, tables
from castgraph.cli import app
from castgraph.run import ledger
from castgraph.run.status import ask_for_again, states

ENCODER = "fast-hog-up1"
FACES = {"engine": "fast", "detector": "hog", "upsample": 1, "min_size_px": 0, "score_threshold": 0}
GOOD, MISSING, PARTIAL, FAILED, FETCHED, WAITING = (f"NTV_20261001_0{n}0000" for n in range(6))
NAMES = (GOOD, MISSING, PARTIAL, FAILED, FETCHED, WAITING)


def encoded(results: Path, broadcast: str, status: str, reason: str = "") -> None:
    facts = tables.provenance("encode", {}, status=status, reason=reason, n_refused=0)
    for kind, schema in (("faces", tables.FACES), ("frames", tables.FRAMES)):
        path = results / kind / ENCODER / "gdelt" / f"{broadcast}.parquet"
        tables.write(path, schema.empty_table(), facts)
    receipt(results, f"gdelt/{broadcast}")


def receipt(results: Path, place: str) -> Path:
    """Write what says that something was fetched."""
    path = results / "fetched" / f"{place}.json"
    files.write_json(path, {})
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that is half done."""
    results = tmp_path / "results"
    run = results / "mine"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump({"run": "mine", "faces": FACES}))
    rows = [replace(row, origin="gdelt") for row in listed(dict.fromkeys(NAMES, ""))]
    write_selection(run / "selected.csv", rows)
    missing = Inventory("NTV", date(2026, 10, 2), "missing", "404 Not Found")
    inventories = [Inventory("NTV", date(2026, 10, 1), "ok", ""), missing]
    write_inventory_report(run / "inventories.csv", inventories, "gdelt")
    for day in ("20261001", "20261002"):
        receipt(results, f"gdelt/inventories/NTV.{day}")
    encoded(results, GOOD, "ok")
    encoded(results, MISSING, "missing", "404 Not Found")
    encoded(results, PARTIAL, "partial", "1 of 9 frames damaged")
    log = results / "logs" / "download" / "gdelt" / f"{FAILED}.log"
    log.parent.mkdir(parents=True)
    log.write_text(
        "2026-11-01 12:00:00,000 ERROR the job failed\nTraceback (most recent call last):\n  File …\n"
        "2026-11-01 12:00:00,000 ERROR failed: https://…: the server answered 403 Forbidden\n"
    )
    receipt(results, f"gdelt/{FETCHED}")
    return run


def test_every_broadcast_and_inventory_has_a_status_and_a_reason(run: Path) -> None:
    assert [tuple(state[:-1]) for state in states(run)] == [
        ("NTV.20261001", "inventory", "ok", ""),
        ("NTV.20261002", "inventory", "missing", "404 Not Found"),
        (GOOD, "broadcast", "ok", ""),
        (MISSING, "broadcast", "missing", "404 Not Found"),
        (PARTIAL, "broadcast", "partial", "1 of 9 frames damaged"),
        (
            FAILED,
            "broadcast",
            "failed",
            "download: https://…: the server answered 403 Forbidden",
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


def test_what_is_worth_knowing_of_a_whole_broadcast_is_told(run: Path) -> None:
    encoded(run.parent, GOOD, "ok", "2 other files left alone: 2 .txt")
    state = next(state for state in states(run) if state.name == GOOD)
    assert (state.status, state.reason) == ("ok", "2 other files left alone: 2 .txt")
    result = CliRunner().invoke(app, ["status", str(run)])
    assert "2 other files left alone" in " ".join(result.output.split())


def test_what_is_not_whole_is_asked_for_again_and_nothing_else(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    chosen = ask_for_again(run)
    assert [state.name for state in chosen] == ["NTV.20261002", MISSING, PARTIAL]
    assert {path: path.read_bytes() for path in before} == before  # what there is stays until it is replaced
    entry = ledger.read(run.parent / "ledger" / ledger.ASKED)
    places = ["gdelt/inventories/NTV.20261002", f"gdelt/{MISSING}", f"gdelt/{PARTIAL}"]
    assert entry == dict.fromkeys(places, 1)
    ask_for_again(run, ["partial"])
    assert ledger.read(run.parent / "ledger" / ledger.ASKED) == entry | {places[-1]: 2}


def test_transcripts_are_told_and_asked_for_again_where_there_is_none(run: Path) -> None:
    rows = [
        {"broadcast": GOOD, "status": "shifted", "reason": "late"},
        {"broadcast": MISSING, "status": "missing", "reason": "404 Not Found"},
        {"broadcast": PARTIAL, "status": "partial", "reason": "1 cue"},
        {"broadcast": WAITING, "status": "missing", "reason": "not asked for"},
    ]
    table = pa.Table.from_pylist(rows, schema=tables.TRANSCRIPTS)
    tables.write(run / "transcripts.parquet", table, {})
    for name in (GOOD, MISSING, PARTIAL):
        receipt(run.parent, f"gdelt/transcripts/{name}")
    found = [state for state in states(run) if state.kind == "transcript"]
    assert [(state.name, state.status) for state in found] == [
        (GOOD, "shifted"),
        (MISSING, "missing"),
        (PARTIAL, "partial"),
    ]
    asked = [state for state in ask_for_again(run) if state.kind == "transcript"]
    assert [state.receipt for state in asked] == [
        run.parent / "fetched" / "gdelt" / "transcripts" / f"{MISSING}.json"
    ]
    printed = CliRunner().invoke(app, ["status", str(run)]).stdout
    assert "3: 1 shifted, 1 missing, 1 partial" in " ".join(printed.split())
    assert f"{GOOD} (transcript)" in printed
    assert "1 transcript" in CliRunner().invoke(app, ["retry", str(run)]).stdout


def test_one_that_was_asked_for_again_and_failed_tells_why(run: Path) -> None:
    ask_for_again(run)
    log = run.parent / "logs" / "download" / "gdelt" / f"{PARTIAL}.log"
    log.write_text("… ERROR failed: the server answered 503\n")
    [state] = [state for state in states(run) if state.name == PARTIAL]
    assert state.status == "partial"
    assert state.reason == "1 of 9 frames damaged; download: the server answered 503"


def test_results_may_be_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "results").rename(tmp_path / "disk")
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    assert len(ask_for_again(tmp_path / "results" / "mine")) == 3
    assert len(ledger.read(tmp_path / "disk" / "ledger" / ledger.ASKED)) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"results", "disk"}


def test_a_selection_of_an_earlier_castgraph_is_told(run: Path) -> None:
    (run / "selected.csv").write_text("broadcast,station,start,title,program,source\n")
    result = CliRunner().invoke(app, ["status", str(run)])
    assert result.exit_code == 1
    assert "an earlier castgraph has made it" in " ".join(result.output.split())


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


@pytest.mark.parametrize("reason", FORMULAS)
def test_no_reason_becomes_a_formula_nor_reaches_the_terminal_as_it_is(run: Path, reason: str) -> None:
    encoded(run.parent, MISSING, "missing", reason)
    log = run.parent / "logs" / "download" / "gdelt" / f"{FAILED}.log"
    log.write_text("2026-11-01 12:00:00,000 ERROR failed: =1\x1b[31m\n")
    result = CliRunner().invoke(app, ["status", str(run), "--csv"])
    reasons = {row["name"]: row["reason"] for row in csv.DictReader(io.StringIO(result.stdout, newline=""))}
    assert reasons[MISSING] == guarded(reason)
    assert reasons[FAILED] == "download: =1[31m"


def test_the_command_retry_says_what_the_next_run_will_do(run: Path) -> None:
    result = CliRunner().invoke(app, ["retry", str(run), "--status", "missing"])
    assert result.exit_code == 0
    assert "1 broadcast and 1 inventory" in result.output
    result = CliRunner().invoke(app, ["retry", str(run), "--status", "empty"])
    assert "nothing" in result.output.lower()


def test_the_command_status_tells_what_was_left_alone(run: Path) -> None:
    left = [
        LeftAlone("tapes/tape [17].mp4", "no ID"),
        *(LeftAlone(f"tapes/{n}.srt", "subtitles") for n in range(1200)),
    ]
    write_left_alone(run / "left_alone.csv", left)
    lines = CliRunner().invoke(app, ["status", str(run)]).stdout.splitlines()
    assert "left alone   1,201: left_alone.csv lists them" in {each.strip() for each in lines}
    assert lines[-2:] == ["tapes/tape [17].mp4: no ID", "1,200 entries: subtitles; the first: tapes/0.srt"]
    rows = list(csv.DictReader(io.StringIO(CliRunner().invoke(app, ["status", str(run), "--csv"]).stdout)))
    assert [tuple(row.values()) for row in rows if row["kind"] == "entry"] == [
        (each.path, "entry", "left alone", each.reason) for each in left
    ]


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
