"""An embedder of the user's own: any face recognition network in an ONNX file.

It stands in the place of dlib's (`castgraph.faces.embed`). Networks of this kind (ArcFace and its like) are
compared by cosine, so the embeddings are made unit length: Euclidean distances, which everything else here
takes, then grow as the cosine falls (d² = 2 - 2 cos).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.models import CPU, ModelError, check_providers, session

BATCH = 16
"""Chips that go through a network together, unless its input is made for another number."""

MOST_NUMBERS = 4096
"""Of an embedding."""

_TYPES: Mapping[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


class Embedder(NamedTuple):
    """An embedder as the section ``faces.embedder`` of the configuration describes it.

    Attributes
    ----------
    onnx
        The file.
    name
        A name for paths.
    size
        Side of the chips that it takes, in pixels.
    mean, std
        What is taken from each value, and what it is then divided by: a number, or one for each channel, in
        the order of `channels`.
    channels
        ``rgb`` or ``bgr``.
    alignment
        How faces are cut: ``arcface`` or ``dlib``; see `castgraph.faces.align`.
    sha256
        Of the file; None for any.
    key
        The key of the configuration that names the file, for messages.
    """

    onnx: str
    name: str
    size: int = 112
    mean: float | Sequence[float] = 127.5
    std: float | Sequence[float] = 127.5
    channels: str = "rgb"
    alignment: str = "arcface"
    sha256: str | None = None
    key: str = "faces.embedder.onnx"


class Loaded(NamedTuple):
    """An embedder that is loaded.

    Attributes
    ----------
    embed
        Turns chips of shape (n, size, size, 3), uint8, RGB, into embeddings of shape (n, embedding_size),
        float32, each of unit length. It raises `ModelError` where the network gives something else.
    embedding_size
        Numbers of an embedding.
    checksum
        SHA-256 of the file.
    """

    embed: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    embedding_size: int
    checksum: str


def load_embedder(embedder: Embedder, providers: Sequence[str] = CPU) -> Loaded:
    """Load an embedder.

    Parameters
    ----------
    embedder
        Which one.
    providers
        onnxruntime's execution providers, the preferred one first.

    Raises
    ------
    castgraph.base.models.ModelError
        When the file is missing, is not the one with this checksum, is no ONNX model, takes something else
        than chips of this size, or gives no embeddings; the message has the file's name.
    ValueError
        When a provider is not there.
    """
    check_providers(providers)
    content = _read(embedder)
    try:
        network = session(content, providers)
    except ModelError:
        raise
    except Exception as error:  # onnxruntime has a class for each kind, with nothing else in common
        told = _first_line(error)
        raise _error(
            embedder, f"is no ONNX model that can be loaded, with its weights in it ({told})"
        ) from error
    form = _form(embedder, network)
    mean, std = (np.asarray(values, np.float32) for values in (embedder.mean, embedder.std))

    def tensor(chips: NDArray[np.uint8]) -> NDArray[Any]:
        """Make the input, with nothing where a fixed number of pictures is wanted and there are fewer."""
        values = (chips[..., ::-1] if embedder.channels == "bgr" else chips).astype(np.float32)
        missing = form.batch - len(chips) if form.is_fixed else 0
        values = np.pad((values - mean) / std, [(0, missing), (0, 0), (0, 0), (0, 0)])
        return np.ascontiguousarray(
            values if form.channels_last else values.transpose(0, 3, 1, 2), form.dtype
        )

    def rows(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed a batch."""
        given = tensor(chips)
        try:
            [found] = network.run([form.output], {form.input: given})
        except Exception as error:  # as above
            raise _error(
                embedder, f"does not take {embedder.size}×{embedder.size} pixels ({_first_line(error)})"
            ) from error
        return _unit_length(embedder, np.asarray(found), len(given), len(chips))

    noise = np.random.default_rng(0).integers(0, 256, (1, embedder.size, embedder.size, 3), dtype=np.uint8)
    size = rows(noise).shape[1]

    def embed(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        embeddings = [np.empty((0, size), np.float32)]
        embeddings += [rows(chips[start : start + form.batch]) for start in range(0, len(chips), form.batch)]
        return np.concatenate(embeddings)

    return Loaded(embed, size, hashlib.sha256(content).hexdigest())


def _read(embedder: Embedder) -> bytes:
    """Read the file, which must be the one that is wanted."""
    try:
        content = Path(embedder.onnx).read_bytes()
    except OSError as error:
        raise _error(embedder, f"cannot be read ({error.strerror})") from error
    found = hashlib.sha256(content).hexdigest()
    if embedder.sha256 not in (None, found):
        raise _error(embedder, f"has the SHA-256 {found}; {_section(embedder)}.sha256 is {embedder.sha256}")
    return content


class _Form(NamedTuple):
    """What a network takes and gives."""

    input: str
    output: str
    dtype: type[np.floating[Any]]
    channels_last: bool
    batch: int
    is_fixed: bool  # whether it takes so many pictures, and no fewer


def _form(embedder: Embedder, network: Any) -> _Form:
    inputs = network.get_inputs()
    if len(inputs) != 1:
        raise _error(embedder, f"has {len(inputs)} inputs; allowed: one, the pictures")
    [entry] = inputs
    if entry.type not in _TYPES:
        raise _error(embedder, f"takes {entry.type}; allowed: {', '.join(_TYPES)}")
    if len(entry.shape) != 4:
        raise _error(
            embedder,
            f"takes an input of {len(entry.shape)} dimensions; "
            "allowed: 4 (pictures, channels, rows, columns)",
        )
    n, *sides = entry.shape  # a text where any number will do
    channels_last = sides[2] == 3 and sides[0] != 3
    channels = sides.pop(2 if channels_last else 0)
    if isinstance(channels, int) and channels != 3:
        raise _error(embedder, f"takes pictures of {channels} channels; allowed: 3")
    if any(isinstance(side, int) and side != embedder.size for side in sides):
        raise _error(
            embedder,
            f"takes pictures of {sides[1]}×{sides[0]} pixels; {_section(embedder)}.size is {embedder.size}",
        )
    is_fixed = isinstance(n, int) and n > 0
    # Of several outputs, such as an embedding and its length, the first.
    output = network.get_outputs()[0].name
    return _Form(entry.name, output, _TYPES[entry.type], channels_last, n if is_fixed else BATCH, is_fixed)


def _unit_length(embedder: Embedder, found: NDArray[Any], n_given: int, n: int) -> NDArray[np.float32]:
    """Make embeddings of what a network gives, of unit length, for the first `n` of what it was given."""
    if found.dtype.kind != "f" or found.ndim < 2 or len(found) != n_given:
        raise _error(
            embedder,
            f"gives {found.dtype} of shape {found.shape} for {n_given} pictures; allowed: numbers with "
            "decimals, a row for each picture",
        )
    rows = found[:n].reshape(n, -1).astype(np.float64)
    if not 2 <= rows.shape[1] <= MOST_NUMBERS:
        raise _error(embedder, f"gives {rows.shape[1]} numbers a picture; allowed: 2 to {MOST_NUMBERS}")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(length).all() and length.all()):
        raise _error(embedder, "gives NaN or infinite numbers, or nothing but zeros, for a picture")
    return np.asarray(rows / length, np.float32)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _section(embedder: Embedder) -> str:
    return embedder.key.rpartition(".")[0]


def _error(embedder: Embedder, told: str) -> ModelError:
    return ModelError(f"{embedder.key}: {embedder.onnx} {told}")
