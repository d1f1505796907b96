"""What the workflow has to know of the stages before it runs them; it imports nothing heavy.

A stage's results are made again when its inputs, its settings or its version here change; the file dates of
the code count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from castgraph.faces.detectors import DETECTORS

CODE_VERSIONS: Mapping[str, int] = {
    "inventory": 1,
    "select": 3,
    "left_alone": 1,
    "download": 1,
    "recording": 2,  # not a rule: download, where a recording becomes a ZIP
    "unzip": 2,
    "encode": 4,
    "merge": 6,
    "clustering": 7,
    "constraints": 2,
    "adapt": 1,
    "scores": 5,
    "gallery": 1,
    "identify": 1,
    "sightings": 2,
    "suggestions": 1,
    "portraits": 6,
    "database_json": 2,
    "replays": 1,
    "network": 7,
    "picture": 2,
    "transcript": 1,
    "utterances": 1,
    "words": 1,
    "visual": 2,
    "groups": 3,
    "map": 2,
    "map_page": 1,
    "sheets": 2,
    "seen_with": 2,
    "entities": 1,
    "suspects": 1,
    "labelling": 1,
    "holds": 1,
    "published": 1,
    "explorer": 2,
    "summary": 10,
    "report": 8,
}
"""Rule → version of its results, raised when a change of the code changes what the rule writes."""


def encoder_name(
    engine: str,
    detector: str,
    upsample: int,
    min_size_px: int = 0,
    score_threshold: float | None = None,
    embedder: Mapping[str, Any] | None = None,
) -> str:
    """Name an encoder for paths: ``fast-hog-up1``, or ``fast-hog-up1-min80-score-0.2`` with limits set.

    Parameters are the keys of the section ``faces`` of the configuration. The detector's own threshold adds
    nothing to the name; an embedder that is not dlib's adds its name and the beginning of its checksum.
    """
    name = f"{engine}-{detector}-up{upsample}"
    if min_size_px:
        name += f"-min{min_size_px}"
    if score_threshold not in (None, DETECTORS[detector].threshold):
        whole, decimals = _decimal(score_threshold)
        name += f"-score{whole}.{decimals or 0}"
    if embedder:
        name += f"-{embedder['name']}-{embedder['sha256'][:8]}"
    return name


def encoder_settings(faces: Mapping[str, Any]) -> dict[str, Any]:
    """Say what encodings depend on: the section ``faces`` of the configuration, but not where a file lies.

    Examples
    --------
    >>> encoder_settings({"engine": "fast", "embedder": None})
    {'engine': 'fast'}
    >>> encoder_settings({"engine": "fast", "embedder": {"onnx": "mine.onnx", "name": "mine"}})
    {'engine': 'fast', 'embedder': {'name': 'mine'}}
    """
    settings = dict(faces)
    if embedder := settings.pop("embedder"):
        settings["embedder"] = {key: value for key, value in embedder.items() if key != "onnx"}
    return settings


def visual_name(settings: Mapping[str, Any]) -> str:
    """Name an embedder of frames for paths: ``lite0``, or ``onnx-mine-1a2b3c4d`` for one of the user's own.

    Parameters
    ----------
    settings
        The section ``visual`` of the configuration; of ``onnx`` the checksums are filled in.
    """
    name = str(settings["embedder"])
    if name == "onnx":
        own = settings["onnx"]
        name = f"onnx-{own['name']}-{own['sha256'][:8]}"
    if name == "vertex":
        name = f"vertex-{settings['vertex']['dimensions']}"
    return f"{name}-ocr" if settings["ocr"] else name


def visual_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Say what embeddings of frames depend on: not where a file lies, nor how fast a service may be asked.

    Examples
    --------
    >>> visual_settings({"embedder": "lite0", "onnx": None, "vertex": None, "ocr": False})
    {'embedder': 'lite0'}
    """
    found: dict[str, Any] = {"embedder": settings["embedder"]}
    if found["embedder"] == "onnx":
        found["onnx"] = {
            key: value
            for key, value in settings["onnx"].items()
            if key not in ("images", "texts", "tokenizer")
        }
    if found["embedder"] == "vertex":
        found["vertex"] = {key: settings["vertex"][key] for key in ("model", "dimensions")}
    if settings["ocr"]:
        found |= {key: settings[key] for key in ("ocr", "ocr_languages")}
    return found


_FOUNDING = "founding_"


def quality(detector: str, section: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Say what a face must have to count, and what to found a person.

    Parameters
    ----------
    detector
        As the section ``faces`` of the configuration names it.
    section
        The section ``quality``.

    Returns
    -------
    dict
        ``quality`` and ``founding``: the fields of `castgraph.faces.quality.Quality` and
        `castgraph.faces.quality.Founding`.

    Examples
    --------
    >>> quality("centerface", {"min_face_px": 20, "founding_min_face_px": None, "founding_max_turn": 0.8})
    {'quality': {'min_face_px': 20}, 'founding': {'min_face_px': 40, 'max_turn': 0.8}}
    """
    counting = {key: value for key, value in section.items() if not key.startswith(_FOUNDING)}
    given = {
        key.removeprefix(_FOUNDING): value
        for key, value in section.items()
        if key.startswith(_FOUNDING) and value is not None
    }
    return {"quality": counting, "founding": {"min_face_px": DETECTORS[detector].founding_px, **given}}


_CLUSTERING_NAMES = {
    "dbscan": "eps-{eps}",
    "hdbscan": "hdbscan-{min_samples}",
    "chinese_whispers": "chinese_whispers-{eps}",
    "iterative": "iterative-{eps}",
    "linkage": "linkage-{eps}",
}
"""Algorithm → name of a clustering, for paths."""


EPS: Mapping[str, float] = {"dbscan": 0.4, "chinese_whispers": 0.48, "iterative": 0.46, "linkage": 0.52}
"""Algorithm → its eps where the configuration gives none."""


def clusterings(
    algorithm: str | Iterable[str],
    eps: Iterable[float] | None = None,
    min_samples: int | None = None,
    adapt: str | None = None,
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
        for value in [EPS.get(name, 0.0)] if eps is None else eps:
            whole, decimals = _decimal(value)
            form = _CLUSTERING_NAMES[name]
            settings: dict[str, Any] = {"algorithm": name, "min_samples": min_samples}
            if adapt:
                settings["adapt"] = adapt
            if "{eps}" in form:
                settings["eps"] = float(value)
            named[form.format(eps=f"{whole}.{decimals.ljust(2, '0')}", min_samples=min_samples or "auto")] = (
                settings
            )
    return named


def _decimal(value: float) -> tuple[str, str]:
    """Write a number out for a path: the digits before and after the point, without zeros at the end."""
    whole, decimals = f"{value:.10f}".split(".")
    return whole, decimals.rstrip("0")
