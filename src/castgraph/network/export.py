"""The network as files for Gephi, spreadsheets and other programs."""

from __future__ import annotations

import os

import networkx as nx
import pyarrow as pa
from networkx.readwrite.gexf import GEXFWriter

from castgraph import __version__
from castgraph.base import csvs, files
from castgraph.base.text import line

_NODE_COLUMNS = (
    "n_faces", "n_frames", "n_broadcasts", "screen_seconds", "first_seen", "last_seen",
    "degree", "strength", "pagerank", "community", "x", "y", "size", "colour", "portrait",
)  # fmt: skip
_EDGE_COLUMNS = (
    "same_frame", "adjacent", "n_broadcasts", "first_seen", "last_seen", "broadcast", "frame", "evidence",
)  # fmt: skip


def write_csv(
    graph: nx.Graph, nodes_path: str | os.PathLike[str], edges_path: str | os.PathLike[str]
) -> None:
    """Write the network as two CSV files that Gephi imports as they are.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Parameters
    ----------
    graph
        What `castgraph.network.build` returns.
    nodes_path
        The file of the nodes: ``Id`` (the ID of the person), ``Label`` (the name) and what else is known.
    edges_path
        The file of the edges: ``Source``, ``Target``, ``Type`` (``Undirected``), ``Weight`` and what else is
        known, strongest first.
    """
    nodes = (
        [person, node["label"], *(node[key] for key in _NODE_COLUMNS)] for person, node in graph.nodes.items()
    )
    csvs.write(nodes_path, ("Id", "Label", *_NODE_COLUMNS), nodes)
    pairs = [(*sorted(pair), graph.edges[pair]) for pair in graph.edges]
    edges = (
        [source, target, "Undirected", edge["weight"], *(edge[key] for key in _EDGE_COLUMNS)]
        for source, target, edge in sorted(pairs, key=lambda pair: (-pair[2]["weight"], *pair[:2]))
    )
    csvs.write(edges_path, ("Source", "Target", "Type", "Weight", *_EDGE_COLUMNS), edges)


def write_as_published(
    edges: pa.Table,
    people: pa.Table,
    nodes_path: str | os.PathLike[str],
    edges_path: str | os.PathLike[str],
) -> None:
    """Write the two CSV files in the form of the published network.

    Parameters
    ----------
    edges
        What `castgraph.network.as_published` returns.
    people
        Of the schema `castgraph.base.tables.PEOPLE`; those without an edge are left out.
    nodes_path
        The file of the nodes: ``Id``, ``Label``.
    edges_path
        The file of the edges: ``Source``, ``Target``, ``Type``, ``Weight`` (a whole number).
    """
    rows = edges.select(["source", "target", "weight"]).to_pylist()
    linked = {row[end] for row in rows for end in ("source", "target")}
    names = sorted(zip(people["person_id"].to_pylist(), people["name"].to_pylist(), strict=True))
    csvs.write(
        nodes_path, ("Id", "Label"), ((person, line(name)) for person, name in names if person in linked)
    )
    csvs.write(
        edges_path,
        ("Source", "Target", "Type", "Weight"),
        ((row["source"], row["target"], "Undirected", int(row["weight"])) for row in rows),
    )


def write_gexf(graph: nx.Graph, path: str | os.PathLike[str]) -> None:
    """Write the network as GEXF 1.2 with place, size and colour of each person, for Gephi.

    Parameters
    ----------
    graph
        What `castgraph.network.build` returns.
    path
        The file to write. Equal input gives equal bytes: it holds no date.
    """
    shown = nx.Graph()
    for person, node in graph.nodes.items():
        red, green, blue = bytes.fromhex(node["colour"].removeprefix("#"))
        looks = {
            "color": {"r": red, "g": green, "b": blue},
            "size": node["size"],
            "position": {"x": node["x"], "y": node["y"], "z": 0.0},
        }
        facts = {key: value for key, value in node.items() if key not in ("x", "y", "size", "colour")}
        shown.add_node(person, **facts, viz=looks)
    shown.add_edges_from(graph.edges(data=True))
    writer = GEXFWriter(version="1.2draft")
    writer.add_graph(shown)
    meta = writer.xml.find("meta")
    meta.attrib.pop("lastmodifieddate")
    meta.find("creator").text = f"castgraph {__version__}"
    with files.atomic(path) as part, part.open("wb") as file:
        writer.write(file)


def write_graphml(graph: nx.Graph, path: str | os.PathLike[str]) -> None:
    """Write the network as GraphML with all its attributes, for igraph, Cytoscape and others.

    Parameters
    ----------
    graph
        What `castgraph.network.build` returns.
    path
        The file to write.
    """
    with files.atomic(path) as part, part.open("wb") as file:
        nx.write_graphml_xml(graph, file)


def read_graphml(path: str | os.PathLike[str]) -> nx.Graph:
    """Read a network that `write_graphml` wrote."""
    return nx.read_graphml(path, node_type=str)
