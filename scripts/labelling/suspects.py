"""Compare stations day by day, and each broadcast with the others of its title."""

from pathlib import Path

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.labelling.found import write_found

with joblog(snakemake.log[0]):
    given = snakemake.input
    people = tables.read(given.people, tables.PEOPLE, ["person_id", "name"]).to_pydict()
    link = frame_links(read_selection(Path(given.selected)), **snakemake.params.links)
    write_found(
        Path(snakemake.output.suspects).parent,
        Path(given.entities),
        **snakemake.params.settings,
        broadcasts=Path(*given.broadcasts) if given.broadcasts else None,
        names=dict(zip(*people.values(), strict=True)),
        link=lambda broadcast: link(broadcast, 1),
        memory=f"{snakemake.resources.mem_mb // 2}MB",
        scratch=snakemake.resources.tmpdir,
    )
