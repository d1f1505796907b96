"""Reading one frame, and what is measured on pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile
from scipy.fft import dctn
from scipy.ndimage import laplace

from castgraph.base.text import shortened

Picture = NDArray[np.uint8]
"""A decoded frame of shape (height, width, 3), RGB."""

MAX_PIXELS = 4096 * 2160
"""Larger frames are refused before they are decoded: no broadcast has them, a decompression bomb does."""

MAX_SCANS = 100
"""JPEGs with more scans are refused: each costs as much as the whole picture, in a few bytes of the file."""

_JPEG = b"\xff\xd8\xff"
_START_OF_SCAN = b"\xff\xda"
_OTHER_KINDS = {b"\x89PNG": "PNG", b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"RIFF": "WebP"}
_COLOURS = {"L": "greyscale", "CMYK": "CMYK"}


class UnreadableFrameError(ValueError):
    """A frame that cannot be decoded; the message is the reason."""


class Frame(NamedTuple):
    """A decoded frame, and what is odd about its file; empty when nothing is."""

    picture: Picture
    note: str


def read_frame(path: Path) -> Frame:
    """Decode a JPEG frame.

    Parameters
    ----------
    path
        The file. That it is not there, or that the disk fails, is an error of the job (`OSError`), not of
        the frame.

    Returns
    -------
    Frame
        The picture as RGB, whatever the file's colours are. As in face_recognition it is not turned where
        EXIF asks for it. Either is noted.

    Raises
    ------
    UnreadableFrameError
        When the file is empty or no JPEG; is cut off, or so corrupt that libjpeg gives it up; has more than 8
        bits a colour, more than `MAX_PIXELS` pixels or more than `MAX_SCANS` scans. The last two are found
        without decoding, so that no file takes much memory or time.
    """
    content = path.read_bytes()
    if not content.startswith(_JPEG):
        raise UnreadableFrameError(_other_kind(content))
    try:
        # Not Image.open: it tries other kinds, and its message does not tell what is wrong with a JPEG.
        with JpegImageFile(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableFrameError(
                    f"{image.width}x{image.height} pixels; at most {MAX_PIXELS} pixels are allowed"
                )
            scans = content.count(_START_OF_SCAN)
            if scans > MAX_SCANS:
                raise UnreadableFrameError(f"{scans} scans; at most {MAX_SCANS} are allowed")
            image.load()
            return Frame(np.asarray(image.convert("RGB")), _note(image))
    except (UnreadableFrameError, MemoryError):
        raise
    except Exception as error:  # the file may hold anything, and Pillow's parsers fail in many ways
        raise UnreadableFrameError(shortened(f"broken JPEG: {error}", 200)) from error


def _other_kind(content: bytes) -> str:
    if not content:
        return "an empty file, not a JPEG picture"
    kind = _OTHER_KINDS.get(content[:4])
    return f"a {kind}, not a JPEG picture" if kind else "not a JPEG picture"


def _note(image: JpegImageFile) -> str:
    notes = [_COLOURS[image.mode]] if image.mode in _COLOURS else []
    orientation = _orientation(image)
    if orientation in range(2, 9):
        notes.append(f"EXIF orientation {orientation} not applied")
    return ", ".join(notes)


def _orientation(image: JpegImageFile) -> object:
    """Tell what EXIF says of the orientation; 1 is upright."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) if "exif" in image.info else 1
    except Exception:  # broken EXIF, which fails in many ways, says nothing about the picture
        return 1


def phash(picture: Picture) -> int:
    """Take the perceptual hash of a picture; near-identical pictures differ in few bits.

    Parameters
    ----------
    picture
        Shape (height, width, 3), uint8, RGB.

    Returns
    -------
    int
        64 bits: for each of the 8×8 lowest frequencies of the cosine transform of the 32×32 greyscale
        picture, whether it is above their median.

    Notes
    -----
    The picture is first made smaller by the mean of whole blocks, which takes a third of the time of a plain
    Lanczos resize and changes 2 of 64 bits in about one frame of six.

    References
    ----------
    C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1.
    """
    grey = Image.fromarray(picture).convert("L")
    small = grey.resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=2.0)
    low = dctn(np.asarray(small, dtype=np.float64), norm="ortho")[:8, :8]
    bits = (low > np.median(low)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def sharpness(chip: NDArray[np.uint8]) -> float:
    """Measure the sharpness of an aligned face chip: the variance of its Laplacian.

    Parameters
    ----------
    chip
        Shape (size, size, 3), uint8, RGB.

    Returns
    -------
    float
        Larger is sharper; blurred faces lie below about 30.

    References
    ----------
    J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative study",
    ICPR 2000.
    """
    grey = np.asarray(Image.fromarray(chip).convert("L"), dtype=np.float64)
    return float(laplace(grey, mode="nearest").var())
