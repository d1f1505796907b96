"""Put a clustering into a folder of pages in which every number leads to its frames."""

from pathlib import Path

from castgraph.archive import read_selection
from castgraph.archive.media.frames import opener
from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog
from castgraph.pages.explorer.folder import write_explorer

with joblog(snakemake.log[0]), atomic_directory(snakemake.output[0]) as folder:
    given = snakemake.input
    opened = opener(
        read_selection(Path(given.selected)),
        Path(snakemake.params.zips),
        snakemake.config,
        scratch=Path(snakemake.resources.tmpdir),
        pace=Path(snakemake.params.pace),
    )
    write_explorer(
        folder,
        Path(given.faces).parent,
        snakemake.wildcards.clustering,
        snakemake.params.settings,
        opened,
        workers=snakemake.threads,
        with_words=bool(given.words),
        embedded={Path(path).stem: path for path in given.embedded},
        suspects=Path(given.suspects) if given.suspects else None,
        back="../../report.html",
    )
