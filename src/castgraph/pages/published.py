"""The network as published beside the corrected one, as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from castgraph.base import tables
from castgraph.network.layers import CORRECTED
from castgraph.network.variants import PUBLISHED, differences, networks
from castgraph.pages import theme
from castgraph.pages.images import data_uri
from castgraph.people.table import shown

MOST_LISTED = 100
"""Edges of each network that are listed; all are counted."""

_PICTURES = {PUBLISHED: "network.png", CORRECTED: f"network_{CORRECTED}.png"}
_PICTURE_PX = 1600


def write_published(page: Path, settings: Mapping[str, Any], *, min_seconds: float) -> None:
    """Show both networks, the edges that only one of them has, and why.

    Parameters
    ----------
    page
        The page to write; the people, the pairs and the pictures of both networks lie beside it.
    settings
        The section ``network`` of the configuration, of the mode ``as_published``.
    min_seconds
        Who is on screen for less is told of nowhere.
    """
    folder = page.parent
    people = shown(tables.read(folder / "people.parquet", tables.PEOPLE), min_seconds)
    pairs = tables.read(folder / "edges.parquet", tables.EDGES)
    found = networks(pairs, people, settings)
    told = differences(pairs, found, settings)
    names = dict(zip(people["person_id"].to_pylist(), people["name"].to_pylist(), strict=True))
    sizes = {PUBLISHED: found.asked.num_rows, CORRECTED: found.compared[CORRECTED].num_rows}
    theme.render(
        page,
        "published.html.j2",
        title=f"As published and corrected: {folder.parent.name}, {folder.name}",
        networks=[
            {
                "name": name,
                "picture": data_uri(folder / _PICTURES[name], _PICTURE_PX),
                "n_edges": sizes[name],
                "n_only": sum(each.only == name for each in told),
                "why": Counter(each.why for each in told if each.only == name).most_common(),
                "only": [
                    each._asdict() | {"names": [names[each.source], names[each.target]]}
                    for each in told
                    if each.only == name
                ][:MOST_LISTED],
            }
            for name in (PUBLISHED, CORRECTED)
        ],
        n_both=sizes[PUBLISHED] - sum(each.only == PUBLISHED for each in told),
    )
