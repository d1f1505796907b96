"""Entities from outside: tables of any country, GDELT's files, and what is wrong with either."""

import gzip
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.base import tables
from castgraph.labelling import sources, vgeg
from castgraph.labelling.outside import Outside, read_entities

DAY = date(2012, 11, 30)
ID = "KPIX_20121201_013000_CBS_Evening_News"
START = datetime(2012, 12, 1, 1, 30, tzinfo=UTC)


def read(tmp_path: Path, *found: Path, **options: Any) -> tuple[Outside, list[dict[str, Any]]]:
    """Read sources, and give what was read and the rows."""
    out = tmp_path / "out" / "entities.parquet"
    result = read_entities(found, out, **options)
    tables.check(out, tables.TABLES["entities"])
    assert result.n_rows == pq.read_metadata(out).num_rows
    assert not [path for path in out.parent.iterdir() if path != out], "something was left behind"
    return result, tables.read(out, tables.ENTITIES).to_pylist()


def table(tmp_path: Path, text: str, name: str = "seen.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def short(rows: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["station"], row["day"], row["entity"], row["count"]) for row in rows]


TWO = [("CBS", DAY, "desk", 12.0), ("CBS", DAY, "map", 0.5)]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("station,day,entity,count\nCBS,2012-11-30,desk,12\nCBS,2012-11-30,map,0.5\n", "utf-8"),
        (" Station ;DAY;Entity;Count\nCBS;30.11.2012;desk;12\n\nCBS;30.11.12;map;0,5\n", "utf-8-sig"),
        ("sep=;\nStation;Date;Name;Seconds\nCBS;20121130;desk;12\nCBS;2012/11/30;map;0,5\n", "utf-16"),
        ("channel\tdate\tlabel\tn\nCBS\t11/30/2012\tdesk\t12\nCBS\t11/30/12\tmap\t.5", "utf-8"),
        ("station|day|entity|count\r\nCBS|30/11/2012|desk|12\r\nCBS|30/11/2012|map|5e-1", "utf-16-le"),
        (
            '"station","day","entity","count"\n"CBS","2012-11-30","desk","12"\n"CBS","2012-11-30","map","0.5"',
            "cp1252",
        ),
    ],
)
def test_tables_of_any_country(tmp_path: Path, text: str, encoding: str) -> None:
    found, rows = read(tmp_path, table(tmp_path, text, encoding=encoding))
    assert short(rows) == TWO
    assert not found.left_out
    assert {row["kind"] for row in rows} == {"entity"}
    assert rows[0]["broadcast"] is rows[0]["show"] is rows[0]["start"] is None


def test_names_in_the_encoding_of_a_country_and_thousands(tmp_path: Path) -> None:
    german = "station;day;entity;count\nZDF;30.11.2012;Börse;1.204,5\n"
    english = 'station,day,entity,count\nBBC,2012-11-30,café,"1,204.5"\n'
    paths = [table(tmp_path, german, "a.csv", "cp1252"), table(tmp_path, english, "b.csv", "cp1252")]
    _, rows = read(tmp_path, *paths)
    assert short(rows) == [("BBC", DAY, "café", 1204.5), ("ZDF", DAY, "Börse", 1204.5)]


def test_a_table_packed_and_one_of_broadcasts(tmp_path: Path) -> None:
    text = f"broadcast,entity,count,kind\n{ID},desk,12,label\n{ID},map,3,\n"
    path = tmp_path / "seen.tsv.gz"
    path.write_bytes(gzip.compress(text.replace(",", "\t").encode()))
    _, rows = read(tmp_path, path)
    assert [(row["entity"], row["kind"], row["count"]) for row in rows] == [
        ("map", "entity", 3.0),
        ("desk", "label", 12.0),
    ]
    assert {(row["broadcast"], row["station"], row["show"], row["start"], row["day"]) for row in rows} == {
        (ID, "KPIX", "CBS_Evening_News", START, None)
    }


def test_broadcasts_of_another_form_need_a_station(tmp_path: Path) -> None:
    text = "broadcast,station,day,entity,count\ntape 7,CBS,2012-11-30,desk,12\ntape 8,,2012-11-30,desk,12\n"
    found, rows = read(tmp_path, table(tmp_path, text))
    assert [(row["broadcast"], row["station"], row["day"]) for row in rows] == [("tape 7", "CBS", DAY)]
    assert found.left_out == {"the broadcast is no broadcast ID, and there is no station": 1}
    assert "line 3" in found.told[0]
    assert "'tape 8'" in found.told[0]


