"""Modules import nothing heavy that they do not use."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HEAVY = (
    *("matplotlib", "onnxruntime", "onnx", "dlib", "_dlib_pybind11", "av", "igraph", "sklearn"),
    *("scipy", "httpx"),
)
WITHOUT = (
    "castgraph.archive",
    "castgraph.archive.links",
    "castgraph.archive.listing.inventory",
    "castgraph.archive.media.sources",
    "castgraph.base.tables",
    "castgraph.clustering",
    "castgraph.faces.encode",
    "castgraph.faces.engine",
    "castgraph.faces.merge",
    "castgraph.faces.times",
    "castgraph.labelling.dips",
    "castgraph.labelling.outside",
    "castgraph.labelling.published",
    "castgraph.network.cooccurrence",
    "castgraph.network.export",
    "castgraph.network.graph",
    "castgraph.network.holds",
    "castgraph.network.replays",
    "castgraph.network.variants",
    "castgraph.pages.published",
    "castgraph.pages.report",
    "castgraph.people.centre",
    "castgraph.people.database",
    "castgraph.people.gallery",
    "castgraph.people.portraits",
    "castgraph.people.record",
    "castgraph.people.sightings",
    "castgraph.people.suggest",
    "castgraph.people.table",
    "castgraph.run.accuracy.draw",
    "castgraph.run.accuracy.score",
    "castgraph.run.clusterings",
    "castgraph.run.config",
    "castgraph.run.constraints",
    "castgraph.run.counted",
    "castgraph.run.names",
    "castgraph.run.plan",
    "castgraph.run.progress",
    "castgraph.run.scores",
    "castgraph.run.status",
    "castgraph.run.summary",
    "castgraph.transcripts.utterances",
)
# These ask by SQL.
ASK = ("castgraph.ask.export", "castgraph.ask.find", "castgraph.ask.questions")
# What Snakemake imports in order to plan, and what most jobs import.
LEAST = ("castgraph.archive", "castgraph.archive.links", "castgraph.run.config", "castgraph.run.frames")
IMPORT = """
import importlib, sys
heavy = set(sys.argv[1].split(","))
class Blocked:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in heavy:
            raise ImportError(f"{name} is not installed")
sys.meta_path.insert(0, Blocked())
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error, sep=": ")
"""


def missed(modules: Sequence[str], heavy: Sequence[str]) -> str:
    """Tell what modules cannot do without."""
    command = [sys.executable, "-c", IMPORT, ",".join(heavy), *modules]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_modules_are_imported_without_what_they_do_not_use() -> None:
    assert missed(WITHOUT, (*HEAVY, "duckdb")) == ""
    assert missed(ASK, HEAVY) == ""


def test_planning_and_every_job_import_little() -> None:
    assert missed(LEAST, (*HEAVY, "duckdb", "numpy", "pyarrow", "PIL", "networkx")) == ""


def test_onnx_runtime_keeps_and_sends_nothing_of_its_own(tmp_path: Path) -> None:
    """It would as soon as it is imported."""
    code = "import importlib, os, sys; importlib.import_module(sys.argv[1]); import onnxruntime; "
    code += "print([*os.walk(os.path.expanduser('~'))][1:])"
    environment = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def said(first: str) -> str:
        home = tmp_path / first
        home.mkdir()
        command = [sys.executable, "-c", code, first]
        told = environment | {"HOME": str(home)}
        return subprocess.run(command, env=told, capture_output=True, text=True, check=True).stdout

    assert ".onnxruntime" in said("os")
    assert said("castgraph") == "[]\n"


def test_what_is_blocked_is_missed() -> None:
    assert "castgraph.pages.sweep: matplotlib is not installed" in missed(["castgraph.pages.sweep"], HEAVY)


def test_the_package_of_the_archive_gives_all_its_names() -> None:
    code = "import castgraph.archive as a; print(*(getattr(a, name) is None for name in a.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert set(done.stdout.split()) == {"False"}, done.stderr


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import castgraph.archive

    with pytest.raises(AttributeError, match=r"module 'castgraph\.archive' has no attribute 'nothing'"):
        castgraph.archive.nothing  # noqa: B018
