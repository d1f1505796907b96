"""Forgetting people: of their faces nothing is left by which they could be known again."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner, Result

from castgraph.base import tables
from castgraph.base.locks import RunLock
from castgraph.cli import app
from castgraph.faces.forgotten import is_forgotten, read_forgotten
from castgraph.people.centre import middles
from castgraph.people.table import people_table
from castgraph.run import ledger

EVENING, NEXT = "NTV_20240101_190000", "NTV_20240102_190000"
IDS = ["K7Q2", "M3XA", "T4K9"]
WHO = {EVENING: [0, 1, 0, -1], NEXT: [1, 2, 0]}
"""Who each face is, frame by frame."""


def faces_of(broadcast: str, jitter: int = 0) -> list[dict]:
    """A face in each frame; each has numbers of its own."""
    return [
        {"broadcast": broadcast, "face": n, "frame": n + 1, "score": 1.0, "sharpness": 9.0}
        | {"top": 10, "right": 60 + jitter, "bottom": 60, "left": 10, "landmarks": [0.0] * 10}
        | {"embedding": [1.0 + n + 10 * len(broadcast)] * 128, "set_aside": "", "turn": 0.0, "founds": True}
        for n in range(len(WHO[broadcast]))
    ]


def write_run(run: Path, broadcasts: list[str], jitter: int = 0) -> None:
    rows = [row for broadcast in broadcasts for row in faces_of(broadcast, jitter)]
    labels = [who for broadcast in broadcasts for who in WHO[broadcast]]
    faces = pa.Table.from_pylist(rows, schema=tables.MERGED_FACES)
    tables.write(run / "faces.parquet", faces, {"digest": "made up"}, tables.MERGED_FACES)
    embeddings = np.array([row["embedding"] for row in rows], np.float32)
    np.save(run / tables.EMBEDDINGS, embeddings)
    folder, person = run / "linkage-0.52", np.array(labels, np.int32)
    who = tables.Members(person, np.where(person < 0, tables.WHY.index("noise"), 0).astype(np.int8), IDS)
    times = np.full(len(rows), np.datetime64("2024-01-01T19:00", "us"))
    people = people_table(faces, middles(embeddings, labels), who, times, frame_seconds=4, n_frames=9)
    named = ["Ann Example" if row == IDS[0] else f"Person {row}" for row in people["person_id"].to_pylist()]
    people = people.set_column(people.schema.get_field_index("name"), "name", pa.array(named))
    sources = ["correction" if name == "Ann Example" else "" for name in named]
    place = people.schema.get_field_index("name_from")
    people = people.set_column(place, tables.PEOPLE.field("name_from"), pa.array(sources, pa.string()))
    tables.write(folder / "people.parquet", people.cast(tables.PEOPLE), {}, tables.PEOPLE)
    tables.write_members(folder / "members.parquet", run / "faces.parquet", who, {})
    tables.write_labels(folder / "labels.parquet", run / "faces.parquet", np.array(labels, np.int32), {}, 0)
    for inside in ("portraits", "explorer/frames"):
        (folder / inside).mkdir(parents=True)
    for shown in ("portraits/K7Q2.jpg", "explorer/frames/0-0.jpg", "network.png", "DATABASE.json"):
        (folder / shown).write_text("a face")
    (run / "visual" / "map" / "sheets").mkdir(parents=True)
    for shown in ("report.html", "visual/map.html", "visual/map/sheets/0.jpg", "visual/map_pca_pictures.png"):
        (run / shown).write_text("a face")
    (run / "config.yaml").write_text("run: mine\npeople:\n  corrections: decided.yaml\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs that share encodings by two detectors, and a third of other broadcasts."""
    results = tmp_path / "results"
    write_run(results / "mine", [EVENING, NEXT])
    write_run(results / "small", [EVENING], jitter=6)
    write_run(results / "apart", [NEXT])
    for broadcast in WHO:
        for encoder, jitter in (("fast-hog-up1", 0), ("fast-centerface", 6)):
            rows = [{key: row[key] for key in tables.FACES.names} for row in faces_of(broadcast, jitter)]
            tables.write(
                results / "faces" / encoder / "gdelt" / f"{broadcast}.parquet",
                pa.Table.from_pylist(rows, schema=tables.FACES),
                {"n_faces": len(rows)},
            )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def forget(*arguments: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["people", "forget", *map(str, arguments)], input=answer)


def gone(home: Path) -> dict[str, list[bool]]:
    """Of each face whether it is forgotten, in all that has embeddings."""
    results = home / "results"
    found = {
        path.parent.name: is_forgotten(np.load(path)).tolist() for path in results.glob("*/embeddings.npy")
    }
    for path in sorted(results.glob("faces/*/*/*.parquet")):
        column = tables.read(path, tables.FACES, ["embedding"])["embedding"]
        found[f"{path.parts[-3]}/{path.stem}"] = is_forgotten(tables.embeddings(column)).tolist()
    return found


def expected(person: int | None) -> dict[str, list[bool]]:
    of = {
        name: [who == person or (person is None and who != 0) for who in faces] for name, faces in WHO.items()
    }
    encoders = ("fast-hog-up1", "fast-centerface")
    return {
        "mine": of[EVENING] + of[NEXT],
        "small": of[EVENING],
        "apart": of[NEXT],
        **{f"{encoder}/{name}": of[name] for encoder in encoders for name in WHO},
    }


