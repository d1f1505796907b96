"""Put a clustering into a folder of pages in which every number leads to its frames."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from castgraph.archive import Limits, fetch_options, read_selection
from castgraph.archive.media.frames import frames_of
from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog
from castgraph.pages.explorer.folder import write_explorer

archive = snakemake.config["archive"]
selected = {row.broadcast: row for row in read_selection(Path(snakemake.input.selected))}


def opened(broadcast: str) -> AbstractContextManager[Callable[[int], bytes]]:
    row = selected[broadcast]
    return frames_of(
        broadcast,
        Path(snakemake.params.zips) / row.origin / f"{broadcast}.zip",
        row.source,
        base_url=archive["base_url"],
        scratch=Path(snakemake.resources.tmpdir),
        limits=Limits.of(archive),
        **{key: archive[key] for key in ("frame_seconds", "picture_numbers", "programme")},
        **fetch_options(snakemake.config["compute"], Path(snakemake.params.pace)),
    )


with joblog(snakemake.log[0]), atomic_directory(snakemake.output[0]) as folder:
    write_explorer(
        folder,
        Path(snakemake.input.faces).parent,
        snakemake.wildcards.clustering,
        snakemake.params.settings,
        opened,
        workers=snakemake.threads,
        with_words=bool(snakemake.input.words),
        suspects=Path(snakemake.input.suspects) if snakemake.input.suspects else None,
        back="../../report.html",
    )
