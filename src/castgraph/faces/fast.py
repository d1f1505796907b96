"""The fast engine: dlib's detectors and embedder, with its own weights, without its speed; others, too.

HOG runs in a native kernel, the networks in onnxruntime. Boxes of dlib's detectors and embeddings are those
of the reference engine; tests hold it to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from castgraph.faces import align, embed
from castgraph.faces.detectors import DETECTORS
from castgraph.faces.engine import Engine
from castgraph.faces.models import checksums


def load(
    detector: str, upsample: int, min_size_px: int, score_threshold: float, providers: Sequence[str]
) -> Engine:
    """Load the fast engine; see `castgraph.faces.load_engine`."""
    find = import_module(DETECTORS[detector].module)
    return Engine(
        models=checksums(detector),
        detect=find.load(upsample, min_size_px, score_threshold, providers),
        align=align.load(DETECTORS[detector].square),
        embed=embed.load(providers),
    )
