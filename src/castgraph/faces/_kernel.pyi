"""The native HOG kernel; see kernel/hog.hpp. It may not be there: see castgraph.faces.hog."""

from collections.abc import Sequence

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

def kernels() -> list[str]: ...
def resize(picture: NDArray[np.uint8], height: int, width: int, kernel: str = "") -> NDArray[np.uint8]: ...
