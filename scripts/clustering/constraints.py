"""Find the pairs of faces of which frames tell whether they are one person."""

import logging

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.run.constraints import constraint_table, proposed
from castgraph.run.counted import read_counted

with joblog(snakemake.log[0]):
    table, facts = constraint_table(read_counted(snakemake.input.faces))
    logging.getLogger(__name__).info(proposed(facts))
    tables.write(
        snakemake.output.table, table, tables.provenance("constraints", {}, **facts), tables.CONSTRAINTS
    )
