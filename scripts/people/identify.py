"""Tell who is who: people keep the IDs that they had."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.people.record import Written, write_people

with joblog(snakemake.log[0]):
    given = {name: Path(snakemake.input[name]) for name in ("faces", "frames", "labels")}
    write_people(
        Written(*map(Path, snakemake.output)),
        **given,
        known=Path(snakemake.params.register),
        follow=Path(snakemake.input.follow[0]) if snakemake.input.follow else None,
        frame_seconds=snakemake.params.frame_seconds,
    )
