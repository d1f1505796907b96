"""The embedder: dlib's face recognition network, in a native kernel or on onnxruntime.

Both give the numbers of dlib but for rounding. The kernel takes half the time, as it multiplies a third as
often (see ``kernel/convolve.cpp``); onnxruntime serves GPUs, and where the package was built without a
compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.models import CPU
from castgraph.faces import native
from castgraph.faces.dat import Affine, Convolution, Dense, Network
from castgraph.faces.models import EMBEDDER, network, session

BATCH = 16
"""Chips that go through onnxruntime together; it bounds the memory, and more are not faster."""

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def load(providers: Sequence[str] = CPU, *, kernel: str | None = "") -> Embed:
    """Load the embedder.

    Parameters
    ----------
    providers, kernel
        What runs it; see `castgraph.faces.native.runs`.

    Returns
    -------
    callable
        Takes any number of aligned chips of shape (n, 150, 150, 3), uint8, RGB, and gives their embeddings
        of shape (n, 128), float32: those of dlib's ``compute_face_descriptor`` with one jitter. The embedding
        of a chip does not depend on the chips beside it.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or cannot be prepared.
    ValueError
        When a provider is not there.
    """
    if not native.runs(providers, kernel):
        return _on_onnxruntime(providers)
    parts = _parts(network(EMBEDDER))
    run = native.kernel.Embedder(parts.side, parts.stem, parts.blocks, parts.last, kernel=kernel or "")
    return lambda chips: run.embed(np.ascontiguousarray(chips))


def _on_onnxruntime(providers: Sequence[str]) -> Embed:
    loaded = session(EMBEDDER, providers)
    entry = loaded.get_inputs()[0]

    def embed(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        embeddings = [np.empty((0, 128), np.float32)]
        for start in range(0, len(chips), BATCH):
            embeddings += loaded.run(None, {entry.name: chips[start : start + BATCH]})
        return np.concatenate(embeddings)

    return embed


class _Layer(NamedTuple):
    """A convolution as the kernel takes it."""

    weights: NDArray[np.float32]  # (filters, channels, rows, columns)
    bias: NDArray[np.float32]  # (filters,)
    stride: int


class _Parts(NamedTuple):
    """The network as the kernel takes it."""

    side: int  # of the chips
    stem: _Layer
    blocks: list[tuple[_Layer, _Layer]]
    last: _Layer


def _parts(network: Network) -> _Parts:
    """Take the network apart, what is done to the pixels put into its first convolution."""
    layers = [
        _Layer(joined.weights, joined.bias, joined.stride[0])
        for layer, following in pairwise(network.layers)
        if isinstance(layer, Convolution) and isinstance(following, Affine)
        for joined in (layer.followed_by(following),)
    ]
    stem, *rest = layers
    scaled = stem.weights.astype(np.float64) / 256
    shift = np.einsum("fcyx,c->f", scaled, network.input.averages)
    stem = _Layer(scaled.astype(np.float32), (stem.bias - shift).astype(np.float32), stem.stride)
    (matrix,) = (layer for layer in network.layers if isinstance(layer, Dense))
    weights = np.ascontiguousarray(matrix.weights.T, np.float32)[:, :, None, None]
    bias = np.zeros(len(weights), np.float32) if matrix.bias is None else matrix.bias
    assert network.input.size is not None
    return _Parts(
        network.input.size[0], stem, list(zip(rest[::2], rest[1::2], strict=True)), _Layer(weights, bias, 1)
    )
