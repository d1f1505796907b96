"""Converted networks, layer by layer against a plain evaluation of the model file, and against dlib."""

import dlib
import numpy as np
import onnx
import onnxruntime
import pytest
from scipy.signal import correlate

from castgraph.faces.convert import OPSET, layer_name, n_stem, to_onnx
from castgraph.faces.dat import (
    AddPrevious,
    Affine,
    Convolution,
    Dense,
    Input,
    Metric,
    Network,
    Pool,
    Relu,
    Skip,
    Tag,
)
from castgraph.faces.models import CNN_DETECTOR, EMBEDDER, model_path, network


def convolved(x: np.ndarray, layer: Convolution) -> np.ndarray:
    """dlib's convolution of (channels, rows, columns), in double precision."""
    above, beside = layer.padding
    x = np.pad(x.astype(np.float64), ((0, 0), (above, above), (beside, beside)))
    planes = [correlate(x, weights.astype(np.float64), mode="valid")[0] for weights in layer.weights]
    strided = np.stack(planes)[:, :: layer.stride[0], :: layer.stride[1]]
    return strided + layer.bias[:, None, None]


def pooled(x: np.ndarray, layer: Pool) -> np.ndarray:
    """The largest or mean value of each window, clipped to the input."""
    if layer.window == (0, 0):
        return np.array([plane.mean() if layer.mean else plane.max() for plane in x])[:, None, None]
    spans = [
        [
            slice(max(0, first), min(size, first + width))
            for first in range(-padding, size + padding - width + 1, stride)
        ]
        for size, width, stride, padding in zip(
            x.shape[1:], layer.window, layer.stride, layer.padding, strict=True
        )
    ]
    summary = np.mean if layer.mean else np.max
    return np.stack(
        [summary(x[:, rows, columns], axis=(1, 2)) for rows in spans[0] for columns in spans[1]], axis=1
    ).reshape(len(x), len(spans[0]), len(spans[1]))


def added(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    total = np.zeros(np.maximum(a.shape, b.shape))
    for x in (a, b):
        total[tuple(map(slice, x.shape))] += x
    return total


def evaluated(net: Network, x: np.ndarray) -> dict[int, np.ndarray]:
    """The output of every layer, as dlib's sources define it."""
    tags: dict[str, np.ndarray] = {}
    outputs = {}
    for index, layer in enumerate(net.layers):
        match layer:
            case Convolution():
                x = convolved(x, layer)
            case Affine():
                x = x * layer.scale[:, None, None] + layer.shift[:, None, None]
            case Relu():
                x = np.maximum(x, 0)
            case Pool():
                x = pooled(x, layer)
            case Dense():
                x = x.ravel() @ layer.weights.astype(np.float64) + (0 if layer.bias is None else layer.bias)
            case Tag(name):
                tags[name] = x
            case Skip(name):
                x = tags[name]
            case AddPrevious(name):
                x = added(x, tags[name])
        outputs[index] = x
    return outputs


def normalised(net: Network, picture: np.ndarray) -> np.ndarray:
    return ((picture.astype(np.float64) - net.input.averages) / 256).transpose(2, 0, 1)


def run(model: onnx.ModelProto, value: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: value}), strict=True))


def observable(net: Network) -> list[int]:
    """The layers that the converted network keeps: all but convolutions that an affine layer follows."""
    return [
        index
        for index, (layer, following) in enumerate(zip(net.layers, [*net.layers[1:], None], strict=True))
        if not (isinstance(layer, Convolution) and isinstance(following, Affine))
    ]


@pytest.fixture(scope="module")
def chips() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (3, 150, 150, 3), dtype=np.uint8)


@pytest.mark.slow
def test_the_embedder_layer_by_layer(chips: np.ndarray) -> None:
    net = network(EMBEDDER)
    kept = observable(net)
    found = run(to_onnx(net, outputs=kept), chips[:2])
    assert len(kept) > 100
    for row, chip in enumerate(chips[:2]):
        expected = evaluated(net, normalised(net, chip))
        for index in kept:
            layer = net.layers[index]
            # A tag or a skip has no value of its own: it hands on that of another layer.
            if isinstance(layer, Tag | Skip):
                continue
            value = found[layer_name(net, index)][row]
            scale = max(1.0, float(np.abs(expected[index]).max()))
            np.testing.assert_allclose(
                value.reshape(expected[index].shape),
                expected[index],
                rtol=0,
                atol=2e-6 * scale,
                err_msg=layer_name(net, index),
            )


