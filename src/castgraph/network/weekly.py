"""The network day by day or week by week: who was seen with whom, who stood where, and in which community."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Literal

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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


def weights(
    meetings: Iterable[pa.RecordBatch],
    edges: pa.Table,
    period: Period = "week",
    *,
    same_frame_weight: float = 2.0,
    adjacent_weight: float = 1.0,
) -> pa.Table:
    """Add up the weight of each edge by day or week.

    Parameters
    ----------
    meetings
        Every frame that makes a pair, of the schema `castgraph.base.tables.MEETINGS`, some rows at a time
        and in any order; of pairs without an edge, too.
    edges
        The edges that are wanted, of the schema `castgraph.base.tables.EDGES`; only their ends are read.
    period
        ``"day"``, or ``"week"`` from Monday to Sunday; both in UTC.
    same_frame_weight, adjacent_weight
        What a frame adds, as in `castgraph.network.cooccurrence.cooccurrences`: so the weights of an edge
        add up to that of the whole.

    Returns
    -------
    pyarrow.Table
        Of the schema `WEIGHTS`, by its columns in order; without what weighs nothing.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> def met(day, adjacent):
    ...     when = datetime(2024, 1, day, 19, tzinfo=UTC)
    ...     return {"source": "A3BC", "target": "K7Q2", "broadcast": "B", "frame": 1, "time": when,
    ...             "same_frame": True, "adjacent": adjacent}
    >>> meetings = pa.RecordBatch.from_pylist([met(2, False), met(7, True), met(8, False)], tables.MEETINGS)
    >>> edges = pa.table({"source": ["A3BC"], "target": ["K7Q2"]})
    >>> [(str(row["start"]), row["weight"]) for row in weights([meetings], edges).to_pylist()]
    [('2024-01-01', 5.0), ('2024-01-08', 2.0)]
    """
    ids = sorted({*edges["source"].to_pylist(), *edges["target"].to_pylist()})
    ends = _numbers(edges["source"], ids) * len(ids) + _numbers(edges["target"], ids)
    pairs = np.unique(ends)
    found = [_counted(batch, pairs, ids, period, same_frame_weight, adjacent_weight) for batch in meetings]
    keys = np.concatenate([np.empty(0, np.int64), *(key for key, _ in found)])
    sums = np.concatenate([np.empty(0), *(weight for _, weight in found)])
    # A pair and period may be in two batches, one after the other.
    keys, place = np.unique(keys, return_inverse=True)
    sums = np.bincount(place, sums, minlength=len(keys))
    keys, sums = keys[sums > 0], sums[sums > 0]
    day, pair = np.divmod(keys, max(1, len(pairs)))
    source, target = np.divmod(pairs[pair], max(1, len(ids)))
    names = pa.array(ids, pa.string())
    columns = [
        pa.array(day.astype("datetime64[D]")),
        names.take(pa.array(source)),
        names.take(pa.array(target)),
    ]
    return pa.table([*columns, pa.array(sums)], schema=WEIGHTS)


def _counted(
    meetings: pa.RecordBatch,
    pairs: NDArray[np.int64],
    ids: list[str],
    period: Period,
    same_frame_weight: float,
    adjacent_weight: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Add up some meetings: the period and pair as one number, and the weight."""
    source, target = (_numbers(meetings[end], ids) for end in ("source", "target"))
    key = source * len(ids) + target
    place = np.searchsorted(pairs, key)
    wanted = (source >= 0) & (target >= 0) & (place < len(pairs))
    wanted[wanted] = pairs[place[wanted]] == key[wanted]
    day = meetings["time"].cast(pa.date32()).cast(pa.int32()).to_numpy(zero_copy_only=False)[wanted]
    if period == "week":
        day = (day - _MONDAY) // 7 * 7 + _MONDAY
    weight = same_frame_weight * _true(meetings["same_frame"], wanted)
    weight += adjacent_weight * _true(meetings["adjacent"], wanted)
    keys, of = np.unique(day.astype(np.int64) * len(pairs) + place[wanted], return_inverse=True)
    return keys, np.bincount(of, weight, minlength=len(keys)).astype(np.float64)


def _numbers(column: pa.Array | pa.ChunkedArray, ids: list[str]) -> NDArray[np.int64]:
    """Give the place of each text among the IDs; -1 for one that is not there."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    places = pc.fill_null(pc.index_in(column.dictionary, pa.array(ids, pa.string())), -1).to_numpy()
    indices = column.indices.to_numpy(zero_copy_only=False)
    return np.asarray(np.append(places, -1).astype(np.int64)[indices])


def _true(column: pa.Array, wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)[wanted].astype(np.float64)
    return values


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
