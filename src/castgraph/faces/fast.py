"""The fast engine: dlib's detectors and embedder, with its own weights, without its speed.

HOG runs in a native kernel, the CNN detector and the embedder in onnxruntime. Boxes and embeddings are
those of the reference engine; tests hold it to that.
"""

from __future__ import annotations

from collections.abc import Sequence

from castgraph.faces import align, cnn, embed, hog
from castgraph.faces.engine import Engine
from castgraph.faces.models import checksums


def load(
    detector: str, upsample: int, min_size_px: int, score_threshold: float, providers: Sequence[str]
) -> Engine:
    """Load the fast engine; see `castgraph.faces.load_engine`."""
    return Engine(
        models=checksums(detector),
        detect=(
            hog.load(upsample, min_size_px, score_threshold)
            if detector == "hog"
            else cnn.load(upsample, min_size_px, score_threshold, providers)
        ),
        align=align.load(),
        embed=embed.load(providers),
    )
