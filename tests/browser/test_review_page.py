"""The review page as a file: answers that stay in the browser, and the file of decisions that they become."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.node import installed

from castgraph.pages.explorer.columns import script_json
from castgraph.pages.review.page import ASSETS, asset
from castgraph.pages.review.page import page as page_of
from castgraph.people.corrections import read_corrections

ROOT = Path(__file__).parents[2]

HOSTILE = (
    '<img src="x" onerror="document.title=\'taken\'">',
    "\"double', `back` \\ back\\nslash: {yes} # no, [no] - & * ! %",
    "‏שלום‏ Ann",  # with direction marks, which no correction may have
    "No",
    "n" * 200,
    "𝄞 é 'ß' \N{NO-BREAK SPACE} ي\N{ZERO WIDTH NON-JOINER}ن",
)


def anchor(n: int, frame: int = 1) -> dict[str, Any]:
    return {"broadcast": f"NTV_202610{n + 1:02d}_030000", "frame": frame, "at": [100 + n, 90.5]}


def row(n: int, name: str = "", person: str | None = None) -> dict[str, Any]:
    who = f"A{n:03d}" if person is None else person
    faces = [
        {"role": role, "broadcast": f"NTV_202610{n + 1:02d}_030000", "show": "<b>News</b>", "frame": frame}
        | {"time": f"2026-10-{n + 1:02d}T03:00:04Z", "n_frames": 900, "box": [40, 150, 140, 50]}
        | {"width": 320, "height": 180, "anchor": anchor(n, frame), "crop": f"pictures/{n}.jpg"}
        | {
            "frames": None,
            "picture": "pictures/frame.jpg" if frame == 1 else None,
            "link": "javascript:alert(1)",
        }
        for frame, role in enumerate(("near", "near", "far", "far", "elsewhere", "elsewhere"), 1)
    ]
    return {"person": who, "name": name or (f"Person {who}" if who else ""), "named": bool(name)} | {
        "seconds": 1000.0 - n,
        "n_faces": 6,
        "n_broadcasts": 1,
        "anchor": anchor(n),
        "faces": faces,
        "more": None,
        "reviewed": False,
    }


def question(kind: str, rows: list[dict[str, Any]], answers: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"id": ":".join([kind, *(str(each["anchor"]["at"][0]) for each in rows)]), "kind": kind}
    found |= {"probability": 0.93, "seconds": 100.0, "gain": 93.0, "reason": "0.31 apart", "rows": rows}
    return found | ({"answers": answers} if answers else {})


def pair(kind: str, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = [one["anchor"], other["anchor"]]
    return question(kind, [one, other], {"yes": [{"same": both}], "no": [{"different": both}]})


def document() -> dict[str, Any]:
    people = [row(n, HOSTILE[0] if n == 3 else "") for n in range(12)]
    part = people[4] | {"faces": people[4]["faces"][3:], "anchor": anchor(4, 4), "n_faces": 3}
    whole = people[4] | {"faces": people[4]["faces"][:3]}
    split = {
        "yes": [{"split": [each["anchor"] for each in part["faces"]]}],
        "no": [{"same": [whole["anchor"], part["anchor"]]}],
    }
    nobody = row(20, person="")
    effect = {"problems": [], "n_people": [12, 11], "pairs": [5, 4], "gained": 0, "lost": 1, "merged": 1}
    effect |= {"seconds": 999.0, "people": []}
    questions = [
        pair("same", people[0], people[1]) | {"effect": effect},
        pair("same", people[1], people[2]),
        pair("same", people[0], people[2]),
        question("split", [whole, part], split),
        pair("member", nobody, people[5]),
        *(question("who", [people[n]]) for n in range(5, 12)),
    ]
    kinds = [each["kind"] for each in questions]
    return {
        "format": 1,
        "static": True,
        "castgraph": "0",
        "run": "made-up",
        "clustering": "eps-0.40",
        "frame_seconds": 4,
        "etag": None,
        "file": "corrections.yaml",
        "by": "",
        "command": "snakemake",
        "named_by_run": True,
        "hint": "",
        "notes": [],
        "progress": {
            "share": 0.0,
            "seconds": sum(each["seconds"] for each in people),
            "reviewed_seconds": 0.0,
        }
        | {"n_people": 12, "n_named": 1, "n_ignored": 0, "n_decisions": 0, "n_unsure": 0}
        | {"open": {kind: kinds.count(kind) for kind in ("same", "split", "member", "who")}},
        "undo": None,
        "questions": questions,
        "n_questions": len(questions),
        "people": [each | {"portrait": f"pictures/{n}.jpg", "ignored": ""} for n, each in enumerate(people)],
        "bring": "uv run castgraph people add results/made-up corrections-made-up.yaml",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made-up page."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "pictures").mkdir()
    for n in range(21):
        Image.new("RGB", (96, 96), (12 * n, 90, 200 - 9 * n)).save(folder / "pictures" / f"{n}.jpg")
    Image.new("RGB", (320, 180), "grey").save(folder / "pictures" / "frame.jpg")
    for name in ASSETS:
        (folder / name).write_bytes(asset(name))
    (folder / "questions.js").write_text(f"CG.review({script_json(document())});", encoding="utf-8")
    (folder / "index.html").write_text(page_of("made-up", is_served=False), encoding="utf-8")
    return folder


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with watched(chromium) as context:
        yield context


@contextmanager
def watched(chromium: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A browser without a past; what its pages log or throw is an error."""
    errors: list[str] = []
    context = chromium.new_context(**({"viewport": {"width": 1280, "height": 860}} | options))
    context.on("weberror", lambda each: errors.append(str(each.error)))
    context.on("console", lambda each: errors.append(each.text))
    yield context
    context.close()
    assert errors == []


