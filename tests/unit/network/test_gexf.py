"""The network as GEXF: it keeps the rules of the format, and the programs that read it read all of it."""

import json
import subprocess
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
import pytest
from tests.conftest import ROOT
from tests.gexf13 import GEXF, VIZ, validated
from tests.members import person
from tests.node import installed

from castgraph.network.gexf import write_dynamic_gexf, write_gexf
from castgraph.network.graph import build
from castgraph.network.weekly import WEIGHTS, centrality

build = partial(build, link="https://tv.example/?id={}&frame={}".format)

NAMES = {0: "<b>\"Ada\" & 'Bo'</b>", 1: "Ольга, 王芳", 2: "=HYPERLINK(1)", 3: "Cy\x00\nDoe"}
PERIOD = datetime(2024, 1, 1, 8, tzinfo=UTC), datetime(2024, 2, 4, 9, tzinfo=UTC)
MONDAY = date(2024, 1, 1)


@pytest.fixture
def graph(make_people, make_edges) -> nx.Graph:
    edges = make_edges([(0, 1, 3), (1, 2, 8), (0, 3, 1)])
    return build(edges, make_people(NAMES), period=PERIOD)


def weekly(*rows: tuple[int, int, int, float]) -> pa.Table:
    """Weights of pairs: the number of the week, the two people, and the weight."""
    columns = zip(
        *((MONDAY + timedelta(weeks=w), person(a), person(b), x) for w, a, b, x in rows), strict=True
    )
    return pa.table(list(columns), schema=WEIGHTS) if rows else WEIGHTS.empty_table()


# Two weeks in a row, a gap, and one more.
WEEKS = weekly(
    (0, 0, 1, 2.0), (0, 1, 2, 6.0), (1, 0, 1, 3.0), (1, 0, 3, 2.0), (4, 0, 1, 1.0), (4, 1, 2, 10.0)
)


def dynamic(graph: nx.Graph, path: Path, weights: pa.Table = WEEKS, period: Any = "week") -> Path:
    known = dict(graph.nodes(data="community"))
    write_dynamic_gexf(graph, weights, centrality(weights, known, period), path, period)
    return path


@pytest.fixture(scope="session")
def graphology() -> Path:
    """Where the GEXF reader of Gephi Lite is installed, as its lock file says."""
    return installed(ROOT / "tests" / "graphology")


