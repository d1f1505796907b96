"""Count who is seen beside whom and write the network."""

from pathlib import Path

import pyarrow.parquet as pq

from castgraph import network
from castgraph.base import tables
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    settings = snakemake.params.network
    people = pq.read_table(snakemake.input.people)
    pairs = network.cooccurrences(
        pq.read_table(snakemake.input.faces, columns=["broadcast", "frame"]),
        pq.read_table(snakemake.input.labels)["label"].to_numpy(),
        frame_seconds=snakemake.params.frame_seconds,
        same_frame_weight=settings["same_frame_weight"],
        adjacent_weight=settings["adjacent_weight"],
        memory_limit=f"{snakemake.resources.mem_mb // 2}MB",  # the other half is for the tables
        scratch=snakemake.resources.tmpdir,
    )
    published = settings["mode"] == "as_published"
    top = None if settings["top_edges"] == "all" else settings["top_edges"]
    kept = network.as_published(pairs) if published else network.strongest(pairs, top)
    graph = network.build(
        kept,
        people,
        frame_url=snakemake.params.frame_url,
        community_method=settings["communities"],
        layout_method=settings["layout"],
        seed=settings["seed"],
    )
    facts = tables.provenance("network", settings, n_pairs=pairs.num_rows, n_edges=kept.num_rows)
    nodes, edges = Path(snakemake.output.nodes), Path(snakemake.output.edges)
    if published:
        network.write_as_published(kept, people, nodes, edges)
    else:
        network.write_csv(graph, nodes, edges)
    network.write_gexf(graph, Path(snakemake.output.gexf))
    network.write_graphml(graph, Path(snakemake.output.graphml))
    tables.write(snakemake.output.pairs, pairs, facts)
