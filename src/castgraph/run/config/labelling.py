"""The section ``labelling``: broadcasts that are not what their title says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.run.config.broadcasts import Weekday, Zone
from castgraph.run.config.fields import Distinct, Path, Section, Several

EntityKind = Literal["person", "group", "setting", "label", "text", "word", "faces", "shot"]


class Labelling(Section):
    """Broadcasts that are not what their title says; docs/labelling.md tells of them."""

    enabled: bool = Field(False, description="Look for broadcasts that are not what their title says.")
    entities: Several[Path] | None = Field(
        None,
        description="Tables of entities by station and day or by broadcast, GDELT's files of the Visual "
        "Global Entity Graph, or folders of either: these are judged instead of what the run knows. Paths "
        "are looked for as others are; `null` takes what the run knows.",
    )
    kinds: Distinct[EntityKind] = Field(
        ["person", "group", "setting", "label", "text", "word", "faces", "shot"],
        description="What of a run makes a broadcast like another: people on the screen, groups of "
        "pictures, settings, labels and text (with `visual`), words (with transcripts), numbers of faces in "
        "a frame, lengths of shots. What the run does not have is left out.",
    )
    timezone: Zone = Field(
        "UTC",
        description="The time zone whose days are compared, such as `America/Los_Angeles`.",
    )
    weekdays: Distinct[Weekday] = Field(
        ["mon", "tue", "wed", "thu", "fri"],
        description="The days of the week on which stations are compared with each other, day by day.",
    )
    above: Annotated[float, Field(ge=0)] = Field(
        10,
        description="A station's count of an entity on a day counts in that where it is more than this; less "
        "is taken for 0.",
    )
    exclude_suspects: bool = Field(
        False,
        description="Whether broadcasts that are suspects are left out of what is counted: pairs, network, "
        "screen time. They are listed either way.",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell where suspects are to be left out, and nobody looks for them."""
        if self.exclude_suspects and not self.enabled:
            yield "exclude_suspects", "found true; allowed: false, or true with labelling.enabled: true"
