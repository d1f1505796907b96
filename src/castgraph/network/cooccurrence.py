"""Who is seen with whom: pairs of people in the same frame or in neighbouring frames."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables

PUBLISHED_EDGES = 1001
"""How many edges the published network of "60 Minutes" has."""

# One row a person and frame, whatever the number of faces.
_SIGHTINGS = """
CREATE TEMP TABLE sightings AS
SELECT DISTINCT broadcast, frame, time, person FROM faces WHERE person >= 0
"""

# One row a pair and frame.
_MEETINGS = """
CREATE TEMP TABLE meetings AS
WITH each AS (
    SELECT a.broadcast, a.frame, a.time, a.person AS source, b.person AS target, true AS same
    FROM sightings a JOIN sightings b
        ON b.broadcast = a.broadcast AND b.frame = a.frame AND b.person > a.person
    UNION ALL
    SELECT a.broadcast, a.frame, a.time, least(a.person, b.person), greatest(a.person, b.person), false
    FROM sightings a JOIN sightings b
        ON b.broadcast = a.broadcast AND b.frame = a.frame - 1 AND b.person <> a.person
)
SELECT source, target, broadcast, frame, time, bool_or(same) AS same_frame, bool_or(NOT same) AS adjacent
FROM each GROUP BY source, target, broadcast, frame, time
"""

# One row a pair and broadcast, then a pair. Only integers are added up, so neither the number of threads nor
# the order of the rows can change a result.
_PAIRS = """
WITH by_broadcast AS (
    SELECT source, target, broadcast,
        count(*) FILTER (same_frame) AS same_frame, count(*) FILTER (adjacent) AS adjacent,
        min(time) AS first, max(time) AS last,
        coalesce(min(frame) FILTER (same_frame), min(frame)) AS frame,
        coalesce(min(time) FILTER (same_frame), min(time)) AS time
    FROM meetings GROUP BY source, target, broadcast
)
SELECT source, target,
    CAST(sum(same_frame) AS BIGINT) AS same_frame, CAST(sum(adjacent) AS BIGINT) AS adjacent,
    CAST(count(*) AS INTEGER) AS n_broadcasts, min(first) AS first_seen, max(last) AS last_seen,
    min({adjacent_only: same_frame = 0, time: time, broadcast: broadcast, frame: frame}) AS evidence
FROM by_broadcast GROUP BY source, target ORDER BY source, target
"""

_ALL = "SELECT * FROM meetings ORDER BY source, target, broadcast, frame"

_MICROSECONDS = 1_000_000


def cooccurrences(
    faces: pa.Table,
    members: tables.Members,
    times: NDArray[np.datetime64],
    *,
    same_frame_weight: float = 2.0,
    adjacent_weight: float = 1.0,
    threads: int = 1,
    memory_limit: str | None = None,
    scratch: str | os.PathLike[str] | None = None,
    meetings: Callable[[pa.Table], None] | None = None,
) -> pa.Table:
    """Count for every pair of people the frames that show them together.

    Two different people are *same_frame* when both are in frame n, and *adjacent* when one is in frame n and
    the other in frame n-1 of the same broadcast, as television cuts back and forth. Both are counted in
    frames n: however many faces a person has in a frame, and even when both are in n and in n-1, one frame
    counts once.

    Parameters
    ----------
    faces
        The merged face table; only ``broadcast`` and ``frame`` (from 1) are read.
    members
        Who each face is.
    times
        When each face was on air, UTC, of shape (n_faces,); see `castgraph.faces.times.face_times`.
    same_frame_weight, adjacent_weight
        What one such frame adds to the weight of a pair.
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
        makes them adjacent; of frames on air at the same time the one whose broadcast ID sorts first.

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
    for name, given in (("members", members.person), ("times", times)):
        if given.shape != (faces.num_rows,):
            raise ValueError(
                f"{name}: shape {given.shape} does not fit {faces.num_rows} faces; one a face is needed"
            )
    for name, weight in (("same_frame_weight", same_frame_weight), ("adjacent_weight", adjacent_weight)):
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"{name}: {weight} is not allowed; it must be 0 or more")

    broadcast_ids, broadcast = _number_broadcasts(faces["broadcast"])
    # Numbered by the alphabet, so that source and target, and edges as heavy, come in its order.
    ids = sorted(members.ids)
    number = {name: place for place, name in enumerate(ids)}
    numbers = np.array([*(number[name] for name in members.ids), tables.NOISE], np.int32)
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
                    "person": pa.array(numbers[members.person]),
                }
            ),
        )
        connection.execute(_SIGHTINGS)
        connection.execute(_MEETINGS)
        pairs = connection.sql(_PAIRS).to_arrow_table()
        if meetings:
            # Sorted as it is wanted, whatever is said of the insertion order.
            connection.execute("SET preserve_insertion_order = true")
            for batch in connection.sql(_ALL).to_arrow_reader(tables.ROW_GROUP):
                meetings(_meetings(pa.Table.from_batches([batch]), ids, broadcast_ids))

    weight = pc.add(
        pc.multiply(pc.cast(pairs["same_frame"], pa.float64()), float(same_frame_weight)),
        pc.multiply(pc.cast(pairs["adjacent"], pa.float64()), float(adjacent_weight)),
    )
    evidence = pairs["evidence"].combine_chunks()
    edges = pa.table(
        [
            pa.array(ids, pa.string()).take(pairs["source"]),
            pa.array(ids, pa.string()).take(pairs["target"]),
            pairs["same_frame"],
            pairs["adjacent"],
            pairs["n_broadcasts"],
            _timestamps(pairs["first_seen"]),
            _timestamps(pairs["last_seen"]),
            pa.array(broadcast_ids, pa.string()).take(pc.struct_field(evidence, "broadcast")),
            pc.struct_field(evidence, "frame"),
            weight,
        ],
        schema=tables.EDGES,
    )
    return _sorted(edges.filter(pc.greater(edges["weight"], 0.0)))


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
    weight = pc.multiply(pc.cast(same_frame["same_frame"], pa.float64()), 2.0)
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


def _number_broadcasts(column: pa.ChunkedArray) -> tuple[list[str], pa.ChunkedArray]:
    """Replace the broadcasts by their places among the sorted IDs; return the IDs, too."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    names: list[str] = column.chunk(0).dictionary.to_pylist() if column.num_chunks else []
    ids = sorted(set(names))
    rank = {name: number for number, name in enumerate(ids)}
    ranks = pa.array([rank[name] for name in names], pa.int32())
    return ids, pa.chunked_array([ranks.take(chunk.indices) for chunk in column.chunks], pa.int32())


def _timestamps(microseconds: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turn microseconds since 1970 into timestamps of whole seconds, rounded down."""
    return pc.divide(microseconds, _MICROSECONDS).cast(tables.EDGES.field("first_seen").type)


def _sorted(edges: pa.Table) -> pa.Table:
    return edges.sort_by([("weight", "descending"), ("source", "ascending"), ("target", "ascending")])
