"""Names in paths, and what is asked for again."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from castgraph.run.names import (
    ask_again,
    asked_again,
    clusterings,
    encoder_name,
    inventory_edition,
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


def test_an_encoder_is_named_after_what_its_results_depend_on() -> None:
    assert encoder_name("reference", "hog", 1) == "reference-hog-up1"
    assert encoder_name("fast", "cnn", 0, 80) == "fast-cnn-up0-min80"
    assert encoder_name("fast", "hog", 2, 0, -0.25) == "fast-hog-up2-score-0.25"
    assert encoder_name("fast", "hog", 2, 40, 0.1) == "fast-hog-up2-min40-score0.1"
    assert encoder_name("fast", "hog", 2, 0, 1) == encoder_name("fast", "hog", 2, 0, 1.0)
    assert encoder_name("fast", "hog", 2, 0, 0.12345671) != encoder_name("fast", "hog", 2, 0, 0.12345672)


DAY = date(2026, 10, 1)
END = datetime(2026, 10, 2, tzinfo=UTC)


def test_an_inventory_is_wanted_anew_until_its_day_is_settled() -> None:
    hourly = {inventory_edition(DAY, END + timedelta(minutes=n), 12) for n in range(0, 5 * 24 * 60, 60)}
    assert len(hourly) == 10
    assert "settled" not in hourly
    assert inventory_edition(DAY, END + timedelta(days=5), 12) == "settled"
    assert inventory_edition(DAY, END + timedelta(days=5000), 0.01) == "settled"


def test_an_inventory_stays_as_it_is_within_its_hours() -> None:
    assert inventory_edition(DAY, END, 12) == inventory_edition(DAY, END + timedelta(hours=11.9), 12)
    assert inventory_edition(DAY, END, 12) != inventory_edition(DAY, END + timedelta(hours=12), 12)


def test_what_is_asked_for_again_is_counted(tmp_path: Path) -> None:
    record = tmp_path / "resources" / "asked_again.json"
    assert asked_again(record) == {}
    ask_again(["NTV_20261001_030000", "NTV.20261001"], record)
    ask_again(["NTV_20261001_030000"], record)
    assert asked_again(record) == {"NTV_20261001_030000": 2, "NTV.20261001": 1}


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', "{", "null"])
def test_a_spoilt_record_asks_for_nothing(text: str, tmp_path: Path) -> None:
    record = tmp_path / "asked_again.json"
    record.write_text(text)
    assert asked_again(record) == {}
