"""List what the lists and folders of the configuration hold and the run does not take."""

from pathlib import Path

from castgraph.archive import LeftAlone, write_left_alone
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    left = [LeftAlone(*each) for each in snakemake.params.left_alone]
    write_left_alone(Path(snakemake.output[0]), left)
