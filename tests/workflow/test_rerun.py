"""What runs again, and what does not."""

import copy
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from castgraph.base import tables
from castgraph.clustering import dbscan
from castgraph.faces.times import face_times, n_read
from castgraph.network.cooccurrence import cooccurrences
from castgraph.network.presence import presence
from castgraph.network.significance import compared
from castgraph.people.centre import middles
from castgraph.people.table import people_table
from tests.explored import Explorer
from tests.workflow.conftest import SHORT, Run, frames_of, jobs, write_zip

PER_CLUSTERING = (
    *("clustering", "identify", "sightings", "suggestions", "portraits", "network", "picture", "explorer"),
)
OF_ALL = ("scores", "holds", "summary", "report", "all")


@pytest.fixture
def copied(small_run: Run, tmp_path: Path) -> Run:
    """The finished small run, moved to another folder."""
    return small_run.copied(tmp_path / "moved")


def test_every_job_ran_once(small_run: Run) -> None:
    # Where jobs are not sent elsewhere, groups have no effect; only a dry run shows them.
    assert "Group job" not in small_run.output
    counts = jobs(small_run.output)
    for rule in ("download", "unzip", "encode"):
        assert counts[rule] == len(SHORT)
    for rule in ("select", "merge", "constraints", "replays", *PER_CLUSTERING, *OF_ALL):
        assert counts[rule] == 1


def test_a_finished_run_that_was_moved_has_nothing_to_do(copied: Run) -> None:
    assert "Nothing to be done" in copied()


def test_another_eps_reruns_nothing_upstream(copied: Run) -> None:
    scores = {"sweep.parquet", "sweep_changes.parquet", "sweep.html", "sweep.png"}
    of_all = {f"small/{name}" for name in (*scores, "holds.parquet", "summary.json", "config.yaml")}
    before, written = copied.digests(), copied.written()
    copied.config["clustering"]["eps"] = [0.4, 0.3, 0.355]
    counts = {**dict.fromkeys(PER_CLUSTERING, 2), **dict.fromkeys(OF_ALL, 1)}
    assert jobs(copied("-n")) == counts
    copied.config["clustering"]["eps"] = [0.4, 0.355]
    assert jobs(copied()) == dict.fromkeys(counts, 1)
    assert {path.name for path in copied.results.glob("eps-*")} == {"eps-0.355", "eps-0.40"}
    changed = of_all
    assert {name for name in before if copied.digests()[name] != before[name]} == changed
    assert {name for name in before if copied.written()[name] != written[name]} == changed

    # What is given up stays where it is, and what is left is not made again.
    written = copied.written()
    copied.config["clustering"]["eps"] = [0.4]
    assert jobs(copied()) == dict.fromkeys(OF_ALL, 1)
    assert {name for name in written if copied.written()[name] != written[name]} == of_all
    scored = pq.read_table(copied.results / "sweep.parquet")["clustering"].to_pylist()
    assert scored == ["eps-0.40"]
    assert set(json.loads((copied.results / "summary.json").read_text())["clusterings"]) == set(scored)


def test_another_eps_without_the_zips_fetches_them_for_portraits_and_encodes_nothing(copied: Run) -> None:
    shutil.rmtree(copied.folder / "resources" / "zips")
    copied.config["clustering"]["eps"] = [0.4, 0.41]
    assert jobs(copied("-n")) == dict.fromkeys((*PER_CLUSTERING, *OF_ALL), 1)
    copied("results/small/eps-0.41/explorer")
    assert not (copied.folder / "resources" / "zips").exists()
    # The same people, with the same IDs, from ZIPs that were fetched again.
    portraits = {
        eps: {path.name: path.read_bytes() for path in (copied.results / eps / "portraits").glob("*.jpg")}
        for eps in ("eps-0.40", "eps-0.41")
    }
    assert portraits["eps-0.41"] == portraits["eps-0.40"]
    counts = Explorer(copied.results / "eps-0.41" / "explorer").manifest["counts"]
    assert counts["pictures"] > counts["pictures_missing"] == 0


