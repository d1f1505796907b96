"""Inventories, good and bad, and selecting broadcasts from them."""

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults import FaultServer, html
from tests.formulas import FORMULAS, guarded

from castgraph.archive.fetch import FetchError
from castgraph.archive.listing import inventory
from castgraph.archive.listing.choose import Choice
from castgraph.archive.listing.inventory import (
    Inventory,
    RefusedShow,
    Selected,
    Show,
    fetch_inventory,
    inventory_name,
    listed,
    read_inventory,
    read_inventory_report,
    read_selection,
    select,
    write_inventory_report,
    write_selection,
)
from castgraph.archive.listing.lists import read_list
from castgraph.archive.listing.local import local_source

DAY = date(2024, 1, 3)
ID = "DEMO1_20240103_070000_Morning_Desk"
OTHER = "DEMO1_20240103_190000_Evening_Review"
HEADER = "broadcast,station,start,title,program,source,origin\n"


@pytest.fixture
def fetched(tmp_path):
    """Fetch an inventory of which the archive's file holds the given bytes or value."""

    def fetched(content):
        archive = tmp_path / "archive"
        archive.mkdir(exist_ok=True)
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        (archive / "DEMO1.20240103.inventory.json").write_bytes(content)
        fetch_inventory(str(archive), "DEMO1", DAY, tmp_path / "out" / "i.json")
        return read_inventory(tmp_path / "out" / "i.json")

    return fetched


def test_name():
    assert inventory_name("NTV", date(2026, 10, 1)) == "NTV.20261001.inventory.json"


def test_an_inventory_of_the_demo(demo, tmp_path):
    path = tmp_path / "inventory.json"
    fetch_inventory(str(demo), "DEMO1", DAY, path)
    assert read_inventory(path) == Inventory(
        "DEMO1",
        DAY,
        "ok",
        "",
        (Show(ID, "Morning Desk", "00:03:52"), Show(OTHER, "Evening Review", "00:03:44")),
    )
    first = path.read_bytes()
    fetch_inventory(demo.as_uri(), "DEMO1", DAY, path)
    assert path.read_bytes() == first


def test_the_file_says_all(fetched, tmp_path):
    fetched({"shows": [{"id": ID, "title": "Morning"}, {"id": "../../x"}]})
    assert json.loads((tmp_path / "out" / "i.json").read_text()) == {
        "station": "DEMO1",
        "day": "2024-01-03",
        "status": "ok",
        "reason": "",
        "shows": [{"id": ID, "title": "Morning", "runtime": ""}],
        "refused": [{"id": "'../../x'", "reason": "not a broadcast ID"}],
        "n_refused": 1,
    }


def test_a_day_without_an_inventory_is_missing(demo, tmp_path):
    fetch_inventory(str(demo), "DEMO1", date(2024, 2, 1), tmp_path / "i.json")
    assert read_inventory(tmp_path / "i.json") == Inventory(
        "DEMO1", date(2024, 2, 1), "missing", "no such file"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON: Expecting value"),
        (b"<!DOCTYPE html><html><body>Error</body></html>", "not JSON: Expecting value"),
        (b'{"shows": [', "not JSON"),
        (b"\xff\xfe\x00", "not JSON: 'utf-8' codec"),
        (b"[" * 200_000, "not JSON: maximum recursion depth"),
        (b'{"shows": ' + b"9" * 5000 + b"}", "not JSON: Exceeds the limit"),
        ([], "not an object with a list 'shows'"),
        (None, "not an object with a list 'shows'"),
        ({}, "not an object with a list 'shows'"),
        ({"shows": {"id": ID}}, "not an object with a list 'shows'"),
        ({"shows": None}, "not an object with a list 'shows'"),
    ],
)
def test_a_broken_inventory_is_damaged_with_a_reason(fetched, content, reason):
    found = fetched(content)
    assert found.status == "damaged"
    assert found.reason.startswith(reason)
    assert found.shows == ()


