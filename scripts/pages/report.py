"""Put the run into one page."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.pages.report import write_report

with joblog(snakemake.log[0]):
    write_report(
        Path(snakemake.output[0]),
        snakemake.params.clusterings,
        snakemake.params.config,
        with_words=bool(snakemake.input.words),
    )
