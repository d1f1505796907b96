"""People of the demo: names that last, corrections that replay, a gallery."""

import csv
import random
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from sklearn.cluster import DBSCAN

from castgraph.base import tables
from castgraph.faces.times import face_times
from castgraph.network.cooccurrence import cooccurrences
from castgraph.pages.images import data_uri
from castgraph.people.identify import Identified, identify, sentences
from castgraph.people.places import Places, read_places
from castgraph.people.register import Register
from castgraph.people.table import portrait_name
from tests.explored import Explorer
from tests.members import members
from tests.truth import TrueFace, matched, of_demo
from tests.workflow.conftest import Run, jobs

GALLERY = {"Bram Castellow", "Jory Pellmark", "Mathis Orrel", "Orla Venning"}


@pytest.fixture(scope="module")
def truth(demo: Path) -> list[TrueFace]:
    return of_demo(demo)


@pytest.fixture(scope="module")
def shown(demo_run: Run, truth) -> np.ndarray:
    """Who each face of the demo shows; empty for nobody of the truth."""
    names = matched(pq.read_table(demo_run.results / "faces.parquet").to_pylist(), truth)
    return np.array([name or "" for name in names])


def ids_by_name(ids: list[str | None], shown: np.ndarray) -> dict[str, Counter[str]]:
    """For everybody of the truth the IDs that the faces have."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for person, name in zip(ids, shown.tolist(), strict=True):
        if person and name:
            found[name][person] += 1
    return found


def mostly(ids: dict[str, Counter[str]]) -> dict[str, str]:
    return {name: each.most_common(1)[0][0] for name, each in ids.items()}


def ids_of(found: Identified) -> list[str | None]:
    return [None if person < 0 else found.ids[person] for person in found.person.tolist()]


@pytest.fixture(scope="module")
def places(demo_run: Run) -> Places:
    return read_places(demo_run.results / "faces.parquet")


def grouped(run: Run, eps: float, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
    embeddings = np.asarray(tables.open_embeddings(run.results / "faces.parquet"))[rows]
    return DBSCAN(eps=eps, min_samples=3).fit(embeddings).labels_.astype(np.int32)


def test_ids_survive_another_eps_and_the_way_back(demo_run: Run, places: Places, shown: np.ndarray) -> None:
    first = identify(places, grouped(demo_run, 0.36))
    small = ids_by_name(ids_of(first), shown)  # of two the faces are split there
    assert len(set(mostly(small).values())) == len(small) == 13
    second = identify(places, grouped(demo_run, 0.44), first.register)
    large = mostly(ids_by_name(ids_of(second), shown))
    # Two who look alike are one person at 0.44, which is told; all others are who they were.
    assert len(set(large.values())) == 12
    [merged] = [name for name in small if large[name] not in small[name]]
    told = sentences(second.changes)
    assert all(
        any(text.startswith(f"{name} is now {large[merged]}: ") for text in told) for name in small[merged]
    )
    again = identify(places, grouped(demo_run, 0.36), second.register)
    assert ids_of(again) == ids_of(first)


@pytest.mark.parametrize("seed", range(6))
def test_ids_survive_broadcasts_that_are_added_in_any_order(
    seed: int, demo_run: Run, places: Places, shown: np.ndarray
) -> None:
    order = list(range(len(places.broadcasts)))
    random.Random(seed).shuffle(order)
    known: Register | None = None
    was: dict[int, str] = {}  # row → ID
    for n in range(1, len(order) + 1):
        rows = np.flatnonzero(np.isin(places.broadcast, order[:n]))
        part = Places(
            places.broadcasts,
            places.broadcast[rows],
            places.face[rows],
            places.frame[rows],
            places.boxes[:, rows],
        )
        found = identify(part, grouped(demo_run, 0.40, rows), known)
        known = found.register
        now = {row: name for row, name in zip(rows.tolist(), ids_of(found), strict=True) if name}
        told = sentences(found.changes)
        for before in set(was.values()):
            ids = Counter(now.get(row) for row, name in was.items() if name == before)
            # With few faces somebody may be two people for a while; that one is no more is told.
            assert ids.most_common(1)[0][0] == before or any(
                text.startswith(f"{before} is now ") for text in told
            )
        was = now
    assert len(set(mostly(ids_by_name(ids_of(found), shown[rows])).values())) == 13


def anchor(face: TrueFace) -> dict:
    top, right, bottom, left = face.box
    return {
        "broadcast": face.broadcast,
        "frame": face.frame,
        "at": [(left + right) // 2, (top + bottom) // 2],
    }


EPS = (0.52, 0.48, 0.55)


@pytest.fixture(scope="module")
def chosen(truth) -> dict[str, list[TrueFace]]:
    """The faces of everybody, by frames."""
    found: dict[str, list[TrueFace]] = defaultdict(list)
    for face in truth:
        found[face.person].append(face)
    return dict(sorted(found.items(), key=lambda each: -len(each[1])))


@pytest.fixture(scope="module")
def roles(chosen) -> dict[str, str]:
    """Who is named, ignored, merged (twice two, and two of nobody) and split."""
    free = [name for name in chosen if name not in GALLERY and not name.startswith("Passer-by")]
    return dict(zip(("named", "ignored", "a", "b", "c", "d", "split", "split too"), free, strict=False))


@pytest.fixture(scope="module")
def corrected(demo_run: Run, root: Path, chosen, roles, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo with corrections and a gallery, at three eps, and by another detector."""
    faces = {role: chosen[name] for role, name in roles.items()}
    decisions = [
        {"person": anchor(faces["named"][0]), "name": "Somebody Known", "source": "the captions"},
        {"ignore": anchor(faces["ignored"][1]), "reason": "asked for it"},
        {"same": [anchor(faces["a"][0]), anchor(faces["b"][0])]},
        {"same": [anchor(faces["c"][0]), anchor(faces["d"][0])]},
        {"same": [anchor(chosen["Passer-by A"][0]), anchor(chosen["Passer-by B"][0])]},
        {"split": [anchor(face) for face in faces["split"][:4]]},
        {"split": [anchor(face) for face in faces["split too"][2:5]]},
        {"not_a_face": {**anchor(faces["named"][0]), "at": [1, 1]}},
    ]
    run = demo_run.copied(tmp_path_factory.mktemp("corrected") / "run")
    shutil.rmtree(run.results / "linkage-0.52")  # what was known is in the ledger
    run.config = yaml.safe_load((root / "config" / "config.yaml").read_text())
    run.config["clustering"] = {"eps": list(EPS)}
    run.config["people"] = {
        "corrections": "corrections.yaml",
        "gallery": str(root / "resources/demo/gallery"),
    }
    (run.folder / "corrections.yaml").write_text(yaml.safe_dump(decisions, sort_keys=False))
    run(*(f"results/demo/linkage-{eps:.2f}/people.parquet" for eps in EPS))
    return run


