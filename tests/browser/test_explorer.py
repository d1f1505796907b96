"""The explorer, from a file, in a real browser: its frame, the network, people, matrix and about."""

import csv
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.conftest import HOSTILE
from tests.explored import CLUSTERING, Explorer, Story, explore, read
from tests.node import installed

VIEWS = ["network", "people", "matrix", "about"]
WEIGHTS = {"same_frame": 2, "adjacent": 1}

Open = Callable[..., Page]
Pairs = dict[frozenset[str], float]


def shown(page: Page, view: str) -> None:
    """Wait until a view is there."""
    expect(page.locator(f"main .{view} h1")).to_be_visible()
    if view == "network":
        expect(page.locator(".told strong").first).to_contain_text("drawn")
        expect(page.get_by_text("Counting anew…")).to_be_hidden()


def counted_pairs(explorer: Explorer, keep: Callable[[Mapping[str, Any]], bool], layer: str = "") -> Pairs:
    """Sum the table of meetings: those that a filter leaves."""
    found: Counter[frozenset[str]] = Counter()
    here = explorer.folder.parent / "made-up" / CLUSTERING
    for row in read(here / "meetings.parquet", "meetings").to_pylist():
        if keep(row):
            counts = {name: int(row[name]) for name in WEIGHTS}
            worth = counts[layer] if layer else sum(WEIGHTS[name] * n for name, n in counts.items())
            found[frozenset((row["source"], row["target"]))] += worth
    return {pair: worth for pair, worth in found.items() if worth}


def saved(page: Page, button: Locator) -> Path:
    """Save something by a button."""
    with page.expect_download() as download:
        button.click()
    return Path(download.value.path())


def pairs_drawn(page: Page) -> Pairs:
    """What the network draws, by the CSV that can be had of it."""
    button = page.get_by_role("group", name="Save the network").get_by_text("CSV")
    rows = list(csv.DictReader(io.StringIO(saved(page, button).read_text(encoding="utf-8"))))
    return {frozenset((row["source"], row["target"])): float(row["weight"]) for row in rows}


