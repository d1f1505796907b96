"""The section ``quality``: which faces count."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Section


class Quality(Section):
    """Which faces count. Applied after encoding: faces that fail stay in the tables, set aside."""

    min_face_px: Annotated[int, Field(ge=0), WHOLE] = Field(
        0,
        description="Least size, in pixels of the original frame; 0 takes every size. It is the shorter side "
        "of the box in the face table.",
    )
    min_score: float | None = Field(
        None,
        description="Least score of the detector; `null` takes every score. Those of each "
        "detector are on a scale of its own.",
    )
    min_sharpness: float = Field(
        0,
        ge=0,
        description="Least sharpness (variance of the Laplacian on the chip); 0 takes every one. The chip is "
        "the aligned face.",
    )
