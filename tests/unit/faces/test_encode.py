"""The encode job: tables that say what happened to every frame."""

import dataclasses
import functools
import itertools
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.faces.fakes import (
    DyingEngine,
    FailingEngine,
    FakeEngine,
    HelpedEngine,
    as_jpeg,
    broadcast,
    no_engine,
    odd_files,
    with_comment,
)

from castgraph.archive import Manifest
from castgraph.base import tables
from castgraph.base.cores import Cores
from castgraph.faces.encode import encode, is_worse, write_encoded
from castgraph.faces.engine import Engine, load_engine
from castgraph.faces.frame import MAX_PIXELS, phash, read_frame


@pytest.fixture
def importable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes find the fake engines."""
    monkeypatch.syspath_prepend(str(root))


def grey(level: int, size: tuple[int, int] = (8, 8)) -> bytes:
    return as_jpeg(Image.new("L", size, level).convert("RGB"))


def many(folder: Path, n_frames: int) -> Manifest:
    """Small frames, no two alike, with 0 to 3 faces each."""
    kinds = [grey(level) for level in (20, 80, 140, 200)]
    return broadcast(folder, [with_comment(kinds[n % 4], str(n)) for n in range(n_frames)])


def test_every_frame_and_face_is_a_row(frames) -> None:
    manifest, folder = frames
    manifest = dataclasses.replace(manifest, frames=manifest.frames[:21])
    engine = FakeEngine()
    faces, rows, models = encode(manifest, folder, lambda: engine)
    pictures = [read_frame(folder / entry.file).picture for entry in manifest.frames]
    assert faces.schema.equals(tables.FACES)
    assert rows.schema.equals(tables.FRAMES)
    assert models == engine.models
    assert [len(shapes) for shapes in engine.shapes] == [16, 5]
    assert rows["frame"].to_pylist() == list(range(1, 22))
    assert set(rows["broadcast"].to_pylist()) == {manifest.broadcast}
    assert set(rows["status"].to_pylist()) == {"ok"}
    assert set(rows["reason"].to_pylist()) == {""}
    assert rows["n_faces"].to_pylist() == [int(picture[0, 0, 0]) // 64 for picture in pictures]
    assert rows["width"].to_pylist() == [640] * 21
    assert rows["height"].to_pylist() == [360] * 21
    assert rows["phash"].to_pylist() == [phash(picture) for picture in pictures]


def test_the_order_of_frames_and_of_faces_is_kept(tmp_path: Path) -> None:
    manifest = broadcast(tmp_path, [grey(level) for level in (200, 20, 80, 140)])
    faces, frames, _ = encode(manifest, tmp_path, FakeEngine)
    assert frames["n_faces"].to_pylist() == [3, 0, 1, 2]
    assert list(zip(faces["frame"].to_pylist(), faces["left"].to_pylist(), strict=True)) == [
        (1, 200), (1, 205), (1, 210), (3, 80), (4, 140), (4, 145),
    ]  # fmt: skip
    assert faces["embedding"].to_pylist() == [[float(left)] * 128 for left in faces["left"].to_pylist()]
    assert faces["landmarks"][0].as_py() == list(range(10))


@pytest.fixture(scope="module")
def odd(frames, tmp_path_factory) -> tuple[Manifest, Path, list[tuple[str, str]]]:
    """A broadcast of odd files between plain ones, and the status and reason that each frame should have."""
    _, source = frames
    plain = (source / frames[0].frames[4].file).read_bytes()
    files = [*odd_files(plain).values(), (None, "damaged", "CRC error"), (grey(80), "ok", "")]
    folder = tmp_path_factory.mktemp("odd")
    manifest = broadcast(folder, [content for content, _, _ in files])
    return manifest, folder, [(status, reason) for _, status, reason in files]


def test_bad_frames_are_rows_with_a_reason_and_the_rest_goes_on(odd, caplog) -> None:
    manifest, folder, expected = odd
    engine = FakeEngine()
    faces, frames, _ = encode(manifest, folder, lambda: engine)
    rows = frames.to_pylist()
    assert [row["status"] for row in rows] == [status for status, _ in expected]
    for row, (status, reason) in zip(rows, expected, strict=True):
        assert re.fullmatch(reason, row["reason"])
        assert (row["phash"] is None) == (row["width"] is None) == (status != "ok")
        assert status == "ok" or row["n_faces"] == 0
        assert (f"frame {row['frame']} is {status}: {row['reason']}" in caplog.text) == (status != "ok")
    assert sum(map(len, engine.shapes)) == sum(status == "ok" for status, _ in expected)
    assert (rows[-1]["n_faces"], faces["frame"][-1].as_py()) == (1, len(rows))


@pytest.mark.slow
def test_the_reference_engine_bears_them_too(odd, engine: Engine) -> None:
    manifest, folder, expected = odd
    # Frames of 3840×2160 take the reference engine seconds.
    files = [
        entry.file is None or (folder / entry.file).stat().st_size < 100_000 for entry in manifest.frames
    ]
    small = [entry for entry, fits in zip(manifest.frames, files, strict=True) if fits]
    _, frames, models = encode(dataclasses.replace(manifest, frames=tuple(small)), folder, lambda: engine)
    assert frames["status"].to_pylist() == [s for (s, _), fits in zip(expected, files, strict=True) if fits]
    assert models == engine.models
    counts = dict(zip(frames["width"].to_pylist(), frames["n_faces"].to_pylist(), strict=True))
    assert counts[1] == 0
    assert counts[640] > 0


def test_frames_that_are_byte_identical_are_encoded_once(tmp_path: Path) -> None:
    one, two, bad = grey(80), grey(140), b"text"
    files = [one, two, with_comment(one, "again"), one, bad, None, one, bad, two]
    manifest = broadcast(tmp_path, files)
    engine = FakeEngine()
    faces, frames, _ = encode(manifest, tmp_path, lambda: engine)
    assert sum(map(len, engine.shapes)) == 3
    for entry, row in zip(manifest.frames, frames.to_pylist(), strict=True):
        alone = encode(dataclasses.replace(manifest, frames=(entry,)), tmp_path, FakeEngine)
        assert alone.frames.to_pylist() == [row]
        assert alone.faces["face"].to_pylist() == list(range(alone.faces.num_rows))
        assert alone.faces.drop_columns("face").to_pylist() == [
            face for face in faces.drop_columns("face").to_pylist() if face["frame"] == entry.frame
        ]
    assert faces["frame"].to_pylist() == [1, 2, 2, 3, 4, 7, 9, 9]
    assert faces["face"].to_pylist() == list(range(8))


def test_times_of_frames_are_kept_also_of_frames_that_are_alike(tmp_path: Path) -> None:
    manifest = broadcast(tmp_path, [grey(80), grey(80), None, grey(140)])
    times = [0.0, 4.04, None, 12.5]
    timed = [
        dataclasses.replace(entry, seconds=time) for entry, time in zip(manifest.frames, times, strict=True)
    ]
    engine = FakeEngine()
    rows = encode(dataclasses.replace(manifest, frames=tuple(timed)), tmp_path, lambda: engine).frames
    assert rows["seconds"].to_pylist() == times
    assert sum(map(len, engine.shapes)) == 2
    assert encode(manifest, tmp_path, FakeEngine).frames["seconds"].to_pylist() == [None] * 4


def test_a_frame_that_vanished_is_an_error_of_the_job(frames, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        encode(frames[0], tmp_path, FakeEngine)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_broadcast_without_frames_gives_empty_tables(workers: int, tmp_path: Path) -> None:
    faces, frames, models = encode(broadcast(tmp_path, []), tmp_path, FakeEngine, workers=workers)
    assert (faces.num_rows, frames.num_rows) == (0, 0)
    assert faces.schema.equals(tables.FACES)
    assert frames.schema.equals(tables.FRAMES)
    assert models == FakeEngine().models


def test_what_an_engine_raises_names_the_frames(tmp_path: Path) -> None:
    with pytest.raises(ArithmeticError, match="no such square root") as raised:
        encode(many(tmp_path, 20), tmp_path, FailingEngine)
    assert raised.value.__notes__ == ["while encoding frames 1 to 16"]


# --- large photographs


def test_faces_of_a_large_photograph_are_in_its_own_pixels(tmp_path: Path) -> None:
    manifest = broadcast(tmp_path, [grey(80, (6000, 4000)), grey(80)])
    engine = FakeEngine()
    faces, frames, _ = encode(manifest, tmp_path, lambda: engine)
    (height, width, _), small = itertools.chain.from_iterable(engine.shapes)
    assert small == (8, 8, 3)
    assert width * height <= MAX_PIXELS
    large, plain = faces.to_pylist()
    across, down = 6000 / width, 4000 / height
    assert (plain["top"], plain["right"], plain["bottom"], plain["left"]) == (1, 90, 11, 80)
    assert (large["top"], large["right"]) == (round(1 * down), round(90 * across))
    assert (large["bottom"], large["left"]) == (round(11 * down), round(80 * across))
    assert large["landmarks"] == pytest.approx([n * (down if n % 2 else across) for n in range(10)])
    assert plain["landmarks"] == list(range(10))
    assert (large["score"], large["sharpness"]) == (plain["score"], plain["sharpness"])
    assert frames["width"].to_pylist() == [6000, 8]
    assert frames["height"].to_pylist() == [4000, 8]
    assert frames["reason"].to_pylist() == ["made smaller to look for faces", ""]


@pytest.mark.slow
def test_in_a_frame_that_is_enlarged_the_same_faces_are_found(frames, tmp_path: Path) -> None:
    """To 12 million pixels, as phones take them."""
    manifest, folder = frames
    with Image.open(folder / manifest.frames[4].file) as image:
        files = [as_jpeg(image), as_jpeg(image.resize((4620, 2600), Image.Resampling.BICUBIC))]
    load = functools.partial(load_engine, "fast", "hog", 1)
    faces = encode(broadcast(tmp_path, files), tmp_path, load).faces.to_pylist()
    small, large = ([face for face in faces if face["frame"] == frame] for frame in (1, 2))
    assert len(small) == len(large) > 0
    for one, other in zip(small, large, strict=True):
        size = one["right"] - one["left"]
        for side in ("top", "right", "bottom", "left"):
            # The detector's boxes come in steps of a sixth.
            assert other[side] == pytest.approx(one[side] * 4620 / 640, abs=0.15 * size * 4620 / 640)
        eyes = np.array(other["landmarks"]) - np.array(one["landmarks"]) * 4620 / 640
        assert np.abs(eyes).max() < 0.05 * size * 4620 / 640
        assert np.linalg.norm(np.array(one["embedding"]) - np.array(other["embedding"])) < 0.3


# --- memory


def test_batches_of_large_frames_are_smaller(tmp_path: Path) -> None:
    sizes = [(8, 8)] * 3 + [(2000, 1500)] * 5 + [(3840, 2160)] * 2 + [(8, 8)] * 10
    files = [with_comment(grey(20, size), str(n)) for n, size in enumerate(sizes)]
    engine = FakeEngine()
    encode(broadcast(tmp_path, files), tmp_path, lambda: engine)
    assert [len(shapes) for shapes in engine.shapes] == [5, 2, 1, 1, 7, 4]
    assert [(width, height) for shapes in engine.shapes for height, width, _ in shapes] == sizes


class Reads:
    """Counts the frames that are read."""

    def __init__(self) -> None:
        self.n = 0
        self.changed = threading.Condition()

    def read_frame(self, path: Path):
        with self.changed:
            self.n += 1
            self.changed.notify()
        return read_frame(path)


@pytest.fixture
def reads(monkeypatch) -> Reads:
    counted = Reads()
    monkeypatch.setattr(sys.modules["castgraph.faces.encode"], "read_frame", counted.read_frame)
    return counted


def test_one_batch_is_read_ahead_while_the_engine_works(tmp_path: Path, reads: Reads) -> None:
    class Waiting(FakeEngine):
        def encode(self, pictures):
            ahead = min(80, 16 * (len(self.shapes) + 2))
            with reads.changed:
                assert reads.changed.wait_for(
                    lambda: reads.n >= ahead, timeout=30
                )  # nothing else is under way
                assert not reads.changed.wait_for(lambda: reads.n > ahead, timeout=0.05)
            return super().encode(pictures)

    engine = Waiting()
    encode(many(tmp_path, 80), tmp_path, lambda: engine)
    assert len(engine.shapes) == 5


@pytest.mark.slow
def test_memory_grows_with_the_tables_alone(tmp_path: Path, caplog, reads: Reads) -> None:
    class Slow(FakeEngine):
        """As real ones are: another batch has been read when one is done, however few there are."""

        def encode(self, pictures):
            with reads.changed:
                while reads.changed.wait(timeout=0.05):
                    pass
            return super().encode(pictures)

    def peak(n_frames: int) -> int:
        manifest = dataclasses.replace(long, frames=long.frames[:n_frames])
        tracemalloc.start()
        try:
            encode(manifest, tmp_path, Slow)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    caplog.set_level(logging.INFO)
    long = many(tmp_path, 2000)
    peak(100)  # what is imported and set up on first use
    # The tables lie in Arrow's memory, which is not counted here. The 128 float32 of an embedding alone would
    # take 512 bytes beside it, and there are 1.5 faces a frame.
    growth = (peak(2000) - peak(200)) / 1800
    assert growth < 300
    assert "1008 of 2000 frames, 1512 faces" in caplog.text


# --- worker processes


def written(encoded, folder: Path) -> list[bytes]:
    tables.write(folder / "faces.parquet", encoded.faces, {})
    tables.write(folder / "frames.parquet", encoded.frames, {})
    return [(folder / f"{name}.parquet").read_bytes() for name in ("faces", "frames")]


@pytest.mark.slow
@pytest.mark.usefixtures("importable")
def test_results_are_the_same_for_every_number_of_workers(tmp_path: Path) -> None:
    files: list[bytes | None] = [with_comment(grey(20 + n), str(n)) for n in range(150)]
    files[70:75] = [b"text", None, *(grey(level, (2000, 1500)) for level in (200, 201, 202))]
    manifest = broadcast(tmp_path, [*files, *files[::-3]])
    alone, shared = [encode(manifest, tmp_path, FakeEngine, workers=workers) for workers in (1, 3)]
    assert alone.faces.num_rows > 200
    assert shared.models == alone.models
    assert written(shared, tmp_path) == written(alone, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("importable")
def test_results_are_the_same_with_a_worker_on_a_borrowed_core(tmp_path: Path, monkeypatch, caplog) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("CASTGRAPH_HELPED", str(tmp_path))
    monkeypatch.setattr(sys.modules["castgraph.faces.encode"], "TASK", 16)
    files: list[bytes | None] = [with_comment(grey(20 + n), str(n)) for n in range(150)]
    files[140] = b"text"
    manifest = broadcast(tmp_path, files)
    alone = encode(manifest, tmp_path, FakeEngine)
    cores = Cores(tmp_path / "run.cores", 2, 1, lasting=0)
    helped = encode(manifest, tmp_path, HelpedEngine, cores=cores)
    assert cores.borrow() is not None  # it was given back
    cores.release()
    assert written(helped, tmp_path) == written(alone, tmp_path)
    assert caplog.text.count("a worker more, on an idle core: 2 in all") == 1
    assert caplog.text.count("frame 141 is unreadable") == 2


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(
    ("load", "error", "message"),
    [
        (DyingEngine, RuntimeError, r"a worker process died while 2 shared the frames of .*compute\.threads"),
        (FailingEngine, ArithmeticError, "no such square root"),
        (no_engine, RuntimeError, r"model\.dat is not there"),
    ],
)
def test_a_worker_that_fails_fails_the_job(load, error, message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        encode(many(tmp_path, 200), tmp_path, load, workers=2)


ORPHANS = """
import os, sys, time
from pathlib import Path
from castgraph.archive import Manifest, UnzippedFrame
from castgraph.faces.encode import encode

