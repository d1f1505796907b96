"""Networks of the user's own for frames: one ONNX file for pictures and, perhaps, one for texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from castgraph.base.models import CPU, ModelError, session
from castgraph.faces.embedder import Embedder as Network
from castgraph.faces.embedder import load_embedder
from castgraph.visual.embedder import Embedder, EmbedderError, Picture, Seen, Vectors, fitted, unit

_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


def load_own(settings: Mapping[str, Any], providers: Sequence[str] = CPU) -> Embedder:
    """Load a pair of networks.

    Parameters
    ----------
    settings
        The section ``visual.onnx`` of the configuration.
    providers
        onnxruntime's execution providers, the preferred one first.

    Raises
    ------
    ModelError, EmbedderError
        When a file is missing or is not such a network; the message has its name.
    """
    network = Network(
        settings["images"],
        settings["name"],
        settings["size"],
        settings["mean"],
        settings["std"],
        sha256=settings["sha256"],
        key="visual.onnx.images",
    )
    loaded = load_embedder(network, providers)

    def pictures(given: Sequence[Picture]) -> Seen:
        squares = [fitted(picture, network.size, crop=settings["crop"]) for picture in given]
        if not squares:
            return Seen(np.empty((0, loaded.embedding_size), np.float32), [])
        return Seen(loaded.embed(np.stack(squares)), [[] for _ in given])

    models = {Path(settings["images"]).name: loaded.checksum}
    words = None
    if settings["texts"]:
        words, checksum = _words(settings, loaded.embedding_size, providers)
        models[Path(settings["texts"]).name] = checksum
    return Embedder(
        f"onnx-{network.name}-{loaded.checksum[:8]}", loaded.embedding_size, pictures, words, models
    )


def _words(
    settings: Mapping[str, Any], size: int, providers: Sequence[str]
) -> tuple[Callable[[Sequence[str]], Vectors], str]:
    """Load the network for texts; give what embeds them, and the file's checksum."""
    path, length = Path(settings["texts"]), settings["text_length"]
    tokens = _tokenizer(Path(settings["tokenizer"]), length)
    try:
        content = path.read_bytes()
        network = session(content, providers)
    except (OSError, ModelError):
        raise
    except Exception as error:  # onnxruntime has a class for each kind, with nothing else in common
        told = str(error).partition("\n")[0]
        raise EmbedderError(
            f"visual.onnx.texts: {path} is no ONNX model that can be loaded ({told})"
        ) from error
    inputs = network.get_inputs()
    if not 1 <= len(inputs) <= 2 or any(entry.type not in _INTEGERS for entry in inputs):
        found = ", ".join(f"{entry.name} ({entry.type})" for entry in inputs)
        raise EmbedderError(
            f"visual.onnx.texts: {path} takes {found}; "
            "allowed: tokens as whole numbers, and after them perhaps a mask"
        )
    output = network.get_outputs()[0].name

    def words(texts: Sequence[str]) -> Vectors:
        values = dict(zip((entry.name for entry in inputs), tokens(texts), strict=False))
        given = {entry.name: values[entry.name].astype(_INTEGERS[entry.type]) for entry in inputs}
        try:
            [found] = network.run([output], given)
        except Exception as error:  # as above
            told = str(error).partition("\n")[0]
            raise EmbedderError(f"visual.onnx.texts: {path} does not take such texts ({told})") from error
        rows = np.asarray(found)
        if rows.shape != (len(texts), size):
            raise EmbedderError(
                f"visual.onnx.texts: {path} gives numbers of shape {rows.shape} for {len(texts)} texts; "
                f"allowed: {size} for each, as the network for pictures"
            )
        return unit(rows, path.name)

    return words, hashlib.sha256(content).hexdigest()


def _tokenizer(path: Path, length: int) -> Callable[[Sequence[str]], tuple[NDArray[np.int64], ...]]:
    """Load a tokenizer; gives what turns texts into tokens and masks of `length`."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EmbedderError(
            "visual.onnx.tokenizer needs the package tokenizers; it comes with castgraph's extra clip: run "
            "`uv sync --extra clip`"
        ) from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises nothing narrower
        raise EmbedderError(f"visual.onnx.tokenizer: {path} is no tokenizer.json ({error})") from error
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length)

    def tokens(texts: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
        found = tokenizer.encode_batch(list(texts))
        return np.array([each.ids for each in found]), np.array([each.attention_mask for each in found])

    return tokens
