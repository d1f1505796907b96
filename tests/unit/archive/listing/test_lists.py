"""Files that list broadcasts, one a line."""

import gzip
import unicodedata
from pathlib import Path

import pytest

from castgraph.archive import Choice, LeftAlone
from castgraph.archive.listing.lists import read_excluded, read_list, read_names

BASE = "https://example.org/archive/"
A = "NTV_20240101_200000_Evening_News"
B = "NTV_20240102_013000_Night"
C = "RUSSIA1_20240106_083000_60_minut"
D = "RUSSIA1_20240107_083000"
ALL = (A, B, C, D)


def listed(
    path: Path, choice: Choice | None = None, base_url: str = "", here: Path | None = None
) -> dict[str, str]:
    """The sources of a list whose paths need not be there."""
    return dict(read_list(path, choice or Choice(), base_url, here, check=False).sources)


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
    assert listed(path, Choice(), BASE, tmp_path) == {
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
    assert listed(path, Choice()) == {A: "", B: ""}
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="cannot be read"):
        read_list(path, Choice())


def test_a_list_is_narrowed_and_completed(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(f"{BASE}{each}.zip\n" for each in ALL))
    choice = Choice(stations=["NTV"], title="News", include={C: "", "X_20240101_000000": "x.zip"})
    assert listed(path, choice, BASE) == {A: "", C: "", "X_20240101_000000": "x.zip"}
    # From elsewhere, and the source of an included one is still the listed one.
    assert listed(path, choice, "https://other.example/") == {
        A: f"{BASE}{A}.zip",
        C: f"{BASE}{C}.zip",
        "X_20240101_000000": "x.zip",
    }


def test_addresses_without_an_id_are_left_out_of_what_is_narrowed(tmp_path: Path) -> None:
    path = written(tmp_path, f"{BASE}IAITEM_Year2000.zip\n{BASE}{A}.zip\n{BASE}NTV_20240230_000000.zip\n")
    for choice in (Choice(stations=["NTV"]), Choice(first="2024-01-01"), Choice(title="News")):
        assert listed(path, choice, BASE) == {A: ""}
    with pytest.raises(ValueError, match=r"2 of the entries .*IAITEM_Year2000\.zip.*NTV_20240230"):
        read_list(path, Choice(include={A: ""}), BASE)


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
        (f"{A}\n\nx\ny\n", r"2 of the entries .*'x', 'y' \(the first in line 3\)"),
        (f"{A};tapes/1.mp4\n", r"1 of the entries .*; the first line of a table names its columns"),
        (r"C:\tapes\NTV_20240101_000000.mp4", r"1 of the entries .*; the folders of a path are parted by /"),
        (f"{A}\ntapes/{A}.mp4\n", rf"{A} has two sources: the archive and tapes/{A}\.mp4"),
        (
            "".join(f"x{n}\n" for n in range(20)),
            r"20 of the entries .*'x9', … \(the first in line 1\); the form",
        ),
    ],
)
def test_what_is_wrong_in_a_list_is_told(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=problem):
        listed(written(tmp_path, text), Choice(), BASE, tmp_path)


def test_what_is_excluded_is_not_refused(tmp_path: Path) -> None:
    text = f"{A}\ntapes/{B}.mp4\ntapes/{B}.mkv\ntapes/tape 17.mp4\n"
    assert listed(written(tmp_path, text), Choice(exclude=[B, "tape*"])) == {A: ""}


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "binary"):
        for read in (lambda path: read_list(path, Choice()), read_excluded):
            with pytest.raises(ValueError, match="cannot be read"):
                read(path)


def test_excluded_ids_and_patterns_are_read_from_a_file(tmp_path: Path) -> None:
    assert read_excluded(written(tmp_path, f"{A} # not this\n\n# nor these\nNTV_*\n")) == [A, "NTV_*"]


# Sources have to be there.


