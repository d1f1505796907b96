"""Tables of recordings, as people and spreadsheets write them."""

from pathlib import Path

import pytest

from castgraph.archive import Choice, LeftAlone
from castgraph.archive.listing.folders import Found
from castgraph.archive.listing.lists import read_list

BASE = "https://example.org/archive/"
A = "NTV_20240101_200000_Evening_News"
B = "NTV_20240102_013000_Night"
C = "RUSSIA1_20240106_083000_60_minut"
D = "RUSSIA1_20240107_083000"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with recordings."""
    (tmp_path / "tapes").mkdir()
    for name in ("tape 17.mp4", "tape, 18; last|one.mkv", 'the "best".ts'):
        (tmp_path / "tapes" / name).touch()
    (tmp_path / "stills").mkdir()
    return tmp_path


def read(here: Path, text: str, **options: bool) -> Found:
    path = here / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return read_list(path, Choice(), BASE, here, **options)


def test_a_table_tells_the_ids_of_files(here: Path) -> None:
    text = (
        "note,source,broadcast\n"
        f'"a, b",tapes/tape 17.mp4,{A}\n'
        "# a comment\n"
        f",,{B}\n"
        f",https://example.org/archive/{C}.zip,{C}\n"
        f",https://elsewhere.example/get?id=5,{D}\n"
    )
    sources = {A: "tapes/tape 17.mp4", B: "", C: "", D: "https://elsewhere.example/get?id=5"}
    assert read(here, text).sources == sources
    narrowed = read_list(here / "table.csv", Choice(stations=["NTV"]), BASE, here)
    assert narrowed.sources == {A: sources[A], B: ""}
    assert read(here, f"broadcast\n{A}\n").sources == {A: ""}


@pytest.mark.parametrize(
    "text",
    [
        f"broadcast, source\n{A}, tapes/tape 17.mp4\n",
        f"Broadcast,SOURCE\n{A},tapes/tape 17.mp4\n",
        f" source ; Broadcast \n tapes/tape 17.mp4 ; {A} \n",
        f"broadcast\tsource\r\n{A}\ttapes/tape 17.mp4\r\n",
        f"broadcast\tsource\r{A}\ttapes/tape 17.mp4\r",
        f"broadcast|source\n{A}|tapes/tape 17.mp4\n",
        f"sep=;\nbroadcast;source\n{A};tapes/tape 17.mp4\n",
        f'"sep=|"\nbroadcast|source\n{A}|tapes/tape 17.mp4\n',
        f"SEP=\t\nbroadcast\tsource\n{A}\ttapes/tape 17.mp4\n",
        f'"broadcast";"source"\n"{A}";"tapes/tape 17.mp4"\n',
        f"\ufeffbroadcast;source\n{A};tapes/tape 17.mp4\n",
        f"\ufeff\ufeffbroadcast,source\n{A},tapes/tape 17.mp4\n",
        f"broadcast,source\n,\n{A},tapes/tape 17.mp4\n,\n  ,\n\n\n",
        f";;\n\n;;\nbroadcast;source;\n{A};tapes/tape 17.mp4;\n;;\n",
        f"# mine\nbroadcast,source\n#,tapes/18.mp4\n{A},tapes/tape 17.mp4,,,\n",
        f'source,broadcast\ntapes/18.mp4,"# {B}"\ntapes/tape 17.mp4,{A}\n',
        f"broadcast\xa0,source\n{A}\xa0,tapes/tape 17.mp4\n",
    ],
)
def test_however_a_table_is_written_its_sources_are_read(text: str, here: Path) -> None:
    assert read(here, text) == Found({A: "tapes/tape 17.mp4"})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_cells_in_quotes_may_hold_separators_and_quotes(separator: str, here: Path) -> None:
    rows = [
        ["broadcast", "source"],
        [A, '"tapes/tape, 18; last|one.mkv"'],
        [B, '"tapes/the ""best"".ts"'],
        [C, "stills"],
    ]
    text = "\n".join(separator.join(row) for row in rows)
    assert read(here, text).sources == {
        A: "tapes/tape, 18; last|one.mkv",
        B: 'tapes/the "best".ts',
        C: "stills",
    }


def test_a_column_that_is_not_read_is_told(here: Path) -> None:
    found = read(here, f"Broadcast,Source,Note,,guessed\n{A},stills,a/b,x,time\n")
    reason = "not read; those are broadcast and source"
    assert found.sources == {A: "stills"}
    assert found.left_alone == (
        LeftAlone("table.csv, column note", reason),
        LeftAlone("table.csv, column without a name", reason),
    )
    # A column of texts may stand without one of sources.
    found = read(here, f"broadcast,note\n{A},News 24/7\n")
    assert (found.sources, len(found.left_alone)) == ({A: ""}, 1)


@pytest.mark.parametrize(
    "value",
    [
        "tapes/tape 17.mp4",
        "tape 99.MKV",
        "stills",
        "/mnt/tapes/17",
        r"C:\tapes\17",
        r"\\nas\tapes\17",
        "./17",
        "https://x.example/17",
    ],
)
@pytest.mark.parametrize("column", ["file", "Path", "sources"])
def test_sources_in_a_column_of_another_name_are_no_sources_of_the_archive(
    column: str, value: str, here: Path
) -> None:
    with pytest.raises(
        ValueError, match=r"no column 'source', and the column .* holds paths or addresses .*call it source"
    ):
        read(here, f"broadcast,{column}\n{B},\n{A},{value}\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,source\nx,y\n", r"no column 'broadcast'; the columns are 'id', 'source'"),
        ("sep=;\nid;file\nx;y\n", r"no column 'broadcast'; the columns are 'id', 'file'"),
        ("broadcast,source,Source\n", "2 columns are called 'source'"),
        (
            f"broadcast,source\n{A},stills\n\n,stills\n",
            r"1 row cannot be used: line 4: the source 'stills', and no broadcast",
        ),
        (f"broadcast,source,note\n,,text\n{A},stills\n", r"line 2: something, and no broadcast"),
        (f"broadcast,source\n{A},tapes/tape, 18\n", r"line 2: 3 cells, and 2 columns"),
        ("broadcast,source\n" + ",x\n" * 12, r"12 rows cannot be used: line 2: .*; line 11: [^;]*; …$"),
        ("broadcast,source\nx,tapes/1.mp4\n", r"1 of the entries .*'x' \(the first in line 2\)"),
        (f"broadcast,source\n{A},gs://x/y.zip\n", r"1 of the entries .*'gs://x/y\.zip'"),
        (f'broadcast,source\n{A},"a\nb.mp4"\n', r"1 of the entries .*'a\\nb\.mp4'"),
        (f'broadcast,source\n{B},\n{A},"stills\n{C},x\n', r"the row behind line 2 is no CSV"),
        (f'broadcast,source\n{A},"the best" of.mp4\n', r"the row behind line 1 is no CSV"),
        (f"broadcast,source\n{A};stills\n", rf"1 of the entries .*'{A};stills'"),
        (f"{A},stills\n", "the first line of a table names its columns"),
        (f"broadcast,source\n{A},stills\n{A},tapes\n", f"{A} has two sources: stills and tapes"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_by_its_line(text: str, problem: str, here: Path) -> None:
    with pytest.raises(ValueError, match=problem):
        read(here, text)
