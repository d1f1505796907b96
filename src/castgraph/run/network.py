"""From members to the network of a clustering: its pairs, its graph files, and how it goes over time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import pyarrow as pa

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.faces.times import face_times, n_read, on_air
from castgraph.network import export, gexf, graph, layers, variants, weekly
from castgraph.network.cooccurrence import PUBLISHED_WEIGHTS, by_day, cooccurrences
from castgraph.network.presence import presence
from castgraph.network.significance import compared
from castgraph.people.table import shown
from castgraph.run.uncounted import read_uncounted


class Given(NamedTuple):
    """What a network is made of.

    Attributes
    ----------
    selected, faces, frames
        The list of the broadcasts of the run, and its merged tables.
    members, people
        Who is who in a clustering.
    replays
        What is on air again, where that is not to be counted again; else None.
    suspects
        Broadcasts that are not what their title says, where they are not to be counted; else None.
    """

    selected: Path
    faces: Path
    frames: Path
    members: Path
    people: Path
    replays: Path | None = None
    suspects: Path | None = None


def write_network(
    folder: Path,
    given: Given,
    settings: Mapping[str, Any],
    links: Mapping[str, Any],
    *,
    min_seconds: float = 0,
    memory_limit: str | None = None,
    scratch: str | os.PathLike[str] | None = None,
) -> None:
    """Write the network of a clustering.

    Parameters
    ----------
    folder
        Gets the tables ``edges``, ``meetings`` and ``centrality``, ``nodes.csv``, ``edges.csv``,
        ``people.csv``, ``graph.gexf``, ``graph.graphml`` and ``dynamic.gexf``, and graph files of the
        networks that it is compared with (`castgraph.network.layers.compared_networks`).
    given
        What it is made of.
    settings
        The section ``network`` of the configuration.
    links
        What tells where a frame can be seen: ``base_url``, ``frame_url`` and ``frame_seconds``.
    min_seconds
        Who is on screen for less is in no network, and not in ``people.csv``.
    memory_limit, scratch
        As for `castgraph.network.cooccurrence.cooccurrences`.

    Raises
    ------
    TableError
        When tables do not fit each other, or were made by an earlier castgraph.
    """
    published = settings["mode"] == "as_published"
    weights, exported = layers.weights(settings), layers.exported(settings)
    people = tables.read(given.people, tables.PEOPLE)
    faces = tables.read(given.faces, tables.MERGED_FACES, ["broadcast", "frame"])
    members = tables.read_members(given.members, given.faces, people["person_id"].to_pylist())
    selected = read_selection(given.selected)
    left_out = read_uncounted(given.replays, given.suspects, (row.broadcast for row in selected))
    members, n_suspected = tables.without_replays(members, given.faces, left_out.suspected)
    members, n_replayed = tables.without_replays(members, given.faces, left_out.replayed)
    times = face_times(given.faces, given.frames)
    count: dict[str, Any] = {
        "within": layers.frames_within(settings["within"], links["frame_seconds"]),
        "memory_limit": memory_limit,
        "scratch": scratch,
    }
    with (
        atomic(folder / "meetings.parquet") as part,
        tables.writer(part, tables.MEETINGS, tables.provenance("network", {})) as add,
    ):
        pairs = cooccurrences(faces, members, times, weights=weights, meetings=add, **count)
    pairs, chance = compared(pairs, presence(faces, members), n_read(given.frames, left_out.all))
    told = shown(people, min_seconds)
    found = variants.networks(pairs, told, settings)
    facts = tables.provenance(
        "network",
        settings,
        n_pairs=pairs.num_rows,
        n_edges=found.asked.num_rows,
        chance=chance,
        hosts=found.hosts,
        excluded=found.excluded,
        n_replayed=n_replayed,
        **({"n_suspected": n_suspected} if given.suspects else {}),
    )
    build = partial(
        graph.build,
        people=people,
        link=frame_links(selected, **links),
        layers=exported,
        community_method=settings["communities"],
        layout_method=settings["layout"],
        seed=settings["seed"],
        drawn=settings["picture_people"],
        period=on_air(given.frames, links["frame_seconds"]),
    )
    built = build(found.asked)
    if published:
        export.write_as_published(found.asked, people, folder / "nodes.csv", folder / "edges.csv")
    else:
        export.write_csv(built, folder / "nodes.csv", folder / "edges.csv", exported)
    export.write_people(built, told, folder / "people.csv")
    beside = {f"_{name}": build(edges) for name, edges in found.compared.items()}
    for name, each in {"": built, **beside}.items():
        gexf.write_gexf(each, folder / f"graph{name}.gexf")
        export.write_graphml(each, folder / f"graph{name}.graphml")

    counted = PUBLISHED_WEIGHTS if published else weights
    days = by_day(faces, members, times, found.asked, weights=counted, **count)
    _write_over_time(folder, built, days, settings, facts)
    tables.write(folder / "edges.parquet", pairs, facts, tables.EDGES)


def _write_over_time(
    folder: Path, whole: nx.Graph, days: pa.Table, settings: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    """Write where everybody stands in each day or week, and the network over time."""
    period = settings["period"]
    weights = weekly.weights(days, period)
    standing = weekly.centrality(
        weights,
        dict(whole.nodes(data="community")),
        period,
        community_method=settings["communities"],
        seed=settings["seed"],
    )
    tables.write(folder / "centrality.parquet", standing, facts, tables.CENTRALITY)
    gexf.write_dynamic_gexf(whole, weights, standing, folder / "dynamic.gexf", period)