folder = Path(sys.argv[1])

class Sleeping:
    models = {}
    embedding_size = 128
    def encode(self, pictures):
        (folder / f"{os.getpid()}.pid").touch()
        time.sleep(600)

if __name__ == "__main__":
    frames = tuple(UnzippedFrame(n, f"{n}.jpg") for n in range(1, 201))
    encode(Manifest("NTV_20261001_030000", "ok", "", frames), folder, Sleeping, workers=2)
"""


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    many(tmp_path, 200)
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    # What Python says of its semaphores at the end is none of ours.
    parent = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    try:
        wait_until(lambda: not any(map(is_running, workers)))
    finally:
        for worker in filter(is_running, workers):
            os.kill(worker, signal.SIGKILL)


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(holds) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def encoded_before(folder: Path) -> tuple[Manifest, Path, Path]:
    """The tables of a broadcast that was read, and what is there of it now: nothing."""
    manifest = broadcast(folder, [grey(200), grey(80)])
    paths = folder / "faces.parquet", folder / "frames.parquet"
    write_encoded(encode(manifest, folder, FakeEngine), {"castgraph": "0.1.0"}, *paths)
    return dataclasses.replace(manifest, status="missing", frames=()), *paths


def test_what_was_read_is_better_than_nothing(tmp_path: Path) -> None:
    gone, faces, frames = encoded_before(tmp_path)
    assert is_worse(gone, faces, frames)
    assert not is_worse(dataclasses.replace(gone, status="empty"), faces, frames)
    # A recording on a disk that is not mounted, and one that was replaced by a broken one.
    assert is_worse(gone, faces, frames, replaced=True)
    damaged = dataclasses.replace(gone, status="damaged")
    assert is_worse(damaged, faces, frames)
    assert not is_worse(damaged, faces, frames, replaced=True)
    frames.unlink()
    assert not is_worse(gone, faces, frames)


def test_tables_of_an_earlier_version_are_not_kept(tmp_path: Path) -> None:
    """No merge can read them, so a run that kept them would fail again and again."""
    gone, faces, frames = encoded_before(tmp_path)
    tables.write(faces, tables.read(faces, tables.FACES).drop_columns("face"), {})
    assert not is_worse(gone, faces, frames)


def test_both_tables_of_a_broadcast_are_replaced_or_none(tmp_path: Path, monkeypatch) -> None:
    _, faces, frames = encoded_before(tmp_path)
    before = faces.read_bytes(), frames.read_bytes()
    writer = tables.writer

    def fails(path, schema, facts):
        if schema is tables.FRAMES:
            raise OSError("the disk fails")
        return writer(path, schema, facts)

    monkeypatch.setattr(tables, "writer", fails)
    with pytest.raises(OSError, match="the disk fails"):
        write_encoded(encode(broadcast(tmp_path, [grey(140)]), tmp_path, FakeEngine), {}, faces, frames)
    assert (faces.read_bytes(), frames.read_bytes()) == before
