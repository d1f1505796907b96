"""Reading one frame, and what is measured on pictures."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy.fft import dctn
from scipy.ndimage import laplace

from castgraph.faces.engine import Picture

MAX_PIXELS = 4096 * 4096
"""Larger frames are refused before they are decoded: no broadcast has them, a decompression bomb does."""


class UnreadableFrameError(ValueError):
    """A frame that cannot be decoded; the message is the reason."""


def read_frame(path: Path) -> Picture:
    """Decode a JPEG frame.

    Parameters
    ----------
    path
        The file. That it is not there is an error of the job (`FileNotFoundError`), not of the frame.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8, RGB

    Raises
    ------
    UnreadableFrameError
        When the file is no JPEG, is cut off or corrupt, or has more than `MAX_PIXELS` pixels.
    """
    with path.open("rb") as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is stricter
                image = Image.open(file, formats=["JPEG"])
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableFrameError(
                    f"{image.width}x{image.height} pixels; at most {MAX_PIXELS} pixels are allowed"
                )
            return np.asarray(image.convert("RGB"))
        except UnreadableFrameError:
            raise
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            # Pillow's own text for a file of another kind names a file object: say what is meant.
            known = isinstance(error, UnidentifiedImageError)
            raise UnreadableFrameError("not a JPEG picture" if known else f"broken JPEG: {error}") from error


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

    References
    ----------
    C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1.
    """
    small = Image.fromarray(picture).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
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
