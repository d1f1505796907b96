"""The seam between the encode job and what finds and embeds faces: detect → align → embed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import EMBEDDING_SIZE
from castgraph.faces.detectors import DETECTORS, problems
from castgraph.faces.frame import Picture, sharpness


class Detection(NamedTuple):
    """Where a detector sees a face: dlib's rectangle, sides included; it may reach beyond the frame."""

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @property
    def shorter_side(self) -> int:
        """In pixels."""
        return min(self.right - self.left, self.bottom - self.top) + 1

    def trimmed(self, picture: Picture) -> Detection:
        """Trim the box to the picture, as face_recognition does before it looks for landmarks."""
        height, width = picture.shape[:2]
        return self._replace(
            left=max(self.left, 0),
            top=max(self.top, 0),
            right=min(self.right, width),
            bottom=min(self.bottom, height),
        )


class Aligned(NamedTuple):
    """The landmarks of a face and the chip that is cut out by them."""

    landmarks: NDArray[np.float32]  # (10,): x, y of the 5 points, pixels of the frame
    chip: NDArray[np.uint8]  # (side, side, 3), RGB; the side is 150 for dlib's embedder


class Face(NamedTuple):
    """One face of a frame; the box is in pixels of the frame and trimmed at its borders."""

    top: int
    right: int
    bottom: int
    left: int
    score: float
    sharpness: float  # variance of the Laplacian on the aligned chip
    landmarks: NDArray[np.float32]  # (10,): x, y of the 5 points
    embedding: NDArray[np.float32]  # (128,), or as many as the embedder gives


@dataclass(frozen=True, slots=True)
class Engine:
    """What finds and embeds faces.

    Parameters
    ----------
    models
        File name → SHA-256 of every model file that is used, for the provenance.
    detect
        Gives the faces of one picture.
    align
        Gives the landmarks of one face and its chip.
    embed
        Turns chips (n, side, side, 3) into embeddings (n, embedding_size), float32.
    embedding_size
        Numbers of an embedding.
    """

    models: Mapping[str, str]
    detect: Callable[[Picture], list[Detection]]
    align: Callable[[Picture, Detection], Aligned]
    embed: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    embedding_size: int = EMBEDDING_SIZE

    def encode(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        """Find and embed the faces of each picture, sorted by left, then top.

        The chips of all pictures go through the embedder together.
        """
        found = [
            sorted(
                ((box.trimmed(picture), self.align(picture, box)) for box in self.detect(picture)),
                key=lambda face: (face[0].left, face[0].top),
            )
            for picture in pictures
        ]
        chips = [aligned.chip for faces in found for _, aligned in faces]
        embeddings = iter(self.embed(np.stack(chips))) if chips else iter(())
        return [
            [
                Face(
                    top=box.top,
                    right=box.right,
                    bottom=box.bottom,
                    left=box.left,
                    score=box.score,
                    sharpness=sharpness(aligned.chip),
                    landmarks=aligned.landmarks,
                    embedding=next(embeddings),
                )
                for box, aligned in faces
            ]
            for faces in found
        ]


ENGINES: Mapping[str, str] = {
    "fast": "castgraph.faces.fast",
    "reference": "castgraph.faces.reference",
}
"""Engine name → module with a function ``load``; imported only when it is used."""


def load_engine(
    engine: str,
    detector: str,
    upsample: int,
    min_size_px: int = 0,
    score_threshold: float | None = None,
    embedder: Mapping[str, Any] | None = None,
    *,
    providers: Sequence[str] = ("CPUExecutionProvider",),
) -> Engine:
    """Load an engine with its models.

    Parameters
    ----------
    engine
        A name in `ENGINES`.
    detector
        A name in `castgraph.faces.detectors.DETECTORS`.
    upsample
        How many times the frame is doubled in size before detection; more finds smaller faces.
    min_size_px
        Faces whose box has a shorter side (before it is trimmed to the frame) are not looked for; pixels of
        the frame.
    score_threshold
        The least score of a face; None for the detector's own.
    embedder
        Another embedder than dlib's: the fields of `castgraph.faces.embedder.Embedder`.
    providers
        onnxruntime's execution providers, the first that can run a model is used; for the engine ``fast``.

    Returns
    -------
    Engine

    Raises
    ------
    ValueError
        When there is no such engine, detector or provider, or the engine cannot do what is asked.
    castgraph.base.models.ModelError
        When a model file is missing or altered, or is no embedder.
    """
    if engine not in ENGINES:
        raise ValueError(f"faces.engine: no engine {engine!r}; there are {', '.join(ENGINES)}")
    if detector not in DETECTORS:
        raise ValueError(f"faces.detector: no detector {detector!r}; there are {', '.join(DETECTORS)}")
    for key, problem in problems(engine, detector, score_threshold, embedder is not None):
        raise ValueError(f"faces.{key}: {problem}")
    if score_threshold is None:
        score_threshold = DETECTORS[detector].threshold
    load: Callable[..., Engine] = import_module(ENGINES[engine]).load
    return load(detector, upsample, min_size_px, score_threshold, embedder, providers)
