"""Every fault of a web server, met by a fetch that begins and by one that goes on where a killed one ended.

`OUTCOMES` is the table: what becomes of the file, and after how many requests.
"""

import gzip
import io
import os
import random
import time
import zipfile
from dataclasses import replace

import pytest
from tests.faults import (
    HTML,
    Fault,
    FaultServer,
    announce_less,
    announce_more,
    change,
    corrupt,
    cut,
    drip,
    html,
    ignore_range,
    other_version,
    redirect,
    refuse,
    reset,
    stall,
    too_many,
    wrong_sum,
)

from castgraph.archive.fetch import Fetched, FetchError, fetch

NAME = "A_20240101_120000.zip"
KEPT = 40_000  # bytes that a killed fetch has left


def make_zip(seed):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("A/A-000001.jpg", random.Random(seed).randbytes(60_000))
    return file.getvalue()


OLD, NEW, CORRUPT = make_zip(1), make_zip(2), b"PK\x03\x04" + bytes(2000)
assert KEPT < len(OLD) == len(NEW)

HIDDEN = {  # what the server does not tell
    "no sum": {"x-goog-hash"},
    "no length": {"Content-Length"},
    "no length and no sum": {"Content-Length", "x-goog-hash"},
}
GONE_OFF = "127.0.0.1 sends us on to 127.0.0.1; that is refused: file is not the web"