def test_parquet_of_any_types(tmp_path: Path) -> None:
    made = {
        "Station": pa.array(["CBS", "CBS", None]).dictionary_encode(),
        "Day": pa.array([datetime(2012, 11, 30)] * 3),
        "Entity": ["desk", "map", "desk"],
        "Count": pa.array([12, 0.5, 1], pa.float32()),
        "more": [[1], [2], [3]],
    }
    pq.write_table(pa.table(made), tmp_path / "seen.parquet")
    found, rows = read(tmp_path, tmp_path / "seen.parquet")
    assert short(rows) == TWO
    assert found.left_out == {"no station": 1}


def test_a_table_that_castgraph_wrote_comes_back(tmp_path: Path) -> None:
    _, rows = read(tmp_path, table(tmp_path, f"broadcast,entity,count\n{ID},desk,12\n"))
    (tmp_path / "again").mkdir()
    _, again = read(tmp_path / "again", tmp_path / "out" / "entities.parquet")
    assert again == rows


def test_stations_that_have_a_column_each(tmp_path: Path) -> None:
    text = "Date,Query,BBC News,CNN\n9/17/17,Maria,0,0.029\n9/25/17,Maria,0.2,\n"
    found, rows = read(tmp_path, table(tmp_path, text))
    assert short(rows) == [
        ("BBC News", date(2017, 9, 25), "Maria", 0.2),
        ("CNN", date(2017, 9, 17), "Maria", 0.029),
    ]
    assert found.left_out == {"the count is 0": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "station,day,count\nCBS,2012-11-30,1\n",
            "no column 'entity'; the columns are 'station', 'day', 'count'",
        ),
        ("station,day,entity\nCBS,2012-11-30,desk\n", "no column 'count'"),
        ("station,entity,count\nCBS,desk,1\n", "no column 'broadcast', nor 'station' and 'day'"),
        ("day,day,station,entity,count\n", "2 columns are called 'day'"),
        (
            "day,entity,CNN,mood\n2012-11-30,desk,1,good\n",
            "no column 'count', and columns .* no stations: 'mood'",
        ),
        ("", "holds nothing"),
        ("\x00\x01\x02\x03", "no column"),
        ("PAR1 and no more", "cannot be read"),
        ("PK\x03\x04", "save the table as CSV UTF-8"),
        ("station,day,entity,count\nCBS,1/2/12,desk,1\n", "the day may be read in two ways"),
        ("station,day,entity,count\nCBS,2012-11-30,desk,0\n", "nothing could be read of the sources"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(tmp_path, table(tmp_path, text))
    assert not (tmp_path / "out" / "entities.parquet").exists()


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.csv: there is no such file or folder"):
        read(tmp_path, tmp_path / "nowhere.csv")


ROW = "CBS,2012-11-30,desk,12\n"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("CBS,2012-11-30,map,-1\n", "the count is no number of 0 or more"),
        ("CBS,2012-11-30,map,nan\n", "the count is no number of 0 or more"),
        ("CBS,2012-11-30,map,1e999\n", "the count is no number of 0 or more"),
        ("CBS,2012-11-30,map,=1+1\n", "the count is no number of 0 or more"),
        ("CBS,2012-11-30,map\n", "the count is no number of 0 or more"),
        ("CBS,2012-13-30,map,1\n", "no day"),
        ("CBS,0001-01-01,map,1\n", "the day is not between 1900 and 2100"),
        ("CBS,,map,1\n", "no day"),
        (",2012-11-30,map,1\n", "no station"),
        ("CBS,2012-11-30,,1\n", "no entity"),
        ("CBS,2012-11-30,\x1b\x07,1\n", "no entity"),
        ("CBS,2012-11-30,\x00,1\n", "no entity"),
        (f"CBS,2012-11-30,{'a' * 301},1\n", "the name of the entity is longer than 300 characters"),
        (f"CBS,2012-11-30,{'a' * 100_000},1\n", "the name of the entity is longer than 300 characters"),
        (f"{'B' * 301},2012-11-30,map,1\n", "the name of the station is longer than 300 characters"),
        (ROW, "the same entity of the same broadcast or day is there twice; the first counts"),
        (
            ROW.replace("12\n", "99\n"),
            "the same entity of the same broadcast or day is there twice; the first counts",
        ),
    ],
)
def test_a_row_that_is_wrong_is_counted_and_told(tmp_path: Path, row: str, why: str) -> None:
    path = table(tmp_path, f"station,day,entity,count\n{ROW}{row}CBS,2012-11-30,flag,3\n")
    found, rows = read(tmp_path, path)
    assert short(rows) == [("CBS", DAY, "desk", 12.0), ("CBS", DAY, "flag", 3.0)]
    assert found.left_out == {why: 1}
    if "twice" not in why:
        assert found.told[0].startswith(f"{path}, line 3: {why}")
        assert len(found.told[0]) < 400 + len(str(path))


