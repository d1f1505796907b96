"""Tables as CSV."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.formulas import FORMULAS, guarded
from tests.unit.ask.conftest import ANN, BEA, CAST, CID, DAY, Cast, write

from castgraph.ask.export import export
from castgraph.ask.results import Results
from castgraph.base import tables


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def exported(run: Path, to: Path, *names: str) -> dict[str, list[dict[str, str]]]:
    return {each.path.stem: read(each.path) for each in export(Results(run), list(names), to)}


def test_names_are_joined_to_every_id(run: Path, tmp_path: Path) -> None:
    found = exported(run, tmp_path / "new" / "out", "sightings", "meetings", "people", "members")
    assert len(found["sightings"]) == 16
    assert found["sightings"][0] == {
        "person_id": CID, "name": "Ann Lea", "broadcast": "RTR_20240201_235952", "face": "2", "frame": "2",
        "time": "2024-02-01T23:59:56Z", "top": "10", "right": "160", "bottom": "60", "left": "110",
        "distance": "0.2", "link": "https://example.org/RTR_20240201_235952/2",
    }  # fmt: skip
    first = found["meetings"][0]
    assert (first["source"], first["source_name"], first["target"], first["target_name"]) == (
        CID, "Ann Lea", ANN, "Ann Lee"
    )  # fmt: skip
    assert first["same_frame"] == "true"
    assert list(found["people"][0]).count("name") == 1
    assert [row["name"] for row in found["members"] if not row["person_id"]] == [""]


def test_former_people_have_no_name(make_run: Callable[..., Path], tmp_path: Path) -> None:
    run = make_run("changed", CAST)
    change = {"from": "DEAD", "to": ANN, "kind": "merged", "n_faces": 5, "broadcast": DAY}
    write(Results(run).path("people_changes"), tables.PEOPLE_CHANGES, [change])
    [row] = exported(run, tmp_path, "people_changes")["people_changes"]
    assert (row["from"], row["from_name"], row["to"], row["to_name"]) == ("DEAD", "", ANN, "Ann Lee")


def test_every_table_of_a_run_can_be_exported(make_run: Callable[..., Path], tmp_path: Path) -> None:
    run = make_run("whole", CAST)
    names = [name for name in tables.TABLES if not name.startswith("encoded_")]
    for name in names:
        path = Results(run).path(name)
        if not path.exists():
            tables.write(path, tables.TABLES[name].schema.empty_table(), {}, tables.TABLES[name].schema)
    counts = {each.path.stem: each.n_rows for each in export(Results(run), names, tmp_path)}
    assert list(counts) == names
    assert counts["faces"] == len(CAST.faces) - 1
    assert counts["sweep"] == 0
    # No face can be made of what is written out.
    assert (tmp_path / "gallery.csv").read_text() == "name,file\n"
    assert (tmp_path / "sweep.csv").read_text().startswith("clustering,algorithm,eps")


def test_what_is_ignored_is_left_out_and_counted(run: Path, tmp_path: Path) -> None:
    for each in export(Results(run), ["faces", "members", "labels"], tmp_path):
        assert (each.n_rows, each.n_hidden) == (len(CAST.faces) - 1, 1)
        assert (DAY, "4") not in {(row["broadcast"], row["face"]) for row in read(each.path)}


def test_people_below_min_seconds_are_left_out(make_run: Callable[..., Path], tmp_path: Path) -> None:
    run = make_run("short", CAST, people={"min_seconds": 16})
    found = exported(run, tmp_path, "people", "sightings", "edges", "members", "broadcasts")
    assert [row["person_id"] for row in found["people"]] == [ANN, BEA]
    assert {row["person_id"] for row in found["sightings"]} == {ANN, BEA}
    assert [(row["source"], row["target"]) for row in found["edges"]] == [(ANN, BEA)]
    assert {row["person_id"] for row in found["members"]} == {ANN, BEA, ""}
    assert len(found["broadcasts"]) == 3
    assert all(CID not in (tmp_path / f"{name}.csv").read_text() for name in found)


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_name_becomes_a_formula(make_run: Callable[..., Path], tmp_path: Path, formula: str) -> None:
    run = make_run("formulas", Cast([(DAY, 1, ANN)], names={ANN: formula}))
    [row] = exported(run, tmp_path, "sightings")["sightings"]
    assert row["name"] == guarded(formula)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("encoded_faces", "no table 'encoded_faces'; there are: broadcasts, faces, "),
        ("../people", "no table '../people'; there are"),
        ("sweep", "no table sweep: there is no .*sweep.parquet; the run has not made it"),
    ],
)
def test_a_table_that_is_not_there_is_told_before_anything(
    run: Path, tmp_path: Path, name: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        list(export(Results(run), ["people", name], tmp_path))
    assert list(tmp_path.iterdir()) == []
