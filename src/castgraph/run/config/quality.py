"""The section ``quality``: which faces count."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Section


class Quality(Section):
    """Which faces count, and which can found a person. Applied after encoding: all stay in the tables."""

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
    founding_min_face_px: Annotated[int, Field(ge=0), WHOLE] | None = Field(
        None,
        description="Least size, in pixels, of a face that can found a person; `null` for what fits the "
        "detector: 40 for `centerface`, 0 for the others. Smaller ones can only join a person whom "
        "others have found. It is the shorter side of the box, as in `min_face_px`.",
    )
    founding_min_score: float | None = Field(
        None,
        description="Least score of a face that can found a person; `null` takes every score.",
    )
    founding_min_sharpness: float | None = Field(
        None,
        ge=0,
        description="Least sharpness of a face that can found a person; `null` takes every one.",
    )
    founding_max_turn: float | None = Field(
        None,
        ge=0,
        description="Most that a face may be turned to a side to found a person; `null` takes every one. It "
        "is 0 for a face that looks into the camera and 1 where the nose is below an eye.",
    )
