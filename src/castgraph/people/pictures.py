"""Pictures: decoding frames that nobody vouches for, cutting faces out of them, encoding them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from castgraph.archive.media import jpeg
from castgraph.archive.media.zips import DEFAULT_LIMITS
from castgraph.base.colours import BLANK, GREY

Box = tuple[int, int, int, int]
"""Top, right, bottom, left in pixels, the order of the face table."""

MARGIN = 0.35
"""What a portrait shows around the box on every side, as a share of the box's longer side."""

_RAISE = 0.08  # how far the square is moved up, as such a share: a box begins at the brows, hair wants room
_LARGE = 24_000_000  # pixels that are decoded at most, 96 MB
_TIMES = (8, 4, 2, 1)  # how many times smaller libjpeg can decode
_SMALL = 96  # pixels of a side of a picture that is small: a thumbnail of a contact sheet

PictureError = jpeg.PictureError


class Frame(NamedTuple):
    """A decoded frame.

    Attributes
    ----------
    image
        In RGB, perhaps smaller than the frame.
    width, height
        Of the frame, pixels.
    times
        How many times smaller the sides of the image are: 1, 2, 4 or 8.
    """

    image: Image.Image
    width: int
    height: int
    times: int


def decode_frame(
    data: bytes, wanted: Sequence[tuple[Box, int]] | None = None, *, width: int | None = None
) -> Frame:
    """Decode a frame, and nothing but a JPEG; smaller than it is where that is enough.

    Parameters
    ----------
    data
        The bytes of the file.
    wanted
        The faces that `cut_face` is to cut out of it, and the size of each; None for the whole frame. A
        large photograph is decoded smaller in any case.
    width
        How wide the whole frame has to be at least, in pixels; None for as wide as it is.

    Raises
    ------
    PictureError
        When no faces would have been looked for in the frame: it is no JPEG, is cut off or broken, or is
        larger than allowed, which is found without decoding.
    """
    with jpeg.opened(data, DEFAULT_LIMITS.max_picture_pixels) as image:
        whole, height = image.size
        jpeg.check_coefficients(image, data)
        times = 1
        if wanted is not None:
            times = _enough(whole, height, wanted)
        elif width is not None:
            times = next((times for times in _TIMES if whole >= times * width), 1)
        while whole * height >= _LARGE * times**2:
            times *= 2
        image.draft("RGB", (max(1, whole // times), max(1, height // times)))
        # A picture of few pixels is not made so small.
        times = max(1, round(whole / image.width))
        image.load()
        return Frame(image if image.mode == "RGB" else image.convert("RGB"), whole, height, times)


def _enough(width: int, height: int, wanted: Sequence[tuple[Box, int]]) -> int:
    """Tell how many times smaller a frame may be for its faces not to be enlarged more than they would be."""
    squares = ((crop_box(box, width, height), size) for box, size in wanted)
    most = min(((bottom - top) // size for (top, _, bottom, _), size in squares), default=1)
    return next((times for times in _TIMES if times <= most), 1)


def encode(image: Image.Image, quality: int) -> bytes:
    """Encode a picture as a JPEG without metadata, the same for the same pixels."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, exif=b"", comment=b"", icc_profile=None)
    return file.getvalue()


def crop_box(box: Box, width: int, height: int, margin: float = MARGIN) -> Box:
    """Choose the square of a frame that shows a face.

    Parameters
    ----------
    box
        Top, right, bottom, left of the face, pixels; parts of it may lie outside the frame.
    width, height
        Of the frame, pixels, at least 1.
    margin
        What is added on every side, as a share of the box's longer side.

    Returns
    -------
    tuple of int
        Top, right, bottom, left of a square around the box, a little raised to take in the hair. Where it
        would leave the frame it is shifted, and where the frame is too small for it it is shrunk to the
        frame's shorter side.
    """
    top, right, bottom, left = box
    longer = max(bottom - top, right - left)
    side = max(1, min(round(longer * (1 + 2 * margin)), width, height))
    square_top = min(max((top + bottom - side) // 2 - round(longer * _RAISE), 0), height - side)
    square_left = min(max((left + right - side) // 2, 0), width - side)
    return square_top, square_left + side, square_top + side, square_left


def cut_face(frame: Frame, box: Box, size: int) -> Image.Image:
    """Cut a face out of a decoded frame, as a square of `size` pixels.

    Parameters
    ----------
    frame
        What `decode_frame` gives.
    box
        Top, right, bottom, left of the face, pixels of the frame as it is in the file.
    size
        Pixels of a side.
    """
    top, right, bottom, left = crop_box(box, frame.width, frame.height)
    square = (
        left / frame.times,
        top / frame.times,
        min(right / frame.times, frame.image.width),
        min(bottom / frame.times, frame.image.height),
    )
    # At the size of a thumbnail nobody sees the difference, and there are fifty for each portrait.
    filter_ = Image.Resampling.LANCZOS if size > _SMALL else Image.Resampling.HAMMING
    return frame.image.resize((size, size), filter_, box=square)


def placeholder(size: int) -> Image.Image:
    """Draw the neutral picture that stands where a face cannot be shown."""
    image = Image.new("RGB", (size, size), BLANK)
    place = (size // 2, round(size * 0.54))
    ImageDraw.Draw(image).text(place, "no picture", GREY, font(size // 8), anchor="ms")
    return image


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Load the font of all captions; it comes with matplotlib, so it is the same on every machine."""
    spec = find_spec("matplotlib")  # importing it takes a second
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("matplotlib, which brings the font of the captions")
    fonts = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(fonts / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), max(1, size))
