"""What an archive has. On the web it is a server on loopback that lists names as Cloud Storage does."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive import FetchError
from castgraph.archive.listing import holdings
from castgraph.archive.listing.holdings import GDELT, Station, inventories, stations, stations_of_list
from castgraph.run.config.archive import Archive

NAMES = [
    "1TV.20240101.inventory.json",
    "1TV_20240102_000000_News.zip",
    "CNN.20090702.inventory.json",
    "CNN.20090703.inventory.json",
    "CNNW.20100101.inventory.json",
    "CNNW_20100102_000000.jpg",
    "CNN_20090701_230000.zip",
    "CNN_20090702_000000.zip",
    "IAITEM_Year2000.zip",
    "NTV_20240230_000000.zip",  # no such day
    "README",
    "README.txt",
    "Zee.20200101.inventory.json",
    "_odd",
    "a b/c",
    "lower_20200202_000000.zip",
    "naïve_20200202_000000.zip",
    "~",
    "ж_20200202_000000.zip",
]
FOUND = {"1TV": date(2024, 1, 1), "CNN": date(2009, 7, 1), "CNNW": date(2010, 1, 1)}
FOUND |= {"Zee": date(2020, 1, 1), "lower": date(2020, 2, 2)}


class Bucket:
    """A server that lists the names of a bucket; `answer` may be replaced by another."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answer: Callable[[dict[str, str]], object] = self.listed
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                bucket.asked.append(query)
                bucket.paths.append(parts.path)
                answer = bucket.answer(query)
                status = answer if isinstance(answer, int) else 200
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def listed(self, query: dict[str, str]) -> object:
        matching = sorted(
            name
            for name in self.names
            if name.startswith(query.get("prefix", "")) and name >= query.get("startOffset", "")
        )
        return (
            {"items": [{"name": name} for name in matching[: int(query["maxResults"])]]} if matching else {}
        )


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    made = Bucket()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_default_archive_is_that_of_the_configuration() -> None:
    assert Archive().base_url == GDELT


def test_stations_of_a_bucket_take_few_requests(bucket: Bucket) -> None:
    others = [f"CNN_2020{month:02}{day:02}_000000.zip" for month in range(1, 13) for day in range(1, 29)]
    bucket.names = [f"a/b c/{name}" for name in [*NAMES, *others]] + ["a/b", "a/c/XYZ_20200101_000000.zip"]
    found = stations(f"{bucket.url}/data.example.org/a/b%20c/")
    assert found == [Station(name, first) for name, first in sorted(FOUND.items())]
    assert len(bucket.asked) < len(NAMES) + 5
    assert set(bucket.paths) == {"/storage/v1/b/data.example.org/o"}
    assert all(asked["maxResults"] == "1" and asked["prefix"] == "a/b c/" for asked in bucket.asked)


def test_a_bucket_may_hold_nothing_but_the_archive(bucket: Bucket) -> None:
    bucket.names = NAMES[1:3]
    assert [each.station for each in stations(f"{bucket.url}/bucket")] == ["1TV", "CNN"]
    bucket.names = []
    assert stations(f"{bucket.url}/bucket") == []


def test_pages_may_be_empty(bucket: Bucket) -> None:
    bucket.names = NAMES[:2]
    bucket.answer = lambda query: bucket.listed(query) if "pageToken" in query else {"nextPageToken": "x"}
    assert {each.station: each.first for each in stations(f"{bucket.url}/bucket")} == {"1TV": FOUND["1TV"]}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (404, "404 Not Found"),
        (403, "403 Forbidden"),
        (b"<html>Sign in</html>", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "not JSON"),
        ({"nextPageToken": 5}, "not JSON"),
        ({"nextPageToken": "again"}, "cannot be understood"),
        ({"items": [{"name": 5}]}, "cannot be understood"),
        ({"items": [{}]}, "cannot be understood"),
        ({"items": 5}, "cannot be understood"),
        ({"items": {"name": "x"}}, "cannot be understood"),
        ({"items": [{"name": "elsewhere/CNN.20200101"}]}, "cannot be understood"),
        (b"x" * (2**20 + 1), "larger than"),
    ],
)
def test_a_server_without_such_lists_is_told(answer: Any, problem: str, bucket: Bucket) -> None:
    bucket.answer = lambda _: answer
    with pytest.raises(FetchError, match=rf"{problem}(.|\n)*--list"):
        stations(f"{bucket.url}/bucket/folder", attempts=1)


