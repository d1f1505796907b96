"""Opening JPEGs that nobody vouches for."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from castgraph.base.text import shortened

START = b"\xff\xd8\xff"
"""The first bytes of every JPEG."""

MAX_SCANS = 100
"""JPEGs with more scans are refused: each costs as much as the whole picture, in a few bytes of the file."""

MAX_COEFFICIENTS = 144_000_000
"""Bytes beside the pixels, see `coefficients`, with which a frame can be read.

With it an encode job, which reads a frame while the engine is at work on another, stays within its memory. It
is a progressive picture of 24 million pixels, or of 48 million whose colours are stored at half the width and
height, as usual.
"""

_START_OF_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # that has a length, or is the end
_EXIF = ("exif", "Raw profile type exif")  # where Pillow keeps it


class PictureError(ValueError):
    """A picture that cannot be read; the message is the reason."""


@contextmanager
def opened(content: bytes, max_pixels: int) -> Iterator[JpegImageFile]:
    """Open a JPEG and nothing else; it is decoded when it is used.

    Parameters
    ----------
    content
        The file.
    max_pixels
        The most pixels that it may have.

    Yields
    ------
    JpegImageFile
        The picture as it is in the file, not turned.

    Raises
    ------
    PictureError
        When it has more than `max_pixels` pixels or `MAX_SCANS` scans, which is found without decoding, so
        that no file takes much memory or time; and whatever is wrong with it while the block runs.
    """
    if not content.startswith(START):
        raise PictureError("not a JPEG picture")
    with errors("broken JPEG"), JpegImageFile(io.BytesIO(content)) as image:
        check_size(image, max_pixels)
        if (n_scans := _scans(content, _first_scan(image))) > MAX_SCANS:
            raise PictureError(f"{n_scans} scans; at most {MAX_SCANS} are allowed")
        yield image


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Turn whatever is raised in the block into a `PictureError` that begins with `what`."""
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # the file may hold anything, and Pillow's parsers fail in many ways
        raise PictureError(shortened(f"{what}: {error}", 200)) from error


def check_size(image: Image.Image, max_pixels: int) -> None:
    """Refuse a picture that has too many pixels, before it is decoded."""
    if image.width * image.height > max_pixels:
        raise PictureError(f"{image.width}x{image.height} pixels; at most {max_pixels} pixels are allowed")


def orientation(image: Image.Image) -> int:
    """Tell what EXIF says of the orientation; 1 is upright, 2 to 8 are turned or mirrored."""
    try:
        is_there = any(place in image.info for place in _EXIF)
        found = image.getexif().get(ExifTags.Base.Orientation) if is_there else 1
        return found if isinstance(found, int) else 1
    except Exception:  # broken EXIF, which fails in many ways, says nothing about the picture
        return 1


def coefficients(image: JpegImageFile, content: bytes) -> int:
    """Tell how many bytes libjpeg needs for a JPEG beside its pixels, before it is decoded.

    A picture in several scans, as a progressive one, is held as a whole, two bytes a sample; 0 for others.
    """
    first = bytes([0xFF, _START_OF_SCAN, 0, 6 + 2 * image.layers, image.layers])  # with all colours in it
    is_one = content.startswith(first, _first_scan(image) - 8 - 2 * image.layers)
    if is_one and "progressive" not in image.info:
        return 0
    across, down = (max(layer[n] for layer in image.layer) for n in (1, 2))
    shares = (layer[1] * layer[2] / (across * down) for layer in image.layer)
    return round(2 * image.width * image.height * sum(shares))


def check_coefficients(image: JpegImageFile, content: bytes) -> None:
    """Refuse a JPEG that takes more than `MAX_COEFFICIENTS`, before it is decoded."""
    if (n_bytes := coefficients(image, content)) > MAX_COEFFICIENTS:
        raise PictureError(
            f"{image.width}x{image.height} pixels in several scans (progressive), which take {n_bytes} bytes "
            f"to decode; at most {MAX_COEFFICIENTS} bytes are allowed"
        )


def _first_scan(image: JpegImageFile) -> int:
    """Tell where the data of the first scan begin: there Pillow stops to read."""
    return image.fp.tell() if image.fp else 0


def _scans(content: bytes, at: int) -> int:
    """Count the scans of a JPEG up to its end; phones put previews and even videos behind it."""
    count = 1
    while (found := _MARKER.search(content, at)) and content[found.end() - 1] != _END:
        count += content[found.end() - 1] == _START_OF_SCAN
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    return count