def test_the_embedder_against_dlib(chips: np.ndarray) -> None:
    [found] = run(to_onnx(network(EMBEDDER)), chips).values()
    reference = dlib.face_recognition_model_v1(str(model_path(EMBEDDER)))
    expected = np.array([reference.compute_face_descriptor(chip) for chip in chips])
    assert np.abs(found - expected).max() < 1e-6


def test_the_detector_layer_by_layer() -> None:
    net = network(CNN_DETECTOR)
    picture = np.random.default_rng(8).integers(0, 256, (125, 150, 3), dtype=np.uint8)
    tensor = normalised(net, picture).astype(np.float32)
    kept = observable(net)
    found = run(to_onnx(net, outputs=kept), tensor[None])
    expected = evaluated(net, tensor)
    for index in kept:
        scale = max(1.0, float(np.abs(expected[index]).max()))
        name = layer_name(net, index)
        np.testing.assert_allclose(found[name][0], expected[index], rtol=0, atol=2e-6 * scale, err_msg=name)
    # In two parts it is the same.
    [features] = run(to_onnx(net, "stem"), tensor[None]).values()
    [scores] = run(to_onnx(net, "head"), features).values()
    np.testing.assert_allclose(scores, found[layer_name(net, len(net.layers) - 1)], rtol=0, atol=1e-5)


def test_a_strip_of_the_input_is_a_strip_of_the_stem() -> None:
    net = network(CNN_DETECTOR)
    model = to_onnx(net, "stem")
    tensor = np.random.default_rng(9).standard_normal((1, 3, 29 + 8 * 9, 61), dtype=np.float32)
    [whole] = run(model, tensor).values()
    assert whole.shape[2] == 10
    [strip] = run(model, tensor[:, :, 8 * 3 : 8 * 3 + 29 + 8]).values()
    np.testing.assert_allclose(strip, whole[:, :, 3:5], rtol=0, atol=1e-5)


def random_convolution(shape: tuple[int, int, int, int], stride: int, padding: int) -> Convolution:
    random = np.random.default_rng(sum(shape))
    return Convolution(
        random.standard_normal(shape, dtype=np.float32),
        random.standard_normal(shape[0], dtype=np.float32),
        (stride, stride),
        (padding, padding),
    )


@pytest.mark.parametrize(
    "layers",
    [
        # Pooling with padding: what lies outside does not count.
        (Pool(mean=True, window=(3, 3), stride=(2, 2), padding=(1, 1)),),
        (Pool(mean=False, window=(3, 2), stride=(1, 3), padding=(2, 1)),),
        # An affine layer of its own.
        (Relu(), Affine(np.array([2, -1, 0.5], np.float32), np.array([0, 1, 2], np.float32))),
        # A single filter is computed in another way.
        (random_convolution((1, 3, 5, 5), 1, 2),),
        (random_convolution((1, 3, 3, 3), 2, 0),),
        # Sums of unlike sizes, in both directions.
        (Tag("1"), random_convolution((5, 3, 4, 4), 1, 0), AddPrevious("1")),
        (Tag("1"), random_convolution((2, 3, 1, 1), 1, 1), AddPrevious("1")),
        (Dense(np.eye(3 * 11 * 9, 4, dtype=np.float32), np.arange(4, dtype=np.float32)),),
    ],
    ids=str,
)
def test_layers_that_the_models_do_not_use_so(layers: tuple) -> None:
    net = Network(Metric(), Input(np.array([1.0, 2.0, 3.0], np.float32), (11, 9)), layers)
    picture = np.random.default_rng(1).integers(0, 256, (1, 11, 9, 3), dtype=np.uint8)
    [found] = run(to_onnx(net), picture).values()
    expected = evaluated(net, normalised(net, picture[0]))[len(layers) - 1]
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-4)


def test_models_are_valid_and_say_their_version() -> None:
    net = network(CNN_DETECTOR)
    for part in ("whole", "stem", "head"):
        model = to_onnx(net, part)
        onnx.checker.check_model(model, full_check=True)
        assert [entry.version for entry in model.opset_import] == [OPSET]
    assert n_stem(net) == 9  # three times convolution, affine, relu


def test_what_cannot_be_converted_is_an_error() -> None:
    net = network(CNN_DETECTOR)
    with pytest.raises(ValueError, match="no part 'tail'"):
        to_onnx(net, "tail")
    with pytest.raises(ValueError, match=r"layers \[0\] have no output"):
        to_onnx(net, outputs=[0])
    with pytest.raises(ValueError, match="channels come in"):
        to_onnx(Network(net.loss, Input(net.input.averages, (99, 99)), net.layers[3:]))
    with pytest.raises(ValueError, match="smaller than a window"):
        to_onnx(Network(net.loss, Input(net.input.averages, (9, 9)), net.layers))
