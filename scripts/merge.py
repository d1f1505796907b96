"""Join the tables of all broadcasts of the run."""

from pathlib import Path

from castgraph.faces import Quality, merge
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    merge(
        list(zip(map(Path, snakemake.input.faces), map(Path, snakemake.input.frames), strict=True)),
        broadcasts=Path(snakemake.output.broadcasts),
        faces=Path(snakemake.output.faces),
        frames=Path(snakemake.output.frames),
        quality=Quality(**snakemake.params.quality),
        settings={"encoder": snakemake.params.encoder},
    )
