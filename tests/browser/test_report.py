"""The run in one page, in a real browser: a headless Chromium, where there is one."""

import re
from pathlib import Path

import pytest
from PIL import Image
from tests.finished import ENCODER, ORIGIN, configured, finish, measured, names

from castgraph.pages.report import write_report

# Told to the page around it, since the page itself runs nothing.
MEASURE = """<script>
addEventListener("load", () => parent.postMessage(JSON.stringify([
  innerWidth,
  document.documentElement.scrollWidth <= innerWidth,
  [...document.images].every((image) => image.naturalWidth > 0),
  document.querySelector(".plot svg").getBoundingClientRect().height > 100,
  getComputedStyle(document.querySelector(".callout")).backgroundColor,
  performance.getEntriesByType("resource").length,
]), "*"));
</script>"""

# A window of Chromium is not as narrow as a phone; a frame in it is.
AROUND = """<script>addEventListener("message", (event) => { document.title = event.data; });</script>
<iframe src="measured.html" width="360" height="900"></iframe>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run that is made up, with names and reasons that hardly fit."""
    results = tmp_path_factory.mktemp("report") / "results"
    config = configured(0.4, 0.42)
    long = "a_very_long_name_without_a_space_" * 4
    inventories = (
        f"station,day,status,n_shows,n_refused,reason,archive\nNTV,2026-10-01,damaged,0,1,{long},x\n"
    )
    finish(
        results / "made-up",
        config,
        statuses=["ok", "partial", "missing", "damaged", "empty", "unreachable"],
        reason=f"<script>alert(1)</script> {long}",
        name=f"Person {{}} {long}",
        inventories=inventories,
    )
    encoded = results / "benchmarks" / "encode" / ENCODER / ORIGIN
    measured(encoded / "1TV_20261001_030000.tsv", 1_790_000_000, 3600, 3500)
    measured(encoded / "NTV_20261001_040000.tsv", 1_790_090_000, 3600, 3500)
    write_report(results / "made-up" / "report.html", names(config), config)
    return results / "made-up" / "report.html"


@pytest.mark.parametrize(
    ("dark", "accent"), [(False, "rgb(245, 220, 143)"), (True, "rgb(84, 71, 27)")], ids=["light", "dark"]
)
def test_the_page_fits_a_phone_and_loads_nothing(
    browse, page: Path, dark: bool, accent: str, tmp_path
) -> None:
    text = re.sub(r"<meta http-equiv[^>]*>", MEASURE, page.read_text(encoding="utf-8"))
    assert MEASURE in text
    # Opened, so that what is in them has to fit, too.
    (tmp_path / "measured.html").write_text(text.replace("<details>", "<details open>"), encoding="utf-8")
    around = tmp_path / "around.html"
    around.write_text(AROUND, encoding="utf-8")
    scheme = ["--blink-settings=preferredColorScheme=0"] * dark
    printed = browse(around, "--virtual-time-budget=3000", "--dump-dom", *scheme)
    assert f'<title>[360,true,true,true,"{accent}",0]</title>' in printed


def test_the_page_is_drawn_under_its_own_policy(browse, page: Path, tmp_path: Path) -> None:
    browse(page, "--window-size=1280,1400", f"--screenshot={tmp_path / 'page.png'}")
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (1280, 1400)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    assert {
        (251, 249, 244),
        (88, 129, 87),
        (125, 91, 166),
    } <= colours  # the paper, what is ok, what is missing
