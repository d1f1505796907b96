"""Find the pairs of faces of which frames tell whether they are one person."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.run.constraints import constraint_table
from castgraph.run.counted import read_counted

with joblog(snakemake.log[0]):
    table, counts = constraint_table(read_counted(snakemake.input.faces))
    tables.write(
        snakemake.output.table, table, tables.provenance("constraints", {}, **counts), tables.CONSTRAINTS
    )
