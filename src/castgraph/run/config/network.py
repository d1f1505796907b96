"""The section ``network``: who counts as seen beside whom, and how that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.network.layers import LAYERS, TESTED, WEIGHTS, Layer
from castgraph.run.config.fields import SECONDS, WHOLE, Distinct, Section


class Network(Section):
    """Who is seen beside whom."""

    mode: Literal["standard", "as_published"] = Field(
        "standard",
        description="`standard`, or `as_published` for the files of the published study. That writes "
        "`nodes.csv` and `edges.csv` as the study had them: pairs in one frame only, weight 2 × same_frame, "
        "the strongest 1,001 edges. `as_published.html` shows the corrected network beside it, for which "
        "alone `top_edges`, `significant` and `exclude` count then; `layers` and the weights do not.",
    )
    top_edges: Annotated[int, Field(ge=1), WHOLE] | Literal["all"] = Field(
        1000,
        description="How many of the strongest edges the network keeps, or `all`. `edges.parquet` always "
        "holds all.",
    )
    layers: Distinct[Layer] = Field(
        list(LAYERS),
        description="Which layers make up the network: `same_frame`, `adjacent`, `within` and "
        "`same_broadcast`. Only their counts are in the exports, and only they weigh; `edges.parquet` counts "
        "all of them. See docs/reading-results.md.",
    )
    within: Annotated[float, Field(ge=0, le=60), SECONDS] = Field(
        8,
        description="How many seconds apart two people may be seen to count as `within`, such as `8` or "
        "`8s`. It is rounded down to whole frames.",
    )
    same_frame_weight: float = Field(
        2, ge=0, description="What a frame that shows both people adds to the weight of their edge."
    )
    adjacent_weight: float = Field(
        1, ge=0, description="What a frame that shows one, with the other in the frame before, adds."
    )
    within_weight: float = Field(
        0,
        ge=0,
        description="What a frame that shows one, with the other in it or at most `within` before, adds. It "
        "comes on top of the others.",
    )
    same_broadcast_weight: float = Field(
        0,
        ge=0,
        description="What a broadcast that shows both adds. Above 0, all pairs that share a broadcast are in "
        "`edges.parquet`; in a year these are millions.",
    )
    significant: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Keep only edges that are more than chance: the largest q of one that the network "
        "keeps, such as `0.05`; `null` keeps all. It is the q of `same_frame` or of `same_broadcast`, of "
        "those of the two that weigh; see docs/reading-results.md.",
    )
    exclude: list[str] = Field(
        [],
        description="People who are left out of the network, by ID or name. The tables of people and pairs "
        "keep them.",
    )
    always_on: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        0.15,
        description="A second network leaves out those who are on air in more than this share of all frames "
        "that were read, such as the host: it shows who is tied beside them. 0.15 is nine minutes of an "
        "hour; `null` makes none.",
    )
    compare: list[str] = Field(
        [],
        description="Folders of clusterings of other runs with the same broadcasts, such as "
        "`results/other/linkage-0.52` by another detector: `holds.parquet` tells which pairs are there, too.",
    )
    period: Literal["day", "week"] = Field(
        "week",
        description="What the network over time is divided by: `day` or `week`. That is `dynamic.gexf` and "
        "`centrality.parquet`; weeks are from Monday to Sunday, all in UTC.",
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
        """Tell when no edge has a weight, or when none can be compared with chance."""
        if self.mode == "as_published":
            return
        of_each = {layer: getattr(self, f"{layer}_weight") for layer in LAYERS if layer in self.layers}
        weighing = [layer for layer, weight in of_each.items() if weight]
        if not weighing:
            first, *others = [layer for layer in of_each if layer in WEIGHTS] or list(of_each)
            same = f", as {' and '.join(f'{layer}_weight' for layer in others)}" if others else ""
            yield (
                f"{first}_weight",
                f"found 0{same}; allowed: {'one of them above 0' if others else 'above 0'}",
            )
        elif self.significant is not None and not TESTED.keys() & set(weighing):
            yield (
                "significant",
                f"found {self.significant:g}, where the weight is of {' and '.join(weighing)} alone; "
                f"allowed: null, for only {' and '.join(TESTED)} are compared with chance",
            )
