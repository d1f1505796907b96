"""Group the faces of the run into people."""

import pyarrow as pa
import pyarrow.parquet as pq

from castgraph import tables
from castgraph.clustering import dbscan
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    settings = {"eps": snakemake.params.eps, "min_samples": snakemake.params.min_samples}
    embeddings = tables.embeddings(pq.read_table(snakemake.input.faces, columns=["embedding"])["embedding"])
    labels = dbscan(embeddings, **settings, threads=snakemake.threads)
    facts = tables.provenance(
        "cluster",
        settings,
        n_faces=len(labels),
        n_people=int(labels.max(initial=tables.NOISE)) + 1,
        n_noise=int((labels == tables.NOISE).sum()),
    )
    tables.write(snakemake.output.labels, pa.table({"label": labels}, schema=tables.LABELS), facts)
