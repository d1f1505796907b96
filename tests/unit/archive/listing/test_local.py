"""Sources on this machine: what they are is told by their content, cheaply."""

import io
import os
import wave
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from castgraph.archive.listing.local import content, ending, kind_of, local_source, no_recording

VIDEOS = {
    "mp4": "mpeg4", "mov": "mpeg4", "3gp": "mpeg4", "matroska": "mpeg4", "webm": "libvpx",
    "mpegts": "mpeg2video", "mpeg": "mpeg2video", "vob": "mpeg2video", "mpeg2video": "mpeg2video",
    "avi": "mpeg4", "asf": "mpeg4",
    "flv": "flv1", "ogv": "libvpx", "mxf": "mpeg2video", "ismv": "mpeg4",
}  # fmt: skip
SOUNDS = {
    "ogg": "flac",
    "opus": "libopus",
    "wav": "pcm_s16le",
    "mp3": "libmp3lame",
    "ipod": "aac",
    "flac": "flac",
}


def filmed(path: Path, form: str, codec: str) -> Path:
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
        for level in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((144, 176, 3), 10 * level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def recorded(path: Path, form: str, codec: str) -> Path:
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        for part in av.AudioResampler(stream.format, stream.layout, 48000, stream.frame_size or 0).resample(
            frame
        ):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("form", VIDEOS)
def test_a_video_is_told_by_its_content(form: str, tmp_path: Path) -> None:
    path = filmed(tmp_path / "video", form, VIDEOS[form])
    assert content(path) == "video"
    assert kind_of(str(path.rename(tmp_path / "video.dat"))) == "video"


def test_a_stream_with_times_is_told_by_its_content(tmp_path: Path) -> None:
    """As camcorders record: four bytes before each packet."""
    stream = filmed(tmp_path / "a.ts", "mpegts", "mpeg2video").read_bytes()
    packets = [stream[n : n + 188] for n in range(0, len(stream), 188)]
    (tmp_path / "a.mts").write_bytes(b"".join(b"\0\0\0\1" + each for each in packets))
    assert content(tmp_path / "a.mts") == "video"


@pytest.mark.parametrize("form", SOUNDS)
def test_sound_is_no_video(form: str, tmp_path: Path) -> None:
    assert content(recorded(tmp_path / "sound", form, SOUNDS[form])) == ""


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_a_picture_is_no_video(form: str, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), 90).save(tmp_path / "picture", form)
    assert content(tmp_path / "picture") == ""


def test_other_files_are_none(tmp_path: Path) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with wave.open(str(tmp_path / "a"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
    for each in (
        b"",
        b"G",
        b"text " * 200,
        b"The free world",
        b"%PDF-1.7",
        heic,
        (tmp_path / "a").read_bytes(),
        bytes(1000),
    ):
        (tmp_path / "file").write_bytes(each)
        assert content(tmp_path / "file") == ""


def test_a_zip_is_told_by_its_content(tmp_path: Path) -> None:
    for names in ([], ["a.jpg"]):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(name, b"")
        (tmp_path / "a.mp4").write_bytes(buffer.getvalue())
        assert content(tmp_path / "a.mp4") == "zip"


def test_what_is_no_source_says_why(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "text.mp4").write_text("known by its name: the content is not asked")
    (tmp_path / "text").write_text("text")
    (tmp_path / "text.srt").write_text("text")
    os.mkfifo(tmp_path / "pipe.mp4")
    kinds = {"folder.mp4": "folder", "text.mp4": "video"}
    assert {name: kind_of(str(tmp_path / name)) for name in kinds} == kinds
    reasons = {
        "text": "neither a ZIP nor a video by its content",
        "text.srt": r"subtitles \(\.srt\)",
        "pipe.mp4": "neither a file nor a folder",
        "nowhere": "not there",
        "text/deeper.mp4": "not there",
        "x" * 300: "cannot be read",
    }
    for name, reason in reasons.items():
        with pytest.raises(ValueError, match=f"^{reason}"):
            kind_of(str(tmp_path / name))


def test_case_of_an_ending_does_not_count() -> None:
    assert [ending(name) for name in ("A.MP4", "a.b.Srt", "a.", ".mp4", "No. 5", "a.7z", "tape")] == [
        ".mp4", ".srt", "", "", "", ".7z", "",
    ]  # fmt: skip
    assert no_recording("A.SRT") == "subtitles (.srt)"
    assert no_recording("A.MKV") == no_recording("A.dat") == ""


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tapes/1.mp4", "tapes/1.mp4"),
        ("./tapes//1.mp4/", "tapes/1.mp4"),
        ("/home/here/tapes/../1.mp4", "1.mp4"),
        ("../1.mp4", "/home/1.mp4"),
        ("/home/here2/1.mp4", "/home/here2/1.mp4"),
        ("..1.mp4", "..1.mp4"),
        ("=1.mp4", "./=1.mp4"),
        (".", "."),
    ],
)
def test_a_path_is_relative_where_it_lies_within(path: str, source: str) -> None:
    assert local_source(path, Path("/home/here")) == source


def test_everything_lies_within_the_root() -> None:
    assert local_source("/tapes/1.mp4", Path("/")) == "tapes/1.mp4"
