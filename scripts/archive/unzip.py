"""Unpack the frames of one broadcast and check every entry."""

from pathlib import Path

from castgraph.archive import Limits, unzip, write_manifest
from castgraph.base.cores import of_run
from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    cores = of_run(snakemake.resources.cores_of_run, snakemake.threads)  # not idle while it unpacks
    zip_path = Path(snakemake.input[0])
    limits = Limits.of(snakemake.params.limits)
    with atomic_directory(snakemake.output.frames) as folder:
        manifest = unzip(zip_path, snakemake.wildcards.broadcast, folder, limits)
    write_manifest(Path(snakemake.output.manifest), manifest)
