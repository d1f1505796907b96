"""What all tests share."""

import os
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _model_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Converted models lie beside the other temporary files, one cache for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    os.environ["CASTGRAPH_CACHE"] = str(shared / "castgraph-cache")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def demo(root: Path) -> Path:
    """The demo broadcasts (synthetic people)."""
    return root / "resources" / "demo"


@pytest.fixture(scope="session")
def sample() -> Path:
    """Broadcasts with real faces and truth tables, outside the repository.

    They lie in the folder that CASTGRAPH_REAL_SAMPLE names, else in ``../shared/real``. Where neither is
    there the tests are skipped, and say so.
    """
    folder = Path(os.environ.get("CASTGRAPH_REAL_SAMPLE") or ROOT.parent / "shared" / "real")
    if not (folder / "ground_truth.csv").is_file():
        message = f"NOT TESTED ON REAL FACES: no ground_truth.csv in {folder} (set CASTGRAPH_REAL_SAMPLE)"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return folder
