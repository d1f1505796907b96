"""Join the tables of all broadcasts of the run."""

from pathlib import Path

from castgraph.base.files import write_json
from castgraph.base.joblog import joblog
from castgraph.faces.merge import merge
from castgraph.faces.quality import Founding, Quality

with joblog(snakemake.log[0]):
    own = {"embedder": snakemake.params.embedder} if snakemake.params.embedder else {}
    facts = merge(
        list(zip(map(Path, snakemake.input.faces), map(Path, snakemake.input.frames), strict=True)),
        broadcasts=Path(snakemake.output.broadcasts),
        faces=Path(snakemake.output.faces),
        frames=Path(snakemake.output.frames),
        quality=Quality(**snakemake.params.quality),
        founding=Founding(**snakemake.params.founding),
        frame_seconds=snakemake.params.frame_seconds,
        settings={"encoder": snakemake.params.encoder, **own},
    )
    write_json(snakemake.output.receipt, facts)
