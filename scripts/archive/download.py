"""Fetch the ZIP of one broadcast or make it of a recording, or note that there is none."""

from pathlib import Path

from castgraph.archive import Limits, fetch_options, obtain
from castgraph.base.files import write_json
from castgraph.base.joblog import joblog
from castgraph.run.frames import FETCHED, note

with joblog(snakemake.log[0]):
    archive = snakemake.config["archive"]
    frames = snakemake.params.frames
    obtained = obtain(
        archive["base_url"],
        snakemake.wildcards.broadcast,
        Path(snakemake.output.zip),
        source=frames["source"],
        frame_seconds=archive["frame_seconds"],
        picture_numbers=archive["picture_numbers"],
        programme=archive["programme"],
        limits=Limits.of(archive),
        threads=snakemake.threads,
        give_up=archive["give_up"],
        **fetch_options(snakemake.config["compute"], Path(snakemake.params.pace)),
    )
    note(Path(snakemake.params.record), FETCHED, frames["limits"], archive, obtained.needed)
    found = {"status": obtained.status, "reason": obtained.reason}
    write_json(snakemake.output.receipt, {key: frames[key] for key in ("source", "asked")} | found)
