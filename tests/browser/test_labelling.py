"""The page of broadcasts that are not what their title says, in a real browser."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import HOSTILE
from tests.browser.test_explorer import axe, violations
from tests.browser.test_explorer_views import saved
from tests.suspected import NOT_JUDGED, judged, suspect, write_tables

from castgraph.base import tables
from castgraph.pages.labelling import write_labelling

Open = Callable[..., Page]
DAYS = 3484

__all__ = ["axe"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine years and a half of three stations, one off for five weeks, another with a hostile name."""
    folder = tmp_path_factory.mktemp("labelling")
    named = {"title": HOSTILE, "other_title": HOSTILE, "reason": HOSTILE}
    rows = [judged(n) for n in range(9)] + [suspect(9, run=0), suspect(12, run=1, **named)]
    rows += [judged(3, "Only_One", **NOT_JUDGED)]
    write_tables(
        folder / "labelling",
        rows,
        missing={"missing": "K7Q2", "missing_name": HOSTILE},
        stations=("ABC", "CBS", HOSTILE),
        days=DAYS,
        dips=[("CBS", 333, 368), (HOSTILE, 2100, 2112)],
    )
    write_labelling(folder / "labelling.html", folder / "labelling", of=f"decade {HOSTILE}")
    return folder / "labelling.html"


def span(tab: Page) -> str:
    return tab.locator(".timeline .span").first.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_opens_from_a_file_for_everyone(
    open_page: Open, page: Path, axe: str, width: int, scheme: str
) -> None:
    # As other pages, this one runs only its own script: axe is let in by leaving the policy out.
    tab = open_page(page, viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    expect(tab.locator(".timeline-svg path.line").first).to_be_visible()
    for each in tab.locator("summary").all():
        each.click()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("performance.getEntriesByType('resource').length") == 0
    assert violations(tab, axe) == []


def test_a_dip_is_shown_by_its_button_and_gone_through_by_keys(open_page: Open, page: Path) -> None:
    tab = open_page(page)
    assert "2,490 days of 2,490" in span(tab)
    tab.get_by_role("button", name="Show CBS from 2012-11-30").click()
    expect(tab.locator(".timeline .span").first).to_contain_text("October 2012 to")
    assert int(re.search(r"(\d+) days of", span(tab))[1]) < 150
    plot = tab.get_by_role("application")
    expect(plot).to_be_focused()
    plot.press("d")  # on to the next
    expect(tab.locator(".timeline .span").first).to_contain_text("2017")
    plot.press("d")  # and around
    expect(tab.get_by_role("status")).to_contain_text(re.compile("30 November 2012: .* CBS departs"))
    plot.press("ArrowRight")
    expect(tab.get_by_role("status")).to_contain_text("3 December 2012")  # a Monday: there are no weekends
    expect(tab.locator(".tip")).to_contain_text("CBS departs: 0.25, usually 0.72")
    before = span(tab)
    plot.press("-")
    assert int(re.search(r"(\d+) days", span(tab))[1]) > int(re.search(r"(\d+) days", before)[1])
    plot.press("End")
    plot.press("ArrowLeft")
    expect(tab.get_by_role("status")).to_contain_text("July 2021")
    plot.press("Escape")
    assert "2,490 days of 2,490" in span(tab)


def test_the_mouse_zooms_and_the_window_below_moves(open_page: Open, page: Path) -> None:
    tab = open_page(page)
    plot = tab.get_by_role("application")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box

    def drag(from_x: float, to_x: float, y: float) -> None:
        tab.mouse.move(box["x"] + from_x, box["y"] + y)
        tab.mouse.down()
        tab.mouse.move(box["x"] + to_x, box["y"] + y, steps=4)
        tab.mouse.up()

    drag(200, 500, 150)
    first = span(tab)
    n = int(re.search(r"([\d,]+) days of", first)[1].replace(",", ""))
    assert n == pytest.approx(2490 * 300 / (box["width"] - 52), rel=0.03)
    drag(300, 400, float(tab.locator(".timeline-svg").evaluate("svg => svg.clientHeight")) - 20)
    assert span(tab) != first
    assert int(re.search(r"([\d,]+) days of", span(tab))[1].replace(",", "")) == pytest.approx(n, abs=3)
    tab.mouse.dblclick(box["x"] + 400, box["y"] + 150)
    assert "2,490 days of 2,490" in span(tab)


def test_what_is_saved_is_what_is_shown(open_page: Open, page: Path) -> None:
    tab = open_page(page)
    tab.get_by_role("button", name="Show CBS from 2012-11-30").click()
    n = int(re.search(r"(\d+) days of", span(tab))[1])
    file = saved(tab, tab.get_by_role("button", name="Save what is shown as CSV"))
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert len(rows) == n
    of_table = {
        str(row["day"]): round(row["r"], 3)
        for row in tables.read(
            page.parent / "labelling" / "correlation.parquet", tables.CORRELATION
        ).to_pylist()
        if (row["station"], row["other"]) == ("ABC", "CBS")
    }
    assert {row["day"]: float(row["ABC – CBS"]) for row in rows} == {
        row["day"]: of_table[row["day"]] for row in rows
    }


def test_lines_are_turned_off_and_names_are_text(open_page: Open, page: Path) -> None:
    tab = open_page(page)
    lines = tab.locator(".timeline-svg .lines path.line")
    expect(lines).to_have_count(3)
    tab.get_by_role("group", name="Which lines are drawn").get_by_role("button").first.click()
    expect(lines).to_have_count(2)
    assert tab.locator("img").count() == 0
    expect(tab.locator("article h3").last).to_contain_text("onerror=alert(1)")
