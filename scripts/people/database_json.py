"""Write every face with its person, box and embedding, one JSON object a line."""

from pathlib import Path

import pyarrow.parquet as pq

from castgraph.base.joblog import joblog
from castgraph.people import write_database_json

with joblog(snakemake.log[0]):
    labels = pq.read_table(snakemake.input.labels)["label"].to_numpy()
    write_database_json(Path(snakemake.output[0]), Path(snakemake.input.faces), labels)