@pytest.fixture
def page(context: BrowserContext, folder: Path) -> Page:
    return opened(context, folder)


def opened(context: BrowserContext, folder: Path) -> Page:
    page = context.new_page()
    # As in Firefox, which has no picker.
    page.add_init_script("delete window.showSaveFilePicker")
    page.goto((folder / "index.html").as_uri())
    expect(page.locator("h2")).to_have_text("One person?")
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def heading(page: Page) -> str:
    return page.locator("main h2").inner_text()


def asked(page: Page) -> list[str]:
    return page.locator("section.row h3 bdi").all_inner_texts()


def saved(page: Page, to: Path) -> Path:
    """Save the answers with the keyboard."""
    page.get_by_role("button", name="Save…").focus()
    press(page, "Enter")
    page.get_by_label("Your name").fill("ann")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").press("Enter")
    assert download.value.suggested_filename == "corrections-made-up.yaml"
    path = to / "corrections-made-up.yaml"
    download.value.save_as(path)
    press(page, "Escape")
    return path


def test_answers_become_a_file_that_python_reads_and_outlive_the_page(
    context: BrowserContext, page: Page, folder: Path, tmp_path: Path
) -> None:
    expect(page.locator(".effect")).to_contain_text("Person A001 goes into Person A000: the ID A000 stays")
    expect(page.locator(".effect")).to_contain_text("people: 12 → 11 · pairs: 5 → 4")
    press(page, "y")
    # What is answered with it is not asked: A001 is A000 now, and A002 is asked about once.
    assert asked(page) == ["Person A001", "Person A002"]
    press(page, "n")
    expect(page.locator("main h2")).to_have_text("Two people?")
    page.wait_for_timeout(300)  # a question that came up by itself takes no answer for a moment
    press(page, "5", "Shift+Digit6", "s")
    expect(page.locator("main h2")).to_have_text("Whose is this?")
    press(page, "f")
    expect(page.locator("main h2")).to_have_text("Who is this?")
    for name in HOSTILE[1:]:
        press(page, "r")
        page.keyboard.insert_text(name)
        press(page, "Enter")
    press(page, "i")
    page.keyboard.insert_text('a "child"')
    press(page, "Enter")
    press(page, "u")
    expect(page.locator("main h2")).to_have_text("Nothing is left to ask")

    found = read_corrections(saved(page, tmp_path))
    assert {each.by for each in found} == {"ann"}
    assert [each.kind for each in found] == (
        ["same", "different", "split", *["not_a_face"] * 6, *["person"] * 5, "ignore"]
    )
    names = [each.name for each in found if each.kind == "person"]
    assert names == [HOSTILE[1], "שלום Ann", "No", "n" * 200, "𝄞 é 'ß' ي\N{ZERO WIDTH NON-JOINER}ن"]
    assert [each.frame for each in found[2].anchors] == [5, 6]
    assert "# unsure: who:111" in (tmp_path / "corrections-made-up.yaml").read_text(encoding="utf-8")
    # Reading it again, all are answered; undo goes back through everything.
    again = opened_again(context, folder)
    expect(again.locator("main h2")).to_have_text("Nothing is left to ask")
    press(again, *["z"] * 11)
    assert asked(again) == ["Person A000", "Person A001"]
    expect(again.locator(".share")).to_contain_text(
        "0 % of screen time reviewed · 0 decisions · 12 questions"
    )
    assert again.title() == "Review of made-up"


def opened_again(context: BrowserContext, folder: Path) -> Page:
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    return page


