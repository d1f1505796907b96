"""Tell which labels and groups of pictures each person is seen with."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.visual.seen_with import seen_with

with joblog(snakemake.log[0]):
    found = seen_with(snakemake.input.frames, snakemake.input.sightings)
    tables.write(snakemake.output[0], found, tables.provenance("seen_with", {}), tables.SEEN_WITH)
