"""Fetch the transcript of one broadcast or read the one beside a recording, or note that there is none."""

from dataclasses import asdict
from pathlib import Path

from castgraph.archive import fetch_options
from castgraph.base.files import write_json
from castgraph.base.joblog import joblog
from castgraph.transcripts.obtain import obtain

with joblog(snakemake.log[0]):
    archive, depends = snakemake.config["archive"], snakemake.params.depends
    found = obtain(
        archive["base_url"],
        snakemake.wildcards.broadcast,
        Path(snakemake.output.transcript),
        source=depends["source"],
        prefer=depends["prefer"],
        give_up=archive["give_up"],
        **fetch_options(snakemake.config["compute"], Path(snakemake.params.pace)),
    )
    told = {key: value for key, value in asdict(found).items() if key != "text"}
    write_json(snakemake.output.receipt, {**told, "asked": depends["asked"]})
