"""Write every face with its person, box and embedding, one JSON object a line."""

from pathlib import Path

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.people.database import write_database_json

with joblog(snakemake.log[0]):
    labels = tables.read_labels(snakemake.input.labels, snakemake.input.faces)
    write_database_json(Path(snakemake.output[0]), Path(snakemake.input.faces), labels)
