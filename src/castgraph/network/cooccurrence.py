"""Who is seen with whom: pairs of people in the same frame or in neighbouring frames."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.network.layers import LAYERS, WEIGHTS
from castgraph.network.presence import Presence, number_broadcasts, number_people, presence, shared

if TYPE_CHECKING:
    import duckdb

PUBLISHED_EDGES = 1001
"""How many edges the published network of "60 Minutes" has."""

PUBLISHED_WEIGHTS: Mapping[str, float] = {"same_frame": 2.0}
"""What a frame adds to the weight of its edges; see `as_published`."""

# One row a person and frame, whatever the number of faces.
_SIGHTINGS = """
CREATE TEMP TABLE sightings AS
SELECT DISTINCT broadcast, frame, time, person FROM faces WHERE person >= 0
"""

# One row a pair and frame, with one of them in it and the other `apart` frames before. A join for each
# distance is several times as fast as one for all.
_COUPLES = """
SELECT a.broadcast, a.frame, a.time, least(a.person, b.person) AS source,
    greatest(a.person, b.person) AS target, {apart} AS apart
FROM sightings a JOIN sightings b
    ON b.broadcast = a.broadcast AND b.frame = a.frame - {apart} AND b.person {other} a.person
"""

_MEETINGS = """
CREATE TEMP TABLE meetings AS
SELECT source, target, broadcast, frame, time, min(apart) AS apart, bool_or(apart = 1) AS adjacent
FROM ({couples}) GROUP BY source, target, broadcast, frame, time
"""

# One row a pair and broadcast, then a pair. Only integers are added up, so neither the number of threads nor
# the order of the rows can change a result.
_PAIRS = """
WITH by_broadcast AS (
    SELECT source, target, broadcast,
        count(*) FILTER (apart = 0) AS same_frame, count(*) FILTER (adjacent) AS adjacent,
        count(*) FILTER (apart <= {within}) AS within,
        min(time) FILTER (apart <= 1) AS first, max(time) FILTER (apart <= 1) AS last,
        min(time) AS first_within, max(time) AS last_within,
        coalesce(min(frame) FILTER (apart = 0), min(frame) FILTER (adjacent), min(frame)) AS frame,
        coalesce(min(time) FILTER (apart = 0), min(time) FILTER (adjacent), min(time)) AS time
    FROM meetings GROUP BY source, target, broadcast
)
SELECT source, target,
    CAST(sum(same_frame) AS BIGINT) AS same_frame, CAST(sum(adjacent) AS BIGINT) AS adjacent,
    CAST(sum(within) AS BIGINT) AS within, CAST(0 AS BIGINT) AS same_broadcast,
    CAST(count(first) AS INTEGER) AS n_broadcasts,
    coalesce(min(first), min(first_within)) AS first_seen, coalesce(max(last), max(last_within)) AS last_seen,
    min({{
        apart: CASE WHEN same_frame > 0 THEN 0 WHEN adjacent > 0 THEN 1 ELSE 2 END,
        time: time, broadcast: broadcast, frame: frame
    }}) AS evidence
FROM by_broadcast GROUP BY source, target
HAVING {weighs}
"""

# One row a pair that shares a broadcast. Its evidence is the first frame by which both were seen.
_SHARED = """
WITH each AS (
    SELECT broadcast, person, min(frame) AS frame, min(time) AS first, max(time) AS last
    FROM sightings GROUP BY broadcast, person
), pairs AS ({pairs}), shared AS (
    SELECT a.person AS source, b.person AS target, count(*) AS same_broadcast,
        min(greatest(a.first, b.first)) AS first_seen, max(least(a.last, b.last)) AS last_seen,
        min({{
            apart: 3, time: greatest(a.first, b.first), broadcast: broadcast,
            frame: greatest(a.frame, b.frame)
        }}) AS evidence
    FROM each a JOIN each b USING (broadcast) WHERE b.person > a.person GROUP BY a.person, b.person
)
SELECT source, target, coalesce(pairs.same_frame, 0) AS same_frame, coalesce(pairs.adjacent, 0) AS adjacent,
    coalesce(pairs.within, 0) AS within, shared.same_broadcast,
    coalesce(pairs.n_broadcasts, 0) AS n_broadcasts,
    coalesce(pairs.first_seen, shared.first_seen) AS first_seen,
    coalesce(pairs.last_seen, shared.last_seen) AS last_seen,
    coalesce(pairs.evidence, shared.evidence) AS evidence
