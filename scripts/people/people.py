"""Describe every person: screen time, first and last seen, best face."""

import pyarrow.parquet as pq

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.people import people_table
from castgraph.people.table import COLUMNS

with joblog(snakemake.log[0]):
    settings = {"frame_seconds": snakemake.params.frame_seconds}
    faces = pq.read_table(snakemake.input.faces, columns=list(COLUMNS))
    embeddings = tables.open_embeddings(snakemake.input.faces)
    labels = pq.read_table(snakemake.input.labels)["label"].to_numpy()
    people = people_table(faces, embeddings, labels, **settings)
    tables.write(
        snakemake.output.people, people, tables.provenance("people", settings, n_people=people.num_rows)
    )