def test_encodings_are_the_same_for_any_number_of_processes(
    demo: Path, tmp_path: Path, new_run: Callable[..., Run]
) -> None:
    """How encodings are computed is no reason to compute them again; if they are, they are the same bytes."""
    long = min(SHORT)
    other = "DEMO1_20240103_070000_Morning_Desk"  # more frames than one process is given at a time
    write_zip(tmp_path, long, frames_of(demo, long, range(3, 43)) + frames_of(demo, other, range(3, 43)))
    config = {"run": "shared", "broadcasts": {"ids": [long]}, "archive": {"base_url": str(tmp_path)}}
    run = new_run(config)
    run("encodings")
    before = run.digests()
    run.config["compute"] = {"threads": 2, "providers": ["CPUExecutionProvider"]}
    assert "Nothing to be done" in run("encodings")
    shutil.rmtree(run.folder / "results" / "faces")
    assert jobs(run("encodings"))["encode"] == 1
    after = run.digests()
    assert {name for name in before if after[name] != before[name]} == {"shared/config.yaml"}


def test_min_samples_and_network_settings_rerun_only_what_they_change(copied: Run) -> None:
    copied.config["network"] = {
        "layout": "fruchterman_reingold",
        "communities": "louvain",
        "top_edges": "all",
    }
    made = ("network", "picture", "explorer", "holds", "summary", "report", "all")
    assert jobs(copied("-n")) == dict.fromkeys(made, 1)
    copied.config["network"] = {"count_replays": "once"}
    assert jobs(copied("-n")) == dict.fromkeys(("sightings", *made), 1)
    copied.config["clustering"]["min_samples"] = 3
    assert jobs(copied("-n")) == dict.fromkeys((*PER_CLUSTERING, *OF_ALL), 1)


def test_labelling_is_made_of_what_there_is_and_tables_from_outside_are_checked(copied: Run) -> None:
    copied.config["labelling"] = {"enabled": True}
    made = ("entities", "suspects", "labelling", "explorer", "summary", "report", "all")
    assert jobs(copied("-n")) == dict.fromkeys(made, 1)
    entities = "results/small/eps-0.40/labelling/entities.parquet"
    copied.config["labelling"]["entities"] = "seen.csv"
    assert "labelling.entities: found 'seen.csv'; not there, looked for in" in copied("-n", fails=True)
    (copied.folder / "seen.csv").write_text("who,what\nnobody,nothing\n")
    assert re.search(r"labelling\.entities: seen\.csv: ", copied(entities, fails=True))
    (copied.folder / "seen.csv").write_text("station,day,entity,count\nNTV,2024-01-02,desk,12\n")
    assert jobs(copied(entities)) == {"entities": 1}
    [row] = pq.read_table(copied.folder / entities).to_pylist()
    assert (row["station"], row["entity"], row["count"]) == ("NTV", "desk", 12)


def test_a_quality_filter_reruns_the_merge_on_and_sets_faces_aside(copied: Run) -> None:
    """The minimum is the middle of the sizes, so about half of the faces are set aside."""

    def sizes(faces: pa.Table) -> np.ndarray:
        top, right, bottom, left = (faces[side].to_numpy() for side in ("top", "right", "bottom", "left"))
        return np.minimum(bottom - top, right - left)

    before, digests = pq.read_table(copied.results / "faces.parquet"), copied.digests()
    minimum = int(np.median(sizes(before)))
    copied.config["quality"] = {"min_face_px": minimum}
    remade = ("merge", "constraints", "replays", *PER_CLUSTERING, *OF_ALL)
    assert jobs(copied("-n")) == dict.fromkeys(remade, 1)
    copied("results/small/summary.json")
    encoded = {name for name in digests if name.startswith(("faces/", "frames/"))}
    assert len(encoded) == 2 * len(SHORT)
    assert copied.digests().items() >= {name: digests[name] for name in encoded}.items()

    faces = pq.read_table(copied.results / "faces.parquet")
    aside = sizes(before) < minimum
    assert 0 < aside.sum() < len(before)
    assert faces.drop_columns("set_aside").equals(before.drop_columns("set_aside"))
    assert faces["set_aside"].to_pylist() == np.where(aside, "min_face_px", "").tolist()
    broadcasts = pq.read_table(copied.results / "broadcasts.parquet")
    assert sum(broadcasts["n_faces"].to_pylist()) == len(before)
    assert sum(broadcasts["n_set_aside"].to_pylist()) == aside.sum()

    folder = copied.results / "eps-0.40"
    labels = pq.read_table(folder / "labels.parquet")["label"].to_numpy()
    counted = faces.filter(~aside)
    embeddings = tables.open_embeddings(copied.results / "faces.parquet")[~aside]
    expected = dbscan(embeddings, 0.4, 2)
    assert labels[~aside].tolist() == expected.tolist()
    assert set(labels[aside]) == {-1}
    facts = tables.read_provenance(folder / "labels.parquet")
    assert (facts["n_faces"], facts["n_set_aside"]) == (len(faces), aside.sum())
    assert facts["n_noise"] == (expected == -1).sum()

    # What is told of people and pairs is what the faces that count alone would give.
    times = face_times(copied.results / "faces.parquet", copied.results / "frames.parquet")[~aside]
    found = pq.read_table(folder / "people.parquet")
    ids = found["person_id"].to_pylist()
    members = tables.read_members(folder / "members.parquet", copied.results / "faces.parquet", ids)
    assert members.why[aside].tolist() == [tables.WHY.index("set_aside")] * int(aside.sum())
    alone = tables.Members(members.person[~aside], members.why[~aside], ids)
    pairs = {(label, person) for label, person in zip(expected, alone.person, strict=True)}
    assert len(pairs) == len(set(expected)) == len(set(alone.person))
    n_frames = pq.read_metadata(copied.results / "frames.parquet").num_rows
    people = people_table(
        counted, middles(embeddings, alone.person), alone, times, frame_seconds=4, n_frames=n_frames
    )
    assert found.to_pylist() == people.to_pylist()
    edges = cooccurrences(counted, alone, times)
    compared_edges, _ = compared(edges, presence(counted, alone), n_read(copied.results / "frames.parquet"))
    assert pq.read_table(folder / "edges.parquet").to_pylist() == compared_edges.to_pylist()

    summary = json.loads((copied.results / "summary.json").read_text())
    assert summary["faces"] == len(before)
    assert summary["set_aside"] == {
        "forgotten": 0,
        "min_face_px": aside.sum(),
        "min_score": 0,
        "min_sharpness": 0,
    }
    assert summary["clusterings"]["eps-0.40"]["noise"] == (expected == -1).sum()


