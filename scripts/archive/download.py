"""Fetch the ZIP of one broadcast or make it of a recording, or note that there is none."""

from pathlib import Path

from castgraph.archive import Limits, fetch_options, obtain
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    archive = snakemake.config["archive"]
    destination = Path(snakemake.output[0])
    obtain(
        archive["base_url"],
        snakemake.wildcards.broadcast,
        destination,
        source=snakemake.params.source,
        frame_seconds=archive["frame_seconds"],
        limits=Limits.of(archive),
        threads=snakemake.threads,
        give_up=archive["give_up"],
        **fetch_options(snakemake.config["compute"], destination.parent.parent),
    )
