"""Looking for frames: by picture and label, with people, days and faces; what is hidden is blurred."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.unit.ask.conftest import ANN, BEA, CAST, DAY, LATER, OTHER, write_run
from tests.unit.visual.made import MADE, jpeg, picture, write_zip
from typer.testing import CliRunner

from castgraph.archive import Limits, read_selection
from castgraph.ask.results import Results
from castgraph.base import tables
from castgraph.cli import app
from castgraph.visual.embed import embed
from castgraph.visual.groups import write_groups
from castgraph.visual.pictures import blurred, hidden_faces

RED, BLUE = {1, 2, 3}, {4, 5, 20}  # frames of each broadcast; the others are green
LITE0 = {"embedder": "lite0"}


def kind(frame: int) -> str:
    return "red" if frame in RED else "blue" if frame in BLUE else "green"


def strong(name: str, frame: int) -> bytes:
    return jpeg(picture(kind(frame), sum(map(ord, name)) + frame, 14))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the other tests, with frames as wholes."""
    home = tmp_path_factory.mktemp("home")
    run = write_run(home / "results" / "week", CAST, visual=LITE0)
    frames = tables.read(run / "frames.parquet", tables.MERGED_FRAMES)
    sized = frames.set_column(
        frames.schema.get_field_index("width"), "width", pa.array([200] * len(frames), "int32")
    )
    sized = sized.set_column(
        frames.schema.get_field_index("height"), "height", pa.array([100] * len(frames), "int32")
    )
    tables.write(run / "frames.parquet", sized, {})
    embedded = {}
    for row in read_selection(run / "selected.csv"):
        n = (
            pq.read_table(run / "frames.parquet")
            .filter(pa.compute.field("broadcast") == row.broadcast)
            .num_rows
        )
        path = write_zip(home, row.broadcast, [strong(row.broadcast, frame) for frame in range(1, n + 1)])
        to = home / "results" / "visual" / "lite0" / row.origin / f"{row.broadcast}.parquet"
        to.parent.mkdir(parents=True, exist_ok=True)
        tables.write(to, embed(path, row.broadcast, MADE, Limits()).table, {}, tables.visual(MADE.size))
        embedded[row.broadcast] = to
    write_groups(
        embedded,
        run / "frames.parquet",
        to=run / "visual",
        facts={"embedder": "lite0"},
        min_cluster_size=3,
        most=1000,
    )
    return run


def look(run: Path, *arguments: str, fails: bool = False) -> list[dict]:
    result = CliRunner().invoke(app, ["look", str(run), "--json", *arguments])
    assert (result.exit_code != 0) == fails, result.output
    return result.stderr if fails else json.loads(result.stdout)


def test_like_a_frame_of_the_run(run: Path) -> None:
    found = look(run, "--like", f"{DAY}/1", "--top", "8")
    assert [kind(row["frame"]) for row in found] == ["red"] * 8  # of 9 but for itself
    assert (DAY, 1) not in {(row["broadcast"], row["frame"]) for row in found}
    scores = [row["score"] for row in found]
    assert scores == sorted(scores, reverse=True)
    assert found[0]["link"].startswith("https://example.org/")
    assert look(run, "--like", f"{DAY}-000001", "--top", "8") == found


def test_by_label_with_people_days_and_faces(run: Path) -> None:
    found = look(run, "--label", "red")
    assert {row["frame"] for row in found} == RED
    assert len(found) == 9
    assert {(row["broadcast"], row["frame"]) for row in look(run, "--label", "red", "--with", ANN)} == {
        *((DAY, frame) for frame in (1, 2, 3)),
        *((OTHER, frame) for frame in (1, 2, 3)),
    }
    [both] = look(run, "--label", "red", "--with", ANN, "--with", BEA)
    assert (both["broadcast"], both["frame"], both["people"]) == (DAY, 2, "=Bea\x1b[31m, Ann Lee")
    assert {row["broadcast"] for row in look(run, "--label", "red", "--from", "2024-01-05")} == {LATER, OTHER}
    assert {row["broadcast"] for row in look(run, "--label", "red", "--station", "RTR")} == {OTHER}
    assert look(run, "--label", "red", "--faces", "7") == []