def test_an_inventory_too_large_is_damaged(fetched, monkeypatch):
    monkeypatch.setattr(inventory, "MAX_INVENTORY_BYTES", 50)
    found = fetched({"shows": [{"id": ID}] * 100})
    assert (found.status, found.reason) == ("damaged", "larger than 50 bytes")


def test_an_archive_that_does_not_answer_is_an_error(demo, tmp_path):
    with pytest.raises(FetchError):
        fetch_inventory("http://127.0.0.1:9", "DEMO1", DAY, tmp_path / "i.json", attempts=2, wait_seconds=0)
    assert not (tmp_path / "i.json").exists()


def test_an_empty_inventory_and_a_byte_order_mark_are_fine(fetched):
    assert fetched({"shows": []}).status == "ok"
    assert fetched(b'\xef\xbb\xbf{"shows": []}').status == "ok"


def test_what_is_no_show_of_the_station_is_refused_with_a_reason(fetched):
    wrong = [
        ("../../x", "not a broadcast ID"),
        ("DEMO1_20241303_070000", "not a broadcast ID"),
        (17, "the ID is not text"),
        (None, "the ID is not text"),
        ([[ID]], "the ID is not text"),
        ({"a": 1}, "the ID is not text"),
        ("DEMO2_20240103_070000", "of another station than DEMO1"),
        (ID, "listed before"),
        ("\ud800\n" * 500, "not a broadcast ID"),
    ]
    found = fetched({"shows": [{"id": ID}, *({"id": each} for each, _ in wrong), {}, ID, 5, {"id": OTHER}]})
    assert [show.id for show in found.shows] == [ID, OTHER]
    assert [each.reason for each in found.refused] == [
        *(reason for _, reason in wrong),
        "the ID is not text",
        "not an object",
        "not an object",
    ]
    assert found.refused[0] == RefusedShow("'../../x'", "not a broadcast ID")
    assert all(len(each.id) <= 100 and each.id.isprintable() for each in found.refused)
    assert found.n_refused == 12


def test_of_many_refused_shows_a_hundred_are_listed_and_all_counted(fetched):
    found = fetched({"shows": [{"id": n} for n in range(250)]})
    assert (len(found.refused), found.n_refused) == (100, 250)


@pytest.mark.parametrize(
    ("show", "title"),
    [
        ({"title": "A  B\tC\r\nD\0E"}, "A B C DE"),
        ({"title": "\u202egnorw\u200b \x1b[31m"}, "gnorw [31m"),
        ({"title": "می\u200cخواهم"}, "می\u200cخواهم"),
        ({"title": "half \ud83d"}, "half \ufffd"),
        ({"title": "x" * 1000}, "x" * 299 + "…"),
        ({"title": 5, "program": ["x"]}, ""),
        ({"title": "", "program": "Programme"}, "Programme"),
        ({"program": "Programme"}, "Programme"),
        ({}, ""),
    ],
)
def test_titles_are_short_lines_of_text(fetched, show, title):
    assert fetched({"shows": [{"id": ID, **show}]}).shows[0].title == title


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "title", "x"]), inner),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5) | JSON)
def test_any_json_is_read(tmp_path_factory, shows):
    folder = tmp_path_factory.mktemp("archive")
    (folder / "DEMO1.20240103.inventory.json").write_text(json.dumps({"shows": shows}))
    fetch_inventory(str(folder), "DEMO1", DAY, folder / "i.json")
    found = read_inventory(folder / "i.json")
    assert found.status == ("ok" if isinstance(shows, list) else "damaged")
    if isinstance(shows, list):
        assert len(found.shows) + found.n_refused == len(shows)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"station": 1}'])
def test_reading_what_is_no_inventory_names_the_file(tmp_path, text):
    (tmp_path / "i.json").write_text(text)
    with pytest.raises(ValueError, match=r"i\.json is not an inventory written by castgraph"):
        read_inventory(tmp_path / "i.json")


