"""Reading a network from a TensorFlow Lite file, without TensorFlow.

Only what networks of convolutions use is known. The data may be damaged or hostile: every read is checked
against the bytes that are there, and weights are no larger than `MAX_VALUES`.

References
----------
TensorFlow Lite: ``schema.fbs`` (version 3), and ``internal/utils/sparsity_format_converter.cc`` for sparse
weights; FlatBuffers: "FlatBuffer internals".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

MAX_VALUES = 2**24
"""Values of one constant, at most; the largest of a face detector has fewer than 100,000."""


class TfliteError(ValueError):
    """The data are not a network that is known here; the message says what was found."""


class Tensor(NamedTuple):
    """What goes into an operator or comes out of it."""

    shape: tuple[int, ...]
    values: NDArray[Any] | None  # of a constant, float32 or int32; None where they are computed


class Operator(NamedTuple):
    """A step of the network; tensors are indices into `Network.tensors`."""

    kind: str  # a key of `OPERATORS`
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, int]


class Network(NamedTuple):
    """A network with one input. What only unpacks weights is done, and no operator any more."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]  # in the order in which they are computed
    input: int
    outputs: tuple[int, ...]


class _Option(NamedTuple):
    """Where an option of an operator lies in its table."""

    slot: int
    format: str = "i"  # as in `struct`
    default: int = 0


class _Known(NamedTuple):
    """An operator that is known: its number in the schema, how many inputs it has, and its options."""

    code: int
    n_inputs: int
    options: Mapping[str, _Option]


SAME, VALID = 0, 1
"""Option ``padding``: the output is as large as the input (divided by the stride); nothing is padded."""

NO_ACTIVATION, RELU = 0, 1
"""Option ``activation``: what is done to the output; the only ones that are known."""

OPERATORS: Mapping[str, _Known] = {
    "ADD": _Known(0, 2, {"activation": _Option(0, "b")}),
    "CONV_2D": _Known(
        3,
        3,
        {
            "padding": _Option(0, "b"),
            "stride_columns": _Option(1),
            "stride_rows": _Option(2),
            "activation": _Option(3, "b"),
            "dilation_columns": _Option(4, default=1),
            "dilation_rows": _Option(5, default=1),
        },
    ),
    "DEPTHWISE_CONV_2D": _Known(
        4,
        3,
        {
            "padding": _Option(0, "b"),
            "stride_columns": _Option(1),
            "stride_rows": _Option(2),
            "activation": _Option(4, "b"),
            "dilation_columns": _Option(5, default=1),
            "dilation_rows": _Option(6, default=1),
        },
    ),
    "DEPTH_TO_SPACE": _Known(5, 1, {"block": _Option(0)}),
    "DEQUANTIZE": _Known(6, 1, {}),
    "RESHAPE": _Known(22, 2, {}),
    "RESIZE_BILINEAR": _Known(
        23, 2, {"align_corners": _Option(2, "b"), "half_pixel_centers": _Option(3, "b")}
    ),
    "PAD": _Known(34, 2, {}),
    "DENSIFY": _Known(124, 1, {}),
}
"""Name → what the schema says of the operator."""

_TYPES: Mapping[int, str] = {0: "<f4", 1: "<f2", 2: "<i4"}
_INDICES: Mapping[int, str] = {1: "<i4", 2: "<u2", 3: "<u1"}  # of sparse weights
_DENSE, _COMPRESSED = 0, 1


