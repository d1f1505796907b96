"""Names in paths."""

import pytest

from castgraph.stages import clustering_name, encoder_name


@pytest.mark.parametrize(
    ("eps", "name"),
    [
        (0.4, "eps-0.40"),
        (0.40, "eps-0.40"),
        (0.345, "eps-0.345"),
        (1, "eps-1.00"),
        (0.30000000000000004, "eps-0.30"),
    ],
)
def test_a_clustering_is_named_after_its_eps(eps: float, name: str) -> None:
    assert clustering_name(eps) == name


def test_an_encoder_is_named_after_what_its_results_depend_on() -> None:
    assert encoder_name("reference", "hog", 1) == "reference-hog-up1"
    assert encoder_name("fast", "cnn", 0, 80) == "fast-cnn-up0-min80"
    assert encoder_name("fast", "hog", 2, 0, -0.25) == "fast-hog-up2-score-0.25"
    assert encoder_name("fast", "hog", 2, 40, 0.1) == "fast-hog-up2-min40-score0.1"
    assert encoder_name("fast", "hog", 2, 0, 1) == encoder_name("fast", "hog", 2, 0, 1.0)
    assert encoder_name("fast", "hog", 2, 0, 0.12345671) != encoder_name("fast", "hog", 2, 0, 0.12345672)
