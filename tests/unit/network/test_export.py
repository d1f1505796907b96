import csv
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import igraph
import networkx as nx
import pytest
from tests.formulas import FORMULAS, guarded

from castgraph.network.cooccurrence import as_published
from castgraph.network.export import write_as_published, write_csv, write_gexf, write_graphml
from castgraph.network.graph import build
from castgraph.network.layers import LAYERS, columns

# The archive's own address of a frame.
build = partial(build, link="https://tv.example/?id={}&frame={}".format)

NAMES = {0: "<b>\"Ada\" & 'Bo'</b>", 1: "Ольга, 王芳", 2: "=HYPERLINK(1)", 3: "Cy\x00\nDoe"}
GEXF = {"g": "http://www.gexf.net/1.2draft", "viz": "http://www.gexf.net/1.2draft/viz"}


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
    of_layers = list(first)[4 : list(first).index("n_broadcasts")]
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


def test_gexf_is_read_back(graph, tmp_path):
    write_gexf(graph, tmp_path / "graph.gexf")
    read = nx.read_gexf(tmp_path / "graph.gexf")
    assert set(read.edges) == set(graph.edges)
    for person, node in graph.nodes.items():
        other = read.nodes[person]
        assert {key: other[key] for key in ("label", "first_seen", "last_seen", "portrait", "pagerank")} == {
            key: node[key] for key in ("label", "first_seen", "last_seen", "portrait", "pagerank")
        }
        assert (other["viz"]["position"]["x"], other["viz"]["size"]) == (node["x"], node["size"])
        colour = other["viz"]["color"]
        assert f"#{colour['r']:02x}{colour['g']:02x}{colour['b']:02x}" == node["colour"]
    assert read.edges["P01", "P02"]["weight"] == 16.0
    assert read.edges["P01", "P02"]["evidence"] == graph.edges["P01", "P02"]["evidence"]


def test_gexf_is_built_as_gephi_expects_and_holds_no_date(graph, tmp_path):
    write_gexf(graph, tmp_path / "graph.gexf")
    root = ET.parse(tmp_path / "graph.gexf").getroot()
    assert root.attrib["version"] == "1.2"
    assert root.find("g:meta", GEXF).attrib == {}
    assert root.find("g:graph", GEXF).attrib["defaultedgetype"] == "undirected"
    classes = {attributes.attrib["class"] for attributes in root.iterfind("g:graph/g:attributes", GEXF)}
    assert classes == {"node", "edge"}
    known = {a.attrib["id"] for a in root.iter(f"{{{GEXF['g']}}}attribute")}
    assert {value.attrib["for"] for value in root.iter(f"{{{GEXF['g']}}}attvalue")} == known
    for node in root.iterfind("g:graph/g:nodes/g:node", GEXF):
        assert {child.tag.split("}")[1] for child in node} == {"color", "size", "position", "attvalues"}
        assert node.find("viz:size", GEXF) is not None


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
        made.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert made[0] == made[1]
    assert len(made[0]) == 4


def test_a_file_that_cannot_be_finished_leaves_nothing(graph, tmp_path):
    graph.nodes["P00"]["portrait"] = object()
    with pytest.raises(TypeError):
        write_gexf(graph, tmp_path / "graph.gexf")
    with pytest.raises(nx.NetworkXError):
        write_graphml(graph, tmp_path / "graph.graphml")
    assert list(tmp_path.iterdir()) == []