class _Table(NamedTuple):
    """A table of a FlatBuffer. A field is named by its slot: its number in the schema, from 0 on."""

    data: bytes
    start: int

    def number(self, slot: int, kind: str = "i", default: int = 0) -> int:
        """Read an integer; `kind` is its format in `struct`."""
        place = self._place(slot)
        return default if place is None else _number(self.data, place, kind)

    def table(self, slot: int) -> _Table:
        """Read a table; one that is not there is an error."""
        place = self._place(slot)
        if place is None:
            raise TfliteError(f"the table at byte {self.start} has no field {slot}")
        return _Table(self.data, place + _number(self.data, place, "I"))

    def tables(self, slot: int) -> list[_Table]:
        """Read a vector of tables."""
        start, length = self._vector(slot, 4)
        places = range(start, start + 4 * length, 4)
        return [_Table(self.data, place + _number(self.data, place, "I")) for place in places]

    def array(self, slot: int, dtype: DTypeLike) -> NDArray[Any]:
        """Read a vector of numbers; empty when it is not there."""
        start, length = self._vector(slot, np.dtype(dtype).itemsize)
        return np.frombuffer(self.data, dtype, length, start) if length else np.empty(0, dtype)

    def _vector(self, slot: int, size: int) -> tuple[int, int]:
        """Where the elements of a vector begin, and how many there are."""
        place = self._place(slot)
        if place is None:
            return 0, 0
        place += _number(self.data, place, "I")
        length = _number(self.data, place, "I")
        if length * size > len(self.data) - place - 4:
            raise TfliteError(
                f"byte {place} of {len(self.data)}: {length} elements do not fit; it is cut off"
            )
        return place + 4, length

    def _place(self, slot: int) -> int | None:
        fields = self.start - _number(self.data, self.start, "i")
        entry = 4 + 2 * slot
        if entry >= _number(self.data, fields, "H"):
            return None
        offset = _number(self.data, fields + entry, "H")
        return self.start + offset if offset else None


def _number(data: bytes, place: int, kind: str) -> int:
    size = struct.calcsize(kind)
    if not 0 <= place <= len(data) - size:
        raise TfliteError(f"byte {place} is asked for, there are {len(data)}; it is cut off or damaged")
    value: int
    (value,) = struct.unpack_from(f"<{kind}", data, place)
    return value


def read_network(data: bytes) -> Network:
    """Read a network.

    Parameters
    ----------
    data
        The content of a ``.tflite`` file.

    Returns
    -------
    Network

    Raises
    ------
    TfliteError
        When the data are damaged, or when there is something in them that is not known here.
    """
    if data[4:8] != b"TFL3":
        raise TfliteError("not a TensorFlow Lite file of version 3")
    root = _Table(data, _number(data, 0, "I"))
    codes = [max(code.number(0, "b"), code.number(3)) for code in root.tables(1)]
    graphs = root.tables(2)
    if len(graphs) != 1:
        raise TfliteError(f"{len(graphs)} graphs; one is expected")
    (graph,) = graphs
    buffers = root.tables(4)
    entries = graph.tables(0)
    tensors = [_read_tensor(entry, buffers) for entry in entries]
    operators = []
    for entry in graph.tables(3):
        operator = _read_operator(entry, codes, len(tensors))
        if operator.kind in ("DENSIFY", "DEQUANTIZE"):
            tensors[operator.output] = _unpacked(operator, tensors, entries)
        else:
            operators.append(operator)
    inputs, outputs = (tuple(graph.array(slot, "<i4").tolist()) for slot in (1, 2))
    if len(inputs) != 1 or not outputs or not all(0 <= n < len(tensors) for n in (*inputs, *outputs)):
        raise TfliteError(f"inputs {inputs} and outputs {outputs}; one input is expected")
    return Network(tuple(tensors), tuple(operators), inputs[0], outputs)


def _read_tensor(entry: _Table, buffers: list[_Table]) -> Tensor:
    shape = tuple(entry.array(0, "<i4").tolist())
    kind, buffer = entry.number(1, "b"), entry.number(2, "I")
    if any(size < 1 for size in shape) or math.prod(shape) > MAX_VALUES:
        raise TfliteError(f"a tensor of shape {shape}; at most {MAX_VALUES} values are allowed")
    if kind not in _TYPES or buffer >= len(buffers):
        raise TfliteError(f"a tensor of type {kind} in buffer {buffer}, which are not known")
    content = buffers[buffer].array(0, np.uint8)
    if not content.size:
        return Tensor(shape, None)
    if content.size % np.dtype(_TYPES[kind]).itemsize:
        raise TfliteError(f"a tensor of type {kind} of {content.size} bytes")
    values = content.view(_TYPES[kind])
    return Tensor(shape, values.reshape(shape) if values.size == math.prod(shape) else values)


