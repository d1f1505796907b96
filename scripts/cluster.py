"""Group the faces of the run into people."""

from functools import partial

import pyarrow as pa

from castgraph import tables
from castgraph.clustering import dbscan, label_faces
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    settings = {"eps": snakemake.params.eps, "min_samples": snakemake.params.min_samples}
    labels = label_faces(snakemake.input.faces, partial(dbscan, **settings, threads=snakemake.threads))
    n_set_aside = tables.read_provenance(snakemake.input.faces)["n_set_aside"]
    facts = tables.provenance(
        "cluster",
        settings,
        n_faces=len(labels),
        n_set_aside=n_set_aside,
        n_people=int(labels.max(initial=tables.NOISE)) + 1,
        n_noise=int((labels == tables.NOISE).sum()) - n_set_aside,
    )
    tables.write(snakemake.output.labels, pa.table({"label": labels}, schema=tables.LABELS), facts)
