"""What frames tell of the faces of a run: constraints, linkage with them, and faces that found nobody."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from castgraph.base import tables
from castgraph.clustering import kernels
from castgraph.clustering.scan import Options
from castgraph.run.clusterings import cluster_faces
from castgraph.run.constraints import constraint_table, must_links, out_of_range, proposed
from castgraph.run.counted import BOX, UNIT_SCALE, read_counted

OPTIONS = Options(1, kernels()[0])


def run(folder: Path, rows: list[dict[str, Any]], settings: dict[str, Any] | None = None) -> Path:
    """Write the merged faces of a run; `at` is a number that tells the embedding."""
    usual = {"set_aside": "", "founds": True, **dict(zip(BOX, (0, 100, 100, 0), strict=True))}
    embeddings = np.zeros((len(rows), tables.EMBEDDING_SIZE), np.float32)
    numbers: dict[str, int] = {}
    whole = []
    for row, given in enumerate(rows):
        embeddings[row, :1] = given.pop("at")
        numbers[given["broadcast"]] = number = numbers.get(given["broadcast"], -1) + 1
        whole.append(usual | given | {"face": number})
    facts = tables.provenance("merge", settings or {})
    tables.write(folder / "faces.parquet", pa.Table.from_pylist(whole, schema=tables.MERGED_FACES), facts)
    np.save(folder / tables.EMBEDDINGS, embeddings)
    return folder / "faces.parquet"


def face(broadcast: str, frame: int, at: float, left: int = 0, **others: Any) -> dict[str, Any]:
    return {"broadcast": broadcast, "frame": frame, "at": at, "left": left, "right": left + 100} | others


def test_links_and_pairs_in_one_frame_are_told_by_their_keys(tmp_path: Path) -> None:
    path = run(
        tmp_path,
        [
            face("A_1", 1, 0.0),
            face("A_1", 2, 0.1),
            face("A_1", 2, 0.0, left=300, set_aside="min_score"),
            face("A_1", 2, 2.0, left=500),
            face("A_1", 3, 1.0),  # another person, after a cut
            face("B_2", 1, 0.0),
            face("B_2", 2, 0.3),
        ],
    )
    table, counts = constraint_table(read_counted(path))
    assert table.schema.equals(tables.CONSTRAINTS)
    assert table.select(["broadcast", "face", "other", "kind"]).to_pylist() == [
        {"broadcast": "A_1", "face": 0, "other": 1, "kind": "must"},
        {"broadcast": "A_1", "face": 1, "other": 3, "kind": "cannot"},
        {"broadcast": "B_2", "face": 0, "other": 1, "kind": "must"},
    ]
    assert table["distance"].to_numpy() == pytest.approx([0.1, 1.9, 0.3])
    assert counts == {
        "n_must": 2,
        "n_cannot": 1,
        "n_tracklets": 2,
        "n_contradicted": 0,
        "eps": None,
        "eps_pairs": {"adjacent": 3, "one_frame": 1},
    }
    faces = tables.read(path, tables.MERGED_FACES, ["broadcast"])
    assert must_links(table, faces).tolist() == [[0, 1], [5, 6]]


def test_links_that_lead_to_another_face_of_the_frame_are_contradicted(tmp_path: Path) -> None:
    """A picture in picture that moves to where the person is, of whom it is."""
    path = run(
        tmp_path,
        [
            face("A_1", 1, 0.0),
            face("A_1", 1, 0.0, left=60),
            face("A_1", 2, 0.0, left=30),
            face("A_1", 3, 0.0),
            face("A_1", 3, 0.0, left=50),
        ],
    )
    table, counts = constraint_table(read_counted(path))
    assert counts["n_must"] == 2
    assert counts["n_contradicted"] == table["contradicted"].to_pylist().count(True) == 0
    linked = run(
        tmp_path,
        [
            face("A_1", 1, 0.0),
            face("A_1", 1, 0.0, left=300),
            face("A_1", 2, 0.0, left=20),
            face("A_1", 3, 0.0, left=40),
        ],
    )
    assert constraint_table(read_counted(linked))[1]["n_contradicted"] == 0


@pytest.mark.parametrize("rows", [[], [face("A_1", 1, 0.0)], [face("A_1", 1, 0.0, set_aside="min_score")]])
def test_a_run_with_hardly_a_face_has_no_constraints(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    path = run(tmp_path, rows)
    table, counts = constraint_table(read_counted(path))
    assert table.num_rows == 0
    assert (counts.pop("eps"), set(counts.pop("eps_pairs").values())) == (None, {0})
    assert set(counts.values()) == {0}
    assert must_links(table, tables.read(path, tables.MERGED_FACES, ["broadcast"])).shape == (0, 2)
    settings = {"algorithm": "linkage", "eps": 0.5, "min_samples": 1}
    labels = cluster_faces(read_counted(path), settings, tmp_path / "state", OPTIONS)
    assert labels.tolist() == [0 if each.get("set_aside", "") == "" else -1 for each in rows]


def test_linkage_minds_frames_and_links(tmp_path: Path) -> None:
    rows = [face("A_1", frame, 0.1 * (frame % 2)) for frame in range(1, 7)]
    rows += [face("A_1", frame, 0.05, left=400) for frame in range(10, 16)]
    rows += [face("A_1", frame, 0.45, left=0) for frame in range(10, 16)]
    path = run(tmp_path, sorted(rows, key=lambda row: (row["frame"], row["left"])))
    settings = {"algorithm": "linkage", "eps": 0.52, "min_samples": 3}
    labels = cluster_faces(read_counted(path), settings, tmp_path / "state", OPTIONS)
    assert len(labels) == 18
    both = labels[6:].reshape(-1, 2)
    assert (both == both[0]).all()
    assert both[0, 0] != both[0, 1]


@pytest.mark.parametrize("algorithm", ["dbscan", "linkage", "chinese_whispers", "iterative", "hdbscan"])
def test_faces_that_found_nobody_join_whom_others_found(algorithm: str, tmp_path: Path) -> None:
    rows = [face("A_1", n, 0.01 * n) for n in range(1, 9)]
    rows += [face("A_1", n, 3 + 0.01 * n) for n in range(11, 19)]
    rows += [face("A_1", n, 6 + 0.01 * n, founds=False) for n in range(21, 29)]
    rows += [face("A_1", 31, 0.3, founds=False), face("A_1", 32, 3.3, founds=False)]
    settings: dict[str, Any] = {"algorithm": algorithm, "min_samples": 3}
    if algorithm != "hdbscan":
        settings["eps"] = 0.4
    labels = cluster_faces(read_counted(run(tmp_path, rows)), settings, tmp_path / "state", OPTIONS)
    assert labels.tolist() == [0] * 8 + [1] * 8 + [-1] * 8 + [0, 1]


def test_where_nobody_can_be_founded_there_is_nobody(tmp_path: Path) -> None:
    path = run(tmp_path, [face("A_1", n, 0.0, founds=False) for n in range(5)])
    for algorithm in ("dbscan", "linkage", "hdbscan"):
        settings: dict[str, Any] = {"algorithm": algorithm, "min_samples": 2}
        if algorithm != "hdbscan":
            settings["eps"] = 0.4
        labels = cluster_faces(read_counted(path), settings, tmp_path / "state", OPTIONS)
        assert labels.tolist() == [-1] * 5


# --- which eps


def walks(rng: np.random.Generator, scale: float, *, apart: float = 1.0) -> list[dict[str, Any]]:
    """Two people beside each other in 60 frames; `apart` is how far, and `scale` stretches all of it."""
    return [
        face("A_1", frame, scale * (person * apart + at), left=300 * person)
        for frame in range(1, 61)
        for person, at in enumerate(rng.normal(size=2) * 0.05)
    ]


@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_the_eps_to_compare_are_in_the_scale_of_the_embedder(scale: float, tmp_path: Path) -> None:
    path = run(tmp_path, walks(np.random.default_rng(0), scale))
    _, facts = constraint_table(read_counted(path))
    low, high = facts["eps"]
    assert facts["eps_pairs"] == {"adjacent": 118, "one_frame": 60}
    assert 0.05 < low / scale < 0.15
    assert 0.8 < high / scale < 1
    assert proposed(facts) == (
        f"Compare eps from {low:.2f} to {high:.2f}: three in four of the 118 adjacent pairs are nearer than "
        f"{low:.2f}, and one in twenty of the 60 pairs in one frame are nearer than {high:.2f}."
    )
    assert out_of_range(facts, [low / 2, high]) == out_of_range(facts, []) == ""
    assert out_of_range(facts, [low / 2, high * 2]).endswith(proposed(facts))


def test_no_eps_is_proposed_where_frames_do_not_tell(tmp_path: Path) -> None:
    path = run(tmp_path, walks(np.random.default_rng(0), 1, apart=0))
    _, facts = constraint_table(read_counted(path))
    assert facts["eps"] is None
    assert "do not tell these people apart" in proposed(facts)
    assert out_of_range(facts, [0.4]) == ""
    path = run(tmp_path, [face("A_1", 1, 0.0), face("A_1", 1, 1.0, left=300)])
    _, facts = constraint_table(read_counted(path))
    assert facts["eps"] is None
    assert "0 adjacent pairs and 1 pairs in one frame" in proposed(facts)


@pytest.mark.parametrize("algorithm", ["linkage", "iterative", "dbscan"])
def test_an_embedder_of_another_scale_gives_the_same_people(algorithm: str, tmp_path: Path) -> None:
    found = []
    for embedder, scale in (({}, 1.0), ({"embedder": {"name": "mine"}}, UNIT_SCALE)):
        folder = tmp_path / str(scale)
        folder.mkdir()
        rng = np.random.default_rng(1)
        rows = [*walks(rng, scale), face("A_1", 90, 0.4 * scale, founds=False)]
        faces = read_counted(run(folder, rows, settings=embedder))
        settings = {"algorithm": algorithm, "eps": 0.36 * scale, "min_samples": 3}
        found.append(cluster_faces(faces, settings, folder / "state.parquet", OPTIONS).tolist())
    assert found[0] == found[1]
    assert set(found[0]) >= {0, 1}
