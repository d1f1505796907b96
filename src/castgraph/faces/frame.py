"""Reading one frame, and what is measured on pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from castgraph.archive.media import jpeg
from castgraph.archive.media.zips import DEFAULT_LIMITS

Picture = NDArray[np.uint8]
"""A decoded frame of shape (height, width, 3), RGB."""

MAX_PIXELS = 4096 * 2160
"""Larger frames are made smaller: no broadcast has them, photographs do, and the engine needs memory."""

_OTHER_KINDS = {b"\x89PNG": "PNG", b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"RIFF": "WebP"}
_COLOURS = {"L": "greyscale", "CMYK": "CMYK"}


class UnreadableFrameError(ValueError):
    """A frame that cannot be decoded; the message is the reason."""


class Frame(NamedTuple):
    """A decoded frame.

    Attributes
    ----------
    picture
        The picture, of at most `MAX_PIXELS` pixels.
    width, height
        The size of the frame: that of the picture, or larger.
    note
        What is odd about the file, parts of it with `NOTES_JOIN` between them; empty when nothing is.
    """

    picture: Picture
    width: int
    height: int
    note: str


NOTES_JOIN = ", "
"""What is between the parts of a note, by which they are counted."""


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
        The picture as RGB, whatever the file's colours are, and made smaller where it is larger than
        `MAX_PIXELS`. As in face_recognition it is not turned where EXIF asks for it. Each is noted.

    Raises
    ------
    UnreadableFrameError
        When the file is empty or no JPEG; is cut off, or so corrupt that libjpeg gives it up; has more than 8
        bits a colour, more pixels than `castgraph.archive.Limits` allows, or more scans or coefficients than
        `castgraph.archive.media.jpeg` does. The last three are found without decoding, so that no file takes
        much memory or time.
    """
    return decode(path.read_bytes())


def decode(content: bytes) -> Frame:
    """Decode a JPEG frame, as `read_frame` does, from what its file holds."""
    if not content.startswith(jpeg.START):
        raise UnreadableFrameError(_other_kind(content))
    try:
        with jpeg.opened(content, DEFAULT_LIMITS.max_picture_pixels) as image:
            width, height = image.size
            jpeg.check_coefficients(image, content)
            picture = np.asarray(_smaller(image).convert("RGB"))
            return Frame(
                picture, width, height, _note(image, is_smaller=picture.shape[:2] != (height, width))
            )
    except jpeg.PictureError as error:
        raise UnreadableFrameError(str(error)) from error


def _smaller(image: JpegImageFile) -> Image.Image:
    """Make a picture of more than `MAX_PIXELS` pixels smaller; others stay as they are."""
    share = MAX_PIXELS / (image.width * image.height)
    if share >= 1:
        return image
    size = (max(1, int(image.width * math.sqrt(share))), max(1, int(image.height * math.sqrt(share))))
    # libjpeg leaves out what is not needed of a half or quarter, which saves memory and time.
    image.draft(None, size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _other_kind(content: bytes) -> str:
    if not content:
        return "an empty file, not a JPEG picture"
    kind = _OTHER_KINDS.get(content[:4])
    return f"a {kind}, not a JPEG picture" if kind else "not a JPEG picture"


def _note(image: JpegImageFile, *, is_smaller: bool) -> str:
    notes = [_COLOURS[image.mode]] if image.mode in _COLOURS else []
    orientation = jpeg.orientation(image)
    if orientation in range(2, 9):
        notes.append(f"EXIF orientation {orientation} not applied")
    if is_smaller:
        notes.append("made smaller to look for faces")
    return NOTES_JOIN.join(notes)


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
    from scipy.fft import dctn  # SciPy takes longer to load than all else that imports this

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
    grey = np.pad(np.asarray(Image.fromarray(chip).convert("L"), dtype=np.int16), 1, mode="edge")
    beside = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((beside - 4 * grey[1:-1, 1:-1]).var(dtype=np.float64))