def _read_operator(entry: _Table, codes: list[int], n_tensors: int) -> Operator:
    index = entry.number(0, "I")
    code = codes[index] if index < len(codes) else -1
    kind = next((name for name, known in OPERATORS.items() if known.code == code), None)
    if kind is None:
        raise TfliteError(f"an operator of kind {code}; known are {', '.join(OPERATORS)}")
    known = OPERATORS[kind]
    inputs, outputs = (tuple(entry.array(slot, "<i4").tolist()) for slot in (1, 2))
    if (
        len(inputs) != known.n_inputs
        or len(outputs) != 1
        or not all(0 <= tensor < n_tensors for tensor in inputs + outputs)
    ):
        raise TfliteError(f"{kind} with inputs {inputs} and outputs {outputs} of {n_tensors} tensors")
    options = {}
    if known.options:
        table = entry.table(4)
        options = {name: table.number(*option) for name, option in known.options.items()}
    return Operator(kind, inputs, outputs[0], options)


def _unpacked(operator: Operator, tensors: list[Tensor], entries: list[_Table]) -> Tensor:
    """Unpack weights: zeros put back, or half precision made single."""
    (source,) = operator.inputs
    shape, values = tensors[source]
    if values is None:
        raise TfliteError(f"{operator.kind} of what is no constant")
    if operator.kind == "DENSIFY":
        return Tensor(shape, _dense(values, shape, entries[source].table(6)))
    return Tensor(shape, values.astype(np.float32))


def _dense(values: NDArray[Any], shape: tuple[int, ...], sparsity: _Table) -> NDArray[Any]:
    """Put the zeros of sparse weights back.

    Dimension after dimension, each place so far is continued by all indices of the dimension, or by those
    that are stored for it.
    """
    order, blocks = sparsity.array(0, "<i4").tolist(), sparsity.array(1, "<i4").tolist()
    dimensions = sparsity.tables(2)
    if order != list(range(len(shape))) or blocks or len(dimensions) != len(shape):
        raise TfliteError(f"sparse weights of shape {shape} in the order {order}, blocks {blocks}")
    places = np.zeros(1, np.int64)
    for size, dimension in zip(shape, dimensions, strict=True):
        kind = dimension.number(0, "b")
        if kind == _DENSE and dimension.number(1) == size and places.size * size <= math.prod(shape):
            places = (places[:, None] * size + np.arange(size)).ravel()
        elif kind == _COMPRESSED:
            starts, indices = _indices(dimension, 2), _indices(dimension, 4)
            counts = np.diff(starts)
            if (
                counts.size != places.size
                or starts[0] != 0
                or starts[-1] != indices.size
                or (counts < 0).any()
                or (indices >= size).any()
                or (indices < 0).any()
            ):
                raise TfliteError(f"sparse weights of shape {shape} whose indices do not fit")
            places = np.repeat(places, counts) * size + indices
        else:
            raise TfliteError(f"sparse weights of shape {shape} with a dimension of kind {kind}")
    if places.size != values.size:
        raise TfliteError(f"{values.size} sparse weights for {places.size} places")
    dense = np.zeros(math.prod(shape), values.dtype)
    dense[places] = values.ravel()
    return dense.reshape(shape)


def _indices(dimension: _Table, slot: int) -> NDArray[np.int64]:
    kind = dimension.number(slot, "B")
    if kind not in _INDICES:
        raise TfliteError(f"indices of kind {kind} of sparse weights")
    return dimension.table(slot + 1).array(0, _INDICES[kind]).astype(np.int64)
