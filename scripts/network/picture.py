"""Draw the network, with portraits as nodes."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.network.export import read_graphml
from castgraph.network.picture import draw

with joblog(snakemake.log[0]):
    draw(
        read_graphml(Path(snakemake.input.graph)),
        Path(snakemake.input.portraits) if snakemake.input.portraits else None,
        Path(snakemake.output.png),
        Path(snakemake.output.svg),
        max_people=snakemake.params.people,
        title=f"Who is seen beside whom: {snakemake.wildcards.run}",
    )
