"""A folder of pictures as the frames of a broadcast."""

from __future__ import annotations

import io
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from castgraph.archive.listing.choose import PICTURE_SUFFIXES
from castgraph.archive.media import jpeg
from castgraph.archive.media.numbering import Numbers, numbered
from castgraph.archive.media.pack import Note, Picture, TooLarge
from castgraph.archive.media.zips import DEFAULT_LIMITS, Limits
from castgraph.base.files import is_hidden
from castgraph.base.text import counted, quoted, shortened

log = logging.getLogger(__name__)

JPEG_QUALITY = 95
"""Of pictures that were none, as frames of videos, and of JPEGs that had to be turned.

No library at hand turns a JPEG without decoding it. At this quality a second encoding is hardly seen; with
the tables that a picture brings along it would be a loss where these are coarse.
"""

KINDS = ("PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG2000", "AVIF", "HEIF")
"""What is read beside JPEG, by Pillow's names. No other parser sees a file."""

register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

_UNREAD = frozenset(
    {
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw"),
        *(".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
        *(".exr", ".jxl", ".pgm", ".pnm", ".ppm", ".psb", ".psd", ".tga", ".xcf"),
    }
)
"""How the names of pictures end that are not read.

RAW photographs are TIFFs by their content, and what Pillow reads of them is a tiny preview.
"""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → what makes the picture upright."""

_HEIF_TURNS = (b"\0\0\0\x09irot", b"\0\0\0\x09imir")
"""The boxes by which a HEIF says itself how it is to be shown."""

_MOST_TOLD = 3  # kinds of files, or of what is wrong with them


class _TooLargeError(jpeg.PictureError):
    """A file that is larger than a frame may be."""


class _Contents(NamedTuple):
    """The names in a folder, sorted out and sorted."""

    pictures: list[str]
    unread: list[str]  # pictures of kinds that are not read
    others: list[str]
    folders: list[str]


def pictures(
    folder: Path, limits: Limits = DEFAULT_LIMITS, *, numbers: Numbers = "auto"
) -> Iterator[Picture | str]:
    """Give the pictures of a folder as frames, upright.

    Parameters
    ----------
    folder
        The folder. What a file is its content tells: a JPEG is given byte for byte, unless EXIF has it turned
        or it is progressive and very large; `KINDS` become JPEGs. A link is followed where its name is a
        picture's and it leads to a regular file. In folders pictures are counted by their names, no more.
    limits
        The largest size of a file, and the most pixels of a picture.
    numbers
        What the numbers of the frames are; see `castgraph.archive.media.numbering.numbered`.

    Yields
    ------
    Picture or str
        The frames, sorted by number; at the end as text which pictures could not be taken, and as `Note` what
        else was left alone.

    Raises
    ------
    OSError
        When the folder or a file cannot be read.
    """
    found = _look(folder)
    frames, reasons, way, is_odd = numbered(found.pictures, numbers)
    log.info("%s of %s, %s", counted(len(found.pictures), "picture"), folder, way)
    n_turned = n_several = 0
    is_cut = False
    for number, name in frames:
        try:
            taken = _taken(_read(folder / name, limits.max_frame_bytes), limits.max_picture_pixels)
        except jpeg.PictureError as error:
            reasons[name] = str(error)
            is_cut |= isinstance(error, _TooLargeError)
        else:
            n_turned += taken.is_turned
            n_several += taken.has_several
            yield Picture(number, taken.jpeg)
    if n_turned:
        log.info("%s turned as EXIF says", counted(n_turned, "picture"))
    for name, reason in reasons.items():
        log.warning("%s: %s", quoted(name), reason)
    if reasons:
        yield (TooLarge if is_cut else str)(_left_out(reasons, len(found.pictures)))
    beside = {Path(name).stem.casefold() for name in found.pictures}
    # Of a RAW photograph that has a JPEG beside it nothing is lost.
    lost = [name for name in found.unread if Path(name).stem.casefold() not in beside]
    others = found.others + sorted({*found.unread} - {*lost})
    if lost:
        yield f"{counted(len(lost), 'picture')} of kinds that are not read: {_by_ending(lost)}"
    notes = {
        "no picture in it": not found.pictures and not lost,
        way: is_odd,
        f"{counted(n_several, 'picture')} of several pages or frames: the first of each taken": n_several,
        f"{counted(len(others), 'other file')} left alone: {_by_ending(others)}": others,
        _in_folders(folder, found.folders): found.folders,
    }
    yield from (Note(text) for text, holds in notes.items() if text and holds)


def upright(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Read one picture, of any kind that `pictures` takes, as an upright JPEG.

    Parameters
    ----------
    path
        The file.
    limits
        Its largest size, and the most pixels.

    Raises
    ------
    castgraph.archive.media.jpeg.PictureError
        When it is no such picture, is broken or is larger; the message is the reason.
    OSError
        When the file cannot be read.
    """
    return _taken(_read(path, limits.max_frame_bytes), limits.max_picture_pixels).jpeg


# ---- what lies in a folder -------------------------------------------------------------------------------


def _look(folder: Path) -> _Contents:
    found = _Contents([], [], [], [])
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            ending = _ending(entry.name)
            if is_hidden(entry.name):
                continue
            if _leads_to(entry, os.DirEntry.is_dir):
                found.folders.append(entry.name)
            elif ending in _UNREAD:
                found.unread.append(entry.name)
            elif (
                _leads_to(entry, os.DirEntry.is_file)
                if ending in PICTURE_SUFFIXES
                else _begins_as_picture(entry)
            ):
                found.pictures.append(entry.name)
            else:
                found.others.append(entry.name)
    return found


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (a Path for each of 50,000 takes longer)


def _leads_to(entry: os.DirEntry[str], kind: Callable[[os.DirEntry[str]], bool]) -> bool:
    try:
        return kind(entry)
    except OSError:  # a link to itself
        return False


def _begins_as_picture(entry: os.DirEntry[str]) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    with Path(entry.path).open("rb") as file:
        start = file.read(16)
    if start.startswith(b"BM") and start[6:10] != bytes(4):  # a text
        return False
    Image.init()
    accepts = (Image.OPEN[kind][1] for kind in KINDS if kind in Image.OPEN)
    return start.startswith(jpeg.START) or any(accept is not None and accept(start) for accept in accepts)


def _in_folders(folder: Path, names: Sequence[str]) -> str:
    """Tell how many pictures lie in the folders of a folder; empty when there is none."""
    counts = {name: n for name in names if (n := _count(folder / name))}
    if not counts:
        return ""
    first = quoted(next(iter(counts)))
    place = f"the subfolder {first}" if len(counts) == 1 else f"{len(counts)} subfolders, the first {first},"
    return f"{counted(sum(counts.values()), 'picture')} in {place} left alone"


def _count(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError:  # not to be looked into
        return 0
    return sum(_ending(name) in PICTURE_SUFFIXES and not is_hidden(name) for name in names)


def _by_ending(names: Sequence[str]) -> str:
    """Count names by their endings, the most frequent first."""
    counts = Counter(shortened(_ending(name), 12) or "without ending" for name in names)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(n for _, n in ordered[_MOST_TOLD:])
    return ", ".join([f"{n} {ending}" for ending, n in ordered[:_MOST_TOLD]] + [f"{rest} more"] * bool(rest))


def _left_out(reasons: Mapping[str, str], n_pictures: int) -> str:
    """Tell what could not be taken and why: the most frequent reasons, with the first picture of each."""
    alike: dict[str, list[str]] = {}  # sizes and the like aside
    for name, reason in reasons.items():
        alike.setdefault(re.sub("[0-9]+", "0", reason), []).append(name)
    ordered = sorted(alike.values(), key=len, reverse=True)[:_MOST_TOLD]
    shown = [f"{len(names)} like {shortened(names[0], 60)} ({reasons[names[0]]})" for names in ordered]
    return f"{len(reasons)} of {n_pictures} pictures left out: {', '.join(shown)}"


# ---- pictures --------------------------------------------------------------------------------------------


class _Taken(NamedTuple):
    jpeg: bytes
    is_turned: bool = False
    has_several: bool = False


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        size = path.stat().st_size
        raise _TooLargeError(f"{size} bytes; at most {most} are allowed (archive.max_frame_mb)")
    return content


def _taken(content: bytes, max_pixels: int) -> _Taken:
    """Make an upright JPEG of a picture."""
    if not content:
        raise jpeg.PictureError("an empty file")
    if content.startswith(jpeg.START):
        with jpeg.opened(content, max_pixels) as image:
            # What takes too much memory beside the engine can be taken as a JPEG of one scan.
            is_heavy = jpeg.coefficients(image, content) > jpeg.MAX_COEFFICIENTS
            turn = _TURNS.get(jpeg.orientation(image))
            if turn is None and not is_heavy:
                return _Taken(content)
            return _Taken(encode(_turned(_in_colours(image), turn)), turn is not None)
    with jpeg.errors("a broken picture"), _opened(content) as image:
        jpeg.check_size(image, max_pixels)
        several = bool(getattr(image, "is_animated", False))
        image.load()
        jpeg.check_size(image, max_pixels)  # of a HEIF it is known for certain only now
        # libheif has turned what says how it is to be shown; where a HEIF does not, EXIF is all there is.
        is_heif, says = image.format == "HEIF", any(box in content for box in _HEIF_TURNS)
        orientation = image.info.get("original_orientation") or 1 if is_heif else jpeg.orientation(image)
        turn = None if is_heif and says else _TURNS.get(orientation)
        return _Taken(encode(_turned(_in_colours(image), turn)), turn is not None, several)


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None  # who opens it checks its size
    try:
        with Image.open(io.BytesIO(content), formats=KINDS) as image:
            yield image
    except UnidentifiedImageError as error:  # its text has an address in memory
        raise jpeg.PictureError("no picture that can be read") from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def _in_colours(image: Image.Image) -> Image.Image:
    """Turn whatever Pillow has read into RGB, on white where it is transparent."""
    if image.mode == "F":
        raise jpeg.PictureError("its pixels are not colours but decimal numbers")
    if image.mode.startswith("I"):  # 16 bits; Pillow would take all above 255 for white
        return Image.fromarray(np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    clear = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", clear.size, "white")
    white.paste(clear, mask=clear.getchannel("A"))
    return white


def encode(image: Image.Image) -> bytes:
    """Write a picture as a JPEG file without metadata; equal pictures give equal bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, comment=None)
    return buffer.getvalue()
