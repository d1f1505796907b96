"""Embedders that are made up: tiny ONNX models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def network(
    path: Path,
    *,
    shape: Sequence[int | str] = ("n", 3, 112, 112),
    dimensions: int = 7,
    cells: int = 4,
    factor: float = 1.0,
    bias: float = 0.0,
    outputs: int = 1,
    flat: bool = True,
) -> Path:
    """Write an embedder: the mean of `cells`×`cells` parts of the picture, times a random matrix.

    Parameters
    ----------
    shape
        Of its input.
    dimensions
        Numbers that it gives for a face.
    factor, bias
        All of them are multiplied by the one, and the other is added.
    outputs
        1, or 2: the length of the embedding, too.
    flat
        Whether it gives a row a face; else (n, dimensions, 1, 1).
    """
    last = shape[3] == 3 and shape[1] != 3
    side = int(shape[1 if last else 2]) if isinstance(shape[1 if last else 2], int) else 112
    step = side // cells
    channels = shape[1] if isinstance(shape[1], int) and not last else 3
    weights = np.random.default_rng(0).normal(size=(channels * cells**2, dimensions)).astype(np.float32)
    nodes = [helper.make_node("Transpose", ["data"], ["chw"], perm=[0, 3, 1, 2])] if last else []
    nodes += [
        helper.make_node(
            "AveragePool",
            ["chw" if last else "data"],
            ["parts"],
            kernel_shape=[step, step],
            strides=[step, step],
        ),
        helper.make_node("Flatten", ["parts"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["numbers"]),
        helper.make_node("Mul", ["numbers", "factor"], ["larger"]),
        helper.make_node("Add", ["larger", "bias"], ["embedding" if flat else "plain"]),
    ]
    if not flat:
        nodes.append(helper.make_node("Unsqueeze", ["plain", "axes"], ["embedding"]))
    if outputs == 2:
        nodes.append(helper.make_node("ReduceL2", ["embedding"], ["length"], keepdims=1))
    constants = {
        "weights": weights,
        "factor": np.float32([factor]),
        "bias": np.float32([bias]),
        "axes": np.int64([2, 3]),
    }
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, list(shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("embedding", "length")[:outputs]
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def expected(chips: np.ndarray, dimensions: int = 7, cells: int = 4) -> np.ndarray:
    """What `network` gives for chips (n, side, side, 3) of what it takes, of unit length."""
    n, side = chips.shape[:2]
    step = side // cells
    parts = chips[:, : step * cells, : step * cells].reshape(n, cells, step, cells, step, 3).mean(axis=(2, 4))
    row = parts.transpose(0, 3, 1, 2).reshape(n, -1)
    weights = np.random.default_rng(0).normal(size=(3 * cells * cells, dimensions)).astype(np.float32)
    found = row @ weights
    return found / np.linalg.norm(found, axis=1, keepdims=True)
