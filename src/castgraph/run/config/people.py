"""The section ``people``: what is shown of every person."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Section


class People(Section):
    """What is shown of every person."""

    portraits: bool = Field(True, description="Make a portrait and a contact sheet of every person.")
    portrait_px: Annotated[int, Field(ge=32, le=1024), WHOLE] = Field(
        192, description="Width and height of a portrait, in pixels."
    )
    sheet_faces: Annotated[int, Field(ge=0, le=500), WHOLE] = Field(
        48, description="Most faces on a contact sheet; 0 makes none."
    )
