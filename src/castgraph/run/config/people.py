"""The section ``people``: who is who, and what is shown of every person."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Path, Section


class People(Section):
    """Who is who, and what is shown of every person."""

    corrections: Path | None = Field(
        None,
        description="A file of corrections (YAML): who is one person, who is not, names, who is left out. "
        "[Corrections](../docs/people.md#corrections) tells how; `castgraph people` writes it. Its path is "
        "looked for here, then in castgraph's folder.",
    )
    strict: bool = Field(
        False,
        description="Whether a correction that does not apply any more, or contradicts another, stops the "
        "run. Else it is listed, and the run goes on without it.",
    )
    gallery: Path | None = Field(
        None,
        description="A folder with pictures of people you know, `Name/*.jpg` or `Name.jpg`: who looks like "
        "one of them gets the name.",
    )
    max_distance: Annotated[float, Field(gt=0, le=2)] = Field(
        0.45,
        description="How near the middle of a person's faces has to be to a picture of the gallery to get "
        "its name.",
    )
    margin: Annotated[float, Field(ge=0, le=2)] = Field(
        0.05,
        description="How much further the next name of the gallery, or the next person of the same name, has "
        "to be.",
    )
    follow: Path | None = Field(
        None,
        description="The folder of a clustering, such as `results/other/linkage-0.52`, whose people give "
        "their IDs where this one knows none yet. By default the first clustering of the run gives its IDs "
        "to the others, and what was there before gives its IDs to the first.",
    )
    gap_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        12,
        description="The longest gap between two sightings of a person in one appearance, in seconds.",
    )
    min_seconds: Annotated[float, Field(ge=0)] = Field(
        0,
        description="Who is on screen for less is left out of pages, pictures and exports.",
    )
    portraits: bool = Field(True, description="Make a portrait and a contact sheet of every person.")
    portrait_px: Annotated[int, Field(ge=32, le=1024), WHOLE] = Field(
        192, description="Width and height of a portrait, in pixels."
    )
    sheet_faces: Annotated[int, Field(ge=0, le=500), WHOLE] = Field(
        48, description="Most faces on a contact sheet; 0 makes none."
    )
