"""The network as GEXF 1.3, for Gephi, Gephi Lite and what else reads it: as a whole, and over time."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import networkx as nx
import pyarrow as pa

from castgraph import __version__
from castgraph.base import files
from castgraph.network.weekly import Period, last_day

_NAMESPACE = "http://gexf.net/1.3"
_TYPES = {bool: "boolean", int: "long", float: "double", str: "string"}
_OWN_PLACE = frozenset({"label", "x", "y", "size", "colour", "weight"})  # which are no attvalues
_BY_PERIOD = {"degree": "long", "community": "long"} | dict.fromkeys(
    ("strength", "pagerank", "betweenness"), "double"
)

When = Mapping[str, str]
"""The attributes that say when something holds; empty for always."""


class _Data(NamedTuple):
    """What is said of a node or an edge: its attributes (name, value, when), and when it is there."""

    values: Iterable[tuple[str, Any, When]] = ()
    spells: Iterable[When] = ()


def write_gexf(graph: nx.Graph, path: str | os.PathLike[str]) -> None:
    """Write the network as a whole, with place, size and colour of each person.

    Parameters
    ----------
    graph
        What `castgraph.network.graph.build` returns.
    path
        The file to write. Equal input gives equal bytes: it does not tell when it was made.

    Raises
    ------
    TypeError
        When an attribute is no text, number or truth.
    """
    of_node = _types(data for _, data in graph.nodes(data=True))
    of_edge = _types(data for _, _, data in graph.edges(data=True))

    def facts(data: Mapping[str, Any], types: Mapping[str, str]) -> _Data:
        return _Data([(name, data[name], {}) for name in types if name in data])

    _write(
        path,
        graph,
        {"mode": "static"},
        {"node": of_node, "edge": of_edge},
        lambda person: facts(graph.nodes[person], of_node),
        lambda *pair: facts(graph.edges[pair], of_edge),
    )


def write_dynamic_gexf(
    graph: nx.Graph, weights: pa.Table, centrality: pa.Table, path: str | os.PathLike[str], period: Period
) -> None:
    """Write the network over time: who is in it when, and how much each edge weighs by day or week.

    Gephi opens its timeline for such a file. People have the places, sizes and colours of the whole network.

    Parameters
    ----------
    graph
        What `castgraph.network.graph.build` returns.
    weights
        What `castgraph.network.weekly.weights` returns for the edges of the graph.
    centrality
        What `castgraph.network.weekly.centrality` returns for these weights.
    path
        The file to write.
    period
        As of the weights. A week is an interval, from Monday to Sunday; a day is a timestamp, as Gephi gives
        an interval that ends when it begins no weight.

    Notes
    -----
    Gephi refuses intervals that overlap, so weeks end with a Sunday and not with the next Monday. For nodes
    as for edges there is one list of attributes, all of them dynamic: the reader of Gephi Lite knows only the
    last.
    """

    def when(start: date, last: date) -> When:
        if period == "day":
            return {"timestamp": start.isoformat()}
        return {"start": start.isoformat(), "end": last_day(last, period).isoformat()}

    def spells(starts: Iterable[date]) -> list[When]:
        return [when(first, last) for first, last in _stretches(sorted(starts), period)]

    of_edge: dict[tuple[str, str], list[tuple[date, float]]] = defaultdict(list)
    of_node: dict[str, set[date]] = defaultdict(set)
    for row in weights.to_pylist():
        pair = row["source"], row["target"]
        of_edge[pair].append((row["start"], row["weight"]))
        for person in pair:
            of_node[person].add(row["start"])
    standing: dict[str, list[tuple[str, Any, When]]] = defaultdict(list)
    for row in centrality.to_pylist():
        then = when(row["start"], row["start"])
        standing[row["person_id"]] += [(name, row[name], then) for name in _BY_PERIOD]
    days = {day for starts in of_node.values() for day in starts}
    bounds = {"start": min(days).isoformat(), "end": last_day(max(days), period).isoformat()} if days else {}
    _write(
        path,
        graph,
        {
            "mode": "dynamic",
            "timeformat": "date",
            "timerepresentation": "interval" if period == "week" else "timestamp",
            **bounds,
        },
        {"node": _BY_PERIOD, "edge": {"weight": "double"}},
        lambda person: _Data(standing[person], spells(of_node[person])),
        lambda *pair: _Data(
            [("weight", weight, when(start, start)) for start, weight in of_edge[pair]],
            spells(start for start, _ in of_edge[pair]),
        ),
    )


def _stretches(starts: Iterable[date], period: Period) -> Iterator[tuple[date, date]]:
    """Join weeks that follow each other; days stay apart."""
    first = last = None
    for start in starts:
        if first is None or last is None:
            first = start
        elif period == "day" or start - last > timedelta(weeks=1):
            yield first, last
            first = start
        last = start
    if first is not None and last is not None:
        yield first, last


def _types(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tell the type of each attribute; of numbers that are whole in some rows only, that of the others."""
    found: dict[str, set[type]] = defaultdict(set)
    for row in rows:
        for name in row.keys() - _OWN_PLACE:
            found[name].add(type(row[name]))
    for name, kinds in found.items():
        if others := kinds - _TYPES.keys():
            raise TypeError(f"attribute {name}: {others.pop().__name__} is no type that GEXF has")
    return {
        name: _TYPES[kinds.pop()] if len(kinds) == 1 else "double" if kinds == {int, float} else "string"
        for name, kinds in sorted(found.items())
    }


