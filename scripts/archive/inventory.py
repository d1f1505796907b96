"""Fetch the list of shows of one station and day."""

from datetime import UTC, datetime
from pathlib import Path

from castgraph.archive import fetch_inventory, fetch_options
from castgraph.base.files import write_json
from castgraph.base.joblog import joblog
from castgraph.run import inventories

with joblog(snakemake.log[0]):
    archive = snakemake.config["archive"]
    began = datetime.now(UTC)
    inventory = fetch_inventory(
        archive["base_url"],
        snakemake.wildcards.station,
        datetime.strptime(snakemake.wildcards.day, "%Y%m%d").date(),
        Path(snakemake.output.inventory),
        **fetch_options(snakemake.config["compute"], Path(snakemake.params.pace)),
    )
    inventories.note(Path(snakemake.params.record), snakemake.params.edition, began)
    receipt = {"status": inventory.status, "reason": inventory.reason, "asked": snakemake.params.asked}
    write_json(snakemake.output.receipt, receipt)
