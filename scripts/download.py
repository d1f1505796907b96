"""Fetch the ZIP of one broadcast, or note that the archive has none."""

from pathlib import Path

from castgraph.archive import download
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    archive = snakemake.config["archive"]
    download(
        archive["base_url"],
        snakemake.wildcards.broadcast,
        Path(snakemake.output[0]),
        attempts=archive["attempts"],
        timeout=archive["timeout"],
    )