def absent(folder: Path, text: str, name: str = "list.csv") -> str:
    with pytest.raises(ValueError, match="cannot be taken") as caught:
        read_list(written(folder, text, name), Choice(), BASE, folder)
    return str(caught.value)


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """A folder of the kinds of things that may be a source, and that may be none."""
    folder = tmp_path / "tapes"
    (folder / "stills").mkdir(parents=True)
    for name in ("1.mp4", "2.ZIP", "tape, 17.mkv", f"{A}.mp4", "$HOME.mp4"):
        (folder / name).touch()
    (folder / "page.pdf").write_bytes(b"%PDF-1.7")
    (folder / "odd.bin").write_bytes(b"\x1aE\xdf\xa3")
    (folder / f"{B}.dat").write_bytes(b"RIFF\0\0\0\0AVI LIST")
    (folder / "link.mp4").symlink_to("1.mp4")
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    return folder


def test_sources_that_are_there_are_taken_whatever_they_are_called(tapes: Path) -> None:
    lines = {
        A: "tapes/1.mp4",
        B: "tapes/2.ZIP",
        C: "tapes/stills",
        D: "tapes/odd.bin",
        "X_20240101_000000": "tapes/link.mp4",
    }
    lines |= {"X_20240102_000000": "tapes/~", "X_20240103_000000": "tapes/$HOME.mp4"}
    table = "broadcast,source\n" + "".join(f"{key},{source}\n" for key, source in lines.items())
    (tapes / "~").write_bytes(b"PK\x03\x04")
    assert read_list(written(tapes.parent, table), Choice(), here=tapes.parent).sources == lines
    # In a list the ID is the name without the ending of the file, whatever that is.
    found = read_list(written(tapes.parent, f"tapes/{A}.mp4\n./tapes/{B}.dat\n"), Choice(), here=tapes.parent)
    assert found.sources == {A: f"tapes/{A}.mp4", B: f"tapes/{B}.dat"}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("tapes/3.mp4", "1 of the sources cannot be taken: 'tapes/3.mp4': not there"),
        ("tapes/1.mp4/2.mp4", "'tapes/1.mp4/2.mp4': not there"),
        ("tapes/gone.mp4", "'tapes/gone.mp4': a link that leads nowhere"),
        ("tapes/page.pdf", "'tapes/page.pdf': no recording (.pdf)"),
        ("/dev/null", "'/dev/null': neither a file nor a folder"),
        (r"tapes\1.mp4", r"'tapes\\1.mp4': not there; with / in the place of \ it would be there"),
        (
            r"C:\tapes\1.mp4",
            "not there; the folders of a path are parted by / here; in WSL the drive C: is /mnt/c",
        ),
        ("~/1.mp4", "'~/1.mp4': not there; ~ and $NAME are not filled in: write the path in full"),
        ("$HOME/1.mp4", "'$HOME/1.mp4': not there; ~ and $NAME are not filled in"),
    ],
)
def test_a_source_that_cannot_be_taken_is_told(tapes: Path, source: str, told: str) -> None:
    assert told in absent(tapes.parent, f"broadcast,source\n{A},{source}\n{B},tapes/1.mp4\n")


def test_all_that_are_not_there_are_counted(tapes: Path) -> None:
    message = absent(
        tapes.parent, "".join(f"tapes/X_20240101_0000{n:02}.mp4\n" for n in range(12)), "list.txt"
    )
    assert message.startswith("12 of the sources cannot be taken: 'tapes/X_20240101_000000.mp4': not there; ")
    assert message.endswith("'tapes/X_20240101_000009.mp4': not there; …")
    # Those that are not wanted need not be there.
    choice = Choice(exclude=["X_*"], include={A: "tapes/1.mp4"})
    assert read_list(tapes.parent / "list.txt", choice, here=tapes.parent).sources == {A: "tapes/1.mp4"}


