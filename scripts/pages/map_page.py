"""Put the map of the pictures into a page that opens by a double click."""

from pathlib import Path

from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog
from castgraph.pages.map.folder import Given, write_map_page

with joblog(snakemake.log[0]), atomic_directory(snakemake.output.folder) as folder:
    given = Given(
        Path(snakemake.input.faces).parent,
        snakemake.params.clustering,
        {Path(path).stem: path for path in snakemake.input.embedded},
        snakemake.params.embedder,
    )
    write_map_page(Path(snakemake.output.page), folder, given, snakemake.params.settings)