def test_lines_without_end_and_cells_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_LINE", 2000)
    long = f"CBS,2012-11-30,{'a' * 9000},1\n"
    path = table(tmp_path, f"station,day,entity,count\n{ROW}{long}CBS,2012-11-30,flag,3\n")
    found, rows = read(tmp_path, path)
    assert [row["entity"] for row in rows] == ["desk", "flag"]
    assert sum(found.left_out.values()) == 1
    quoted = "".join(
        f'CBS,2012-11-30,"open {n},1\n' if n == 0 else f"CBS,2012-11-30,x{n},1\n" for n in range(20_000)
    )
    path = table(tmp_path, f"station,day,entity,count\n{ROW}{quoted}CBS,2012-11-30,flag,3\n", "open.csv")
    found, rows = read(tmp_path, path)
    assert found.left_out["no CSV"] > 1000
    assert len(rows) + found.left_out["no CSV"] == 20_002


# --- GDELT's files


def second(
    n: int, names: Iterable[Any] = ("desk", "map"), broadcast: str = ID, **more: Any
) -> dict[str, Any]:
    """Make a line as GDELT writes it: what is seen in a second of a show."""
    return {
        "date": f"{START + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}",
        "showOffset": n,
        "iaShowId": broadcast,
        "station": broadcast.partition("_")[0],
        "showName": "CBS Evening News",
        "entities": [
            {"name": name, "mid": f"/m/{name}", "confidence": 0.8} if isinstance(name, str) else name
            for name in names
        ],
        **more,
    }


def show(path: Path, lines: Iterable[Any]) -> Path:
    """Write a file of a show, packed."""
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def test_a_show_counts_its_seconds(tmp_path: Path) -> None:
    lines = [second(n, ["desk", "desk"] if n % 3 else ["desk", "map"]) for n in range(9)]
    found, rows = read(tmp_path, show(tmp_path / "vgeg" / f"{ID}.vgeg.json.gz", lines).parent)
    assert [(row["entity"], row["count"]) for row in rows] == [("desk", 9.0), ("map", 3.0)]
    assert {(row["broadcast"], row["station"], row["show"], row["start"], row["day"]) for row in rows} == {
        (ID, "KPIX", "CBS Evening News", START, None)
    }
    assert found == Outside(1, 2, {}, [])


@pytest.mark.parametrize(
    "entities",
    [
        [{"name": "desk", "mid": "/m/01", "score": 0.9}, {"name": "map", "avgConfidence": 0.5}],
        [{"entity": "desk"}, {"description": "map", "entityId": "/m/02"}],
        ["desk", "map"],
        [["desk", 0.9], ["map", 0.5]],
        {"desk": 0.9, "map": 0.5},
        '[{"name": "desk"}, {"name": "map"}]',
        "desk,0.93;map,0.5",
        "desk|/m/01|0.9;map|/m/02|0.5;",
        "desk; map ;",
        "desk,map",
        "desk|map",
    ],
)
def test_entities_in_all_forms(tmp_path: Path, entities: Any) -> None:
    found, rows = read(tmp_path, show(tmp_path / "a.json.gz", [second(0, entities=entities)]))
    assert [(row["entity"], row["count"]) for row in rows] == [("desk", 1.0), ("map", 1.0)]
    assert not found.left_out


