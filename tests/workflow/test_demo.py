"""The demo finds its truth."""

import csv
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import combinations, product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from scipy.stats import hypergeom
from sklearn.cluster import DBSCAN

from castgraph.ask.results import Results
from castgraph.ask.said import SAID, said
from castgraph.ask.views import Views
from castgraph.base import tables
from castgraph.base.tables import TABLES, check, read_provenance
from castgraph.faces.times import face_times, n_read
from castgraph.network.cooccurrence import cooccurrences
from castgraph.network.layers import frames_within
from castgraph.network.presence import presence
from castgraph.network.significance import compared
from tests.documents import DOCUMENTS, blocks
from tests.explored import Explorer
from tests.gexf13 import validated
from tests.truth import TrueFace, matched, of_demo, pairwise
from tests.workflow.conftest import Run, jobs, persons

CLUSTERING = "linkage-0.52"
MORE_THAN_CHANCE = ("Silas Kerrow", "Wenda Lysgaard")
PASSERS_BY = {"Passer-by A", "Passer-by B", "Passer-by C"}


@pytest.fixture(scope="module")
def truth(demo: Path) -> list[TrueFace]:
    return of_demo(demo)


@pytest.fixture(scope="module")
def found(demo_run, truth) -> list[tuple[int, str | None]]:
    """For each detected face its person, by rank, and the true one, None for a false alarm."""
    faces = pq.read_table(demo_run.results / "faces.parquet").to_pylist()
    return list(zip(persons(demo_run.results / CLUSTERING), matched(faces, truth), strict=True))


def people(run: Run) -> pa.Table:
    return pq.read_table(run.results / CLUSTERING / "people.parquet")


def test_faces_are_found(found, truth) -> None:
    names = Counter(name for _, name in found)
    assert names == Counter(face.person for face in truth)


def test_every_cluster_is_one_person_and_every_person_one_cluster(found) -> None:
    precision, recall = pairwise(found, min_faces=5)
    assert (precision, recall) == (1.0, 1.0)
    assert len({label for label, _ in found if label >= 0}) == 13


def test_noise_is_the_passers_by(found) -> None:
    assert {name for label, name in found if label == -1} == PASSERS_BY
    assert sum(label == -1 for label, _ in found) == len(PASSERS_BY)


def test_the_pairs_are_the_true_ones(demo_run, found, truth) -> None:
    ids = people(demo_run)["person_id"].to_pylist()
    name_of = {ids[number]: name for number, name in found if number >= 0 and name}
    edges = pq.read_table(demo_run.results / CLUSTERING / "edges.parquet").to_pylist()
    same_frame, either = defaultdict(int), set()
    at = defaultdict(set)
    for face in truth:
        if face.person not in PASSERS_BY:
            at[face.broadcast, face.frame].add(face.person)
    for (broadcast, frame), there in at.items():
        for pair in combinations(sorted(there), 2):
            same_frame[pair] += 1
        before = at.get((broadcast, frame - 1), set())
        either |= {tuple(sorted(pair)) for pair in product(there, before) if pair[0] != pair[1]}
    pairs = {
        tuple(sorted((name_of[edge["source"]], name_of[edge["target"]]))): edge["same_frame"]
        for edge in edges
    }
    assert len(same_frame) == 31
    assert len(pairs) == 32
    assert set(pairs) == set(same_frame) | either
    assert {pair: count for pair, count in pairs.items() if count} == dict(same_frame)


def test_what_is_more_than_chance_is_what_the_truth_says(demo_run, found, truth) -> None:
    """By SciPy and a convolution over the broadcasts; in the demo, one pair alone is more than chance."""
    ids = people(demo_run)["person_id"].to_pylist()
    name_of = {ids[number]: name for number, name in found if number >= 0 and name}
    frames = pq.read_table(demo_run.results / "frames.parquet", columns=["broadcast"])["broadcast"]
    size = Counter(frames.to_pylist())
    seen = defaultdict(set)
    for face in truth:
        seen[face.person, face.broadcast].add(face.frame)
    more = set()
    for edge in pq.read_table(demo_run.results / CLUSTERING / "edges.parquet").to_pylist():
        pair = tuple(sorted((name_of[edge["source"]], name_of[edge["target"]])))
        both = [(size[b], *(len(seen[name, b]) for name in pair)) for b in size]
        assert edge["expected"] == pytest.approx(sum(one * other / n for n, one, other in both))
        pmf = np.ones(1)
        for n, one, other in both:
            pmf = np.convolve(pmf, hypergeom.pmf(np.arange(min(one, other) + 1), n, one, other))
        assert edge["p"] == pytest.approx(pmf[edge["same_frame"] :].sum(), rel=1e-7)
        more |= {pair} if edge["q"] <= 0.05 else set()
    assert more == {MORE_THAN_CHANCE}


