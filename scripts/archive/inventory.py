"""Fetch the list of shows of one station and day."""

from datetime import datetime
from pathlib import Path

from castgraph.archive import fetch_inventory, fetch_options
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    archive = snakemake.config["archive"]
    fetch_inventory(
        archive["base_url"],
        snakemake.wildcards.station,
        datetime.strptime(snakemake.wildcards.day, "%Y%m%d").date(),
        Path(snakemake.output[0]),
        **fetch_options(snakemake.config["compute"], Path(snakemake.output[0]).parent.parent),
    )
