"""Reading networks of TensorFlow Lite, and their conversion against a plain evaluation of the file."""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from castgraph.faces.convert_tflite import to_onnx
from castgraph.faces.models import BLAZEFACE, model_path
from castgraph.faces.tflite import (
    MAX_VALUES,
    OPERATORS,
    RELU,
    SAME,
    VALID,
    Network,
    TfliteError,
    read_network,
)

# --- the operators as TensorFlow Lite documents them; channels last, double precision


def convolved(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, options: Mapping[str, int]) -> np.ndarray:
    """Sums over windows; `weights` are (out, rows, columns, in), with 1 for `in` where each has its own."""
    strides = options["stride_rows"], options["stride_columns"]
    window = weights.shape[1:3]
    if options["padding"] == SAME:
        total = [
            max(0, (-(-size // stride) - 1) * stride + width - size)
            for size, width, stride in zip(x.shape[1:3], window, strides, strict=True)
        ]
        x = np.pad(x, [(0, 0), *((n // 2, n - n // 2) for n in total), (0, 0)])
    seen = sliding_window_view(x, window, axis=(1, 2))[
        :, :: strides[0], :: strides[1]
    ]  # (n, rows, columns, in, window)
    if weights.shape[3] == 1:
        return (
            np.einsum("nyxorc,orc->nyxo", seen.repeat(len(weights) // x.shape[3], 3), weights[..., 0]) + bias
        )
    return np.einsum("nyxirc,orci->nyxo", seen, weights, optimize=True) + bias


def enlarged(x: np.ndarray, factors: Sequence[float]) -> np.ndarray:
    """Bilinear interpolation; a pixel lies at its middle."""
    for axis, factor in zip((1, 2), factors, strict=True):
        size = x.shape[axis]
        places = np.clip((np.arange(round(size * factor)) + 0.5) / factor - 0.5, 0, size - 1)
        first = places.astype(int)
        share = (places - first).reshape([-1 if n == axis else 1 for n in range(4)])
        x = x.take(first, axis) * (1 - share) + x.take(np.minimum(first + 1, size - 1), axis) * share
    return x


def spread(x: np.ndarray, block: int) -> np.ndarray:
    """Channels become a block of places."""
    n, rows, columns, channels = x.shape
    x = x.reshape(n, rows, columns, block, block, channels // block**2).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, rows * block, columns * block, -1)


def evaluated(net: Network, x: np.ndarray) -> list[np.ndarray]:
    """The outputs of a network, whose first tensor is `x`."""
    values = {n: tensor.values for n, tensor in enumerate(net.tensors)} | {net.input: x.astype(np.float64)}
    for operator in net.operators:
        y, *others = (values[n] for n in operator.inputs)
        match operator.kind:
            case "CONV_2D":
                y = convolved(y, *others, operator.options)
            case "DEPTHWISE_CONV_2D":
                y = convolved(y, others[0].transpose(3, 1, 2, 0), others[1], operator.options)
            case "ADD":
                y = y + others[0]
            case "PAD":
                y = np.pad(y, others[0])
            case "RESIZE_BILINEAR":
                y = enlarged(y, others[0] / net.tensors[operator.inputs[0]].shape[1:3])
            case "DEPTH_TO_SPACE":
                y = spread(y, operator.options["block"])
            case "RESHAPE":
                y = y.reshape(len(y), *others[0][1:])
        values[operator.output] = np.maximum(y, 0) if operator.options.get("activation") == RELU else y
    return [values[n] for n in net.outputs]


def run(model: onnx.ModelProto, pictures: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": pictures})


def agree(net: Network, pictures: np.ndarray) -> None:
    """The converted network gives what the file says."""
    found, expected = run(to_onnx(net), pictures), evaluated(net, pictures / 127.5 - 1)
    assert len(found) == len(expected)
    for ours, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=0, atol=2e-6 * max(1, np.abs(plain).max()))


# --- files of the tests' own making


def write(file: bytearray, value: Any) -> int:
    """Append a table (slot → value), a vector of tables or an array; returns where it begins."""
    links = []
    if isinstance(value, dict):
        n_slots = max(value, default=-1) + 1
        start = len(file) + 4 + 2 * n_slots
        fields, inline = [0] * n_slots, b""
        for slot, field in value.items():
            fields[slot] = 4 + len(inline)
            if isinstance(field, tuple):  # format and number
                inline += struct.pack(f"<{field[0]}", field[1])
            else:
                links.append((start + 4 + len(inline), field))
                inline += bytes(4)
        file += struct.pack(f"<HH{n_slots}H", 4 + 2 * n_slots, 4 + len(inline), *fields)
        file += struct.pack("<i", 4 + 2 * n_slots) + inline
    else:
        start = len(file)
        file += struct.pack("<I", len(value))
        if isinstance(value, list):
            links = [(start + 4 + 4 * n, entry) for n, entry in enumerate(value)]
            file += bytes(4 * len(value))
        else:
            file += value.tobytes()
    for place, target in links:
        struct.pack_into("<I", file, place, write(file, target) - place)
    return start


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


TYPES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1, np.dtype(np.int32): 2}


class Made:
    """A file in the making: tensors and operators are added one by one."""

    def __init__(self, *shape: int) -> None:
        self.buffers: list[dict] = [{}]
        self.tensors: list[dict] = []
        self.operators: list[dict] = []
        self.outputs: list[int] = []
        self.tensor(shape)

    def tensor(self, shape: Sequence[int], kind: int = 0, buffer: int = 0, **more: Any) -> int:
        self.tensors.append({0: ints(*shape), 1: ("b", kind), 2: ("I", buffer)} | more.get("fields", {}))
        return len(self.tensors) - 1

    def constant(self, values: np.ndarray, shape: Sequence[int] | None = None, **more: Any) -> int:
        self.buffers.append({0: np.frombuffer(values.tobytes(), np.uint8)})
        return self.tensor(shape or values.shape, TYPES[values.dtype], len(self.buffers) - 1, **more)

    def add(self, kind: str, inputs: Sequence[int], shape: Sequence[int], **options: int) -> int:
        known = OPERATORS[kind]
        table = {known.options[name].slot: (known.options[name].format, n) for name, n in options.items()}
        output = self.tensor(shape)
        self.operators.append(
            {
                0: ("I", list(OPERATORS).index(kind)),
                1: ints(*inputs),
                2: ints(output),
                3: ("B", 1),
                4: table,
            }
        )
        return output

    def file(self, output: int) -> bytes:
        graph = {0: self.tensors, 1: ints(0), 2: ints(output), 3: self.operators}
        codes = [{0: ("b", known.code), 3: ("i", known.code)} for known in OPERATORS.values()]
        file = bytearray(b"\0\0\0\0TFL3")
        struct.pack_into("<I", file, 0, write(file, {0: ("I", 3), 1: codes, 2: [graph], 4: self.buffers}))
        return bytes(file)

    def network(self, value: int) -> Network:
        """The network whose output is a tensor of (1, rows, columns, channels), as places and values."""
        _, rows, columns, channels = self.tensors[value][0].tolist()
        shape = self.constant(ints(1, -1, channels))
        return read_network(self.file(self.add("RESHAPE", [value, shape], (1, rows * columns, channels))))


RANDOM = np.random.default_rng(5)


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def pictures(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (*shape, 3), dtype=np.uint8)


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
