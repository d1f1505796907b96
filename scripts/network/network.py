"""Count who is seen beside whom and write the network."""

import sys
from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.run.network import Given, write_network

with joblog(snakemake.log[0]):
    # igraph loads it in order to draw, where it is there, and takes longer for that than for all the rest.
    sys.modules["matplotlib"] = None
    given = snakemake.input
    write_network(
        Path(snakemake.output.pairs).parent,
        Given(
            *map(Path, (given.selected, given.faces, given.frames, given.members, given.people)),
            *(Path(path) if path else None for path in (given.replays, given.suspects)),
        ),
        snakemake.params.network,
        snakemake.params.links,
        min_seconds=snakemake.params.min_seconds,
        memory_limit=f"{snakemake.resources.mem_mb // 2}MB",  # the other half is for the tables
        scratch=snakemake.resources.tmpdir,
    )
