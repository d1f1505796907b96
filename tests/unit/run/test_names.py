"""Names in paths, and which clusterings one job makes."""

import json
from pathlib import Path
from typing import Any

import pytest

from castgraph.run.names import (
    clusterings,
    encoder_name,
    record_sweep,
    sweeps,
)

OLD, NEW, NEWER = "eps-0.40", "eps-0.30", "eps-0.355"


@pytest.mark.parametrize(
    ("eps", "name"),
    [
        (0.4, "0.40"),
        (0.40, "0.40"),
        (0.345, "0.345"),
        (1, "1.00"),
        (0.30000000000000004, "0.30"),
        (0.0000000001, "0.0000000001"),
    ],
)
def test_a_clustering_is_named_after_its_eps(eps: float, name: str) -> None:
    assert clusterings("dbscan", [eps], 5) == {
        f"eps-{name}": {"algorithm": "dbscan", "eps": eps, "min_samples": 5}
    }
    for algorithm in ("chinese_whispers", "iterative"):
        assert clusterings([algorithm], [eps], 5) == {
            f"{algorithm}-{name}": {"algorithm": algorithm, "eps": eps, "min_samples": 5}
        }


def test_an_algorithm_without_eps_makes_one_clustering() -> None:
    assert clusterings("hdbscan", [0.4, 0.3], 7) == {"hdbscan-7": {"algorithm": "hdbscan", "min_samples": 7}}


def test_clusterings_are_in_the_order_of_the_configuration() -> None:
    names = list(clusterings(["iterative", "hdbscan", "dbscan"], [0.4, 0.3], 5))
    assert names == ["iterative-0.40", "iterative-0.30", "hdbscan-5", "eps-0.40", "eps-0.30"]


def test_an_encoder_is_named_after_what_its_results_depend_on() -> None:
    assert encoder_name("reference", "hog", 1) == "reference-hog-up1"
    assert encoder_name("fast", "cnn", 0, 80) == "fast-cnn-up0-min80"
    assert encoder_name("fast", "hog", 2, 0, -0.25) == "fast-hog-up2-score-0.25"
    assert encoder_name("fast", "hog", 2, 40, 0.1) == "fast-hog-up2-min40-score0.1"
    assert encoder_name("fast", "hog", 2, 0, 1) == encoder_name("fast", "hog", 2, 0, 1.0)
    assert encoder_name("fast", "hog", 2, 0, 0.12345671) != encoder_name("fast", "hog", 2, 0, 0.12345672)


def test_one_sweep_makes_all_that_is_new(tmp_path: Path) -> None:
    assert sweeps([OLD, NEW], tmp_path / "nowhere" / "sweeps.json") == {1: [OLD, NEW]}
    assert sweeps([], tmp_path / "sweeps.json") == {}


def test_a_recorded_clustering_keeps_its_sweep(tmp_path: Path) -> None:
    """Whatever comes later, and also when it is given up and comes back."""
    record = tmp_path / "sweeps.json"
    record_sweep([OLD], record)
    assert sweeps([NEW, OLD, NEWER], record) == {1: [OLD], 2: [NEW, NEWER]}
    record_sweep([NEW, NEWER], record)
    assert json.loads(record.read_text()) == [[OLD], [NEW, NEWER]]
    assert sweeps([NEWER], record) == {2: [NEWER]}
    assert sweeps([NEWER, "eps-0.50"], record) == {2: [NEWER], 3: ["eps-0.50"]}
    assert sweeps([OLD, NEW, NEWER], record) == {1: [OLD], 2: [NEW, NEWER]}


def test_what_is_recorded_is_not_recorded_again(tmp_path: Path) -> None:
    record = tmp_path / "sweeps.json"
    record_sweep([OLD, NEW], record)
    content = record.read_bytes()
    for names in ([OLD, NEW], [NEW], []):
        record_sweep(names, record)
        assert record.read_bytes() == content
    record_sweep([NEWER, OLD], record)  # a job that makes an old one again beside a new one
    assert json.loads(record.read_text()) == [[OLD, NEW], [NEWER]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"null",
        b"7",
        b'"eps-0.40"',
        b'{"eps-0.40": 1}',
        b'["eps-0.40"]',
        b"[[0.4]]",
        b'[["eps-0.40"], null]',
        b'[["eps-0.40", ["eps-0.30"]]]',
    ],
)
def test_a_record_that_is_something_else_counts_for_nothing(content: bytes, tmp_path: Path) -> None:
    record = tmp_path / "sweeps.json"
    record.write_bytes(content)
    assert sweeps([OLD, NEW], record) == {1: [OLD, NEW]}
    record_sweep([OLD, NEW], record)
    assert json.loads(record.read_text()) == [[OLD, NEW]]


@pytest.mark.parametrize("recorded", [[[], [OLD]], [["eps-0.99"], [OLD, "../x"]]])
def test_no_sweep_is_empty_and_numbers_stay(recorded: Any, tmp_path: Path) -> None:
    record = tmp_path / "sweeps.json"
    record.write_text(json.dumps(recorded))
    assert sweeps([OLD], record) == {2: [OLD]}
    assert sweeps([OLD, NEW], record) == {2: [OLD], 3: [NEW]}


def test_no_clustering_is_in_two_sweeps(tmp_path: Path) -> None:
    """Else two jobs would make the same files, and Snakemake would refuse all work."""
    record = tmp_path / "sweeps.json"
    record.write_text(json.dumps([[OLD, OLD], [OLD, NEW], [NEW]]))
    found = sweeps([OLD, NEW, NEWER], record)
    assert sorted(name for sweep in found.values() for name in sweep) == sorted([OLD, NEW, NEWER])
