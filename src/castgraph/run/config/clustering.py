"""The section ``clustering``: how faces are grouped into people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.run.config.fields import DECIMALS, WHOLE, Distinct, Section

Algorithm = Literal["linkage", "dbscan", "hdbscan", "chinese_whispers", "iterative"]
Eps = Annotated[float, Field(gt=0, le=2), DECIMALS]


class Clustering(Section):
    """How faces are grouped into people; each clustering has a folder of its own."""

    algorithm: Distinct[Algorithm] = Field(
        ["linkage"],
        description="`linkage`, `dbscan`, `hdbscan`, `chinese_whispers`, `iterative`, or a list of them. "
        "`hdbscan` has no eps, and its folder is named after `min_samples` (`hdbscan-5`); the others have "
        "one folder an eps (`linkage-0.52`, `eps-0.40` for `dbscan`, `iterative-0.46`, "
        "`chinese_whispers-0.48`).",
    )
    eps: Distinct[Eps] | None = Field(
        None,
        description="How near two faces, or groups of faces, of one person are; `null` for what fits the "
        "algorithm. It is a distance in the space of embeddings: of `linkage` the mean distance up to which "
        "groups are merged (0.52), of `dbscan` the radius (0.40), of `chinese_whispers` the distance below "
        "which two faces are neighbours (0.48), of `iterative` the eps of the first round (0.46). Not used "
        "by `hdbscan`. Each value gets its own folder. Adding one encodes nothing again, and clusters "
        "nothing else again.",
    )
    min_samples: Annotated[int, Field(ge=1), WHOLE] | None = Field(
        None,
        description="Fewest faces of a person; `null` for 3 in runs of fewer than 20,000 faces and 5 in "
        "others. Who appears less often is noise. For `dbscan` and `iterative` it is the number of faces "
        "within eps, itself included, that make a face a core of a person; for `hdbscan`, which needs at "
        "least 2, both.",
    )

    adapt: Literal["triplet", "correlation"] | None = Field(
        None,
        description="Whether embeddings are first mapped so that faces of one person in neighbouring frames "
        "come nearer, and those of two people in one frame stay apart: `triplet` and `correlation` are two "
        "ways to learn the map from the run itself; `null` for none. It needs recordings with "
        "`archive.frame_seconds` of 1 or less to learn from, and may help or not: compare.",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what HDBSCAN does not take."""
        if "hdbscan" in self.algorithm and self.min_samples == 1:
            yield "min_samples", f"found {self.min_samples}; allowed: at least 2 with hdbscan"
