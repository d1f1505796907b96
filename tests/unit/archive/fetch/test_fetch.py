"""Fetching: what is tried again, waited for and gone on with; proxies, certificates and folders.

What becomes of every fault of a server is told in ``test_faults.py``.
"""

import fcntl
import os
import resource
import signal
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from tests.faults import FaultServer, cut, hold, refuse, stall, too_many

from castgraph.archive.fetch import Fetched, FetchError, TooLargeError, fetch, fetch_options, join
from castgraph.archive.fetch.pace import reserve

BODY = bytes(range(256)) * 4000
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PARTS = [".file.partial", ".file.partial.json"]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in (*PROXIES, *map(str.upper, PROXIES), *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path):
    """What the server serves: the file named file."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "file").write_bytes(BODY)
    return folder


@pytest.fixture
def server(folder):
    with FaultServer(folder) as server:
        yield server


@pytest.fixture
def waits(monkeypatch):
    """The seconds waited, without the waiting."""
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    return waits


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "new" / "file"


def at(wait):
    """The header for a moment so far from now; parameters are made long before their test runs."""
    return format_datetime(datetime.now(UTC) + wait, usegmt=True)


def left_behind(destination):
    return sorted(path.name for path in destination.parent.iterdir()) if destination.parent.exists() else []


def start_fetching(url, destination):
    """Fetch in another process."""
    code = "import sys; from pathlib import Path; from castgraph.archive.fetch import fetch; "
    code += "print(fetch(sys.argv[1], Path(sys.argv[2])))"
    return subprocess.Popen([sys.executable, "-c", code, url, destination], stdout=subprocess.PIPE)


def until(condition):
    """Wait for something to happen."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError


def test_a_file_is_fetched_whole(server, destination):
    assert fetch(server.url + "file", destination) == Fetched("ok", "", len(BODY))
    assert destination.read_bytes() == BODY
    assert left_behind(destination) == ["file"]
    assert len(server.requests) == 1
    assert server.requests[0].agent.startswith("castgraph/")


@pytest.mark.parametrize(("status", "reason"), [(404, "404 Not Found"), (410, "410 Gone")])
def test_a_missing_file_is_told_at_once_and_touches_nothing(server, destination, status, reason):
    destination.parent.mkdir()
    destination.write_bytes(b"before")
    server.faults["file"] = [refuse(status)]
    assert fetch(server.url + "file", destination) == Fetched("missing", reason, 0)
    assert destination.read_bytes() == b"before"
    assert left_behind(destination) == ["file"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(server, destination, waits, status):
    server.faults["file"] = [refuse(status)] * 3
    assert fetch(server.url + "file", destination).status == "ok"
    assert destination.read_bytes() == BODY
    assert len(server.requests) == 4
    assert len(waits) == 3
    # 1, 2, 4 seconds, each lengthened by up to one
    assert all(low <= wait <= low + 1 for low, wait in zip([1, 2, 4], waits, strict=True))


def test_what_does_not_pass_is_an_error_that_names_the_address(server, destination, waits):
    url = server.url + "file"
    server.faults["file"] = [refuse(500)] * 6
    with pytest.raises(FetchError, match=f"{url}: the server answered 500 Internal .*, in 6 attempts"):
        fetch(url, destination)
    assert len(server.requests) == 6
    assert left_behind(destination) == []


@pytest.mark.parametrize("status", [400, 401, 403, 451, 206, 204, 304])
def test_what_cannot_pass_is_an_error_at_once(server, destination, status):
    url = server.url + "file"
    server.faults["file"] = [refuse(status)]
    with pytest.raises(FetchError, match=f"{url}: the server answered {status}"):
        fetch(url, destination)
    assert len(server.requests) == 1
    assert left_behind(destination) == []


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("7", 7, 7),
        ("900", 900, 900),
        ("0", 1, 2),
        ("soon", 1, 2),
        ("-5", 1, 2),
        (timedelta(minutes=10), 590, 600),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 1, 2),
        ("Wed, 21 Oct 99999 07:28:00 GMT", 1, 2),
        ("", 1, 2),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_the_server_asks_for_is_honoured(
    server, destination, waits, status, retry_after, low, high
):
    if isinstance(retry_after, timedelta):
        retry_after = at(retry_after)
    server.faults["file"] = [too_many(retry_after, status)]
    assert fetch(server.url + "file", destination).status == "ok"
    assert len(waits) == 1
    assert low <= waits[0] <= high


