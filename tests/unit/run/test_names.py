"""Names in paths."""

import pytest

from castgraph.run.names import (
    clusterings,
    encoder_name,
)


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


def test_an_encoder_with_another_embedder_is_named_after_it_and_its_file() -> None:
    embedder = {"onnx": "any/where.onnx", "name": "Mine-2", "size": 112, "sha256": "1a2b3c4d" + 56 * "0"}
    assert encoder_name("fast", "hog", 1, embedder=embedder) == "fast-hog-up1-Mine-2-1a2b3c4d"
    assert encoder_name("fast", "hog", 1, 80, 0.2, embedder) == "fast-hog-up1-min80-score0.2-Mine-2-1a2b3c4d"
    assert encoder_name("fast", "hog", 1, embedder=None) == "fast-hog-up1"


def test_an_encoder_is_named_after_what_its_results_depend_on() -> None:
    assert encoder_name("reference", "hog", 1) == "reference-hog-up1"
    assert encoder_name("fast", "hog", 1, 0, 0) == encoder_name("fast", "hog", 1, 0, None) == "fast-hog-up1"
    assert encoder_name("fast", "centerface", 0, 0, 0.5) == "fast-centerface-up0"
    assert encoder_name("fast", "blazeface", 1, 0, 0.25) == "fast-blazeface-up1-score0.25"
    assert encoder_name("fast", "cnn", 0, 80) == "fast-cnn-up0-min80"
    assert encoder_name("fast", "hog", 2, 0, -0.25) == "fast-hog-up2-score-0.25"
    assert encoder_name("fast", "hog", 2, 40, 0.1) == "fast-hog-up2-min40-score0.1"
    assert encoder_name("fast", "hog", 2, 0, 1) == encoder_name("fast", "hog", 2, 0, 1.0)
    assert encoder_name("fast", "hog", 2, 0, 0.12345671) != encoder_name("fast", "hog", 2, 0, 0.12345672)
