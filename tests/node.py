"""Packages of node, for tests."""

import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent


def installed(folder: Path) -> Path:
    """Install what the lock file of a folder says, once for all tests; gives a copy that has it.

    Where node or the packages cannot be had, the test is skipped.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        _skip(f"node and npm are not here, which {folder.name} needs")
    place = ROOT / "build" / folder.name
    lock = (folder / "package-lock.json").read_bytes()
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        shutil.copytree(folder, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        whole = place / "node_modules" / ".castgraph"  # written last
        if not whole.is_file() or whole.read_bytes() != lock:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            if done.returncode:
                _skip(f"npm could not install what {folder.name} needs: {done.stderr[-300:]}")
            whole.write_bytes(lock)
    return place


def _skip(reason: str) -> None:
    message = f"NOT CHECKED: {reason}"
    warnings.warn(message, stacklevel=3)
    pytest.skip(message)
