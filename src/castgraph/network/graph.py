"""The network of people: its nodes and edges, its communities, and where everybody stands."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import networkx as nx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import colours, times
from castgraph.base.text import line
from castgraph.network.layers import LAYERS, columns
from castgraph.network.places import arranged

if TYPE_CHECKING:
    import igraph

CommunityMethod = Literal["leiden", "louvain"]
LayoutMethod = Literal["forceatlas2", "fruchterman_reingold"]
Points = NDArray[np.float64]
Choice = TypeVar("Choice")

EXTENT = 1000.0
"""Positions lie between -EXTENT and EXTENT on either axis."""

_DAMPING = 0.85
_LARGE = 1500  # people in a component above which a layout must not take memory quadratic in them
_GAP = 0.35  # between two components, in units of the room that one person gets


def build(
    edges: pa.Table,
    people: pa.Table,
    *,
    link: Callable[[str, int], str],
    layers: Collection[str] = LAYERS,
    community_method: CommunityMethod = "leiden",
    layout_method: LayoutMethod = "forceatlas2",
    seed: int = 0,
    period: tuple[datetime, datetime] | None = None,
    drawn: int = 80,
) -> nx.Graph:
    """Build the network.

    Parameters
    ----------
    edges
        Of the schema `castgraph.base.tables.EDGES`.
    people
        Of the schema `castgraph.base.tables.PEOPLE`.
    link
        Gives the address of a frame of a broadcast; see `castgraph.archive.frame_links`.
    layers
        Of which layers the edges tell.
    community_method, layout_method
        See `communities` and `layout`.
    seed
        Of the random numbers of communities and layout.
    period
        From when to when what was read was on air; see `castgraph.faces.times.on_air`.
    drawn
        How many people the picture will show: they get places with room for portraits and names.

    Returns
    -------
    networkx.Graph
        It has the period as ``first_seen`` and ``last_seen``. Its nodes are the IDs of those people that have
        an edge, in their order, with the attributes ``label`` (the name), ``n_faces``, ``n_frames``,
        ``n_broadcasts``, ``screen_seconds``, ``first_seen``, ``last_seen`` (ISO 8601, UTC), ``portrait``
        (file name), ``degree``, ``strength`` (sum of the weights), ``pagerank``, ``community``, ``x``, ``y``,
        ``size`` (see `castgraph.network.places`) and ``colour``. Its edges have ``weight``, the columns of
        their layers (`castgraph.network.layers.columns`) as far as they are known, ``n_broadcasts``,
        ``first_seen``, ``last_seen``, ``broadcast``, ``frame`` and ``evidence`` (the address of that frame;
        empty where there is none).

    Raises
    ------
    ValueError
        When an edge leads to somebody who is not in `people`.
    """
    ends = zip(("first_seen", "last_seen"), map(_moment, period or ()), strict=False)
    graph = nx.Graph(None, **dict(ends))
    known = {row["person_id"]: row for row in people.to_pylist()}
    rows = edges.to_pylist()
    for person in sorted({row[end] for row in rows for end in ("source", "target")}):
        if person not in known:
            raise ValueError(
                f"edges: person {person} is not among the {len(known)} people of the people table"
            )
        graph.add_node(person, **_node(known[person]))
    for row in rows:
        graph.add_edge(row["source"], row["target"], **_edge(row, columns(layers), link))

    ranks = pagerank(graph)
    numbers = communities(graph, community_method, seed)
    points = layout(graph, layout_method, seed)
    places, largest = arranged(
        np.array([points[person] for person in graph]).reshape(-1, 2),
        np.array([ranks[person] for person in graph]),
        [label for _, label in graph.nodes(data="label")],
        drawn,
    )
    highest = max(ranks.values(), default=1.0)
    for (person, node), (x, y) in zip(graph.nodes.items(), places.round(3).tolist(), strict=True):
        node.update(
            degree=graph.degree(person),
            strength=float(sum(edge["weight"] for edge in graph[person].values())),
            pagerank=ranks[person],
            community=numbers[person],
            x=x,
            y=y,
            size=round(largest * math.sqrt(ranks[person] / highest), 3),
            colour=colour(numbers[person]),
        )
    return graph


def colour(community: int) -> str:
    """Tell the colour of a community, as ``#rrggbb``."""
    palette = colours.COMMUNITIES
    return palette[community] if community < len(palette) else colours.OTHER_COMMUNITY


