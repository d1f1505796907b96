"""The rules of GEXF 1.3, as its XML Schema and its primer have them (https://gexf.net/1.3), for tests.

Places, sizes and colours have the namespace that the primer gives them and all readers take; the schema has
none for them.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

GEXF = "{http://gexf.net/1.3}"
VIZ = "{http://gexf.net/1.3/viz}"

ANY = ".*"
TOKEN = r"(?!\s)[^\n\r\t]*(?<!\s)|"
DOUBLE = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|-?INF"
TIME = rf"\d{{4}}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?|{DOUBLE}"
COUNT = r"\d+"
CHANNEL = r"\d|\d\d|1\d\d|2[0-4]\d|25[0-5]"
TYPE = "(list)?(integer|long|double|float|boolean|bigdecimal|biginteger|byte|char|short|string)|anyURI"
WHEN = {"start": TIME, "end": TIME, "timestamp": TIME}
MODE = "static|dynamic"

# Element → its attributes (those with a ! are required) and, by a pattern over their names, what lies in it.
RULES: Mapping[str, tuple[Mapping[str, str], str]] = {
    f"{GEXF}gexf": ({"version!": r"1\.3", "variant": ANY}, "(meta )?graph "),
    f"{GEXF}meta": ({"lastmodifieddate": r"\d{4}-\d\d-\d\d"}, "((creator|keywords|description) )*"),
    f"{GEXF}creator": ({}, ""),
    f"{GEXF}keywords": ({}, ""),
    f"{GEXF}description": ({}, ""),
    f"{GEXF}graph": (
        {
            **WHEN,
            "timeformat": "integer|double|date|dateTime",
            "mode": "static|dynamic|slice",
            "timerepresentation": "interval|timestamp",
            "timezone": TOKEN,
            "defaultedgetype": "directed|undirected|mutual",
            "idtype": "integer|string",
        },
        "(attributes )*nodes edges ",
    ),
    f"{GEXF}attributes": ({"class!": "node|edge", "mode": MODE}, "(attribute )*"),
    f"{GEXF}attribute": ({"id!": ANY, "title!": ANY, "type!": TYPE}, "((default|options) )*"),
    f"{GEXF}default": ({}, ""),
    f"{GEXF}options": ({}, ""),
    f"{GEXF}nodes": ({"count": COUNT}, "(node )*"),
    f"{GEXF}edges": ({"count": COUNT}, "(edge )*"),
    f"{GEXF}node": (
        {**WHEN, "intervals": TOKEN, "timestamps": TOKEN, "id!": ANY, "label": TOKEN, "pid": ANY},
        "((spells|attvalues|color|position|size|shape|nodes|edges|parents) )*",
    ),
    f"{GEXF}edge": (
        {
            **WHEN,
            "intervals": TOKEN,
            "timestamps": TOKEN,
            "id": ANY,
            "type": "directed|undirected|mutual",
            "label": TOKEN,
            "source!": ANY,
            "target!": ANY,
            "weight": DOUBLE,
            "kind": TOKEN,
        },
        "((spells|attvalues|color|thickness|shape) )*",
    ),
    f"{GEXF}attvalues": ({}, "(attvalue )*"),
    f"{GEXF}attvalue": ({**WHEN, "for!": ANY, "value!": ANY}, ""),
    f"{GEXF}spells": ({}, "(spell )+"),
    f"{GEXF}spell": (WHEN, ""),
    f"{VIZ}color": ({"r": CHANNEL, "g": CHANNEL, "b": CHANNEL, "hex": TOKEN, "a": DOUBLE}, ""),
    f"{VIZ}position": ({"x!": DOUBLE, "y!": DOUBLE, "z": DOUBLE}, ""),
    f"{VIZ}size": ({"value!": r"\d+(\.\d+)?"}, ""),
}

VALUES = {"long": r"-?\d+", "double": DOUBLE, "boolean": "true|false", "string": ANY}
"""What may be said of the types that are used."""


def validated(path: Path) -> ET.Element:
    """Check a file by these rules; give its graph."""
    root = ET.parse(path).getroot()
    assert root.tag == f"{GEXF}gexf"
    for element in root.iter():
        assert element.tag in RULES, element.tag
        attributes, children = RULES[element.tag]
        patterns = {name.rstrip("!"): pattern for name, pattern in attributes.items()}
        for name, value in element.attrib.items():
            assert name in patterns, f"{element.tag} has no attribute {name}"
            assert re.fullmatch(patterns[name], value, re.DOTALL), f"{element.tag} {name}={value!r}"
        for name in attributes:
            assert name[-1] != "!" or name[:-1] in element.attrib, f"{element.tag} lacks {name}"
        found = "".join(f"{child.tag.split('}')[1]} " for child in element)
        assert re.fullmatch(children, found), f"{element.tag} holds {found}"
    graph = root.find(f"{GEXF}graph")
    assert graph is not None
    _refers_rightly(graph)
    _times_hold(graph)
    return graph


def _refers_rightly(graph: ET.Element) -> None:
    """Check what the primer says in words: IDs are unique, ends are nodes, values are of their type."""
    nodes = [node.attrib["id"] for node in graph.iter(f"{GEXF}node")]
    edges = [edge.attrib["id"] for edge in graph.iter(f"{GEXF}edge")]
    assert len(set(nodes)) == len(nodes)
    assert len(set(edges)) == len(edges)
    pairs = [frozenset((edge.attrib["source"], edge.attrib["target"])) for edge in graph.iter(f"{GEXF}edge")]
    assert len(set(pairs)) == len(pairs)
    assert set().union(*pairs) <= set(nodes)
    for of, items in (("node", graph.iter(f"{GEXF}node")), ("edge", graph.iter(f"{GEXF}edge"))):
        declared = [each for each in graph.iterfind(f"{GEXF}attributes") if each.attrib["class"] == of]
        # The reader of Gephi Lite knows only the last list of attributes of a class.
        assert len(declared) == 1
        types = {each.attrib["id"]: each.attrib["type"] for each in declared[0]}
        for item in items:
            for value in item.iter(f"{GEXF}attvalue"):
                name, text = value.attrib["for"], value.attrib["value"]
                assert re.fullmatch(VALUES[types[name]], text, re.DOTALL), f"{name}={text!r}"


def _times_hold(graph: ET.Element) -> None:
    """Check that intervals of one thing do not overlap, and that an edge has both its ends all the time."""
    there: dict[str, list[tuple[str, str]]] = {}
    for item in (*graph.iter(f"{GEXF}node"), *graph.iter(f"{GEXF}edge")):
        spells = [_bounds(spell) for spell in item.iter(f"{GEXF}spell")]
        _apart(spells)
        by_name: dict[str, list[tuple[str, str]]] = {}
        for value in item.iter(f"{GEXF}attvalue"):
            if graph.attrib["mode"] == "dynamic":
                by_name.setdefault(value.attrib["for"], []).append(_bounds(value))
        for bounds in by_name.values():
            _apart(bounds)
            # A value outside of all spells counts for nothing.
            assert all(any(low <= start and end <= high for low, high in spells) for start, end in bounds)
        if item.tag == f"{GEXF}node":
            there[item.attrib["id"]] = spells
        else:
            for end_of in (item.attrib["source"], item.attrib["target"]):
                assert all(
                    any(low <= start and end <= high for low, high in there[end_of]) for start, end in spells
                )


def _bounds(element: ET.Element) -> tuple[str, str]:
    if "timestamp" in element.attrib:
        return element.attrib["timestamp"], element.attrib["timestamp"]
    return element.attrib["start"], element.attrib["end"]


def _apart(bounds: list[tuple[str, str]]) -> None:
    assert all(start <= end for start, end in bounds)
    assert all(end < start for (_, end), (start, _) in zip(sorted(bounds), sorted(bounds)[1:], strict=False))
