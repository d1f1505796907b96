"""The section ``explorer``: the pages that open by a double click."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Section


class Explorer(Section):
    """Pages of each clustering that open by a double click; docs/explorer.md tells of them."""

    enabled: bool = Field(True, description="Make an explorer of each clustering.")
    people: Literal["all", "named"] = Field(
        "all",
        description="Of whom it tells: `all`, or `named` for those who have a name. Of others it has no row, "
        "no face and no pair then. Who is below `people.min_seconds` is left out in any case.",
    )
    blur: Literal["none", "others"] = Field(
        "none",
        description="Whose faces are blurred in pictures of frames: `none`, or `others` for everybody whom "
        "the picture is not about. Who is ignored or forgotten is blurred in any case.",
    )
    pairs: Annotated[int, Field(ge=0, le=100000), WHOLE] = Field(
        1500, description="Of how many pairs, the strongest, pictures of frames come along."
    )
    frames: Annotated[int, Field(ge=0, le=20), WHOLE] = Field(
        3,
        description="How many pictures of frames come along of each of these pairs, of about 7 kB each; `0` "
        "for none. All others can be seen with `castgraph explore`, or where the archive shows them.",
    )