def test_a_server_that_repeats_itself_or_never_ends_is_left(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "_MAX_REQUESTS", 5)
    bucket.answer = lambda _: {"items": [{"name": "CNN_20200101_000000.zip"}]}
    with pytest.raises(FetchError, match="cannot be understood"):
        stations(f"{bucket.url}/bucket")
    bucket.answer = lambda query: {"items": [{"name": query.get("startOffset", "") + "x"}]}
    with pytest.raises(FetchError, match="more than 5 different beginnings"):
        stations(f"{bucket.url}/bucket")


def test_channels_tell_the_stations_where_the_bucket_does_not(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "GDELT", f"{bucket.url}/bucket/")
    monkeypatch.setattr(holdings, "_CHANNELS", f"{bucket.url}/channels?mode=chaninv")
    channel = {"id": "CNN", "label": "CNN", "startDate": 20090702, "endDate": 99999999, "hasSearch": 1}
    wrong = [5, {}, {**channel, "id": "a/b"}, {**channel, "id": 5}, {**channel, "id": "X", "startDate": "y"}]
    channels = [channel, {**channel, "id": "1TV", "endDate": 20240229}, *wrong]
    bucket.answer = lambda query: {"channels": channels} if "mode" in query else 403
    first = date(2009, 7, 2)
    assert stations(f"{bucket.url}/bucket") == [
        Station("1TV", first, date(2024, 2, 29)),
        Station("CNN", first),
    ]
    for answer in ({}, {"channels": 5}, {"channels": wrong}):
        bucket.answer = lambda query, answer=answer: answer if "mode" in query else 403
        with pytest.raises(FetchError, match=r"not a list of channels; .*--list"):
            stations(f"{bucket.url}/bucket")
    with pytest.raises(FetchError, match="403 Forbidden"):
        stations(f"{bucket.url}/another")


def test_the_address_has_to_name_a_bucket() -> None:
    with pytest.raises(FetchError, match="not the address of a bucket"):
        stations("https://127.0.0.1:9/")


PARTS = st.sampled_from(["A", "B", "AB", "1", ".", "_", "-", "é", "20240101", "20240102", "20240230", "5"])


@given(st.sets(st.lists(PARTS, min_size=1, max_size=5).map("".join) | st.sampled_from(NAMES)))
def test_the_way_through_a_bucket_finds_every_station(names: set[str]) -> None:
    """Without a server: what is skipped is never a station."""
    found: dict[str, date] = {}
    offset, steps = "", 0
    while (name := min((name for name in names if name >= offset), default=None)) is not None:
        station, offset = holdings.next_station(name)
        if station:
            found[station[0]] = min(station[1], found.get(*station))
        steps += 1
    expected = {each.station: each.first for each in holdings.count(names)}
    assert found == expected
    assert steps <= len(names)


def test_stations_of_a_folder(demo: Path) -> None:
    days = date(2024, 1, 2), date(2024, 1, 5)
    found = [Station("DEMO1", *days, 4, 5), Station("DEMO2", *days, 4, 3)]
    assert stations(str(demo)) == found
    assert stations(demo.as_uri()) == found
    with pytest.raises(ValueError, match="nowhere: cannot be read"):
        stations(str(demo / "nowhere"))


def test_stations_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"https://example.org/{name}\n" for name in NAMES if name.endswith(".zip")))
    assert stations_of_list(path) == [
        Station("1TV", date(2024, 1, 2), date(2024, 1, 2), None, 1),
        Station("CNN", date(2009, 7, 1), date(2009, 7, 2), None, 2),
        Station("lower", date(2020, 2, 2), date(2020, 2, 2), None, 1),
    ]
    with pytest.raises(ValueError, match="cannot be read"):
        stations_of_list(tmp_path)


def test_inventories_of_many_days(demo: Path) -> None:
    days = [date(2024, 1, day) for day in range(1, 8)]
    found = inventories(str(demo), "DEMO1", days)
    assert [each.day for each in found] == days
    assert [len(each.shows) for each in found] == [0, 1, 2, 1, 1, 0, 0]
    assert [each.status for each in found] == ["missing", *["ok"] * 4, *["missing"] * 2]


def test_an_archive_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(FetchError, match="Connection refused"):
        inventories("http://127.0.0.1:9/", "X", [date(2024, 1, 1)] * 9, attempts=1)
    with pytest.raises(FetchError, match=r"what the archive has cannot be had.*Connection refused"):
        stations("http://127.0.0.1:9/bucket", attempts=1)
