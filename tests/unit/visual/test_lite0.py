"""The network that comes with castgraph computes what its weights say, and its labels can be found."""

import numpy as np
import pytest
from tests.unit.visual.made import picture

from castgraph.base.models import converted, packaged, session
from castgraph.visual.embedder import load
from castgraph.visual.lite0 import LITE0, SIZE, classes, labels_for, labels_of
from castgraph.visual.torchfile import read_weights


def convolved(value: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """A convolution with TensorFlow's padding: of an odd one more goes to the right and below."""
    n_out, n_in, size, _ = kernel.shape
    depthwise = n_in == 1 and len(value) == n_out
    rows = -(-value.shape[1] // stride)
    pad = max((rows - 1) * stride + size - value.shape[1], 0)
    sides = (pad // 2, pad - pad // 2)
    padded = np.pad(value, [(0, 0), sides, sides])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))[:, ::stride, ::stride]
    if depthwise:
        return np.einsum("cijkl,ckl->cij", windows, kernel[:, 0])
    if size == 1:
        return np.tensordot(kernel[:, :, 0, 0], value, 1)
    return np.tensordot(kernel, windows, ([1, 2, 3], [0, 3, 4]))


def plainly(weights: dict[str, np.ndarray], image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The network in plain NumPy, layer by layer, as its authors describe it."""

    def normal(value: np.ndarray, name: str) -> np.ndarray:
        mean, var, gain, shift = (
            weights[f"{name}.{each}"][:, None, None]
            for each in ("running_mean", "running_var", "weight", "bias")
        )
        return (value - mean) / np.sqrt(var + 1e-3) * gain + shift

    def layer(value: np.ndarray, name: str, norm: str, stride: int = 1) -> np.ndarray:
        return normal(convolved(value, weights[f"{name}.weight"], stride), norm)

    def relu6(value: np.ndarray) -> np.ndarray:
        return value.clip(0, 6)

    # Of each stage of the network: blocks, stride of the first.
    stages = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]
    strides = [stride if n == 0 else 1 for n_blocks, stride in stages for n in range(n_blocks)]
    value = (image.transpose(2, 0, 1).astype(np.float64) - 127) / 128
    value = relu6(layer(value, "_conv_stem", "_bn0", 2))
    for number, stride in enumerate(strides):
        block, entry = f"_blocks.{number}", value
        if number:
            value = relu6(layer(value, f"{block}._expand_conv", f"{block}._bn0"))
        value = relu6(layer(value, f"{block}._depthwise_conv", f"{block}._bn1", stride))
        value = layer(value, f"{block}._project_conv", f"{block}._bn2")
        if value.shape == entry.shape:
            value = value + entry
    embedding = relu6(layer(value, "_conv_head", "_bn1")).mean(axis=(1, 2))
    logits = weights["_fc.weight"] @ embedding + weights["_fc.bias"]
    odds = np.exp(logits - logits.max())
    return embedding, odds / odds.sum()


def test_it_computes_what_its_weights_say() -> None:
    weights = read_weights(packaged(LITE0)[1])
    image = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    embedding, scores = session(converted(LITE0)).run(["embedding", "scores"], {"pictures": image[None]})
    wanted = plainly(weights, image)
    np.testing.assert_allclose(embedding[0], wanted[0], atol=2e-4)
    np.testing.assert_allclose(scores[0], wanted[1], atol=2e-5)


def test_it_embeds_pictures_of_any_size() -> None:
    embedder = load({"embedder": "lite0"})
    seen = embedder.pictures([picture("red"), np.full((3, 700, 3), 9, np.uint8), picture("red")])
    assert seen.vectors.shape == (3, embedder.size)
    np.testing.assert_allclose(np.linalg.norm(seen.vectors, axis=1), 1, atol=1e-6)
    assert seen.labels[0] == seen.labels[2]
    assert embedder.words is None
    assert embedder.pictures([]).vectors.shape == (0, embedder.size)


def test_labels_are_the_surest_first_and_those_of_one_name_are_one() -> None:
    scores = np.zeros((1, 1000), np.float32)
    missiles = [n for n, each in enumerate(classes()) if each.name == "missile"]
    assert len(missiles) == 2
    scores[0, missiles], scores[0, 0] = 0.2, 0.3
    scores[0, 1] = 0.01  # says nothing
    assert labels_of(scores) == [[("missile", pytest.approx(0.4)), ("tench", pytest.approx(0.3))]]


def test_words_lead_to_labels() -> None:
    assert labels_for("missile") == ["missile"]
    assert "missile" in labels_for("ROCKET")  # by what it looks like: no class is called so
    assert labels_for("rock") != labels_for("rocket")
    assert labels_for("no such thing whatever") == labels_for("") == labels_for("  ") == []
