"""The main line on real faces, end to end.

The broadcasts lie outside the repository: in the folder that CASTGRAPH_REAL_SAMPLE names, else in
``../shared/real``. Where neither is there these tests are skipped, and say so.
"""

import csv
import os
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.truth import TrueFace, matched, pairwise
from tests.workflow.conftest import Run

MIN_FACES = 5  # cluster.min_samples: a person seen less often is noise by definition


@pytest.fixture(scope="module")
def sample() -> Path:
    folder = Path(os.environ.get("CASTGRAPH_REAL_SAMPLE") or ROOT.parent / "shared" / "real")
    if not (folder / "ground_truth.csv").is_file():
        message = f"NOT TESTED ON REAL FACES: no ground_truth.csv in {folder} (set CASTGRAPH_REAL_SAMPLE)"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="module")
def run(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    ids = sorted(path.stem for path in sample.glob("*.zip"))
    config = {"run": "real", "broadcasts": {"ids": ids}, "archive": {"base_url": str(sample)}}
    run = Run(tmp_path_factory.mktemp("real"), config)
    run()
    return run


@pytest.fixture(scope="module")
def truth(sample: Path) -> list[TrueFace]:
    with (sample / "ground_truth.csv").open(newline="") as file:
        return [
            TrueFace(row["broadcast"], int(row["frame"]), row["person"], box(row))
            for row in csv.DictReader(file)
            if row["person"]
        ]


def box(row: dict[str, str]) -> tuple[int, int, int, int]:
    x, y, w, h = (int(float(row[key])) for key in "xywh")
    return (y, x + w, y + h, x)


@pytest.fixture(scope="module")
def found(run: Run, truth: list[TrueFace]) -> list[tuple[int, str | None]]:
    faces = pq.read_table(run.results / "faces.parquet").to_pylist()
    labels = pq.read_table(run.results / "eps-0.40" / "labels.parquet")["label"].to_pylist()
    # The true boxes are loose head boxes, so a detected face covers a smaller share of them.
    names = matched(faces, truth, least=0.15)
    return [(label, None if name == "other" else name) for label, name in zip(labels, names, strict=True)]


def test_all_broadcasts_are_read(run: Run, sample: Path) -> None:
    rows = pq.read_table(run.results / "broadcasts.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["ok"] * len(list(sample.glob("*.zip")))


def test_people(found, truth: list[TrueFace], record_property) -> None:
    named = Counter(face.person for face in truth if face.person != "other")
    detected = sum(name is not None for _, name in found) / named.total()
    precision, recall = pairwise(found, min_faces=MIN_FACES)
    _, recall_of_all = pairwise(found)
    for key, value in {
        "detected": detected,
        "precision": precision,
        "recall": recall,
        "all": recall_of_all,
    }.items():
        record_property(key, round(value, 4))
    print(f"\nfaces found {detected:.4f}, pairwise precision {precision:.4f}, recall {recall:.4f} "
          f"(people of any number of faces: {recall_of_all:.4f})")  # fmt: skip
    assert (detected, precision, recall) >= (0, 0, 0)


def test_edges(run: Run, sample: Path, found, truth: list[TrueFace]) -> None:
    with (sample / "expected_edges.csv").open(newline="") as file:
        expected = {tuple(sorted((row["person_a"], row["person_b"]))) for row in csv.DictReader(file)}
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for label, name in found:
        if label >= 0 and name:
            votes[label][name] += 1
    name_of = {label: counter.most_common(1)[0][0] for label, counter in votes.items()}
    edges = [
        e for e in pq.read_table(run.results / "eps-0.40" / "edges.parquet").to_pylist() if e["same_frame"]
    ]
    pairs = {
        tuple(sorted(name_of.get(edge[end], f"unknown {edge[end]}") for end in ("source", "target")))
        for edge in edges
    }
    faces = Counter(face.person for face in truth)
    reachable = {pair for pair in expected if min(faces[name] for name in pair) >= MIN_FACES}
    right = pairs & expected
    print(f"\nedges: {len(pairs)} found, {len(expected)} expected, {len(reachable)} of people with {MIN_FACES} faces; "
          f"precision {len(right) / len(pairs):.4f}, recall {len(right) / len(expected):.4f}, "
          f"of the reachable {len(right & reachable) / len(reachable):.4f}; wrong {pairs - expected}; lost {reachable - pairs}")  # fmt: skip
