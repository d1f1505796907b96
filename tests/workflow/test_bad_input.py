"""One broadcast among many that is broken in any way is a row with a status and a reason."""

import io
import json
import re
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.workflow.conftest import SHORT, Run, frames_of, jobs, write_zip

GOOD = "DEMO1_20240102_190000_Evening_Review"


def named(kind: str) -> str:
    return f"BAD1_20240101_000000_{kind}"


def title_card(text: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 360), (text, 40, 80)).save(buffer, "JPEG")
    return buffer.getvalue()


def entry(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = stat.S_IFREG | 0o644) -> None:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content)


@pytest.fixture(scope="module")
def bad_run(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run over an archive in which nearly everything is wrong."""
    archive = tmp_path_factory.mktemp("bad")
    faces = frames_of(demo, GOOD, range(3, 9))
    write_zip(archive, GOOD, faces)
    write_zip(archive, named("Truncated"), faces)
    path = archive / f"{named('Truncated')}.zip"
    path.write_bytes(path.read_bytes()[:-2000])
    (archive / f"{named('Zero')}.zip").write_bytes(b"")
    (archive / f"{named('Html')}.zip").write_text("<html>Sorry, an error occurred</html>")
    write_zip(archive, named("Empty"), [])
    write_zip(archive, named("Noface"), [title_card(n) for n in (10, 90, 200)])
    write_zip(archive, named("Gaps"), {1: faces[0], 5: faces[1], 900: faces[2]})
    write_zip(archive, "BAD1_20240101_000000", faces[:2])  # no title
    write_zip(archive, named("Notimages"), [b"this is text", faces[0], b"", faces[1][:3000]])
    write_zip(archive, named("Nothing"), [b"this is text", b"so is this"])
    bomb = named("Bomb")
    with zipfile.ZipFile(archive / f"{bomb}.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{bomb}/{bomb}-000001.jpg", faces[0])
        file.writestr(f"{bomb}/{bomb}-000002.jpg", bytes(64 * 2**20))  # a thousandfold
    hostile = named("Hostile")
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as file:
        file.writestr(f"{hostile}/{hostile}-000009.jpg", faces[0])
    with zipfile.ZipFile(archive / f"{hostile}.zip", "w") as file:
        entry(file, f"{hostile}/{hostile}-000001.jpg", faces[0])
        entry(file, f"../{hostile}-000002.jpg", b"climbing")
        entry(file, f"{hostile}/../../climbed.jpg", b"climbing")
        entry(file, "/tmp/absolute.jpg", b"absolute")
        entry(file, f"{hostile}/{hostile}-000003.jpg", b"/etc/passwd", stat.S_IFLNK | 0o777)
        entry(file, f"{hostile}/nested.zip", nested.getvalue())
        entry(file, f"{hostile}/readme.txt", b"no frame")
    ids = [path.stem for path in archive.glob("*.zip")]
    run = Run(
        tmp_path_factory.mktemp("bad-run"),
        {
            "run": "bad",
            "broadcasts": {"ids": [*ids, named("Absent")]},
            "archive": {"base_url": str(archive)},
            "clustering": {"min_samples": 2},
        },
    )
    run("results/bad/summary.json")
    return run


@pytest.fixture(scope="module")
def rows(bad_run: Run) -> dict[str, dict]:
    return {
        row["broadcast"]: row for row in pq.read_table(bad_run.results / "broadcasts.parquet").to_pylist()
    }


@pytest.mark.parametrize(
    ("kind", "status", "reason", "n_frames", "n_unreadable", "n_refused"),
    [
        ("Absent", "missing", "no such file", 0, 0, 0),
        ("Truncated", "damaged", "", 0, 0, 0),
        ("Zero", "damaged", "", 0, 0, 0),
        ("Html", "damaged", "", 0, 0, 0),
        ("Empty", "empty", "", 0, 0, 0),
        ("Noface", "ok", None, 3, 0, 0),
        ("Gaps", "ok", None, 3, 0, 0),
        ("Notimages", "partial", "3 of 4 frames unreadable", 4, 3, 0),
        ("Nothing", "damaged", "no frame could be read", 2, 2, 0),
        ("Bomb", "partial", "", 2, 1, 0),
        ("Hostile", "ok", None, 1, 0, 6),
    ],
)
def test_each_is_a_row_with_a_status_and_a_reason(
    kind: str, status: str, reason: str | None, n_frames: int, n_unreadable: int, n_refused: int, rows
) -> None:
    row = rows[named(kind)]
    assert row["status"] == status
    assert (row["n_frames"], row["n_unreadable"], row["n_refused"]) == (n_frames, n_unreadable, n_refused)
    if reason is None:
        assert row["reason"] == ""
    else:
        assert row["reason"]
        assert reason in row["reason"]


def test_good_broadcasts_are_not_touched_by_the_bad_ones(rows, demo: Path) -> None:
    lines = (demo / "ground_truth.csv").read_text().splitlines()
    true_faces = [line for line in lines if re.match(rf"{GOOD},[3-8],", line)]
    assert rows[GOOD]["status"] == "ok"
    assert rows[GOOD]["n_faces"] == len(true_faces) > 0
    assert rows["BAD1_20240101_000000"]["status"] == "ok"
    assert rows["BAD1_20240101_000000"]["title"] == ""


def test_every_unreadable_frame_has_a_reason(bad_run: Run) -> None:
    frames = pq.read_table(bad_run.results / "frames.parquet").to_pylist()
    bad = [frame for frame in frames if frame["status"] != "ok"]
    assert len(bad) == 6
    assert all(frame["reason"] and frame["n_faces"] == 0 and frame["phash"] is None for frame in bad)
    [bomb] = [frame for frame in bad if frame["broadcast"] == named("Bomb")]
    assert bomb["status"] == "damaged"
    assert "larger than" in bomb["reason"] or "at most" in bomb["reason"] or "limit" in bomb["reason"]
    gaps = [frame["frame"] for frame in frames if frame["broadcast"] == named("Gaps")]
    assert gaps == [1, 5, 900]


def test_nothing_is_written_outside(bad_run: Run) -> None:
    outside = [path for path in bad_run.folder.parent.rglob("*climb*") if path.suffix == ".jpg"]
    assert outside == []
    assert not Path("/tmp/absolute.jpg").exists()
    assert {path.name for path in bad_run.folder.iterdir()} <= {
        ".snakemake", "config", "output.txt", "resources", "results", "scratch",
    }  # fmt: skip
    assert not [path for path in (bad_run.folder / "scratch").rglob("*") if path.is_file()]


def test_the_summary_counts_them(bad_run: Run) -> None:
    summary = json.loads((bad_run.results / "summary.json").read_text())
    assert summary["broadcasts"] == {
        "listed": 13, "read": 7, "ok": 5, "partial": 2, "empty": 1, "damaged": 4, "missing": 1,
        "unreachable": 0,
    }  # fmt: skip
    assert len(summary["not_ok"]) == 8
    assert (summary["frames_unreadable"], summary["entries_refused"]) == (6, 6)


def test_a_run_without_any_face_is_normal(new_run: Callable[..., Run], tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    write_zip(archive, named("Noface"), [title_card(n) for n in (10, 90)])
    run = new_run(
        {
            "run": "none",
            "broadcasts": {"ids": [named("Noface"), named("Absent")]},
            "archive": {"base_url": "archive"},
            "export": {"database_json": True},
        }
    )
    run()
    clustering = json.loads((run.results / "summary.json").read_text())["clusterings"]["linkage-0.52"]
    assert (clustering["people"], clustering["noise"], clustering["pairs"]) == (0, 0, 0)
    folder = run.results / "linkage-0.52"
    assert (folder / "nodes.csv").read_text().startswith("Id,Label,")
    assert (folder / "DATABASE.json").read_bytes() == b""
    assert Image.open(folder / "network.png").width > 1000
    assert not list((folder / "portraits").glob("*.jpg"))

    run.config["clustering"] = {
        "algorithm": ["dbscan", "hdbscan", "chinese_whispers", "iterative", "linkage"],
        "eps": [0.52],
    }
    assert jobs(run("sweep")) == {"clustering": 4, "scores": 1, "sweep": 1}
    assert [path for path in run.results.glob("*/labels.parquet") if pq.read_table(path).num_rows] == []
    scores = pq.read_table(run.results / "sweep.parquet").to_pylist()
    assert len(scores) == len(list(run.results.glob("*/labels.parquet"))) == 5
    assert not any(row["n_people"] or row["n_noise"] or row["recommended"] for row in scores)
    assert "None is recommended" in (run.results / "sweep.html").read_text()


@pytest.fixture
def server(small_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The small archive over HTTP, with two inventories."""
    archive = shutil.copytree(small_archive, tmp_path_factory.mktemp("web"), dirs_exist_ok=True)
    days: dict[str, list[dict]] = {}
    for broadcast in SHORT:
        station, day, *_ = broadcast.split("_")
        days.setdefault(f"{station}.{day}", []).append({"id": broadcast})
    days["DEMO1.20240102"] += [{"id": "../../etc/passwd"}, {"id": "DEMO1_20240102_210000_Absent"}]
    for name, shows in days.items():
        (archive / f"{name}.inventory.json").write_text(json.dumps({"shows": shows}))
    handler = partial(SimpleHTTPRequestHandler, directory=str(archive))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()


def test_stations_and_days_from_an_archive_on_the_web(
    server: str, small_run: Run, new_run: Callable[..., Run]
) -> None:
    run = new_run(
        {
            **small_run.config,
            "archive": {"base_url": server},
            "broadcasts": {
                "stations": ["DEMO1", "DEMO2"],
                "from": "2024-01-02",
                "to": "2024-01-05",
                "title": "^(Evening|Night|Absent|$)",
            },
        }
    )
    counts = jobs(run("results/small/summary.json"))
    assert (counts["inventory"], counts["download"]) == (8, len(SHORT) + 1)
    summary = json.loads((run.results / "summary.json").read_text())
    assert summary["station_days"] == {"listed": 8, "ok": 4, "missing": 4, "damaged": 0, "refused_shows": 1}
    assert summary["broadcasts"]["read"] == len(SHORT)
    assert summary["not_ok"] == [
        {"broadcast": "DEMO1_20240102_210000_Absent", "status": "missing", "reason": "404 Not Found"}
    ]
    # The archive's name is in the path.
    tables = [
        next(each.folder.glob("results/faces/*/*/DEMO2_20240105_120000.parquet")) for each in (run, small_run)
    ]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_the_placeholder_of_a_missing_zip_is_a_valid_empty_zip(bad_run: Run) -> None:
    [placeholder] = bad_run.folder.glob(f"resources/zips/*/{named('Absent')}.zip")
    with zipfile.ZipFile(placeholder) as archive:
        assert archive.namelist() == []
        assert archive.comment == b"castgraph: missing: no such file"
