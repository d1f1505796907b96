"""The networks of one clustering: without hosts, without who is excluded, as published and corrected."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.members import members, person

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.network.cooccurrence import cooccurrences
from castgraph.network.layers import CORRECTED, LAYERS, WITHOUT_HOSTS
from castgraph.network.presence import presence
from castgraph.network.significance import compared
from castgraph.network.variants import PUBLISHED, differences, networks

SETTINGS: dict[str, Any] = {
    "mode": "standard",
    "layers": list(LAYERS),
    "same_frame_weight": 2,
    "adjacent_weight": 1,
    "within_weight": 0,
    "same_broadcast_weight": 0,
    "significant": None,
    "top_edges": 1000,
    "exclude": [],
    "always_on": 0.15,
}


@pytest.fixture(scope="module")
def network(truth, make_people) -> tuple[pa.Table, pa.Table, list[str]]:
    """Pairs and people of the demo's truth, and the names by number."""
    faces, labels, names = truth
    who = members(labels)
    starts = {name: Broadcast.parse(name).start for name in faces["broadcast"].unique().to_pylist()}
    times = np.array(
        [
            np.datetime64(starts[name].replace(tzinfo=None), "us") + np.timedelta64(4 * (frame - 1), "s")
            for name, frame in zip(faces["broadcast"].to_pylist(), faces["frame"].to_pylist(), strict=True)
        ]
    )
    pairs, _ = compared(cooccurrences(faces, who, times), presence(faces, who), dict.fromkeys(starts, 56))
    seen = {
        label: len({place for place, other in zip(_places(faces), labels, strict=True) if other == label})
        for label in range(len(names))
    }
    people = make_people(dict(enumerate(names)))
    share = pa.array([seen[n] / 449 for n in range(len(names))], pa.float64())
    number = people.schema.get_field_index("airtime_share")
    people = people.set_column(number, tables.PEOPLE.field("airtime_share"), share)
    return pairs, people, names


def _places(faces: pa.Table) -> list[tuple[str, int]]:
    return list(zip(faces["broadcast"].to_pylist(), faces["frame"].to_pylist(), strict=True))


def strongest(edges: pa.Table, names: list[str], n: int) -> list[tuple[str, str, float]]:
    number = {person(place): name for place, name in enumerate(names)}
    return [
        (*sorted((number[row["source"]], number[row["target"]])), row["weight"])
        for row in edges.slice(0, n).to_pylist()
    ]


def test_without_those_who_are_always_on_air_others_are_first(network) -> None:
    pairs, people, names = network
    found = networks(pairs, people, SETTINGS)
    assert {names[int(each[1:])] for each in found.hosts} == {"Orla Venning", "Wenda Lysgaard"}
    assert strongest(found.asked, names, 4) == [
        ("Bram Castellow", "Silas Kerrow", 87.0),
        ("Bram Castellow", "Wenda Lysgaard", 82.0),
        ("Silas Kerrow", "Wenda Lysgaard", 81.0),
        ("Orla Venning", "Tobin Wrexley", 75.0),
    ]
    beside = found.compared[WITHOUT_HOSTS]
    assert strongest(beside, names, 3) == [
        ("Bram Castellow", "Silas Kerrow", 87.0),
        ("Carys Hollowood", "Jory Pellmark", 70.0),
        ("Bram Castellow", "Mathis Orrel", 51.0),
    ]
    assert not {*found.hosts} & {*beside["source"].to_pylist(), *beside["target"].to_pylist()}


def test_the_excluded_are_in_no_network_and_an_unknown_name_is_told(network, caplog) -> None:
    pairs, people, names = network
    orla = person(names.index("Orla Venning"))
    found = networks(pairs, people, SETTINGS | {"exclude": ["Orla Venning", "No Body"]})
    assert found.excluded == [orla]
    for edges in (found.asked, found.compared[WITHOUT_HOSTS]):
        assert orla not in {*edges["source"].to_pylist(), *edges["target"].to_pylist()}
    assert "network.exclude: nobody is called 'No Body'" in caplog.text
    assert not networks(pairs, people, SETTINGS | {"always_on": None}).compared


def test_significance_changes_the_ranking(network) -> None:
    pairs, people, _ = network
    kept = networks(pairs, people, SETTINGS | {"significant": 0.05}).asked
    assert 0 < kept.num_rows < pairs.num_rows
    assert max(kept["q"].to_pylist()) <= 0.05
    by_chance = {(row["source"], row["target"]) for row in pairs.to_pylist() if row["q"] > 0.05}
    assert not by_chance & set(zip(kept["source"].to_pylist(), kept["target"].to_pylist(), strict=True))


def test_as_published_and_corrected_differ_by_what_is_told(network) -> None:
    pairs, people, _ = network
    settings = SETTINGS | {"mode": "as_published"}
    found = networks(pairs, people, settings)
    assert list(found.compared) == [CORRECTED, WITHOUT_HOSTS]
    told = differences(pairs, found, settings)
    # 31 pairs share a frame, 40 share one or stand in neighbouring frames.
    assert (found.asked.num_rows, found.compared[CORRECTED].num_rows) == (31, 32)
    assert [each.only for each in told] == [CORRECTED]
    assert all("never in one frame" in each.why and not each.same_frame for each in told)
    cut = networks(pairs, people, settings | {"top_edges": 5, "exclude": ["Orla Venning"]})
    reasons = {each.why for each in differences(pairs, cut, settings) if each.only == PUBLISHED}
    assert reasons == {"weaker than the strongest 5 edges", "somebody is left out"}
    strict = settings | {"significant": 0.001}
    found = networks(pairs, people, strict)
    assert "no more than chance" in {each.why for each in differences(pairs, found, strict)}
