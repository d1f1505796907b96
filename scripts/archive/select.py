"""List the broadcasts of the run: those that the configuration names, or those of the inventories."""

from dataclasses import replace
from pathlib import Path

from castgraph.archive import (
    Choice,
    archive_name,
    listed,
    origin,
    read_inventory,
    select,
    write_inventory_report,
    write_selection,
)
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    archive, sampling = snakemake.params.archive, snakemake.params.sampling
    sources = snakemake.params.get("listed")
    inventories = [] if sources else [read_inventory(Path(path)) for path in snakemake.input.inventories]
    chosen = listed(sources) if sources else select(inventories, Choice(**snakemake.params.choice))
    write_inventory_report(Path(snakemake.output.inventories), inventories, archive_name(archive))
    rows = [replace(row, origin=origin(row.broadcast, row.source, archive, **sampling)) for row in chosen]
    write_selection(Path(snakemake.output.selected), rows)