# Faults of the next requests; what becomes of a fresh fetch, and of one that goes on: the file's bytes with
# the number of requests, the reason why it is missing, or a part of the error.
OUTCOMES = {
    "served well": ([], (OLD, 1), (OLD, 1)),
    "stalls in the midst": ([stall()], (OLD, 2), (OLD, 2)),
    "stalls at the beginning": ([stall(0)], (OLD, 2), (OLD, 2)),
    "drips": ([drip(0.9)], (OLD, 2), (OLD, 2)),
    "cut": ([cut()], (OLD, 2), (OLD, 2)),
    "cut before the first byte": ([cut(0)], (OLD, 2), (OLD, 2)),
    "cut five times": ([cut()] * 5, (OLD, 6), (OLD, 6)),
    "cut always": ([cut(10)] * 6, "RemoteProtocolError", "RemoteProtocolError"),
    "cut, no length": ([cut()], (OLD, 2), (OLD, 2)),
    "cut, no length and no sum": ([cut()], (OLD, 2), (OLD, 2)),
    "reset": ([reset()], (OLD, 2), (OLD, 2)),
    "reset before the answer": ([reset(-1)], (OLD, 2), (OLD, 2)),
    # Fresh: the rest that there should be is asked for, and there is none; so the length was a lie.
    "announces more": ([announce_more()], (OLD, 3), (OLD, 2)),
    "announces less": ([announce_less()], (OLD, 2), (OLD, 2)),
    "announces less, no sum": ([announce_less()], (OLD, 2), (OLD, 2)),
    "ignores ranges": ([ignore_range()], (OLD, 1), (OLD, 1)),
    "ignores ranges and cuts": ([cut(), ignore_range()], (OLD, 2), (OLD, 2)),
    "changes half-way": ([change(NEW)], (NEW, 2), (NEW, 2)),
    "has another version": ([other_version()], (OLD, 1), (OLD, 2)),
    "has another version then": ([cut(), other_version()], (OLD, 3), (OLD, 3)),
    "has another version and says nothing": ([other_version("")], (OLD, 1), (OLD, 2)),
    "has another version and says nothing, no sum": ([other_version("")], (OLD, 1), (OLD, 2)),
    "429": ([too_many()], (OLD, 2), (OLD, 2)),
    "429 for long": ([too_many("901")], "429 Too Many Requests and asks for a wait of 901", "901 seconds"),
    "408": ([refuse(408)], (OLD, 2), (OLD, 2)),
    "500 thrice": ([refuse(500)] * 3, (OLD, 4), (OLD, 4)),
    "500 always": ([refuse(500)] * 6, "500 Internal Server Error, in 6 attempts", "in 6 attempts"),
    "503": ([refuse(503)], (OLD, 2), (OLD, 2)),
    "403": ([refuse(403)], "403 Forbidden", "403 Forbidden"),
    "404": ([refuse(404)], "404 Not Found", "404 Not Found"),
    "410": ([refuse(410)], "410 Gone", "410 Gone"),
    "416": ([refuse(416)], "416 Requested Range Not Satisfiable", (OLD, 2)),
    "redirects": ([redirect(NAME)], (OLD, 2), (OLD, 2)),
    "redirects in circles": ([redirect(NAME)] * 11, "more than 10 redirects", "more than 10 redirects"),
    "redirects to a file": ([redirect("file:///etc/hostname")], GONE_OFF, GONE_OFF),
    "a page with status 200": ([html()], (OLD, 2), (OLD, 2)),
    "a page twice": ([html()] * 2, (HTML, 2), (OLD, 3)),
    "a page always": ([html()] * 9, (HTML, 2), (HTML, 3)),
    "a redirect to a page": ([redirect(NAME), html()], (OLD, 3), (OLD, 3)),
    "corrupt": ([corrupt(CORRUPT)], (OLD, 2), (OLD, 2)),
    "corrupt always": ([corrupt(CORRUPT)] * 9, (CORRUPT, 2), (CORRUPT, 3)),
    "a wrong sum": ([wrong_sum()], (OLD, 2), (OLD, 1)),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _direct(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / NAME).write_bytes(OLD)
    os.utime(folder / NAME, (1_700_000_000, 1_700_000_000))
    with FaultServer(folder) as server:
        yield server


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "zips" / NAME


def damage(path):
    """The check of the ZIP: is there a central directory?"""
    try:
        zipfile.ZipFile(path).close()
    except zipfile.BadZipFile as error:
        return str(error)
    return ""


def get(server, destination, **options):
    options = {"timeout": 20, "wait_seconds": 0, "check": damage, **options}
    return fetch(server.url + NAME, destination, **options)


def leave_a_part(server, destination):
    """Leave behind what a fetch that was killed leaves."""
    server.faults[NAME] = [cut(KEPT)]
    with pytest.raises(FetchError):
        get(server, destination, attempts=1)
    server.requests.clear()


def left_behind(destination):
    return sorted(path.name for path in destination.parent.iterdir())


@pytest.mark.parametrize("begins", ["fresh", "goes on"])
@pytest.mark.parametrize("case", OUTCOMES)
def test_every_fault_has_its_outcome(server, destination, case, begins):
    faults, *outcomes = OUTCOMES[case]
    outcome = outcomes[begins == "goes on"]
    hidden = HIDDEN.get(case.partition(", ")[2], set())
    if begins == "goes on":
        server.hidden = hidden - {"Content-Length"}
        leave_a_part(server, destination)
    server.hidden = hidden
    server.faults[NAME] = list(faults)
    timeout = 0.4 if any(fault.then in {"stall", "drip"} for fault in faults) else 20
    parts = [f".{NAME}.partial", f".{NAME}.partial.json"]
    if isinstance(outcome, tuple):
        body, n_requests = outcome
        assert get(server, destination, timeout=timeout) == Fetched("ok", "", len(body))
        assert destination.read_bytes() == body
        assert len(server.requests) == n_requests
        assert left_behind(destination) == [NAME]
    elif outcome in {"404 Not Found", "410 Gone"}:
        assert get(server, destination, timeout=timeout) == Fetched("missing", outcome, 0)
        assert left_behind(destination) == []
    else:
        with pytest.raises(FetchError, match=outcome) as raised:
            get(server, destination, timeout=timeout)
        assert str(raised.value).startswith(server.url + NAME)
        came = begins == "goes on" or case == "cut always"
        assert left_behind(destination) == (parts if came else [])
    assert server.requests[0].range == (f"bytes={KEPT}-" if begins == "goes on" else None)


def test_only_what_is_left_is_asked_for(server, destination):
    server.faults[NAME] = [cut(10_000), cut(20_000), refuse(500)]
    get(server, destination)
    assert [request.range for request in server.requests] == [
        None, "bytes=10000-", "bytes=30000-", "bytes=30000-"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hidden", "weak", "age", "goes_on"),
    [
        (set(), False, 0, True),
        ({"Last-Modified"}, False, 0, True),
        ({"ETag"}, False, 3600, True),
        (set(), True, 3600, True),
        ({"ETag"}, False, 0, False),  # a file of this very second may have another version of the same second
        (set(), True, 0, False),
        ({"ETag", "Last-Modified"}, False, 3600, False),
    ],
)
def test_a_fetch_goes_on_only_where_the_server_can_tell_versions_apart(
    server, destination, hidden, weak, age, goes_on
):
    file = server.folder / NAME
    os.utime(file, (time.time() + (-age if age else 60),) * 2)
    server.hidden, server.weak = hidden, weak
    server.faults[NAME] = [cut(KEPT)]
    get(server, destination)
    assert destination.read_bytes() == OLD
    assert [request.range for request in server.requests] == [None, f"bytes={KEPT}-" if goes_on else None]


def test_a_file_that_changed_while_nobody_fetched_is_fetched_anew(server, destination):
    leave_a_part(server, destination)
    (server.folder / NAME).write_bytes(NEW)
    get(server, destination)
    assert destination.read_bytes() == NEW
    assert [request.status for request in server.requests] == [200]


def test_what_is_left_of_another_address_or_without_a_note_is_not_used(server, destination):
    leave_a_part(server, destination)
    (server.folder / "other.zip").write_bytes(NEW)
    fetch(server.url + "other.zip", destination)
    assert destination.read_bytes() == NEW
    for note in ("", "{", "[1]", '{"url": 1}', None):
        leave_a_part(server, destination)
        path = destination.with_name(f".{NAME}.partial.json")
        path.write_text(note) if note is not None else path.unlink()
        get(server, destination)
        assert destination.read_bytes() == OLD
        assert [request.range for request in server.requests] == [None]


def test_a_part_that_is_not_the_beginning_of_the_file_is_found_out(server, destination):
    leave_a_part(server, destination)
    with destination.with_name(f".{NAME}.partial").open("r+b") as part:
        part.write(b"x")
    get(server, destination)
    assert destination.read_bytes() == OLD
    assert [request.range for request in server.requests] == [f"bytes={KEPT}-", None]


def test_a_part_that_is_whole_needs_no_further_byte(server, destination):
    leave_a_part(server, destination)
    destination.with_name(f".{NAME}.partial").write_bytes(OLD)
    get(server, destination)
    assert destination.read_bytes() == OLD
    assert [request.status for request in server.requests] == [416]
    # A part that is longer than the file is none of it.
    leave_a_part(server, destination)
    destination.with_name(f".{NAME}.partial").write_bytes(OLD + b"more")
    get(server, destination)
    assert destination.read_bytes() == OLD
    assert [request.status for request in server.requests] == [416, 200]


def test_a_sum_that_is_never_right_is_an_error(server, destination):
    server.faults[NAME] = [wrong_sum()] * 9
    with pytest.raises(FetchError, match="MD5"):
        get(server, destination)
    assert len(server.requests) == 2
    assert left_behind(destination) == []


def test_the_sum_of_a_file_that_is_stored_packed_is_not_that_of_what_comes(server, destination):
    packed = ("x-goog-stored-content-encoding", "gzip")
    server.faults[NAME] = [replace(wrong_sum(), headers=(*wrong_sum().headers, packed))]
    get(server, destination)
    assert len(server.requests) == 1


def test_a_file_that_is_sent_packed_is_unpacked_and_fetched_in_one_go(server, destination):
    packed = Fault(headers=(("Content-Encoding", "gzip"),), body=gzip.compress(OLD))
    server.faults[NAME] = [replace(packed, after=KEPT, then="close"), packed]
    get(server, destination)
    assert destination.read_bytes() == OLD
    assert [request.range for request in server.requests] == [None, None]
    leave_a_part(server, destination)
    server.faults[NAME] = [packed]
    get(server, destination)
    assert destination.read_bytes() == OLD
    assert [request.status for request in server.requests] == [206, 200]


def test_a_damaged_file_that_has_the_right_sum_is_not_fetched_twice(server, destination):
    (server.folder / NAME).write_bytes(CORRUPT)
    get(server, destination)
    assert destination.read_bytes() == CORRUPT
    assert len(server.requests) == 1


def test_attempts_that_get_on_do_not_count(server, destination):
    content = random.Random(0).randbytes(1_000_000)
    (server.folder / NAME).write_bytes(content)
    server.faults[NAME] = [cut(100_000)] * 9
    get(server, destination, attempts=2, check=None)
    assert destination.read_bytes() == content
    assert len(server.requests) == 10


def test_getting_no_further_than_before_counts(server, destination):
    (server.folder / NAME).write_bytes(bytes(1_000_000))
    server.hidden = {"ETag", "Last-Modified"}
    server.faults[NAME] = [cut(100_000)] * 9
    with pytest.raises(FetchError, match="in 2 attempts"):
        get(server, destination, attempts=2)
    assert len(server.requests) == 3  # the first one got on


@pytest.mark.slow
def test_a_server_that_fails_at_random_gives_every_file_in_the_end(server, destination):
    server.random, server.rate = random.Random(5), 0.5
    for number in range(25):
        body = make_zip(number)
        name = f"{number}.zip"
        (server.folder / name).write_bytes(body)
        path = destination.with_name(name)
        fetch(server.url + name, path, attempts=40, timeout=0.3, wait_seconds=0, check=damage)
        assert path.read_bytes() == body
    assert len(server.requests) > 30
    assert left_behind(destination) == sorted(f"{number}.zip" for number in range(25))
