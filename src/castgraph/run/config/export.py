"""The section ``export``: what is written besides the tables."""

from __future__ import annotations

from pydantic import Field

from castgraph.run.config.fields import Section


class Export(Section):
    """What is written besides the tables."""

    database_json: bool = Field(
        False,
        description="Also write `DATABASE.json`, one JSON object a face and line. There is one in each "
        "clustering's folder, with `faceid` (the person, -1 for noise and for faces set aside), `image`, "
        "`box` (top, right, bottom, left) and `encoding`. About 2.8 kB a face.",
    )
