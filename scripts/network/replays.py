"""Find the footage that is on air again."""

from collections import Counter

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.network.replays import read_stills, replays
from castgraph.run.counted import scale_of

with joblog(snakemake.log[0]):
    given, frame_seconds = snakemake.input, snakemake.params.frame_seconds
    found = replays(read_stills(given.frames, given.faces, scale_of(given.faces)), frame_seconds)
    kinds = Counter(found["kind"].to_pylist())
    facts = tables.provenance("replays", {"frame_seconds": frame_seconds}, kinds=kinds)
    tables.write(snakemake.output[0], found, facts, tables.REPLAYS)