def test_a_person_is_forgotten_in_every_run_and_by_every_detector(home: Path) -> None:
    done = forget("T4K9", "results/mine", "--yes")
    assert done.exit_code == 0, done.output
    assert gone(home) == expected(2)
    for run in ("mine", "apart"):
        assert not list((home / "results" / run).rglob("*.png"))
        assert not list((home / "results" / run).rglob("*.jpg"))
        assert not list((home / "results" / run).rglob("DATABASE.json"))
        assert not list((home / "results" / run).rglob("explorer"))
        assert not list((home / "results" / run).rglob("*.html"))
        assert not (home / "results" / run / "visual" / "map").exists()
    assert (home / "results" / "small" / "report.html").exists(), "it has none of these faces"
    assert "T4K9: 1 face in 1 broadcast" in done.stdout
    assert "uv run snakemake --cores all --configfile results/apart/config.yaml" in done.stdout
    # Counts stay, and what is told of the tables.
    path = home / "results" / "faces" / "fast-hog-up1" / "gdelt" / f"{NEXT}.parquet"
    assert tables.read(path, tables.FACES).num_rows == len(WHO[NEXT])
    assert tables.read_provenance(path) == {"n_faces": len(WHO[NEXT])}
    listed = read_forgotten(home / "results" / "ledger" / ledger.FORGOTTEN).to_pylist()
    assert [(row["broadcast"], row["frame"]) for row in listed] == [(NEXT, 2)]
    again = forget("T4K9", "results/mine", "--yes")
    assert again.exit_code == 0
    assert "forgotten: 0 faces" in again.stdout


def test_everybody_without_a_name_and_the_faces_of_nobody(home: Path) -> None:
    done = forget("--all-unnamed", "results/mine", "--yes")
    assert done.exit_code == 0, done.output
    assert gone(home) == expected(None)


@pytest.mark.parametrize("whom", [["K7Q2"], ["Ann Example"], [f"{EVENING}#3@30,30"]])
@pytest.mark.parametrize("first", [True, False])
def test_people_are_meant_by_ids_names_and_places_before_or_after_the_run(
    home: Path, whom: list[str], first: bool
) -> None:
    arguments = ["results/mine", *whom] if first else [*whom, "results/mine"]
    done = forget(*arguments, "--yes")
    assert done.exit_code == 0, done.output
    assert gone(home) == expected(0)
    assert "may still show Ann Example" in done.stdout


def test_what_was_decided_about_them_is_taken_out(home: Path) -> None:
    def at(frame: int) -> dict:
        return {"broadcast": EVENING, "frame": frame, "at": [30, 30]}

    said = [
        {"person": at(1), "name": "Ann Example", "source": "a caption"},
        {"different": [at(2), at(3)]},
        {"ignore": at(2), "reason": "a child"},
    ]
    (home / "decided.yaml").write_text("# of the study\n" + yaml.safe_dump(said, sort_keys=False))
    done = forget("K7Q2", "results/mine", "--yes")
    assert done.exit_code == 0, done.output
    text = (home / "decided.yaml").read_text()
    assert text.startswith("# of the study\n")
    assert yaml.safe_load(text) == said[2:]
    assert "taken out" in done.stdout


def test_nothing_is_done_without_a_yes(home: Path) -> None:
    assert forget("K7Q2", "results/mine", answer="n\n").exit_code == 1
    assert forget("K7Q2", "results/mine", answer="").exit_code == 1
    assert not any(any(each) for each in gone(home).values())
    assert not (home / "results" / "ledger").exists()
    assert forget("K7Q2", "results/mine", answer="y\n").exit_code == 0
    assert gone(home) == expected(0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Z9Z9", "results/mine"], "Z9Z9"),
        (["results/mine"], "--all-unnamed"),
        (["K7Q2", "results/mine", "--all-unnamed"], "--all-unnamed"),
        (["K7Q2", "results/none"], "results/none"),
        ([f"{EVENING}#3@300,300", "results/mine"], "no face at"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_touched(home: Path, arguments, told: str) -> None:
    done = forget(*arguments, "--yes")
    assert done.exit_code != 0
    assert told in done.stderr
    assert "Traceback" not in done.output
    assert not any(any(each) for each in gone(home).values())


def test_it_waits_for_no_run_that_is_at_work(home: Path) -> None:
    about = {"results": "results/small", "config": "small.yaml", "process": 7, "since": "10:00"}
    lock = RunLock(home / ".snakemake" / "castgraph.lock", json.dumps(about))
    try:
        done = forget("K7Q2", "results/mine", "--yes")
    finally:
        lock.release()
    assert done.exit_code == 1
    assert "another run of small.yaml" in done.stderr
    assert not any(any(each) for each in gone(home).values())


def test_a_table_that_cannot_be_changed_is_told_and_the_others_are(home: Path) -> None:
    path = home / "results" / "faces" / "fast-hog-up1" / "gdelt" / f"{EVENING}.parquet"
    path.write_bytes(b"PAR1")
    done = forget("K7Q2", "results/mine", "--yes")
    assert done.exit_code == 1
    assert str(path.relative_to(home)) in done.stderr
    path.unlink()
    assert gone(home) == {
        name: each for name, each in expected(0).items() if name != f"fast-hog-up1/{EVENING}"
    }
