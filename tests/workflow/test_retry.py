"""What was missing or damaged is asked for again, and nothing else; inventories that may still grow, too."""

import copy
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner

from castgraph.cli import app
from tests.workflow.conftest import SHORT, Config, Run, jobs

GONE, CUT, *_ = SHORT
MERGED = "results/small/broadcasts.parquet"


def retry(run: Run) -> None:
    assert CliRunner().invoke(app, ["retry", str(run.results)]).exit_code == 0


def statuses(run: Run) -> dict[str, str]:
    table = pq.read_table(run.results / "broadcasts.parquet")
    return dict(zip(table["broadcast"].to_pylist(), table["status"].to_pylist(), strict=True))


def without_origins(run: Run) -> dict[tuple[str, str], str]:
    """Digests of tables, but for the name of the archive in their paths."""
    same = ("faces", "frames", "small/broadcasts.parquet", "small/faces.parquet")
    return {
        (name.split("/")[0], Path(name).name): digest
        for name, digest in run.digests().items()
        if name.startswith(same)
    }


def test_missing_and_damaged_broadcasts_are_tried_again(
    small_run: Run, small_config: Config, small_archive: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(small_archive, archive)
    (archive / f"{GONE}.zip").unlink()
    whole = (archive / f"{CUT}.zip").read_bytes()
    (archive / f"{CUT}.zip").write_bytes(whole[:-500])
    config = copy.deepcopy(small_config)
    config["archive"]["base_url"] = str(archive)
    config["compute"] = {"keep_zips": False}
    (tmp_path / "run").mkdir()
    run = Run(tmp_path / "run", config)
    run(MERGED)
    assert [statuses(run)[name] for name in (GONE, CUT)] == ["missing", "damaged"]
    assert jobs(run(MERGED)) == {}

    shutil.copy(small_archive / f"{GONE}.zip", archive)
    (archive / f"{CUT}.zip").write_bytes(whole)
    assert jobs(run(MERGED)) == {}  # not before it is asked for
    retry(run)
    counts = jobs(run(MERGED))
    assert [counts[rule] for rule in ("download", "unzip", "encode", "merge")] == [2, 2, 2, 1]
    assert set(statuses(run).values()) == {"ok"}
    assert without_origins(run) == without_origins(small_run)
    assert jobs(run(MERGED)) == {}
    retry(run)  # all is well: there is nothing to ask for
    assert jobs(run(MERGED)) == {}


def test_an_inventory_of_the_last_days_is_fetched_again_when_it_is_old(new_run: Callable[..., Run]) -> None:
    today = datetime.now(UTC).date()
    run = new_run(None)
    archive = run.folder / "archive"
    archive.mkdir()
    days = {"from": today.isoformat(), "to": (today + timedelta(days=1)).isoformat()}
    run.config = {
        "run": "recent",
        "broadcasts": {"stations": ["NTV"], **days},
        "archive": {"base_url": str(archive), "inventory_hours": 1000},
    }
    selected = "results/recent/selected.csv"
    assert jobs(run(selected))["inventory"] == 2
    assert jobs(run(selected))["inventory"] == 0

    id_ = f"NTV_{today:%Y%m%d}_030000"
    (archive / f"NTV.{today:%Y%m%d}.inventory.json").write_text(json.dumps({"shows": [{"id": id_}]}))
    run.config["archive"]["inventory_hours"] = 1e-4  # as if much time had gone by
    assert jobs(run(selected))["inventory"] == 2
    assert id_ in (run.folder / selected).read_text()

    run.config["broadcasts"] |= {"from": "2020-01-01", "to": "2020-01-01"}  # long settled
    run(selected)
    assert jobs(run(selected))["inventory"] == 0
