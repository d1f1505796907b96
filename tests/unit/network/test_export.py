import csv
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import igraph
import networkx as nx
import pytest
from tests.formulas import FORMULAS, guarded

from castgraph.network.cooccurrence import as_published
from castgraph.network.export import write_as_published, write_csv, write_graphml, write_people
from castgraph.network.gexf import write_gexf
from castgraph.network.graph import build
from castgraph.network.layers import LAYERS, columns

# The archive's own address of a frame.
build = partial(build, link="https://tv.example/?id={}&frame={}".format)

GRAPHML = "http://graphml.graphdrawing.org/xmlns"
NAMES = {0: "<b>\"Ada\" & 'Bo'</b>", 1: "Ольга, 王芳", 2: "=HYPERLINK(1)", 3: "Cy\x00\nDoe"}


@pytest.fixture
def graph(make_people, make_edges) -> nx.Graph:
    return build(make_edges([(0, 1, 3), (1, 2, 8), (0, 3, 1)]), make_people(NAMES))


@pytest.fixture
def empty(make_people, make_edges) -> nx.Graph:
    return build(make_edges([]), make_people({}))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_the_columns_that_gephi_reads(graph, tmp_path):
    write_csv(graph, tmp_path / "nodes.csv", tmp_path / "edges.csv")
    nodes, edges = rows(tmp_path / "nodes.csv"), rows(tmp_path / "edges.csv")
    assert list(nodes[0])[:2] == ["Id", "Label"]
    assert list(edges[0])[:4] == ["Source", "Target", "Type", "Weight"]
    assert [node["Id"] for node in nodes] == ["P00", "P01", "P02", "P03"]
    assert [(e["Source"], e["Target"], e["Type"], e["Weight"]) for e in edges] == [
        ("P01", "P02", "Undirected", "16.0"),
        ("P00", "P01", "Undirected", "6.0"),
        ("P00", "P03", "Undirected", "2.0"),
    ]
    assert edges[0]["evidence"] == "https://tv.example/?id=DEMO1_20240102_190000&frame=3"
    for node in nodes:
        known = graph.nodes[node["Id"]]
        assert float(node["pagerank"]) == known["pagerank"]
        assert node["portrait"] == known["portrait"]


def test_edges_have_the_names_of_both_ends(graph, tmp_path):
    write_csv(graph, tmp_path / "nodes.csv", tmp_path / "edges.csv")
    labels = {node["Id"]: node["Label"] for node in rows(tmp_path / "nodes.csv")}
    for edge in rows(tmp_path / "edges.csv"):
        assert edge["source_label"] == labels[edge["Source"]]
        assert edge["target_label"] == labels[edge["Target"]]


def test_people_without_an_edge_are_in_people_csv(make_people, make_edges, tmp_path):
    people = make_people({0: "Ada", 1: "Bo", 2: "=Cy()", 3: "Di"})
    graph = build(make_edges([(0, 1, 3)]), people)
    write_people(graph, people, tmp_path / "people.csv")
    found = rows(tmp_path / "people.csv")
    assert list(found[0])[:2] == ["Id", "Label"]
    assert [(row["Id"], row["Label"], row["degree"]) for row in found] == [
        ("P00", "Ada", "1"),
        ("P01", "Bo", "1"),
        ("P02", "'=Cy()", ""),
        ("P03", "Di", ""),
    ]
    node = graph.nodes["P00"]
    for column in (
        "n_faces",
        "screen_seconds",
        "first_seen",
        "last_seen",
        "portrait",
        "pagerank",
        "community",
    ):
        assert found[0][column] == str(node[column]), column


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (["same_frame"], ["same_frame", "expected", "ratio", "z", "p", "q"]),
        (["adjacent", "same_broadcast"], ["adjacent", "same_broadcast"]),
    ],
)
def test_only_the_layers_that_are_asked_for_are_exported(layers, told, make_people, make_edges, tmp_path):
    graph = build(make_edges([(0, 1, 3), (1, 2, 8)]), make_people(NAMES), layers=layers)
    write_csv(graph, tmp_path / "nodes.csv", tmp_path / "edges.csv", layers)
    [first, _] = rows(tmp_path / "edges.csv")
    of_layers = list(first)[list(first).index("target_label") + 1 : list(first).index("n_broadcasts")]
    assert of_layers == columns(layers)
    assert [name for name in of_layers if first[name]] == told  # what is not known is empty
    write_gexf(graph, tmp_path / "graph.gexf")
    write_graphml(graph, tmp_path / "graph.graphml")
    for read in (nx.read_gexf(tmp_path / "graph.gexf"), nx.read_graphml(tmp_path / "graph.graphml")):
        edge = read.edges["P01", "P02"]
        assert {name: edge[name] for name in told} == {name: graph.edges["P01", "P02"][name] for name in told}
        assert not edge.keys() & set(columns(LAYERS)) - set(told)


def test_csv_keeps_every_name_but_lets_none_be_a_formula(graph, tmp_path):
    write_csv(graph, tmp_path / "nodes.csv", tmp_path / "edges.csv")
    assert [node["Label"] for node in rows(tmp_path / "nodes.csv")] == [
        NAMES[0],
        NAMES[1],
        "'=HYPERLINK(1)",
        "Cy Doe",
    ]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_that_a_spreadsheet_would_run_is_quoted(name, make_people, make_edges, tmp_path):
    people, edges = make_people({0: name, 1: "Bo"}), make_edges([(0, 1, 1)])
    write_csv(build(edges, people), tmp_path / "nodes.csv", tmp_path / "edges.csv")
    write_as_published(edges, people, tmp_path / "n.csv", tmp_path / "e.csv")
    for path in (tmp_path / "nodes.csv", tmp_path / "n.csv"):
        assert rows(path)[0]["Label"] == "'" + name.strip()


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_address_of_a_frame_becomes_a_formula(formula, make_people, make_edges, tmp_path):
    graph = build(
        make_edges([(0, 1, 1)]), make_people({0: "Ada", 1: "Bo"}), link=lambda broadcast, frame: formula
    )
    write_csv(graph, tmp_path / "nodes.csv", tmp_path / "edges.csv")
    assert rows(tmp_path / "edges.csv")[0]["evidence"] == guarded(formula)


