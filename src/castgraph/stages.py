"""What the workflow has to know of the stages before it runs them; it imports nothing heavy.

A stage's results are made again when its inputs, its settings or its version here change; the file dates of
the code count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

CODE_VERSIONS: Mapping[str, int] = {
    "select": 1,
    "unzip": 1,
    "encode": 2,
    "merge": 2,
    "cluster": 2,
    "people": 1,
    "portraits": 1,
    "database_json": 1,
    "network": 1,
    "picture": 1,
    "summary": 2,
}
"""Rule → version of its results, raised on purpose when a change of the code changes what the rule writes."""


ENCODER_KEYS = ("engine", "detector", "upsample", "min_size_px", "score_threshold")
"""The keys of the section ``faces`` that encodings depend on; the others say how they are computed."""


def encoder_name(
    engine: str, detector: str, upsample: int, min_size_px: int = 0, score_threshold: float = 0.0
) -> str:
    """Name an encoder for paths: ``fast-hog-up1``, or ``fast-hog-up1-min80-score-0.2`` with limits set."""
    name = f"{engine}-{detector}-up{upsample}"
    if min_size_px:
        name += f"-min{min_size_px}"
    if score_threshold:
        whole, decimals = _decimal(score_threshold)
        name += f"-score{whole}.{decimals or 0}"
    return name


def clustering_name(eps: float) -> str:
    """Name the DBSCAN clustering with `eps` for paths: ``eps-0.40`` for 0.4, ``eps-0.345`` for 0.345.

    At least two decimals, so that names sort as their values do, and as many more as the value has.
    """
    whole, decimals = _decimal(eps)
    return f"eps-{whole}.{decimals.ljust(2, '0')}"


def _decimal(value: float) -> tuple[str, str]:
    """Write a number out for a path: the digits before and after the point, without zeros at the end."""
    whole, decimals = f"{value:.10f}".split(".")
    return whole, decimals.rstrip("0")