FROM shared LEFT JOIN pairs USING (source, target)
"""

_ALL = """
SELECT source, target, broadcast, frame, time, apart = 0 AS same_frame, adjacent
FROM meetings WHERE apart <= 1 ORDER BY source, target, broadcast, frame
"""

# One row an edge and day.
_BY_DAY = """
WITH each AS (
    SELECT broadcast, person, min(time) AS first FROM sightings GROUP BY broadcast, person
), counted AS (
    SELECT make_timestamp(time)::DATE AS day, source, target, apart = 0 AS same_frame, adjacent,
        apart <= {within} AS within, false AS same_broadcast
    FROM meetings SEMI JOIN edges USING (source, target)
    UNION ALL
    SELECT make_timestamp(greatest(a.first, b.first))::DATE, source, target, false, false, false, true
    FROM edges JOIN each a ON a.person = source JOIN each b ON b.person = target AND b.broadcast = a.broadcast
)
SELECT day, source, target, count(*) FILTER (same_frame) AS same_frame,
    count(*) FILTER (adjacent) AS adjacent, count(*) FILTER (within) AS within,
    count(*) FILTER (same_broadcast) AS same_broadcast
FROM counted GROUP BY day, source, target ORDER BY day, source, target
"""

_MICROSECONDS = 1_000_000


def cooccurrences(
    faces: pa.Table,
    members: tables.Members,
    times: NDArray[np.datetime64],
    *,
    weights: Mapping[str, float] = WEIGHTS,
    within: int = 2,
    threads: int = 1,
    memory_limit: str | None = None,
    scratch: str | os.PathLike[str] | None = None,
    meetings: Callable[[pa.Table], None] | None = None,
) -> pa.Table:
    """Count for every pair of people the frames that show them together, layer by layer.

    Two different people are *same_frame* when both are in frame n, *adjacent* when one is in frame n and the
    other in frame n-1 of the same broadcast, as television cuts back and forth, and *within* when one is in
    frame n and the other in one of n-k to n. All are counted in frames n: however many faces a person has in
    a frame, and even when both are in n and in n-1, one frame counts once. *same_broadcast* counts broadcasts
    that show both, whenever.

    Parameters
    ----------
    faces
        The merged face table; only ``broadcast`` and ``frame`` (from 1) are read.
    members
        Who each face is.
    times
        When each face was on air, UTC, of shape (n_faces,); see `castgraph.faces.times.face_times`.
    weights
        What one such frame, or broadcast, adds to the weight of a pair; a layer that is not given adds
        nothing. With one for `same_broadcast`, all pairs that share a broadcast come, and these are many.
    within
        How many frames apart two people may be to be *within*: k.
    threads
        How many threads to use. The result does not depend on it.
    memory_limit
        The most memory to use, as DuckDB writes it (``"4GB"``). Beyond it, intermediate rows go to `scratch`.
    scratch
        A folder for rows that do not fit into memory. When none is given, nothing is written to disk.
    meetings
        Is given every frame that makes a pair, some rows at a time, of the schema
        `castgraph.base.tables.MEETINGS` and in its order; those of pairs of weight 0, too.

    Returns
    -------
    pyarrow.Table
        Of the schema `castgraph.base.tables.EDGES`, strongest first. Pairs of weight 0 are left out.
        ``broadcast`` and ``frame`` are the first frame that shows both or, when none does, the first that
        makes them adjacent, else within, else the first by which both were seen; of frames on air at the same
        time the one whose broadcast ID sorts first. What compares with chance is null
        (`castgraph.network.significance.compared` tells it).

    Raises
    ------
    ValueError
        When the members or the times are not one a face, or a weight is out of range.

    Examples
    --------
    >>> faces = pa.table({"broadcast": ["NTV_20220519_083000"] * 3, "frame": [7, 7, 8]})
    >>> times = np.array(["2022-05-19T08:30:24"] * 2 + ["2022-05-19T08:30:28"], "datetime64[us]")
    >>> who = tables.Members(np.array([0, 1, 0], np.int32), np.zeros(3, np.int8), ["K7Q2", "A3BC"])
    >>> pairs = cooccurrences(faces, who, times)
    >>> pairs.select(["source", "target", "same_frame", "adjacent", "weight"]).to_pylist()
    [{'source': 'A3BC', 'target': 'K7Q2', 'same_frame': 1, 'adjacent': 1, 'weight': 3.0}]
    """
    _check(weights, within)
    with _counting(faces, members, times, within, threads, memory_limit, scratch) as (connection, names):
        ids, broadcast_ids = names
        pairs = connection.sql(_pairs(weights, within)).to_arrow_table()
        if meetings:
            # Sorted as it is wanted, whatever is said of the insertion order.
            connection.execute("SET preserve_insertion_order = true")
            for batch in connection.sql(_ALL).to_arrow_reader(tables.ROW_GROUP):
                meetings(_meetings(pa.Table.from_batches([batch]), ids, broadcast_ids))

    counts: dict[str, NDArray[np.int64]] = {layer: pairs[layer].to_numpy() for layer in LAYERS}
    if not weights.get("same_broadcast"):
        counts["same_broadcast"] = _shared(pairs, presence(faces, members))
    parts = [float(weight) * counts[layer] for layer, weight in weights.items()]
    evidence = pairs["evidence"].combine_chunks()
    edges = pa.table(
        {
            "source": pa.array(ids, pa.string()).take(pairs["source"]),
            "target": pa.array(ids, pa.string()).take(pairs["target"]),
            **counts,
            "n_broadcasts": pairs["n_broadcasts"],
            "first_seen": _timestamps(pairs["first_seen"]),
            "last_seen": _timestamps(pairs["last_seen"]),
            "broadcast": pa.array(broadcast_ids, pa.string()).take(pc.struct_field(evidence, "broadcast")),
            "frame": pc.struct_field(evidence, "frame"),
            "weight": np.sum([np.zeros(pairs.num_rows), *parts], axis=0),
        }
    )
    nothing = pa.nulls(edges.num_rows, pa.float64())
    for name in tables.EDGES.names[edges.num_columns :]:
        edges = edges.append_column(name, nothing)
    return _sorted(edges.cast(tables.EDGES))


def by_day(
    faces: pa.Table,
    members: tables.Members,
    times: NDArray[np.datetime64],
    edges: pa.Table,
    *,
    weights: Mapping[str, float] = WEIGHTS,
    within: int = 2,
    threads: int = 1,
    memory_limit: str | None = None,
    scratch: str | os.PathLike[str] | None = None,
) -> pa.Table:
    """Tell how much each edge weighs on each day, layer by layer as `cooccurrences` counts.

    A frame counts on the day on which it is on air, and a broadcast that shows both on that on which it had
    shown both. So the weights of all days add up to that of the edge.

    Parameters
    ----------
    edges
        The edges that are wanted, of the schema `castgraph.base.tables.EDGES`; only their ends are read.
    faces, members, times, weights, within, threads, memory_limit, scratch
        As `cooccurrences` takes them.

    Returns
    -------
    pyarrow.Table
        ``day`` (date32, UTC), ``source``, ``target`` and ``weight``, by the first three; without days on
        which an edge weighs nothing.

    Raises
    ------
    ValueError
        As `cooccurrences`.
    """
    _check(weights, within)
    wanted = pc.unique(pa.chunked_array([*edges["source"].chunks, *edges["target"].chunks], pa.string()))
    of_edges = np.append(
        pc.is_in(pa.array(members.ids, pa.string()), wanted).to_numpy(zero_copy_only=False), False
    )
    rows = of_edges[members.person]
    known = tables.Members(members.person[rows], members.why[rows], members.ids)
    chosen = faces.filter(pa.array(rows))
    with _counting(chosen, known, times[rows], within, threads, memory_limit, scratch) as (connection, names):
        ids = pa.array(names[0], pa.string())
        ends = {end: pc.index_in(edges[end].combine_chunks(), ids) for end in ("source", "target")}
        connection.register("edges", pa.table(ends))
        found = connection.sql(_BY_DAY.format(within=within)).to_arrow_table()
    weight = np.sum(
        [np.zeros(len(found)), *(float(each) * found[layer].to_numpy() for layer, each in weights.items())],
        axis=0,
    )
    columns = {"day": found["day"]} | {
        end: ids.take(found[end].combine_chunks()) for end in ("source", "target")
    }
    return pa.table(columns | {"weight": weight}).filter(pa.array(weight > 0))


def _check(weights: Mapping[str, float], within: int) -> None:
    for layer, weight in weights.items():
        if layer not in LAYERS:
            raise ValueError(f"weights: {layer!r} is not known; it must be one of {', '.join(LAYERS)}")
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"weights: {weight} of {layer} is not allowed; it must be 0 or more")
    if within < 0:
        raise ValueError(f"within: {within} is not allowed; it must be 0 or more")


@contextmanager
def _counting(
    faces: pa.Table,
    members: tables.Members,
    times: NDArray[np.datetime64],
    within: int,
    threads: int,
    memory_limit: str | None,
    scratch: str | os.PathLike[str] | None,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, tuple[list[str], list[str]]]]:
    """Make the tables ``sightings`` and ``meetings``; give the IDs of people and broadcasts in them, too."""
    for name, given in (("members", members.person), ("times", times)):
        if given.shape != (faces.num_rows,):
            raise ValueError(
                f"{name}: shape {given.shape} does not fit {faces.num_rows} faces; one a face is needed"
            )
    # Numbered by the alphabet, so that source and target, and edges as heavy, come in its order.
    broadcast_ids, broadcast = number_broadcasts(faces["broadcast"])
    ids, person = number_people(members)
    config: dict[str, Any] = {
        "threads": threads,
        # Nothing is to be fetched from the network, and nothing to be written to the working directory.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": "" if scratch is None else os.fspath(scratch),
        "preserve_insertion_order": "false",
    }
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    import duckdb  # only counting needs it, and `among` is for all who show pairs

    with duckdb.connect(":memory:", config=config) as connection:
        connection.register(
            "faces",
            pa.table(
                {
                    "broadcast": broadcast,
                    "frame": faces["frame"],
                    "time": pa.array(times.astype("datetime64[us]").view(np.int64)),
                    "person": pa.array(person.astype(np.int32)),
                }
            ),
        )
        connection.execute(_SIGHTINGS)
        connection.execute(_meetings_within(max(1, within)))
        yield connection, (ids, broadcast_ids)


def _meetings_within(farthest: int) -> str:
    """Write the query for the frames that make a pair, up to so many frames apart."""
    distances = range(farthest + 1)
    couples = (_COUPLES.format(apart=apart, other="<>" if apart else ">") for apart in distances)
    return _MEETINGS.format(couples=" UNION ALL ".join(couples))


def _pairs(weights: Mapping[str, float], within: int) -> str:
    """Write the query for the pairs that weigh anything."""
    weighing = [layer for layer in LAYERS if weights.get(layer)]
    if "same_broadcast" in weighing:
        return _SHARED.format(pairs=_PAIRS.format(within=within, weighs="true"))
    weighs = " OR ".join(f"sum(by_broadcast.{layer}) > 0" for layer in weighing) or "false"
    return _PAIRS.format(within=within, weighs=weighs)


def _shared(pairs: pa.Table, seen: Presence) -> NDArray[np.int64]:
    """Count the broadcasts that show both people of each pair."""
    counts = np.zeros(pairs.num_rows, np.int64)
    source, target = (pairs[end].to_numpy().astype(np.int64) for end in ("source", "target"))
    for found in shared(seen, source, target):
        counts[found.pairs] = np.bincount(found.pair, minlength=len(found.pairs))
    return counts


def _meetings(rows: pa.Table, ids: list[str], broadcast_ids: list[str]) -> pa.Table:
    """Put IDs in the place of numbers."""
    people, names = pa.array(ids, pa.string()), pa.array(broadcast_ids, pa.string())
    texts = {"source": people, "target": people, "broadcast": names}
    columns = {
        name: pa.DictionaryArray.from_arrays(rows[name].combine_chunks().cast(pa.int32()), values)
        for name, values in texts.items()
    }
    time = rows["time"].cast(tables.MEETINGS.field("time").type)
    columns |= {"frame": rows["frame"], "time": time, "same_frame": rows["same_frame"]}
    return pa.table(columns | {"adjacent": rows["adjacent"]}).select(tables.MEETINGS.names)


def as_published(edges: pa.Table) -> pa.Table:
    """Reproduce the pairs, weights and cut of the published network.

    The published script meant to count the frame before, too, but never found it: it looked up ``"1"`` where
    the key was ``"000001"``. So only pairs in the same frame have an edge, of twice the number of frames, and
    the 1,001 strongest are kept. Ties came in hash order there and come in the order of the IDs here.

    Parameters
    ----------
    edges
        What `cooccurrences` returns for weights above 0.

    Returns
    -------
    pyarrow.Table
        Of the schema `castgraph.base.tables.EDGES`.
    """
    same_frame = edges.filter(pc.greater(edges["same_frame"], 0))
    weight = pc.multiply(pc.cast(same_frame["same_frame"], pa.float64()), PUBLISHED_WEIGHTS["same_frame"])
    column = same_frame.schema.get_field_index("weight")
    return strongest(
        _sorted(same_frame.set_column(column, tables.EDGES.field("weight"), weight)), PUBLISHED_EDGES
    )


def among(edges: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """Keep the edges between some people.

    Parameters
    ----------
    edges
        Of the schema `castgraph.base.tables.EDGES`.
    ids
        The people.
    """
    ends = (pc.is_in(edges[end], ids.combine_chunks()) for end in ("source", "target"))
    return edges.filter(pc.and_(*ends))


def strongest(edges: pa.Table, top: int | None) -> pa.Table:
    """Keep the `top` edges of the largest weight; ties fall in the order of source and target.

    Parameters
    ----------
    edges
        Of the schema `castgraph.base.tables.EDGES`.
    top
        How many to keep; None keeps all.

    Returns
    -------
    pyarrow.Table
        The edges kept, strongest first.

    Raises
    ------
    ValueError
        When `top` is negative.
    """
    if top is not None and top < 0:
        raise ValueError(f"top: {top} is not allowed; it must be 0 or more, or None for all edges")
    return _sorted(edges).slice(0, top)


def _timestamps(microseconds: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turn microseconds since 1970 into timestamps of whole seconds, rounded down."""
    return pc.divide(microseconds, _MICROSECONDS).cast(tables.EDGES.field("first_seen").type)


def _sorted(edges: pa.Table) -> pa.Table:
    return edges.sort_by([("weight", "descending"), ("source", "ascending"), ("target", "ascending")])
