"""Networks of TensorFlow Lite of the tests' own making, and a plain evaluation of any."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from castgraph.faces.tflite import OPERATORS, RELU, SAME, Network, read_network

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
