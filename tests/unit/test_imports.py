"""Modules import nothing heavy that they do not use."""

import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "onnxruntime", "onnx", "dlib", "_dlib_pybind11", "av", "igraph", "sklearn")
WITHOUT = (
    "castgraph.archive",
    "castgraph.archive.media.sources",
    "castgraph.ask.export",
    "castgraph.ask.find",
    "castgraph.ask.questions",
    "castgraph.base.tables",
    "castgraph.clustering",
    "castgraph.faces.merge",
    "castgraph.faces.times",
    "castgraph.network.cooccurrence",
    "castgraph.people.centre",
    "castgraph.people.database",
    "castgraph.people.table",
    "castgraph.run.accuracy.draw",
    "castgraph.run.accuracy.score",
    "castgraph.run.config",
    "castgraph.run.counted",
    "castgraph.run.names",
    "castgraph.run.scores",
    "castgraph.run.status",
    "castgraph.run.summary",
)
BLOCKED = """
import importlib, sys
heavy = set(sys.argv[2].split(","))
class Blocked:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in heavy:
            raise ImportError(f"{name} is not installed")
sys.meta_path.insert(0, Blocked())
importlib.import_module(sys.argv[1])
"""


def imported(module: str, *heavy: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, module, ",".join(heavy)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("module", WITHOUT)
def test_a_module_is_imported_without_what_it_does_not_use(module: str) -> None:
    done = imported(module, *HEAVY)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["castgraph.archive", "castgraph.run.config", "castgraph.run.names"])
def test_planning_and_every_job_import_little(module: str) -> None:
    done = imported(module, *HEAVY, "httpx", "numpy", "pyarrow", "duckdb")
    assert done.returncode == 0, done.stderr


def test_what_is_blocked_is_missed() -> None:
    assert "ImportError: sklearn" in imported("castgraph.people.suggest", "sklearn").stderr


def test_the_package_of_the_archive_gives_all_its_names() -> None:
    code = "import castgraph.archive as a; print(*(getattr(a, name) is None for name in a.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert set(done.stdout.split()) == {"False"}, done.stderr


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import castgraph.archive

    with pytest.raises(AttributeError, match=r"module 'castgraph\.archive' has no attribute 'nothing'"):
        castgraph.archive.nothing  # noqa: B018