def read_by_graphology(graphology: Path, path: Path) -> dict[str, Any]:
    script = graphology / "read.js"
    done = subprocess.run(["node", script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_whole_keeps_the_rules_of_gexf_and_holds_no_date_of_its_own(graph, tmp_path):
    write_gexf(graph, tmp_path / "graph.gexf")
    root = validated(tmp_path / "graph.gexf")
    assert root.attrib == {"defaultedgetype": "undirected", "idtype": "string", "mode": "static"}
    text = (tmp_path / "graph.gexf").read_text()
    assert "from 2024-01-01T08:00:00Z to 2024-02-04T09:00:00Z" in text
    assert "lastmodifieddate" not in text
    for node in root.iter(f"{GEXF}node"):
        # Gephi looks for the size in the first attribute only.
        assert list(node.find(f"{VIZ}size").attrib) == ["value"]


def test_networkx_reads_the_whole(graph, tmp_path):
    write_gexf(graph, tmp_path / "graph.gexf")
    read = nx.read_gexf(tmp_path / "graph.gexf")
    assert {frozenset(edge) for edge in read.edges} == {frozenset(edge) for edge in graph.edges}
    looks = {"x", "y", "size", "colour"}
    for name, node in graph.nodes.items():
        other = read.nodes[name]
        assert {key: other[key] for key in node.keys() - looks} == {
            key: node[key] for key in node.keys() - looks
        }
        viz = other["viz"]
        assert (viz["position"]["x"], viz["position"]["y"], viz["size"]) == (
            node["x"],
            node["y"],
            node["size"],
        )
        assert "#{r:02x}{g:02x}{b:02x}".format(**viz["color"]) == node["colour"]
    for edge in graph.edges:
        assert graph.edges[edge].items() <= read.edges[edge].items()


def test_graphology_reads_the_whole(graph, graphology, tmp_path):
    write_gexf(graph, tmp_path / "graph.gexf")
    read = read_by_graphology(graphology, tmp_path / "graph.gexf")
    assert (read["type"], read["multi"]) == ("undirected", False)
    nodes = {node["key"]: node["attributes"] for node in read["nodes"]}
    assert list(nodes) == list(graph)
    for name, node in graph.nodes.items():
        red, green, blue = bytes.fromhex(node["colour"][1:])
        expected = {**node, "color": f"rgb({red},{green},{blue})", "z": 0}
        del expected["colour"]
        assert nodes[name] == expected
    edges = {frozenset((edge["source"], edge["target"])): edge["attributes"] for edge in read["edges"]}
    assert edges == {frozenset(edge): graph.edges[edge] for edge in graph.edges}


def test_weeks_are_intervals_of_dates_from_monday_to_sunday(graph, tmp_path):
    root = validated(dynamic(graph, tmp_path / "dynamic.gexf"))
    assert root.attrib == {
        "defaultedgetype": "undirected",
        "idtype": "string",
        "mode": "dynamic",
        "timeformat": "date",
        "timerepresentation": "interval",
        "start": "2024-01-01",
        "end": "2024-02-04",
    }
    edges = {(edge.attrib["source"], edge.attrib["target"]): edge for edge in root.iter(f"{GEXF}edge")}
    edge = edges["P00", "P01"]
    assert [spell.attrib for spell in edge.iter(f"{GEXF}spell")] == [
        {"start": "2024-01-01", "end": "2024-01-14"},  # two weeks in a row are one spell
        {"start": "2024-01-29", "end": "2024-02-04"},
    ]
    assert [(value.attrib["value"], value.attrib["start"], value.attrib["end"]) for value in edge[0]] == [
        ("2.0", "2024-01-01", "2024-01-07"),
        ("3.0", "2024-01-08", "2024-01-14"),
        ("1.0", "2024-01-29", "2024-02-04"),
    ]
    [node] = [node for node in root.iter(f"{GEXF}node") if node.attrib["id"] == "P03"]
    assert [spell.attrib for spell in node.iter(f"{GEXF}spell")] == [
        {"start": "2024-01-08", "end": "2024-01-14"}
    ]
    assert {value.attrib["for"] for value in node.iter(f"{GEXF}attvalue")} == {
        "degree", "strength", "pagerank", "betweenness", "community",
    }  # fmt: skip


def test_days_are_timestamps_as_gephi_divides_by_the_length_of_an_interval(graph, tmp_path):
    days = WEEKS.slice(0, 2)
    root = validated(dynamic(graph, tmp_path / "dynamic.gexf", days, "day"))
    assert root.attrib["timerepresentation"] == "timestamp"
    for value in (*root.iter(f"{GEXF}spell"), *root.iter(f"{GEXF}attvalue")):
        assert value.attrib["timestamp"] == "2024-01-01"
        assert value.attrib.keys().isdisjoint({"start", "end"})


def test_places_sizes_and_colours_are_those_of_the_whole(graph, tmp_path):
    write_gexf(graph, tmp_path / "graph.gexf")
    whole = validated(tmp_path / "graph.gexf")
    over_time = validated(dynamic(graph, tmp_path / "dynamic.gexf"))
    looks = [
        [
            (node.attrib, [look.attrib for look in node if look.tag.startswith(VIZ)])
            for node in root.iter(f"{GEXF}node")
        ]
        for root in (whole, over_time)
    ]
    assert looks[0] == looks[1]


def test_networkx_and_graphology_read_the_network_over_time(graph, graphology, tmp_path):
    path = dynamic(graph, tmp_path / "dynamic.gexf")
    read = nx.read_gexf(path)
    assert read.edges["P00", "P01"]["weight"] == 6.0  # all together, for those who know no time
    assert read.edges["P00", "P01"]["spells"] == [("2024-01-01", "2024-01-14"), ("2024-01-29", "2024-02-04")]
    assert [value[1:] for value in read.nodes["P01"]["degree"]] == [
        ("2024-01-01", "2024-01-07"),
        ("2024-01-08", "2024-01-14"),
        ("2024-01-29", "2024-02-04"),
    ]
    assert [value[0] for value in read.nodes["P01"]["degree"]] == [2, 1, 2]
    other = read_by_graphology(graphology, path)
    assert (other["type"], other["multi"]) == ("undirected", False)
    assert {node["key"] for node in other["nodes"]} == set(graph)
    assert len(other["edges"]) == graph.number_of_edges()


@pytest.mark.parametrize("period", ["day", "week"])
def test_nothing_is_a_network_too(period, make_people, make_edges, graphology, tmp_path):
    empty = build(make_edges([]), make_people({}))
    write_gexf(empty, tmp_path / "graph.gexf")
    dynamic(empty, tmp_path / "dynamic.gexf", weekly(), period)
    for name in ("graph.gexf", "dynamic.gexf"):
        assert len(validated(tmp_path / name).find(f"{GEXF}nodes")) == 0
        assert len(nx.read_gexf(tmp_path / name)) == 0
        assert read_by_graphology(graphology, tmp_path / name)["nodes"] == []


def test_numbers_that_are_none_and_truths_are_written_as_xml_schema_has_them(graph, tmp_path):
    for number, edge in enumerate(graph.edges.values()):
        edge |= {"p": float("nan"), "ratio": float(number) if number else 1, "sure": bool(number)}
    write_gexf(graph, tmp_path / "graph.gexf")
    root = validated(tmp_path / "graph.gexf")
    types = {each.attrib["id"]: each.attrib["type"] for each in root.iter(f"{GEXF}attribute")}
    assert (types["p"], types["ratio"], types["sure"]) == ("double", "double", "boolean")
    read = nx.read_gexf(tmp_path / "graph.gexf")
    assert [edge["sure"] for edge in read.edges.values()] == [False, True, True]


def test_equal_networks_make_equal_bytes(graph, tmp_path):
    made = [dynamic(graph, tmp_path / f"{n}.gexf").read_bytes() for n in range(2)]
    assert made[0] == made[1]
