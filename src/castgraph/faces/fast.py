"""The fast engine: dlib's detectors and embedder, with its own weights, without its speed; others, too.

HOG, BlazeFace, the landmarks and the embedder run in native kernels, the other networks, and on a GPU all,
in onnxruntime. Boxes of dlib's detectors and embeddings are those of the reference engine; tests hold it to
that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from castgraph.faces import align, embed, native
from castgraph.faces.detectors import DETECTORS
from castgraph.faces.embedder import Embedder, load_embedder
from castgraph.faces.engine import Engine
from castgraph.faces.models import EMBEDDER, checksums


def load(
    detector: str,
    upsample: int,
    min_size_px: int,
    score_threshold: float,
    embedder: Mapping[str, Any] | None,
    providers: Sequence[str],
) -> Engine:
    """Load the fast engine; see `castgraph.faces.load_engine`."""
    native.say_if_missing()
    find = import_module(DETECTORS[detector].module)
    detect = find.load(upsample, min_size_px, score_threshold, providers)
    square = DETECTORS[detector].square
    known = checksums(detector)
    if embedder is None:
        return Engine(known, detect, align.load(square), embed.load(providers))
    own = Embedder(**embedder)
    network = load_embedder(own, providers)
    del known[EMBEDDER]
    return Engine(
        models=known | {Path(own.onnx).name: network.checksum},
        detect=detect,
        align=align.load(square, own.alignment, own.size),
        embed=network.embed,
        embedding_size=network.embedding_size,
    )
