"""Draw the network, with portraits as nodes."""

from pathlib import Path

from castgraph import network
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    network.draw(
        network.read_graphml(Path(snakemake.input.graph)),
        Path(snakemake.input.portraits) if snakemake.input.portraits else None,
        Path(snakemake.output.png),
        Path(snakemake.output.svg),
        max_people=snakemake.params.people,
        title=f"Who is seen beside whom: {snakemake.wildcards.run}",
    )
