"""A run that groups people wrongly in every way, and a page of its review."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.asgi import Answer, ask
from tests.cast import CLUSTERING, ONE, TWO, made, suggested

from castgraph.pages.server.review import Review
from castgraph.pages.server.workflow import Workflow

HOST = "127.0.0.1:8000"
TOKEN = "of-this-test"

CAST = {
    ONE: [[0, 1], [0, 4], [1, 2], [3], [0, 3], [5], [2]] * 4,
    TWO: [[2, 0], [1], [4, 0], [4], [3, 1], [5, 3]] * 4,
}


def label(who: int, broadcast: str, _: int) -> int:
    """0 is taken for two people, 1 and 2 for one, and half of 3 is of nobody."""
    if broadcast == TWO:
        return {0: 7, 2: 1, 3: -1}.get(who, who)
    return {2: 1}.get(who, who)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that no test changes."""
    folder = tmp_path_factory.mktemp("finished")
    suggested(made(folder, CAST, label))
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results" / "made-up"


class Tab:
    """A page in a browser: it knows a token, and the state of the file that it was told last."""

    def __init__(self, review: Review) -> None:
        self.app, _ = review.served(8000, TOKEN)
        self.etag = ""
        self.reload()

    def get(self, path: str) -> Answer:
        return ask(self.app, "GET", path, {"Host": HOST, "X-Castgraph-Token": TOKEN})

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        own = {"Host": HOST, "Origin": f"http://{HOST}", "Content-Type": "application/json"}
        own |= {
            "Sec-Fetch-Site": "same-origin",
            "X-Castgraph-Token": TOKEN,
            "If-Match": f'"{self.etag}"',
        } | headers
        found = ask(
            self.app, "POST", path, own, body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        if found.status == 200 and "etag" in found.json():
            self.etag = found.json()["etag"]
        return found

    def reload(self) -> dict[str, Any]:
        found = self.get("/api/review?most=200")
        assert found.status == 200, found.body
        self.etag = found.json()["etag"]
        assert found.headers["etag"] == f'"{self.etag}"'
        return found.json()

    def questions(self, kind: str = "") -> list[dict[str, Any]]:
        return self.get(f"/api/questions?most=200&kind={kind}").json()["questions"]

    def answer(
        self, question: dict[str, Any], answer: str, decisions: list[Any] | None = None
    ) -> dict[str, Any]:
        """Answer a question; it goes well."""
        blocks = question["answers"].get(answer, []) if decisions is None else decisions
        found = self.post("/api/decide", {"question": question["id"], "answer": answer, "decisions": blocks})
        assert found.status == 200, found.body
        return found.json()

    def decide(self, *blocks: dict[str, Any], **more: Any) -> Answer:
        return self.post("/api/decide", {"question": None, "answer": "", "decisions": list(blocks)} | more)

    def undo(self) -> Answer:
        return self.post("/api/undo", {})


Open = Callable[..., Tab]


@pytest.fixture(scope="module")
def held(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Tab:
    """A page for what changes nothing; its file of corrections is not there."""
    folder = tmp_path_factory.mktemp("held")
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    run = folder / "results" / "made-up"
    return Tab(Review(run, CLUSTERING, folder / "corrections.yaml"))


@pytest.fixture
def open_tab(run: Path) -> Open:
    """Opens a page of a new server."""

    def opened(workflow: Workflow | None = None, **options: Any) -> Tab:
        return Tab(Review(run, CLUSTERING, workflow=workflow, **options))

    return opened


@pytest.fixture
def tab(open_tab: Open) -> Tab:
    return open_tab()
