"""dlib's networks as ONNX, and networks that are ONNX for pictures of any size.

Every number comes from the model file: weights, strides, paddings, windows, averages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from castgraph.faces.dat import (
    AddPrevious,
    Affine,
    Convolution,
    Dense,
    Layer,
    Network,
    Pool,
    Relu,
    Skip,
    Tag,
)

OPSET = 17
IR_VERSION = 8  # the format of the time of opset 17, so that onnxruntime versions since then read it


def n_stem(network: Network) -> int:
    """Count the first layers that pad nothing: on a strip of a picture they give a strip of their output."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Convolution | Pool) and layer.padding != (0, 0):
            return index
    return len(network.layers)


def layer_name(network: Network, index: int) -> str:
    """Name the output of a layer, as `to_onnx` calls it."""
    return f"{index:03d}_{type(network.layers[index]).__name__.lower()}"


class _Value(NamedTuple):
    """A tensor of the graph."""

    name: str
    n_channels: int
    size: tuple[int, ...] | None  # rows, columns; None where they differ from picture to picture

    def info(self) -> onnx.ValueInfoProto:
        size = (f"{self.name}_rows", f"{self.name}_columns") if self.size is None else self.size
        return helper.make_tensor_value_info(self.name, TensorProto.FLOAT, ["n", self.n_channels, *size])


