"""What all tests share."""

import os
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"

# Of two processes with two threads each on two cores most of the time went into waiting for each other.
# Before NumPy is imported; a job of Snakemake has the threads that its rule says.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# As castgraph itself does, which is imported later than ONNX Runtime here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# A test that needs fewer or more examples than others takes a share of these: settings().max_examples // 4.
settings.register_profile("dev", max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", settings.get_profile("dev"), max_examples=50, derandomize=True, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_xdist_auto_num_workers() -> int:
    """Take one process more than there are cores: some tests wait most of the time, as those on Slurm."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder, and those that need what lies outside the repository.

    The long ones come first (`make` hands out files in this order), so that the end is not one of them alone.
    """
    for item in items:
        folder, *_ = item.path.relative_to(TESTS).parts
        item.add_marker(folder)
        if {"sample", "cases"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("real")
    items.sort(key=lambda item: item.get_closest_marker("unit") is not None)


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


def outside(variable: str, folder: str, file: str) -> Path:
    """Give a folder outside the repository: the one that a variable names, else the one in ``../shared``.

    Where neither is there the tests are skipped, and say so.
    """
    found = Path(os.environ.get(variable) or ROOT.parent / "shared" / folder)
    if not (found / file).is_file():
        message = f"NOT TESTED ON REAL BROADCASTS: no {file} in {found} (set {variable})"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def sample() -> Path:
    """Broadcasts with real faces and truth tables."""
    return outside("CASTGRAPH_REAL_SAMPLE", "real", "ground_truth.csv")


@pytest.fixture(scope="session")
def cases() -> Path:
    """Cases of real television, a folder each, with what is true of them."""
    return outside("CASTGRAPH_CASES", "cases", "list.sh")
