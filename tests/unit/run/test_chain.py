"""Which combination the benchmark of the whole chain names as the winner."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def chain(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "benchmarks")
    import chain

    return chain


def row(name: str, **changes: float) -> dict[str, Any]:
    usual = {"visible": 900, "right": 800, "wrong": 0, "true_pairs": 60, "pairs_right": 50, "pairs_wrong": 0}
    return {"detector": name, "cpu_ms_frame": 50.0, **usual, **changes}


def test_a_few_faces_more_do_not_outweigh_wrong_pairs(chain: ModuleType) -> None:
    rows = [row("careful"), row("eager", right=803, pairs_wrong=3), row("few", right=600, pairs_right=40)]
    assert chain.best(rows)["detector"] == "careful"
    assert chain.best([row("careful"), row("better", right=860)])["detector"] == "better"
    assert chain.best([row("slower", cpu_ms_frame=60.0), row("quick")])["detector"] == "quick"


@pytest.mark.parametrize("changes", [{"wrong": 19}, {"pairs_wrong": 5}, {"cpu_ms_frame": 67.0}])
def test_what_is_too_wrong_or_too_slow_never_wins(chain: ModuleType, changes: dict[str, float]) -> None:
    assert chain.best([row("good", right=500), row("bad", right=900, **changes)])["detector"] == "good"
    assert chain.best([row("bad", **changes)]) is None


def test_without_pairs_faces_decide(chain: ModuleType) -> None:
    none = {"true_pairs": 0, "pairs_right": 0}
    assert chain.best([row("a", **none), row("b", right=850, **none)])["detector"] == "b"
    assert chain.best([]) is None
