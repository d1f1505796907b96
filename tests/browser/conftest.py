"""A headless Chromium, where there is one, and pages that are open in it."""

import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright
from tests.explored import Explorer, Face, Story, explore

# The one without windows takes three fifths of the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")


# A page waits for its turn on a machine that tests in several processes; 5 s are too few.
expect.set_options(timeout=20_000)


def _found() -> str:
    """Where the browser is; what needs it is skipped, loudly, where there is none."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        message = f"NOT TESTED IN A BROWSER: none of {', '.join(BROWSERS)} is on the PATH"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return browser


@pytest.fixture(scope="session")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run the browser on a page, with options; gives what it printed. What the page logs is an error."""
    browser = _found()
    profile = tmp_path_factory.mktemp("profile")

    def run(page: Path, *options: str) -> str:
        common = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        )
        own = (f"--user-data-dir={profile}", "--enable-logging=stderr")
        done = subprocess.run(
            [browser, *common, *own, *options, page.as_uri()], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert "CONSOLE" not in done.stderr  # where Chromium says what the page's own policy has blocked
        return done.stdout

    return run


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers: for a module, since nothing else may run an event loop as long as it is there."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser, with a WebGL that needs no graphics card."""
    drawn = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    browser = playwright.chromium.launch(
        executable_path=_found(), args=["--no-sandbox", "--disable-dev-shm-usage", *drawn]
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def chromium_without_webgl(playwright: Playwright) -> Iterator[Browser]:
    """The browser, where it draws nothing with WebGL."""
    off = ("--disable-gpu", "--disable-webgl", "--disable-3d-apis")
    browser = playwright.chromium.launch(
        executable_path=_found(), args=["--no-sandbox", "--disable-dev-shm-usage", *off]
    )
    yield browser
    browser.close()


def _is_problem(said: ConsoleMessage) -> bool:
    """Tell whether a message is of the page, and not of a graphics driver about its own speed."""
    return said.type in ("error", "warning") and "GL Driver Message" not in said.text


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page, of a file or an address, at a place in it; then the options of the browser's context.

    What the page logs as an error or a warning, what it throws and what its own policy blocks fail the test.
    """
    opened: list[tuple[Any, list[str]]] = []

    def run(page: Path | str, at: str = "", *, browser: Browser = chromium, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(20_000)
        tab = context.new_page()
        problems: list[str] = []
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda said: problems.append(said.text) if _is_problem(said) else None)
        opened.append((context, problems))
        tab.goto((page.as_uri() if isinstance(page, Path) else page) + at)
        return tab

    yield run
    for context, _ in opened:
        context.close()
    assert [problem for _, problems in opened for problem in problems] == []


HOSTILE = "</script><img src=x onerror=alert(1)>\"'& {{ 7 * 7 }}"
"""The name of a person that would do harm where it is read as anything but a name."""


@pytest.fixture(scope="session")
def story() -> Story:
    """Fourteen people in six broadcasts of three stations, one of them a film by its own clock.

    One has no pair, one a name that is hostile; a stretch was on air before, frames are missing.
    """
    rng = np.random.default_rng(16)
    ids = [f"{letter}{digit}Q{digit}" for letter in "KAMTZ" for digit in "237"][:14]
    films = {
        "NTV_20240102_070000_Morning": range(1, 41),
        "NTV_20240102_190000_News": [n for n in range(3, 50) if n not in (20, 21)],
        "1TV_20240103_235900_Night": range(1, 41),
        "OWN_20240104_190000_Film": range(1, 31),
        "1TV_20240105_190000_News": range(1, 41),
        "NTV_20240106_190000_News": [],
    }
    faces = []
    for name, frames in films.items():
        cast = rng.choice(13, size=7, replace=False)
        for frame in frames:
            seen = [person for person in cast if rng.random() < 0.8 / (1 + 0.25 * person)]
            faces += [Face(name, frame, ids[person], place) for place, person in enumerate(seen[:6])]
            if rng.random() < 0.3:
                faces.append(Face(name, frame, None, 6, "noise"))
    faces.append(Face("NTV_20240102_070000_Morning", 40, ids[0], 5))  # twice in a frame, as in a mirror
    faces.append(Face("NTV_20240106_190000_News", 9, ids[13]))
    films["NTV_20240106_190000_News"] = [9]
    return Story(
        faces,
        {name: dict.fromkeys(frames, "ok") for name, frames in films.items()},
        clock={"OWN_20240104_190000_Film": lambda frame: 3.9 * (frame - 1)},
        names={ids[1]: "José Ángel Muñoz", ids[2]: HOSTILE, ids[3]: "=HYPERLINK(0)", ids[4]: "Анна Петрова"},
        replays=[("NTV_20240102_190000_News", 5, 15, "NTV_20240102_070000_Morning", 4)],
        words=True,
    )


@pytest.fixture(scope="session")
def explorer(tmp_path_factory: pytest.TempPathFactory, story: Story) -> Explorer:
    """The explorer of that run, in ``explorer.folder``; its tables lie in ``made-up`` beside it."""
    return explore(tmp_path_factory.mktemp("explored"), story)