def _write(
    path: str | os.PathLike[str],
    graph: nx.Graph,
    about: Mapping[str, str],
    types: Mapping[str, Mapping[str, str]],
    node: Callable[[str], _Data],
    edge: Callable[[str, str], _Data],
) -> None:
    bounds = [graph.graph[end] for end in ("first_seen", "last_seen") if end in graph.graph]
    about_it = "Who is seen beside whom" + (f", from {bounds[0]} to {bounds[1]}" if bounds else "")
    with files.atomic(Path(path)) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        put = file.write
        put('<?xml version="1.0" encoding="UTF-8"?>\n')
        put(f'<gexf xmlns="{_NAMESPACE}" xmlns:viz="{_NAMESPACE}/viz" version="1.3">\n<meta>\n')
        put(f"<creator>castgraph {escape(__version__)}</creator>\n")
        put(f"<description>{escape(about_it)}</description>\n")
        put(f"</meta>\n<graph{_given({'defaultedgetype': 'undirected', 'idtype': 'string', **about})}>\n")
        for of, names in types.items():
            put(f"<attributes{_given({'class': of, 'mode': about['mode']})}>\n")
            for name, kind in names.items():
                put(f"<attribute{_given({'id': name, 'title': name, 'type': kind})}/>\n")
            put("</attributes>\n")
        put(f'<nodes count="{len(graph)}">\n')
        for person, data in graph.nodes(data=True):
            put(f"<node{_given({'id': person, 'label': data['label']})}>\n{_said(node(person))}")
            put(f"<viz:size{_given({'value': data['size']})}/>\n")
            put(f"<viz:position{_given({'x': data['x'], 'y': data['y'], 'z': 0.0})}/>\n")
            red, green, blue = bytes.fromhex(data["colour"].removeprefix("#"))
            put(f"<viz:color{_given({'r': red, 'g': green, 'b': blue})}/>\n</node>\n")
        put(f'</nodes>\n<edges count="{graph.number_of_edges()}">\n')
        for number, (source, target) in enumerate(tuple(sorted(pair)) for pair in graph.edges):
            weight = graph.edges[source, target]["weight"]
            ends = {"id": number, "source": source, "target": target, "weight": weight}
            put(f"<edge{_given(ends)}>\n{_said(edge(source, target))}</edge>\n")
        put("</edges>\n</graph>\n</gexf>\n")


def _said(data: _Data) -> str:
    values = "".join(
        f"<attvalue{_given({'for': name, 'value': value, **when})}/>\n" for name, value, when in data.values
    )
    spells = "".join(f"<spell{_given(when)}/>\n" for when in data.spells)
    return (f"<attvalues>\n{values}</attvalues>\n" if values else "") + (
        f"<spells>\n{spells}</spells>\n" if spells else ""
    )


def _given(attributes: Mapping[str, object]) -> str:
    """Write the attributes of an element."""
    return "".join(f" {name}={quoteattr(_text(value))}" for name, value in attributes.items())


def _text(value: object) -> str:
    """Write a value as XML Schema has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    return str(value)
