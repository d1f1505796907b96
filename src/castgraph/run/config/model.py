"""The whole configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from castgraph.run.config.archive import Archive
from castgraph.run.config.broadcasts import Broadcasts
from castgraph.run.config.clustering import Clustering
from castgraph.run.config.compute import Compute
from castgraph.run.config.explorer import Explorer
from castgraph.run.config.export import Export
from castgraph.run.config.faces import Faces
from castgraph.run.config.fields import Section, matching
from castgraph.run.config.labelling import Labelling
from castgraph.run.config.network import Network
from castgraph.run.config.people import People
from castgraph.run.config.quality import Quality
from castgraph.run.config.transcripts import Transcripts
from castgraph.run.config.visual import Visual
from castgraph.run.names import EPS

_OURS = (
    *("faces", "frames", "logs", "benchmarks", "inventory", "download", "unzip", "encode"),
    *("fetched", "unzipped", "encoded", "ledger", "transcript", "visual"),
)
"""Folders of results that belong to no run; those of logs and benchmarks lie beside folders of runs, too."""

RunName = Annotated[
    str,
    matching(
        rf"(?!(?:{'|'.join(_OURS)})$)[A-Za-z0-9][A-Za-z0-9._-]{{0,79}}",
        "letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 80 characters; not "
        f"{', '.join(_OURS)}, which are folders of results",
    ),
]


class Config(Section):
    """One file is one run. config/README.md explains every key."""

    run: RunName = Field(description="Names the run; its results lie in `results/{run}/`.")
    broadcasts: Broadcasts
    archive: Archive = Archive()
    faces: Faces = Faces()
    quality: Quality = Quality()
    clustering: Clustering = Clustering()
    people: People = People()
    network: Network = Network()
    transcripts: Transcripts = Transcripts()
    visual: Visual = Visual()
    labelling: Labelling = Labelling()
    explorer: Explorer = Explorer()
    export: Export = Export()
    compute: Compute = Compute()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell where the default of eps would be dlib's and the embedder is not."""
        needs_eps = EPS.keys() & set(self.clustering.algorithm)
        if self.faces.embedder and self.clustering.eps is None and needs_eps:
            yield (
                "clustering.eps",
                "found null; allowed: a distance or a list of them with faces.embedder, whose embeddings "
                "have a scale of their own (begin with [0.7, 0.8, 0.9, 1.0, 1.1]; a range is then proposed, "
                "see docs/models.md)",
            )
