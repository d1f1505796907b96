"""The embedder: dlib's face recognition network on onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from castgraph.base.models import CPU
from castgraph.faces.models import EMBEDDER, session

BATCH = 16
"""Chips that go through the network together; it bounds the memory, and more are not faster."""


def load(providers: Sequence[str] = CPU) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Load the embedder.

    Parameters
    ----------
    providers
        onnxruntime's execution providers, the preferred one first.

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
    network = session(EMBEDDER, providers)
    entry = network.get_inputs()[0]

    def embed(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        embeddings = [np.empty((0, 128), np.float32)]
        for start in range(0, len(chips), BATCH):
            embeddings += network.run(None, {entry.name: chips[start : start + BATCH]})
        return np.concatenate(embeddings)

    return embed
