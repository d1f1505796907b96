"""List the broadcasts of the run: those that the configuration names, or those of the inventories."""

from pathlib import Path

from castgraph.archive import listed, read_inventory, select, write_inventory_report, write_selection
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    if ids := snakemake.params.get("listed"):
        chosen = listed(ids)
    else:
        inventories = [read_inventory(Path(path)) for path in snakemake.input.inventories]
        write_inventory_report(Path(snakemake.output.inventories), inventories)
        chosen = select(inventories, snakemake.params.title)
    write_selection(Path(snakemake.output.selected), chosen)
