"""Frames and engines that are made up. Worker processes import this module, so it is light."""

import io
import multiprocessing
import os
import signal
import struct
import time
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from castgraph.archive import Manifest, UnzippedFrame
from castgraph.faces.engine import Face

BROADCAST = "NTV_20261001_030000"


def as_jpeg(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **{"quality": 95, **options})
    return buffer.getvalue()


def with_comment(jpeg: bytes, text: str) -> bytes:
    """The same picture in a file that is not the same."""
    comment = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def claiming(jpeg: bytes, width: int, height: int, bits: int = 8) -> bytes:
    """The same file with another size, and another number of bits a colour, in its header."""
    at = jpeg.index(b"\xff\xc0") + 4
    return jpeg[:at] + struct.pack(">BHH", bits, height, width) + jpeg[at + 5 :]


def progressive(width: int, height: int) -> bytes:
    """A progressive JPEG with as many samples of each colour, that claims this size."""
    jpeg = as_jpeg(Image.new("RGB", (64, 64), "navy"), progressive=True, subsampling=0)
    at = jpeg.index(b"\xff\xc2") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def many_scans(n_times: int, before: bytes = b"") -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    jpeg = as_jpeg(Image.new("L", (64, 64), 99), progressive=True)
    last = before + jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + n_times * last + jpeg[-2:]


def rotated(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return as_jpeg(image, exif=exif)


def other_kind(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@cache
def odd_files(jpeg: bytes) -> dict[str, tuple[bytes, str, str]]:
    """Give files that are not plain frames: name → content, expected status, expected reason (a pattern).

    `jpeg` is a plain frame.
    """
    image = Image.open(io.BytesIO(jpeg))
    middle = len(jpeg) // 2
    tables = jpeg.index(b"\xff\xc4") + 4
    deep = Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16)
    broken, other = "broken JPEG: ", "not a JPEG picture"
    return {
        "plain": (jpeg, "ok", ""),
        "truncated": (jpeg[:middle], "unreadable", broken + ".*truncated.*"),
        "without its end": (jpeg[:-2], "unreadable", broken + ".*truncated.*"),
        "header alone": (jpeg[:100], "unreadable", broken + ".*"),
        "three bytes": (jpeg[:3], "unreadable", broken + ".*"),
        "corrupt tables": (jpeg[:tables] + b"\xff" * 40 + jpeg[tables + 40 :], "unreadable", broken + ".*"),
        # As far as libjpeg can tell such data are a picture: grey or shifted blocks.
        "corrupt data": (jpeg[:middle] + bytes(200) + jpeg[middle + 200 :], "ok", ""),
        "empty": (b"", "unreadable", "an empty file, " + other),
        "text": (b"this is no picture\n" * 100, "unreadable", other),
        "PNG": (other_kind(image, "PNG"), "unreadable", "a PNG, " + other),
        "16-bit PNG": (other_kind(deep, "PNG"), "unreadable", "a PNG, " + other),
        "GIF": (other_kind(image, "GIF"), "unreadable", "a GIF, " + other),
        "12-bit": (
            claiming(jpeg, *image.size, bits=12),
            "unreadable",
            broken + "cannot handle 12-bit layers",
        ),
        "CMYK": (as_jpeg(image.convert("CMYK")), "ok", "CMYK"),
        "greyscale": (as_jpeg(image.convert("L")), "ok", "greyscale"),
        "rotated": (rotated(image), "ok", "EXIF orientation 6 not applied"),
        "grey and rotated": (rotated(image.convert("L")), "ok", "greyscale, EXIF orientation 6 not applied"),
        "progressive": (as_jpeg(image, progressive=True), "ok", ""),
        "1x1": (as_jpeg(Image.new("RGB", (1, 1), "red")), "ok", ""),
        "ultra-high definition": (as_jpeg(Image.new("RGB", (3840, 2160), "navy")), "ok", ""),
        "photograph": (
            as_jpeg(Image.new("L", (8000, 6000))),
            "ok",
            "greyscale, made smaller to look for faces",
        ),
        "progressive photograph": (
            as_jpeg(Image.new("L", (8000, 6000)), progressive=True),
            "ok",
            "greyscale, made smaller to look for faces",
        ),
        "too large": (claiming(jpeg, 16320, 12240), "unreadable", "16320x12240 pixels; at most 128000000 .*"),
        "progressive in full colours": (
            progressive(7008, 4672),
            "unreadable",
            r"7008x4672 pixels in several scans \(progressive\), which take 196448256 bytes .* at most .*",
        ),
        # Phones put previews, depths and videos behind a picture.
        "with more behind its end": (jpeg + b"\xff\xda\0\0" * 300, "ok", ""),
        # Small files that would take gigabytes, or hours, to decode.
        "bomb": (claiming(jpeg, 60000, 60000), "unreadable", "60000x60000 pixels; at most .*"),
        "scan bomb": (many_scans(20_000), "unreadable", "200[0-9][0-9] scans; at most 100 are allowed"),
        "scan bomb behind markers without a length": (
            many_scans(20_000, b"\xff\x01"),
            "unreadable",
            "200[0-9][0-9] scans; at most 100 are allowed",
        ),
        "scan bomb behind comments": (
            many_scans(20_000, b"\xff\xfe\0\4\xff\xd9"),
            "unreadable",
            "200[0-9][0-9] scans; at most 100 .*",
        ),
    }


def broadcast(folder: Path, files: list[bytes | None]) -> Manifest:
    """Write frames 1, 2, … (None: damaged in the ZIP) and their manifest."""
    entries = []
    for frame, content in enumerate(files, 1):
        if content is None:
            entries.append(UnzippedFrame(frame, None, "damaged", "CRC error"))
            continue
        (folder / f"{frame}.jpg").write_bytes(content)
        entries.append(UnzippedFrame(frame, f"{frame}.jpg"))
    return Manifest(BROADCAST, "ok", "", tuple(entries))


def face(left: int) -> Face:
    return Face(
        1, left + 10, 11, left, 0.5, 12.0, np.arange(10, dtype=np.float32), np.full(128, left, np.float32)
    )


class FakeEngine:
    """Finds 0 to 3 faces by the grey of a picture and keeps count of what it is given."""

    def __init__(self) -> None:
        self.models = {"model.dat": "0" * 64}
        self.embedding_size = 128
        self.shapes: list[list[tuple[int, ...]]] = []  # of the pictures of each call

    def encode(self, pictures):
        self.shapes.append([picture.shape for picture in pictures])
        greys = [int(picture[0, 0, 0]) for picture in pictures]
        return [[face(grey + 5 * n) for n in range(grey // 64)] for grey in greys]


class DyingEngine(FakeEngine):
    """Dies in a worker process."""

    def encode(self, pictures):
        if multiprocessing.parent_process():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(pictures)


class HelpedEngine(FakeEngine):
    """Goes on when a worker process helps, which leaves a sign in the folder `CASTGRAPH_HELPED`."""

    def encode(self, pictures):
        sign = Path(os.environ["CASTGRAPH_HELPED"]) / "helped"
        if multiprocessing.parent_process():
            sign.touch()
        end = time.monotonic() + 30
        while self.shapes and not sign.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        return super().encode(pictures)


class FailingEngine(FakeEngine):
    def encode(self, pictures):
        raise ArithmeticError("no such square root")


def no_engine() -> FakeEngine:
    raise RuntimeError("model.dat is not there")
