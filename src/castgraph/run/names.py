"""What the workflow has to know of the stages before it runs them; it imports nothing heavy.

A stage's results are made again when its inputs, its settings or its version here change; the file dates of
the code count for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from castgraph.base import files

CODE_VERSIONS: Mapping[str, int] = {
    "inventory": 1,
    "select": 3,
    "download": 1,
    "recording": 1,  # not a rule: download, where a recording becomes a ZIP
    "unzip": 2,
    "encode": 3,
    "merge": 3,
    "cluster": 3,
    "scores": 2,
    "people": 1,
    "portraits": 2,
    "database_json": 1,
    "network": 1,
    "picture": 1,
    "summary": 4,
    "report": 2,
}
"""Rule → version of its results, raised when a change of the code changes what the rule writes."""


ENCODER_KEYS = ("engine", "detector", "upsample", "min_size_px", "score_threshold")
"""The keys of the section ``faces``, on which encodings depend."""


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


_CLUSTERING_NAMES = {
    "dbscan": "eps-{eps}",
    "hdbscan": "hdbscan-{min_samples}",
    "chinese_whispers": "chinese_whispers-{eps}",
    "iterative": "iterative-{eps}",
}
"""Algorithm → name of a clustering, for paths."""


def clusterings(
    algorithm: str | Iterable[str], eps: Iterable[float], min_samples: int
) -> dict[str, dict[str, Any]]:
    """Name the clusterings of a run for paths: ``eps-0.40`` for DBSCAN with 0.4, ``hdbscan-5``, ….

    Parameters are the keys of the section ``clustering`` of the configuration. eps is written with at least
    two decimals, so that names sort as their values do, and with as many more as it has.

    Returns
    -------
    dict
        Name → ``algorithm`` and its settings. One without eps is there once.
    """
    named = {}
    for name in [algorithm] if isinstance(algorithm, str) else algorithm:
        for value in eps:
            whole, decimals = _decimal(value)
            form = _CLUSTERING_NAMES[name]
            settings: dict[str, Any] = {"algorithm": name, "min_samples": min_samples}
            if "{eps}" in form:
                settings["eps"] = float(value)
            named[form.format(eps=f"{whole}.{decimals.ljust(2, '0')}", min_samples=min_samples)] = settings
    return named


def sweeps(names: Iterable[str], record: Path) -> dict[int, list[str]]:
    """Tell which clusterings one job makes together.

    Those that are new are made by one job. What earlier jobs made stays with them, so that a new clustering
    does not make the others again.

    Parameters
    ----------
    names
        The clusterings of the configuration.
    record
        What `record_sweep` wrote. If it is not there or is something else, all are new.

    Returns
    -------
    dict
        Number of the sweep → its clusterings; no sweep is empty.
    """
    recorded = _recorded(record)
    # A name that is recorded twice belongs to the first.
    numbers = {name: number for number, sweep in reversed([*enumerate(recorded, start=1)]) for name in sweep}
    found: dict[int, list[str]] = {}
    for name in names:
        found.setdefault(numbers.get(name, len(recorded) + 1), []).append(name)
    return dict(sorted(found.items()))


def record_sweep(names: Iterable[str], record: Path) -> None:
    """Record that one job made these clusterings."""
    recorded = _recorded(record)
    new = [name for name in names if not any(name in sweep for sweep in recorded)]
    if new:
        files.write_json(record, [*recorded, new])


def _recorded(record: Path) -> list[list[str]]:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    fits = isinstance(found, list) and all(isinstance(sweep, list) for sweep in found)
    return found if fits and all(isinstance(name, str) for sweep in found for name in sweep) else []


def _decimal(value: float) -> tuple[str, str]:
    """Write a number out for a path: the digits before and after the point, without zeros at the end."""
    whole, decimals = f"{value:.10f}".split(".")
    return whole, decimals.rstrip("0")
