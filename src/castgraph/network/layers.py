"""The layers of the network: the ways in which two people are seen together, each counted on its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

Layer = Literal["same_frame", "adjacent", "within", "same_broadcast"]

LAYERS: tuple[Layer, ...] = ("same_frame", "adjacent", "within", "same_broadcast")
"""The layers; each has a column of its name in the table of edges, which counts it."""

TESTED: Mapping[str, str] = {"same_frame": "", "same_broadcast": "same_broadcast_"}
"""Layer that is compared with chance → what the names of its columns (`CHANCE`) begin with."""

CHANCE = ("expected", "ratio", "z", "p", "q")
"""What is told of each of `TESTED`: the names of the columns without their beginning."""

WEIGHTS: Mapping[str, float] = {"same_frame": 2.0, "adjacent": 1.0}
"""What the layers weigh where nothing else is asked for; those that are not here weigh nothing."""


def chance_columns(layer: str) -> list[str]:
    """Name the columns that compare a layer with chance; none for a layer that is not compared.

    Examples
    --------
    >>> chance_columns("same_broadcast")[:2], chance_columns("adjacent")
    (['same_broadcast_expected', 'same_broadcast_ratio'], [])
    """
    return [TESTED[layer] + name for name in CHANCE] if layer in TESTED else []


def columns(layers: Collection[str]) -> list[str]:
    """Name all columns of some layers: their counts, then what compares them with chance."""
    chosen = [layer for layer in LAYERS if layer in layers]
    return [*chosen, *(name for layer in chosen for name in chance_columns(layer))]


def weights(settings: Mapping[str, Any]) -> Mapping[str, float]:
    """Tell what each layer weighs: as the section ``network`` of the configuration says.

    Layers that it leaves out weigh nothing. The published network has its own weights, so there the usual
    ones count.

    Examples
    --------
    >>> given = {"mode": "standard", "layers": ["adjacent"], "same_frame_weight": 2, "adjacent_weight": 1}
    >>> weights(given | {"within_weight": 0, "same_broadcast_weight": 5})["adjacent"]
    1
    """
    if settings["mode"] == "as_published":
        return WEIGHTS
    return {layer: settings[f"{layer}_weight"] for layer in LAYERS if layer in settings["layers"]}


def exported(settings: Mapping[str, Any]) -> Collection[str]:
    """Tell of which layers the exports tell: those of the configuration; of the published network, of all."""
    chosen: Collection[str] = LAYERS if settings["mode"] == "as_published" else settings["layers"]
    return chosen


def frames_within(seconds: float, frame_seconds: float) -> int:
    """Tell how many frames further a frame may be that is at most `seconds` away.

    Examples
    --------
    >>> frames_within(8, 4), frames_within(7.9, 4), frames_within(0.3, 0.1)
    (2, 1, 3)
    """
    return int(seconds / frame_seconds + 1e-9)


CORRECTED = "corrected"
"""Beside the network as published: the one of today's definitions."""

WITHOUT_HOSTS = "without_hosts"
"""The network without those who are always on air."""


def compared_networks(settings: Mapping[str, Any]) -> list[str]:
    """Name the networks that the one that is asked for is compared with.

    Parameters
    ----------
    settings
        The section ``network`` of the configuration.

    Examples
    --------
    >>> compared_networks({"mode": "as_published", "always_on": 0.2})
    ['corrected', 'without_hosts']
    """
    published = [CORRECTED] if settings["mode"] == "as_published" else []
    return published + ([] if settings["always_on"] is None else [WITHOUT_HOSTS])
