"""IDs for recordings that have none."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from castgraph.archive.listing.recordings import Dates, Row, survey, with_ids

AVI = b"RIFF\x10\0\0\0AVI LIST"
UNREADABLE = "its name cannot be written in a table: rename it"


def made(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


def surveyed(
    folder: Path, depth: int = 5, leave: tuple[Path, ...] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    found, left = survey(folder, depth, leave)
    return (
        {str(each.path.relative_to(folder)): each.kind for each in found},
        {str(Path(each.path).relative_to(folder)): each.reason for each in left},
    )


def identified(folder: Path, dates: Dates | None = None) -> tuple[list[Row], dict[str, str]]:
    rows, left = with_ids(survey(folder, 5)[0], "MYTV", dates or Dates(), folder)
    return rows, {each.path: each.reason for each in left}


def test_recordings_are_found_however_deep_and_all_else_is_told(tmp_path: Path) -> None:
    made(
        tmp_path,
        "1.mp4",
        "cam/2.ZIP",
        "stills/1.jpg",
        "stills/2.PNG",
        "stills/notes.txt",
        "x.srt",
        ".x/3.mp4",
        "@eaDir/1.jpg",
    )
    made(tmp_path, "cam/poster.jpg", "both/1.jpg", "both/in/2.jpg", "a/b/c/4.mp4", "odd.dat")
    (tmp_path / "5.bin").write_bytes(AVI)
    (tmp_path / "empty").mkdir()
    (tmp_path / "6.mp4").symlink_to("1.mp4")
    (tmp_path / "7.mp4").symlink_to("nowhere")
    beside = "a picture beside recordings or folders; a folder of pictures holds nothing else"
    assert surveyed(tmp_path, depth=2) == (
        {
            "1.mp4": "video",
            "5.bin": "video",
            "6.mp4": "video",
            "both/in": "folder",
            "cam/2.ZIP": "zip",
            "stills": "folder",
        },
        {
            "x.srt": "subtitles (.srt)",
            "odd.dat": "neither a ZIP nor a video by its content (.dat)",
            "7.mp4": "a link that leads nowhere",
            "cam/poster.jpg": beside,
            "both/1.jpg": beside,
            "a/b/c": "a folder deeper than 2 folders",
            "empty": "a folder without recordings",
            "stills/notes.txt": "no recording (.txt)",
        },
    )


def test_a_folder_of_nothing_but_pictures_is_one_broadcast(tmp_path: Path) -> None:
    made(tmp_path, "1.jpg", "2.jpg")
    assert surveyed(tmp_path) == ({".": "folder"}, {})
    made(tmp_path, "more.jpg/3.jpg")
    assert surveyed(tmp_path)[0] == {"more.jpg": "folder"}


def test_no_folder_is_looked_at_twice_nor_any_that_castgraph_writes(tmp_path: Path) -> None:
    folder = made(tmp_path / "all", "tapes/1.mp4", "results/run/portraits/1.jpg")
    (folder / "tapes" / "up").symlink_to("..")
    (folder / "tapes" / "out").symlink_to(tmp_path)
    (folder / "z").symlink_to("tapes")
    reason = "a folder that was looked at already, or that castgraph writes"
    assert surveyed(folder, leave=(folder / "results",)) == (
        {"tapes/1.mp4": "video"},
        dict.fromkeys(("tapes/up", "tapes/out", "z", "results"), reason),
    )


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        survey(tmp_path / "nowhere", 5)


def test_names_give_the_ids_and_what_they_do_not_say_is_marked(tmp_path: Path) -> None:
    folder = made(
        tmp_path,
        *("NTV_20240103_180000_News.mp4", "Evening News 2024-01-02 19.00.mp4", "Late 02.01.2024.mkv"),
        *("MYTV Новости 2024-01-02.mkv", "20240105_0007.mp4", "tape 17.mp4", "show 03-04-2024.mp4"),
        *("NTV_20240104_180000/1.jpg", "stills 2024-01-06/1.jpg"),
    )
    rows, left = identified(folder, Dates(ZoneInfo("Europe/Moscow")))
    assert [tuple(row) for row in rows] == [
        ("MYTV_20240104_210700", "20240105_0007.mp4", "time"),
        ("MYTV_20240102_160000_Evening_News", "Evening News 2024-01-02 19.00.mp4", ""),
        ("MYTV_20240102_000000_Late", "Late 02.01.2024.mkv", "time"),
        ("MYTV_20240102_000001_Novosti", "MYTV Новости 2024-01-02.mkv", "time"),
        ("NTV_20240103_180000_News", "NTV_20240103_180000_News.mp4", ""),
        ("NTV_20240104_180000", "NTV_20240104_180000", ""),
        ("MYTV_20240106_000000_stills", "stills 2024-01-06", "time"),
    ]
    assert left == {
        "show 03-04-2024.mp4": "its date 03-04-2024 may be 2024-04-03 or 2024-03-04",
        "tape 17.mp4": "no date in its name",
    }


def test_folders_say_the_day_where_names_do_not(tmp_path: Path) -> None:
    folder = made(
        tmp_path / "tapes",
        "2024-01-02/19-00-00.mkv",
        "2024-01-02/cam 1.mp4",
        "2024/01/03/cam 1.mp4",
        "2024-01-04 19.00/a.mp4",
    )
    made(folder, "03-04-2024/a.mp4", "2024-01-05/2024-01-06.mp4")
    rows, left = identified(folder)
    assert [(row.broadcast, row.guessed) for row in rows] == [
        ("MYTV_20240103_000000_cam_1", "date by its folder, time"),
        ("MYTV_20240102_190000", "date by its folder"),
        ("MYTV_20240102_000000_cam_1", "date by its folder, time"),
        ("MYTV_20240104_190000_a", "date by its folder"),
        ("MYTV_20240106_000000", "time"),
    ]
    assert left == {"03-04-2024/a.mp4": "its date 03-04-2024 may be 2024-04-03 or 2024-03-04"}


def test_days_may_be_given_or_be_those_of_the_files(tmp_path: Path) -> None:
    folder = made(tmp_path, "tape 17.mp4", "tape 18.mp4", "stills/1.jpg", "stills/2.jpg", "2024-01-02.mp4")
    for name, moment in (
        ("tape 17.mp4", 1_700_000_000.7),
        ("stills/1.jpg", 1_600_000_000),
        ("stills/2.jpg", 1_500_000_000),
    ):
        os.utime(folder / name, (moment, moment))
    rows, _ = identified(folder, Dates(day=date(2023, 5, 6)))
    assert [(row.broadcast, row.guessed) for row in rows] == [
        ("MYTV_20240102_000000", "time"),
        ("MYTV_20230506_000000_tape_17", "date as given, time"),
        ("MYTV_20230506_000001_tape_18", "date as given, time"),
        ("MYTV_20230506_000002_stills", "date as given, time"),
    ]
    rows, _ = identified(folder, Dates(from_file=True))
    assert {row.source: row.broadcast for row in rows} | {"tape 18.mp4": ""} == {
        "2024-01-02.mp4": "MYTV_20240102_000000",
        "tape 17.mp4": f"MYTV_{datetime.fromtimestamp(1_700_000_000, UTC):%Y%m%d_%H%M%S}_tape_17",
        "tape 18.mp4": "",
        "stills": f"MYTV_{datetime.fromtimestamp(1_500_000_000, UTC):%Y%m%d_%H%M%S}_stills",
    }
    assert {row.guessed for row in rows} == {"time", "date and time by its file"}


def test_no_two_get_one_id(tmp_path: Path) -> None:
    names = [f"{cam}/2024-01-02_19-00-00.{kind}" for cam in "ab" for kind in ("mp4", "mkv")]
    folder = made(
        tmp_path,
        *names,
        "MYTV_20240102_190000.ts",
        "c/MYTV_20240102_190000.mp4",
        "2024-01-03 00.00.mp4",
        "2024-01-03.mp4",
    )
    rows, left = identified(folder)
    assert len({row.broadcast for row in rows}) == len(rows) == 7
    assert {row.broadcast for row in rows if "_190000" in row.broadcast} == {
        "MYTV_20240102_190000", *(f"MYTV_20240102_190000_{n}" for n in (2, 3, 4, 5)),
    }  # fmt: skip
    assert {row.broadcast for row in rows if "_0000" in row.broadcast} == {
        "MYTV_20240103_000000",
        "MYTV_20240103_000001",
    }
    assert left == {"c/MYTV_20240102_190000.mp4": "its ID is that of another one"}


def test_what_cannot_be_written_in_a_table_is_told(tmp_path: Path) -> None:
    names = ["a\n2024-01-01.mp4", "\x1b2024-01-02.mp4", " 2024-01-03.mp4", os.fsdecode(b"\xff2024-01-04.mp4")]
    folder = made(tmp_path, *names, "=2024-01-05.mp4")
    rows, left = identified(folder)
    assert left == dict.fromkeys(names, UNREADABLE)
    assert [row.source for row in rows] == ["./=2024-01-05.mp4"]
