"""The network as files for Gephi, spreadsheets and other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pyarrow as pa

from castgraph.base import csvs, files
from castgraph.base.text import line
from castgraph.network.layers import LAYERS, columns

_NODE_COLUMNS = (
    "n_faces", "n_frames", "n_broadcasts", "screen_seconds", "first_seen", "last_seen",
    "degree", "strength", "pagerank", "community", "x", "y", "size", "colour", "portrait",
)  # fmt: skip
_PEOPLE_COLUMNS = (
    "rank", "name_from", "n_faces", "n_frames", "n_broadcasts", "screen_seconds", "airtime_share",
    "first_seen", "last_seen", "n_outliers", "spread", "portrait",
)  # fmt: skip
_STANDING = ("degree", "strength", "pagerank", "community")
_EDGE_COLUMNS = ("n_broadcasts", "first_seen", "last_seen", "broadcast", "frame", "evidence")


def write_csv(
    graph: nx.Graph,
    nodes_path: str | os.PathLike[str],
    edges_path: str | os.PathLike[str],
    layers: Collection[str] = LAYERS,
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
        The file of the edges: ``Source``, ``Target``, ``Type`` (``Undirected``), ``Weight``, both
        names and what else is known, strongest first.
    layers
        Of which layers the edges tell, as `castgraph.network.build` was asked.
    """
    nodes = (
        [person, node["label"], *(node[key] for key in _NODE_COLUMNS)] for person, node in graph.nodes.items()
    )
    csvs.write(nodes_path, ("Id", "Label", *_NODE_COLUMNS), nodes)
    pairs = [(*sorted(pair), graph.edges[pair]) for pair in graph.edges]
    told = (*columns(layers), *_EDGE_COLUMNS)
    edges = (
        [source, target, "Undirected", edge["weight"]]
        + [graph.nodes[person]["label"] for person in (source, target)]
        + [edge.get(key, "") for key in told]
        for source, target, edge in sorted(pairs, key=lambda pair: (-pair[2]["weight"], *pair[:2]))
    )
    labels = ("source_label", "target_label")
    csvs.write(edges_path, ("Source", "Target", "Type", "Weight", *labels, *told), edges)


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


def write_people(graph: nx.Graph, people: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write everybody as a CSV file, also those who have no edge.

    Parameters
    ----------
    graph
        What `castgraph.network.graph.build` returns.
    people
        Of the schema `castgraph.base.tables.PEOPLE`, in its order.
    path
        The file: ``Id``, ``Label``, what the table of people knows, and of those in the network `_STANDING`,
        which are empty for the others.
    """
    rows = (
        [row["person_id"], line(row["name"])]
        + [csvs.plain(row[name]) for name in _PEOPLE_COLUMNS]
        + [graph.nodes[row["person_id"]][name] if row["person_id"] in graph else None for name in _STANDING]
        for row in people.select(["person_id", "name", *_PEOPLE_COLUMNS]).to_pylist()
    )
    csvs.write(path, ("Id", "Label", *_PEOPLE_COLUMNS, *_STANDING), rows)


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


_KINDS: Mapping[str, Callable[[str], Any]] = {"string": str, "float": float, "double": float}


def read_nodes(path: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """Read the nodes of a network that `write_graphml` wrote, and none of its edges, which are many more.

    Returns
    -------
    dict
        ID → the attributes of the node.
    """
    keys: dict[str, tuple[str, Callable[[str], Any]]] = {}
    nodes: dict[str, dict[str, Any]] = {}
    for event, element in ElementTree.iterparse(path, ("start", "end")):  # noqa: S314 (a file of our own)
        tag = element.tag.rpartition("}")[2]
        if event == "start":
            if tag == "edge":
                break
        elif tag == "key":
            keys[element.attrib["id"]] = (
                element.attrib["attr.name"],
                _KINDS.get(element.attrib["attr.type"], int),
            )
        elif tag == "node":
            told = ((*keys[each.attrib["key"]], each.text or "") for each in element)
            nodes[element.attrib["id"]] = {name: kind(text) for name, kind, text in told}
            element.clear()
    return nodes
