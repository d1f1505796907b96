"""Unpack the frames of one broadcast and check every entry."""

from pathlib import Path

from castgraph.archive import Limits, unzip, write_manifest
from castgraph.base.cores import of_run
from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog
from castgraph.run.frames import UNPACKED, note

with joblog(snakemake.log[0]):
    cores = of_run(snakemake.resources.cores_of_run, snakemake.threads)  # not idle while it unpacks
    zip_path = Path(snakemake.input[0])
    archive = snakemake.config["archive"]
    with atomic_directory(snakemake.output.frames) as folder:
        manifest = unzip(zip_path, snakemake.wildcards.broadcast, folder, Limits.of(archive))
    write_manifest(Path(snakemake.output.manifest), manifest)
    limits = snakemake.params.frames["limits"]
    note(Path(snakemake.params.record), UNPACKED, limits, archive, manifest.needed)
