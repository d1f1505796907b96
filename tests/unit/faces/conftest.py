"""Frames and an engine for the tests of faces."""

from pathlib import Path
from types import ModuleType

import pytest
from PIL import ImageFile

from castgraph.archive import Manifest, unzip
from castgraph.faces.engine import Engine, load_engine

ID = "DEMO1_20240102_190000_Evening_Review"


@pytest.fixture(scope="session")
def face_recognition() -> ModuleType:
    """The package, which loads its models with its import."""
    import face_recognition

    # It makes Pillow pass over truncated files in the whole process; castgraph does not use it.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return face_recognition


@pytest.fixture(scope="session")
def engine() -> Engine:
    return load_engine("reference", "hog", 1)


@pytest.fixture(scope="session")
def frames(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path]:
    """The unzipped frames of one demo broadcast."""
    folder = tmp_path_factory.mktemp("frames")
    return unzip(demo / f"{ID}.zip", ID, folder), folder
