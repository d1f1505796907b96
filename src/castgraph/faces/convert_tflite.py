"""Networks of TensorFlow Lite as ONNX.

TensorFlow Lite keeps the channels of a tensor last, ONNX before rows and columns: weights are turned round
here, once, and only the outputs while the network runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper

from castgraph.faces import tflite
from castgraph.faces.convert import IR_VERSION, OPSET, Graph
from castgraph.faces.tflite import Network, Operator, TfliteError


class _Value(NamedTuple):
    """A tensor of the graph, and the zeros that are still to be put around it."""

    name: str
    padding: tuple[int, ...] = (0, 0, 0, 0)  # above, left, below, right


def to_onnx(network: Network) -> onnx.ModelProto:
    """Convert a network that looks at pictures.

    Parameters
    ----------
    network
        What `castgraph.faces.tflite.read_network` gave.

    Returns
    -------
    ModelProto
        Its input is ``pictures`` of shape (n, rows, columns, 3), uint8, RGB; the network gets -1 for black, 1
        for white. They may have other sizes than in the file, where all strides divide them. Its outputs
        ``output_0``, … in the order of the file are of shape (n, places, values), float32, row by row.

    Raises
    ------
    TfliteError
        When the network does something that is not known here.
    """
    graph = Graph()
    half, one = (graph.constant(f"{value}", np.float32(value)) for value in (127.5, 1))
    planes = graph.add("Transpose", ["pictures"], "planes", perm=(0, 3, 1, 2))
    floats = graph.add("Cast", [planes], "floats", to=TensorProto.FLOAT)
    divided = graph.add("Div", [floats, half], "divided")
    values = {network.input: _Value(graph.add("Sub", [divided, one], "centred"))}
    for index, operator in enumerate(network.operators):
        name = f"{index:03d}_{operator.kind.lower()}"
        values[operator.output] = _apply(graph, network, operator, values, name)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "whole",
            [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", "rows", "columns", 3])],
            [_output(graph, network, tensor, values, n) for n, tensor in enumerate(network.outputs)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="castgraph",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _output(
    graph: Graph, network: Network, tensor: int, values: Mapping[int, _Value], number: int
) -> onnx.ValueInfoProto:
    shape = network.tensors[tensor].shape
    if tensor not in values or len(shape) != 3:
        raise TfliteError(f"an output of shape {shape}; places and their values are expected")
    name = graph.add("Identity", [values[tensor].name], f"output_{number}")
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "places", shape[2]])


def _apply(
    graph: Graph, network: Network, operator: Operator, values: Mapping[int, _Value], name: str
) -> _Value:
    """Add one operator to the graph; `name` is that of its output."""
    computed = operator.inputs[: 2 if operator.kind == "ADD" else 1]
    before, after = (network.tensors[tensor].shape for tensor in (computed[-1], operator.output))
    known = all(tensor in values and len(network.tensors[tensor].shape) == 4 for tensor in computed)
    if not known or len(after) < 3:
        raise _unknown(network, operator)
    inputs = [values[tensor].name for tensor in computed]
    padded = any(any(values[tensor].padding) for tensor in computed)
    options = operator.options
    match operator.kind:
        case "CONV_2D" | "DEPTHWISE_CONV_2D":
            _add_convolution(graph, network, operator, values[computed[0]], name)
        case "PAD" if not padded:
            return _Value(inputs[0], _padding(network, operator))
        case "ADD" if {network.tensors[tensor].shape for tensor in computed} == {after} and not padded:
            _add_activated(graph, operator, "Add", inputs, name)
        case "RESIZE_BILINEAR" if options["half_pixel_centers"] and not (options["align_corners"] or padded):
            scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
            graph.add("Resize", [*inputs, "", graph.constant(f"{name}_scales", scales)], name, mode="linear")
        case "DEPTH_TO_SPACE" if not padded:
            graph.add("DepthToSpace", inputs, name, blocksize=options["block"], mode="DCR")
        case "RESHAPE" if after == (1, before[1] * before[2], before[3]) and not padded:
            last = graph.add("Transpose", inputs, f"{name}_channels_last", perm=(0, 2, 3, 1))
            places = graph.constant(f"{name}_shape", np.array([0, -1, before[3]]))
            graph.add("Reshape", [last, places], name)
        case _:
            raise _unknown(network, operator)
    return _Value(name)


def _add_convolution(graph: Graph, network: Network, operator: Operator, value: _Value, name: str) -> None:
    weights, bias = (network.tensors[tensor].values for tensor in operator.inputs[1:])
    options = operator.options
    if weights is None or bias is None or weights.ndim != 4:
        raise _unknown(network, operator)
    n_channels = network.tensors[operator.inputs[0]].shape[-1]
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    weights = weights.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    groups = n_channels if depthwise else 1
    same = options["padding"] == tflite.SAME
    if (
        weights.shape[1] * groups != n_channels
        or weights.shape[0] % groups
        or bias.shape != weights.shape[:1]
        or (options["dilation_rows"], options["dilation_columns"]) != (1, 1)
        or (same and any(value.padding))
    ):
        raise _unknown(network, operator)
    _add_activated(
        graph,
        operator,
        "Conv",
        [value.name, graph.constant(f"{name}_weights", weights), graph.constant(f"{name}_bias", bias)],
        name,
        group=groups,
        kernel_shape=weights.shape[2:],
        strides=(options["stride_rows"], options["stride_columns"]),
        **({"auto_pad": "SAME_UPPER"} if same else {"pads": value.padding}),
    )


def _add_activated(
    graph: Graph, operator: Operator, kind: str, inputs: Sequence[str], name: str, **attributes: Any
) -> None:
    """Add a node and the activation after it."""
    match operator.options["activation"]:
        case tflite.NO_ACTIVATION:
            graph.add(kind, inputs, name, **attributes)
        case tflite.RELU:
            graph.add("Relu", [graph.add(kind, inputs, f"{name}_linear", **attributes)], name)
        case other:
            raise TfliteError(f"{operator.kind} with the activation {other}, which is not known")


def _padding(network: Network, operator: Operator) -> tuple[int, ...]:
    """Tell how many zeros a ``PAD`` puts around rows and columns."""
    padding = network.tensors[operator.inputs[1]].values
    if padding is None or padding.shape != (4, 2) or padding[[0, 3]].any() or (padding < 0).any():
        raise _unknown(network, operator)
    return (*padding[1:3, 0].tolist(), *padding[1:3, 1].tolist())


def _unknown(network: Network, operator: Operator) -> TfliteError:
    shapes = [network.tensors[tensor].shape for tensor in (*operator.inputs, operator.output)]
    return TfliteError(
        f"{operator.kind} with inputs and output of shapes {shapes} and {dict(operator.options)}, a use "
        "that is not known"
    )
