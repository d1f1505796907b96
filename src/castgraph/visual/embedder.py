"""The seam behind which embedders stand: pictures in, unit vectors and labels out; words in where it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.base.models import CPU

Picture = NDArray[np.uint8]
"""A decoded picture of shape (height, width, 3), RGB."""

Vectors = NDArray[np.float32]
"""Unit vectors, shape (n, size)."""

Labels = list[tuple[str, float]]
"""What a picture shows, and the score of each, the highest first."""

BATCH = 16
"""Pictures that go through a network together."""


class EmbedderError(RuntimeError):
    """An embedder that cannot be used, or not now; the message says why and what to do."""


class Seen(NamedTuple):
    """What an embedder makes of pictures.

    Attributes
    ----------
    vectors
        A unit vector each, shape (n, size).
    labels
        For each picture what it shows; an empty list where the embedder names nothing.
    """

    vectors: Vectors
    labels: list[Labels]


class Embedder(NamedTuple):
    """An embedder that is loaded.

    Attributes
    ----------
    name
        What its results are called in paths.
    size
        Numbers of a vector.
    pictures
        Embeds pictures of any size.
    words
        Embeds texts, as vectors to which those of fitting pictures are near; None where it knows no words.
    models
        What it is made of: names of files or models → checksums or versions.
    announce
        Is told how many pictures come, before the first of them; None where nobody has to know.
    """

    name: str
    size: int
    pictures: Callable[[Sequence[Picture]], Seen]
    words: Callable[[Sequence[str]], Vectors] | None
    models: Mapping[str, str]
    announce: Callable[[int], None] | None = None


def load(settings: Mapping[str, Any], providers: Sequence[str] = CPU) -> Embedder:
    """Load an embedder.

    Parameters
    ----------
    settings
        The section ``visual`` of the configuration, with its paths located.
    providers
        onnxruntime's execution providers, the preferred one first.

    Raises
    ------
    EmbedderError, castgraph.base.models.ModelError
        When something of it is not there or does not fit; the message says what to do.
    ValueError
        When onnxruntime does not offer a provider.
    """
    match settings["embedder"]:
        case "lite0":
            return _lite0(providers)
        case "clip":
            from castgraph.visual.clip import load_clip

            return load_clip(settings["model_path"], providers)
        case "vertex":
            from castgraph.visual.vertex import load_vertex

            return load_vertex(settings["vertex"])
        case "onnx":
            from castgraph.visual.own import load_own

            return load_own(settings["onnx"], providers)
    raise ValueError(f"no embedder {settings['embedder']!r}")


def unit(rows: NDArray[Any], told: str) -> Vectors:
    """Make vectors of unit length.

    Parameters
    ----------
    rows
        Shape (n, size).
    told
        What gave them, for the message.

    Raises
    ------
    EmbedderError
        When there is a vector of zeros, NaN or infinite numbers.
    """
    exact = np.asarray(rows, np.float64)
    length = np.linalg.norm(exact, axis=-1, keepdims=True)
    if exact.ndim != 2 or not (np.isfinite(length).all() and length.all()):
        raise EmbedderError(
            f"{told} gives NaN or infinite numbers, or nothing but zeros, for a picture or text"
        )
    return np.asarray(exact / length, np.float32)


def fitted(
    picture: Picture,
    side: int,
    *,
    crop: bool = False,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> NDArray[np.uint8]:
    """Bring a picture to a square.

    Parameters
    ----------
    picture
        Of any size.
    side
        Of the square, in pixels.
    crop
        Whether to take the middle, as it is, rather than to squeeze all of it into the square.
    resample
        How.

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
    """
    image = Image.fromarray(picture)
    box = None
    if crop:
        least = min(image.size)
        left, top = (image.width - least) / 2, (image.height - least) / 2
        box = (left, top, left + least, top + least)
    small = image.resize((side, side), resample, box=box, reducing_gap=2.0)
    return np.asarray(small)


def _lite0(providers: Sequence[str]) -> Embedder:
    from castgraph.base.models import check_providers, converted, session
    from castgraph.visual.lite0 import LITE0, NUMBERS, SIZE, labels_of

    check_providers(providers)
    network = session(converted(LITE0), providers)

    def pictures(given: Sequence[Picture]) -> Seen:
        vectors, labels = [np.empty((0, NUMBERS), np.float32)], []
        for start in range(0, len(given), BATCH):
            # The whole frame: what stands at its sides counts as what stands in the middle. The filter takes
            # two thirds of the time of a bicubic one; the vectors have a cosine of 0.998.
            part = given[start : start + BATCH]
            batch = np.stack([fitted(each, SIZE, resample=Image.Resampling.HAMMING) for each in part])
            embedding, scores = network.run(["embedding", "scores"], {"pictures": batch})
            vectors.append(unit(embedding, "lite0"))
            labels += labels_of(scores)
        return Seen(np.concatenate(vectors), labels)

    return Embedder("lite0", NUMBERS, pictures, None, {LITE0.name: LITE0.checksum})
