"""From labels to people, in files."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from castgraph.base import tables
from castgraph.people import register
from castgraph.people.record import Given, StrictError, Written, write_people

BROADCAST = "NTV_20240101_190000"
START = datetime(2024, 1, 1, 19, tzinfo=UTC)


@dataclass
class Folder:
    """A run of one clustering, and its register."""

    path: Path

    @property
    def clustering(self) -> Path:
        return self.path / "linkage-0.52"

    @property
    def known(self) -> Path:
        return self.path / "ledger" / "register" / "mine" / "linkage-0.52.parquet"

    def label(self, labels: list[int]) -> None:
        tables.write_labels(
            self.clustering / "labels.parquet", self.path / "faces.parquet", np.array(labels, np.int32), {}, 0
        )

    def write(self, known: Path | None = None, follow: Path | None = None, **settings: Any) -> pa.Table:
        names = ("members", "people", "people_changes")
        corrections, gallery = self.path / "corrections.yaml", self.path / "gallery.parquet"
        write_people(
            Written(*(self.clustering / f"{name}.parquet" for name in names)),
            Given(
                *(self.path / f"{name}.parquet" for name in ("faces", "frames")),
                self.clustering / "labels.parquet",
                corrections if corrections.exists() else None,
                gallery if gallery.exists() else None,
                follow,
            ),
            known or self.known,
            frame_seconds=4,
            **settings,
        )
        return tables.read(self.clustering / "people.parquet", tables.PEOPLE)

    def members(self) -> list[str | None]:
        return tables.read(self.clustering / "members.parquet", tables.MEMBERS)["person_id"].to_pylist()

    def facts(self) -> dict[str, Any]:
        return tables.read_provenance(self.clustering / "people.parquet")

    def decide(self, *decisions: dict[str, Any]) -> None:
        (self.path / "corrections.yaml").write_text(yaml.safe_dump(list(decisions)))


@pytest.fixture
def run(tmp_path: Path) -> Folder:
    """Nine frames with a face each."""
    faces = [
        {"broadcast": BROADCAST, "face": n, "frame": n + 1, "set_aside": "", "founds": True}
        | {"top": 10, "right": 60, "bottom": 60, "left": 10, "score": 1.0, "sharpness": 50.0, "turn": 0.0}
        | {"landmarks": [0.0] * 10}
        for n in range(9)
    ]
    frames = [
        {"broadcast": BROADCAST, "frame": n + 1, "status": "ok", "reason": "", "n_faces": 1}
        | {"time": START + timedelta(seconds=4 * n)}
        for n in range(9)
    ]
    facts = {"digest": "of nine faces"}
    tables.write(tmp_path / "faces.parquet", pa.Table.from_pylist(faces, schema=tables.MERGED_FACES), facts)
    tables.write(tmp_path / "frames.parquet", pa.Table.from_pylist(frames, schema=tables.MERGED_FRAMES), {})
    points = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32) * 0.01
    points[3:6, 0] += 1
    points[6:, 1] += 1
    np.save(tmp_path / tables.EMBEDDINGS, points)
    folder = Folder(tmp_path)
    folder.label([0, 0, 0, 1, 1, 1, 2, 2, -1])
    return folder


def at(n: int) -> dict[str, Any]:
    return {"broadcast": BROADCAST, "frame": n + 1, "at": [35, 35]}


def test_the_tables_fit_each_other_and_the_registry(run: Folder) -> None:
    people = run.write()
    for name in ("members", "people", "people_changes"):
        tables.check(run.clustering / f"{name}.parquet", tables.TABLES[name])
    ids = people["person_id"].to_pylist()
    assert people["n_faces"].to_pylist() == [3, 3, 2]
    assert people["airtime_share"].to_pylist() == [3 / 9, 3 / 9, 2 / 9]
    assert run.members() == [ids[0]] * 3 + [ids[1]] * 3 + [ids[2]] * 2 + [None]
    assert run.facts()["n_noise"] == 1


def test_a_job_that_is_done_again_gives_the_same_bytes(run: Folder) -> None:
    run.write()
    run.label([0] * 6 + [2, 2, -1])
    run.write()
    before = {path.name: path.read_bytes() for path in run.clustering.glob("*.parquet")}
    for path in run.clustering.glob("people*.parquet"):
        path.unlink()
    run.write()
    assert {path.name: path.read_bytes() for path in run.clustering.glob("*.parquet")} == before
    changes = tables.read(run.clustering / "people_changes.parquet", tables.PEOPLE_CHANGES)
    assert changes["kind"].to_pylist() == ["kept", "kept", "merged"]


def test_decisions_are_applied_and_told(run: Folder) -> None:
    run.write()
    run.decide(
        {"person": at(0), "name": "Ann", "source": "caption"},
        {"same": [at(3), at(6)]},
        {"portrait": at(2)},
        {"not_a_face": at(8)},
        {"different": [at(0), {**at(3), "frame": 99}]},
    )
    people = run.write()
    assert [(row["name"], row["name_from"], row["n_faces"]) for row in people.to_pylist()] == [
        (f"Person {people['person_id'][0]}", "", 5),
        ("Ann", "correction", 3),
    ]
    assert people["frame"].to_pylist()[1] == 3
    assert (run.facts()["n_not_a_face"], run.facts()["n_noise"]) == (1, 0)
    assert run.facts()["same"] == [[BROADCAST, 3, BROADCAST, 6]]
    [problem] = run.facts()["problems"]
    assert "there is no face" in problem
    with pytest.raises(StrictError, match="there is no face"):
        run.write(strict=True)


def test_who_is_forgotten_is_in_no_table_and_not_in_the_register(run: Folder) -> None:
    [kept, gone, last] = run.write()["person_id"].to_pylist()
    faces = tables.read(run.path / "faces.parquet", tables.MERGED_FACES)
    aside = pa.array([""] * 3 + ["forgotten"] * 3 + [""] * 3).dictionary_encode()
    faces = faces.set_column(faces.schema.get_field_index("set_aside"), "set_aside", aside)
    tables.write(
        run.path / "faces.parquet", faces.cast(tables.MERGED_FACES), {"digest": "of those that are left"}
    )
    run.label([0, 0, 0, -1, -1, -1, 2, 2, -1])
    run.decide({"person": at(3), "name": "Ann", "source": "caption"})
    assert run.write()["person_id"].to_pylist() == [kept, last]
    assert (run.facts()["n_forgotten"], run.facts()["n_noise"]) == (3, 1)
    assert "the face is forgotten" in run.facts()["problems"][0]
    for path in [*run.clustering.glob("*.parquet"), *run.known.parent.glob("*.parquet")]:
        assert gone not in str(tables.read(path, pa.parquet.read_schema(path)).to_pydict())


def test_who_is_ignored_is_in_no_table_and_not_in_the_register(run: Folder) -> None:
    ignored = run.write()["person_id"].to_pylist()[1]
    run.decide({"ignore": at(4), "reason": "asked for it"})
    assert ignored not in run.write()["person_id"].to_pylist()
    assert run.facts()["n_ignored"] == 3
    for path in (*run.clustering.glob("*.parquet"), *run.known.parent.glob("*.parquet")):
        assert ignored not in str(tables.read(path, pa.parquet.read_schema(path)).to_pydict())
    (run.path / "corrections.yaml").unlink()
    assert len(run.write()) == 3


def test_the_gallery_names_and_a_correction_beats_it(run: Folder) -> None:
    first, second, third = run.write()["person_id"].to_pylist()
    points = np.load(run.path / tables.EMBEDDINGS)
    rows = [
        {"name": name, "file": f"{name}.jpg", "embedding": points[n].tolist()}
        for name, n in (("Ann", 0), ("Bob", 3))
    ]
    tables.write(run.path / "gallery.parquet", pa.Table.from_pylist(rows, schema=tables.GALLERY), {})
    run.decide({"person": at(3), "name": "Cy", "source": "caption"})
    people = {row["person_id"]: row for row in run.write().to_pylist()}
    assert (people[first]["name"], people[first]["name_from"]) == ("Ann", "gallery")
    assert people[first]["gallery_distance"] < 0.1
    assert (people[second]["name"], people[second]["name_from"]) == ("Cy", "correction")
    assert people[second]["gallery_distance"] is None
    assert people[third]["name"] == f"Person {third}"


def test_ids_come_from_what_is_followed_else_from_what_was_there(run: Folder, tmp_path: Path) -> None:
    ids = run.write()["person_id"].to_pylist()
    other = Folder(tmp_path / "other")
    other.path.mkdir()
    for name in ("faces.parquet", "frames.parquet", tables.EMBEDDINGS):
        shutil.copy(run.path / name, other.path / name)
    other.label([-1, 0, 0, 1, 1, 1, 2, 2, -1])
    alone = other.write()["person_id"].to_pylist()
    assert set(alone) & set(ids) == {ids[1], ids[2]}  # whose first face is the same
    shutil.rmtree(other.known.parent)
    followed = other.write(follow=run.clustering / "members.parquet")["person_id"].to_pylist()
    assert sorted(followed) == sorted(ids)
    # A clustering that is new in a run takes the IDs of the one that was there.
    beside = run.known.with_name("linkage-0.48.parquet")
    other.label([-1, -1, 0, 1, 1, 1, 2, 2, -1])
    assert sorted(other.write(known=beside)["person_id"].to_pylist()) == sorted(ids)
    assert register.read(beside) is not None