def test_a_name_that_somebody_has_is_asked_about(page: Page, tmp_path: Path) -> None:
    press(page, "j", "j", "j", "j", "j")
    expect(page.locator("main h2")).to_have_text("Who is this?")
    press(page, "r")
    page.keyboard.insert_text("<IMG")
    press(page, "ArrowDown", "Enter", "Enter")  # out of the list, then saved
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Somebody has this name already")
    expect(dialog).to_contain_text("Person A005 goes into <img")
    press(page, "Escape")  # confirms nothing
    expect(page.locator(".share")).to_contain_text("0 decisions")
    assert heading(page) == "Who is this?"
    press(page, "r")
    page.keyboard.insert_text(HOSTILE[0])
    press(page, "Enter")
    page.get_by_role("button", name="Two people of one name").press("Enter")
    [decision] = read_corrections(saved(page, tmp_path))
    assert decision.name == HOSTILE[0]
    assert page.title() == "Review of made-up"  # nothing in a name has run


def test_many_people_at_once(page: Page, tmp_path: Path) -> None:
    press(page, "p")
    grid = page.get_by_role("listbox", name="People")
    expect(grid).to_be_focused()
    press(page, "Space", "ArrowRight", "Shift+ArrowRight")
    expect(grid.get_by_role("option", selected=True)).to_have_count(3)
    press(page, "m")
    expect(page.get_by_role("dialog")).to_contain_text("Make one person of 3")
    page.get_by_role("radio", name="another name").check()
    page.get_by_role("combobox", name="Name").fill("Ann Example")
    press(page, "Enter")
    expect(grid.get_by_role("option")).to_have_count(10)
    expect(grid.get_by_role("option", name="Ann Example")).to_have_count(1)
    # A box that is dragged marks whoever it meets.
    first, second = (grid.get_by_role("option").nth(n).bounding_box() for n in (1, 3))
    assert first and second
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(second["x"] + 20, second["y"] + 20, steps=4)
    page.mouse.up()
    expect(grid.get_by_role("option", selected=True)).to_have_count(3)
    press(page, "i")
    page.keyboard.insert_text("guests")
    press(page, "Enter")
    expect(grid.get_by_role("option")).to_have_count(7)
    # They are out of the way, and found again.
    page.get_by_label("Who is shown").select_option("ignored")
    expect(grid.get_by_role("option")).to_have_count(3)
    page.get_by_label("Who is shown").select_option("all")
    press(page, "z")
    expect(grid.get_by_role("option")).to_have_count(10)
    found = read_corrections(saved(page, tmp_path))
    assert [each.kind for each in found] == ["same", "person"]
    assert len(found[0].anchors) == 3


def test_one_large_face_and_the_frame_around(page: Page) -> None:
    press(page, "Space")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 of 12 · Person A000")
    press(page, "ArrowRight", "x", "o")
    expect(dialog).to_contain_text("2 of 12 · Person A000 · nearest to the middle · marked")
    press(page, "ArrowLeft")
    expect(dialog.locator(".box")).to_be_visible()
    assert dialog.get_by_role("link").count() == 0  # its address is none that may be opened
    press(page, "y", "n", "Escape")
    expect(dialog).to_be_hidden()
    assert heading(page) == "One person?"
    expect(page.locator(".face[aria-pressed=true]")).to_have_count(1)
    press(page, "y")  # with a mark it is not clear what is meant
    expect(page.locator(".share")).to_contain_text("0 decisions")
    expect(page.locator(".hint")).to_contain_text("1 face is marked")


def test_keys_of_other_keyboards_and_without_keys(page: Page) -> None:
    page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'н', code: 'KeyY', bubbles: true}))"
    )
    expect(page.locator(".share")).to_contain_text("1 decision")
    press(page, "?")
    page.get_by_role("checkbox").uncheck()
    press(page, "Escape", "y")
    expect(page.locator(".share")).to_contain_text("1 decision")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".share")).to_contain_text("2 decisions")
    expect(page.get_by_role("button", name="Yes")).to_be_focused()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_is_accessible_and_fits(chromium: Browser, folder: Path, scheme: Any, width: int) -> None:
    axe = (installed(ROOT / "web") / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    size = {"width": width, "height": 860}
    with watched(chromium, viewport=size, color_scheme=scheme, reduced_motion="reduce") as context:
        look_at_all(opened(context, folder), axe)


def look_at_all(page: Page, axe: str) -> None:
    page.evaluate(axe)

    def check() -> None:
        found = page.evaluate(
            "axe.run({preload: false, runOnly: "
            "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    check()
    press(page, "1")
    check()
    press(page, "Escape", "j", "j", "j", "r")
    page.keyboard.insert_text("<i")
    check()
    press(page, "Escape", "Escape", "o")
    check()
    press(page, "Escape", "?")
    check()
    press(page, "Escape", "p", "Space", "ArrowRight", "Space")
    check()
    press(page, "m")
    check()
    press(page, "Escape", "i")
    check()
