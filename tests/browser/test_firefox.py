"""The explorer in Firefox: without WebGL, and in a window that has it."""

import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT
from tests.explored import Explorer
from tests.mapped import make_map, many
from tests.node import installed

FIREFOX = ("firefox-esr", "firefox")


def _needed(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = f"NOT TESTED IN FIREFOX: none of {', '.join(names)} is on the PATH"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen that nobody looks at."""
    server = _needed("Xvfb")
    read, write = os.pipe()
    command = [server, "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as running:
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()  # written when the server takes connections
        assert number, "Xvfb did not begin"
        yield f":{number}"
        running.terminate()


def shown(page: Path, *hashes: str, display: str = "") -> list[dict[str, Any]]:
    """Tell what Firefox shows at each address of a page."""
    firefox = _needed(*FIREFOX)
    script = installed(ROOT / "web") / "test" / "firefox.mjs"
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    if display:
        environment |= {"DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"}
    command = ["node", script, firefox, page.as_uri(), *hashes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_view_without_webgl(explorer: Explorer) -> None:
    ids, edges = explorer.tables["people"]["person_id"], explorer.tables["edges"]
    one, other = ids[edges["source"][0]], ids[edges["target"][0]]
    broadcast = explorer.tables["broadcasts"]["broadcast"][edges["broadcast"][0]]
    hashes = [
        *("#/network", "#/people", "#/matrix", "#/about"),
        *(f"#/person/{one}", f"#/pair/{one}/{other}"),
        *(f"#/broadcast/{broadcast}", f"#/timeline/{one},{one}+{other}?by=day"),
    ]
    found = shown(explorer.folder / "index.html", *hashes)
    assert [each["hash"] for each in found] == hashes
    assert [each for each in found if each["errors"] or not each["heading"]] == []
    assert found[0]["canvas"] == 0


def test_the_network_in_a_window(explorer: Explorer, display: str) -> None:
    [found] = shown(explorer.folder / "index.html", "#/network", display=display)
    assert found["errors"] == []
    assert found["canvas"] > 0


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of some pictures."""
    return make_map(tmp_path_factory.mktemp("mapped"), many(60, 4)).folder.with_suffix(".html")


def test_the_map_without_webgl(landscape: Path) -> None:
    found = shown(landscape, "#/tsne", "#/pca?as=images&colour=person&pick=nobody")
    assert [each for each in found if each["errors"] or each["canvas"]] == []
    assert {each["heading"] for each in found} == {"The visual landscape"}


def test_the_map_in_a_window(landscape: Path, display: str) -> None:
    found = shown(landscape, "#/tsne", "#/pca?as=images&pick=2", display=display)
    assert [each for each in found if each["errors"] or not each["canvas"]] == []
