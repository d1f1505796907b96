"""A server that is killed in the middle of a write, and one that runs as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from tests.processes import Process, serving
from tests.unit.pages.review.conftest import Open, Tab

from castgraph.pages.server.workflow import Workflow
from castgraph.people.corrections import read_corrections

FILE = Path("corrections.yaml")
COMMENT = "# Kept, whatever happens.\n"


def test_killed_in_the_middle_of_a_write(open_tab: Open) -> None:
    """Six times, at moments that differ: the file is whole, and the next server goes on."""
    FILE.write_text(COMMENT)
    for number in range(6):
        tab = open_tab()
        child = os.fork()
        if child == 0:
            _decide_for_ever(tab)
        time.sleep(0.15 + 0.013 * number)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        text = FILE.read_text()
        assert text.startswith(COMMENT)
        assert all(each.anchors for each in read_corrections(FILE))
        assert {path.suffix for path in Path().glob(".corrections*")} <= {".part"}
    tab = open_tab()
    before = len(read_corrections(FILE))
    anchor = tab.get("/api/people").json()["people"][0]["anchor"]
    assert tab.decide({"person": anchor, "name": "Ann", "source": "caption"}).status == 200
    assert not list(Path().glob(".corrections*"))
    while tab.undo().status == 200:
        pass
    assert len(read_corrections(FILE)) <= before + 1


def _decide_for_ever(tab: Tab) -> None:
    try:
        everybody = tab.get("/api/people").json()["people"]
        while True:
            for n, each in enumerate(everybody):
                tab.decide({"person": each["anchor"], "name": f"Person of {n}", "source": "x" * 150})
            for _ in everybody:
                tab.undo()
    finally:
        os._exit(1)


def test_a_server_of_its_own(run: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "review", run, "--by", "ann") as server:
        address, _, token = server.address.partition("#token=")
        assert (address, len(token) >= 43) == (f"http://{server.host}/", True)
        assert b'content="/api"' in server.get("/")
        assert server.get("/api/review").startswith(b"HTTP/1.1 403")
        head, _, body = server.get("/api/review", f"X-Castgraph-Token: {token}").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        document = json.loads(body)
        anchor = document["questions"][0]["rows"][0]["anchor"]
        block = {"person": anchor, "name": "Ann", "source": "caption"}
        sent = json.dumps({"question": None, "answer": "name", "decisions": [block]}).encode()
        other = sent.replace(b"Ann", b"Bob")  # what is sent twice is done once
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(other), other)
        for headers, content, status in (
            ([f"Content-Length: {len(sent)}", "Origin: null"], sent, b"403"),
            ([f"Content-Length: {len(sent)}", "Origin: https://evil.example"], sent, b"403"),
            ([f"Content-Length: {10**9}", f"Origin: http://{server.host}"], sent, b"413"),
            (["Transfer-Encoding: chunked", f"Origin: http://{server.host}"], _endless(), b"413"),
            ([f"Content-Length: {len(sent)}", f"Origin: http://{server.host}"], sent, b"200"),
            (["Transfer-Encoding: chunked", f"Origin: http://{server.host}"], chunked, b"412"),
        ):
            assert _post(server, token, document["etag"], headers, content).startswith(b"HTTP/1.1 " + status)
        [found] = read_corrections(tmp_path / "corrections.yaml")
        assert (found.name, found.by) == ("Ann", "ann")
        assert server.stop() == 0


def test_a_run_that_is_at_work_outlives_the_server(open_tab: Open, run: Path, tmp_path: Path) -> None:
    """It is in a session of its own, so that Ctrl-C does not reach it."""
    script = "import os, time; print(os.getsid(0) == os.getpid(), flush=True); time.sleep(60)"
    workflow = Workflow(run, [sys.executable, "-c", script])
    tab = open_tab(workflow)
    assert tab.post("/api/run", {}).status == 200
    while not workflow.state()["lines"]:
        time.sleep(0.02)
    assert workflow.state()["lines"] == ["True"]
    assert workflow.log == tmp_path / "results" / "logs" / "made-up" / "review.log"
    assert workflow._process is not None
    workflow._process.kill()
    workflow._process.wait()
    assert workflow.state()["state"] == "failed"


def _endless() -> bytes:
    """More than may be sent, in pieces of which none says how much it will be."""
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    return piece * 17


def _post(server: Process, token: str, etag: str, headers: list[str], content: bytes) -> bytes:
    lines = [
        "POST /api/decide HTTP/1.1",
        f"Host: {server.host}",
        "Connection: close",
        "Content-Type: application/json",
        "Sec-Fetch-Site: same-origin",
        f"X-Castgraph-Token: {token}",
        f'If-Match: "{etag}"',
        *headers,
    ]
    return server.send("\r\n".join([*lines, "", ""]).encode() + content)
