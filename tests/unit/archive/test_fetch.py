"""Fetching from a web server with every kind of fault, and from a folder."""

import os
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from castgraph.archive.fetch import Fetched, FetchError, TooLargeError, fetch, join

BODY = bytes(range(256)) * 4000


class Site:
    """A web server that answers each request for a path by the next of the answers set for it.

    An answer is a status, headers, the body, and whether to stall after it. The last one is repeated.
    """

    def __init__(self):
        self.answers = {}
        self.requests = []
        self.over = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.requests.append((self.path, dict(self.headers)))
                answers = site.answers[self.path]
                status, headers, body, stall = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                if stall:
                    site.over.wait(30)
                self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, status=200, body=BODY, headers=None, stall=False, path="/file"):
        """Add an answer and tell the address."""
        self.answers.setdefault(path, []).append((status, headers or {}, body, stall))
        return self.url + path

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    site = Site()
    yield site
    site.close()


@pytest.fixture
def waits(monkeypatch):
    """The seconds waited between attempts, without the waiting."""
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    return waits


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "new" / "file.bin"


def left_behind(destination):
    return sorted(path.name for path in destination.parent.iterdir()) if destination.parent.exists() else []


def test_a_file_is_fetched_whole(site, destination):
    assert fetch(site.answer(), destination) == Fetched("ok", "", len(BODY))
    assert destination.read_bytes() == BODY
    assert left_behind(destination) == ["file.bin"]
    assert len(site.requests) == 1
    assert site.requests[0][1]["User-Agent"].startswith("castgraph/")


@pytest.mark.parametrize(("status", "reason"), [(404, "404 Not Found"), (410, "410 Gone")])
def test_a_missing_file_is_told_at_once_and_touches_nothing(site, destination, status, reason):
    destination.parent.mkdir()
    destination.write_bytes(b"before")
    assert fetch(site.answer(status, b"<html>none</html>"), destination) == Fetched("missing", reason, 0)
    assert destination.read_bytes() == b"before"
    assert left_behind(destination) == ["file.bin"]
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(site, destination, waits, status):
    for _ in range(3):
        url = site.answer(status, b"later")
    site.answer()
    assert fetch(url, destination).status == "ok"
    assert destination.read_bytes() == BODY
    assert len(site.requests) == 4
    assert len(waits) == 3
    # 1, 2, 4 seconds, each lengthened by up to one
    assert all(low <= wait <= low + 1 for low, wait in zip([1, 2, 4], waits, strict=True))


def test_what_does_not_pass_is_an_error_that_names_the_address(site, destination, waits):
    url = site.answer(500, b"never")
    with pytest.raises(FetchError, match=f"{url}: the server answered 500 Internal .*, in 6 attempts"):
        fetch(url, destination)
    assert len(site.requests) == 6
    assert left_behind(destination) == []


@pytest.mark.parametrize("status", [400, 401, 403, 451, 204, 304])
def test_what_cannot_pass_is_an_error_at_once(site, destination, status):
    url = site.answer(status, b"")
    with pytest.raises(FetchError, match=f"{url}: the server answered {status}"):
        fetch(url, destination)
    assert len(site.requests) == 1
    assert left_behind(destination) == []


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 1, 2),
        ("86400", 120, 120),
        ("soon", 1, 2),
        ("-5", 1, 2),
        (format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True), 120, 120),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 1, 2),
        ("", 1, 2),
    ],
)
def test_the_wait_that_the_server_asks_for_is_honoured_up_to_two_minutes(
    site, destination, waits, retry_after, low, high
):
    site.answer(429, b"", {"Retry-After": retry_after})
    assert fetch(site.answer(), destination).status == "ok"
    assert len(waits) == 1
    assert low <= waits[0] <= high


def test_a_body_cut_short_is_tried_again_and_never_kept(site, destination, waits):
    site.answer(body=BODY[:1000], headers={"Content-Length": str(len(BODY))})
    assert fetch(site.answer(), destination).n_bytes == len(BODY)
    assert destination.read_bytes() == BODY
    assert len(waits) == 1


def test_a_body_always_cut_short_is_an_error(site, destination, waits):
    url = site.answer(body=BODY[:1000], headers={"Content-Length": str(len(BODY))})
    with pytest.raises(FetchError, match=r"RemoteProtocolError.*, in 2 attempts"):
        fetch(url, destination, attempts=2)
    assert left_behind(destination) == []


def test_of_a_body_too_long_comes_what_was_announced(site, destination):
    url = site.answer(body=BODY, headers={"Content-Length": "1000"})
    assert fetch(url, destination).n_bytes == 1000
    assert destination.read_bytes() == BODY[:1000]