def pagerank(graph: nx.Graph) -> dict[str, float]:
    """Compute the PageRank of everybody from the weights of the edges, with a damping of 0.85.

    Parameters
    ----------
    graph
        Its edges have a ``weight``.

    Returns
    -------
    dict
        The PageRank of each node; they add up to 1.

    References
    ----------
    S. Brin, L. Page: The anatomy of a large-scale hypertextual Web search engine. Computer Networks 30
    (1998).

    Examples
    --------
    >>> ranks = pagerank(nx.Graph([(1, 2, {"weight": 3.0}), (2, 3, {"weight": 1.0})]))
    >>> {person: round(rank, 2) for person, rank in ranks.items()}
    {1: 0.36, 2: 0.49, 3: 0.15}
    """
    if not graph:
        return {}
    other = _to_igraph(graph)
    return dict(zip(graph, other.pagerank(weights="weight", damping=_DAMPING), strict=True))


def betweenness(graph: nx.Graph) -> dict[str, float]:
    """Tell on what share of the shortest ways between two others each person lies.

    A way is the shorter, the heavier its edges are: an edge is as long as 1 / weight.

    Parameters
    ----------
    graph
        Its edges have a ``weight`` above 0.

    Returns
    -------
    dict
        From 0 to 1 for each node: the mean over all pairs of others, of which those that no way joins give 0.

    References
    ----------
    L. C. Freeman: A set of measures of centrality based on betweenness. Sociometry 40 (1977). The length of
    an edge: M. E. J. Newman: Scientific collaboration networks. II. Physical Review E 64 (2001).

    Examples
    --------
    >>> betweenness(nx.Graph([(1, 2, {"weight": 3.0}), (2, 3, {"weight": 3.0}), (1, 3, {"weight": 1.0})]))
    {1: 0.0, 2: 1.0, 3: 0.0}
    """
    other = _to_igraph(graph)
    lengths = [1 / weight for weight in other.es["weight"]]
    pairs = max(1, (len(graph) - 1) * (len(graph) - 2) // 2)
    counts = other.betweenness(directed=False, weights=lengths) if lengths else [0.0] * len(graph)
    return {person: count / pairs for person, count in zip(graph, counts, strict=True)}


def communities(graph: nx.Graph, method: CommunityMethod = "leiden", seed: int = 0) -> dict[str, int]:
    """Group people who are often seen together, by the modularity of the weights.

    Parameters
    ----------
    graph
        Its edges have a ``weight``.
    method
        ``"leiden"`` or ``"louvain"``.
    seed
        Of the random numbers.

    Returns
    -------
    dict
        The number of each node's community. 0 is the largest; of two as large, the one with the smallest
        ID comes first.

    References
    ----------
    V. A. Traag, L. Waltman, N. J. van Eck: From Louvain to Leiden: guaranteeing well-connected communities.
    Scientific Reports 9 (2019). V. D. Blondel et al.: Fast unfolding of communities in large networks. J.
    Stat. Mech. (2008).

    Examples
    --------
    >>> pairs = [(1, 2, 9.0), (2, 3, 9.0), (1, 3, 9.0), (3, 4, 1.0), (4, 5, 9.0)]
    >>> graph = nx.Graph()
    >>> graph.add_weighted_edges_from(pairs)
    >>> communities(graph)
    {1: 0, 2: 0, 3: 0, 4: 1, 5: 1}
    """
    find = _named("method", method, _COMMUNITIES)
    if not graph:
        return {}
    people = list(graph)
    with _random_numbers(seed):
        clusters = find(_to_igraph(graph))
    groups = sorted(
        (sorted(people[i] for i in cluster) for cluster in clusters), key=lambda g: (-len(g), g[0])
    )
    number = {person: i for i, group in enumerate(groups) for person in group}
    return {person: number[person] for person in people}


def layout(
    graph: nx.Graph, method: LayoutMethod = "forceatlas2", seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Place everybody in the plane, so that those who are often seen together stand close together.

    Each connected component is laid out on its own and gets an area in proportion to its people. The areas
    are packed into about a square, the largest at its upper left, so that none drifts away.

    Parameters
    ----------
    graph
        Its edges have a ``weight``; it acts by its logarithm, as weights span orders of magnitude.
    method
        ``"forceatlas2"`` (as in Gephi) or ``"fruchterman_reingold"``. A component of more than 1,500 people
        is laid out by the latter whatever the method, as the former takes memory quadratic in the people.
    seed
        Of the places from which the layout starts.

    Returns
    -------
    dict
        x and y of each node, from -1000 to 1000.

    References
    ----------
    M. Jacomy et al.: ForceAtlas2. PLoS ONE 9(6) (2014). T. Fruchterman, E. Reingold: Graph drawing by
    force-directed placement. Software: Practice and Experience 21 (1991).

    Examples
    --------
    >>> graph = nx.Graph()
    >>> graph.add_weighted_edges_from([(1, 2, 9.0), (2, 3, 9.0), (1, 3, 9.0), (3, 4, 1.0), (4, 5, 9.0)])
    >>> places = layout(graph)
    >>> math.dist(places[1], places[2]) < math.dist(places[1], places[4])
    True
    >>> places == layout(graph)
    True
    """
    place = _named("method", method, _LAYOUTS)
    components = sorted((sorted(c) for c in nx.connected_components(graph)), key=lambda c: (-len(c), c[0]))
    radii = [math.sqrt(len(component)) for component in components]
    middles = _packed([2 * (radius + _GAP) for radius in radii])
    shapes: dict[
        tuple[tuple[int, int, float], ...], Points
    ] = {}  # most are one of a few: pairs of few weights
    places: dict[str, Points] = {}
    for component, radius, middle in zip(components, radii, middles, strict=True):
        index = {person: i for i, person in enumerate(component)}
        ends = ((*sorted((index[u], index[v])), w) for u, v, w in graph.edges(component, data="weight"))
        shape = tuple(sorted((u, v, math.log1p(w)) for u, v, w in ends))
        if shape not in shapes:
            part = nx.Graph()
            part.add_nodes_from(range(len(component)))  # in the order of the IDs
            part.add_weighted_edges_from(shape)
            shapes[shape] = _unit_disc(place(part, seed))
        places.update(zip(component, shapes[shape] * radius + middle, strict=True))
    if not places:
        return {}
    coordinates = np.array([places[person] for person in graph])
    coordinates -= (coordinates.min(axis=0) + coordinates.max(axis=0)) / 2
    coordinates *= EXTENT / max(np.abs(coordinates).max(), 1.0)
    return {
        person: (float(x), float(y)) for person, (x, y) in zip(graph, coordinates.round(3) + 0.0, strict=True)
    }


def _node(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": line(row["name"]),
        "n_faces": row["n_faces"],
        "n_frames": row["n_frames"],
        "n_broadcasts": row["n_broadcasts"],
        "screen_seconds": row["screen_seconds"],
        "first_seen": _moment(row["first_seen"]),
        "last_seen": _moment(row["last_seen"]),
        "portrait": row["portrait"] or "",
    }


def _edge(
    row: Mapping[str, Any], of_layers: Sequence[str], link: Callable[[str, int], str]
) -> dict[str, Any]:
    return {
        "weight": row["weight"],
        **{name: row[name] for name in of_layers if row[name] is not None},
        "n_broadcasts": row["n_broadcasts"],
        "first_seen": _moment(row["first_seen"]),
        "last_seen": _moment(row["last_seen"]),
        "broadcast": row["broadcast"],
        "frame": row["frame"],
        "evidence": link(row["broadcast"], row["frame"]),
    }


def _moment(time: datetime | None) -> str:
    return times.utc(time) if time else ""


def _named(what: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    if name not in choices:
        raise ValueError(f"{what}: {name!r} is not known; it must be one of {', '.join(choices)}")
    return choices[name]


def _to_igraph(graph: nx.Graph) -> igraph.Graph:
    """Copy the nodes, in their order, and the weighted edges."""
    import igraph  # takes matplotlib along, and `colour` is for all who draw

    index = {person: i for i, person in enumerate(graph)}
    edges = [(index[source], index[target]) for source, target in graph.edges]
    weights = [float(weight) for _, _, weight in graph.edges(data="weight")]
    return igraph.Graph(n=len(index), edges=edges, edge_attrs={"weight": weights})


@contextmanager
def _random_numbers(seed: int) -> Iterator[None]:
    """Let igraph draw its random numbers from `seed`, then from the module `random` again."""
    import igraph

    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311 (no secret)
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)


def _leiden(graph: igraph.Graph) -> igraph.VertexClustering:
    return graph.community_leiden(objective_function="modularity", weights="weight", n_iterations=-1)


def _louvain(graph: igraph.Graph) -> igraph.VertexClustering:
    return graph.community_multilevel(weights="weight")


def _fruchterman_reingold(graph: nx.Graph, seed: int) -> Points:
    with _random_numbers(seed):
        places = _to_igraph(graph).layout_fruchterman_reingold(weights="weight", niter=1000)
    return np.array(places.coords).reshape(-1, 2)


def _forceatlas2(graph: nx.Graph, seed: int) -> Points:
    if len(graph) > _LARGE:
        return _fruchterman_reingold(graph, seed)
    # From a start that is untangled, few steps are enough.
    start = _unit_disc(_fruchterman_reingold(graph, seed)) * math.sqrt(len(graph))
    with np.errstate(
        invalid="ignore"
    ):  # it divides 0 by 0 for a node and itself, and then discards the result
        places = nx.forceatlas2_layout(
            graph, dict(zip(graph, start, strict=True)), max_iter=200, weight="weight", linlog=True, seed=seed
        )
    return np.array([places[person] for person in graph])


def _unit_disc(points: Points) -> Points:
    """Move and scale points into the disc of radius 1 around the origin."""
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    return points / max(float(np.hypot(*points.T).max()), 1e-9)


def _packed(sides: Sequence[float]) -> list[tuple[float, float]]:
    """Place squares side by side so that together they are about a square themselves.

    Parameters
    ----------
    sides
        Their sides, the longest first.

    Returns
    -------
    list of tuple
        The middle of each; the first is the origin. They stand on shelves, the first at the upper left, and
        fill them from left to right, in columns as wide as their first square from top to bottom.
    """
    width = math.sqrt(sum(side * side for side in sides))
    middles = []
    left, right = 0.0, math.inf  # of the column
    depth = shelf = floor = 0.0  # of the next square, and of the shelf's beginning and end, from above
    for side in sides:
        if depth + side > floor:
            left, depth = right, shelf
            if left + side > width:
                left, depth, shelf, floor = 0.0, floor, floor, floor + side
            right = left + side
        inset = (side - sides[0]) / 2
        middles.append((left + inset, -depth - inset))
        depth += side
    return middles


_COMMUNITIES: dict[str, Callable[[igraph.Graph], igraph.VertexClustering]] = {
    "leiden": _leiden,
    "louvain": _louvain,
}
_LAYOUTS: dict[str, Callable[[nx.Graph, int], Points]] = {
    "forceatlas2": _forceatlas2,
    "fruchterman_reingold": _fruchterman_reingold,
}
