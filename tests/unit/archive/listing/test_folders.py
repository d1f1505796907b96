"""Folders that hold broadcasts: what is taken, and what is left alone."""

import os
from pathlib import Path

import pytest

from castgraph.archive import Choice, LeftAlone
from castgraph.archive.listing.folders import read_folder
from castgraph.archive.listing.lists import read_list

A = "NTV_20240101_200000_Evening_News"
B = "NTV_20240102_013000_Night"
C = "RUSSIA1_20240106_083000_60_minut"
D = "RUSSIA1_20240107_083000"
AVI = b"RIFF\x10\0\0\0AVI LIST"
ZIP = b"PK\x05\x06" + bytes(18)


def touched(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_holds_zips_folders_and_videos(tmp_path: Path) -> None:
    folder = touched(tmp_path / "tapes", f"{A}.ZIP", f"{C}.webm", f"{D}.ts")
    (folder / B / "deeper").mkdir(parents=True)
    sources = {A: f"tapes/{A}.ZIP", B: f"tapes/{B}", C: f"tapes/{C}.webm", D: f"tapes/{D}.ts"}
    assert read_folder(folder, here=tmp_path) == (sources, ())
    elsewhere = {key: str(tmp_path / source) for key, source in sources.items()}
    assert read_folder(folder, here=tmp_path / "elsewhere").sources == elsewhere


def test_all_that_is_not_taken_is_told(tmp_path: Path) -> None:
    names = [
        f"{A}.srt",
        f"{A}.jpg",
        "notes.txt",
        "tape 17.mp4",
        f"{B}.mp4.part",
        f"{C}.mp3",
        f"{D}.rar",
        f"{D}.dat",
    ]
    folder = touched(tmp_path / "tapes", f"{A}.mp4", *names)
    (folder / "stray").mkdir()
    (folder / f"{B}.mp4").symlink_to("nowhere")
    (folder / f"{C}.mkv").symlink_to(f"{C}.mkv")
    os.mkfifo(folder / "NTV_20240103_000000.mp4")
    found = read_folder(folder, here=tmp_path)
    assert found.sources == {A: f"tapes/{A}.mp4"}
    assert {Path(each.path).name: each.reason for each in found.left_alone} == {
        f"{A}.srt": "subtitles (.srt)",
        f"{A}.jpg": "a picture outside a folder of pictures (.jpg)",
        "notes.txt": "no recording (.txt)",
        "tape 17.mp4": "its name is no broadcast ID; castgraph init gives IDs",
        f"{B}.mp4.part": "a download that is not whole (.part)",
        f"{C}.mp3": "sound only (.mp3)",
        f"{D}.rar": "an archive that is no ZIP (.rar)",
        f"{D}.dat": "neither a ZIP nor a video by its content (.dat)",
        "stray": "a folder: its name is no broadcast ID; castgraph init gives IDs",
        f"{B}.mp4": "a link that leads nowhere",
        f"{C}.mkv": "a link that leads nowhere",
        "NTV_20240103_000000.mp4": "neither a file nor a folder",
    }
    assert all(each.path.startswith("tapes/") for each in found.left_alone)


@pytest.mark.parametrize(
    "name",
    [f".{A}.mp4", f"._{A}.mp4", ".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "@eaDir", "#recycle",
     "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found"],
)  # fmt: skip
@pytest.mark.parametrize("is_folder", [True, False])
def test_what_nobody_put_there_is_left_alone_without_a_word(
    name: str, is_folder: bool, tmp_path: Path
) -> None:
    touched(tmp_path, f"{A}.mp4")
    (tmp_path / name).mkdir() if is_folder else (tmp_path / name).touch()
    assert read_folder(tmp_path, here=tmp_path) == ({A: f"{A}.mp4"}, ())


def test_what_a_file_is_its_content_says(tmp_path: Path) -> None:
    files = {f"{A}.dat": AVI, f"{B}.bin": ZIP, C: AVI, f"{D}.Part_2": AVI}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = read_folder(tmp_path, here=tmp_path)
    assert found.sources == {A: f"{A}.dat", B: f"{B}.bin", C: C}
    assert [each.path for each in found.left_alone] == [f"{D}.Part_2"]


def test_links_are_followed(tmp_path: Path) -> None:
    touched(tmp_path / "elsewhere", "17.mp4", "18")
    folder = touched(tmp_path / "tapes")
    (folder / f"{A}.mp4").symlink_to(tmp_path / "elsewhere" / "17.mp4")
    (folder / B).symlink_to(tmp_path / "elsewhere")
    assert read_folder(folder, here=folder) == ({A: f"{A}.mp4", B: B}, ())


def test_what_narrows_the_list_is_told_and_comes_before_what_is_refused(tmp_path: Path) -> None:
    folder = touched(
        tmp_path, f"{A}.mp4", f"{B}.mp4", f"{B}.mkv", f"{C}.mp4", f"{D}.mp4", f"{D}.zip", "tape 17.mp4"
    )
    choice = Choice(stations=["NTV"], exclude=[B, "tape*"])
    found = read_folder(folder, choice, tmp_path)
    assert found.sources == {A: f"{A}.mp4"}
    unwanted = "not wanted, by what narrows the list"
    assert found.left_alone == (
        LeftAlone(f"{B}.mkv", "excluded"),
        LeftAlone(f"{B}.mp4", "excluded"),
        LeftAlone(f"{C}.mp4", unwanted),
        LeftAlone(f"{D}.mp4", unwanted),
        LeftAlone(f"{D}.zip", unwanted),
        LeftAlone("tape 17.mp4", "excluded"),
    )
    # One of two files of an ID can be named by its ending.
    assert read_folder(folder, Choice(exclude=["*.mkv", "*.zip"]), tmp_path).sources[B] == f"{B}.mp4"
    # What is included is wanted nevertheless.
    with pytest.raises(
        ValueError, match=rf"1 broadcast is there twice: '{B} \({B}\.mkv and {B}\.mp4\)'; move away"
    ):
        read_folder(folder, Choice(exclude=["*"], include={B: ""}), tmp_path)
    assert not read_folder(folder, Choice(exclude=["*"]), tmp_path).sources
    assert read_folder(
        folder, Choice(exclude=["*"], include={A: "other.zip", "X_20240101_000000": ""})
    ).sources == {
        A: "other.zip",
        "X_20240101_000000": "",
    }


@pytest.mark.parametrize("other", [f"{A}.mkv", f"{A}.zip", A])
def test_two_that_are_one_broadcast_are_refused(other: str, tmp_path: Path) -> None:
    touched(tmp_path, f"{A}.mp4")
    (tmp_path / other).mkdir() if other == A else (tmp_path / other).touch()
    with pytest.raises(
        ValueError, match=r"1 broadcast is there twice: .*broadcasts\.exclude, which takes patterns"
    ):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([], "holds no broadcast: it is empty; the form is STATION_"),
        ([".x.mp4"], "holds no broadcast: it is empty"),
        (["notes.txt"], r"holds no broadcast: .*notes\.txt: no recording \(\.txt\); the form"),
        (
            ["tape 17.mp4", "x.zip", "a.srt"],
            r"holds no broadcast: a\.srt: subtitles \(\.srt\); 2 entries: its name is no broadcast ID; "
            r"castgraph init gives IDs; the first: tape 17\.mp4; the form is .*; "
            r"castgraph init FOLDER --station",
        ),
        (["1.jpg", "2.jpg"], r"2 entries: a picture outside a folder of pictures \(\.jpg\)"),
    ],
)
def test_a_folder_without_a_broadcast_is_refused(names: list[str], problem: str, tmp_path: Path) -> None:
    touched(tmp_path, *names)
    with pytest.raises(ValueError, match=problem):
        read_folder(tmp_path, here=tmp_path)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    touched(tmp_path, "file")
    for path in (tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="cannot be read"):
            read_folder(path)


def test_sources_start_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touched(tmp_path, f"{A}.zip")
    assert read_folder(tmp_path).sources == {A: f"{A}.zip"}
    (tmp_path / "list.txt").write_text(f"{Path.cwd()}/{A}.zip\n")
    assert read_list(tmp_path / "list.txt", Choice()).sources == {A: f"{A}.zip"}
