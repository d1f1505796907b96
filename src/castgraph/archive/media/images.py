"""A folder of images as the frames of a broadcast."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from castgraph.archive.listing.choose import JPEG_SUFFIXES, PICTURE_SUFFIXES
from castgraph.archive.media.pack import Picture
from castgraph.archive.media.zips import DEFAULT_LIMITS, Limits

JPEG_QUALITY = 95
"""Of pictures that were none, as frames of videos."""

_MOST_DIGITS = 9  # of a frame's number


def pictures(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[Picture | str]:
    """Give the pictures of a folder as frames.

    Parameters
    ----------
    folder
        The folder. Its JPEGs are given byte for byte; PNGs and WebPs are turned into JPEGs. Links, folders
        and other files in it are left out.
    limits
        The largest size of a file, and the most pixels of a picture that is decoded.

    Yields
    ------
    Picture or str
        The frames, sorted by number; at the end as text which pictures could not be taken, if any. The number
        of a frame is the one that its name ends with where all have different ones from 1 on, else its place
        in the natural order of the names.

    Raises
    ------
    OSError
        When the folder or a file cannot be read.
    """
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.name.lower().endswith(PICTURE_SUFFIXES) and entry.is_file(follow_symlinks=False)
        ]
    left_out: list[str] = []
    for number, name in _numbered(names):
        try:
            yield Picture(number, _jpeg(folder / name, limits))
        except ValueError as error:
            left_out.append(f"{name}: {error}")
    if left_out:
        yield f"{len(left_out)} of {len(names)} pictures left out; the first: {left_out[0]}"


def _numbered(names: Sequence[str]) -> list[tuple[int, str]]:
    """Give the pictures their numbers, and sort them."""
    found = [re.search(rf"(?<![0-9])0*([0-9]{{1,{_MOST_DIGITS}}})\Z", Path(name).stem) for name in names]
    numbers = [int(match[1]) for match in found if match]
    if len(names) == len(set(numbers)) and 0 not in numbers:
        return sorted(zip(numbers, names, strict=True))
    return list(enumerate(sorted(names, key=_natural), start=1))


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Make the key that sorts 2 before 10; of equal ones the names themselves decide."""
    parts = re.split("([0-9]+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _jpeg(path: Path, limits: Limits) -> bytes:
    """Read a picture as a JPEG file; what is wrong with it is a `ValueError`."""
    with path.open("rb") as file:
        content = file.read(limits.max_frame_bytes + 1)
    if len(content) > limits.max_frame_bytes:
        raise ValueError(f"larger than {limits.max_frame_bytes} bytes")
    if path.suffix.lower() in JPEG_SUFFIXES:
        return content
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "WEBP", "JPEG")) as image:
            if image.width * image.height <= limits.max_pixels:
                # Of 16 bits Pillow would take all above 255 for white.
                deep = image.mode.startswith("I")
                return encode((image.point(lambda grey: grey / 256) if deep else image).convert("RGB"))
            problem = f"{image.width}x{image.height} pixels; at most {limits.max_pixels} pixels are allowed"
    except MemoryError:
        raise
    except Exception as error:  # the file may hold anything, and Pillow's parsers fail in many ways
        problem = f"a broken picture: {error}"
    raise ValueError(problem)


def encode(image: Image.Image) -> bytes:
    """Write a picture as a JPEG file; equal pictures give equal bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
