from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

def kernels() -> list[str]: ...
def scan(
    points: NDArray[np.float32] | NDArray[np.float64],
    order: NDArray[np.int32],
    starts: NDArray[np.int32],
    slots: NDArray[np.float32],
    scale: float,
    tiles: NDArray[np.int32],
    apart: NDArray[np.int32],
    squares: NDArray[np.float64],
    min_samples: int,
    core: NDArray[np.uint8],
    root: NDArray[np.int32],
    pairs: NDArray[np.int32],
    places: NDArray[np.uint8],
    threads: int,
    kernel: str,
    progress: Callable[[float], None] | None,
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]: ...
def nearest(
    rows: NDArray[np.float32],
    columns: NDArray[np.float32],
    slack: float,
    finer: NDArray[np.float32],
    finer_slack: float,
    unit: float,
    means: NDArray[np.float64],
    extra: NDArray[np.float64],
    scale: NDArray[np.float64],
    frames: NDArray[np.int32],
    begins: NDArray[np.int64],
    limit: float,
    share: float,
    order: NDArray[np.int32],
    n_sought: int,
    least: NDArray[np.float64],
    nearest: NDArray[np.int32],
    near: NDArray[np.uint8],
    threads: int,
    kernel: str,
) -> None: ...
