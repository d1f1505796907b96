"""An embedder of the user's own: any face recognition network in an ONNX file.

It stands in the place of dlib's (`castgraph.faces.embed`). Networks of this kind (ArcFace and its like) are
compared by cosine, so the embeddings are made unit length: Euclidean distances, which everything else here
takes, then grow as the cosine falls (d² = 2 - 2 cos).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CPU = ("CPUExecutionProvider",)

BATCH = 16
"""Chips that go through a network together, unless its input is made for another number."""

MOST_NUMBERS = 4096
"""Of an embedding."""

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


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
        What is taken from each pixel, and what it is then divided by: a number, or one for each channel in the
        order of `channels`.
    channels
        ``rgb`` or ``bgr``.
    alignment
        How faces are cut: ``arcface`` or ``dlib``; see `castgraph.faces.align`.
    sha256
        Of the file; None for any.
    """

    onnx: str
    name: str
    size: int = 112
    mean: float | Sequence[float] = 127.5
    std: float | Sequence[float] = 127.5
    channels: str = "rgb"
    alignment: str = "arcface"
    sha256: str | None = None


def load_embedder(embedder: Embedder, providers: Sequence[str] = CPU) -> Network:
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
    from castgraph.base import models

    models.check_providers(providers)
    path = Path(embedder.onnx)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise models.ModelError(f"faces.embedder.onnx: {path} cannot be read ({error.strerror})") from error
    checksum = hashlib.sha256(content).hexdigest()
    if embedder.sha256 not in (None, checksum):
        raise models.ModelError(
            f"faces.embedder.onnx: {path} is not the file that is wanted: its SHA-256 is {checksum}, "
            f"faces.embedder.sha256 is {embedder.sha256}"
        )
    try:
        session = models.session(content, providers)
    except models.ModelError:
        raise
    except Exception as error:  # onnxruntime has a class of its own for each kind, all of them Exceptions
        told = str(error).partition("\n")[0]
        raise models.ModelError(
            f"faces.embedder.onnx: {path} cannot be loaded as an ONNX model with its weights in it ({told})"
        ) from error
    network = Network(embedder, checksum, session)
    network.check()
    return network


class Network:
    """An embedder that is loaded.

    Attributes
    ----------
    checksum
        SHA-256 of its file.
    embedding_size
        Numbers of an embedding; known once it is checked.
    """

    def __init__(self, embedder: Embedder, checksum: str, session: Any) -> None:
        self.checksum = checksum
        self.embedding_size = 0
        self._embedder = embedder
        self._session = session
        self._mean, self._std = (np.asarray(each, np.float32) for each in (embedder.mean, embedder.std))

    def check(self) -> None:
        """Raise `ModelError` unless it turns chips of this size into embeddings."""
        size, inputs = self._embedder.size, self._session.get_inputs()
        if len(inputs) != 1:
            raise self._error(f"has {len(inputs)} inputs; allowed: one, for the pictures of faces")
        shape, kind = inputs[0].shape, inputs[0].type
        if kind not in _TYPES:
            raise self._error(f"takes {kind}; allowed: {', '.join(_TYPES)}")
        if len(shape) != 4:
            raise self._error(
                f"takes an input with {len(shape)} dimensions; allowed: 4, for pictures, channels, rows and columns"
            )
        self._channels_last = shape[3] == 3 and shape[1] != 3
        channels, *sides = (shape[3], *shape[1:3]) if self._channels_last else shape[1:]
        if isinstance(channels, int) and channels != 3:
            raise self._error(f"takes pictures of {channels} channels; allowed: 3")
        wrong = [side for side in sides if isinstance(side, int) and side != size]
        if wrong:
            raise self._error(
                f"takes pictures of {sides[1]}×{sides[0]} pixels, and faces.embedder.size is {size}"
            )
        self._batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else BATCH
        self._has_fixed_batch = self._batch == shape[0]
        noise = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
        self.embedding_size = self(noise).shape[1]

    def __call__(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn aligned chips, shape (n, size, size, 3), uint8, RGB, into embeddings.

        Returns
        -------
        ndarray of shape (n, embedding_size), float32
            Each of unit length.

        Raises
        ------
        castgraph.base.models.ModelError
            When the network cannot take them, or gives something that has no direction.
        """
        parts = [np.empty((0, self.embedding_size), np.float32)][: int(self.embedding_size > 0)]
        parts += [
            self._embed(chips[start : start + self._batch]) for start in range(0, len(chips), self._batch)
        ]
        return np.concatenate(parts)

    def _embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed a batch."""
        entry = self._session.get_inputs()[0]
        values = chips[..., ::-1] if self._embedder.channels == "bgr" else chips
        values = (values.astype(np.float32) - self._mean) / self._std
        if self._has_fixed_batch:
            values = np.concatenate(
                [values, np.zeros((self._batch - len(chips), *values.shape[1:]), np.float32)]
            )
        if not self._channels_last:
            values = values.transpose(0, 3, 1, 2)
        tensor = np.ascontiguousarray(values, _TYPES[entry.type])
        output = self._session.get_outputs()[0].name  # of several, such as embedding and norm, the first
        try:
            [found] = self._session.run([output], {entry.name: tensor})
        except Exception as error:  # as in `load_embedder`
            told = str(error).partition("\n")[0]
            raise self._error(
                f"does not take {self._embedder.size}×{self._embedder.size} pixels ({told})"
            ) from error
        if (
            not isinstance(found, np.ndarray)
            or found.dtype.kind != "f"
            or found.shape[:1] != tensor.shape[:1]
        ):
            raise self._error(
                f"gives an output of shape {np.shape(found)} for {len(tensor)} faces; allowed: a row of numbers a face"
            )
        rows = found[: len(chips)].reshape(len(chips), -1).astype(np.float64)
        if not 2 <= rows.shape[1] <= MOST_NUMBERS:
            raise self._error(f"gives {rows.shape[1]} numbers a face; allowed: 2 to {MOST_NUMBERS}")
        if self.embedding_size not in (0, rows.shape[1]):
            raise self._error(f"gives {rows.shape[1]} numbers a face, and gave {self.embedding_size} before")
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (np.isfinite(length).all() and length.all()):
            raise self._error("gives numbers that are NaN or infinite, or nothing but zeros, for a face")
        return (rows / length).astype(np.float32)

    def _error(self, told: str) -> Exception:
        from castgraph.base.models import ModelError

        return ModelError(f"faces.embedder.onnx: {self._embedder.onnx} {told}")
