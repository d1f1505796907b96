"""Show the network as published beside the corrected one, and what differs."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.pages.published import write_published

with joblog(snakemake.log[0]):
    write_published(
        Path(snakemake.output[0]), snakemake.params.network, min_seconds=snakemake.params.min_seconds
    )