@pytest.fixture(scope="module")
def by_hog(corrected: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same by dlib's HOG detector."""
    run = corrected.copied(tmp_path_factory.mktemp("hog") / "run")
    run.config["faces"] = {"detector": "hog"}
    assert jobs(run("results/demo/linkage-0.52/people.parquet"))["encode"] > 0
    return run


def test_as_published_the_demo_finds_its_truth_too(by_hog: Run, truth) -> None:
    """HOG and DBSCAN at 0.40 with 5 faces, without corrections."""
    path = by_hog.results / "faces.parquet"
    faces = tables.read(path, tables.MERGED_FACES)
    labels = DBSCAN(eps=0.4, min_samples=5).fit(np.asarray(tables.open_embeddings(path))).labels_
    names = matched(faces.to_pylist(), truth)
    assert (len(faces), names.count(None)) == (582, 2)  # two known false alarms
    assert (
        len({(label, name) for label, name in zip(labels.tolist(), names, strict=True) if label >= 0}) == 13
    )
    times = face_times(path, by_hog.results / "frames.parquet")
    pairs = cooccurrences(faces, members(labels), times)
    assert (sum(n > 0 for n in pairs["same_frame"].to_pylist()), len(pairs)) == (31, 32)


@pytest.fixture(scope="module", params=[*EPS, "hog"])
def result(request, corrected: Run, truth):
    """One of the clusterings: who each face shows, its ID, and the people."""
    run, eps = corrected, EPS[0] if request.param == "hog" else request.param
    if request.param == "hog":
        run = request.getfixturevalue("by_hog")
    folder = run.results / f"linkage-{eps:.2f}"
    names = matched(pq.read_table(run.results / "faces.parquet").to_pylist(), truth)
    ids = pq.read_table(folder / "members.parquet")["person_id"].to_pylist()
    people = pq.read_table(folder / "people.parquet")
    return folder, ids_by_name(ids, np.array([name or "" for name in names])), people


def test_the_gallery_names_its_four_and_nobody_else(result, roles) -> None:
    folder, found, people = result
    tables.check(folder.parent / "gallery.parquet", tables.TABLES["gallery"])
    by_id = {row["person_id"]: row for row in people.to_pylist()}
    assert {row["name"] for row in by_id.values() if row["name_from"] == "gallery"} == GALLERY
    for name in GALLERY:
        assert by_id[found[name].most_common(1)[0][0]]["name"] == name
    assert {row["name"] for row in by_id.values() if row["name_from"] == "correction"} == {"Somebody Known"}
    others = [row for row in by_id.values() if not row["name_from"]]
    assert all(row["name"] == f"Person {row['person_id']}" for row in others)


def test_corrections_replay(result, roles, chosen) -> None:
    folder, found, people = result
    ids = {role: found[name] for role, name in roles.items()}
    [named] = [row["person_id"] for row in people.to_pylist() if row["name"] == "Somebody Known"]
    assert ids["named"].most_common(1)[0][0] == named
    assert not ids["ignored"]
    for one, other in (("a", "b"), ("c", "d")):
        assert ids[one].most_common(1)[0][0] == ids[other].most_common(1)[0][0]
    assert found["Passer-by A"] == found["Passer-by B"] != Counter()
    assert [n for _, n in ids["split"].most_common(2)][1] == 4
    assert [n for _, n in ids["split too"].most_common(2)][1] == 3
    problems = tables.read_provenance(folder / "people.parquet")["problems"]
    assert len(problems) == 1
    assert "there is no face" in problems[0]


def test_who_was_known_keeps_the_id(result, demo_run: Run, shown: np.ndarray, roles) -> None:
    """At another eps, by another detector, after corrections."""
    _, found, _ = result
    before = ids_by_name(
        pq.read_table(demo_run.results / "linkage-0.52" / "members.parquet")["person_id"].to_pylist(), shown
    )
    gone = {roles[role] for role in ("ignored", "a", "b", "c", "d")}
    for name, ids in before.items():
        if name not in gone:
            assert found[name].most_common(1)[0][0] == ids.most_common(1)[0][0]
    for pair in (("a", "b"), ("c", "d")):
        now = found[roles[pair[0]]].most_common(1)[0][0]
        assert now in {before[roles[role]].most_common(1)[0][0] for role in pair}


def test_the_ignored_leave_no_trace(
    corrected: Run, demo_run: Run, shown: np.ndarray, roles, tmp_path: Path
) -> None:
    ids = pq.read_table(demo_run.results / "linkage-0.52" / "members.parquet")["person_id"].to_pylist()
    ignored = ids_by_name(ids, shown)[roles["ignored"]].most_common(1)[0][0].encode()
    run = corrected.copied(tmp_path / "run")
    run.config["clustering"]["eps"] = [0.52]
    run()
    decided = (run.folder / "corrections.yaml").stat().st_mtime
    files = [path for path in (run.folder / "results").rglob("*") if path.is_file()]
    later = [path for path in files if path.stat().st_mtime > decided]
    assert {"report.html", "network.svg", "people.csv", "words.parquet", "faces.csv"} <= {
        path.name for path in later
    }
    # What shows the person in the run without corrections: portrait, sheet, and the picture in the report.
    before = demo_run.results / "linkage-0.52"
    name = portrait_name(ignored.decode())
    shown_by = [(before / folder / name).read_bytes() for folder in ("portraits", "contact_sheets")]
    of_report = data_uri(before / "portraits" / name, 128).encode()
    assert of_report in (demo_run.results / "report.html").read_bytes()
    # Parquet packs its columns, so tables are looked at as what they say.
    for path in later:
        content = path.read_bytes()
        text = str(pq.read_table(path).to_pydict()).encode() if path.suffix == ".parquet" else content
        assert ignored not in text, path
        assert content not in shown_by, path
        assert of_report not in content, path
    # The explorer packs its data, too, and has nothing of the person.
    explorer = Explorer(run.results / "linkage-0.52" / "explorer")
    assert ignored not in explorer.everything()
    assert explorer.manifest["counts"]["people"] == len(explorer.tables["people"]["portrait"])
    # No face of the person is on anybody's sheet.
    faces = pq.read_table(run.results / "faces.parquet").to_pylist()
    of_ignored = [face for face, who in zip(faces, ids, strict=True) if who == ignored.decode()]
    hidden = {(face["broadcast"], face["frame"]) for face in of_ignored}
    with (run.results / "linkage-0.52" / "contact_sheets" / "faces.csv").open(newline="") as file:
        sheets = list(csv.DictReader(file))
    alone = {place for place in hidden if sum(place == (f["broadcast"], f["frame"]) for f in faces) == 1}
    assert len(alone) > 5
    assert not alone & {(row["broadcast"], int(row["frame"])) for row in sheets}
    # Where a picture of the explorer shows the person, the face is blurred: it differs from the run before.
    shipped, names = explorer.tables["frames"], explorer.tables["broadcasts"]["broadcast"]
    blurred = 0
    for n, edge in enumerate(shipped["edge"].tolist()):
        place = names[shipped["broadcast"][n]], int(shipped["frame"][n])
        with Image.open(explorer.folder / "frames" / f"{edge}-{shipped['k'][n]}.jpg") as image:
            scale = image.width / shipped["width"][n]
            for face in (face for face in of_ignored if (face["broadcast"], face["frame"]) == place):
                box = (round(face[side] * scale) for side in ("left", "top", "right", "bottom"))
                detail = np.asarray(image.convert("L").crop(tuple(box)), float)
                # Smooth: in this demo a clear face has 5 and more, a blurred one less than 2.
                assert np.abs(np.diff(detail, n=2, axis=1)).mean() < 3
                blurred += 1
    assert blurred > 0


def test_a_second_call_has_nothing_to_do_and_an_edited_file_only_what_it_changes(corrected: Run) -> None:
    target = "results/demo/linkage-0.52/people.parquet"
    assert "Nothing to be done" in corrected(target)
    file = corrected.folder / "corrections.yaml"
    file.write_text(file.read_text() + "# seen\n")
    assert jobs(corrected(target, "-n")) == {"identify": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [("- same: [1]\n", "corrections.yaml, line 1"), ("{", "corrections.yaml")],
)
def test_corrections_that_cannot_be_read_are_told(
    content: str, told: str, corrected: Run, tmp_path: Path
) -> None:
    run = corrected.copied(tmp_path / "run")
    run.detailed = False
    run.extra = ["--retries", "0"]
    (run.folder / "corrections.yaml").write_text(content)
    output = run("results/demo/linkage-0.52/people.parquet", fails=True)
    assert told in output
    assert "Traceback" not in output


def test_strict_stops_where_a_correction_does_not_apply(corrected: Run, tmp_path: Path) -> None:
    run = corrected.copied(tmp_path / "run")
    run.detailed = False
    run.extra = ["--retries", "0"]
    run.config["people"]["strict"] = True
    assert "there is no face" in run("results/demo/linkage-0.52/people.parquet", fails=True)
