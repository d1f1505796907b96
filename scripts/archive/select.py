"""List the broadcasts of the run: those that the configuration names, or those of the inventories."""

from pathlib import Path

from castgraph.archive import Choice, listed, read_inventory, select, write_inventory_report, write_selection
from castgraph.base.joblog import joblog

with joblog(snakemake.log[0]):
    if sources := snakemake.params.get("listed"):
        chosen = listed(sources)
    else:
        inventories = [read_inventory(Path(path)) for path in snakemake.input.inventories]
        write_inventory_report(Path(snakemake.output.inventories), inventories)
        chosen = select(inventories, Choice(**snakemake.params.choice))
    write_selection(Path(snakemake.output.selected), chosen)
