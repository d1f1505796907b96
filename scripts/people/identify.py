"""Tell who is who: people keep the IDs that they had."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.people.record import Given, Written, write_people

with joblog(snakemake.log[0]):
    # What the configuration does not name is an empty list.
    given = {name: Path(str(snakemake.input[name])) for name in Given._fields if snakemake.input[name]}
    write_people(
        Written(*map(Path, snakemake.output)),
        Given(**given),
        Path(snakemake.params.register),
        **snakemake.params.settings,
    )
