"""Choosing broadcasts: what a list holds, and what is wanted of it."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive import Broadcast, Choice
from castgraph.archive.listing.choose import (
    WEEKDAYS,
    check_excluded,
    narrow,
    parse_all,
    read_excluded,
    read_folder,
    read_list,
    read_names,
)

BASE = "https://example.org/archive/"
A = "NTV_20240101_200000_Evening_News"  # a Monday
B = "NTV_20240102_013000_Night"
C = "RUSSIA1_20240106_083000_60_minut"  # a Saturday
D = "RUSSIA1_20240107_083000"
ALL = dict.fromkeys([A, B, C, D], "")

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Moscow", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
)
HOURS = st.integers(0, 96).map(lambda quarter: quarter / 4)


def broadcast(moment: datetime) -> Broadcast:
    return Broadcast.parse(f"NTV_{moment:%Y%m%d_%H%M%S}")


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), [A, B, C, D]),
        (Choice(stations=["NTV"]), [A, B]),
        (Choice(first="2024-01-02"), [B, C, D]),
        (Choice(last="2024-01-02"), [A, B]),
        (Choice(first="2024-01-02", last="2024-01-06"), [B, C]),
        (Choice(title="(?i)^e|minut$"), [A, C]),
        (Choice(title="^$"), [D]),
        (Choice(title="NTV"), []),
        (Choice(weekdays=["mon", "sun"]), [A, D]),
        (Choice(hours=[8.5, 20]), [C, D]),
        (Choice(hours=[8, 20.01]), [A, C, D]),
        (Choice(hours=[20, 2]), [A, B]),
        (Choice(hours=[20, 1.5]), [A]),
        (Choice(hours=[0, 24]), [A, B, C, D]),
        # In Moscow three hours later.
        (Choice(weekdays=["mon"], timezone="Europe/Moscow"), [A]),
        (Choice(weekdays=["mon"], hours=[22, 24], timezone="Europe/Moscow"), [A]),
        (Choice(weekdays=["tue"], timezone="Asia/Tokyo"), [A, B]),
        (Choice(exclude=[A, D]), [B, C]),
        (Choice(exclude=["NTV_*", "*_2024010[67]_*"]), []),
        (Choice(exclude=["NTV_????????_20*"]), [B, C, D]),
        (Choice(exclude=["NTV"]), [A, B, C, D]),
        (Choice(stations=["RUSSIA1"], title="minut", exclude=["*"], include={B: ""}), [B]),
    ],
)
def test_everything_that_is_given_has_to_fit_unless_it_is_included(choice: Choice, taken: list[str]) -> None:
    assert list(narrow(ALL, choice)) == taken


@given(MOMENTS, ZONES)
def test_the_weekday_is_that_of_the_place(moment: datetime, zone: str) -> None:
    there = moment.astimezone(ZoneInfo(zone))
    taken = [day for day in WEEKDAYS if Choice(weekdays=[day], timezone=zone).takes(broadcast(moment))]
    assert taken == [there.strftime("%a").lower()]


@given(MOMENTS, ZONES, HOURS, HOURS)
def test_two_hours_part_the_day(moment: datetime, zone: str, first: float, end: float) -> None:
    """What begins between them does not begin between the second and the first, and nothing is left over."""
    takes = lambda *hours: Choice(hours=hours, timezone=zone).takes(broadcast(moment))  # noqa: E731
    there = moment.astimezone(ZoneInfo(zone))
    hour = there.hour + there.minute / 60 + there.second / 3600
    if first < end:
        assert takes(first, end) == (first <= hour < end)
    if first != end and {first, end} != {0, 24}:
        assert takes(first, end) != takes(end, first)
    assert takes(0, 24)


@given(MOMENTS, st.integers(-400, 400))
def test_days_are_those_of_the_id(moment: datetime, days: int) -> None:
    other = (moment + timedelta(days=days)).date().isoformat()
    one = broadcast(moment)
    assert Choice(first=other).takes(one) == (days <= 0)
    assert Choice(last=other).takes(one) == (days >= 0)
    assert Choice(first=other, last=other).takes(one) == (days == 0)


@pytest.mark.parametrize("day", ["00010101_000000", "99991231_235959"])
def test_the_ends_of_time_have_no_weekday_everywhere(day: str) -> None:
    for zone in ("America/New_York", "Asia/Tokyo"):
        Choice(weekdays=WEEKDAYS, timezone=zone).takes(Broadcast.parse(f"X_{day}"))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "..", "/etc/passwd", "Europe", "Europe/\0"])
def test_an_unknown_time_zone_is_told(zone: str) -> None:
    with pytest.raises(ValueError, match="is no time zone; a name of the IANA database is expected"):
        Choice(timezone=zone)


def test_a_title_that_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"title '\(' is not a regular expression"):
        Choice(title="(")


def test_included_broadcasts_come_from_where_they_are_said_to() -> None:
    listed = {A: "a.zip", B: "b.zip"}
    choice = Choice(title="nothing", include={A: "", B: "other.mp4", C: ""})
    assert narrow(listed, choice) == {A: "a.zip", B: "other.mp4", C: ""}


def test_all_wrong_ids_are_told() -> None:
    with pytest.raises(ValueError, match=r"2 of the broadcasts .*: 'x', 20240103; the form is STATION_"):
        parse_all(["x", A, 20240103])
    with pytest.raises(ValueError, match=r"12 of the broadcasts .*'9', …; the form"):
        parse_all(map(str, range(12)))
    with pytest.raises(ValueError, match=r"1 of the broadcasts are not broadcast IDs: 'NTV'"):
        check_excluded([A, "NTV*", "NTV"])


# Files that list broadcasts.


def written(folder: Path, text: str, name: str = "list.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_holds_ids_addresses_and_paths(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"\ufeff# my broadcasts\r\n{A}   # one\n\n"
        f"https://example.org/archive/{B}.zip\n"
        f"http://elsewhere.example/x/{C}.ZIP?token=1#part\n"
        f"{D}.mp4\n"
        "tapes/NTV_20240103_000000_a.b.m2ts\n"
        "./NTV_20240104_000000_a.mp\n"
        "/tapes/NTV_20240105_000000/\n"
        "../NTV_20240106_000000.Zip\n"
        "=1+1/../NTV_20240107_000000.zip\n"
        "@x/NTV_20240108_000000.zip\n"
        f"https://example.org/archive/NTV%5F20240109_000000.zip\n",
    )
    assert read_list(path, Choice(), BASE, tmp_path) == {
        A: "",
        B: "",
        C: f"http://elsewhere.example/x/{C}.ZIP?token=1#part",
        D: f"{D}.mp4",
        "NTV_20240103_000000_a.b": "tapes/NTV_20240103_000000_a.b.m2ts",
        "NTV_20240104_000000_a.mp": "NTV_20240104_000000_a.mp",
        "NTV_20240105_000000": "/tapes/NTV_20240105_000000",
        "NTV_20240106_000000": str(tmp_path.parent / "NTV_20240106_000000.Zip"),
        "NTV_20240107_000000": "NTV_20240107_000000.zip",
        "NTV_20240108_000000": "./@x/NTV_20240108_000000.zip",
        "NTV_20240109_000000": "https://example.org/archive/NTV%5F20240109_000000.zip",
    }
    assert set(read_names(path)) >= {A, B, C, D}


def test_a_list_may_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(f"{A}\n{B}\n".encode()))
    assert read_list(path, Choice()) == {A: "", B: ""}
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="cannot be read"):
        read_list(path, Choice())


def test_a_list_is_narrowed_and_completed(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(f"{BASE}{each}.zip\n" for each in ALL))
    choice = Choice(stations=["NTV"], title="News", include={C: "", "X_20240101_000000": "x.zip"})
    assert read_list(path, choice, BASE) == {A: "", C: "", "X_20240101_000000": "x.zip"}
    # From elsewhere, and the source of an included one is still the listed one.
    assert read_list(path, choice, "https://other.example/") == {
        A: f"{BASE}{A}.zip",
        C: f"{BASE}{C}.zip",
        "X_20240101_000000": "x.zip",
    }


def test_addresses_without_an_id_are_left_out_of_what_is_narrowed(tmp_path: Path) -> None:
    path = written(tmp_path, f"{BASE}IAITEM_Year2000.zip\n{BASE}{A}.zip\n{BASE}NTV_20240230_000000.zip\n")
    for choice in (Choice(stations=["NTV"]), Choice(first="2024-01-01"), Choice(title="News")):
        assert read_list(path, choice, BASE) == {A: ""}
    with pytest.raises(ValueError, match=r"2 of the entries .*IAITEM_Year2000\.zip.*NTV_20240230"):
        read_list(path, Choice(include={A: ""}), BASE)


def test_a_table_tells_the_ids_of_files(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "note,source,broadcast\n"
        f'"a, b",tapes/tape 17.mp4,{A}\n'
        "# a comment\n"
        f",,{B}\n"
        f",https://example.org/archive/{C}.zip,{C}\n"
        f",https://elsewhere.example/get?id=5,{D}\n",
        "table.csv",
    )
    sources = {A: "tapes/tape 17.mp4", B: "", C: "", D: "https://elsewhere.example/get?id=5"}
    assert read_list(path, Choice(), BASE, tmp_path) == sources
    assert read_list(path, Choice(stations=["NTV"]), BASE, tmp_path) == {A: sources[A], B: ""}
    path.write_text(f"broadcast\n{A}\n")
    assert read_list(path, Choice()) == {A: ""}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no broadcast ID"),
        ("# none\n\n", "holds no broadcast ID"),
        ("NTV_2024010_200000\n", r"1 of the entries .*'NTV_2024010_200000'.*broadcast,source"),
        ("../../etc/passwd\n", r"1 of the entries .*'\.\./\.\./etc/passwd'"),
        ("tapes/tape 17.mp4\n", r"1 of the entries .*'tapes/tape 17\.mp4'"),
        ("https://example.org/NTV_20240101_000000.mp4\n", r"1 of the entries .*000000\.mp4"),
        ("ftp://example.org/NTV_20240101_000000.zip\n", r"1 of the entries .*'ftp://"),
        ("file:///x/NTV_20240101_000000.zip\n", r"1 of the entries .*'file://"),
        ("https://[/NTV_20240101_000000.zip?\n", r"1 of the entries .*https"),
        ("broadcast,source\nx,tapes/1.mp4\n", r"1 of the entries .*'tapes/1\.mp4'"),
        (f"broadcast,source\n{A},gs://x/y.zip\n", r"1 of the entries .*'gs://x/y\.zip'"),
        (f'broadcast,source\n{A},"a\nb.mp4"\n', r"1 of the entries .*'a\\nb\.mp4'"),
        (f"broadcast;source\n{A};x.mp4\n", r"2 of the entries .*'broadcast;source'"),
        (f"{A}\ntapes/{A}.mp4\n", rf"{A} has two sources: the archive and tapes/{A}\.mp4"),
        ("".join(f"x{n}\n" for n in range(20)), r"20 of the entries .*'x9', …; the form"),
    ],
)
def test_what_is_wrong_in_a_list_is_told(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=problem):
        read_list(written(tmp_path, text), Choice(), BASE, tmp_path)


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "binary"):
        for read in (lambda path: read_list(path, Choice()), read_excluded):
            with pytest.raises(ValueError, match="cannot be read"):
                read(path)


def test_excluded_ids_and_patterns_are_read_from_a_file(tmp_path: Path) -> None:
    assert read_excluded(written(tmp_path, f"{A} # not this\n\n# nor these\nNTV_*\n")) == [A, "NTV_*"]


# Folders that hold broadcasts.


def test_a_folder_holds_zips_folders_and_videos(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    (folder / B).mkdir(parents=True)
    (folder / B / "deeper").mkdir()
    for name in (
        f"{A}.ZIP",
        f"{C}.webm",
        f"{D}.ts",
        ".hidden.zip",
        "notes.txt",
        "NTV.20240101.inventory.json",
    ):
        (folder / name).touch()
    sources = {A: f"tapes/{A}.ZIP", B: f"tapes/{B}", C: f"tapes/{C}.webm", D: f"tapes/{D}.ts"}
    assert read_folder(folder, tmp_path) == sources
    elsewhere = {key: str(tmp_path / source) for key, source in sources.items()}
    assert read_folder(folder, tmp_path / "elsewhere") == elsewhere


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([], r"holds no ZIP, no folder and no video \(\.3g2, "),
        (["notes.txt", ".x.mp4"], "holds no ZIP"),
        (
            [f"{A}.mp4", "tape 17.mp4", "x.zip"],
            r"the names of 2 entries .*'tape 17\.mp4', 'x\.zip'; .*CSV table",
        ),
        ([f"{A}.mp4", f"{A}.zip"], rf"{A} is there twice: as {A}\.mp4 and as {A}\.zip"),
    ],
)
def test_what_is_wrong_in_a_folder_is_told(names: list[str], problem: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=problem):
        read_folder(tmp_path)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="cannot be read"):
            read_folder(path)


def test_sources_start_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{A}.zip").touch()
    assert read_folder(tmp_path) == {A: f"{A}.zip"}
    assert read_list(written(tmp_path, f"{Path.cwd()}/{A}.zip\n"), Choice()) == {A: f"{A}.zip"}
