"""Count who is seen beside whom and write the network."""

import sys
from pathlib import Path

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.base.joblog import joblog
from castgraph.faces.times import face_times
from castgraph.network import export, graph
from castgraph.network.cooccurrence import among, as_published, cooccurrences, strongest
from castgraph.people.table import shown

with joblog(snakemake.log[0]):
    # igraph loads it in order to draw, where it is there, and takes longer for that than for all the rest.
    sys.modules["matplotlib"] = None
    settings = snakemake.params.network
    people = tables.read(snakemake.input.people, tables.PEOPLE)
    weights = {name: settings[name] for name in ("same_frame_weight", "adjacent_weight")}
    with (
        atomic(snakemake.output.meetings) as part,
        tables.writer(part, tables.MEETINGS, tables.provenance("network", {})) as add,
    ):
        pairs = cooccurrences(
            tables.read(snakemake.input.faces, tables.MERGED_FACES, ["broadcast", "frame"]),
            tables.read_members(
                snakemake.input.members, snakemake.input.faces, people["person_id"].to_pylist()
            ),
            face_times(snakemake.input.faces, snakemake.input.frames),
            **weights,
            memory_limit=f"{snakemake.resources.mem_mb // 2}MB",  # the other half is for the tables
            scratch=snakemake.resources.tmpdir,
            meetings=add,
        )
    published = settings["mode"] == "as_published"
    top = None if settings["top_edges"] == "all" else settings["top_edges"]
    told = shown(people, snakemake.params.min_seconds)
    between = among(pairs, told["person_id"])
    kept = as_published(between) if published else strongest(between, top)
    built = graph.build(
        kept,
        people,
        link=frame_links(read_selection(Path(snakemake.input.selected)), **snakemake.params.links),
        community_method=settings["communities"],
        layout_method=settings["layout"],
        seed=settings["seed"],
    )
    facts = tables.provenance("network", settings, n_pairs=pairs.num_rows, n_edges=kept.num_rows)
    nodes, edges = Path(snakemake.output.nodes), Path(snakemake.output.edges)
    if published:
        export.write_as_published(kept, people, nodes, edges)
    else:
        export.write_csv(built, nodes, edges)
    export.write_gexf(built, Path(snakemake.output.gexf))
    export.write_graphml(built, Path(snakemake.output.graphml))
    tables.write(snakemake.output.pairs, pairs, facts, tables.EDGES)
