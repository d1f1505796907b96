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
    archive, frame_seconds = snakemake.params.archive, snakemake.params.frame_seconds
    sources = snakemake.params.get("listed")
    inventories = [] if sources else [read_inventory(Path(path)) for path in snakemake.input.inventories]
    chosen = listed(sources) if sources else select(inventories, Choice(**snakemake.params.choice))
    write_inventory_report(Path(snakemake.output.inventories), inventories, archive_name(archive))
    rows = [replace(row, origin=origin(row.broadcast, row.source, archive, frame_seconds)) for row in chosen]
    write_selection(Path(snakemake.output.selected), rows)
