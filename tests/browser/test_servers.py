"""Local servers in a browser: any frame in the explorer, and what other sites can do, secrets known."""

from __future__ import annotations

import json
import shutil
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, Playwright, expect
from tests import cast, explored
from tests.browser.conftest import _found
from tests.explored import Story
from tests.processes import Process, serving

from castgraph.pages.server.serving import _open

EVIL = "evil.example"


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory, story: Story) -> Iterator[Process]:
    """The server of an explorer, with all frames of its run."""
    folder = tmp_path_factory.mktemp("explored")
    run = folder / "results" / "made-up"
    explored.explore(folder / "results", story)
    shutil.move(folder / "results" / "explorer", run / explored.CLUSTERING / "explorer")
    shutil.move(folder / "results" / "zips", folder / "resources" / "zips")
    (run / "config.yaml").write_text(yaml.safe_dump(explored.loaded(story)), encoding="utf-8")
    with serving(folder, "explore", run, "--clustering", explored.CLUSTERING) as server:
        yield server


@pytest.fixture
def evil(playwright: Playwright) -> Iterator[Browser]:
    """A browser in which the name of another site leads to this machine."""
    rules = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
    browser = playwright.chromium.launch(executable_path=_found(), args=["--no-sandbox", rules])
    yield browser
    browser.close()


def test_any_frame_in_the_explorer(explorer: Process, open_page: Callable[..., Page]) -> None:
    page = open_page(explorer.address, "#/people")
    expect(page.get_by_role("heading", name="People").first).to_be_visible()
    meta = page.locator('meta[name="castgraph-frames"]').get_attribute("content")
    assert meta == f"{explorer.path}frame"
    size = page.evaluate(
        """async (address) => {
            const image = new Image();
            image.src = address;
            await image.decode();
            return [image.naturalWidth, image.naturalHeight];
        }""",
        f"{meta}/1/3.jpg?width=320",
    )
    assert size == [320, 320 * explored.HEIGHT // explored.WIDTH]


def test_the_browser_is_led_to_the_page(
    explorer: Process, open_page: Callable[..., Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By way of a file, since everybody can read what a process is told; the fragment comes along."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    _open(f"{explorer.address}#/people", tmp_path)
    [address] = opened
    assert explorer.path not in address
    page = open_page(address)
    page.wait_for_url(f"{explorer.address}#/people")
    expect(page.get_by_role("heading", name="People").first).to_be_visible()


ATTACK = """<!doctype html><title>evil</title><body><script>
const got = [];
globalThis.CG = {manifest: () => got.push("manifest"), put: () => got.push("put")};
const until = (make) => Promise.race([new Promise(make), new Promise((end) => setTimeout(end, 3000))]);
const embedded = (tag, address) => until((end) => {
  const each = document.createElement(tag);
  each.onload = () => { if (tag !== "iframe") got.push(`${tag} ${address}`); end(); };
  each.onerror = end;
  each[tag === "link" ? "href" : "src"] = address;
  if (tag === "link") each.rel = "stylesheet";
  document.body.append(each);
});
const asked = async (address, options) => {
  try {
    const found = await fetch(address, options);
    if (found.type !== "opaque") got.push(`${address} ${await found.text()}`);
  } catch (error) { /* as it should be */ }
};
const sent = (target, type, address, body) => until((end) => {
  const frame = document.createElement("iframe");
  frame.sandbox = target;
  frame.srcdoc = `<form method="post" enctype="${type}" action="${address}">` +
    `<input name='{"x":"' value='"}'></form><script>
      fetch(${JSON.stringify(address)}, {method: "POST", mode: "no-cors", body: ${JSON.stringify(body)}});
      document.forms[0].submit();<\\/script>`;
  document.body.append(frame);
  setTimeout(end, 1500);
});
const run = async ({base, embed, post, token, body}) => {
  const tries = embed.map(([tag, address]) => embedded(tag, base + address));
  for (const [, address] of embed) {
    tries.push(asked(base + address));
    tries.push(asked(base + address, {mode: "no-cors"}));
    tries.push(asked(base + address, {headers: {"X-Castgraph-Token": token}, credentials: "include"}));
  }
  for (const address of post) {
    tries.push(asked(base + address, {method: "POST", mode: "no-cors", body}));
    tries.push(asked(base + address, {method: "POST", body, headers: {"Content-Type": "application/json",
      "X-Castgraph-Token": token, "If-Match": "*"}}));
    for (const target of ["allow-scripts allow-forms", "allow-scripts allow-forms allow-same-origin"])
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
        tries.push(sent(target, type, base + address, body));
  }
  tries.push(until((end) => {
    const socket = new WebSocket(base.replace("http", "ws") + "/api/review");
    socket.onopen = () => { got.push("socket"); end(); };
    socket.onerror = end;
  }));
  await Promise.all(tries);
  return got;
};
</script>"""


@contextmanager
def site() -> Iterator[int]:
    """Another server on this machine; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(ATTACK.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def attacked(browser: Browser, base: str, **what: Any) -> None:
    """Let another site, and another server of this machine, try everything; nothing is got."""
    with site() as port:
        for host in (EVIL, "127.0.0.1"):
            page = browser.new_page()
            page.goto(f"http://{host}:{port}/")
            assert page.evaluate("run", {"base": base, **what}) == []
            # What was embedded has nothing in it.
            assert not any("castgraph" in frame.content() for frame in page.frames[1:] if _is_open(frame))
            page.close()


def _is_open(frame: Any) -> bool:
    return not frame.is_detached() and frame.url.startswith("http")


def test_other_sites_get_nothing_of_the_explorer(explorer: Process, evil: Browser) -> None:
    path = explorer.path
    embed = [
        ("script", f"{path}data/manifest.js"),
        ("script", f"{path}data/people.js"),
        ("script", f"{path}explorer.js"),
        ("link", f"{path}explorer.css"),
        ("img", f"{path}frame/1/3.jpg"),
        ("iframe", path),
    ]
    attacked(evil, f"http://{explorer.host}", embed=embed, post=[path], token="", body="{}")
    page = evil.new_page()
    # A name that was made to lead here.
    answer = page.goto(f"http://{EVIL}:{explorer.port}{path}")
    assert answer is not None
    assert (answer.status, "castgraph" in page.content()) == (421, False)
    # A link from another site opens the page, and nothing but that.
    page.goto(explorer.address)
    expect(page.locator("body")).to_contain_text("faces")


def test_other_sites_decide_nothing(tmp_path: Path, evil: Browser) -> None:
    run = cast.made(tmp_path, {cast.ONE: [[0, 1], [0]]})
    with serving(tmp_path, "review", run) as server:
        _, _, token = server.address.partition("#token=")
        head, _, body = server.get("/api/review", f"X-Castgraph-Token: {token}").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        row = json.loads(body)["questions"][0]["rows"][0]
        block = {"ignore": row["anchor"], "reason": "evil"}
        embed = [("img", f"/{row['faces'][0]['crop']}"), ("script", "/review.js"), ("iframe", "/")]
        embed += [("script", "/api/review"), ("img", "/api/people")]
        attacked(
            evil,
            f"http://{server.host}",
            embed=embed,
            post=["/api/decide", "/api/undo", "/api/run"],
            token=token,
            body=json.dumps({"decisions": [block]}),
        )
        found = server.get("/api/run", f"X-Castgraph-Token: {token}")
        assert b'"state":"none"' in found
    assert not (tmp_path / "corrections.yaml").exists()
