"""The page of the scores in a real browser: a headless Chromium, where there is one."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from castgraph.base import tables
from castgraph.pages.sweep import draw
from castgraph.run.scores import score

# Written into the title, since the page itself runs nothing.
MEASURE = """<script>
addEventListener("load", () => {
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  document.title = JSON.stringify([
    document.documentElement.scrollWidth <= innerWidth,
    box("svg").width > 600 && box("svg").height > 300,
    box("table").width > 300,
    getComputedStyle(document.querySelector("tr.recommended")).backgroundColor,
    performance.getEntriesByType("resource").length,
  ]);
});
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small run of which eight clusterings exist."""
    people = np.repeat(np.arange(5), 40).astype(np.int32)
    rows = [
        {
            "broadcast": "NTV_20261001_030000",
            "frame": 1 + n % 40,
            "top": 50,
            "right": 120 * person + 100,
            "bottom": 150,
            "left": 120 * person,
            "set_aside": "",
        }
        for n, person in enumerate(people.tolist())
    ]
    labels = {f"eps-{0.3 + 0.02 * k:.2f}": people // (1 + k // 5) for k in range(8)}
    found = score(
        pa.Table.from_pylist(rows, schema=tables.MERGED_FACES),
        {name: {"algorithm": "dbscan", "eps": float(name[4:]), "min_samples": 5} for name in labels},
        labels.__getitem__,
    )
    folder = tmp_path_factory.mktemp("page")
    draw(found.sweep, found.changes, found.reason, folder / "sweep.html", folder / "sweep.png")
    return folder / "sweep.html"


@pytest.mark.parametrize("width", [500, 1280])  # a window of Chromium is not narrower
def test_the_page_fits_its_window_and_loads_nothing(browse, page: Path, width: int, tmp_path: Path) -> None:
    copy = tmp_path / "measured.html"
    text = re.sub(r"<meta http-equiv[^>]*>", MEASURE, page.read_text(encoding="utf-8"))
    assert MEASURE in text
    copy.write_text(text, encoding="utf-8")
    printed = browse(copy, f"--window-size={width},900", "--dump-dom")
    assert '<title>[true,true,true,"rgb(245, 220, 143)",0]</title>' in printed


def test_the_page_shows_charts_and_tables(browse, page: Path, tmp_path: Path) -> None:
    printed = browse(page, "--dump-dom")
    for text in ("Same-frame violations", "eps-0.34 is the middle of", "Who merges and who splits", "beside"):
        assert text in printed
    browse(page, "--window-size=1280,1000", f"--screenshot={tmp_path / 'page.png'}")
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (1280, 1000)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    assert {(47, 102, 144), (245, 220, 143), (251, 249, 244)} <= colours  # a curve, the reason, the paper
