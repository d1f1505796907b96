"""Frames that can be read, frames that cannot, and what is measured on them."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from castgraph.faces import UnreadableFrameError, phash, read_frame
from castgraph.faces.frame import MAX_PIXELS, sharpness


@pytest.fixture
def jpeg(frames) -> bytes:
    manifest, folder = frames
    return (folder / manifest.frames[4].file).read_bytes()


def as_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def huge_jpeg_header() -> bytes:
    """A JPEG of a few hundred bytes that claims 60,000 × 60,000 pixels."""
    small = as_jpeg(Image.new("RGB", (8, 8)))
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", 60000, 60000) + small[at + 4 :]


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(14))) + chunk(b"IEND", b"")


def test_a_frame_is_decoded_to_rgb(jpeg: bytes, tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(jpeg)
    picture = read_frame(path)
    assert picture.shape == (360, 640, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colour_models_are_turned_to_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(as_jpeg(Image.new("RGB", (20, 10), "red").convert(mode)))
    assert read_frame(path).shape == (10, 20, 3)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zero bytes", "not a JPEG"),
        ("text", "not a JPEG"),
        ("png", "not a JPEG"),
        ("truncated", "broken JPEG"),
        ("header only", "broken JPEG|not a JPEG"),
        ("bomb", "60000x60000 pixels|broken JPEG"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_reason(
    name: str, reason: str, jpeg: bytes, tmp_path: Path
) -> None:
    content = {
        "zero bytes": b"",
        "text": b"this is no picture\n" * 100,
        "png": png(),
        "truncated": jpeg[: len(jpeg) // 2],
        "header only": jpeg[:100],
        "bomb": huge_jpeg_header(),
    }[name]
    path = tmp_path / "1.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableFrameError, match=reason):
        read_frame(path)


def test_a_frame_that_is_gone_is_an_error_of_the_job(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_frame(tmp_path / "gone.jpg")


def test_the_largest_frame_is_well_above_television() -> None:
    assert MAX_PIXELS >= 3840 * 2160


def test_phash_is_stable_under_small_changes_and_differs_between_scenes(frames) -> None:
    manifest, folder = frames
    picture, other = (read_frame(folder / manifest.frames[n].file) for n in (4, 30))
    noisy = np.clip(picture.astype(int) + 3, 0, 255).astype(np.uint8)
    assert 0 <= phash(picture) < 2**64
    assert (phash(picture) ^ phash(noisy)).bit_count() <= 6
    assert (phash(picture) ^ phash(other)).bit_count() >= 12


def test_a_blurred_chip_is_less_sharp(jpeg: bytes) -> None:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((150, 150))
    blurred = image.filter(ImageFilter.GaussianBlur(2))
    assert sharpness(np.asarray(blurred)) < sharpness(np.asarray(image)) / 2
    assert sharpness(np.zeros((150, 150, 3), np.uint8)) == 0