def test_minutes_of_the_first_edition_and_frames_of_the_raw_data(tmp_path: Path) -> None:
    minute = second(0, [{"name": "desk", "numSeconds": 41}, {"name": "map", "numSeconds": 2}])
    _, rows = read(tmp_path, show(tmp_path / "minutes.json.gz", [minute, minute | {"showOffset": 60}]))
    assert [row["count"] for row in rows] == [82.0, 4.0]
    frames = [second(0, ["desk"], showOffset=n / 30, date=None) for n in range(45)]
    _, rows = read(tmp_path, show(tmp_path / "frames.json.gz", frames))
    assert [row["count"] for row in rows] == [45.0]


@pytest.mark.parametrize(
    "moment", ["2012-12-01 01:30:00 UTC", "20121201013000", 1354325400, "2012-11-30T17:30:00-08:00"]
)
def test_moments_in_all_forms(tmp_path: Path, moment: Any) -> None:
    line = second(0, broadcast="evening", station="KPIX", date=moment)
    _, rows = read(tmp_path, show(tmp_path / "a.json.gz", [line]))
    assert {(row["broadcast"], row["start"]) for row in rows} == {("evening", START)}


def test_a_show_past_midnight_is_parted_by_the_day(tmp_path: Path) -> None:
    late = "KPIX_20121201_075500_Late_News"  # 23:55 in California
    lines = [second(0, broadcast=late, date=None, showOffset=60 * n) for n in range(12)]
    path = show(tmp_path / "a.json.gz", lines)
    _, rows = read(tmp_path, path, timezone="America/Los_Angeles")
    assert [(row["day"], row["entity"], row["count"]) for row in rows] == [
        (DAY, "desk", 5.0),
        (DAY, "map", 5.0),
        (DAY + timedelta(1), "desk", 7.0),
        (DAY + timedelta(1), "map", 7.0),
    ]
    _, rows = read(tmp_path, path)
    assert [(row["day"], row["count"]) for row in rows] == [(None, 12.0), (None, 12.0)]


def test_a_show_counts_once_however_often_it_is_there(tmp_path: Path) -> None:
    lines = [second(n) for n in range(5)]
    folder = show(tmp_path / "vgeg" / "a.json.gz", [*lines, lines[2]]).parent
    show(folder / "b.json.gz", lines)
    show(folder / "c" / "rest.json.gz", [second(n) for n in range(3, 8)])
    (folder / "link.json.gz").symlink_to(folder / "a.json.gz")
    found, rows = read(tmp_path, folder, folder / "a.json.gz")
    assert [row["count"] for row in rows] == [8.0, 8.0]
    assert found.left_out == {
        "the file is there twice": 2,
        "the second is there twice": 1,
        "these seconds of the show were in a file before": 7,
    }


