"""Networks of TensorFlow Lite as the steps of a native kernel.

Known are networks like BlazeFace's: a first convolution of the picture, then depthwise convolutions of 3×3
each followed by a matrix (a convolution of 1×1), sums, enlargements, and grids of places as outputs. Most
weights of their matrices may be zero; only the others are kept (``kernel/sparse.cpp``).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.faces import tflite
from castgraph.faces.tflite import Network, Operator, TfliteError

AROUND = [[0, 0], [1, 1], [1, 1], [0, 0]]
"""A ``PAD`` of one pixel around rows and columns."""

_NO_FLOATS = np.empty(0, np.float32)
_NO_INDICES = np.empty(0, np.int32)


class Step(NamedTuple):
    """A step as the kernel takes it (``kernel/blazeface.hpp``); images are numbers, -1 for none."""

    kind: str  # ``first``, ``depthwise``, ``plain``, ``enlarge`` or ``places``
    stride: int
    input: int
    output: int
    added: int = -1
    relu: bool = False
    filters: NDArray[np.float32] = _NO_FLOATS  # of 3×3, (channels × 9,)
    shifts: NDArray[np.float32] = _NO_FLOATS  # (channels,)
    # Of the matrix: where the weights of each filter begin, the inputs that they belong to, and their values.
    starts: NDArray[np.int32] = _NO_INDICES
    inputs: NDArray[np.int32] = _NO_INDICES
    weights: NDArray[np.float32] = _NO_FLOATS
    bias: NDArray[np.float32] = _NO_FLOATS


class Program(NamedTuple):
    """The steps of a network."""

    steps: list[Step]
    n_images: int  # that have to be kept at a time
    n_outputs: int


def program(network: Network) -> Program:
    """Find the steps of a network.

    Parameters
    ----------
    network
        What `castgraph.faces.tflite.read_network` gave.

    Returns
    -------
    Program
        What it takes and gives is that of `castgraph.faces.convert_tflite.to_onnx`, one picture at a time:
        of shape (rows, columns, 3), uint8; outputs of shape (places, values), float32.

    Raises
    ------
    TfliteError
        When the network does something that is not known here.
    """
    return _Reading(network).program()


class _Reading:
    """A network that is being read: its tensors are images, or what the next operator makes of them."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.uses = Counter(tensor for operator in network.operators for tensor in operator.inputs)
        self.steps: list[Step] = []  # their images are tensors
        self.padded: dict[int, int] = {}  # tensor → that it is with zeros around
        self.filtered: dict[int, Step] = {}  # tensor → the step that makes it, without its matrix
        self.enlarged: dict[int, int] = {}
        self.places: dict[int, Step] = {}

    def program(self) -> Program:
        for operator in self.network.operators:
            if not self._take(operator):
                shapes = [
                    self.network.tensors[tensor].shape for tensor in (*operator.inputs, operator.output)
                ]
                raise TfliteError(
                    f"{operator.kind} with inputs and output of shapes {shapes} and "
                    f"{dict(operator.options)}, a use that the native kernel does not know"
                )
        for number, tensor in enumerate(self.network.outputs):
            if tensor not in self.places:
                raise TfliteError(f"output {number} is no grid of places")
            self.steps.append(self.places[tensor]._replace(output=number))
        return _with_fewest_images(self.steps, len(self.network.outputs))

    def _take(self, operator: Operator) -> bool:
        """Make what an operator does a step, or remember it for the next; False where it is not known."""
        network, options = self.network, operator.options
        source, output = operator.inputs[0], operator.output
        before, after = network.tensors[source].shape, network.tensors[output].shape
        relu = options.get("activation") == tflite.RELU
        if options.get("activation", tflite.NO_ACTIVATION) not in (tflite.NO_ACTIVATION, tflite.RELU):
            return False
        match operator.kind:
            case "PAD":
                padding = network.tensors[operator.inputs[1]].values
                self.padded[output] = source
                return padding is not None and padding.tolist() == AROUND
            case "CONV_2D":
                return self._take_convolution(operator, relu=relu)
            case "DEPTHWISE_CONV_2D":
                return self._take_filter(operator, relu=relu)
            case "ADD":
                return self._take_sum(operator, relu=relu)
            case "RESIZE_BILINEAR":
                self.enlarged[output] = source
                return (
                    bool(options["half_pixel_centers"])
                    and not options["align_corners"]
                    and after == (1, 2 * before[1], 2 * before[2], before[3])
                )
            case "DEPTH_TO_SPACE":
                if source not in self.filtered:
                    return False
                self.places[output] = self.filtered[source]._replace(kind="places")
                return options["block"] == 2
            case "RESHAPE":
                if source not in self.places:
                    return False
                self.places[output] = self.places[source]
                return after == (1, before[1] * before[2], before[3])
        return False

    def _take_convolution(self, operator: Operator, *, relu: bool) -> bool:
        weights, bias = self._constants(operator)
        if weights is None or bias is None or _dilation(operator) != (1, 1):
            return False
        source = operator.inputs[0]
        n_channels = self.network.tensors[source].shape[-1]
        of_picture = self.padded.get(source) == self.network.input and _pads_nothing(operator)
        if of_picture and weights.shape[1:] == (3, 3, 3) and _stride(operator) == (2, 2):
            step = Step("first", 2, -1, operator.output)
        elif weights.shape[1:] == (1, 1, n_channels) and _stride(operator) == (1, 1):
            step = self.filtered.get(source, Step("plain", 1, source, operator.output))
        else:
            return False
        matrix = weights.reshape(len(weights), -1)
        filters, inputs = np.nonzero(matrix)
        self.steps.append(
            step._replace(
                output=operator.output,
                relu=relu,
                starts=np.searchsorted(filters, np.arange(len(matrix) + 1)).astype(np.int32),
                inputs=inputs.astype(np.int32),
                weights=matrix[filters, inputs],
                bias=bias,
            )
        )
        return True

    def _take_filter(self, operator: Operator, *, relu: bool) -> bool:
        weights, bias = self._constants(operator)
        source = self.padded.get(operator.inputs[0])
        stride = _stride(operator)
        if (
            source is None
            or weights is None
            or bias is None
            or weights.shape[:3] != (1, 3, 3)
            or weights.shape[3] != self.network.tensors[source].shape[3]
            or stride not in ((1, 1), (2, 2))
            or _dilation(operator) != (1, 1)
            or not _pads_nothing(operator)
            or relu
        ):
            return False
        filters = np.ascontiguousarray(weights[0].transpose(2, 0, 1)).ravel()
        self.filtered[operator.output] = Step(
            "depthwise", stride[0], source, operator.output, filters=filters, shifts=bias
        )
        return True

    def _take_sum(self, operator: Operator, *, relu: bool) -> bool:
        """Add to the step before, when nobody else needs what it makes, or to what is made larger."""
        for made, other in (operator.inputs, operator.inputs[::-1]):
            if made in self.enlarged and not relu:
                self.steps.append(Step("enlarge", 1, self.enlarged[made], operator.output, other))
                return True
            last = self.steps[-1] if self.steps else None
            if (
                last is not None
                and last.output == made
                and self.uses[made] == 1
                and not last.relu
                and last.added < 0
            ):
                self.steps[-1] = last._replace(output=operator.output, added=other, relu=relu)
                return True
        return False

    def _constants(self, operator: Operator) -> tuple[Any, Any]:
        weights, bias = (self.network.tensors[tensor].values for tensor in operator.inputs[1:])
        return weights, bias


