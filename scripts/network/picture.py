"""Draw the network, with portraits as nodes."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.network.export import read_graphml
from castgraph.network.picture import draw

with joblog(snakemake.log[0]):
    portraits = Path(snakemake.input.portraits) if snakemake.input.portraits else None
    given, drawn = snakemake.input.graphs, snakemake.output
    for graph, png, svg, title in zip(given, drawn.png, drawn.svg, snakemake.params.titles, strict=True):
        draw(
            read_graphml(Path(graph)),
            portraits,
            Path(png),
            Path(svg),
            max_people=snakemake.params.people,
            title=f"{title}: {snakemake.wildcards.run}",
        )
