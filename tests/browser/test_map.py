"""The map of 2,000 pictures, from a file, in a real browser."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page, expect
from tests.browser.conftest import HOSTILE
from tests.browser.test_explorer import axe, saved, violations  # noqa: F401  (a fixture)
from tests.explored import Explorer
from tests.mapped import Shot, make_map, many, vector

from castgraph.base.text import is_formula

Open = Callable[..., Page]

NAMES = {"A3Q3": "José Ángel Muñoz", "K2Q2": HOSTILE, "A2Q2": "=HYPERLINK(0)"}
TEXT = "</script> ПОСЛЕДНИЕ новости"


@dataclass(frozen=True)
class Map:
    """A map, and the pictures on it in its order."""

    page: Path
    shots: list[Shot]
    found: Explorer

    @property
    def points(self) -> np.ndarray:
        """Where pictures lie on the page, by t-SNE: each axis from -1 to 1."""
        at = np.array([shot.at for shot in self.shots])
        low, high = at.min(axis=0), at.max(axis=0)
        return np.asarray(2 * (at - low) / (high - low) - 1)

    def place(self, n: int) -> str:
        return f"{self.shots[n].broadcast}/{self.shots[n].frame}"

    def time(self, n: int) -> float:
        return float(self.found.tables["pictures"]["time"][n])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Map:
    shots = many()
    shots[0] = replace(shots[0], labels=[HOSTILE, "=1+1"], texts=[TEXT])
    shots.sort(key=lambda shot: (shot.broadcast, shot.frame))
    found = make_map(tmp_path_factory.mktemp("mapped"), shots, names=NAMES)
    return Map(found.folder.with_suffix(".html"), shots, found)


def opened(open_page: Open, made: Map, at: str = "", **options: Any) -> Page:
    page = open_page(made.page, at, **options)
    expect(page.locator(".told strong").first).to_contain_text("picture")
    return page


def drawn(page: Page) -> None:
    """Wait until all pictures that have room are there."""
    expect(page.locator(".stage")).to_have_attribute("data-drawn", re.compile("[1-9]"))
    expect(page.locator(".stage")).to_have_attribute("data-pages", "whole")


def told(page: Page, text: str) -> None:
    expect(page.locator(".headline .told")).to_have_text(re.compile(f"^{re.escape(text)}"))


def listed(page: Page) -> list[dict[str, str]]:
    """What the list has, by its CSV."""
    button = page.get_by_role("group", name="Save Pictures").get_by_text("CSV")
    return list(csv.DictReader(io.StringIO(saved(page, button).read_text(encoding="utf-8"))))


def places(rows: list[dict[str, str]]) -> set[str]:
    return {f"{row['broadcast']}/{row['frame']}" for row in rows}


def within(area: str, points: np.ndarray) -> np.ndarray:
    """Which points lie in the area of an address, by the number of its sides to the right of each."""
    corners = np.array([[float(each) / 10_000 for each in corner.split("_")] for corner in area.split(".")])
    crossed = np.zeros(len(points), int)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        spans = (y1 > points[:, 1]) != (y2 > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = x1 + (points[:, 1] - y1) * (x2 - x1) / (y2 - y1)
        crossed += spans & (points[:, 0] < x)
    return np.asarray(crossed % 2 == 1)


def area_of(page: Page) -> str:
    expect(page).to_have_url(re.compile("area="))
    found = re.search("area=([^&]+)", page.url)
    assert found
    return found[1]


def box(page: Page) -> tuple[float, float, float, float]:
    found = page.locator(".stage").bounding_box()
    assert found
    return found["x"], found["y"], found["width"], found["height"]


def found_by_pointing(page: Page) -> tuple[float, float]:
    """Move over the map until something is pointed at; gives where."""
    left, top, width, height = box(page)
    for down in np.linspace(0.15, 0.85, 12):
        for across in np.linspace(0.15, 0.85, 12):
            at = (left + width * across, top + height * down)
            page.mouse.move(*at)
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            if page.locator(".card").is_visible():
                return at
    raise AssertionError("there is nothing to point at")


def said_by(card: str, made: Map) -> int:
    """Which picture a card tells of, by its station, time and frame."""
    told_ = re.search(r"(\w+) · (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC · frame ([\d,]+)", card)
    assert told_, card
    moment = datetime.fromisoformat(told_[2]).replace(tzinfo=UTC).timestamp()
    number = int(told_[3].replace(",", ""))
    (n,) = [
        n
        for n, shot in enumerate(made.shots)
        if shot.broadcast.startswith(told_[1]) and shot.frame == number and made.time(n) == moment
    ]
    return n


def names_of(shot: Shot) -> list[str]:
    return [NAMES.get(person, f"Person {person}") for person in shot.people]


# ---- for everyone ---------------------------------------------------------------------------------------


def test_it_opens_from_a_file_for_everyone(open_page: Open, made: Map, axe: str) -> None:  # noqa: F811
    page = opened(open_page, made)
    told(page, "2,000 pictures of 12 broadcasts")
    expect(page).to_have_title("t-SNE · made-up · the visual landscape")
    expect(page.locator("footer cite")).to_contain_text(made.found.manifest["data_id"])
    expect(page.locator(".banner")).to_contain_text("faces of real people")
    expect(page.get_by_role("link", name="Explorer")).to_have_attribute(
        "href", "../linkage-0.52/explorer/index.html#/network"
    )
    expect(page.get_by_role("link", name="Report")).to_have_attribute("href", "../report.html")
    for asked in ("#/pca?as=images&pick=3", f"#/tsne?open={made.place(7)}"):
        page.evaluate("(asked) => { location.hash = asked }", asked)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.get_by_role("link", name="what the law and decency ask").click()
    expect(page.locator("footer")).to_contain_text(made.found.manifest["law"][1])


def test_points_and_pictures_are_drawn_in_the_colours_of_the_legend(open_page: Open, made: Map) -> None:
    page = opened(open_page, made)
    save = page.get_by_role("group", name="Save the map").get_by_text("PNG")

    def colours() -> Counter[tuple[int, int, int]]:
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        with Image.open(saved(page, save)) as picture:
            return Counter({colour: n for n, colour in picture.convert("RGB").getcolors(1 << 24)})

    as_points = colours()
    legend = page.locator(".legend li svg").evaluate_all(
        "(all) => all.map((each) => getComputedStyle(each).fill)"
    )
    of_legend = [tuple(map(int, re.findall(r"\d+", each))) for each in legend]
    assert len(set(of_legend)) == 8  # seven, and what has none
    assert all(as_points[colour] > 50 for colour in of_legend[:28])
    assert sum(as_points[colour] for colour in of_legend[:7]) > 5000
    page.get_by_role("button", name="Pictures", exact=True).click()
    expect(page).to_have_url(re.compile("as=images"))
    drawn(page)
    as_images = colours()
    assert len(as_images) > 5 * len(as_points) or len(as_images) > 5000
    # The colours of the pictures themselves: the sky of the largest group.
    sky = np.random.default_rng(0 + 7).integers(30, 226, 3)
    near = {colour for colour in as_images if np.abs(np.array(colour) - sky).max() < 12}
    assert sum(as_images[colour] for colour in near) > 300
    # The graphics card may be taken away, and comes back with nothing on it.
    page.evaluate(
        """() => new Promise((done) => {
          const canvas = document.querySelector(".stage canvas");
          const card = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
          const painted = () => requestAnimationFrame(() => requestAnimationFrame(done));
          canvas.addEventListener("webglcontextrestored", painted);
          card.loseContext();
          setTimeout(() => card.restoreContext(), 100);
        })"""
    )
    drawn(page)
    again = colours()
    assert sum(again[colour] for colour in near) > 300


@pytest.mark.parametrize("name", ["group", "setting", "station", "hour", "show", "faces", "person"])
def test_by_each_colouring_the_legend_counts_and_picks(open_page: Open, made: Map, name: str) -> None:
    of: dict[str, Callable[[int], list[str]]] = {
        "group": lambda n: [f"Group {made.shots[n].group}" if made.shots[n].group >= 0 else "No group"],
        "setting": lambda n: [
            f"Setting {made.shots[n].setting}" if made.shots[n].setting >= 0 else "No setting"
        ],
        "station": lambda n: [made.shots[n].broadcast.split("_")[0]],
        "hour": lambda n: [datetime.fromtimestamp(made.time(n), UTC).strftime("%H:00")],
        "show": lambda n: [made.shots[n].broadcast.split("_", 3)[3].replace("_", " ")],
        "faces": lambda n: [["No face", "1 face", "2 faces"][len(made.shots[n].people)]],
        "person": lambda n: names_of(made.shots[n]) or ["Nobody known"],
    }
    counts = Counter(kind for n in range(len(made.shots)) for kind in of[name](n))
    page = opened(open_page, made)
    page.get_by_label("Coloured by").select_option(name)
    expect(page).to_have_url(re.compile(f"colour={name}"))
    more = page.locator(".kinds > button")
    if more.is_visible():
        more.click()
    entries = page.locator(".legend li")
    expect(entries).to_have_count(len(counts))
    shown = {}
    for text in entries.all_inner_texts():
        *title, number = [line.strip() for line in text.split("\n") if line.strip()]
        shown[" ".join(title)] = int(number.replace(",", ""))
    for kind, n in counts.items():
        (found,) = [
            each
            for title, each in shown.items()
            if title == kind or title.startswith((kind + " ", kind + " to"))
        ]
        assert found == n, kind
    kind, n = counts.most_common(2)[-1]
    title = page.locator(".title", has_text=re.compile(rf"^{re.escape(kind)}(\D|$)"))
    page.locator(".legend li button").filter(has=title).first.click()
    told(page, f"{n} pictures picked of 2,000" if n > 1 else "1 picture picked of 2,000")
    expect(page.locator(".legend [aria-pressed=true]")).to_have_count(1)
    expect(page.locator(".legend [aria-pressed=true]")).to_be_focused()
    assert places(listed(page)) == {made.place(k) for k in range(len(made.shots)) if kind in of[name](k)}
    page.get_by_role("button", name="Let go").click()
    told(page, "2,000 pictures")


# ---- pointing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_", ["points", "images"])
def test_what_is_pointed_at_is_told_and_opened(open_page: Open, made: Map, as_: str) -> None:
    page = opened(open_page, made, f"#/tsne?as={as_}")
    if as_ == "images":
        drawn(page)
    at = found_by_pointing(page)
    card = page.locator(".card")
    n = said_by(card.inner_text(), made)
    shot = made.shots[n]
    expect(card).to_contain_text(f"group {shot.group}" if shot.group >= 0 else "no group")
    if shot.setting >= 0:
        expect(card).to_contain_text(f", setting {shot.setting}")
    expect(card).to_contain_text(["no face", "1 face", "2 faces"][len(shot.people)])
    for text in (*names_of(shot), *shot.labels):
        expect(card).to_contain_text(text)
    image = card.locator(".thumb").evaluate("(each) => getComputedStyle(each).backgroundImage")
    assert f"map/sheets/{n // 64}.jpg" in image
    page.mouse.click(*at)
    dialog = page.locator("dialog.picture")
    expect(dialog).to_contain_text(f"frame {shot.frame:,}, ")
    expect(dialog).to_contain_text(shot.broadcast)
    expect(page).to_have_url(re.compile(f"open={shot.broadcast}%2F{shot.frame}(&|$)"))
    link = made.found.tables["broadcasts"]["link"][0].split("?")[0]
    expect(dialog.get_by_role("link", name="At the archive")).to_have_attribute(
        "href", re.compile(f"^{re.escape(link)}.*{shot.broadcast}.*{shot.frame}$")
    )
    expect(dialog.get_by_role("link", name="In the explorer")).to_have_attribute(
        "href", f"../linkage-0.52/explorer/index.html#/broadcast/{shot.broadcast}?frame={shot.frame}"
    )


def test_a_picture_shows_its_nearest_and_those_of_its_group(open_page: Open, made: Map) -> None:
    n = next(n for n, shot in enumerate(made.shots) if shot.group == 3 and shot.people)
    page = opened(open_page, made, f"#/tsne?open={made.place(n)}")
    dialog = page.locator("dialog.picture")
    strips = dialog.locator("section")
    sims = [float(text.split()[1]) for text in strips.nth(0).locator("small").all_inner_texts()]
    vectors = np.array([vector(shot) for shot in made.shots])
    cosines = vectors @ vectors[n]
    cosines[n] = -2
    np.testing.assert_allclose(sims, np.sort(cosines)[::-1][:12], atol=0.001)
    expect(strips.nth(1).get_by_role("heading")).to_have_text("Others of group 3")
    assert all("; group 3, setting 0;" in label for label in labels_of(strips.nth(1)))
    person = dialog.get_by_role("link", name=names_of(made.shots[n])[0])
    expect(person).to_have_attribute("href", re.compile(rf"#/person/{made.shots[n].people[0]}$"))
    # From one to the next, by keys and by what is near; Back leads out.
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text(f"{n + 2:,} of 2,000 in the list")
    page.keyboard.press("ArrowLeft")
    expect(dialog).to_contain_text(f"{n + 1:,} of 2,000 in the list")
    strips.nth(0).locator("button").first.click()
    near = int(cosines.argmax())
    expect(dialog).to_contain_text(f"{near + 1:,} of 2,000 in the list")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("open="))
    page.go_back()
    expect(dialog).to_contain_text(f"{near + 1:,} of 2,000 in the list")
    dialog.get_by_role("button", name="on the map").click()
    expect(dialog).to_be_hidden()
    told(page, f"{sum(shot.group == 3 for shot in made.shots)} pictures picked")


def labels_of(place: Any) -> list[str]:
    found: list[str] = place.locator("li button").evaluate_all("(all) => all.map((each) => each.ariaLabel)")
    return found


def test_what_is_drawn_around_is_listed(open_page: Open, made: Map) -> None:
    page = opened(open_page, made)
    left, top, width, height = box(page)
    page.get_by_role("button", name="Draws around").click()
    corners = [(0.1, 0.1), (0.55, 0.2), (0.8, 0.75), (0.4, 0.6), (0.2, 0.9)]
    page.mouse.move(left + 0.1 * width, top + 0.1 * height)
    page.mouse.down()
    for across, down in corners[1:]:
        page.mouse.move(left + across * width, top + down * height, steps=6)
    page.mouse.up()
    found = within(area_of(page), made.points)
    assert 100 < found.sum() < 1500
    told(page, f"{found.sum():,} pictures picked of 2,000")
    rows = listed(page)
    assert places(rows) == {made.place(n) for n in np.flatnonzero(found)}
    # Of these those of a kind.
    page.locator(".legend li button").nth(2).click()
    both = found & np.array([shot.group == 2 for shot in made.shots])
    told(page, f"{both.sum()} picture")
    # It is there again from its address, and gone by Back.
    page.reload()
    told(page, f"{both.sum()} picture")
    expect(page.locator("polygon.area")).to_have_attribute("points", re.compile(r"\d"))
    page.go_back()
    told(page, f"{found.sum():,} pictures picked")
    page.go_back()
    told(page, "2,000 pictures of 12")
    page.go_forward()
    told(page, f"{found.sum():,} pictures picked")
    page.get_by_role("button", name="Show all", exact=True).first.click()
    told(page, "2,000 pictures of 12")


@pytest.fixture
def fingers() -> Iterator[Callable[[Page], Callable[..., None]]]:
    """Touch the page with fingers."""
    sessions: list[CDPSession] = []

    def of(page: Page) -> Callable[..., None]:
        session = page.context.new_cdp_session(page)
        sessions.append(session)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            at = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        return touch

    yield of
    for session in sessions:
        session.detach()


def test_fingers_move_zoom_draw_around_and_open(open_page: Open, made: Map, fingers) -> None:
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    page = opened(open_page, made, **phone)
    page.locator(".stage").scroll_into_view_if_needed()
    touch = fingers(page)
    left, top, width, height = box(page)
    x, y = left + width / 2, top + height / 2
    touch("touchStart", (x - 20, y), (x + 20, y))
    for apart in (30, 50, 80):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    expect(page).to_have_url(re.compile(r"at=-?\d+_-?\d+_[3-5]\d\d"))
    page.get_by_role("button", name="Show all", exact=True).first.click()
    expect(page).not_to_have_url(re.compile("at="))
    page.get_by_role("button", name="Draws around").click()
    page.locator(".stage").scroll_into_view_if_needed()
    left, top, width, height = box(page)
    # As where a page comes from an address without TLS, and in some browsers.
    page.evaluate("delete PointerEvent.prototype.getCoalescedEvents")
    touch("touchStart", (left + 40, top + 40))
    for across, down in ((0.9, 0.1), (0.9, 0.7), (0.2, 0.7)):
        touch("touchMove", (left + across * width, top + down * height))
    touch("touchEnd")
    found = within(area_of(page), made.points)
    told(page, f"{found.sum():,} pictures picked")
    # A touch opens what is nearest.
    n = int(np.argmin(np.hypot(*made.points.T)))
    page.evaluate("(n) => { location.hash = '#/tsne' }", n)
    told(page, "2,000 pictures")
    page.touchscreen.tap(*found_near(page, made, n))
    expect(page.locator("dialog.picture")).to_be_visible()


def found_near(page: Page, made: Map, n: int) -> tuple[float, float]:
    """Bring a picture to the middle of the map; gives where that is."""
    x, y = (round(10_000 * value) for value in made.points[n])
    page.evaluate(
        """(at) => new Promise((done) => {
          const drawn = () => requestAnimationFrame(() => requestAnimationFrame(done));
          addEventListener("hashchange", drawn, { once: true });
          location.hash = `#/tsne?at=${at}`;
        })""",
        f"{x}_{y}_4000",
    )
    page.locator(".stage").scroll_into_view_if_needed()
    left, top, width, height = box(page)
    return left + width / 2, top + height / 2


# ---- keys -----------------------------------------------------------------------------------------------


def test_everything_is_done_by_keys(open_page: Open, made: Map) -> None:
    page = opened(open_page, made)
    stage, said = page.locator(".stage"), page.locator(".unseen[role=status]")
    expect(stage).to_have_attribute("role", "application")
    page.locator(".fields input").first.focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if stage.evaluate("(each) => each === document.activeElement"):
            break
    expect(stage).to_be_focused()
    expect(page.locator(".ring")).to_be_visible()
    at = []
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        expect(said).to_have_text(re.compile("frame"))
        at.append(heard(said.inner_text(), made))
    across = made.points[at[1]] - made.points[at[0]]
    assert across[0] > 0
    assert made.points[at[2]][1] > made.points[at[1]][1]
    assert made.points[at[3]][0] < made.points[at[2]][0]
    assert made.points[at[4]][1] < made.points[at[3]][1]
    page.keyboard.press("PageDown")
    expect(said).to_contain_text(f"frame {made.shots[at[4] + 1].frame:,};")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("dialog.picture")).to_contain_text("2,000 of 2,000 in the list")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.picture")).to_be_hidden()
    expect(stage).to_be_focused()
    # A rectangle.
    page.keyboard.press("Home")
    page.keyboard.press("r")
    expect(said).to_contain_text("Enter takes what is in it")
    for key in ("ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    expect(said).to_contain_text(re.compile("^[0-9,]+ picture"))
    n = said.inner_text().split()[0]
    page.keyboard.press("Enter")
    found = within(area_of(page), made.points)
    assert f"{found.sum():,}" == n
    told(page, f"{n} picture")
    page.keyboard.press("Escape")
    told(page, "2,000 pictures of 12")
    # Nearer, and all again.
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"at=.*_225"))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("at="))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("A rectangle")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("input[name=text]")).to_be_focused()
    page.get_by_role("region", name="Pictures").locator("tbody button").first.press("Enter")
    expect(page.locator("dialog.picture")).to_contain_text("1 of 2,000 in the list")


def heard(text: str, made: Map) -> int:
    """Which picture was told of to who hears: by its show, the start of its broadcast, and its frame."""
    told_ = re.match(r"(.+), (\d{4}-\d\d-\d\d \d\d:\d\d), frame ([\d,]+);", text)
    assert told_, text
    start = datetime.fromisoformat(told_[2]).strftime("%Y%m%d_%H%M%S")
    (n,) = [
        n
        for n, shot in enumerate(made.shots)
        if start in shot.broadcast
        and shot.broadcast.endswith(told_[1].replace(" ", "_"))
        and shot.frame == int(told_[3].replace(",", ""))
    ]
    return n


# ---- what is there, and what is told of it --------------------------------------------------------------


def test_filters_leave_out_and_are_in_the_address(open_page: Open, made: Map) -> None:
    page = opened(open_page, made)
    page.locator("select[name=station]").select_option("NTV")
    page.locator("select[name=show]").select_option("Late Night")
    expected = [n for n, shot in enumerate(made.shots) if re.match("NTV_.*Late_Night", shot.broadcast)]
    assert expected
    told(page, f"{len(expected)} pictures of 2,000")
    assert places(listed(page)) == set(map(made.place, expected))
    page.locator("input[name=text]").fill("josé rocket")
    with_both = [
        n for n in expected if "rocket" in made.shots[n].labels and NAMES["A3Q3"] in names_of(made.shots[n])
    ]
    told(page, f"{len(with_both)} picture")
    page.reload()
    told(page, f"{len(with_both)} picture")
    expect(page.locator("input[name=text]")).to_have_value("josé rocket")
    page.get_by_role("button", name="Clear").click()
    page.locator("input[name=from]").fill("2024-01-04")
    day = [n for n in range(2000) if made.time(n) >= datetime(2024, 1, 4, tzinfo=UTC).timestamp()]
    told(page, f"{len(day):,} pictures of 2,000")
    page.get_by_role("button", name="Clear").click()
    page.locator("input[name=text]").fill("последние")
    told(page, "1 picture of 2,000")
    page.evaluate("location.hash = '#/tsne?id=0123456789ab&station=NTV'")
    expect(page.get_by_role("alert")).to_contain_text("made for other data (0123456789ab)")
    page.get_by_role("button", name="Understood").click()
    expect(page).to_have_url(re.compile(r"#/tsne\?station=NTV$"))


@pytest.mark.parametrize(
    "asked",
    [
        "#/toString?colour=constructor&at=1_x_2&area=1_2.3&open=../../x",
        "#/tsne?colour=__proto__&at=&area=1_2.3_4.NaN_Infinity&open=%E0%A4%A",
        "#/%E0%A4%A?at=9e99_9e99_9e99&as=<b>",
    ],
)
def test_an_address_that_is_nonsense_shows_all(open_page: Open, made: Map, asked: str) -> None:
    page = opened(open_page, made, asked)
    told(page, "2,000 pictures of 12 broadcasts")
    expect(page.locator(".legend li").first).to_contain_text("Group 0")
    expect(page.locator("dialog.picture")).to_be_hidden()


def test_texts_of_others_are_never_html_and_never_formulas(open_page: Open, made: Map) -> None:
    n = next(n for n, shot in enumerate(made.shots) if shot.texts)
    page = opened(open_page, made, f"#/tsne?colour=person&open={made.place(n)}")
    dialog = page.locator("dialog.picture")
    for text in (*made.shots[n].labels, TEXT):
        expect(dialog).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(page.locator(".legend")).to_contain_text(HOSTILE)
    assert page.locator("img, script:not([src])").count() == 0
    rows = listed(page)
    assert len(rows) == 2000
    assert not [value for row in rows for value in row.values() if is_formula(value)]
    assert {row["person_ids"] for row in rows} >= {"K2Q2", "A2Q2"}
    assert rows[n]["text"] == TEXT
    link = rows[n]["link"]
    assert made.shots[n].broadcast in link
    assert link.startswith("https://")


def test_without_webgl_there_is_a_still_map_and_the_list(
    open_page: Open,
    made: Map,
    chromium_without_webgl: Browser,
    axe: str,  # noqa: F811
) -> None:
    page = opened(open_page, made, browser=chromium_without_webgl)
    expect(page.locator(".stage")).to_contain_text("This browser draws no WebGL")
    expect(page.get_by_role("img", name="The pictures by t-SNE")).to_be_visible()
    page.locator(".legend li button").first.click()
    n = sum(shot.group == 0 for shot in made.shots)
    told(page, f"{n} pictures picked of 2,000")
    assert len(listed(page)) == n
    page.get_by_role("region", name="Pictures").locator("tbody button").first.click()
    expect(page.locator("dialog.picture")).to_contain_text(f"1 of {n} in the list")
    page.keyboard.press("Escape")
    assert violations(page, axe) == []


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_picture(open_page: Open, tmp_path: Path, n: int) -> None:
    shots = [Shot("NTV_20240102_070000_News", frame + 1) for frame in range(n)]
    found = make_map(tmp_path, shots, unread={"NTV_20240102_070000_News": [9]})
    page = open_page(found.folder.with_suffix(".html"), "#/tsne?as=images")
    if not n:
        expect(page.locator("main")).to_contain_text("There is no picture to be shown")
        return
    told(page, f"{n} picture")
    drawn(page)
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("dialog.picture")).to_contain_text(f"of {n} in the list")
