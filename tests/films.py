"""Small videos for tests, made of grey pictures, and what becomes of them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from castgraph.archive import unzip
from castgraph.archive.media.pack import Note, Picture
from castgraph.archive.media.sources import obtain
from castgraph.archive.media.video import video_frames

ID = "NTV_20261001_030000"
WIDTH, HEIGHT = 96, 64
FIXED_RATE = ("mpeg1video", "mpeg2video")
"""Codecs that know few frame rates: their films have 25 frames a second."""

Shown = dict[int, tuple[float, float]]
"""Number of a frame → seconds, grey level."""


def grey(level: float, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Give a grey picture."""
    return np.full((height, width, 3), level, np.uint8)


def every(step: float, count: int, begin: float = 0) -> list[tuple[float, NDArray[np.uint8]]]:
    """Give grey pictures, `step` seconds apart, each 2 lighter than the one before."""
    return [(begin + n * step, grey(10 + 2 * n)) for n in range(count)]


def film(
    path: Path,
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    prepare: Callable[[Any], object] = lambda stream: None,
    container_options: dict[str, str] | None = None,
    kind: str | None = None,
    start: float = 0,
    size: tuple[int, int] | None = None,
    pix_fmt: str = "yuv420p",
    rate: int = 1000,
    last: float = 0,
    sound: float = 0,
    sound_codec: str = "aac",
) -> Path:
    """Make a video.

    Parameters
    ----------
    path
        The file; its ending says which format it has, unless `kind` does.
    pictures
        The second from which on each is shown, and the picture: RGB, or the planes of YUV as PyAV wants them.
    codec, options, prepare, container_options
        How they are encoded; what is done with the stream before; what the format is told.
    start
        Seconds by which all is shifted.
    size
        Height and width, where the pictures do not tell.
    pix_fmt, rate
        The pixel format; ticks a second.
    last
        Seconds that the last picture is shown, where that is to be told.
    sound, sound_codec
        Seconds of silence beside the pictures.
    """
    pictures = list(pictures)
    rate = 25 if codec in FIXED_RATE else rate
    index_first = {"movflags": "faststart"} if path.suffix in {".mp4", ".mov", ".m4v", ".MOV"} else {}
    with av.open(str(path), "w", format=kind, options=container_options or index_first) as container:
        stream: Any = container.add_stream(codec, rate=rate, options={"threads": "1", **(options or {})})
        stream.height, stream.width = size or pictures[0][1].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        prepare(stream)
        heard: Any = container.add_stream(sound_codec, rate=48000, layout="mono") if sound else None
        packets: list[Any] = []
        for seconds, picture in pictures:
            from_kind = "rgb24" if picture.ndim == 3 else pix_fmt
            frame = av.VideoFrame.from_ndarray(picture, from_kind).reformat(format=pix_fmt)
            frame.pts, frame.time_base = round((start + seconds) * rate), Fraction(1, rate)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        if last:
            packets[-1].duration = round(last * rate)
        if heard:
            size_ = heard.codec_context.frame_size or 1152
            for n in range(0, round(sound * 48000), size_):
                silence = np.zeros((1, size_), np.float32 if "flt" in heard.format.name else np.int16)
                part = av.AudioFrame.from_ndarray(silence, heard.format.name, "mono")
                part.sample_rate, part.pts, part.time_base = 48000, n, Fraction(1, 48000)
                packets += heard.encode(part)
            packets += heard.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def join(path: Path, *parts: Path) -> Path:
    """Put transport streams one behind the other, and number their packets anew, so that none seems lost."""
    content = bytearray(b"".join(part.read_bytes() for part in parts))
    counters: Counter[tuple[int, int]] = Counter()
    for at in range(0, len(content), 188):
        identifier = bytes(content[at + 1 : at + 3])[0] & 0x1F, content[at + 2]
        content[at + 3] = content[at + 3] & 0xF0 | counters[identifier] % 16
        counters[identifier] += bool(content[at + 3] & 0x10)
    path.write_bytes(content)
    return path


def pixels(each: Picture) -> NDArray[np.float64]:
    """Read a frame."""
    with Image.open(io.BytesIO(each.jpeg)) as image:
        assert image.format == "JPEG"
        return np.asarray(image).astype(float)


def frames(path: Path, **options: Any) -> list[Picture]:
    """Give the frames of a video with which nothing is wrong."""
    found = list(video_frames(path, **options))
    assert [each for each in found if isinstance(each, str) and not isinstance(each, Note)] == []
    return [each for each in found if isinstance(each, Picture)]


def taken(path: Path, **options: Any) -> tuple[Shown, list[str]]:
    """Give the frames of a video, and what is said of it."""
    found = list(video_frames(path, **options))
    shown = [each for each in found if isinstance(each, Picture)]
    numbers = [each.frame for each in shown]
    assert numbers == sorted(set(numbers))
    return (
        {each.frame: (float(each.seconds or 0), float(pixels(each).mean())) for each in shown},
        [each for each in found if isinstance(each, str)],
    )


def check(shown: Shown, expected: dict[int, tuple[float, float]]) -> None:
    """Compare frames with what is expected of them."""
    assert list(shown) == list(expected)
    assert {n: seconds for n, (seconds, _) in shown.items()} == pytest.approx(
        {n: seconds for n, (seconds, _) in expected.items()}, abs=1e-9
    )
    for n, (_, level) in expected.items():
        assert shown[n][1] == pytest.approx(level, abs=3), n


def status(folder: Path, path: Path, **options: Any) -> tuple[str, str, list[int]]:
    """Give what becomes of a broadcast that comes from a video: status, reason, numbers of its frames."""
    (folder / "frames").mkdir(exist_ok=True)
    for each in (folder / "frames").iterdir():
        each.unlink()
    obtain("", ID, folder / "a.zip", source=str(path), **options)
    manifest = unzip(folder / "a.zip", ID, folder / "frames")
    return manifest.status, manifest.reason, [frame.frame for frame in manifest.frames]