@dataclass(slots=True)
class Graph:
    """An ONNX graph as it grows."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: ArrayLike) -> str:
        """Add a constant; returns its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def to_onnx(network: Network, part: str = "whole", outputs: Sequence[int] = ()) -> onnx.ModelProto:
    """Convert a network.

    Parameters
    ----------
    network
        What `castgraph.faces.dat.read_network` gave.
    part
        ``stem``: the first layers, which pad nothing; ``head``: those after them; ``whole``: all.
    outputs
        Indices of layers whose outputs are wanted besides the last one, named by `layer_name`. A convolution
        that is joined with the affine layer after it has none.

    Returns
    -------
    ModelProto
        Its input is ``pictures`` of shape (n, rows, columns, 3), uint8, RGB, where the network takes pictures
        of one size; otherwise ``tensor`` of shape (n, channels, rows, columns), float32, the network's input
        (see `castgraph.faces.dat.Input`) or that of the head. Its first output is that of the last layer.

    Raises
    ------
    ValueError
        When there is no such part, when a layer has no output, or when sizes do not fit together.
    """
    parts = {
        "whole": (0, len(network.layers)),
        "stem": (0, n_stem(network)),
        "head": (n_stem(network), len(network.layers)),
    }
    if part not in parts:
        raise ValueError(f"no part {part!r} of a network; there are {', '.join(parts)}")
    start, stop = parts[part]
    graph = Graph()
    entry, value = _input(graph, network, start)
    values = {}
    tags: dict[str, _Value] = {}
    index = start
    while index < stop:
        layer = network.layers[index]
        following = network.layers[index + 1] if index + 1 < stop else None
        if isinstance(layer, Convolution) and isinstance(following, Affine):
            layer = layer.followed_by(following)
            index += 1
        value = _apply(graph, layer, value, layer_name(network, index), tags)
        values[index] = value
        index += 1
    without = [index for index in outputs if index not in values]
    if without:
        raise ValueError(f"layers {without} have no output of their own in the part {part!r}")
    wanted = dict.fromkeys([value, *(values[index] for index in outputs)])
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            part,
            [entry],
            [output.info() for output in wanted],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="castgraph",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def of_any_size(data: bytes) -> onnx.ModelProto:
    """Let a network that is ONNX already, and convolutions only, take any number of pictures of any size.

    Parameters
    ----------
    data
        The file's content: a network whose input and outputs have the shape (n, channels, rows, columns).

    Returns
    -------
    ModelProto
        The same network. Its weights are constants, so that onnxruntime can join layers.
    """
    model = onnx.load_from_string(data)
    constants = {constant.name for constant in model.graph.initializer}
    entries = [entry for entry in model.graph.input if entry.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(entries)
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        for index, size in ((0, "n"), (2, f"rows_{value.name}"), (3, f"columns_{value.name}")):
            dims[index].dim_param = size
    onnx.checker.check_model(model, full_check=True)
    return model


def _input(graph: Graph, network: Network, start: int) -> tuple[onnx.ValueInfoProto, _Value]:
    size = network.input.size
    if start == 0 and size is not None:
        averages = graph.constant("averages", network.input.averages.reshape(1, 3, 1, 1))
        scale = graph.constant("scale", np.float32(1 / 256))
        planes = graph.add("Transpose", ["pictures"], "planes", perm=(0, 3, 1, 2))
        values = graph.add("Cast", [planes], "floats", to=TensorProto.FLOAT)
        centred = graph.add("Sub", [values, averages], "centred")
        entry = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", *size, 3])
        return entry, _Value(graph.add("Mul", [centred, scale], "normalised"), 3, size)
    first = next(layer for layer in network.layers[start:] if isinstance(layer, Convolution))
    n_channels = first.weights.shape[1]
    value = _Value("tensor", n_channels, None)
    return value.info(), value


def _apply(graph: Graph, layer: Layer, value: _Value, name: str, tags: dict[str, _Value]) -> _Value:
    """Add one layer to the graph; `name` is that of its output."""
    match layer:
        case Convolution():
            n_filters, n_channels, *window = layer.weights.shape
            if n_channels != value.n_channels:
                raise ValueError(f"{name}: {value.n_channels} channels come in, {n_channels} are expected")
            if n_filters == 1 and window[0] > 1 and layer.stride == (1, 1):
                _add_single_filter(graph, layer, value, name)
            else:
                _add_convolution(graph, layer, value, name)
            return _Value(name, n_filters, _out_size(value, tuple(window), layer))
        case Affine():
            scale = graph.constant(f"{name}_scale", layer.scale[:, None, None])
            shift = graph.constant(f"{name}_shift", layer.shift[:, None, None])
            graph.add("Mul", [value.name, scale], f"{name}_scaled")
            return value._replace(name=graph.add("Add", [f"{name}_scaled", shift], name))
        case Relu():
            return value._replace(name=graph.add("Relu", [value.name], name))
        case Pool(window=(0, 0)):
            graph.add("GlobalAveragePool" if layer.mean else "GlobalMaxPool", [value.name], name)
            return _Value(name, value.n_channels, (1, 1))
        case Pool():
            graph.add(
                "AveragePool" if layer.mean else "MaxPool", [value.name], name, **_window(layer.window, layer)
            )
            return _Value(name, value.n_channels, _out_size(value, layer.window, layer))
        case Dense():
            flat = graph.add("Flatten", [value.name], f"{name}_flat")
            inputs = [flat, graph.constant(f"{name}_weights", layer.weights)]
            if layer.bias is not None:
                inputs.append(graph.constant(f"{name}_bias", layer.bias))
            return _Value(graph.add("Gemm", inputs, name), layer.weights.shape[1], ())
        case Tag():
            tags[layer.name] = value
            return value
        case Skip():
            return tags[layer.name]
        case AddPrevious():
            return _sum(graph, value, tags[layer.name], name)


def _add_convolution(graph: Graph, layer: Convolution, value: _Value, name: str) -> None:
    weights = graph.constant(f"{name}_weights", layer.weights)
    bias = graph.constant(f"{name}_bias", layer.bias)
    graph.add("Conv", [value.name, weights, bias], name, **_window(layer.weights.shape[2:], layer))


def _add_single_filter(graph: Graph, layer: Convolution, value: _Value, name: str) -> None:
    """Add a convolution with one filter, row by row of its window, then the sum of the shifted rows.

    onnxruntime computes 16 filters where there is one; this way they are the rows of the window.
    """
    _, _, n_rows, n_columns = layer.weights.shape
    rows = graph.constant(f"{name}_weights", layer.weights[0].transpose(1, 0, 2)[:, :, None, :])
    shifts = graph.constant(f"{name}_shifts", np.eye(n_rows, dtype=np.float32)[None, :, :, None])
    bias = graph.constant(f"{name}_bias", layer.bias)
    above, beside = layer.padding
    graph.add(
        "Conv", [value.name, rows], f"{name}_rows", kernel_shape=(1, n_columns), pads=(0, beside, 0, beside)
    )
    graph.add(
        "Conv",
        [f"{name}_rows", shifts, bias],
        name,
        kernel_shape=(n_rows, 1),
        pads=(above, 0, above, 0),
    )


def _window(window: tuple[int, ...], layer: Convolution | Pool) -> dict[str, Any]:
    return {"kernel_shape": window, "strides": layer.stride, "pads": layer.padding * 2}


def _out_size(value: _Value, window: tuple[int, ...], layer: Convolution | Pool) -> tuple[int, ...] | None:
    if value.size is None:
        return None
    rows, columns = (
        1 + (size + 2 * padding - width) // stride
        for size, width, stride, padding in zip(value.size, window, layer.stride, layer.padding, strict=True)
    )
    if min(rows, columns) < 1:
        raise ValueError(f"{value.name} of size {value.size} is smaller than a window {window}")
    return rows, columns


def _sum(graph: Graph, a: _Value, b: _Value, name: str) -> _Value:
    """Add two values; dlib continues the smaller one with zeros to the right, below and in the channels."""
    if a.size is None or b.size is None or len(a.size) != len(b.size):
        raise ValueError(f"{name}: the sizes of {a.name} and {b.name} are not known or of different kinds")
    n_channels = max(a.n_channels, b.n_channels)
    rows, columns = max(a.size[0], b.size[0]), max(a.size[1], b.size[1])
    inputs = []
    for value, size in ((a, a.size), (b, b.size)):
        after = (n_channels - value.n_channels, rows - size[0], columns - size[1])
        if any(after):
            pads = graph.constant(f"{name}_{value.name}_pads", np.array([0, 0, 0, 0, 0, *after], np.int64))
            inputs.append(graph.add("Pad", [value.name, pads], f"{name}_{value.name}_padded"))
        else:
            inputs.append(value.name)
    return _Value(graph.add("Add", inputs, name), n_channels, (rows, columns))
