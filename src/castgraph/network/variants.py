"""The networks of one clustering: the one that is asked for, and those that it is compared with."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from castgraph.network import layers
from castgraph.network.cooccurrence import among, as_published, strongest
from castgraph.network.layers import CORRECTED, WITHOUT_HOSTS
from castgraph.network.significance import significant
from castgraph.people.who import WhoError, find_person

log = logging.getLogger(__name__)


class Networks(NamedTuple):
    """Which edges each network has.

    Attributes
    ----------
    asked
        The edges of the network that is asked for.
    compared
        Those of the networks that it is compared with, by name: `castgraph.network.layers.compared_networks`.
    hosts
        The IDs of those who are left out of the second network, the most seen first.
    excluded
        The IDs of those who are left out of all networks but the published one.
    """

    asked: pa.Table
    compared: dict[str, pa.Table]
    hosts: list[str]
    excluded: list[str]


def networks(pairs: pa.Table, people: pa.Table, settings: Mapping[str, Any]) -> Networks:
    """Choose the edges of each network.

    Parameters
    ----------
    pairs
        All pairs, compared with chance; of the schema `castgraph.base.tables.EDGES`.
    people
        Those who are told of, of the schema `castgraph.base.tables.PEOPLE`.
    settings
        The section ``network`` of the configuration.

    Returns
    -------
    Networks
        Who is named in ``exclude`` and is nobody here, as may be with another eps, is logged.
    """
    weighs = layers.weights(settings)
    top = None if settings["top_edges"] == "all" else settings["top_edges"]
    excluded = _excluded(people, settings["exclude"])
    hosts = _always_on(people, settings["always_on"])

    def kept(left_out: Collection[str]) -> pa.Table:
        others = people.filter(pc.invert(pc.is_in(people["person_id"], pa.array(left_out, pa.string()))))
        between = among(pairs, others["person_id"])
        return strongest(significant(between, weighs, settings["significant"]), top)

    compared = {
        name: kept([*excluded, *(hosts if name == WITHOUT_HOSTS else [])])
        for name in layers.compared_networks(settings)
    }
    published = settings["mode"] == "as_published"
    asked = as_published(among(pairs, people["person_id"])) if published else kept(excluded)
    return Networks(asked, compared, hosts, excluded)


def _excluded(people: pa.Table, texts: Sequence[str]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(str(find_person(people, text)["person_id"]))
        except WhoError as error:
            log.warning("network.exclude: %s", error)
    return found


def _always_on(people: pa.Table, share: float | None) -> list[str]:
    """Tell who is on air in more than a share of all frames that were read."""
    if share is None:
        return []
    ids: list[str] = people.filter(pc.greater(people["airtime_share"], share))["person_id"].to_pylist()
    return ids


class Difference(NamedTuple):
    """An edge that only one of two networks has; `only` is the network, `why` is the reason."""

    source: str
    target: str
    only: str
    why: str
    same_frame: int
    adjacent: int


PUBLISHED = "published"

_NEVER_ONE_FRAME = "never in one frame: the published script meant to count the frame before, and did not"
_WEAKER = "weaker than the strongest {:,} edges"
_CHANCE = "no more than chance"
_LEFT_OUT = "somebody is left out"


def differences(pairs: pa.Table, found: Networks, settings: Mapping[str, Any]) -> list[Difference]:
    """Tell which edges only the network as published has, or only the corrected one, and why.

    Parameters
    ----------
    pairs
        As for `networks`.
    found
        What `networks` has chosen.
    settings
        The section ``network`` of the configuration, of the mode ``as_published``.

    Returns
    -------
    list of Difference
        Those of the most frames first.
    """
    published, corrected = found.asked, found.compared[CORRECTED]
    of = {PUBLISHED: _ends(published), CORRECTED: _ends(corrected)}
    only = {PUBLISHED: of[PUBLISHED] - of[CORRECTED], CORRECTED: of[CORRECTED] - of[PUBLISHED]}
    weighs = layers.weights(settings)
    more_than_chance = _ends(significant(pairs, weighs, settings["significant"]))
    told = []
    for row in pairs.select(["source", "target", "same_frame", "adjacent"]).to_pylist():
        ends = row["source"], row["target"]
        counts = row["same_frame"], row["adjacent"]
        if ends in only[CORRECTED]:
            why = _WEAKER.format(published.num_rows) if row["same_frame"] else _NEVER_ONE_FRAME
            told.append(Difference(*ends, CORRECTED, why, *counts))
        elif ends in only[PUBLISHED]:
            if {*ends} & {*found.excluded}:
                why = _LEFT_OUT
            elif ends not in more_than_chance:
                why = _CHANCE
            else:
                why = _WEAKER.format(corrected.num_rows)
            told.append(Difference(*ends, PUBLISHED, why, *counts))
    return sorted(told, key=lambda each: (-each.same_frame - each.adjacent, each.source, each.target))


def _ends(edges: pa.Table) -> set[tuple[str, str]]:
    return set(zip(edges["source"].to_pylist(), edges["target"].to_pylist(), strict=True))