def _stride(operator: Operator) -> tuple[int, int]:
    return operator.options["stride_rows"], operator.options["stride_columns"]


def _pads_nothing(operator: Operator) -> bool:
    """Tell whether no zeros come to those that a ``PAD`` has put around."""
    return operator.options["padding"] == tflite.VALID


def _dilation(operator: Operator) -> tuple[int, int]:
    return operator.options["dilation_rows"], operator.options["dilation_columns"]


def _with_fewest_images(steps: list[Step], n_outputs: int) -> Program:
    """Give images new numbers, so that one whose content nobody needs any more is written again."""
    last = {tensor: n for n, step in enumerate(steps) for tensor in (step.input, step.added)}
    numbers: dict[int, int] = {-1: -1}
    free: list[int] = []
    n_images = 0
    found = []
    for n, step in enumerate(steps):
        try:
            taken, added = numbers[step.input], numbers[step.added]
        except KeyError as error:
            raise TfliteError(f"{step.kind} of a tensor that nothing makes") from error
        ended = {tensor for tensor in (step.input, step.added) if tensor >= 0 and last[tensor] == n}
        output = step.output
        if step.kind != "places":
            # A sum may take the place of what is added to, which is at hand then.
            if step.added in ended and step.added != step.input:
                free.append(numbers.pop(step.added))
                ended.remove(step.added)
            output = free.pop() if free else n_images
            n_images = max(n_images, output + 1)
            numbers[step.output] = output
        free += [numbers.pop(tensor) for tensor in ended]
        found.append(step._replace(input=taken, added=added, output=output))
    return Program(found, n_images, n_outputs)
