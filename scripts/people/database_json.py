"""Write every face with its person, box and embedding, one JSON object a line."""

from pathlib import Path

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.people.database import write_database_json

with joblog(snakemake.log[0]):
    ids = tables.read(snakemake.input.people, tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    members = tables.read_members(snakemake.input.members, snakemake.input.faces, ids)
    write_database_json(Path(snakemake.output[0]), Path(snakemake.input.faces), members)