def test_an_inventory_of_another_version_is_read(fetched, tmp_path):
    before = fetched({"shows": [{"id": ID, "title": "Morning"}, {"id": "../../x"}]})
    path = tmp_path / "out" / "i.json"
    value = json.loads(path.read_text())
    for part in (value, *value["shows"], *value["refused"]):
        part["new"] = ["of a newer version"]
    path.write_text(json.dumps(value))
    assert read_inventory(path) == before
    del value["refused"], value["n_refused"]
    path.write_text(json.dumps(value))
    assert read_inventory(path) == replace(before, refused=(), n_refused=0)
    for name in ("status", "day"):
        path.write_text(json.dumps({key: each for key, each in value.items() if key != name}))
        with pytest.raises(ValueError, match="not an inventory written by castgraph"):
            read_inventory(path)
    del value["shows"][0]["id"]
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match="not an inventory written by castgraph"):
        read_inventory(path)


def an_inventory(*ids, title="", status="ok", day=DAY, station="DEMO1", n_refused=0, reason=""):
    return Inventory(
        station, day, status, reason, tuple(Show(each, title, "") for each in ids), (), n_refused
    )


def test_select_by_the_title_of_the_id():
    inventories = [
        an_inventory(OTHER, ID, title="As listed"),
        an_inventory(ID, title="Listed again"),
        an_inventory("DEMO1_20240104_070000", "DEMO1_20240104_080000_evening_news"),
        an_inventory(status="missing"),
    ]
    titled = lambda title: [each.broadcast for each in select(inventories, Choice(title=title))]  # noqa: E731
    assert select(inventories, Choice(title="Desk$")) == [
        Selected(ID, "DEMO1", datetime(2024, 1, 3, 7, tzinfo=UTC), "Morning_Desk", "As listed")
    ]
    assert titled("(?i)evening|^Morning") == [ID, OTHER, "DEMO1_20240104_080000_evening_news"]
    assert len(titled("")) == 4
    assert titled("^$") == ["DEMO1_20240104_070000"]
    assert titled("DEMO") == []
    assert select([], Choice()) == []


def test_included_broadcasts_are_selected_whether_they_are_listed_or_not():
    include = {ID: "a.zip", "X_20240101_000000": "b.mp4", "X_20240102_000000": ""}
    choice = Choice(title="Review", exclude=["*"], include=include)
    found = select([an_inventory(OTHER, ID, title="As listed")], choice)
    assert [(each.broadcast, each.program, each.source) for each in found] == [
        (ID, "As listed", "a.zip"),
        ("X_20240101_000000", "", "b.mp4"),
        ("X_20240102_000000", "", ""),
    ]


def test_a_plain_list_of_ids():
    assert listed({OTHER: "", ID: "tapes/1.mp4"}) == [
        Selected(ID, "DEMO1", datetime(2024, 1, 3, 7, tzinfo=UTC), "Morning_Desk", "", "tapes/1.mp4"),
        Selected(OTHER, "DEMO1", datetime(2024, 1, 3, 19, tzinfo=UTC), "Evening_Review"),
    ]
    assert listed({}) == []
    with pytest.raises(ValueError, match=r"1 of the broadcasts are not broadcast IDs: 'x'; the form is"):
        listed({"x": ""})


def test_a_selection_is_written_and_read(tmp_path):
    path = tmp_path / "selection.csv"
    choice = Choice(include={OTHER: "tapes/17, 18.mp4"})
    write_selection(path, select([an_inventory(ID, OTHER, title='Say, "what"')], choice))
    assert path.read_text() == (
        "broadcast,station,start,title,program,source,origin\n"
        f'{ID},DEMO1,2024-01-03T07:00:00Z,Morning_Desk,"Say, ""what""",,\n'
        f'{OTHER},DEMO1,2024-01-03T19:00:00Z,Evening_Review,"Say, ""what""","tapes/17, 18.mp4",\n'
    )
    assert read_selection(path) == select([an_inventory(ID, OTHER, title='Say, "what"')], choice)


def test_the_selection_of_a_run_is_a_list_for_another(tmp_path):
    sources = {ID: "tapes/17, 18.mp4", OTHER: ""}
    write_selection(tmp_path / "selected.csv", listed(sources))
    assert read_list(tmp_path / "selected.csv", Choice(), here=tmp_path, check=False).sources == sources


