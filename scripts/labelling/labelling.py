"""Show the broadcasts that are not what their title says, and what each is like instead."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from castgraph.archive import Limits, fetch_options, frame_links, read_selection
from castgraph.archive.media.frames import frames_of
from castgraph.base.joblog import joblog
from castgraph.pages.labelling import Shown, write_labelling
from castgraph.visual.pictures import hidden_faces

given, params, archive = snakemake.input, snakemake.params, snakemake.config["archive"]
selected = {row.broadcast: row for row in read_selection(Path(given.selected))}


def opened(broadcast: str) -> AbstractContextManager[Callable[[int], bytes]]:
    row = selected[broadcast]
    return frames_of(
        broadcast,
        Path(params.zips) / row.origin / f"{broadcast}.zip",
        row.source,
        base_url=archive["base_url"],
        scratch=Path(snakemake.resources.tmpdir),
        limits=Limits.of(archive),
        **{key: archive[key] for key in ("frame_seconds", "picture_numbers", "programme")},
        **fetch_options(snakemake.config["compute"], Path(params.pace)),
    )


with joblog(snakemake.log[0]):
    page = Path(snakemake.output[0])
    write_labelling(
        page,
        Path(given.suspects).parent,
        of=f"{snakemake.wildcards.run}, {snakemake.wildcards.clustering}",
        left_out=params.left_out,
        back="../report.html",
        shown=Shown(
            opened,
            Path(given.frames),
            hidden_faces(given.faces, given.frames, given.members),
            frame_links(selected.values(), **params.links),
            Path(given.portraits) if given.portraits else None,
            "explorer/index.html" if params.explorer else "",
        ),
    )
