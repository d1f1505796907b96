"""Tell which pairs hold over the clusterings of the run."""

from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.run.holds import write_holds

with joblog(snakemake.log[0]):
    write_holds(Path(snakemake.output[0]), snakemake.params.clusterings, snakemake.params.others)
