"""Text on the screen: lines are found, read by the program that is there, and given from above."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from castgraph.visual.embedder import EmbedderError
from castgraph.visual.ocr import reader

PICTURE = np.zeros((90, 160, 3), np.uint8)
CORNERS = np.array([[[10, 60], [90, 60], [90, 70], [10, 70]], [[-3, 5], [50, 4.2], [50, 15], [0, 15]]])

TESSERACT = """#!{python}
import sys
if "--list-langs" in sys.argv:
    print("List of available languages (2):\\neng\\nrus")
    sys.exit()
assert sys.argv[2:] == ["stdout", "-l", "eng+rus", "--psm", "7", "tsv"], sys.argv
names = open(sys.argv[1]).read().split()
print("level\\tpage_num\\tconf\\ttext")
from PIL import Image
for page, name in enumerate(names, 1):
    with Image.open(name) as line:
        print(f"5\\t{{page}}\\t96.1\\t\\"{{line.height}}")
    print(f"5\\t{{page}}\\t12.5\\tnoise")
    print(f"5\\t{{page}}\\t80\\t{{page}}")
"""


@pytest.fixture
def found(monkeypatch) -> dict[str, Any]:
    """What the package finds, which stands for RapidOCR's networks."""
    known: dict[str, Any] = {"boxes": CORNERS, "txts": ("below", " =above\x1b[1m "), "asked": []}

    class Engine:
        def __init__(self, params: dict[str, Any]) -> None:
            known["params"] = params

        def __call__(self, image: np.ndarray, **steps: bool) -> SimpleNamespace:
            known["asked"].append((image.shape, steps["use_rec"]))
            return SimpleNamespace(boxes=known["boxes"], txts=known["txts"])

    monkeypatch.setitem(sys.modules, "rapidocr", SimpleNamespace(RapidOCR=Engine))
    return known


@pytest.fixture
def programs(tmp_path: Path, monkeypatch) -> Path:
    """The only folder with programs; it is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_latin_needs_no_tesseract(found, programs) -> None:
    lines = reader(["eng"])(PICTURE)
    assert [line.box for line in lines] == [(4, 50, 15, 0), (60, 90, 70, 10)]
    assert [line.text for line in lines][1] == "below"
    assert "\x1b" not in lines[0].text
    assert found["asked"] == [(PICTURE.shape, True)]
    found["boxes"] = found["txts"] = None
    assert reader(["eng"])(PICTURE) == []


def test_tesseract_reads_the_languages_that_are_named(found, programs) -> None:
    script = programs / "tesseract"
    script.write_text(TESSERACT.format(python=sys.executable))
    script.chmod(0o755)
    lines = reader(["eng", "rus"])(PICTURE)
    # The largest is read first; what is not sure is left out; a quote is a sign like others.
    assert [(line.text, line.box[0]) for line in lines] == [('"48 2', 4), ('"48 1', 60)]
    assert found["asked"] == [(PICTURE.shape, False)]
    with pytest.raises(EmbedderError, match="apt install tesseract-ocr-chi-sim"):
        reader(["eng", "chi_sim"])
    found["boxes"] = None
    assert reader(["eng", "rus"])(PICTURE) == []
    script.write_text(
        f"#!{sys.executable}\nimport sys\nprint('eng')\nsys.exit('--list-langs' not in sys.argv)\n"
    )
    found["boxes"] = CORNERS
    with pytest.raises(EmbedderError, match="tesseract fails"):
        reader(["eng"])(PICTURE)


def test_what_is_not_there_is_told_with_how_to_get_it(found, programs, monkeypatch) -> None:
    assert os.environ["PATH"] == str(programs)
    with pytest.raises(
        EmbedderError, match=r"rus need tesseract.*apt install tesseract-ocr-eng tesseract-ocr-rus"
    ):
        reader(["eng", "rus"])
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(EmbedderError, match="uv sync --extra ocr"):
        reader(["eng"])
