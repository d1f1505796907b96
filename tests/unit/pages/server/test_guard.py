"""What is sent to a local server by somebody else than its page, and which answer it gets."""

import json
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from tests.asgi import Answer, ask

from castgraph.pages.server import files
from castgraph.pages.server.guard import TOKEN_HEADER, Guard, secret

PORT = 8000
HOST = f"127.0.0.1:{PORT}"
TOKEN = secret()
POLICY = "default-src 'none'"
POST = {
    "Host": HOST,
    "Origin": f"http://{HOST}",
    "Sec-Fetch-Site": "same-origin",
    "Content-Type": "application/json",
    TOKEN_HEADER: TOKEN,
}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what came through, and try to allow what the guard does not."""
    request = Request(scope, receive)
    body = (await request.body()).decode()
    loose = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public"}
    answer = JSONResponse({"path": scope["path"], "body": body}, headers=loose)
    await answer(scope, receive, send)


GUARD = Guard(echo, PORT, TOKEN, POLICY, most_bytes=1000, slowest=0.05)


def get(path: str = "/", **headers: str) -> Answer:
    return ask(GUARD, "GET", path, {"Host": HOST} | headers)


def test_its_own_page_gets_through() -> None:
    for host in (HOST, f"localhost:{PORT}"):
        found = ask(
            GUARD, "POST", "/api/x", POST | {"Host": host, "Origin": f"http://{host}"}, [b'{"a"', b":1}"]
        )
        assert (found.status, found.json()) == (200, {"path": "/api/x", "body": '{"a":1}'})
    assert get("/review.js", **{"Sec-Fetch-Site": "same-origin"}).status == 200
    assert ask(GUARD, "HEAD", "/", {"Host": HOST}).status == 200


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["evil.example"],
        [f"evil.example:{PORT}"],
        [f"127.0.0.1.evil.example:{PORT}"],
        ["127.0.0.1"],
        ["127.0.0.1:8001"],
        [f"127.0.0.1:{PORT}", f"127.0.0.1:{PORT}"],
        [f"127.0.0.1:{PORT}", "evil.example"],
        [f"0.0.0.0:{PORT}"],
        [f"[::1]:{PORT}"],
        [f"127.0.0.1:{PORT}@evil.example"],
        [f"2130706433:{PORT}"],
        [f"LOCALHOST.:{PORT}"],
    ],
)
def test_another_host_is_misdirected(hosts: list[str]) -> None:
    """A name that was made to lead here (DNS rebinding) is not ours."""
    for method, others in (("GET", {}), ("POST", {k: v for k, v in POST.items() if k != "Host"})):
        headers = [*(("Host", host) for host in hosts), *others.items()]
        assert ask(GUARD, method, "/", headers).status == 421


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "get", "X"])
def test_other_methods(method: str) -> None:
    found = ask(GUARD, method, "/api/x", POST)
    assert (found.status, found.headers["allow"]) == (405, "GET, HEAD, POST")
    assert not any(name.startswith("access-control") for name in found.headers)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} | FORM, 403),  # a form
        ({"Origin": "null"}, 403),  # of a sandboxed frame, or of a page in a file
        ({"Origin": None}, 403),
        ({"Origin": f"https://{HOST}"}, 403),
        ({"Origin": f"http://localhost:{PORT}"}, 403),  # its own by another name
        ({"Origin": f"http://{HOST}/"}, 403),
        ({"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"}, 403),  # another server here
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": None}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, 403),  # a form that opens a page
        ({TOKEN_HEADER: None}, 403),
        ({TOKEN_HEADER: ""}, 403),
        ({TOKEN_HEADER: TOKEN[:-1]}, 403),
        ({TOKEN_HEADER: TOKEN + "x"}, 403),
        ({TOKEN_HEADER: secret()}, 403),
        ({TOKEN_HEADER: "\xff\x00"}, 403),
        (FORM, 415),
        ({"Content-Type": "text/plain"}, 415),  # what a form can send
        ({"Content-Type": "text/plain; application/json"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Length": "1001"}, 413),
        ({"Content-Length": "9" * 5000}, 413),
        ({"Content-Length": "-1"}, 413),
        ({"Content-Length": "ten"}, 413),
    ],
)
def test_what_is_not_sent_by_its_page(changed: dict[str, str | None], status: int) -> None:
    headers = {name: value for name, value in (POST | changed).items() if value is not None}
    found = ask(GUARD, "POST", "/api/x", headers, b"{}")
    assert found.status == status
    assert found.json()["error"]


def test_a_header_that_is_there_twice_counts_for_nothing() -> None:
    for name in ("Origin", TOKEN_HEADER, "Content-Type", "Sec-Fetch-Site"):
        pairs = [*POST.items(), (name, POST[name])]
        assert ask(GUARD, "POST", "/api/x", pairs, b"{}").status in (403, 415)


def test_a_body_that_is_larger_than_it_says() -> None:
    """In pieces, without Content-Length, or with one that is too small."""
    for length in ({}, {"Content-Length": "10"}):
        found = ask(GUARD, "POST", "/api/x", POST | length, [b"x" * 600, b"x" * 600])
        assert found.status == 413
    assert ask(GUARD, "POST", "/api/x", POST, b"x" * 1000).status == 200
    # It is not waited for what would come after.
    assert ask(GUARD, "POST", "/api/x", POST, [b"x" * 2000], ends=False).status == 413


def test_a_body_that_never_ends() -> None:
    assert ask(GUARD, "POST", "/api/x", POST, [b"{", b""], ends=False).status == 408


def test_reading_needs_the_token_under_api() -> None:
    assert get("/api/review").status == 403
    assert get("/api/review", **{TOKEN_HEADER: TOKEN}).status == 200
    assert get("/api/review?token=" + TOKEN).status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, 200),
        ({}, 200),
    ],
)
def test_other_pages_may_lead_here_and_embed_nothing(headers: dict[str, str], status: int) -> None:
    found = get("/data/people.js", **headers)
    assert found.status == status
    assert found.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("refused", [False, True])
def test_every_answer_says_what_a_page_may_do(refused: bool) -> None:
    found = get("/", **({"Host": "evil.example"} if refused else {}))
    assert found.status == (421 if refused else 200)
    told = {
        "cache-control": "no-store",
        "content-security-policy": POLICY,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    assert told.items() <= found.headers.items()


def test_web_sockets_are_closed() -> None:
    assert ask(GUARD, "GET", "/api/x", POST, kind="websocket").status == 0


# ---- files -----------------------------------------------------------------------------------------------

HOSTILE = [
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "data/../../secret.txt",
    "..\\secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "./index.html",
    "data//people.js",
    "data/",
    "data",
    "",
    "index.html\0.png",
    "index.html%00",
    "index.html/",
    "INDEX.HTML",
    "index.html.",
    "link.html",
    "linked/people.js",
    ".hidden.js",
    "notes.py",
    "pipe.txt",
    "x" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_only_listed_files(tmp_path: Path, name: str) -> None:
    import os

    folder = tmp_path / "explorer"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    for file in ("index.html", "data/people.js", ".hidden.js", "notes.py"):
        (folder / file).write_text(file)
    (folder / "link.html").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(folder / "data", target_is_directory=True)
    os.mkfifo(folder / "pipe.txt")
    found = files.listed(folder)
    assert sorted(found) == ["data/people.js", "index.html"]
    answer = files.answer(found, name)
    assert (answer.status_code, bytes(answer.body)) == (404, b"no such file\n")
    assert bytes(files.answer(found, "data/people.js").body) == b"data/people.js"


def test_a_listed_file_that_became_something_else(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    page = tmp_path / "page"
    page.mkdir()
    for name in ("a.html", "b.html", "c.html"):
        (page / name).write_text(name)
    found = files.listed(page)
    for name in found:
        (page / name).unlink()
    (page / "a.html").symlink_to(tmp_path / "secret.txt")
    (page / "b.html").mkdir()
    assert [files.answer(found, name).status_code for name in sorted(found)] == [404, 404, 404]


def test_errors_are_json() -> None:
    assert json.loads(get("/", Host="x").body)["error"]