def test_a_list_beside_its_sources_is_told_where_paths_start(tapes: Path) -> None:
    written(tapes, f"broadcast,source\n{A},1.mp4\n", "list.csv")
    with pytest.raises(
        ValueError, match=rf"'1.mp4': not there; paths start from {tapes.parent}, and not from"
    ):
        read_list(tapes / "list.csv", Choice(), here=tapes.parent)


# Whoever wrote it.

SPELLED = {
    "cp1251": "Новости дня.mp4",
    "cp1252": "Télé – été.mp4",
    "latin-1": "Télé été.mp4",
    "cp1250": "Večerní zprávy.mp4",
    "cp1253": "Ειδήσεις.mp4",
    "cp1254": "Akşam haberleri ığ.mp4",
    "cp932": "ニュース.mp4",
    "gbk": "新闻联播.mp4",
    "cp866": "Новости дня.mp4",
    "koi8_r": "Новости дня.mp4",
    "mac_roman": "Télé été.mp4",
    "utf-8": "Новости.mp4",
    "utf-8-sig": "Новости.mp4",
    "utf-16": "Новости.mp4",
    "utf-16-le": "Новости.mp4",
    "utf-16-be": "Новости.mp4",
    "utf-32": "Новости.mp4",
}


@pytest.mark.parametrize("encoding", SPELLED)
@pytest.mark.parametrize("is_table", [True, False])
def test_the_encoding_is_the_one_in_which_the_paths_are_there(
    encoding: str, is_table: bool, tmp_path: Path
) -> None:
    name = SPELLED[encoding]
    folder = tmp_path / Path(name).stem
    folder.mkdir()
    source = f"{folder.name}/{A}.mp4"
    (tmp_path / source).touch()
    text = f"broadcast;note;source\r\n{A};ж é;{source}\r\n" if is_table else f"{source}\r\n"
    (tmp_path / "list").write_bytes(text.encode(encoding, "replace"))
    assert read_list(tmp_path / "list", Choice(), here=tmp_path).sources == {A: source}
    assert list(read_names(tmp_path / "list")) == [A]


def test_where_no_path_tells_the_encoding_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(f"broadcast,source\n{A},Новости.mp4\n".encode("cp1251"))
    with pytest.raises(
        ValueError, match=r"not there; the file is not UTF-8 and was read as cp1252: .*save it as UTF-8"
    ):
        read_list(tmp_path / "list.csv", Choice(), here=tmp_path)


@pytest.mark.parametrize(("disk", "listed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_with_marks_may_be_one_sign_or_two(disk: str, listed: str, tmp_path: Path) -> None:
    """As file names of Macs are."""
    name = f"{unicodedata.normalize(disk, 'Télé')}.mp4"
    (tmp_path / name).touch()
    path = written(tmp_path, f"broadcast,source\n{A},{unicodedata.normalize(listed, name)}\n", "list.csv")
    assert read_list(path, Choice(), here=tmp_path).sources == {A: name}


@pytest.mark.parametrize("content", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_spreadsheet_is_refused_with_what_to_do(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"of a spreadsheet \(\.xlsx, \.xls, \.ods\) save the table as CSV UTF-8"
    ):
        read_list(tmp_path / "list.csv", Choice())


def test_what_is_packed_is_told_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(gzip.compress(A.encode()))
    written(tmp_path, A, "list.gz")
    assert listed(tmp_path / "list.txt") == listed(tmp_path / "list.gz") == {A: ""}


def test_addresses_without_an_id_are_told(tmp_path: Path) -> None:
    path = written(
        tmp_path, f"{BASE}{A}.zip\n{BASE}NTV_20240230_000000.zip\n{BASE}OTHER_20240230_000000.zip\n"
    )
    found = read_list(path, Choice(stations=["NTV"]), BASE)
    assert found.left_alone == (LeftAlone(f"{BASE}NTV_20240230_000000.zip", "its name is no broadcast ID"),)