def test_the_listed_broadcast_without_a_zip_is_missing(demo_run) -> None:
    rows = pq.read_table(demo_run.results / "broadcasts.parquet").to_pylist()
    not_ok = {row["broadcast"]: row["status"] for row in rows if row["status"] != "ok"}
    assert not_ok == {"DEMO2_20240103_120000_City_Forum": "missing"}
    assert len(rows) == 9
    [untitled] = [row for row in rows if row["broadcast"] == "DEMO2_20240105_120000"]
    assert untitled["title"] == ""
    assert untitled["n_frames"] == 50


def test_the_printed_summary_has_the_counts_of_summary_json(demo_run) -> None:
    summary = json.loads((demo_run.results / "summary.json").read_text())
    clustering = summary["clusterings"][CLUSTERING]
    assert summary["broadcasts"]["listed"] == 9
    assert summary["broadcasts"]["read"] == 8
    assert summary["broadcasts"]["missing"] == 1
    assert (summary["frames"], summary["faces"]) == (449, 580)
    assert (clustering["people"], clustering["noise"]) == (13, 3)
    assert (clustering["pairs_same_frame"], clustering["pairs"]) == (31, 32)
    assert len(clustering["on_screen"]) == len(clustering["strongest_pairs"]) == 5

    printed = subprocess.run(
        [Path(sys.executable).with_name("castgraph"), "summary", "results/demo"],
        cwd=demo_run.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for text in (
        "9 listed: 8 read, 1 missing, 0 damaged",
        "449 (0 unreadable)",
        "580",
        "13 people of 3 faces or more, 3 faces of nobody (noise), 31 pairs in one frame, "
        "32 with the frame before counted",
        "results/demo/linkage-0.52/network.png",
        *(person["name"] for person in clustering["on_screen"]),
        *(" – ".join(pair["names"]) for pair in clustering["strongest_pairs"]),
    ):
        assert text in printed
        assert text in demo_run.output  # `make demo` ends with it


def test_every_person_has_a_portrait_and_a_contact_sheet(demo_run) -> None:
    folder = demo_run.results / CLUSTERING
    pictures = sorted(people(demo_run)["portrait"].to_pylist())
    for kind in ("portraits", "contact_sheets"):
        names = sorted(path.name for path in (folder / kind).glob("*.jpg"))
        assert names == pictures
    assert all(Image.open(path).size == (192, 192) for path in (folder / "portraits").glob("*.jpg"))


def test_the_best_face_of_a_person_is_that_person(demo_run, found) -> None:
    faces = pq.read_table(demo_run.results / "faces.parquet", columns=["broadcast", "face"]).to_pylist()
    row = {(face["broadcast"], face["face"]): n for n, face in enumerate(faces)}
    best = [row[person["broadcast"], person["face"]] for person in people(demo_run).to_pylist()]
    assert [found[n][0] for n in best] == list(range(13))


def test_the_planted_replay_is_found_and_nothing_else(demo_run) -> None:
    [row] = pq.read_table(demo_run.results / "replays.parquet").to_pylist()
    later, earlier = "DEMO1_20240103_070000_Morning_Desk", "DEMO1_20240102_190000_Evening_Review"
    assert (row["broadcast"], row["first_frame"], row["last_frame"]) == (later, 38, 43)
    assert (row["earlier_broadcast"], row["earlier_first_frame"], row["earlier_last_frame"]) == (
        earlier,
        20,
        25,
    )
    assert (row["kind"], row["n_showings"], row["n_alike"]) == ("scene", 2, 6)
    assert (row["distance"], row["face_distance"]) == (0, 0)


def test_what_is_on_air_again_counts_once_where_that_is_asked_for(demo_run, tmp_path: Path) -> None:
    config = yaml.safe_load((demo_run.results / "config.yaml").read_text())
    config["network"]["count_replays"] = "once"
    once = demo_run.copied(tmp_path / "once", config)
    names = ("edges", "screen_time")
    assert jobs(once(*(f"results/demo/{CLUSTERING}/{name}.parquet" for name in names))) == {
        "network": 1,
        "sightings": 1,
    }
    before, after = demo_run.results / CLUSTERING, once.results / CLUSTERING
    # Six frames with a face each.
    assert read_provenance(before / "edges.parquet")["n_replayed"] == 0
    assert read_provenance(after / "edges.parquet")["n_replayed"] == 6
    again = ("DEMO1_20240103_070000_Morning_Desk", range(38, 45))  # the last loses its neighbour

    def others(folder: Path) -> list[dict[str, Any]]:
        rows = pq.read_table(folder / "meetings.parquet").to_pylist()
        return [row for row in rows if row["broadcast"] != again[0] or row["frame"] not in again[1]]

    assert others(after) == others(before)
    assert (
        len(others(after))
        <= len(pq.read_table(after / "meetings.parquet"))
        < len(pq.read_table(before / "meetings.parquet"))
    )
    rows, left = (
        [
            row
            for row in pq.read_table(folder / "screen_time.parquet").to_pylist()
            if row["part"] == "2024-01-03"
        ]
        for folder in (before, after)
    )
    for column in ("screen_seconds", "read_seconds"):
        one, other = ({row["person_id"]: row[column] for row in each} for each in (rows, left))
        assert sum(one.values()) > sum(other.values())
    assert sum(row["screen_seconds"] for row in rows) - sum(row["screen_seconds"] for row in left) == 6 * 4
    for name in ("people", "sightings", "appearances"):
        assert pq.read_table(after / f"{name}.parquet").equals(pq.read_table(before / f"{name}.parquet"))


MISLABELLED = "DEMO1_20240104_190000_Evening_Review"
"""What is a Morning Desk, whatever its ID says (resources/demo/README.md)."""


def test_the_broadcast_that_is_not_what_its_title_says_is_found_and_nothing_else(demo_run) -> None:
    folder = demo_run.results / CLUSTERING
    [row] = pq.read_table(folder / "labelling" / "suspects.parquet").to_pylist()
    assert (row["broadcast"], row["other_title"]) == (MISLABELLED, "Morning Desk")
    assert row["other_broadcast"] == "DEMO1_20240103_070000_Morning_Desk"
    assert row["other"] > row["own"]
    summary = json.loads((demo_run.results / "summary.json").read_text())["clusterings"][CLUSTERING]
    told = summary["labelling"]
    assert (told["judged"] + told["not_judged"], told["left_out"]) == (9, False)
    assert [each["broadcast"] for each in told["suspects"]] == [MISLABELLED]
    for text in (f"1 suspect of {told['judged']} judged by likeness", "counted all the same"):
        assert text in demo_run.output
    page = (folder / "labelling.html").read_text()
    assert "like Morning Desk" in page
    assert page.count("data:image/jpeg;base64,") == 3 * 12  # it, a usual one, and the one that it is like
    assert MISLABELLED in (demo_run.results / "report.html").read_text()


def test_suspects_are_left_out_where_that_is_asked_for(demo_run, tmp_path: Path) -> None:
    config = yaml.safe_load((demo_run.results / "config.yaml").read_text())
    config["labelling"]["exclude_suspects"] = True
    without = demo_run.copied(tmp_path / "without", config)
    again = ("network", "picture", "sightings", "seen_with", "map_page", "words", "labelling", "explorer")
    assert jobs(without("-n")) == dict.fromkeys((*again, "holds", "summary", "report", "all"), 1)
    names = (f"{CLUSTERING}/edges.parquet", f"{CLUSTERING}/screen_time.parquet", "summary.json")
    without(*(f"results/demo/{name}" for name in names))

    # What the same people make where the broadcast had never been.
    results, folder = without.results, without.results / CLUSTERING
    faces = pq.read_table(results / "faces.parquet")
    kept = np.array(faces["broadcast"].to_pylist()) != MISLABELLED
    members = tables.read_members(
        folder / "members.parquet", results / "faces.parquet", people(demo_run)["person_id"].to_pylist()
    )
    alone = tables.Members(members.person[kept], members.why[kept], members.ids)
    rest, read = faces.filter(kept), n_read(results / "frames.parquet")
    times = face_times(results / "faces.parquet", results / "frames.parquet")[kept]
    within = frames_within(config["network"]["within"], 4)
    pairs = cooccurrences(rest, alone, times, within=within)
    del read[MISLABELLED]
    expected, _ = compared(pairs, presence(rest, alone), read)
    assert pq.read_table(folder / "edges.parquet").to_pylist() == expected.to_pylist()
    assert read_provenance(folder / "edges.parquet")["n_suspected"] == int((members.person[~kept] >= 0).sum())

    days = [row for row in pq.read_table(folder / "screen_time.parquet").to_pylist() if row["by"] == "day"]
    assert {row["part"] for row in days} == {f"2024-01-0{day}" for day in (2, 3, 4, 5)}
    [debate] = {row["read_seconds"] for row in days if row["part"] == "2024-01-04"}
    assert debate == 4 * read["DEMO2_20240104_220000_Night_Debate"]  # the other one of that day
    summary = json.loads((results / "summary.json").read_text())["clusterings"][CLUSTERING]
    assert summary["labelling"]["left_out"]
    assert [each["broadcast"] for each in summary["labelling"]["suspects"]] == [MISLABELLED]
    # What was on air stays what it was.
    for name in ("people", "sightings", "appearances", "labelling/likeness"):
        before, after = (run.results / CLUSTERING / f"{name}.parquet" for run in (demo_run, without))
        assert before.read_bytes() == after.read_bytes()


def test_gephi_tables_have_their_columns(demo_run) -> None:
    with (demo_run.results / CLUSTERING / "nodes.csv").open(newline="") as file:
        nodes = list(csv.DictReader(file))
    with (demo_run.results / CLUSTERING / "edges.csv").open(newline="") as file:
        edges = list(csv.DictReader(file))
    assert list(nodes[0])[:2] == ["Id", "Label"]
    assert list(edges[0])[:4] == ["Source", "Target", "Type", "Weight"]
    assert {edge["Type"] for edge in edges} == {"Undirected"}
    ids = {node["Id"] for node in nodes}
    assert len(ids) == 13
    assert {edge[end] for edge in edges for end in ("Source", "Target")} == ids
    for edge in edges:
        assert edge["evidence"] == ""  # no viewer shows the demo's frames
        assert float(edge["Weight"]) == 2 * int(edge["same_frame"]) + int(edge["adjacent"])


def test_graph_files_can_be_read(demo_run) -> None:
    folder = demo_run.results / CLUSTERING
    read = [nx.read_gexf(folder / name) for name in ("graph.gexf", "dynamic.gexf")]
    for graph in (*read, nx.read_graphml(folder / "graph.graphml")):
        assert (graph.number_of_nodes(), graph.number_of_edges()) == (13, 32)
    for name in ("graph.gexf", "dynamic.gexf"):
        validated(folder / name)
    assert Image.open(folder / "network.png").width >= 2000


def test_the_network_over_time_is_that_of_the_whole_day_by_day(demo_run) -> None:
    folder = demo_run.results / CLUSTERING
    with (folder / "nodes.csv").open(newline="") as file:
        whole = {node["Id"]: node for node in csv.DictReader(file)}
    rows = pq.read_table(folder / "centrality.parquet").to_pylist()
    assert sorted({row["part"] for row in rows}) == [f"2024-01-0{day}" for day in (2, 3, 4, 5)]
    strength = Counter()
    for row in rows:
        strength[row["person_id"]] += row["strength"]
        assert row["degree"] <= int(whole[row["person_id"]]["degree"])
    assert strength == {name: float(node["strength"]) for name, node in whole.items()}
    page = (demo_run.results / "report.html").read_text()
    assert "Who rose and who fell" in page
    assert "The mean PageRank of 2024-01-02 to 2024-01-03 and of 2024-01-04 to 2024-01-05" in page


def test_places_and_the_period_are_the_same_everywhere(demo_run) -> None:
    folder = demo_run.results / CLUSTERING
    with (folder / "nodes.csv").open(newline="") as file:
        nodes = {node["Id"]: node for node in csv.DictReader(file)}
    graphml = nx.read_graphml(folder / "graph.graphml")
    for name in ("graph.gexf", "dynamic.gexf"):
        for person, node in nx.read_gexf(folder / name).nodes.items():
            place = node["viz"]["position"]
            assert (place["x"], place["y"]) == (float(nodes[person]["x"]), float(nodes[person]["y"]))
            assert (graphml.nodes[person]["x"], graphml.nodes[person]["y"]) == (place["x"], place["y"])
    period = graphml.graph["first_seen"], graphml.graph["last_seen"]
    assert f"from {period[0]} to {period[1]}" in (folder / "graph.gexf").read_text()
    page = (demo_run.results / "report.html").read_text()
    for moment in period:
        assert f'<time datetime="{moment}">' in page
    assert "2 January 2024 – 5 January 2024" in (folder / "network.svg").read_text()


def test_the_map_has_every_picture_and_who_is_in_it(demo_run) -> None:
    visual = demo_run.results / "visual"
    found = Explorer(visual / "map")
    pictures, ids = found.tables["pictures"], found.tables["people"]["person_id"]
    rows = pq.read_table(visual / "map.parquet").to_pylist()
    assert list(pictures["frame"]) == [row["frame"] for row in rows]
    assert found.manifest["methods"] == ["pca", "tsne"]
    seen = defaultdict(set)
    for row in pq.read_table(demo_run.results / CLUSTERING / "sightings.parquet").to_pylist():
        seen[row["broadcast"], row["frame"]].add(row["person_id"])
    whole = pq.read_table(visual / "frames.parquet").to_pylist()
    expected = defaultdict(set)
    for row in whole:
        expected[row["broadcast"], row["alike"]] |= seen[row["broadcast"], row["frame"]]
    bounds = pictures["person_first"]
    for n, row in enumerate(rows):
        told = {ids[person] for person in pictures["person"][bounds[n] : bounds[n + 1]]}
        assert told == expected[row["broadcast"], row["frame"]]
    assert "visual/map.html" in (demo_run.results / "report.html").read_text()
    page = (visual / "map.html").read_text()
    scripts = re.findall(r'src="(map/[^"]+)"', page)
    assert "map/data/pictures.js" in scripts
    assert all((visual / script).is_file() for script in scripts)


def test_people_csv_has_everybody(demo_run) -> None:
    with (demo_run.results / CLUSTERING / "people.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    table = people(demo_run).to_pylist()
    assert [(row["Id"], row["Label"]) for row in found] == [(row["person_id"], row["name"]) for row in table]


def test_tables_carry_their_provenance(demo_run) -> None:
    faces = read_provenance(
        next((demo_run.folder / "results" / "faces" / "fast-centerface-up0").rglob("*Night_Debate.parquet"))
    )
    assert faces["settings"] == {
        "engine": "fast",
        "detector": "centerface",
        "upsample": 0,
        "min_size_px": 0,
        "score_threshold": 0.5,
    }
    assert "dlib_face_recognition_resnet_model_v1.dat" in faces["models"]
    labels = read_provenance(demo_run.results / CLUSTERING / "labels.parquet")
    assert labels["settings"] == {"algorithm": "linkage", "eps": 0.52, "min_samples": 3}
    assert (labels["n_people"], labels["n_noise"]) == (13, 3)
    assert str(demo_run.folder) not in json.dumps([faces, labels])


def test_the_python_in_the_documents_runs(demo_run, monkeypatch) -> None:
    [shown] = [block for document in DOCUMENTS for block in blocks(document, "python")]
    monkeypatch.chdir(demo_run.folder)
    made: dict[str, Any] = {}
    exec(compile(shown, "docs/clustering.md", "exec"), made)
    expected = DBSCAN(eps=0.4, min_samples=5).fit(made["X"]).labels_.tolist()
    assert made["labels"].tolist() == made["model"].labels_.tolist() == expected
    assert made["by_eps"][2].tolist() == expected
    assert made["by_eps"].shape == (3, len(made["X"]))


# A gallery is what a user has (test_people.py).
@pytest.mark.parametrize("name", [name for name in TABLES if name != "gallery"])
def test_every_table_is_what_the_registry_says(demo_run, name: str) -> None:
    wildcards = {
        "run": "demo",
        "encoder": "*",
        "origin": "*",
        "embedder": "*",
        "broadcast": "*",
        "clustering": "*",
    }
    paths = list(demo_run.folder.glob(TABLES[name].path.format(**wildcards)))
    assert paths
    for path in paths:
        check(path, TABLES[name])


PLANTED = {
    ("Bram Castellow", "Silas Kerrow"): "sandbank",
    ("Orla Venning", "Tobin Wrexley"): "carousel",
    ("Wenda Lysgaard",): "lighthouse",
    ("Gower Penhale",): "turbine",
    ("Jory Pellmark",): "orchard",
    ("Orla Venning",): "harbour",
}
"""Who is on the screen when a word is said (resources/demo/README.md)."""


def test_the_planted_words_come_out(demo_run, found) -> None:
    folder = demo_run.results / CLUSTERING
    ids = people(demo_run)["person_id"].to_pylist()
    name_of = {ids[number]: name for number, name in found if number >= 0 and name} | {"": ""}
    rows = pq.read_table(folder / "words.parquet").to_pylist()
    out: dict[tuple[str, ...], list[str]] = defaultdict(list)  # the word that stands out most first
    for row in rows:
        out[tuple(sorted(filter(None, (name_of[row["person_id"]], name_of[row["other_id"]]))))].append(
            row["word"]
        )
    for who, word in PLANTED.items():
        assert word in out[who], who
        assert out[who][0] == word or len(who) == 1
    # Whoever has a planted word to stand out was there: nobody else's is listed first.
    assert {words[0] for words in out.values()} <= set(PLANTED.values())
    assert "fanfare" not in {row["word"] for row in rows}


def test_what_was_said_is_found_with_who_was_on_the_screen(demo_run, truth, found) -> None:
    transcripts = pq.read_table(demo_run.results / "transcripts.parquet").to_pylist()
    assert Counter(row["status"] for row in transcripts) == {"ok": 7, "missing": 2}
    assert [row["language"] for row in transcripts if row["name"].endswith(".en.srt")] == ["en"]
    views = Views(Results(demo_run.results))
    ids = people(demo_run)["person_id"].to_pylist()
    name_of = {f"Person {ids[number]}": name for number, name in found if number >= 0 and name}
    at = defaultdict(set)
    for face in truth:
        if face.person not in PASSERS_BY:
            at[face.broadcast, face.frame].add(face.person)
    for word in [*PLANTED.values(), "fanfare"]:
        rows = [dict(zip(SAID, row, strict=True)) for row in said(views, word)]
        assert len(rows) >= 3
        for row in rows:
            shown = {name_of[each] for each in row["people"].split(", ") if each}
            assert shown == at[row["broadcast"], row["frame"]] | at[row["broadcast"], row["frame"] + 1]
    facts = read_provenance(demo_run.results / CLUSTERING / "words.parquet")
    assert facts["n_utterances"] == sum(row["n_utterances"] for row in transcripts) == 192
    outside = [row for row in said(views, "fanfare") if not row[SAID.index("people")]]
    assert facts["n_outside"] >= len(outside) > 0
    assert facts["n_beside"] + facts["n_outside"] == 192


def test_nothing_is_left_in_scratch_and_a_second_run_has_nothing_to_do(demo_run, tmp_path: Path) -> None:
    assert not list((demo_run.folder / "scratch").rglob("*.jpg"))
    assert "Nothing to be done" in demo_run.copied(tmp_path / "again")()


def test_the_measure_itself(found) -> None:
    """Merging two people costs precision, splitting one costs recall."""
    first, second, *_ = sorted({label for label, _ in found if label >= 0})
    merged = [(first if label == second else label, name) for label, name in found]
    assert pairwise(merged, min_faces=5)[0] < pairwise(merged, min_faces=5)[1] == 1.0
    split = [(99 if n % 2 and label == first else label, name) for n, (label, name) in enumerate(found)]
    assert pairwise(split, min_faces=5)[1] < pairwise(split, min_faces=5)[0] == 1.0
