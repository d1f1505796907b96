"""Reading networks of TensorFlow Lite, and their conversion against a plain evaluation of the file."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.faces.tflite_networks import RANDOM, Made, evaluated, ints, numbers, pictures

from castgraph.faces.convert_tflite import to_onnx
from castgraph.faces.models import BLAZEFACE, model_path
from castgraph.faces.tflite import (
    MAX_VALUES,
    RELU,
    SAME,
    VALID,
    Network,
    TfliteError,
    read_network,
)


def run(model: onnx.ModelProto, pictures: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": pictures})


def agree(net: Network, pictures: np.ndarray) -> None:
    """The converted network gives what the file says."""
    found, expected = run(to_onnx(net), pictures), evaluated(net, pictures / 127.5 - 1)
    assert len(found) == len(expected)
    for ours, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=0, atol=2e-6 * max(1, np.abs(plain).max()))


@pytest.fixture(scope="module")
def content() -> bytes:
    return model_path(BLAZEFACE).read_bytes()


def test_blazeface(content: bytes) -> None:
    """Pictures of other sizes than the network was made for, as the detector gives them, and several."""
    net = read_network(content)
    assert net.tensors[net.input].shape == (1, 192, 192, 3)
    assert [net.tensors[n].shape for n in net.outputs] == [(1, 2304, 16), (1, 2304, 1)]
    agree(net, pictures(2, 96, 128))


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize(
    ("window", "strides", "after"),
    [
        ((3, 3), (1, 1), {SAME: (13, 11), VALID: (11, 9)}),
        ((5, 2), (2, 3), {SAME: (7, 4), VALID: (5, 4)}),
        ((1, 1), (2, 2), {SAME: (7, 6), VALID: (7, 6)}),
    ],
    ids=str,
)
def test_convolutions(padding: int, window, strides, after) -> None:
    options = {
        "padding": padding,
        "stride_rows": strides[0],
        "stride_columns": strides[1],
    }
    for kind, weights in [
        ("CONV_2D", numbers(5, *window, 3)),
        ("DEPTHWISE_CONV_2D", numbers(1, *window, 3)),
        ("DEPTHWISE_CONV_2D", numbers(1, *window, 6)),
    ]:
        for activation in (RELU, 0):
            made = Made(1, 13, 11, 3)
            n = weights.shape[0] if kind == "CONV_2D" else weights.shape[3]
            inputs = [0, made.constant(weights), made.constant(numbers(n))]
            y = made.add(kind, inputs, (1, *after[padding], n), activation=activation, **options)
            agree(made.network(y), pictures(2, 13, 11))


def test_the_other_operators() -> None:
    made = Made(1, 6, 4, 3)
    weights = made.constant(numbers(8, 3, 3, 3).astype(np.float16))
    single = made.add("DEQUANTIZE", [weights], (8, 3, 3, 3))
    padded = made.add("PAD", [0, made.constant(ints(0, 0, 2, 0, 1, 3, 0, 0).reshape(4, 2))], (1, 8, 8, 3))
    y = made.add(
        "CONV_2D",
        [padded, single, made.constant(numbers(8))],
        (1, 6, 6, 8),
        padding=VALID,
        stride_rows=1,
        stride_columns=1,
    )
    y = made.add("ADD", [y, y], (1, 6, 6, 8), activation=RELU)
    y = made.add("RESIZE_BILINEAR", [y, made.constant(ints(12, 18))], (1, 12, 18, 8), half_pixel_centers=1)
    y = made.add("DEPTH_TO_SPACE", [y], (1, 24, 36, 2), block=2)
    agree(made.network(y), pictures(3, 6, 4))


def sparsity(dense: np.ndarray, kinds: Sequence[int], index: np.dtype) -> tuple[np.ndarray, dict]:
    """The stored values of a tensor, and how its dimensions are stored: 0 whole, 1 without zeros."""
    dimensions, kept = [], [()]
    code = {np.dtype(np.int32): 1, np.dtype(np.uint16): 2, np.dtype(np.uint8): 3}[index]
    for axis, kind in enumerate(kinds):
        if kind == 0:
            dimensions.append({0: ("b", 0), 1: ("i", dense.shape[axis])})
            kept = [(*place, n) for place in kept for n in range(dense.shape[axis])]
            continue
        rows = [[n for n in range(dense.shape[axis]) if np.any(dense[(*place, n)])] for place in kept]
        starts = np.cumsum([0, *map(len, rows)]).astype(index)
        indices = np.array([n for row in rows for n in row], index)
        dimensions.append({0: ("b", 1), 2: ("B", code), 3: {0: starts}, 4: ("B", code), 5: {0: indices}})
        kept = [(*place, n) for place, row in zip(kept, rows, strict=True) for n in row]
    table = {0: np.arange(dense.ndim, dtype=np.int32), 2: dimensions}
    return np.array([dense[place] for place in kept], dense.dtype), table


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_sparse_weights(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    kinds = data.draw(st.lists(st.integers(0, 1), min_size=len(shape), max_size=len(shape)))
    able = [kind for kind in (np.int32, np.uint16, np.uint8) if np.iinfo(kind).max >= math.prod(shape)]
    index = np.dtype(data.draw(st.sampled_from(able)))
    dense = RANDOM.standard_normal(shape).astype(np.float16)
    dense[RANDOM.random(shape) < data.draw(st.floats(0, 0.95))] = 0
    stored, table = sparsity(dense, kinds, index)
    if not stored.size:
        return  # without a value it has no buffer, and is no constant
    made = Made(1, 2, 2, 3)
    source = made.constant(stored, shape, fields={6: table})
    filled = made.add("DENSIFY", [source], shape)
    single = made.add("DEQUANTIZE", [filled], shape)
    net = read_network(made.file(0))
    np.testing.assert_array_equal(net.tensors[single].values, dense.astype(np.float32))
    assert net.operators == ()


@pytest.mark.slow
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), length=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_a_network_or_an_error(content: bytes, place: int, byte: int, length: int) -> None:
    damaged = bytearray(content)
    damaged[place % len(content)] = byte
    with suppress(TfliteError):
        read_network(bytes(damaged))
    with suppress(TfliteError):
        read_network(content[: length % len(content)])


def altered(content: Callable[[Made], Any]) -> bytes:
    """A file with a convolution that `content` changes."""
    made = Made(1, 4, 4, 3)
    inputs = [0, made.constant(numbers(2, 1, 1, 3)), made.constant(numbers(2))]
    made.add("CONV_2D", inputs, (1, 4, 4, 2), padding=VALID, stride_rows=1, stride_columns=1)
    content(made)
    return made.file(len(made.tensors) - 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda made: made.operators[0].update({0: ("I", 99)}), "an operator of kind -1; known are ADD"),
        (lambda made: made.operators[0].update({1: ints(0, 1)}), r"CONV_2D with inputs \(0, 1\)"),
        (lambda made: made.operators[0].update({1: ints(0, 1, 99)}), "CONV_2D with inputs"),
        (lambda made: made.operators[0].pop(4), "has no field 4"),
        (lambda made: made.tensor((2**13, 2**13)), f"at most {MAX_VALUES} values"),
        (lambda made: made.tensor((2, 0)), r"a tensor of shape \(2, 0\)"),
        (lambda made: made.tensor((2, 2), kind=9), "a tensor of type 9"),
        (lambda made: made.tensor((2, 2), buffer=9), "in buffer 9"),
        (lambda made: made.add("DEQUANTIZE", [0], (1, 4, 4, 3)), "DEQUANTIZE of what is no constant"),
    ],
)
def test_what_cannot_be_read_is_an_error(content: Callable[[Made], Any], message: str) -> None:
    with pytest.raises(TfliteError, match=message):
        read_network(altered(content))


def test_other_files_are_an_error() -> None:
    for data in (b"", b"GIF89a", b"\0" * 100):
        with pytest.raises(TfliteError, match="not a TensorFlow Lite file"):
            read_network(data)


def sparse(**fields: Any) -> bytes:
    """A file with sparse weights, of whose description `fields` are changed."""
    stored, table = sparsity(np.eye(3, dtype=np.float32), (0, 1), np.dtype(np.int32))
    table[2][1] |= {int(slot[1:]): field for slot, field in fields.items() if slot != "order"}
    table |= {0: fields["order"]} if "order" in fields else {}
    made = Made(1, 2, 2, 3)
    made.add("DENSIFY", [made.constant(stored, (3, 3), fields={6: table})], (3, 3))
    return made.file(0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"order": ints(1, 0)}, "in the order"),
        ({"_0": ("b", 7)}, "a dimension of kind 7"),
        ({"_2": ("B", 9)}, "indices of kind 9"),
        ({"_3": {0: ints(0, 1, 2)}}, "do not fit"),
        ({"_3": {0: ints(0, 2, 1, 3)}}, "do not fit"),
        ({"_5": {0: ints(0, 1, 3)}}, "do not fit"),
        ({"_5": {0: ints(0, 1, -1)}}, "do not fit"),
        ({"_3": {0: ints(0, 1, 2, 2)}, "_5": {0: ints(0, 1)}}, "3 sparse weights for 2 places"),
    ],
)
def test_sparse_weights_that_do_not_fit_are_an_error(fields: dict[str, Any], message: str) -> None:
    assert read_network(sparse()).tensors[-1].values.tolist() == np.eye(3).tolist()
    with pytest.raises(TfliteError, match=message):
        read_network(sparse(**fields))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda made: made.add("ADD", [3, 3], (1, 4, 4, 2), activation=4), "the activation 4"),
        (lambda made: made.add("ADD", [0, 3], (1, 4, 4, 3)), "ADD with inputs and output of shapes"),
        (lambda made: made.add("RESIZE_BILINEAR", [3, made.constant(ints(8, 8))], (1, 8, 8, 2)), "RESIZE"),
        (lambda made: made.add("ADD", [2, 2], (2,)), "ADD"),
        (lambda made: made.operators[0].update({1: ints(0, 2, 1)}), "CONV_2D"),
        (lambda made: made.operators[0][4].update({5: ("i", 2)}), "CONV_2D .* a use that is not known"),
        (lambda made: made.operators.reverse() or made.add("ADD", [9, 9], (1, 4, 4, 2)), "ADD"),
        (lambda made: None, "an output of shape"),
    ],
)
def test_what_cannot_be_converted_is_an_error(content: Callable[[Made], Any], message: str) -> None:
    with pytest.raises(TfliteError, match=message):
        to_onnx(read_network(altered(content)))
