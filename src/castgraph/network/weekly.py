"""The network day by day or week by week: who was seen with whom, who stood where, and in which community."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Literal

import networkx as nx
import numpy as np
import pyarrow as pa

from castgraph.base import tables
from castgraph.network.graph import CommunityMethod, betweenness, communities, pagerank

Period = Literal["day", "week"]

_MONDAY = 4  # 1970-01-01, from which days are counted, was a Thursday: the first Monday came 4 days later

WEIGHTS = pa.schema(
    [
        ("start", pa.date32()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("weight", pa.float64()),
    ]
)
"""The weight of each pair in each period: its first day (of a week the Monday), the people, the weight."""


def weights(days: pa.Table, period: Period = "week") -> pa.Table:
    """Add up the weights of edges by day or week.

    Parameters
    ----------
    days
        What `castgraph.network.cooccurrence.by_day` returns.
    period
        ``"day"``, or ``"week"`` from Monday to Sunday; both in UTC.

    Returns
    -------
    pyarrow.Table
        Of the schema `WEIGHTS`, by its columns in order.

    Examples
    --------
    >>> days = {"day": [date(2024, 1, day) for day in (2, 7, 8)], "source": ["A3BC"] * 3}
    >>> found = weights(pa.table(days | {"target": ["K7Q2"] * 3, "weight": [2.0, 3.0, 2.0]}))
    >>> [(str(row["start"]), row["weight"]) for row in found.to_pylist()]
    [('2024-01-01', 5.0), ('2024-01-08', 2.0)]
    """
    start = days["day"].cast(pa.int32()).to_numpy()
    if period == "week":
        start = (start - _MONDAY) // 7 * 7 + _MONDAY
    keys = WEIGHTS.names[:3]
    dated = days.set_column(0, "start", pa.array(start.astype(np.int32)).cast(pa.date32()))
    summed = dated.group_by(keys, use_threads=False).aggregate([("weight", "sum")])
    order = [(name, "ascending") for name in keys]
    return summed.rename_columns([*keys, "weight"]).sort_by(order).cast(WEIGHTS)


def part(start: date, period: Period) -> str:
    """Name a period as the table of screen time does.

    Examples
    --------
    >>> part(date(2024, 1, 29), "week"), part(date(2024, 1, 29), "day")
    ('2024-W05', '2024-01-29')
    """
    year, week, _ = start.isocalendar()
    return f"{year}-W{week:02d}" if period == "week" else start.isoformat()


def last_day(start: date, period: Period) -> date:
    """Tell the last day of a period."""
    return start + timedelta(days=6 if period == "week" else 0)


def centrality(
    weights: pa.Table,
    known: Mapping[str, int],
    period: Period = "week",
    *,
    community_method: CommunityMethod = "leiden",
    seed: int = 0,
) -> pa.Table:
    """Tell where everybody stands in the network of each day or week, and in which community.

    Parameters
    ----------
    weights
        What `weights` returns.
    known
        The community of each person in the whole network: communities of the first period take the numbers
        of those that they overlap with.
    period
        As of the weights.
    community_method, seed
        See `castgraph.network.graph.communities`.

    Returns
    -------
    pyarrow.Table
        Of the schema `castgraph.base.tables.CENTRALITY`: those that have an edge in the period.
    """
    rows = []
    last = dict(known)
    new = max(known.values(), default=-1) + 1
    for start, graph in _networks(weights):
        groups = communities(graph, community_method, seed)
        strength = dict(graph.degree(weight="weight"))
        numbers = followed(groups, last, strength, new)
        last |= numbers
        new = max(new, *(number + 1 for number in numbers.values()))
        ranks, between = pagerank(graph), betweenness(graph)
        rows += [
            {
                "part": part(start, period),
                "start": start,
                "person_id": person,
                "degree": graph.degree(person),
                "strength": strength[person],
                "pagerank": ranks[person],
                "betweenness": between[person],
                "community": numbers[person],
            }
            for person in sorted(graph, key=lambda person: (-ranks[person], person))
        ]
    return pa.Table.from_pylist(rows, schema=tables.CENTRALITY)


def _networks(weights: pa.Table) -> Iterator[tuple[date, nx.Graph]]:
    """Make the network of each period, its people in the order of their IDs."""
    columns = (weights[name].to_pylist() for name in WEIGHTS.names)
    for start, rows in groupby(zip(*columns, strict=True), lambda row: row[0]):
        edges = [row[1:] for row in rows]
        graph = nx.Graph()
        graph.add_nodes_from(sorted({person for edge in edges for person in edge[:2]}))
        graph.add_weighted_edges_from(edges)
        yield start, graph


def followed(
    groups: Mapping[str, int], last: Mapping[str, int], strength: Mapping[str, float], new: int
) -> dict[str, int]:
    """Give each community the number that most of its people had last, as far as no other has more of them.

    Parameters
    ----------
    groups
        The community of each person now, whatever its number.
    last
        The number of the community that each person was in last, however long ago.
    strength
        How much each person counts where two numbers are shared by as many people.
    new
        The first number that no community ever had. Those that overlap with none take it and those after it,
        the larger community first.

    Returns
    -------
    dict
        The number of each person's community.

    Notes
    -----
    The matching is one to one and stable: the two that share most people are matched first, then the two of
    the others, and so on; as people keep their IDs in `castgraph.people.identify`.

    Examples
    --------
    >>> last = {"Ada": 0, "Bo": 0, "Cy": 1, "Di": 1, "Ed": 1}
    >>> now = {"Ada": 5, "Bo": 5, "Cy": 5, "Di": 7, "Ed": 7, "Flo": 9}
    >>> followed(now, last, dict.fromkeys(now, 1.0), 2)
    {'Ada': 0, 'Bo': 0, 'Cy': 0, 'Di': 1, 'Ed': 1, 'Flo': 2}
    """
    shared: dict[tuple[int, int], list[float]] = defaultdict(list)
    members: dict[int, list[str]] = defaultdict(list)
    for person, group in groups.items():
        members[group].append(person)
        if person in last:
            shared[last[person], group].append(strength[person])
    number: dict[int, int] = {}
    taken = set()
    for old, group in sorted(shared, key=lambda pair: (-len(shared[pair]), -sum(shared[pair]), *pair)):
        if group not in number and old not in taken:
            number[group] = old
            taken.add(old)
    others = sorted(members.keys() - number.keys(), key=lambda group: (-len(members[group]), members[group]))
    number |= {group: new + place for place, group in enumerate(others)}
    return {person: number[group] for person, group in groups.items()}
