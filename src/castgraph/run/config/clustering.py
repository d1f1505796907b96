"""The section ``clustering``: how faces are grouped into people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.run.config.fields import DECIMALS, WHOLE, Distinct, Section

Algorithm = Literal["dbscan", "hdbscan", "chinese_whispers", "iterative"]
Eps = Annotated[float, Field(gt=0, le=2), DECIMALS]


class Clustering(Section):
    """How faces are grouped into people; each clustering has a folder of its own."""

    algorithm: Distinct[Algorithm] = Field(
        ["dbscan"],
        description="`dbscan`, `hdbscan`, `chinese_whispers`, `iterative`, or a list of them. `hdbscan` has "
        "no eps, and its folder is named after `min_samples` (`hdbscan-5`); the others have one folder an "
        "eps (`eps-0.40` for `dbscan`, `iterative-0.40`, `chinese_whispers-0.40`).",
    )
    eps: Distinct[Eps] = Field(
        [0.4],
        description="DBSCAN's radius; each value gets its own folder, `eps-0.40`. It is a distance in the "
        "space of embeddings. Adding one encodes nothing again, and clusters nothing else again. For "
        "`chinese_whispers` the distance below which two faces are neighbours; for `iterative` the eps of "
        "the first round (0.45 or 0.50 are good starts). Not used by `hdbscan`.",
    )
    min_samples: Annotated[int, Field(ge=1), WHOLE] = Field(
        5,
        description="Faces within eps, itself included, that make a face a core of a person. Fewer "
        "appearances than this are noise. For `hdbscan` also the fewest faces of a person (at least 2); for "
        "`chinese_whispers` only that.",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what HDBSCAN does not take."""
        if "hdbscan" in self.algorithm and self.min_samples < 2:
            yield "min_samples", f"found {self.min_samples}; allowed: at least 2 with hdbscan"