def test_a_new_broadcast_reruns_its_own_chain_and_the_merge_on(copied: Run, small_archive: Path) -> None:
    added = "DEMO2_20240106_120000"
    # It holds frames of another broadcast: all are refused.
    shutil.copy(small_archive / "DEMO2_20240105_120000.zip", copied.folder / f"{added}.zip")
    (copied.folder / "more.txt").write_text(f"./{added}.zip\n")
    copied.config["broadcasts"]["include"] = "more.txt"
    counts = jobs(copied("results/small/eps-0.40/labels.parquet"))
    assert (counts["download"], counts["unzip"], counts["encode"]) == (1, 1, 1)
    assert (counts["merge"], counts["clustering"]) == (1, 1)
    [row] = [
        row
        for row in pq.read_table(copied.results / "broadcasts.parquet").to_pylist()
        if row["broadcast"] == added
    ]
    assert (row["status"], row["n_refused"]) == ("empty", 4)


def test_a_lost_encoding_is_made_again_alone(copied: Run) -> None:
    before = copied.digests()
    [lost] = copied.folder.glob(f"results/faces/*/*/{min(SHORT)}.parquet")
    lost.unlink()
    counts = jobs(copied("encodings"))
    assert (counts["download"], counts["unzip"], counts["encode"]) == (0, 1, 1)
    assert copied.digests() == before


def test_who_is_forgotten_does_not_come_back(copied: Run) -> None:
    people = pq.read_table(copied.results / "eps-0.40" / "people.parquet").to_pylist()
    faces = pq.read_table(copied.results / "faces.parquet")
    who = pq.read_table(copied.results / "eps-0.40" / "members.parquet")["person_id"].to_pylist()
    gone, *others = (row["person_id"] for row in people)
    command = [
        Path(sys.executable).with_name("castgraph"),
        "people",
        "forget",
        gone,
        "results/small",
        "--yes",
    ]
    subprocess.run(command, cwd=copied.folder, check=True, capture_output=True)
    [lost] = copied.folder.glob(f"results/faces/*/*/{people[0]['broadcast']}.parquet")
    lost.unlink()
    counts = jobs(copied())
    assert (counts["encode"], counts["merge"], counts["identify"]) == (1, 1, 1)
    after = pq.read_table(copied.results / "faces.parquet")
    assert after.drop_columns(["set_aside"]).equals(faces.drop_columns(["set_aside"]))
    forgotten = np.array([reason == "forgotten" for reason in after["set_aside"].to_pylist()])
    assert forgotten.tolist() == [each == gone for each in who]
    embeddings = np.load(copied.results / "embeddings.npy")
    assert (~embeddings.any(axis=1)).tolist() == forgotten.tolist()
    left = pq.read_table(copied.results / "eps-0.40" / "people.parquet")["person_id"].to_pylist()
    assert set(left) <= set(others)
    for path in copied.results.rglob("*"):
        assert gone not in path.name
        assert not path.is_file() or gone.encode() not in path.read_bytes(), path
    assert gone.encode() not in Explorer(copied.results / "eps-0.40" / "explorer").everything()
    assert "Nothing to be done" in copied()


