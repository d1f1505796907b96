"""Show the network as published beside the corrected one, and what differs."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.network.layers import CORRECTED
from castgraph.network.variants import PUBLISHED
from castgraph.pages.published import write_published

with joblog(snakemake.log[0]):
    published, corrected, *_ = map(Path, snakemake.input.pictures)
    write_published(
        Path(snakemake.output[0]),
        {PUBLISHED: published, CORRECTED: corrected},
        snakemake.params.network,
        min_seconds=snakemake.params.min_seconds,
    )
