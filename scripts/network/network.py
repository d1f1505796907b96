"""Count who is seen beside whom and write the network."""

import sys
from functools import partial
from pathlib import Path

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.base.joblog import joblog
from castgraph.faces.times import face_times, n_read, on_air
from castgraph.network import export, gexf, graph, layers, variants, weekly
from castgraph.network.cooccurrence import PUBLISHED_WEIGHTS, by_day, cooccurrences
from castgraph.network.presence import presence
from castgraph.network.significance import compared
from castgraph.people.table import shown

with joblog(snakemake.log[0]):
    # igraph loads it in order to draw, where it is there, and takes longer for that than for all the rest.
    sys.modules["matplotlib"] = None
    settings = snakemake.params.network
    people = tables.read(snakemake.input.people, tables.PEOPLE)
    published = settings["mode"] == "as_published"
    weighs, exported = layers.weights(settings), layers.exported(settings)
    faces = tables.read(snakemake.input.faces, tables.MERGED_FACES, ["broadcast", "frame"])
    members = tables.read_members(
        snakemake.input.members, snakemake.input.faces, people["person_id"].to_pylist()
    )
    replayed, n_replayed = None, 0
    if snakemake.input.replays:
        replayed = tables.read_replayed(snakemake.input.replays)
        members, n_replayed = tables.without_replays(members, snakemake.input.faces, replayed)
    times = face_times(snakemake.input.faces, snakemake.input.frames)
    how = {
        "within": layers.frames_within(settings["within"], snakemake.params.links["frame_seconds"]),
        "memory_limit": f"{snakemake.resources.mem_mb // 2}MB",  # the other half is for the tables
        "scratch": snakemake.resources.tmpdir,
    }
    with (
        atomic(snakemake.output.meetings) as part,
        tables.writer(part, tables.MEETINGS, tables.provenance("network", {})) as add,
    ):
        pairs = cooccurrences(faces, members, times, weights=weighs, meetings=add, **how)
    pairs, chance = compared(pairs, presence(faces, members), n_read(snakemake.input.frames, replayed))
    told = shown(people, snakemake.params.min_seconds)
    found = variants.networks(pairs, told, settings)
    kept = found.asked
    build = partial(
        graph.build,
        people=people,
        link=frame_links(read_selection(Path(snakemake.input.selected)), **snakemake.params.links),
        layers=exported,
        community_method=settings["communities"],
        layout_method=settings["layout"],
        seed=settings["seed"],
        drawn=settings["picture_people"],
        period=on_air(snakemake.input.frames, snakemake.params.links["frame_seconds"]),
    )
    built = build(kept)
    facts = tables.provenance(
        "network",
        settings,
        n_pairs=pairs.num_rows,
        n_edges=kept.num_rows,
        chance=chance,
        hosts=found.hosts,
        excluded=found.excluded,
        n_replayed=n_replayed,
    )
    nodes, edges = Path(snakemake.output.nodes), Path(snakemake.output.edges)
    if published:
        export.write_as_published(kept, people, nodes, edges)
    else:
        export.write_csv(built, nodes, edges, exported)
    gexf.write_gexf(built, Path(snakemake.output.gexf))
    export.write_graphml(built, Path(snakemake.output.graphml))
    for name, compared_with in found.compared.items():
        beside = build(compared_with)
        export.write_graphml(beside, nodes.with_name(f"graph_{name}.graphml"))
        gexf.write_gexf(beside, nodes.with_name(f"graph_{name}.gexf"))
    export.write_people(built, told, Path(snakemake.output.people))
    tables.write(snakemake.output.pairs, pairs, facts, tables.EDGES)

    days = by_day(faces, members, times, kept, weights=PUBLISHED_WEIGHTS if published else weighs, **how)
    over_time = weekly.weights(days, settings["period"])
    standing = weekly.centrality(
        over_time,
        dict(built.nodes(data="community")),
        settings["period"],
        community_method=settings["communities"],
        seed=settings["seed"],
    )
    tables.write(snakemake.output.centrality, standing, facts, tables.CENTRALITY)
    dynamic = Path(snakemake.output.dynamic)
    gexf.write_dynamic_gexf(built, over_time, standing, dynamic, settings["period"])