def test_one_core_gives_the_same_results_and_takes_the_largest_broadcasts_first(
    small_run: Run, small_archive: Path, new_run: Callable[..., Run]
) -> None:
    alone = new_run(small_run.config)
    # As far as the last jobs that have several threads.
    output = alone("results/small/eps-0.40/explorer", cores=1)
    found, expected = alone.digests(), small_run.digests()
    assert {"small/eps-0.40/labels.parquet", "small/eps-0.40/explorer/data/faces.js"} < set(found)
    assert found == {name: expected[name] for name in found}

    blocks = re.findall(r"^(?:local)?rule (unzip|encode):\n((?:    .*\n)+)", output, re.MULTILINE)
    chain = [(rule, re.search(r"broadcast=([\w-]+)", block)[1]) for rule, block in blocks]
    by_size = sorted(SHORT, key=lambda broadcast: -(small_archive / f"{broadcast}.zip").stat().st_size)
    # Each is encoded before the next one is unpacked, so scratch holds one broadcast a core.
    assert chain == [(rule, broadcast) for broadcast in by_size for rule in ("unzip", "encode")]


def test_zips_are_removed_when_they_are_not_kept(small_run: Run, new_run: Callable[..., Run]) -> None:
    run = new_run(copy.deepcopy(small_run.config))
    run.config["compute"] = {"keep_zips": False}
    run.config["broadcasts"] = {"ids": list(SHORT)[:2]}
    targets = ("encodings", "results/small/eps-0.40/portraits")
    run(*targets)
    assert not list((run.folder / "resources").rglob("*.zip"))
    folder = run.results / "eps-0.40"
    shown = pq.read_table(folder / "people.parquet")["portrait"].to_pylist()
    assert sorted(path.name for path in (folder / "portraits").glob("*.jpg")) == sorted(shown) != []
    assert "Nothing to be done" in run(*targets)


def test_published_files_and_database_json_on_request(copied: Run) -> None:
    import csv

    copied.config |= {"network": {"mode": "as_published"}, "export": {"database_json": True}}
    made = ("network", "picture", "published", "explorer", "database_json", "holds", "summary", "report")
    assert jobs(copied("-n")) == dict.fromkeys((*made, "all"), 1)
    folder = copied.results / "eps-0.40"
    wanted = ("nodes.csv", "DATABASE.json", "as_published.html")
    copied(*(f"results/small/eps-0.40/{name}" for name in wanted))
    page = (folder / "as_published.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") == 2
    with (folder / "edges.csv").open(newline="") as file:
        edges = list(csv.DictReader(file))
    with (folder / "nodes.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["Id", "Label"]
    assert list(edges[0]) == ["Source", "Target", "Type", "Weight"]
    pairs = pq.read_table(folder / "edges.parquet").to_pylist()
    published = {(p["source"], p["target"]): str(2 * p["same_frame"]) for p in pairs if p["same_frame"]}
    assert {(edge["Source"], edge["Target"]): edge["Weight"] for edge in edges} == published

    faces = pq.read_table(copied.results / "faces.parquet").to_pylist()
    embeddings = tables.open_embeddings(copied.results / "faces.parquet").tolist()
    people = pq.read_table(folder / "members.parquet")["person_id"].to_pylist()
    lines = [json.loads(line) for line in (folder / "DATABASE.json").read_text().splitlines()]
    assert len(lines) == len(faces)
    for line, face, embedding, person in zip(lines, faces, embeddings, people, strict=True):
        assert list(line) == ["faceid", "image", "box", "encoding"]
        assert line["faceid"] == (person or -1)
        assert line["image"] == f"{face['broadcast']}/{face['broadcast']}-{face['frame']:06d}.jpg"
        assert line["box"] == [face[side] for side in ("top", "right", "bottom", "left")]
        assert line["encoding"] == embedding
