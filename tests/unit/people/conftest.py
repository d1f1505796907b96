"""Face tables and ZIPs for the tests of castgraph.people."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from castgraph.archive.broadcast import Broadcast, frame_name
from castgraph.base import tables


def _faces(rows: Sequence[dict[str, Any]]) -> pa.Table:
    filled = [
        {
            "top": 10,
            "right": 60,
            "bottom": 60,
            "left": 10,
            "score": 1.0,
            "sharpness": 50.0,
            "landmarks": [0.0] * 10,
            "set_aside": "",
            "face": number,
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(filled, schema=tables.MERGED_FACES)


@pytest.fixture(scope="session")
def make_faces() -> Callable[[Sequence[dict[str, Any]]], pa.Table]:
    """Make a face table of rows that say only what matters."""
    return _faces


def _write_faces(folder: Path, rows: Sequence[dict[str, Any]], embeddings: np.ndarray) -> Path:
    tables.write(folder / "faces.parquet", _faces(rows), {})
    np.save(folder / tables.EMBEDDINGS, embeddings)
    return folder / "faces.parquet"


@pytest.fixture(scope="session")
def write_faces() -> Callable[..., Path]:
    """Write a face table of such rows, and its embeddings, as the merge does; give the path of the table."""
    return _write_faces


def _on_air(faces: pa.Table, frame_seconds: float = 4) -> np.ndarray:
    starts = [Broadcast.parse(id_).start.replace(tzinfo=None) for id_ in faces["broadcast"].to_pylist()]
    elapsed = (faces["frame"].to_numpy() - 1) * frame_seconds * 1e6
    return np.array(starts, "datetime64[us]") + elapsed.astype("timedelta64[us]")


@pytest.fixture(scope="session")
def on_air() -> Callable[..., np.ndarray]:
    """Tell when faces were on air, of stills."""
    return _on_air


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    """Write the ZIP of a broadcast into tmp_path/zips, of the bytes of its frames."""

    def make(broadcast: str, frames: dict[int, bytes]) -> Path:
        path = tmp_path / "zips" / f"{broadcast}.zip"
        path.parent.mkdir(exist_ok=True)
        with ZipFile(path, "w") as archive:
            for frame, data in frames.items():
                archive.writestr(f"{broadcast}/{frame_name(broadcast, frame)}", data)
        return path

    return make


def _jpeg(image: Image.Image, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=95, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., bytes]:
    """Encode a Pillow picture as a JPEG."""
    return _jpeg


@pytest.fixture(scope="session")
def squares() -> bytes:
    """A frame of 320x180: blue, with a red square at 200-260 x 60-120 and a green one at 0-40 x 0-40."""
    image = Image.new("RGB", (320, 180), (20, 40, 200))
    image.paste((210, 30, 30), (200, 60, 260, 120))
    image.paste((30, 180, 40), (0, 0, 40, 40))
    return _jpeg(image)
