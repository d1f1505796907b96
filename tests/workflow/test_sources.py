"""Broadcasts that come from elsewhere than the archive: other addresses, recordings, folders of images."""

import io
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pyarrow.parquet as pq
import pytest
from PIL import Image

from castgraph.archive import read_left_alone, read_selection
from tests.faults import FaultServer
from tests.workflow.conftest import SHORT, Run, frames_of, jobs

FETCHED, IMAGES, VIDEO, _ = SHORT
LISTED = (FETCHED, IMAGES, VIDEO)
MERGED = "results/mixed/broadcasts.parquet"
SAID = "results/mixed/utterances.parquet"


def film(path: Path, frames: list[bytes]) -> None:
    """Write a video that shows each frame for four seconds."""
    pictures = [Image.open(io.BytesIO(frame)) for frame in frames]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(1, 4), options={"crf": "10"})
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def mixed_run(demo: Path, small_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose three broadcasts come from three kinds of sources."""
    folder = tmp_path_factory.mktemp("mixed")
    images = folder / "recordings" / IMAGES
    images.mkdir(parents=True)
    for number, frame in enumerate(frames_of(demo, IMAGES, SHORT[IMAGES]), start=1):
        (images / f"{IMAGES}-{number:06d}.jpg").write_bytes(frame)
    (folder / "recordings" / "NEVER_20240101_000000.zip").touch()
    (folder / "recordings" / "notes.txt").touch()
    (folder / "recordings" / f"{IMAGES}.srt").write_text("1\n00:00:05,000 --> 00:00:09,000\nGood evening\n")
    (folder / "tapes").mkdir()
    (folder / "tapes" / "tape 17.ru.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:20.000\nДобрый вечер\n")
    film(folder / "tapes" / "tape 17.mp4", frames_of(demo, VIDEO, SHORT[VIDEO]))
    run = Run(
        folder,
        {
            "run": "mixed",
            "broadcasts": {"folder": "recordings", "stations": ["DEMO1"], "include": "broadcasts.csv"},
            "archive": {"base_url": str(small_archive)},
            "compute": {"attempts": 2},
        },
    )
    with FaultServer(small_archive) as site:
        (folder / "broadcasts.csv").write_text(
            f"broadcast,source\n{FETCHED},{site.url}{FETCHED}.zip\n{VIDEO},{folder}/tapes/tape 17.mp4\n"
        )
        run(MERGED, SAID)
    return run


def test_whatever_a_broadcast_comes_from_it_is_read(mixed_run: Run) -> None:
    rows = {row["broadcast"]: row for row in pq.read_table(mixed_run.folder / MERGED).to_pylist()}
    assert {key: row["status"] for key, row in rows.items()} == dict.fromkeys(LISTED, "ok")
    assert {key: row["n_frames"] for key, row in rows.items()} == {key: len(SHORT[key]) for key in LISTED}
    assert all(row["n_faces"] > 0 for row in rows.values())
    expected = dict.fromkeys(("download", "unzip", "encode"), 3) | {"select": 1, "merge": 1}
    expected |= {"transcript": 2, "utterances": 1}
    assert jobs(mixed_run.output) == expected


def test_the_selection_says_where_from(mixed_run: Run) -> None:
    lines = (mixed_run.results / "selected.csv").read_text().splitlines()
    sources = {line.split(",")[0]: line.split(",")[-2] for line in lines[1:]}
    assert sources.pop(FETCHED).startswith("http://127.0.0.1:")
    assert sources == {IMAGES: f"recordings/{IMAGES}", VIDEO: "tapes/tape 17.mp4"}
    assert [row.broadcast for row in read_selection(mixed_run.results / "selected.csv")] == sorted(LISTED)


def test_recordings_that_are_moved_with_the_run_are_not_read_again(mixed_run: Run, tmp_path: Path) -> None:
    moved = mixed_run.copied(tmp_path / "moved")
    table = moved.folder / "broadcasts.csv"
    table.write_text(table.read_text().replace(str(mixed_run.folder), str(moved.folder)))
    assert "Nothing to be done" in moved("-n", MERGED)
    # Only the broadcast that comes from elsewhere now is made again.
    shutil.copytree(moved.folder / "recordings" / IMAGES, moved.folder / "others")
    table.write_text(table.read_text() + f"{IMAGES},./others\n")
    planned = jobs(moved("-n", MERGED))
    assert planned == dict.fromkeys(("select", "download", "unzip", "encode", "merge"), 1)


def test_what_is_not_taken_is_listed_and_makes_nothing_else_again(mixed_run: Run, tmp_path: Path) -> None:
    moved = mixed_run.copied(tmp_path / "moved")
    table = moved.folder / "broadcasts.csv"
    table.write_text(table.read_text().replace(str(mixed_run.folder), str(moved.folder)))
    listed = "results/mixed/left_alone.csv"
    said = moved("-n", MERGED)
    assert "left alone: recordings/notes.txt: no recording (.txt)" in said
    moved(listed)
    left = [tuple(each) for each in read_left_alone(moved.folder / listed)]
    assert left == [
        ("recordings/NEVER_20240101_000000.zip", "not wanted, by what narrows the list"),
        ("recordings/notes.txt", "no recording (.txt)"),
    ]
    (moved.folder / "recordings" / "tape 18.mp4").touch()
    assert jobs(moved("-n", MERGED, listed)) == {"left_alone": 1}


def test_what_is_said_beside_recordings_is_taken(mixed_run: Run, tmp_path: Path) -> None:
    moved = mixed_run.copied(tmp_path / "moved")
    table = moved.folder / "broadcasts.csv"
    table.write_text(table.read_text().replace(str(mixed_run.folder), str(moved.folder)))
    said = pq.read_table(moved.folder / SAID).to_pylist()
    assert [(row["broadcast"], row["seconds"], row["text"], row["language"]) for row in said] == [
        (IMAGES, 5.0, "Good evening", ""),
        (VIDEO, 1.0, "Добрый вечер", "ru"),
    ]
    transcripts = pq.read_table(moved.results / "transcripts.parquet").to_pylist()
    assert {row["broadcast"]: row["status"] for row in transcripts} == {
        FETCHED: "missing",
        IMAGES: "ok",
        VIDEO: "ok",
    }
    assert "Nothing to be done" in moved("-n", MERGED, SAID)
    # Another text makes nothing of the pictures again.
    (moved.folder / "recordings" / f"{IMAGES}.srt").write_text("1\n00:00:05,000 --> 00:00:09,000\nGood day\n")
    assert jobs(moved("-n", MERGED, SAID)) == {"transcript": 1, "utterances": 1}
    moved.config["transcripts"] = {"fetch": True}
    assert jobs(moved("-n", MERGED, SAID)) == {"transcript": 2, "utterances": 1}


def test_other_numbers_of_pictures_make_only_folders_again(mixed_run: Run, tmp_path: Path) -> None:
    moved = mixed_run.copied(tmp_path / "numbers")
    table = moved.folder / "broadcasts.csv"
    table.write_text(table.read_text().replace(str(mixed_run.folder), str(moved.folder)))
    moved.config["archive"] |= {"picture_numbers": "order"}
    assert jobs(moved("-n", MERGED)) == dict.fromkeys(("download", "unzip", "encode", "merge"), 1)


def test_another_choice_selects_again_from_the_same_inventories(
    demo: Path, tmp_path: Path, new_run: Callable[..., Run]
) -> None:
    run = new_run(
        {
            "run": "choice",
            "broadcasts": {
                "stations": ["DEMO1"],
                "from": "2024-01-02",
                "to": "2024-01-03",
                "hours": [18, 20],
            },
            "archive": {"base_url": str(demo)},
        }
    )
    selected = "results/choice/selected.csv"
    counts = jobs(run(selected))
    assert (counts["inventory"], counts["select"]) == (2, 1)
    assert [row.broadcast for row in read_selection(run.folder / selected)] == [FETCHED, IMAGES]
    run.config["broadcasts"] |= {"exclude": [IMAGES], "include": [VIDEO]}
    assert jobs(run("-n", selected)) == {"select": 1}
