"""Everything that is found, as tables: Parquet and CSV, also of hardly anything."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from castgraph.base import tables
from castgraph.labelling.found import TABLES, write_found

SETTINGS: dict[str, Any] = {"timezone": "UTC", "weekdays": ["mon", "tue", "wed", "thu", "fri"], "above": 10}
START = datetime(2024, 1, 1, 19, tzinfo=UTC)


def entities(path: Path, *rows: dict[str, Any]) -> Path:
    table = pa.Table.from_pylist(list(rows), tables.ENTITIES)
    tables.write(path / "entities.parquet", table, {}, tables.ENTITIES)
    return path / "entities.parquet"


def of_broadcast(n: int, entity: str, *, title: str = "News", count: float = 20.0) -> dict[str, Any]:
    start = START + timedelta(days=n)
    return {
        "broadcast": f"NTV_{start:%Y%m%d_%H%M%S}_{title}",
        "station": "NTV",
        "show": title,
        "start": start,
        "kind": "person",
        "entity": entity,
        "count": count,
    }


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    tables.check(folder / f"{name}.parquet", tables.TABLES[name])
    return tables.read(folder / f"{name}.parquet", TABLES[name]).to_pylist()


@pytest.mark.parametrize("rows", [[], [of_broadcast(0, "K7Q2")], [of_broadcast(n, "K7Q2") for n in (0, 1)]])
def test_of_none_one_or_two_broadcasts_nothing_is_found_and_that_is_said(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    found = write_found(tmp_path / "found", entities(tmp_path, *rows), **SETTINGS)
    assert len(found) == 0
    assert read(tmp_path / "found", "suspects") == read(tmp_path / "found", "dips") == []
    likeness = read(tmp_path / "found", "likeness")
    assert len(likeness) == len(rows)
    assert all(row["reason"] for row in likeness if row["verdict"] == "not judged")
    facts = tables.read_provenance(tmp_path / "found" / "suspects.parquet")
    assert facts["settings"] == SETTINGS
    assert facts["n_judged"] == sum(row["verdict"] != "not judged" for row in likeness)


def test_broadcasts_without_any_entity_are_told_of(tmp_path: Path) -> None:
    rows = [
        {"broadcast": f"NTV_{START:%Y%m%d_%H%M%S}_News", "station": "NTV", "start": START, "title": "News"}
        | {"status": "missing", "reason": "", "n_frames": 0, "n_unreadable": 0, "n_refused": 0, "n_faces": 0}
        | {"n_set_aside": 0}
    ]
    table = pa.Table.from_pylist(rows, tables.BROADCASTS)
    tables.write(tmp_path / "broadcasts.parquet", table, {}, tables.BROADCASTS)
    given = entities(tmp_path)
    write_found(tmp_path / "found", given, broadcasts=tmp_path / "broadcasts.parquet", **SETTINGS)
    [row] = read(tmp_path / "found", "likeness")
    assert (row["broadcast"], row["verdict"]) == (rows[0]["broadcast"], "not judged")


def test_a_swapped_broadcast_is_found_named_and_linked(tmp_path: Path) -> None:
    cast = {"News": ["A1", "A2", "A3"], "Talk": ["B1", "B2", "B3"]}
    rows = [
        of_broadcast(n, entity, title=title, count=20 + (7 * n + 3 * place) % 11)
        for title, who in cast.items()
        for n in range(12)
        for place, entity in enumerate(cast["Talk"] if (title, n) == ("News", 6) else who)
    ]
    found = write_found(
        tmp_path,
        entities(tmp_path, *rows),
        names={"A1": "=Ann"},
        link=lambda broadcast: f"https://archive.example/{broadcast}",
        **SETTINGS,
    )
    [row] = found.to_pylist()
    assert row["day"] == date(2024, 1, 7)
    assert (row["title"], row["other_title"]) == ("News", "Talk")
    assert row["link"] == f"https://archive.example/{row['broadcast']}"
    assert row["missing"] in cast["News"]
    with (tmp_path / "suspects.csv").open(newline="") as file:
        [told] = csv.DictReader(file)
    assert list(told) == tables.SUSPECTS.names
    assert told["missing_name"] == ("'=Ann" if row["missing"] == "A1" else row["missing"])
    assert told["day"] == "2024-01-07"
    with (tmp_path / "likeness.csv").open(newline="") as file:
        assert not {"nan", "None"} & {cell for line in csv.reader(file) for cell in line}
    assert [path.stem for path in sorted(tmp_path.glob("*.csv"))] == sorted(TABLES)


def test_the_same_entities_give_the_same_bytes(tmp_path: Path) -> None:
    given = entities(tmp_path, *(of_broadcast(n, entity) for n in range(6) for entity in ("A1", "A2")))
    for threads in (1, 2):
        write_found(tmp_path / str(threads), given, threads=threads, **SETTINGS)
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()
