"""Videos that are broken, hostile or none: what can be had is taken, and what cannot is said."""

import random

import av
import numpy as np
import pytest
from tests.films import HEIGHT, WIDTH, every

from castgraph.archive import Limits

N_DAMAGED = 20


def test_a_video_with_damage_in_the_middle_is_partial(film, status):
    noise = np.random.default_rng(1)
    path = film(
        [(n, noise.integers(0, 255, (64, 96, 3), np.uint8)) for n in range(40)],
        options={"g": "4"},
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(content)
    found, reason, frames = status(path)
    assert (found, frames[0], frames[-1]) == ("partial", 1, 10)
    assert "corrupt packets" in reason


def test_a_video_without_its_index_is_damaged(film, status):
    path = film(every(1, 9))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"moov", b"none"))
    assert status(path)[0] == "damaged"


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.webm"])
@pytest.mark.parametrize("content", [b"", b"Good morning\n" * 500, b"\0" * 5000, b"G" * 5000])
def test_what_is_no_video_is_damaged(tmp_path, status, name, content):
    (tmp_path / name).write_bytes(content)
    found, reason, frames = status(tmp_path / name)
    assert (found, frames) == ("damaged", [])
    assert reason
    assert str(tmp_path) not in reason


def test_sound_alone_is_damaged(tmp_path, status):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert status(tmp_path / "a.mp4") == ("damaged", "no video in the file", [])


def test_frames_that_are_too_large_are_not_decoded(film, status):
    path = film(every(1, 5))
    found, reason, frames = status(path, limits=Limits(max_pixels=WIDTH * HEIGHT - 1))
    assert (found, frames) == ("damaged", [])
    assert reason == "96x64 pixels; at most 6143 pixels are allowed"
    assert status(path, limits=Limits(max_pixels=WIDTH * HEIGHT))[0] == "ok"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_frames=2), "more than 2 frames"),
        (Limits(max_total_bytes=2000), "the frames have more than 2000 bytes together"),
    ],
)
def test_limits_cut_a_video(film, status, limits, reason):
    found = status(film(every(1, 20)), limits=limits)
    assert found == ("partial", reason, [1, 2])


def test_a_file_name_is_no_address(film, tmp_path, status, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film(every(1, 5)).rename("concat:a|b.mp4")
    assert status("concat:a|b.mp4")[0] == "ok"


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.ts", "libx264"),
        ("a.webm", "libvpx"),
        ("a.mpg", "mpeg2video"),
        ("a.avi", "mpeg4"),
        ("a.wmv", "wmv2"),
        ("a.flv", "flv"),
        ("a.mxf", "mpeg2video"),
    ],
)
def test_no_damage_raises(film, tmp_path, status, name, codec):
    sound = film(every(0.2, 30), name, codec=codec, rate=25).read_bytes()
    rng = random.Random(name)
    path = tmp_path / f"broken-{name}"
    for _ in range(N_DAMAGED):
        content = bytearray(sound[: rng.choice([len(sound), rng.randrange(len(sound))])])
        for _ in range(rng.choice([1, 5, 50]) if content else 0):
            at = rng.randrange(len(content))
            content[at : at + rng.choice([1, 4])] = rng.choice([b"\xff", b"\0\0\0\0", rng.randbytes(4)])
        path.write_bytes(content)
        found, reason, numbers = status(path, frame_seconds=1, limits=Limits(max_frames=200))
        assert found in {"ok", "partial", "damaged"}
        assert (found == "ok") == (reason == "")
        assert len(numbers) <= 200