@pytest.mark.parametrize(
    "retry_after",
    ["901", "9" * 400, at(timedelta(days=2))],
    ids=["901", "400-digits", "in-2-days"],
)
def test_a_wait_longer_than_a_quarter_of_an_hour_is_an_error_that_says_so(
    server, destination, waits, retry_after
):
    server.faults["file"] = [too_many(retry_after)]
    with pytest.raises(FetchError, match=r"429 .* asks for a wait of .* seconds; 900 are waited at most"):
        fetch(server.url + "file", destination)
    assert waits == []


def test_the_wait_is_short_again_after_an_attempt_that_got_on(server, destination, waits):
    server.faults["file"] = [refuse(500), refuse(500), refuse(500), cut(200_000), refuse(500)]
    fetch(server.url + "file", destination)
    assert len(waits) == 5
    assert max(waits[3:]) <= 2


def test_a_server_that_is_not_there_is_an_error(destination, waits):
    with pytest.raises(FetchError, match=r"ConnectError.*, in 3 attempts"):
        fetch("http://127.0.0.1:9/file", destination, attempts=3)
    assert len(waits) == 2
    assert left_behind(destination) == []


def test_a_page_that_says_200_is_kept_as_it_came_when_nothing_checks_it(server, destination):
    (server.folder / "file").write_bytes(b"<html>")
    assert fetch(server.url + "file", destination).status == "ok"
    assert destination.read_bytes() == b"<html>"


def test_a_file_too_large_is_an_error_at_once(server, destination):
    url = server.url + "file"
    for hidden in (set(), {"Content-Length"}):
        server.hidden = hidden
        with pytest.raises(TooLargeError, match=f"{url}: larger than the 1000 bytes"):
            fetch(url, destination, max_bytes=1000)
        assert left_behind(destination) == []
    assert len(server.requests) == 2
    assert fetch(url, destination, max_bytes=len(BODY)).status == "ok"


