"""The page of the network as published beside the corrected one."""

from pathlib import Path

import pytest
from tests.finished import picture, write
from tests.members import person

from castgraph.base import tables
from castgraph.network.layers import LAYERS
from castgraph.pages.published import MOST_LISTED, write_published

SETTINGS = {
    "mode": "as_published",
    "layers": list(LAYERS),
    "significant": None,
    "top_edges": 1000,
    "exclude": [],
    "always_on": None,
    **{f"{layer}_weight": 0 for layer in LAYERS},
}


@pytest.fixture
def page(tmp_path: Path):
    """Write the page of pairs: (same_frame, adjacent) each, of two people of its own."""

    def make(pairs: list[tuple[int, int]], name: str = "Person {}", min_seconds: float = 0) -> str:
        folder = tmp_path / "results" / "mine" / "linkage-0.52"
        people = [
            {"person_id": person(n), "name": name.format(n), "name_from": "", "screen_seconds": 8.0}
            | {"airtime_share": 0.1, "rank": n + 1}
            for n in range(2 * len(pairs))
        ]
        rows = [
            {"source": person(2 * n), "target": person(2 * n + 1), "same_frame": same, "adjacent": adjacent}
            | {"weight": 2.0 * same + adjacent, "q": 0.5, "same_broadcast_q": 0.5}
            for n, (same, adjacent) in enumerate(pairs)
        ]
        write(folder / "people.parquet", tables.PEOPLE, people)
        write(folder / "edges.parquet", tables.EDGES, sorted(rows, key=lambda row: -row["weight"]))
        for name in ("network.png", "network_corrected.png"):
            picture(folder / name, (240, 180))
        write_published(folder / "as_published.html", SETTINGS, min_seconds=min_seconds)
        return (folder / "as_published.html").read_text(encoding="utf-8")

    return make


def test_it_counts_and_lists_what_only_one_network_has_and_why(page) -> None:
    text = page([(3, 1), (0, 4), (0, 2)])
    assert "1 edge is in both" in text
    assert "Published: 1 edge, 0 of them only here" in text
    assert "Corrected: 3 edges, 2 of them only here" in text
    assert "2 edges: never in one frame" in text
    assert text.count('<th scope="row">Person') == 2
    assert text.count("data:image/webp;base64,") == 2


def test_names_are_escaped_and_the_short_are_left_out(page) -> None:
    text = page([(0, 4)], name="<script>{}</script>")
    assert "<script>" not in text
    assert "&lt;script&gt;0&lt;/script&gt;" in text
    assert "Person" not in page([(0, 4)], min_seconds=9)


def test_a_long_list_is_cut_and_counted(page) -> None:
    text = page([(0, 1)] * (MOST_LISTED + 7))
    assert text.count('<th scope="row">') == MOST_LISTED
    assert "And 7 more." in text


def test_a_run_without_pairs(page) -> None:
    text = page([])
    assert "0 edges are in both" in text
    assert text.count("<p>None.</p>") == 2
