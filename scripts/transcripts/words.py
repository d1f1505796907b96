"""Tell which words stand out beside each person and each pair."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.transcripts.words import words_table

with joblog(snakemake.log[0]):
    settings = {"frame_seconds": snakemake.params.frame_seconds}
    found, counts = words_table(**snakemake.input, **settings)
    facts = tables.provenance("words", settings, **counts)
    tables.write(snakemake.output[0], found, facts, tables.WORDS)
