"""Unpack the frames of one broadcast and check every entry."""

from pathlib import Path

from castgraph.archive import Limits, unzip, write_manifest
from castgraph.files import atomic_directory
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    with atomic_directory(snakemake.output.frames) as folder:
        manifest = unzip(
            Path(snakemake.input[0]), snakemake.wildcards.broadcast, folder, Limits(**snakemake.params.limits)
        )
    write_manifest(Path(snakemake.output.manifest), manifest)
