"""Show the broadcasts that are not what their title says, and what each is like instead."""

from pathlib import Path

from castgraph.archive import frame_links, read_selection
from castgraph.archive.media.frames import opener
from castgraph.base.joblog import joblog
from castgraph.pages.labelling import Shown, write_labelling
from castgraph.visual.pictures import hidden_faces

with joblog(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    selected = read_selection(Path(given.selected))
    opened = opener(
        selected,
        Path(params.zips),
        snakemake.config,
        scratch=Path(snakemake.resources.tmpdir),
        pace=Path(params.pace),
    )
    write_labelling(
        Path(snakemake.output[0]),
        Path(given.suspects).parent,
        of=f"{snakemake.wildcards.run}, {snakemake.wildcards.clustering}",
        left_out=params.left_out,
        back="../report.html",
        shown=Shown(
            opened,
            Path(given.frames),
            hidden_faces(given.faces, given.frames, given.members),
            frame_links(selected, **params.links),
            Path(given.portraits) if given.portraits else None,
            "explorer/index.html" if params.explorer else "",
        ),
    )
