"""The sheet on which a sample is judged, in a real browser: a headless Chromium, where there is one."""

import csv
import html
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from tests.judged import CLUSTERING, made_up

from castgraph.pages.accuracy import SHEET, write_sheet
from castgraph.run.accuracy.answers import ANSWERS, read_answers, read_sample
from castgraph.run.accuracy.draw import draw
from castgraph.run.accuracy.population import read_population
from castgraph.run.accuracy.questions import KINDS

# Answers some questions, saves, and writes into the title what would have been downloaded.
FILLING = """<script>
addEventListener("load", () => {
  let saved;
  URL.createObjectURL = (blob) => { saved = blob; return "#"; };
  HTMLAnchorElement.prototype.click = function () { this.remove(); };
  const missed = document.querySelector('[data-question="frame-01-missed"] input');
  missed.value = "2";
  missed.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector('[data-question="pair-01"] [value="no"]').click();
  document.querySelector('[data-question="noise-01"] [value="x"]').click();
  document.getElementById("save").click();
  saved.text().then((text) => { document.title = JSON.stringify(text); });
});
</script>"""

MEASURE = """<script>
addEventListener("load", () => {
  const shown = (selector) => getComputedStyle(document.querySelector(selector)).display !== "none";
  document.title = JSON.stringify([
    document.documentElement.scrollWidth <= innerWidth,
    [...document.images].every((image) => image.naturalWidth > 0),
    shown(".answers"), shown(".bar"), shown(".by-hand"),
    document.getElementById("state").textContent,
    performance.getEntriesByType("resource").length,
  ]);
});
</script>"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sample."""
    folder = tmp_path_factory.mktemp("sheet")
    made_up(folder, n_frames=20, n_broadcasts=2)
    run = folder / "results" / "made-up"
    sample = draw(read_population(run, CLUSTERING), dict.fromkeys(KINDS, 3), seed=1)
    write_sheet(folder / "sample", run, sample)
    return folder / "sample"


def changed(page: Path, copy: Path, script: str, *, own: bool = True) -> Path:
    """Write a copy of a page with a script in the place of its policy, and without its own if so wanted."""
    text, n = re.subn(r"<meta http-equiv[^>]*>", lambda _: script, page.read_text(encoding="utf-8"))
    assert n == 1
    if not own:
        text, n = re.subn(r"(?s)<script>\(\(\) => \{.*?</script>", "", text)
        assert n == 1
    copy.write_text(text, encoding="utf-8")
    return copy


def title(printed: str) -> object:
    [found] = re.findall(r"<title>(.*?)</title>", printed, re.DOTALL)
    return json.loads(html.unescape(found))


def test_its_own_script_runs_under_its_own_policy(browse, sheet: Path, tmp_path: Path) -> None:
    printed = browse(sheet / SHEET, "--dump-dom")
    n_questions = printed.count("<fieldset")
    assert re.search(r'<html[^>]* class="on"', printed)
    assert f'role="status">0 of {n_questions} answered<' in printed
    browse(sheet / SHEET, "--window-size=1280,1400", f"--screenshot={tmp_path / 'page.png'}")
    with Image.open(tmp_path / "page.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    assert {(251, 249, 244), (255, 213, 74), (245, 220, 143)} <= colours  # the paper, a box, the button


@pytest.mark.parametrize("width", [500, 1280])  # a window of Chromium is not narrower
@pytest.mark.parametrize("own", [True, False], ids=["script", "no script"])
def test_it_fits_its_window_and_can_be_read_without_its_script(
    browse, sheet: Path, width: int, own: bool, tmp_path: Path
) -> None:
    page = changed(sheet / SHEET, tmp_path / "measured.html", MEASURE, own=own)
    fits, is_shown, answers, bar, by_hand, _, loaded = title(
        browse(page, f"--window-size={width},900", "--dump-dom")
    )
    assert (fits, is_shown, loaded) == (True, True, 0)
    assert (answers, bar, by_hand) == (own, own, not own)


def test_what_is_saved_is_what_the_score_reads_and_the_browser_keeps_it(
    browse, sheet: Path, tmp_path: Path
) -> None:
    page = changed(sheet / SHEET, tmp_path / "filled.html", FILLING)
    text = title(browse(page, "--virtual-time-budget=3000", "--dump-dom"))
    (tmp_path / "saved.csv").write_text(str(text), encoding="utf-8", newline="")
    facts = read_sample(sheet)
    answers = read_answers(tmp_path / "saved.csv", facts)
    given = {name: answer for name, answer in answers.items() if answer}
    assert given == {"frame-01-missed": "2", "pair-01": "no", "noise-01": "x"}
    with (sheet / ANSWERS).open(newline="") as file:
        asked = [row["question"] for row in csv.DictReader(file)]
    assert [row["question"] for row in csv.DictReader(io.StringIO(str(text)))] == asked
    again = title(browse(changed(sheet / SHEET, tmp_path / "again.html", MEASURE), "--dump-dom"))
    assert str(again[5]).startswith("3 of ")