def test_an_empty_selection_has_its_header(tmp_path):
    write_selection(tmp_path / "selection.csv", [])
    assert (tmp_path / "selection.csv").read_text() == "broadcast,station,start,title,program,source,origin\n"
    assert read_selection(tmp_path / "selection.csv") == []


@pytest.mark.parametrize("program", FORMULAS)
def test_no_program_becomes_a_formula(tmp_path, program):
    write_selection(tmp_path / "s.csv", select([an_inventory(ID, title=program)], Choice()))
    with (tmp_path / "s.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["program"] == f"'{program.strip()}"


@pytest.mark.parametrize("name", FORMULAS)
def test_no_source_becomes_a_formula_and_each_is_found_again(tmp_path, name):
    source = local_source(name, tmp_path)
    write_selection(tmp_path / "s.csv", listed({ID: source}))
    [read] = read_selection(tmp_path / "s.csv")
    assert read.source == f"./{name}".replace("\r", "\n")


@pytest.mark.parametrize("reason", FORMULAS)
def test_no_reason_becomes_a_formula(tmp_path, reason):
    write_inventory_report(tmp_path / "i.csv", [an_inventory(status="damaged", reason=reason)])
    assert [each.reason for each in read_inventory_report(tmp_path / "i.csv")] == [guarded(reason)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"s\.csv is no selection .*no column 'broadcast'; the columns are \[\]"),
        ("broadcast,station,start,title,program,source\n", "no column 'origin'"),
        (f"{HEADER}../x\n", r"1 of the broadcasts are not broadcast IDs: '\.\./x'"),
        (f'{HEADER}"",x\n', "1 of the broadcasts are not broadcast IDs: ''"),
    ],
)
def test_a_wrong_selection_is_refused(tmp_path, text, problem):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_selection(tmp_path / "s.csv")


def test_the_report_has_a_row_for_every_inventory(tmp_path):
    write_inventory_report(
        tmp_path / "report.csv",
        [
            an_inventory(station="DEMO2", status="missing", reason="404 Not Found"),
            an_inventory(day=date(2024, 1, 4), status="damaged", reason="not JSON"),
            an_inventory(ID, OTHER, n_refused=3),
        ],
        "gdelt",
    )
    assert (tmp_path / "report.csv").read_text() == (
        "station,day,status,n_shows,n_refused,reason,archive\n"
        "DEMO1,2024-01-03,ok,2,3,,gdelt\n"
        "DEMO1,2024-01-04,damaged,0,0,not JSON,gdelt\n"
        "DEMO2,2024-01-03,missing,0,0,404 Not Found,gdelt\n"
    )
    read = read_inventory_report(tmp_path / "report.csv")
    assert [each.name for each in read] == ["DEMO1.20240103", "DEMO1.20240104", "DEMO2.20240103"]
    assert read[0] == ("DEMO1", DAY, "ok", 2, 3, "", "gdelt")


@pytest.mark.parametrize(
    "text", ["", "station,day\n", "station,day,status,n_shows,n_refused,reason,archive\nX,1,ok,0,0,,\n"]
)
def test_what_is_no_report_is_refused(tmp_path, text):
    (tmp_path / "report.csv").write_text(text)
    with pytest.raises(ValueError, match=r"report\.csv is no report on inventories"):
        read_inventory_report(tmp_path / "report.csv")


def test_a_login_page_is_fetched_once_more(demo, tmp_path):
    with FaultServer(demo) as site:
        site.faults["DEMO1.20240103.inventory.json"] = [html()]
        fetch_inventory(site.url, "DEMO1", DAY, tmp_path / "i.json", wait_seconds=0)
        assert read_inventory(tmp_path / "i.json").status == "ok"
        site.faults["DEMO1.20240103.inventory.json"] = [html(), html()]
        fetch_inventory(site.url, "DEMO1", DAY, tmp_path / "twice.json", wait_seconds=0)
        assert read_inventory(tmp_path / "twice.json").reason.startswith("not JSON")