def test_frames_that_are_meant_without_a_question_come_by_time(run: Path) -> None:
    found = look(run, "--with", BEA)
    assert [(row["broadcast"], row["frame"]) for row in found] == [(DAY, 2), (DAY, 5), (DAY, 10), (LATER, 20)]
    assert {row["score"] for row in found} == {None}


def test_of_a_setting(run: Path) -> None:
    settings = {row["setting"] for row in pq.read_table(run / "visual" / "frames.parquet").to_pylist()}
    for setting in settings - {-1}:
        found = look(run, "--setting", str(setting), "--top", "500")
        assert len({kind(row["frame"]) for row in found}) == 1
    assert "no setting 77; there are those from 0 to" in look(run, "--setting", "77", fails=True)


def test_words_to_an_embedder_without_are_answered_with_what_there_is(run: Path) -> None:
    told = look(run, "rocket", fails=True)
    assert "lite0" in told
    assert "--label 'rocket' (as missile" in told
    assert "visual.embedder: clip" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--like", f"{DAY}/99"], "no frame 99"),
        (["--like", "nothing.jpg"], "neither a frame"),
        (["--label", "xyzzy"], "has to do with"),
        (["--label", "rocket"], "no frame of the run shows"),
        (["--says", "hello"], "visual.ocr"),
        (["--station", "ABC"], "NTV, RTR"),
        (["--with", "Nobody"], "Nobody"),
        (["--grid", "x.png"], ".jpg"),
        (["a", "--like", "b"], "one of the two"),
    ],
)
def test_what_cannot_be_found_is_told(run: Path, arguments: list[str], told: str) -> None:
    assert told in look(run, *arguments, fails=True)


def test_a_run_without_frames_as_wholes_is_told(make_run) -> None:
    assert "visual.embedder" in look(make_run("other", CAST), "--label", "red", fails=True)


def test_a_grid_and_a_curve(run: Path, tmp_path: Path) -> None:
    grid, curve = tmp_path / "grid.jpg", tmp_path / "curve.png"
    for _ in range(2):
        look(run, "--like", f"{DAY}/1", "--grid", str(grid), "--curve", str(curve))
        before = grid.read_bytes(), curve.read_bytes()
    assert (grid.read_bytes(), curve.read_bytes()) == before
    with Image.open(grid) as image:
        red = np.asarray(image.convert("RGB"))[90:170, 30:170].reshape(-1, 3).mean(axis=0)
    assert red.argmax() == 0


def test_like_a_photo_of_ones_own(run: Path, tmp_path: Path, monkeypatch) -> None:
    """By the run's own embedder, which the made-up one stands for."""
    monkeypatch.setattr("castgraph.ask.look.load", lambda settings: MADE)
    (tmp_path / "photo.jpg").write_bytes(jpeg(picture("blue", 1234)))
    found = look(run, "--like", str(tmp_path / "photo.jpg"), "--top", "5")
    assert {kind(row["frame"]) for row in found} == {"blue"}
    (tmp_path / "photo.jpg").write_bytes(b"no picture")
    assert "photo.jpg" in look(run, "--like", str(tmp_path / "photo.jpg"), fails=True)


def test_faces_that_are_nobodys_to_see_are_blurred(run: Path) -> None:
    results = Results(run)
    hidden = hidden_faces(results.path("faces"), results.path("frames"), results.path("members"))
    assert hidden == {(DAY, 4): [(0.1, 0.3, 0.6, 0.05)]}
    checks = np.indices((100, 200)).sum(axis=0) % 2 * 255
    image = Image.fromarray(np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8))
    after = np.asarray(blurred(image, hidden[DAY, 4]))
    assert np.ptp(after[15:55, 15:55].astype(int)) < 20
    np.testing.assert_array_equal(after[:, 100:], np.asarray(image)[:, 100:])
