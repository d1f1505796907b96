"""The review page and its server: the keyboard alone, other hands on the file, a server that goes away."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from tests.cast import CLUSTERING, ONE, TWO, identified, made, suggested
from tests.processes import Process, serving

from castgraph.base import tables
from castgraph.people.corrections import read_corrections

N = 14
SHOWN = [[0, 1], [2, 3], [4, 5], [6], [7], [8], [9], [10], [11, 12], [13], [6], [8]] * 5
CAST = {ONE: SHOWN, TWO: [[3, 0], [5, 1], [2], [4], [7, 10], [9, 6], [10], [11], [8], [12, 13]] * 3}
FACES = [who for broadcast in sorted(CAST) for shown in CAST[broadcast] for who in shown]
TRUTH = {frozenset(n for n, each in enumerate(FACES) if each == who) for who in range(N)}
"""The rows of the faces of each."""

RUN = Path("results", "made-up")
FILE = "corrections.yaml"


def label(who: int, broadcast: str, _: int) -> int:
    """0 to 5 are others in the second broadcast, 6 and 7, 8 and 9 are one; half of 10 is of nobody."""
    if who < 6 and broadcast == TWO:
        return N + who
    if who == 10 and broadcast == TWO:
        return -1
    return {7: 6, 9: 8}.get(who, who)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that no test changes."""
    folder = tmp_path_factory.mktemp("finished")
    suggested(made(folder, CAST, label))
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Process]:
    with serving(folder, "review", RUN, "--by", "ann") as server:
        yield server


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser without a past; what its pages throw is an error."""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    context.on("weberror", lambda each: errors.append(str(each.error)))
    yield context
    context.close()
    assert errors == []


def opened(context: BrowserContext, server: Process) -> Page:
    page = context.new_page()
    page.goto(server.address)
    expect(page.locator("section.row")).not_to_have_count(0)
    return page


def only(page: Page, kind: str) -> None:
    """Let questions of one kind be asked."""
    page.get_by_label("Which questions").select_option(kind)
    title = {"same": "One person?", "who": "Who is this?"}[kind]
    expect(page.locator("main h2")).to_have_text(title)
    page.locator("main h2").focus()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def settled(page: Page) -> None:
    """Wait until all is saved, and what is asked is up to date."""
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")


def decisions(folder: Path) -> list[Any]:
    return read_corrections(folder / FILE) if (folder / FILE).exists() else []


def answer(page: Page, names: dict[str, str]) -> None:
    """Answer the question that is asked, with the keyboard: every doubt in this run is right."""
    if page.locator("main h2").inner_text() == "Who is this?":
        name = f"Name {len(names)}"
        names[name] = page.locator("section.row h3").inner_text()
        press(page, "r")
        page.keyboard.type(name)
        press(page, "Enter")
    else:
        press(page, "y")


def grouped(folder: Path) -> tuple[set[frozenset[int]], dict[str, str]]:
    """Do what the workflow does from ``identify`` on: the faces of each person, and who has a name."""
    run = folder / RUN
    identified(run, folder / FILE)
    people = tables.read(
        run / CLUSTERING / "people.parquet", tables.PEOPLE, ["person_id", "name", "name_from"]
    )
    ids = people["person_id"].to_pylist()
    members = tables.read_members(run / CLUSTERING / "members.parquet", run / "faces.parquet", ids)
    found = {
        frozenset((members.person == n).nonzero()[0].tolist()) for n in set(members.person.tolist()) - {-1}
    }
    return found, {
        row["name"]: f"Person {row['person_id']}" for row in people.to_pylist() if row["name_from"]
    }


def test_twenty_decisions_with_the_keyboard_while_the_server_is_killed(
    context: BrowserContext, folder: Path, finished: Path
) -> None:
    names: dict[str, str] = {}
    with serving(folder, "review", RUN, "--by", "ann") as server:
        page = opened(context, server)
        assert "token" not in page.url
        page.reload()  # the token outlives it
        expect(page.locator("section.row")).not_to_have_count(0)
        for _ in range(8):
            answer(page, names)
            settled(page)
        port = server.port
        server.popen.kill()
        server.popen.wait()
        answer(page, names)
        expect(page.get_by_role("alert")).to_contain_text("The server does not answer. 1 answer is kept here")
    with serving(folder, "review", RUN, "--by", "ann", "--port", port) as server:
        field = page.get_by_label("The address that it printed")
        field.focus()
        page.keyboard.insert_text(server.address)
        press(page, "Enter")
        expect(page.get_by_role("alert")).to_be_hidden()
        page.locator("main h2").focus()
        settled(page)
        while page.locator("main h2").inner_text() != "Nothing is left to ask":
            answer(page, names)
            settled(page)
        assert len(decisions(folder)) >= 20
        expect(page.locator(".share")).to_contain_text("100 % of screen time reviewed")
    assert {each.by for each in decisions(folder)} == {"ann"}
    faces, given = grouped(folder)
    assert faces == TRUTH
    assert set(given) == set(names)
    # Who has come out of a split gets an ID now.
    assert all(given[name] == shown for name, shown in names.items() if shown != "a new person")


def test_undo_goes_back_to_the_beginning(context: BrowserContext, folder: Path, server: Process) -> None:
    page = opened(context, server)
    (folder / FILE).write_text("# Ours.\n")
    page.reload()
    only(page, "same")
    first = page.locator("section.row h3").all_inner_texts()
    press(page, "y")
    settled(page)
    expect(page.locator(".hint")).to_contain_text("One person: ")
    expect(page.locator(".hint")).to_contain_text("→ gone")
    press(page, "u")
    settled(page)
    press(page, "n")
    settled(page)
    assert sorted(each.kind for each in decisions(folder)) == ["different", "same"]
    for n in (1, 1, 0):
        press(page, "z")
        settled(page)
        assert len(decisions(folder)) == n
    assert page.locator("section.row h3").all_inner_texts() == first
    assert (folder / FILE).read_text() == "# Ours.\n"
    press(page, "z")
    expect(page.locator(".hint")).to_contain_text("There is nothing to take back")


def test_an_edit_by_hand_and_another_tab(context: BrowserContext, folder: Path, server: Process) -> None:
    page, other = opened(context, server), opened(context, server)
    for each in (page, other):
        only(each, "same")
    other.bring_to_front()
    first = page.locator("section.row h3").all_inner_texts()
    press(other, "y")
    settled(other)
    press(page, "j", "n")
    dialog = page.get_by_role("dialog", name="The file was changed elsewhere")
    expect(dialog).to_contain_text("What came")
    expect(dialog.locator("pre")).to_contain_text("same:")
    assert len(decisions(folder)) == 1
    dialog.get_by_role("button", name="Give it again").press("Enter")
    expect(dialog).to_be_hidden()
    settled(page)
    assert len(decisions(folder)) == 2
    assert first != page.locator("section.row h3").all_inner_texts()
    # By hand; closing the dialog confirms nothing, and the question is asked again.
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(
        f"{text}# By hand.\n- not_a_face: {{broadcast: {ONE}, frame: 1, at: [50, 130]}}\n"
    )
    before = page.locator("section.row h3").all_inner_texts()
    press(page, "u")
    expect(dialog.locator("pre")).to_contain_text("not_a_face:")
    press(page, "Escape")
    expect(page.locator("section.row h3")).to_have_text(before)
    assert "# By hand." in (folder / FILE).read_text()
    press(page, "u")
    settled(page)
    assert len(decisions(folder)) == 3


def test_an_answer_whose_reply_is_lost_is_written_once(
    context: BrowserContext, folder: Path, server: Process
) -> None:
    page = opened(context, server)
    losses = 1

    def lose(route: Route) -> None:
        nonlocal losses
        if losses:
            losses -= 1
            route.fetch()
            route.abort()
        else:
            route.continue_()

    only(page, "same")
    page.route("**/api/decide", lose)
    press(page, "y")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    settled(page)
    assert page.get_by_role("dialog").count() == 0
    assert [each.kind for each in decisions(folder)] == ["same"]


def test_what_the_server_refuses_comes_back_with_the_reason(
    context: BrowserContext, folder: Path, server: Process
) -> None:
    page = opened(context, server)
    only(page, "same")
    first = page.locator("section.row h3").all_inner_texts()
    (folder / FILE).write_text("- sam: []\n")
    press(page, "y")
    assert page.locator("section.row h3").all_inner_texts() != first  # the next is there at once
    expect(page.locator(".hint")).to_contain_text("did you mean same?")
    (folder / FILE).unlink()
    press(page, "j")
    expect(page.locator("section.row h3")).to_have_text(first)
    expect(page.locator(".note")).to_contain_text("It was not saved: ")
    press(page, "y")
    settled(page)
    assert len(decisions(folder)) == 1


def test_without_its_token_the_page_says_what_to_do(context: BrowserContext, server: Process) -> None:
    page = context.new_page()
    page.goto(server.address.partition("#")[0])
    expect(page.get_by_role("alert")).to_contain_text("only with the token of the address")
    page.get_by_label("The address that it printed").fill(server.address)
    press(page, "Enter")
    expect(page.locator("section.row")).not_to_have_count(0)


def test_a_name_that_the_server_knows_and_the_page_does_not(
    context: BrowserContext, folder: Path, server: Process
) -> None:
    page = opened(context, server)
    page.route(
        re.compile("/api/people.*show=named"), lambda route: route.fulfill(json={"people": [], "n_people": 0})
    )
    only(page, "who")
    for _ in range(2):
        press(page, "r")
        page.get_by_role("combobox", name="Name").fill("Ann")
        press(page, "Enter")
    dialog = page.get_by_role("dialog", name="A name twice")
    expect(dialog).to_contain_text("Ann")
    dialog.get_by_role("button", name="Two people of one name").press("Enter")
    settled(page)
    assert [each.name for each in decisions(folder)] == ["Ann", "Ann"]


def test_the_workflow_from_the_page(context: BrowserContext, server: Process) -> None:
    page = opened(context, server)
    states = iter(
        [
            {"state": "none", "code": None, "seconds": 0, "lines": [], "changed": False},
            {"state": "running", "code": None, "seconds": 1, "lines": ["rule identify"], "changed": False},
            {"state": "running", "code": None, "seconds": 2, "lines": ["rule <b>"], "changed": False},
            {"state": "failed", "code": 1, "seconds": 3, "lines": ["rule <b>", "no"], "changed": False},
        ]
    )
    page.route("**/api/run", lambda route: route.fulfill(json={"command": "uv run x", **next(states)}))
    page.get_by_role("button", name="Run…").press("Enter")
    dialog = page.get_by_role("dialog", name="Run the workflow")
    expect(dialog).to_contain_text("It has not run from this page.")
    dialog.get_by_role("button", name="Run the workflow now").press("Enter")
    expect(dialog.locator("pre")).to_have_text("rule <b>\nno", use_inner_text=True)
    expect(dialog).to_contain_text("It has failed. 3 s (it ended with 1)")
    expect(dialog).to_contain_text("uv run x")


def test_a_button_at_the_end_keeps_the_focus_while_questions_are_asked_for(
    context: BrowserContext, server: Process
) -> None:
    page = opened(context, server)
    while page.locator("main h2").inner_text() != "That was the last one":
        press(page, "j")
    press(page, "k")
    held: list[Route] = []
    page.route("**/api/questions*", lambda route: held.append(route))
    with page.expect_request("**/api/questions*"):
        press(page, "u")
    people = page.locator("main").get_by_role("button", name="All people")
    people.focus()
    expect(page.locator("main")).to_have_attribute("aria-busy", "true")
    for each in held:
        each.continue_()
    settled(page)
    expect(people).to_be_focused()


def test_a_page_from_a_file_is_brought_in(context: BrowserContext, folder: Path) -> None:
    """What Bob has answered without a server is what the run says."""
    castgraph(folder, "review", RUN, "--page", "for-bob")
    page = context.new_page()
    page.add_init_script("delete window.showSaveFilePicker")  # as in Firefox
    page.goto((folder / "for-bob" / "index.html").as_uri())
    names: dict[str, str] = {}
    expect(page.locator("section.row")).not_to_have_count(0)
    assert page.locator(".face .none").count() == 0
    while page.locator("main h2").inner_text() != "Nothing is left to ask":
        answer(page, names)
        settled(page)
    page.get_by_role("button", name="Save the answers").press("Enter")
    command = page.get_by_role("dialog").locator("code").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").press("Enter")
    download.value.save_as(folder / download.value.suggested_filename)
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "castgraph"]
    castgraph(folder, *words[3:])
    assert sorted(each.kind for each in decisions(folder)) == sorted(
        each.kind for each in read_corrections(folder / download.value.suggested_filename)
    )
    faces, given = grouped(folder)
    assert faces == TRUTH
    assert set(given) == set(names)


def castgraph(folder: Path, *arguments: object) -> None:
    command = [sys.executable, "-c", "from castgraph.cli import app; app()", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
