"""The section ``network``: who counts as seen beside whom, and how that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Section


class Network(Section):
    """Who is seen beside whom."""

    mode: Literal["standard", "as_published"] = Field(
        "standard",
        description="`standard`, or `as_published` for the files of the published study. That writes "
        "`nodes.csv` and `edges.csv` as the study had them: pairs in one frame only, weight 2 × same_frame, "
        "the strongest 1,001 edges. `top_edges` and the weights do not count then.",
    )
    top_edges: Annotated[int, Field(ge=1), WHOLE] | Literal["all"] = Field(
        1000,
        description="How many of the strongest edges the network keeps, or `all`. `edges.parquet` always "
        "holds all.",
    )
    same_frame_weight: float = Field(
        2, ge=0, description="What a frame that shows both people adds to the weight of their edge."
    )
    adjacent_weight: float = Field(
        1, ge=0, description="What a frame that shows one, with the other in the frame before, adds."
    )
    count_replays: Literal["always", "once"] = Field(
        "always",
        description="How often faces count in footage that is on air again: `always`, or `once`, the first "
        "time. `once` holds for meetings, edges, graph files, picture and `screen_time.parquet`; "
        "`people.parquet`, sightings and appearances always tell what was on air. What is on air again is "
        "listed in `replays.parquet`.",
    )
    communities: Literal["leiden", "louvain"] = Field(
        "leiden", description="How communities are found: `leiden` or `louvain` (modularity, weighted)."
    )
    layout: Literal["forceatlas2", "fruchterman_reingold"] = Field(
        "forceatlas2", description="How nodes are placed: `forceatlas2` or `fruchterman_reingold`."
    )
    seed: Annotated[int, Field(ge=0, le=4294967295), WHOLE] = Field(
        42, description="Seed of communities and layout: the same seed gives the same picture."
    )
    picture_people: Annotated[int, Field(ge=2, le=200), WHOLE] = Field(
        80, description="Most people on the picture, by PageRank."
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell when no edge has a weight."""
        if not self.same_frame_weight and not self.adjacent_weight:
            yield "same_frame_weight", "found 0, as adjacent_weight; allowed: one of them above 0"
