"""Frames and an engine for the tests of faces."""

from pathlib import Path

import face_recognition  # noqa: F401
import pytest
from PIL import ImageFile

from castgraph.archive import Manifest, unzip
from castgraph.faces.engine import Engine, load_engine

# face_recognition makes Pillow pass over truncated files in the whole process; castgraph does not use it.
ImageFile.LOAD_TRUNCATED_IMAGES = False

ID = "DEMO1_20240102_190000_Evening_Review"


@pytest.fixture(scope="session")
def engine() -> Engine:
    return load_engine("reference", "hog", 1)


@pytest.fixture(scope="session")
def frames(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path]:
    """The unzipped frames of one demo broadcast."""
    folder = tmp_path_factory.mktemp("frames")
    return unzip(demo / f"{ID}.zip", ID, folder), folder