def test_several_shows_in_a_file(tmp_path: Path) -> None:
    other = "KGO_20121201_013000_News"
    lines = [second(n, broadcast=[ID, other][n // 2 % 2]) for n in range(8)]
    _, rows = read(tmp_path, show(tmp_path / "a.json.gz", lines))
    assert [(row["broadcast"], row["count"]) for row in rows] == [(other, 4.0)] * 2 + [(ID, 4.0)] * 2


WRONG = [
    ("{", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ('"text"', "no object of JSON"),
    (second(1) | {"entities": 7}, "no entities"),
    (second(1) | {"entities": "[{"}, "no entities"),
    (second(1) | {"date": "yesterday"}, "no time"),
    (second(1) | {"date": [1]}, "no time"),
    (second(1) | {"date": 1e300}, "no time"),
    (second(1) | {"date": "0001-01-01T00:00:00Z"}, "the day is not between 1900 and 2100"),
    (second(1) | {"date": None, "showOffset": None}, "no time"),
    (second(1) | {"iaShowId": {"a": 1}}, "no show ID"),
    (second(1) | {"iaShowId": "x" * 10_000}, "the name of the show ID is longer than 300 characters"),
    (second(1) | {"iaShowId": "tape", "station": None}, "no station"),
    (second(1) | {"iaShowId": "tape", "station": ["KPIX"]}, "no station"),
    (second(1, ["a" * 301]), "the name of the entity is longer than 300 characters"),
    (second(1, ["a" * 100_000]), "the name of the entity is longer than 300 characters"),
    (second(1, [{"score": 1}]), "no entity"),
    (second(1, [7]), "no entity"),
    (second(1, [{"name": "desk", "numSeconds": -1}]), "the count is no number of 0 or more"),
]


@pytest.mark.parametrize(("line", "why"), WRONG)
def test_a_line_that_is_wrong_is_counted_and_told(tmp_path: Path, line: Any, why: str) -> None:
    path = show(tmp_path / "a.json.gz", [second(0), line, second(2)])
    found, rows = read(tmp_path, path)
    assert found.left_out == {why: 1}
    assert found.told[0].startswith(f"{path}, line 2: {why}")
    assert len(found.told[0]) < 400 + len(str(path))
    assert {row["count"] for row in rows} == {2.0}


KEYS = ["date", "showOffset", "iaShowId", "station", "showName", "entities", "name"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(noise=st.lists(st.text(max_size=40) | JSON.map(json.dumps), max_size=6))
def test_whatever_a_file_holds_the_rest_of_the_show_is_read(
    tmp_path_factory: pytest.TempPathFactory, noise: list[str]
) -> None:
    tmp_path = tmp_path_factory.mktemp("noise")
    path = show(tmp_path / "a.json.gz", [second(0), *noise, second(5)])
    found, rows = read(tmp_path, path)
    assert [row["count"] for row in rows if row["broadcast"] == ID][:2] == [2.0, 2.0]
    assert (
        sum(found.left_out.values()) <= sum(len(each.splitlines()) + each.count("\r") for each in noise) * 20
    )


def test_a_damaged_file_gives_what_it_holds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [second(n, [f"label {each}" for each in rng.integers(0, 9999, 30)]) for n in range(200)]
    whole = show(tmp_path / "vgeg" / "a.json.gz", lines)
    whole.write_bytes(whole.read_bytes()[:-5000])
    (whole.parent / "b.json.gz").write_bytes(b"\x1f\x8b no gzip")
    (whole.parent / "c.json").write_bytes(b"")
    (whole.parent / "d.csv").write_text("no table")
    (whole.parent / "readme.pdf").write_bytes(b"%PDF")
    found, rows = read(tmp_path, whole.parent)
    assert sum(row["count"] for row in rows) > 3000
    assert found.left_out == {
        "a file of a folder that cannot be read": 1,
        "the file holds nothing": 1,
        "no table and no file of JSON lines, by its name": 1,
        "the file is damaged from here on": 2,
    }


def test_a_file_that_unpacks_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "FREE", 1 << 16)
    monkeypatch.setattr(sources, "MOST_LINE", 1 << 14)
    folder = show(tmp_path / "vgeg" / "a.json.gz", [second(0)]).parent
    (folder / "b.json.gz").write_bytes(gzip.compress(b'{"a": "' + bytes(8 << 20), 9))
    line = json.dumps(second(1) | {"pad": "x" * 10_000})
    (folder / "c.json.gz").write_bytes(gzip.compress(f"{line}\n".encode() * 1000, 9))
    tracemalloc.start()
    found, rows = read(tmp_path, folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert {row["count"] for row in rows} == {2.0}
    assert found.left_out["the file is damaged from here on"] == 2
    assert "unpacks to more than 300 times its size" in "".join(found.told)


def test_very_many_entities_of_a_show_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgeg, "MOST_ENTITIES", 3)
    found, rows = read(tmp_path, show(tmp_path / "a.json.gz", [second(n, [f"label {n}"]) for n in range(5)]))
    assert len(rows) == 3
    assert found.left_out == {"more than 3 entities of a show": 2}


def test_a_folder_of_very_many_files(tmp_path: Path) -> None:
    def files() -> Iterator[Path]:
        for n in range(300):
            start = START + timedelta(days=n)
            broadcast = f"KPIX_{start:%Y%m%d_%H%M%S}_News"
            line = second(0, broadcast=broadcast, date=f"{start:%Y-%m-%dT%H:%M:%SZ}")
            yield show(tmp_path / "vgeg" / f"{n % 7}" / f"{n}.json.gz", [line])

    assert len(list(files())) == 300
    found, rows = read(tmp_path, tmp_path / "vgeg")
    assert found.n_files == 300
    assert len(rows) == 600


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "vgeg"
    for n in range(5):
        broadcast = f"K{n}_20121201_013000_News"
        show(
            folder / f"{n}.json.gz",
            [second(k, rng.permutation(["a", "b", "c"]).tolist()[:2], broadcast) for k in range(9)],
        )
    made = []
    for threads in (1, 2):
        read(tmp_path, folder, threads=threads)
        made.append((tmp_path / "out" / "entities.parquet").read_bytes())
    assert made[0] == made[1]
