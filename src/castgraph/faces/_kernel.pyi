"""The native kernels; see kernel/*.hpp. They may not be there: see castgraph.faces.native."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

class Detector:
    """dlib's object detector over FHOG pyramids."""

    def __init__(
        self,
        detector: NDArray[np.int32],
        plane: NDArray[np.int32],
        row: NDArray[np.float32],
        column: NDArray[np.float32],
        thresholds: Sequence[float],
        iou: float,
        covered: float,
        kernel: str = "",
    ) -> None: ...
    def detect(
        self, picture: NDArray[np.uint8], upsample: int, threshold: float, min_size: int
    ) -> list[tuple[int, int, int, int, float]]: ...

class Landmarks:
    """dlib's landmarks; `file` is what its shape_predictor wrote."""

    def __init__(self, file: bytes) -> None: ...
    def find(
        self, picture: NDArray[np.uint8], left: int, top: int, right: int, bottom: int
    ) -> list[tuple[int, int]]: ...

_Layer = tuple[NDArray[np.float32], NDArray[np.float32], int]

class Embedder:
    """dlib's face recognition network."""

    def __init__(
        self,
        side: int,
        stem: _Layer,
        blocks: Sequence[tuple[_Layer, _Layer]],
        last: _Layer,
        kernel: str = "",
    ) -> None: ...
    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]: ...

class Network:
    """A network of depthwise convolutions and sparse matrices; steps are `castgraph.faces.steps.Step`."""

    def __init__(
        self, steps: Sequence[tuple[Any, ...]], images: int, outputs: int, kernel: str = ""
    ) -> None: ...
    def run(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]: ...

def kernels() -> list[str]: ...
def resize(picture: NDArray[np.uint8], height: int, width: int, kernel: str = "") -> NDArray[np.uint8]: ...
