"""Group the frames of the run that are alike."""

from pathlib import Path

from castgraph.base import files, tables
from castgraph.base.joblog import joblog
from castgraph.visual.groups import write_groups

with joblog(snakemake.log[0]):
    settings = {key: snakemake.params[key] for key in ("min_cluster_size", "most")}
    facts = tables.provenance("groups", settings, embedder=snakemake.params.embedder)
    write_groups(
        {Path(path).stem: path for path in snakemake.input.embedded},
        snakemake.input.frames,
        to=Path(snakemake.output.frames).parent,
        facts=facts,
        **settings,
    )
    files.write_json(snakemake.output.receipt, tables.read_provenance(snakemake.output.frames))
