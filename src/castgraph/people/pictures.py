"""Pictures: decoding frames that nobody vouches for, cutting faces out of them, encoding them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from wand.color import Color
from wand.drawing import Drawing
from wand.exceptions import WandException
from wand.image import Image
from wand.resource import limits

from castgraph.archive.media import jpeg
from castgraph.archive.media.zips import DEFAULT_LIMITS
from castgraph.base.colours import BLANK, GREY

Box = tuple[int, int, int, int]
"""Top, right, bottom, left in pixels, the order of the face table."""

MARGIN = 0.35
"""What a portrait shows around the box on every side, as a share of the box's longer side."""

_RAISE = 0.08  # how far the square is moved up, as such a share: a box begins at the brows, hair wants room

_LIMITS = {
    "width": 16_000,  # pixels
    "height": 16_000,
    "memory": 512 << 20,  # bytes for pixels; a frame needs 8 a pixel and the face cut out of it as well
    "map": 0,  # what does not fit is refused rather than put on disk
    "disk": 0,
    "thread": 1,  # the work is shared out among processes
}
_LARGE = 24_000_000  # pixels; ImageMagick as Debian sets it up has memory for 33 million
_START, _SCAN, _END = b"\xff\xd8\xff", b"\xff\xda", b"\xff\xd9"  # markers of a JPEG


class PictureError(ValueError):
    """A picture that cannot be decoded; the message is the reason."""


def limit_resources() -> None:
    """Lower what ImageMagick may use in this process, for all pictures from now on."""
    for name, value in _LIMITS.items():
        limits[name] = value


@contextmanager
def limited_resources() -> Iterator[None]:
    """Lower what ImageMagick may use in this process while the block runs."""
    before = {name: limits[name] for name in _LIMITS}
    limit_resources()
    try:
        yield
    finally:
        for name, value in before.items():
            limits[name] = value


def decode_frame(data: bytes) -> tuple[Image, int]:
    """Decode a frame, a large photograph smaller than it is.

    Returns
    -------
    wand.image.Image
        As of `decode`.
    int
        How many times smaller its sides are: 1, 2, 4 or 8.

    Raises
    ------
    PictureError
        As `decode`, and when no faces would have been looked for in the frame.
    """
    try:
        with jpeg.opened(data, DEFAULT_LIMITS.max_picture_pixels) as header:
            width, height = header.size
            jpeg.check_coefficients(header, data)
    except jpeg.PictureError as error:
        raise PictureError(str(error)) from error
    most = _LIMITS["width"]
    times = next(n for n in (1, 2, 4, 8) if width * height < _LARGE * n**2 and max(width, height) <= most * n)
    return decode(data, (width // times, height // times) if times > 1 else None), times


def decode(data: bytes, least_size: tuple[int, int] | None = None) -> Image:
    """Decode a JPEG, and nothing but a JPEG.

    Parameters
    ----------
    data
        The bytes of the file.
    least_size
        Width and height, both the same fraction of the picture's, for the picture to be made smaller by.

    Returns
    -------
    wand.image.Image
        In sRGB. Close it, or use it in a ``with`` statement.

    Raises
    ------
    PictureError
        When the file is no JPEG, is cut off or corrupt, or is larger than ImageMagick may hold.
    """
    # ImageMagick would find a coder by the content (SVG, MVG, PostScript …) if it were not told which.
    if not data.startswith(_START):
        raise PictureError("not a JPEG picture")
    if data.find(_END, data.rfind(_SCAN)) < 0:
        raise PictureError("the JPEG is cut off")
    with _wand_errors():
        image = Image()
        if least_size:
            image.options["jpeg:size"] = "{}x{}".format(*least_size)
        image.read(blob=data, format="jpeg")
        if image.width == 0 or image.height == 0:
            raise PictureError("unusable JPEG: no pixels")
        if image.colorspace != "srgb":
            image.transform_colorspace("srgb")
    return image


def encode(image: Image, quality: int) -> bytes:
    """Encode a picture as a JPEG without metadata, the same for the same pixels."""
    image.strip()
    image.format = "jpeg"
    image.compression_quality = quality
    data: bytes = image.make_blob()
    return data


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


def cut_face(frame: Image, box: Box, size: int) -> Image:
    """Cut a face out of a decoded frame, as a square of `size` pixels.

    Raises
    ------
    PictureError
        When the frame is so large that ImageMagick may not hold the face as well.
    """
    top, right, bottom, left = crop_box(box, frame.width, frame.height)
    with _wand_errors():
        face = frame[left:right, top:bottom]
        face.resize(size, size, filter="lanczos")
    return face


def placeholder(size: int) -> Image:
    """Draw the neutral picture that stands where a face cannot be shown."""
    image = Image(width=size, height=size, background=Color(BLANK))
    with Drawing() as draw:
        draw.font = font()
        draw.font_size = size / 8
        draw.fill_color = Color(GREY)
        draw.text_alignment = "center"
        draw.text(size // 2, round(size * 0.54), "no picture")
        draw(image)
    return image


@contextmanager
def _wand_errors() -> Iterator[None]:
    try:
        yield
    except WandException as error:
        raise PictureError(f"unusable JPEG: {error}") from error


def font(*, bold: bool = False) -> str:
    """Find the font of all captions; it comes with matplotlib, so it is the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)