def test_a_place_left_of_the_middle_stays_a_number(graph, tmp_path):
    write_csv(graph, tmp_path / "nodes.csv", tmp_path / "edges.csv")
    assert min(float(node["x"]) for node in rows(tmp_path / "nodes.csv")) < 0


def test_as_published_has_the_published_columns_and_whole_weights(make_people, make_edges, tmp_path):
    edges = as_published(make_edges([(0, 1, 3), (1, 2, 8)]))
    write_as_published(
        edges, make_people({0: "Ada", 1: "Bo", 2: "Cy", 3: "Di"}), tmp_path / "n.csv", tmp_path / "e.csv"
    )
    assert (tmp_path / "n.csv").read_text() == "Id,Label\nP00,Ada\nP01,Bo\nP02,Cy\n"
    assert (tmp_path / "e.csv").read_text() == (
        "Source,Target,Type,Weight\nP01,P02,Undirected,16\nP00,P01,Undirected,6\n"
    )


def test_graphml_is_read_back_by_networkx_and_igraph(graph, tmp_path):
    path = tmp_path / "graph.graphml"
    write_graphml(graph, path)
    read = nx.read_graphml(path)
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {frozenset(edge): read.edges[edge] for edge in read.edges} == {
        frozenset(edge): graph.edges[edge] for edge in graph.edges
    }
    other = igraph.Graph.Read_GraphML(str(path))
    assert other.vs["label"] == [node["label"] for node in graph.nodes.values()]
    assert sorted(other.es["weight"]) == [2.0, 6.0, 16.0]


def test_graphml_has_typed_attributes_under_names_that_cytoscape_leaves_free(graph, tmp_path):
    write_graphml(graph, tmp_path / "graph.graphml")
    keys = [key.attrib for key in ET.parse(tmp_path / "graph.graphml").iter(f"{{{GRAPHML}}}key")]
    types = {(key["for"], key["attr.name"]): key["attr.type"] for key in keys}
    # What Cytoscape's reader knows (GraphMLToken), and columns that it makes itself.
    assert set(types.values()) <= {"int", "long", "float", "double", "boolean", "string"}
    assert {name.lower() for _, name in types}.isdisjoint(
        {"suid", "name", "shared name", "selected", "interaction", "shared interaction"}
    )
    for of, rows_of in (
        ("node", graph.nodes.values()),
        ("edge", (graph.edges[edge] for edge in graph.edges)),
    ):
        for row in rows_of:
            for name, value in row.items():
                assert types[of, name] == {int: "long", float: "double", str: "string"}[type(value)], name


def test_what_was_read_from_when_to_when_is_in_the_graphml(make_people, make_edges, tmp_path):
    period = datetime(2024, 1, 1, 8, tzinfo=UTC), datetime(2024, 3, 1, 9, tzinfo=UTC)
    write_graphml(build(make_edges([(0, 1, 3)]), make_people(NAMES), period=period), tmp_path / "a.graphml")
    known = {"first_seen": "2024-01-01T08:00:00Z", "last_seen": "2024-03-01T09:00:00Z"}
    assert known.items() <= nx.read_graphml(tmp_path / "a.graphml").graph.items()
    other = igraph.Graph.Read_GraphML(str(tmp_path / "a.graphml"))
    assert (other["first_seen"], other["last_seen"]) == tuple(known.values())


def test_nothing_makes_files_with_headers_only(empty, make_people, make_edges, tmp_path):
    write_csv(empty, tmp_path / "nodes.csv", tmp_path / "edges.csv")
    write_as_published(make_edges([]), make_people({0: "Ada"}), tmp_path / "n.csv", tmp_path / "e.csv")
    write_gexf(empty, tmp_path / "graph.gexf")
    write_graphml(empty, tmp_path / "graph.graphml")
    assert (tmp_path / "nodes.csv").read_text().startswith("Id,Label,n_faces,")
    assert (tmp_path / "nodes.csv").read_text().count("\n") == 1
    assert (tmp_path / "edges.csv").read_text().count("\n") == 1
    assert (tmp_path / "n.csv").read_text() == "Id,Label\n"
    assert (tmp_path / "e.csv").read_text() == "Source,Target,Type,Weight\n"
    assert len(nx.read_gexf(tmp_path / "graph.gexf")) == 0
    assert len(nx.read_graphml(tmp_path / "graph.graphml")) == 0


def test_equal_networks_make_equal_bytes(make_people, make_edges, tmp_path):
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        graph = build(make_edges([(0, 1, 3), (1, 2, 8), (0, 3, 1)]), make_people(NAMES))
        write_csv(graph, folder / "nodes.csv", folder / "edges.csv")
        write_gexf(graph, folder / "graph.gexf")
        write_graphml(graph, folder / "graph.graphml")
        write_people(graph, make_people(NAMES), folder / "people.csv")
        made.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert made[0] == made[1]
    assert len(made[0]) == 5


def test_a_file_that_cannot_be_finished_leaves_nothing(graph, tmp_path):
    graph.nodes["P00"]["portrait"] = object()
    with pytest.raises(TypeError):
        write_gexf(graph, tmp_path / "graph.gexf")
    with pytest.raises(nx.NetworkXError):
        write_graphml(graph, tmp_path / "graph.graphml")
    assert list(tmp_path.iterdir()) == []
