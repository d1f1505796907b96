"""Made-up broadcasts, and an embedder of a few lines that tells their pictures apart."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from castgraph.base import tables
from castgraph.visual.embedder import Embedder, Seen, unit

COLOURS = {"red": (200, 30, 30), "green": (30, 190, 40), "blue": (30, 40, 210)}
SIDE = 96


def picture(kind: str, seed: int = 0, strength: float = 6.0) -> np.ndarray:
    """A scene: blocks that belong to the kind, and a little noise of its own."""
    blocks = np.random.default_rng(sum(map(ord, kind))).integers(-25, 26, (6, 6, 3))
    base = np.array(COLOURS.get(kind, (120, 120, 120))) + np.kron(blocks, np.ones((16, 16, 1)))
    noise = np.random.default_rng(seed).normal(0, strength, (12, 12, 3))
    return np.clip(base + np.kron(noise, np.ones((8, 8, 1))), 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray, quality: int = 92) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write_zip(folder: Path, broadcast: str, frames: Sequence[bytes]) -> Path:
    path = folder / f"{broadcast}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in enumerate(frames, 1):
            archive.writestr(f"{broadcast}/{broadcast}-{number:06d}.jpg", content)
    return path


def seen(pictures: Sequence[np.ndarray]) -> Seen:
    """A vector of 48 numbers, and the colour that is strongest as the label; grey is far from all colours."""
    small = [np.asarray(Image.fromarray(each).resize((4, 4), Image.Resampling.BOX)) for each in pictures]
    rows = np.stack(small).reshape(len(small), -1).astype(np.float64)
    is_grey = np.array([np.ptp(each.mean(axis=(0, 1))) < 40 for each in small])
    rows[is_grey, ::2] *= -1
    names = [list(COLOURS)[int(each.mean(axis=(0, 1)).argmax())] for each in small]
    return Seen(unit(rows, "made"), [[(name, 0.75)] for name in names])


MADE = Embedder("made", 48, seen, None, {"made": "1"})


def frame_table(path: Path, frames: dict[str, int]) -> Path:
    empty = dict.fromkeys(("width", "height", "n_faces", "phash"), 0)
    start = datetime(2024, 1, 2, 19, tzinfo=UTC)
    rows = [
        {"broadcast": name, "frame": n, "time": start + timedelta(seconds=4 * n), "status": "ok"}
        | {"reason": "", **empty, "n_faces": n % 3}
        for name in sorted(frames)
        for n in range(1, frames[name] + 1)
    ]
    tables.write(path, pa.Table.from_pylist(rows, tables.MERGED_FRAMES), {})
    return path
