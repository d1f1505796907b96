"""Score the clusterings of the run without labels, and draw the scores."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.pages.sweep import draw
from castgraph.run.constraints import must_links, out_of_range
from castgraph.run.scores import PLACE_COLUMNS, score

with joblog(snakemake.log[0]):
    paths = dict(zip(snakemake.params.clusterings, snakemake.input.labels, strict=True))
    # As they were made: what the configuration leaves open, the run has decided.
    clusterings = {name: tables.read_provenance(path)["settings"] for name, path in paths.items()}
    faces = tables.read(snakemake.input.faces, tables.MERGED_FACES, PLACE_COLUMNS)
    constraints = tables.read(snakemake.input.constraints, tables.CONSTRAINTS)
    found = score(
        faces,
        clusterings,
        lambda name: tables.read_labels(paths[name], snakemake.input.faces),
        must_links(constraints, faces),
    )
    beware = out_of_range(
        tables.read_provenance(snakemake.input.constraints),
        [settings["eps"] for settings in clusterings.values() if "eps" in settings],
    )
    facts = tables.provenance(
        "scores",
        {"clusterings": clusterings},
        recommended=found.recommended,
        reason=found.reason,
        out_of_range=beware,
    )
    tables.write(snakemake.output.table, found.sweep, facts, tables.SWEEP)
    tables.write(snakemake.output.changes, found.changes, facts, tables.SWEEP_CHANGES)
    title = f"Scores of the clusterings of {snakemake.wildcards.run}"
    told = f"{found.reason} {beware}".strip()
    draw(found.sweep, found.changes, told, snakemake.output.html, snakemake.output.png, title=title)
