"""CLIP by the package fastembed: pictures and words in one space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from castgraph.base.models import CPU, cache_folder, check_providers
from castgraph.visual.embedder import Embedder, EmbedderError, Picture, Seen, Vectors, unit

IMAGES, TEXTS = "Qdrant/clip-ViT-B-32-vision", "Qdrant/clip-ViT-B-32-text"
"""The models (MIT), as fastembed calls them."""

SIZE = 512
"""Numbers of a vector."""

_REMEDY = "run `uv sync --extra clip`, or choose visual.embedder: lite0, which needs no network"


def load_clip(model_path: str | None, providers: Sequence[str] = CPU) -> Embedder:
    """Load CLIP ViT-B/32.

    Parameters
    ----------
    model_path
        A folder that holds the models, in folders called as they are without ``Qdrant/``; None to fetch them
        once, into castgraph's cache.
    providers
        onnxruntime's execution providers, the preferred one first.

    Raises
    ------
    EmbedderError
        When the package or a model is not there; the message says what to do.
    ValueError
        When onnxruntime does not offer a provider.
    """
    check_providers(providers)
    try:
        import fastembed
    except ImportError as error:
        raise EmbedderError(f"visual.embedder: clip needs the package fastembed; {_REMEDY}") from error

    def loaded(kind: Any, name: str) -> Any:
        options: dict[str, Any] = {}
        if model_path is not None:
            folder = Path(model_path) / name.rpartition("/")[2]
            if not (folder / "model.onnx").is_file():
                raise EmbedderError(
                    f"visual.model_path: no {folder / 'model.onnx'}; it holds the model {name}"
                )
            options = {"specific_model_path": str(folder)}
        try:
            return kind(
                name,
                cache_dir=str(cache_folder() / "fastembed"),
                threads=1,
                providers=list(providers),
                cuda=False,
                **options,
            )
        except Exception as error:  # whatever its libraries raise where there is no network
            raise EmbedderError(
                f"the model {name} of visual.embedder: clip cannot be had ({error}). Where there is no "
                "network, put it into a folder and name that as visual.model_path, see docs/visual.md"
            ) from error

    images = loaded(fastembed.ImageEmbedding, IMAGES)

    def pictures(given: Sequence[Picture]) -> Seen:
        if not given:
            return Seen(np.empty((0, SIZE), np.float32), [])
        found = np.stack(list(images.embed([Image.fromarray(each) for each in given], batch_size=16)))
        return Seen(unit(found, "clip"), [[] for _ in given])

    texts: list[Any] = []  # loaded when it is asked for: a run needs none

    def words(given: Sequence[str]) -> Vectors:
        if not texts:
            texts.append(loaded(fastembed.TextEmbedding, TEXTS))
        return unit(np.stack(list(texts[0].embed(list(given)))), "clip")

    version = str(getattr(fastembed, "__version__", ""))
    return Embedder("clip", SIZE, pictures, words, {IMAGES: f"fastembed {version}"})