def test_a_server_that_stalls_is_tried_again(site, destination, waits):
    site.answer(body=BODY[:1000], headers={"Content-Length": str(len(BODY))}, stall=True)
    assert fetch(site.answer(), destination, timeout=0.2).status == "ok"
    assert len(waits) == 1


def test_a_server_that_is_not_there_is_an_error(site, destination, waits):
    url = site.url.rsplit(":", 1)[0] + ":9/file"
    with pytest.raises(FetchError, match=r"ConnectError.*, in 3 attempts"):
        fetch(url, destination, attempts=3)
    assert len(waits) == 2


def test_redirects_are_followed(site, destination):
    site.answer(path="/elsewhere")
    assert fetch(site.answer(302, b"", {"Location": "/elsewhere"}), destination).status == "ok"
    assert destination.read_bytes() == BODY


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/file", "/file"])
def test_redirects_out_of_the_web_or_round_in_circles_are_errors(site, destination, location):
    with pytest.raises(FetchError, match=site.url):
        fetch(site.answer(302, b"", {"Location": location}), destination)
    assert left_behind(destination) == []


def test_a_page_that_says_200_is_kept_as_it_came(site, destination):
    assert fetch(site.answer(body=b"<html>"), destination).status == "ok"
    assert destination.read_bytes() == b"<html>"


def test_a_file_too_large_is_an_error_at_once(site, destination):
    url = site.answer()
    with pytest.raises(TooLargeError, match=f"{url}: larger than the 1000 bytes"):
        fetch(url, destination, max_bytes=1000)
    assert len(site.requests) == 1
    assert left_behind(destination) == []
    assert fetch(url, destination, max_bytes=len(BODY)).status == "ok"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/file", "http://127.0.0.1:port/file", "file://host/file"])
def test_an_address_that_cannot_be_is_an_error(destination, url):
    with pytest.raises(FetchError, match=url):
        fetch(url, destination)


@pytest.mark.parametrize("form", ["path", "slash", "url", "url and slash"])
def test_a_folder_serves_as_archive(tmp_path, destination, form):
    folder = tmp_path / "a copy %20 of it"
    folder.mkdir()
    (folder / "a b.zip").write_bytes(BODY)
    base_url = {
        "path": str(folder),
        "slash": f"{folder}/",
        "url": folder.as_uri(),
        "url and slash": f"{folder.as_uri()}/",
    }[form]
    assert fetch(join(base_url, "a b.zip"), destination) == Fetched("ok", "", len(BODY))
    assert destination.read_bytes() == BODY
    assert fetch(join(base_url, "c.zip"), destination) == Fetched("missing", "no such file", 0)
    assert destination.read_bytes() == BODY
    with pytest.raises(TooLargeError):
        fetch(join(base_url, "a b.zip"), destination, max_bytes=10)


def test_in_a_folder_only_files_are_fetched(tmp_path, destination):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(FetchError, match="not a regular file"):
            fetch(join(str(tmp_path), name), destination)


def test_a_folder_that_has_gone_is_no_missing_file(tmp_path, destination):
    with pytest.raises(FetchError, match="no such folder"):
        fetch(str(tmp_path / "gone" / "file"), destination)


def test_join_quotes_names_in_urls():
    for base_url in ("https://example.org/tv", "https://example.org/tv/"):
        assert join(base_url, "A_1.zip") == "https://example.org/tv/A_1.zip"
        assert join(base_url, "a b?#%.zip") == "https://example.org/tv/a%20b%3F%23%25.zip"
    assert join("HTTP://example.org", "a") == "HTTP://example.org/a"


def test_join_takes_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("copy").mkdir()
    assert join("copy", "a") == "copy/a"
    assert join(".", "a") == "a"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "ftp://example.org/",
        "s3://bucket/",
        "gs://bucket",
        "http://",
        "https:///tv",
        "http://[1",
        "https://example.org/?key=1",
        "https://example.org/#top",
        "file://host/tv",
        "file:relative",
        "file:///there/is/no/such/folder",
        "no/such/folder",
        __file__,
    ],
)
def test_join_refuses_other_places_by_the_key(base_url):
    with pytest.raises(ValueError, match=r"archive\.base_url is "):
        join(base_url, "a.zip")


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", "a\0"])
def test_join_refuses_names_that_are_paths(tmp_path, name):
    with pytest.raises(ValueError, match="not the name of a file"):
        join(str(tmp_path), name)
