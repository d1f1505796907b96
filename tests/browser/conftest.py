"""A headless Chromium, where there is one."""

import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run the browser on a page, with options; gives what it printed. What the page logs is an error."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        message = f"NOT TESTED IN A BROWSER: none of {', '.join(BROWSERS)} is on the PATH"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, driven."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser")
    with sync_playwright() as playwright:
        driven = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield driven
        driven.close()
