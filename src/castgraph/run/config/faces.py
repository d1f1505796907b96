"""The section ``faces``: how faces are found and encoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.run.config.fields import DECIMALS, WHOLE, Section


class Faces(Section):
    """How faces are found and encoded; another value makes other encodings, in a folder of their own."""

    engine: Literal["fast", "reference"] = Field(
        "fast",
        description="`fast`, or `reference`: dlib as the package face_recognition calls it. `fast` finds the "
        "same faces and gives the same embeddings, many times faster.",
    )
    detector: Literal["hog", "cnn"] = Field(
        "hog",
        description="dlib's detector: `hog`, or `cnn`, which is slower and finds more. `hog` finds frontal "
        "faces; `cnn` finds faces turned away, too.",
    )
    upsample: Annotated[int, Field(ge=0, le=2), WHOLE] = Field(
        1,
        description="How often (0 to 2) a frame is doubled in size before detection. Each step finds faces "
        "of half the size and takes four times as long.",
    )
    min_size_px: Annotated[int, Field(ge=0, le=4096), WHOLE] = Field(
        0,
        description="Smaller faces are not looked for; 0 takes all. It is the shorter side of the box, in "
        "pixels of the frame (of a photograph that is made smaller to look for faces, of the smaller one). "
        "`fast` saves the time that they would take; a face just below the limit may "
        "then be found in a box just above it.",
    )
    score_threshold: Annotated[float, Field(ge=-2, le=10), DECIMALS] = Field(
        0,
        description="Least score of the detector; 0 is dlib's own. Below 0 it finds more faces and more "
        "false ones (not for `reference` with `cnn`). To leave poor faces out without encoding again, see "
        "`quality.min_score`.",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what dlib does not offer."""
        if (self.engine, self.detector) == ("reference", "cnn") and self.score_threshold < 0:
            yield (
                "score_threshold",
                f"found {self.score_threshold}; allowed: at least 0 with faces.engine reference and "
                "faces.detector cnn, as dlib offers no lower one",
            )
