"""Embed the frames of one broadcast as wholes."""

from pathlib import Path

from castgraph.archive import Limits
from castgraph.base import files, tables
from castgraph.base.joblog import joblog
from castgraph.visual.embed import embed, is_worse
from castgraph.visual.embedder import load
from castgraph.visual.ocr import reader

with joblog(snakemake.log[0]):
    settings = snakemake.config["visual"]
    embedder = load(settings, snakemake.config["compute"]["providers"])
    embedded = embed(
        Path(snakemake.input.zip),
        snakemake.wildcards.broadcast,
        embedder,
        Limits.of(snakemake.config["archive"]),
        reader(settings["ocr_languages"]) if settings["ocr"] else None,
    )
    facts = tables.provenance(
        "visual",
        snakemake.params.settings,
        models=dict(embedder.models),
        n_frames=embedded.table.num_rows,
        n_embedded=embedded.n_embedded,
        n_alike=embedded.n_alike,
        status=embedded.status,
        reason=embedded.reason,
    )
    if not is_worse(embedded, snakemake.output.table):
        tables.write(snakemake.output.table, embedded.table, facts, tables.visual(embedder.size))
    files.write_json(snakemake.output.receipt, facts)
