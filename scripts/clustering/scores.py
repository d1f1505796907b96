"""Score the clusterings of the run without labels, and draw the scores."""

import pyarrow.parquet as pq

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.pages.sweep import draw
from castgraph.run.scores import PLACE_COLUMNS, score

with joblog(snakemake.log[0]):
    clusterings = snakemake.params.clusterings
    paths = dict(zip(clusterings, snakemake.input.labels, strict=True))
    found = score(
        pq.read_table(snakemake.input.faces, columns=list(PLACE_COLUMNS)),
        clusterings,
        lambda name: pq.read_table(paths[name])["label"].to_numpy(),
    )
    facts = tables.provenance(
        "scores", {"clusterings": clusterings}, recommended=found.recommended, reason=found.reason
    )
    tables.write(snakemake.output.table, found.sweep, facts)
    tables.write(snakemake.output.changes, found.changes, facts)
    title = f"Scores of the clusterings of {snakemake.wildcards.run}"
    draw(found.sweep, found.changes, found.reason, snakemake.output.html, snakemake.output.png, title=title)
