"""The examples in the docstrings run, and those who look for one find it."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest
from tests.conftest import ROOT

SRC = ROOT / "src"
WITH_EXAMPLES = [
    ".".join(path.relative_to(SRC).with_suffix("").parts)
    for path in sorted(SRC.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]

# What somebody who uses the library from Python begins with, by where it is imported from.
SHOWN = {
    "archive": ("Broadcast.parse", "frame_name"),
    "base.files": ("atomic",),
    "clustering": ("dbscan", "sweep", "ExactDBSCAN"),
    "faces.quality": ("set_aside",),
    "network.cooccurrence": ("cooccurrences",),
    "network.graph": ("pagerank", "communities", "layout"),
    "people.centre": ("centre", "best_face"),
    "run.accuracy.estimate": ("wilson", "proportion"),
}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    tests = [test for test in doctest.DocTestFinder().find(import_module(name)) if test.examples]
    assert tests
    for test in tests:
        runner.run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize(
    ("package", "name"), [(place, name) for place, names in SHOWN.items() for name in names]
)
def test_there_is_an_example(package: str, name: str) -> None:
    found = import_module(f"castgraph.{package}")
    for part in name.split("."):
        found = getattr(found, part)
    assert "\n    Examples\n" in found.__doc__ or "\n        Examples\n" in found.__doc__