def test_a_killed_process_leaves_what_it_had_and_the_next_one_asks_for_the_rest(server, destination):
    url = server.url + "file"
    server.faults["file"] = [stall(600_000)]
    process = start_fetching(url, destination)
    part = destination.with_name(PARTS[0])
    until(lambda: part.exists() and part.stat().st_size == 600_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left_behind(destination) == PARTS
    assert part.read_bytes() == BODY[:600_000]
    fetch(url, destination)
    assert destination.read_bytes() == BODY
    assert [request.range for request in server.requests] == [None, "bytes=600000-"]
    assert left_behind(destination) == ["file"]


@pytest.fixture
def when_waiting(monkeypatch):
    """Things to do when this process waits for another, each at one wait."""
    things = []
    sleep = time.sleep

    def do_and_sleep(seconds):
        if things:
            things.pop(0)()
        sleep(min(seconds, 0.02))

    monkeypatch.setattr("tenacity.nap.time.sleep", do_and_sleep)
    return things


def test_two_processes_fetch_a_file_once(server, destination, when_waiting):
    server.faults["file"] = [hold(600_000)]
    process = start_fetching(server.url + "file", destination)
    until(lambda: destination.with_name(PARTS[1]).exists())
    when_waiting.append(server.go_on.set)
    assert fetch(server.url + "file", destination) == Fetched("ok", "", len(BODY))
    assert b"status='ok'" in process.communicate()[0]
    assert destination.read_bytes() == BODY
    assert len(server.requests) == 1
    assert left_behind(destination) == ["file"]


def test_whoever_waits_for_a_process_that_is_killed_goes_on_for_it(server, destination, when_waiting):
    server.faults["file"] = [hold(600_000)]
    process = start_fetching(server.url + "file", destination)
    part = destination.with_name(PARTS[0])
    until(lambda: part.exists() and part.stat().st_size == 600_000)
    when_waiting.append(process.kill)
    fetch(server.url + "file", destination)
    process.communicate()
    assert destination.read_bytes() == BODY
    assert [request.range for request in server.requests] == [None, "bytes=600000-"]


def test_whoever_waits_for_a_fetch_of_another_address_fetches_its_own(server, destination, when_waiting):
    (server.folder / "other").write_bytes(b"other")
    server.faults["file"] = [hold(600_000)]
    process = start_fetching(server.url + "file", destination)
    until(lambda: destination.with_name(PARTS[1]).exists())
    when_waiting.append(server.go_on.set)
    fetch(server.url + "other", destination)
    assert b"status='ok'" in process.communicate()[0]
    assert destination.read_bytes() == b"other"
    assert left_behind(destination) == ["file"]


def test_another_process_that_takes_too_long_is_an_error(server, destination, monkeypatch):
    monkeypatch.setattr("castgraph.archive.fetch.web.LONGEST_WAIT", 0)
    destination.parent.mkdir()
    with destination.with_name(PARTS[0]).open("wb") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        with pytest.raises(FetchError, match=f"{server.url}file: another process .* {destination}"):
            fetch(server.url + "file", destination)
    assert server.requests == []


def test_a_full_disk_is_an_error_and_nothing_looks_finished(server, destination):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            fetch(server.url + "file", destination)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left_behind(destination) == PARTS
    fetch(server.url + "file", destination)  # there is room again
    assert destination.read_bytes() == BODY
    assert [request.range for request in server.requests] == [None, "bytes=300000-"]


def test_all_fetches_keep_a_pace_together(server, tmp_path, waits):
    pace_file = tmp_path / "resources" / ".pace"
    start = time.time()
    fetching = [
        threading.Thread(
            target=fetch,
            args=(server.url + "file", tmp_path / str(number)),
            kwargs={"max_bytes_per_s": 50_000, "pace_file": pace_file},
        )
        for number in range(3)
    ]
    for thread in fetching:
        thread.start()
    for thread in fetching:
        thread.join()
    # Nobody slept here, so the line is taken for as long as all the bytes are worth.
    taken = start + 3 * len(BODY) / 50_000 - time.time()
    assert taken - 1e-3 <= reserve(pace_file, 0, 50_000) <= taken + (time.time() - start)
    assert max(waits) > 0.9 * 3 * len(BODY) / 50_000 - (time.time() - start)


def test_a_pace_needs_a_file(server, destination):
    with pytest.raises(ValueError, match="pace_file"):
        fetch(server.url + "file", destination, max_bytes_per_s=1)


def test_the_options_come_from_the_configuration(tmp_path):
    compute = {"attempts": 3, "timeout": 5, "max_mb_per_s": None}
    unpaced = {"attempts": 3, "timeout": 5, "max_bytes_per_s": None, "pace_file": None}
    assert fetch_options(compute, tmp_path) == unpaced
    paced = {**unpaced, "max_bytes_per_s": 2.5 * 2**20, "pace_file": tmp_path / "pace"}
    assert fetch_options({**compute, "max_mb_per_s": 2.5}, tmp_path / "pace") == paced


def test_a_proxy_is_used(server, destination, monkeypatch, waits):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    assert fetch("http://archive.invalid/file", destination).status == "ok"
    assert destination.read_bytes() == BODY
    assert len(server.requests) == 1
    monkeypatch.setenv("NO_PROXY", "archive.invalid")
    with pytest.raises(FetchError, match="ConnectError"):
        fetch("http://archive.invalid/file", destination)
    assert len(server.requests) == 1


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_authority_is_trusted_when_it_is_named(
    folder, tmp_path, destination, monkeypatch, waits, authority, name
):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with FaultServer(folder, tls=tls) as server:
        with pytest.raises(FetchError, match=r"CERTIFICATE_VERIFY_FAILED.*, in 2 attempts"):
            fetch(server.url + "file", destination, attempts=2)
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
        assert fetch(server.url + "file", destination).status == "ok"
        assert destination.read_bytes() == BODY
        for path in (tmp_path / "none.pem", folder / "file"):
            monkeypatch.setenv(name, str(path))
            with pytest.raises(FetchError, match=f"{name} is '{path}', which cannot be read as certificates"):
                fetch(server.url + "file", destination)


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