@pytest.fixture(scope="module")
def axe(root: Path) -> str:
    """The script that looks for what keeps people out of a page."""
    return (installed(root / "web") / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds wrong with a page."""
    page.evaluate(axe)
    found = page.evaluate(
        """async () => {
          const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
          const options = { runOnly: { type: "tag", values: tags }, preload: false };
          const { violations } = await axe.run(document, options);
          const where = (nodes) => nodes.slice(0, 3).map((node) => node.html);
          return violations.map(({ id, help, nodes }) => [id, help, where(nodes)]);
        }"""
    )
    return [json.dumps(each) for each in found]


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_opens_from_a_file_for_everyone(open_page: Open, explorer, axe: str, view: str) -> None:
    page = open_page(explorer.folder / "index.html", f"#/{view}")
    shown(page, view)
    expect(page.locator("nav [aria-current=page]")).to_have_text(view.capitalize())
    expect(page).to_have_title(re.compile(r" · made-up$"))
    expect(page.locator(".banner")).to_contain_text("faces of real people")
    data_id = explorer.manifest["data_id"]
    n_frames = explorer.manifest["counts"]["frames"]
    expect(page.locator("footer")).to_contain_text(f"One still = 4 s · {n_frames} frames")
    expect(page.locator("footer cite")).to_have_text(explorer.manifest["citation"])
    expect(page.locator("footer")).to_contain_text(data_id)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page, axe) == []
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.scrollWidth <= 360")


def test_other_pages_of_the_run_are_led_to_where_they_are(open_page: Open, explorer, tmp_path: Path) -> None:
    shutil.copytree(explorer.folder, tmp_path / "explorer")
    manifest = tmp_path / "explorer" / "data" / "manifest.js"
    text = manifest.read_text().replace('"map":""', '"map":"../../visual/map.html"')
    manifest.write_text(text)
    page = open_page(tmp_path / "explorer" / "index.html", "#/about")
    beyond = page.locator("nav .back")
    expect(beyond).to_have_text(["Map", "Report"])
    expect(beyond.first).to_have_attribute("href", "../../visual/map.html")
    index = tmp_path / "explorer" / "index.html"
    served = '<meta name="castgraph-frames" content="/frame">'
    index.write_text(index.read_text().replace("<head>", f"<head>{served}"))
    page.reload()
    shown(page, "about")
    expect(beyond).to_have_count(0)


def test_the_network_says_how_many_of_all_pairs_are_drawn(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html")
    shown(page, "network")
    edges = read(explorer.folder.parent / "made-up" / CLUSTERING / "edges.parquet", "edges").to_pylist()
    every = {frozenset((row["source"], row["target"])): row["weight"] for row in edges if row["weight"] > 0}
    n = len(every)
    expect(page.locator(".told strong").first).to_have_text(f"{n} of {n} pairs drawn")
    assert pairs_drawn(page) == every
    expect(page.get_by_role("region", name="Pairs drawn").locator("table")).to_have_attribute(
        "aria-rowcount", str(n + 1)
    )
    assert page.locator(".stage canvas").count() > 3  # drawn by WebGL

    page.locator("input[name=top]").fill("200")  # the middle of 400 steps: the root of all
    drawn = round(n**0.5)
    expect(page.locator(".told strong").first).to_have_text(f"{drawn} of {n} pairs drawn")
    assert f"top={drawn}" in page.url
    heaviest = sorted(every.values(), reverse=True)[:drawn]
    assert sorted(pairs_drawn(page).values(), reverse=True) == heaviest

    page.evaluate("location.hash = '#/network?weight=9'")
    expect(page.locator("input[name=weight]")).to_have_attribute("aria-valuetext", "9")
    assert pairs_drawn(page) == {pair: worth for pair, worth in every.items() if worth >= 9}


def day(row: Mapping[str, Any]) -> str:
    return row["time"].strftime("%Y-%m-%d")


FILTERS: dict[str, tuple[Callable[[Mapping[str, Any]], bool], str]] = {
    # 2024-01-03 23:59 goes on after midnight.
    "to=2024-01-03": (lambda row: day(row) <= "2024-01-03", ""),
    "from=2024-01-04": (lambda row: day(row) >= "2024-01-04", ""),
    "from=2024-01-04&to=2024-01-04": (lambda row: day(row) == "2024-01-04", ""),
    "station=NTV": (lambda row: row["broadcast"].startswith("NTV"), ""),
    "show=News&layer=adjacent": (lambda row: row["broadcast"].endswith("News"), "adjacent"),
    "layer=same_frame": (lambda row: True, "same_frame"),
    "show=Film&station=1TV": (lambda row: False, ""),
}


@pytest.mark.parametrize("asked", FILTERS)
def test_pairs_that_are_counted_anew_are_those_of_the_tables(open_page: Open, explorer, asked: str) -> None:
    keep, layer = FILTERS[asked]
    expected = counted_pairs(explorer, keep, layer)
    page = open_page(explorer.folder / "index.html", f"#/network?{asked}")
    shown(page, "network")
    n = len(expected)
    expect(page.locator(".told strong").first).to_have_text(f"{n} of {n} pairs drawn")
    assert pairs_drawn(page) == expected


def test_what_was_on_air_before_counts_once_where_the_run_counts_it_once(
    open_page: Open, story: Story, tmp_path: Path
) -> None:
    found = explore(tmp_path, story.with_config(network={"count_replays": "once"}))
    page = open_page(found.folder / "index.html", "#/network?station=NTV")
    shown(page, "network")
    expected = counted_pairs(found, FILTERS["station=NTV"][0])
    assert pairs_drawn(page) == expected


def test_suspects_that_are_left_out_are_told_of_and_make_no_pairs(
    open_page: Open, story: Story, tmp_path: Path
) -> None:
    suspect = "NTV_20240102_190000_News"
    labelling = {"enabled": True, "exclude_suspects": True}
    made = replace(story, suspects={suspect: HOSTILE}).with_config(labelling=labelling)
    found = explore(tmp_path, made)
    page = open_page(found.folder / "index.html", "#/network?station=NTV")
    shown(page, "network")
    expected = counted_pairs(found, FILTERS["station=NTV"][0])
    assert pairs_drawn(page) == expected
    page.get_by_role("link", name="About", exact=True).click()
    section = page.locator("#about-left")
    expect(section).to_contain_text(
        "1 broadcast is a suspect, not what the title says, and left out of pairs"
    )
    expect(section.get_by_role("link", name="likeness of broadcasts")).to_have_attribute(
        "href", "../labelling.html"
    )
    expect(section).to_contain_text(f"like {HOSTILE}")
    section.get_by_role("listitem").get_by_role("link").first.click()
    expect(page.get_by_text("it is not what its title says")).to_contain_text(f"and like {HOSTILE}")
    page.get_by_role("link", name="Timeline", exact=True).click()
    told = "1 broadcast that is a suspect does not count, as in the network."
    expect(page.get_by_text(told)).to_be_visible()


def test_filters_go_along_and_are_in_the_address(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html")
    shown(page, "network")
    page.locator("select[name=station]").select_option("1TV")
    expect(page.locator(".told strong").first).not_to_have_text(re.compile("^91 "))
    assert "station=1TV" in page.url
    page.locator("input[name=from]").fill("2024-01-04")
    expect(page).to_have_url(re.compile("from=2024-01-04"))
    page.get_by_role("link", name="People", exact=True).click()
    shown(page, "people")
    assert "from=2024-01-04&station=1TV" in page.url
    broadcasts, frames, people = explorer.faces
    number = explorer.tables["broadcasts"]["broadcast"].index("1TV_20240103_235900_Night")
    late = (broadcasts == number) & (frames >= 16)  # one minute before midnight, a still every four seconds
    news = broadcasts == explorer.tables["broadcasts"]["broadcast"].index("1TV_20240105_190000_News")
    expect(page.locator(".told").first).to_have_text(f"{len(set(people[late | news]))} people")
    page.get_by_role("button", name="Clear").click()
    expect(page).not_to_have_url(re.compile("station"))


def test_an_address_of_other_data_is_told(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/people?id=0123456789ab")
    expect(page.get_by_role("alert")).to_contain_text("made for other data (0123456789ab)")
    page.get_by_role("button", name="Understood").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    page.evaluate(f"location.hash = '#/people?id={explorer.manifest['data_id']}'")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_search_finds_people_broadcasts_and_shows_by_keys_alone(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/about")
    shown(page, "about")
    page.keyboard.press("/")
    page.keyboard.type("jose")  # without its accent
    expect(page.get_by_role("option").first).to_contain_text("José Ángel Muñoz")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/person/[A-Z0-9]{4}$"))
    page.keyboard.press("/")
    page.keyboard.type("Анн")
    expect(page.get_by_role("option").first).to_contain_text("Анна Петрова")
    page.keyboard.press("Escape")
    page.keyboard.type("night")
    expect(page.get_by_role("option").first).to_contain_text("Night")
    page.keyboard.press("ArrowDown")
    active = page.get_by_role("combobox", name="Search").get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/(broadcast/1TV_20240103_235900_Night|network.show=)"))


def test_the_keys_are_listed_and_those_of_one_letter_can_be_turned_off(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html")
    shown(page, "network")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Search people")
    expect(dialog).to_contain_text("to the neighbour that lies there")
    dialog.get_by_label("Keys of one letter").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()


def test_arrows_go_from_person_to_person_and_to_a_pair(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html")
    shown(page, "network")
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    side = page.get_by_role("complementary", name="Ties").locator(".who")
    first = side.inner_text()
    strength = explorer.tables["people"]["strength"]
    names = explorer.tables["people"]["name"]
    assert first.strip() == names[int(strength.argmax())].strip()  # who is tied most
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        if side.inner_text() != first:
            break
    second = side.inner_text()
    assert second != first
    page.keyboard.press("Space")
    back = {
        "ArrowRight": "ArrowLeft",
        "ArrowLeft": "ArrowRight",
        "ArrowUp": "ArrowDown",
        "ArrowDown": "ArrowUp",
    }
    page.keyboard.press(back[key])
    assert side.inner_text() != second
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("#/pair/[A-Z0-9]{4}/[A-Z0-9]{4}"))
    page.go_back()
    shown(page, "network")
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/person/[A-Z0-9]{4}"))


def test_a_click_opens_the_person_and_two_with_shift_the_pair(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html")
    shown(page, "network")
    stage = page.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    found: list[tuple[float, float]] = []
    side = page.get_by_role("complementary", name="Ties").locator(
        ".who:has(~ ol)"
    )  # a person's, not a pair's
    seen: set[str] = set()
    for step in range(900):  # look for two portraits with the mouse, as a person does
        x, y = box["x"] + 20 + 31 * (step % 30), box["y"] + 20 + 31 * (step // 30)
        if y > box["y"] + box["height"] - 20 or x > box["x"] + box["width"] - 20:
            continue
        page.mouse.move(x, y)
        under = page.locator(".stage[style*=pointer]")
        if under.count() and side.count():
            # What is shown may still be of where the mouse was.
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60)))")
            if under.count() and side.count() and side.inner_text() not in seen:
                seen.add(side.inner_text())
                found.append((x, y))
        if len(found) == 2:
            break
    assert len(found) == 2
    page.keyboard.down("Shift")
    page.mouse.click(*found[0])
    page.wait_for_timeout(400)  # else it is a double click
    page.mouse.click(*found[1])
    page.keyboard.up("Shift")
    expect(page).to_have_url(re.compile("#/pair/[A-Z0-9]{4}/[A-Z0-9]{4}"))


def test_rows_of_a_table_are_reached_by_arrows_and_sorted_by_their_heads(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/people")
    shown(page, "people")
    table = page.get_by_role("region", name="People").locator("table")
    rows = table.locator("tbody:not([aria-hidden]) tr")
    people = explorer.tables["people"]
    expect(rows).to_have_count(len(people["person_id"]))
    expect(table.locator("thead [aria-sort=descending]")).to_have_text("On screen")
    rows.first.locator("a").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(2).locator("a")).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last.locator("a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/person/{people['person_id'][-1]}"))
    page.go_back()
    shown(page, "people")
    page.get_by_role("button", name="Person", exact=True).click()
    expect(table.locator("thead [aria-sort=ascending]")).to_have_text("Person")
    told = [text.strip() for text in rows.locator("a span:last-child").all_inner_texts()]
    assert told[-1] == "Анна Петрова"
    assert len(told) == len(people["person_id"])
    page.get_by_label("Name or ID").fill("munoz")
    expect(rows).to_have_count(1)


def test_names_are_never_read_as_html_and_never_become_formulas(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/people")
    shown(page, "people")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    file = saved(page, page.get_by_role("button", name="Save People as CSV"))
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert {HOSTILE, "'=HYPERLINK(0)"} <= {row["name"] for row in rows}
    people = explorer.tables["people"]
    assert [row["person_id"] for row in rows] == people["person_id"]
    assert [float(row["screen_seconds"]) for row in rows] == people["screen_seconds"].tolist()


def test_the_network_can_be_had_as_picture_and_drawing(open_page: Open, explorer, tmp_path: Path) -> None:
    page = open_page(explorer.folder / "index.html")
    shown(page, "network")
    page.wait_for_timeout(300)
    save = page.get_by_role("group", name="Save the network")
    drawing = ElementTree.parse(saved(page, save.get_by_text("SVG"))).getroot()
    ns = {"svg": "http://www.w3.org/2000/svg"}
    pairs = [row for row in explorer.tables["edges"]["weight"] if row > 0]
    assert len(drawing.findall(".//svg:line", ns)) == len(pairs)
    images = drawing.findall(".//svg:image", ns)
    assert len(images) == int((explorer.tables["people"]["degree"] > 0).sum())
    assert all(image.get("href", "").startswith("data:image/jpeg") for image in images)
    with Image.open(saved(page, save.get_by_text("PNG"))) as picture:
        width, height = picture.size
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    box = page.locator(".stage").bounding_box()
    assert box
    assert (width, height) == (2 * round(box["width"]), 2 * round(float(drawing.get("height", "0"))))
    assert len(colours) > 100


def test_without_webgl_a_still_picture_and_the_tables_are_there(
    open_page: Open, explorer, chromium_without_webgl: Browser
) -> None:
    page = open_page(explorer.folder / "index.html", browser=chromium_without_webgl)
    shown(page, "network")
    expect(page.locator(".stage svg.still")).to_be_visible()
    n = sum(explorer.tables["edges"]["weight"] > 0)
    expect(page.locator(".stage svg line")).to_have_count(int(n))
    expect(page.locator(".counted")).to_contain_text("still one")
    assert len(pairs_drawn(page)) == n
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/person/"))


def test_each_cell_of_the_matrix_is_a_pair(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/matrix")
    shown(page, "matrix")
    edges, people = explorer.tables["edges"], explorer.tables["people"]
    n = int(sum(edges["weight"] > 0))
    expect(page.locator(".matrix td a")).to_have_count(2 * n)
    heads = [text.strip() for text in page.locator(".matrix tbody th").all_inner_texts()]
    strength = dict(zip(people["name"], people["strength"], strict=True))
    assert [strength[name] for name in heads] == sorted((strength[name] for name in heads), reverse=True)
    page.get_by_label("Order").select_option("name")
    expect(page).to_have_url(re.compile("order=name"))
    expect(page.locator(".matrix tbody th").last).to_have_text("Анна Петрова")
    page.locator(".matrix tbody th a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/pair/[A-Z0-9]{4}/[A-Z0-9]{4}"))


def test_about_tells_how_it_was_counted_and_what_is_missing(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/network")
    shown(page, "network")
    page.get_by_role("link", name="what the law and decency ask").click()
    expect(page.get_by_role("heading", name="What the law and decency ask")).to_be_focused()
    about = page.locator("main")
    for text in explorer.manifest["law"]:
        expect(about).to_contain_text(text)
    for text in (
        "2 for each still that is same frame and 1 for each still that is adjacent",
        "Footage that is on air again counts each time",
        explorer.manifest["versions"]["castgraph"],
        "frame_seconds: 4",
    ):
        expect(about).to_contain_text(text)


def test_the_page_is_light_or_dark_as_its_reader_says(open_page: Open, explorer) -> None:
    page = open_page(explorer.folder / "index.html", "#/network", color_scheme="dark")
    shown(page, "network")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(23, 25, 28)"
    page.get_by_label("Colours of the page").select_option("light")
    assert page.evaluate(paper) == "rgb(251, 249, 244)"
    page.reload()
    shown(page, "network")
    assert page.evaluate(paper) == "rgb(251, 249, 244)"
