"""What all tests share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def demo(root: Path) -> Path:
    """The demo broadcasts (synthetic people)."""
    return root / "resources" / "demo"
