"""List the broadcasts of the run."""

from pathlib import Path

from castgraph.archive import listed, read_inventory, select, write_inventory_report, write_selection
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    inventories = [read_inventory(Path(path)) for path in snakemake.input.inventories]
    chosen = select(inventories, snakemake.params.title)
    write_inventory_report(Path(snakemake.output.inventories), inventories)
    write_selection(
        Path(snakemake.output.selected),
        chosen if snakemake.params.listed is None else listed(snakemake.params.listed),
    )
