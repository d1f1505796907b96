"""Describe every person: screen time, first and last seen, best face."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.faces.times import face_times
from castgraph.people.table import COLUMNS, people_table

with joblog(snakemake.log[0]):
    settings = {"frame_seconds": snakemake.params.frame_seconds}
    faces = tables.read(snakemake.input.faces, tables.MERGED_FACES, COLUMNS)
    embeddings = tables.open_embeddings(snakemake.input.faces)
    labels = tables.read_labels(snakemake.input.labels, snakemake.input.faces)
    times = face_times(snakemake.input.faces, snakemake.input.frames)
    people = people_table(faces, embeddings, labels, times, **settings)
    facts = tables.provenance("people", settings, n_people=people.num_rows)
    tables.write(snakemake.output.people, people, facts, tables.PEOPLE)
