"""Score the clusterings of the run without labels, and draw the scores."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.pages.sweep import draw
from castgraph.run.scores import PLACE_COLUMNS, score

with joblog(snakemake.log[0]):
    clusterings = snakemake.params.clusterings
    paths = dict(zip(clusterings, snakemake.input.labels, strict=True))
    found = score(
        tables.read(snakemake.input.faces, tables.MERGED_FACES, PLACE_COLUMNS),
        clusterings,
        lambda name: tables.read_labels(paths[name], snakemake.input.faces),
    )
    facts = tables.provenance(
        "scores", {"clusterings": clusterings}, recommended=found.recommended, reason=found.reason
    )
    tables.write(snakemake.output.table, found.sweep, facts, tables.SWEEP)
    tables.write(snakemake.output.changes, found.changes, facts, tables.SWEEP_CHANGES)
    title = f"Scores of the clusterings of {snakemake.wildcards.run}"
    draw(found.sweep, found.changes, found.reason, snakemake.output.html, snakemake.output.png, title=title)
