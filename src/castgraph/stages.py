"""What the workflow has to know of the stages before it runs them; it imports nothing heavy.

A stage's results are made again when its inputs, its settings or its version here change; the file dates of
the code count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

CODE_VERSIONS: Mapping[str, int] = {
    "select": 1,
    "unzip": 1,
    "encode": 1,
    "merge": 1,
    "cluster": 1,
    "people": 1,
    "portraits": 1,
    "database_json": 1,
    "network": 1,
    "picture": 1,
    "summary": 1,
}
"""Rule → version of its results, raised on purpose when a change of the code changes what the rule writes."""


def encoder_name(engine: str, detector: str, upsample: int) -> str:
    """Name an encoder for paths, for example ``reference-hog-up1``."""
    return f"{engine}-{detector}-up{upsample}"


def clustering_name(eps: float) -> str:
    """Name the DBSCAN clustering with `eps` for paths: ``eps-0.40`` for 0.4, ``eps-0.345`` for 0.345.

    At least two decimals, so that names sort as their values do, and as many more as the value has.
    """
    whole, decimals = f"{eps:.10f}".split(".")
    return f"eps-{whole}.{decimals.rstrip('0').ljust(2, '0')}"
