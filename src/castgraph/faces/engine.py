"""The seam between the encode job and what finds and embeds faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""A decoded frame of shape (height, width, 3), RGB."""


class Face(NamedTuple):
    """One face of a frame; the box is in pixels of the frame and may be trimmed at its borders."""

    top: int
    right: int
    bottom: int
    left: int
    score: float
    sharpness: float  # variance of the Laplacian on the aligned chip
    landmarks: NDArray[np.float32]  # (10,): x, y of the 5 points
    embedding: NDArray[np.float32]  # (128,)


class Engine(Protocol):
    """What an engine offers."""

    @property
    def models(self) -> Mapping[str, str]:
        """File name → SHA-256 of every model that is used, for the provenance."""

    def encode(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        """Find and embed the faces of each picture, sorted by left, then top."""


ENGINES: Mapping[str, str] = {"reference": "castgraph.faces.reference"}
"""Engine name → module with a function ``load(detector, upsample)``; imported only when it is used."""


def load_engine(engine: str, detector: str, upsample: int) -> Engine:
    """Load an engine with its models.

    Parameters
    ----------
    engine
        A name in `ENGINES`.
    detector
        ``hog`` or ``cnn``.
    upsample
        How many times the frame is doubled in size before detection; more finds smaller faces.

    Returns
    -------
    Engine

    Raises
    ------
    ValueError
        When there is no such engine or detector.
    FileNotFoundError
        When a model file is not there.
    """
    if engine not in ENGINES:
        raise ValueError(f"faces.engine: no engine {engine!r}; there are {', '.join(ENGINES)}")
    load: Callable[[str, int], Engine] = import_module(ENGINES[engine]).load
    return load(detector, upsample)
