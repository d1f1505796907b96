"""The built scripts of the pages are those of their sources."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.node import installed

ROOT = Path(__file__).parents[3]
BUILT = ROOT / "src" / "castgraph" / "pages" / "web"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources beside the installed packages."""
    folder = tmp_path / "web"
    shutil.copytree(ROOT / "web", folder, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(installed(ROOT / "web") / "node_modules", folder / "node_modules", copy_function=os.link)
    return folder


def build(sources: Path, out: Path) -> dict[str, bytes]:
    out.mkdir()
    done = subprocess.run(
        ["node", "build.mjs", out], cwd=sources, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_the_built_scripts_are_up_to_date(sources: Path, tmp_path: Path) -> None:
    built = {path.name: path.read_bytes() for path in BUILT.iterdir()}
    assert build(sources, tmp_path / "out") == built, "make web builds them anew"


def test_a_changed_source_changes_the_script(sources: Path, tmp_path: Path) -> None:
    with (sources / "src" / "explorer" / "main.js").open("a", encoding="utf-8") as file:
        file.write('\nconsole.log("changed");\n')
    assert build(sources, tmp_path / "out")["explorer.js"] != (BUILT / "explorer.js").read_bytes()


def test_every_package_in_the_scripts_has_its_licence() -> None:
    told = (BUILT / "LICENSES.txt").read_text(encoding="utf-8")
    for name in ("sigma", "graphology", "minisearch"):
        assert f"\n{name} " in f"\n{told}", name
    heads = re.findall(r"^\S+ [\d.]+ \(MIT\)$", told, re.MULTILINE)
    assert len(heads) == told.count("\n" + "-" * 80 + "\n") + 1
