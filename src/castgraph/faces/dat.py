"""Reading what dlib's ``serialize`` wrote, without dlib.

`Reader` gives the plain values of the format (integers, reals, strings, matrices, tensors) one after the
other; `read_network` gives a neural network. The data may be damaged or hostile: every read is checked
against the bytes that are left, so nothing is allocated that the file does not hold, and nothing loops
longer than the file is.

References
----------
The format as documented and written by dlib 20.0.1: ``serialize.h``, ``float_details.h``,
``matrix/matrix.h``, ``cuda/tensor.h``; of networks: ``dnn/core.h``, ``dnn/layers.h``, ``dnn/loss.h``,
``dnn/input.h``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_INFINITIES = {32000: math.inf, 32001: -math.inf, 32002: math.nan}  # exponents with a meaning of their own


class DatError(ValueError):
    """The data are not what dlib writes; the message says what was found and where."""


class Reader:
    """The values of a byte string in dlib's serialisation, from its beginning on.

    Every method reads the next value, and raises `DatError` when the next bytes are not such a value.

    Parameters
    ----------
    data
        The bytes.
    name
        What they are called in errors, usually the file name.
    """

    def __init__(self, data: bytes, name: str = "dlib data") -> None:
        self._data = memoryview(data)
        self._name = name
        self._position = 0

    @property
    def left(self) -> int:
        """The number of bytes that are not read yet; 0 at the end."""
        return len(self._data) - self._position

    def error(self, message: str) -> DatError:
        """Make an error that says where it happened."""
        return DatError(f"{self._name}: byte {self._position} of {len(self._data)}: {message}")

    def take(self, n_bytes: int) -> bytes:
        """Read raw bytes."""
        if not 0 <= n_bytes <= self.left:
            raise self.error(
                f"{n_bytes} bytes are expected, {self.left} are left; the file is cut off or damaged"
            )
        start, self._position = self._position, self._position + n_bytes
        return bytes(self._data[start : self._position])

    def integer(self) -> int:
        """Read an integer of any width: a control byte (sign, number of bytes), then its absolute value."""
        control = self.take(1)[0]
        size = control & 0x0F
        if not 1 <= size <= 8 or control & 0x70:
            raise self.error(f"control byte {control:#04x} is not that of an integer")
        value = int.from_bytes(self.take(size), "little")
        return -value if control & 0x80 else value

    def count(self, least_bytes: int = 1) -> int:
        """Read how many values follow, each of at least `least_bytes` bytes."""
        value = self.integer()
        if not 0 <= value * least_bytes <= self.left:
            raise self.error(f"{value} values are announced, {self.left} bytes are left")
        return value

    def real(self) -> float:
        """Read a float or double: mantissa and exponent as integers, value = mantissa * 2**exponent."""
        mantissa, exponent = self.integer(), self.integer()
        if exponent >= min(_INFINITIES):
            return _INFINITIES.get(exponent, math.nan)
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise self.error(f"{mantissa} * 2**{exponent} is no double") from None

    def boolean(self) -> bool:
        """Read a bool, written as the character 1 or 0."""
        character = self.take(1)
        if character not in (b"0", b"1"):
            raise self.error(f"{character!r} is not a bool; it may be 0 or 1")
        return character == b"1"

    def byte(self) -> int:
        """Read a ``char`` or ``unsigned char``, 0 to 255."""
        return self.take(1)[0]

    def string(self) -> str:
        """Read a string."""
        raw = self.take(self.count())
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.error(f"not a text ({error.reason})") from None

    def matrix(self) -> NDArray[np.float64]:
        """Read a ``matrix`` or ``array2d`` of floats or doubles.

        Returns
        -------
        ndarray of shape (rows, columns), float64
        """
        rows, columns = self.integer(), self.integer()
        if rows < 0 or columns < 0:  # dlib writes them negated today, older files have them as they are
            rows, columns = -rows, -columns
        if rows < 0 or columns < 0 or rows * columns * 4 > self.left:  # a real takes four bytes at least
            raise self.error(f"a matrix of {rows}x{columns} does not fit into the {self.left} bytes left")
        return np.array([self.real() for _ in range(rows * columns)], np.float64).reshape(rows, columns)

    def tensor(self) -> NDArray[np.float32]:
        """Read a ``tensor``: four sizes, then raw little-endian floats.

        Returns
        -------
        ndarray of shape (samples, channels, rows, columns), float32
        """
        self.version("tensor", 2)
        shape = tuple(self.integer() for _ in range(4))
        if min(shape) < 0 or 4 * math.prod(shape) > self.left:
            raise self.error(f"a tensor of shape {shape} does not fit into the {self.left} bytes left")
        return np.frombuffer(self.take(4 * math.prod(shape)), "<f4").astype(np.float32).reshape(shape)

    def version(self, what: str, *allowed: int) -> int:
        """Read the version of a part of the file that is called `what`."""
        found = self.integer()
        if found not in allowed:
            raise self.error(f"{what} of version {found}; known: {', '.join(map(str, allowed))}")
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """How a picture becomes the network's input: ``(pixel - averages) / 256``, channels red, green, blue."""

    averages: NDArray[np.float32]  # (3,)
    size: tuple[int, int] | None = None  # rows, columns, where pictures of one size are asked for
    padding: int = 0  # of an image pyramid: pixels between its levels
    outer_padding: int = 0  # of an image pyramid: pixels around all of it


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution; weights of shape (filters, channels, rows, columns)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]  # (filters,)
    stride: tuple[int, int]  # y, x
    padding: tuple[int, int]

    def followed_by(self, affine: Affine) -> Convolution:
        """Put the scale and the shift that come next into the convolution."""
        return replace(
            self,
            weights=self.weights * affine.scale[:, None, None, None],
            bias=self.bias * affine.scale + affine.shift,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A scale and a shift for each channel; what a trained batch normalisation amounts to."""

    scale: NDArray[np.float32]  # (channels,)
    shift: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Relu:
    """The positive part."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The largest or the mean value of a window (parts outside the input do not count)."""

    mean: bool
    window: tuple[int, int]  # rows, columns; (0, 0) is all of the input
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A matrix product; weights of shape (inputs, outputs)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Tag:
    """Gives a name to the output of the layer before it."""

    name: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Goes on with the last output of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class AddPrevious:
    """Adds the last output of that name; where sizes differ, the smaller one is continued with zeros."""

    name: str


Layer = Convolution | Affine | Relu | Pool | Dense | Tag | Skip | AddPrevious


class Overlap(NamedTuple):
    """When two boxes are taken for one: above this intersection over union, or above this part covered."""

    iou: float
    covered: float


@dataclass(frozen=True, slots=True)
class Metric:
    """The loss of a network whose output is an embedding."""


@dataclass(frozen=True, slots=True)
class Mmod:
    """The loss of a sliding-window detector (max-margin object detection)."""

    windows: tuple[tuple[int, int], ...]  # width, height; one for each channel of the output
    nms: Overlap


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network; its layers go from the input to the output."""

    loss: Metric | Mmod
    input: Input
    layers: tuple[Layer, ...]


def read_network(reader: Reader, kinds: Sequence[str]) -> Network:
    """Read a network.

    Parameters
    ----------
    reader
        The file, at its beginning. It is read to its end.
    kinds
        The kinds of the layers from the input to the output: ``con``, ``affine``, ``relu``, ``max_pool``,
        ``avg_pool``, ``fc``, and, with the name of the tag after a colon, ``tag``, ``skip`` and ``add_prev``.
        dlib has them in the type of the network, not in the file (tags leave no trace in it).

    Raises
    ------
    DatError
        When the file does not hold such a network.
    """
    reader.version("add_loss_layer", 1)
    loss = _read_loss(reader)
    # Layers contain one another: the outermost begins first, with its version, and ends last, with its
    # details.
    versions = [_read_version(reader, kind) for kind in reversed(kinds[1:])]
    versions.append(reader.version("innermost add_layer", 2, 3))
    picture = _read_input(reader)
    layers = tuple(
        _read_layer(reader, kind, version, innermost=index == 0)
        for index, (kind, version) in enumerate(zip(kinds, reversed(versions), strict=True))
    )
    if reader.left:
        raise reader.error(f"{reader.left} bytes follow the end of the network")
    return Network(loss, picture, layers)


def _read_version(reader: Reader, kind: str) -> int:
    if kind.startswith(("tag:", "skip:")):
        return reader.version(kind, 1)
    return reader.version(f"add_layer ({kind})", 1, 2)


def _read_loss(reader: Reader) -> Metric | Mmod:
    match reader.string():
        case "loss_metric_":
            return Metric()
        case "loss_metric_2":
            reader.real()  # margin, distance threshold: for training
            reader.real()
            return Metric()
        case "loss_mmod_":
            return _read_mmod(reader)
        case other:
            raise reader.error(f"unknown loss {other!r}; known: loss_metric_, loss_mmod_")


def _read_mmod(reader: Reader) -> Mmod:
    version = reader.version("mmod_options", 1, 2, 3, 4)
    windows = []
    for _ in range(1 if version == 1 else reader.count(4)):
        labelled = version > 1 and reader.version("detector_window_details", 1, 2) == 2
        windows.append((reader.integer(), reader.integer()))
        if labelled:
            reader.string()
    for _ in range(3):  # the losses per false alarm and per missed target, the match threshold: for training
        reader.real()
    nms = Overlap(reader.real(), reader.real())
    reader.real()  # which boxes to ignore: for training
    reader.real()
    if version >= 3 and reader.byte() != 1:
        raise reader.error("a detector without an image pyramid")
    if version >= 4:
        if reader.boolean():
            raise reader.error("a detector with bounding box regression")
        reader.real()
    if not windows or min(min(window) for window in windows) < 1:
        raise reader.error(f"detector windows of {windows}")
    return Mmod(tuple(windows), nms)


def _read_input(reader: Reader) -> Input:
    kind = reader.string()
    known = (
        "input_rgb_image",
        "input_rgb_image_sized",
        "input_rgb_image_pyramid",
        "input_rgb_image_pyramid2",
    )
    if kind not in known:
        raise reader.error(f"unknown input {kind!r}; known: {', '.join(known)}")
    averages = np.array([reader.real() for _ in range(3)], np.float32)
    match kind:
        case "input_rgb_image_sized":
            return Input(averages, size=_pair(reader, 1))
        case "input_rgb_image_pyramid":
            return Input(averages, padding=10, outer_padding=11)  # older files: fixed in the code
        case "input_rgb_image_pyramid2":
            padding, outer_padding = _pair(reader)
            return Input(averages, padding=padding, outer_padding=outer_padding)
    return Input(averages)


def _read_layer(reader: Reader, kind: str, version: int, *, innermost: bool) -> Layer:
    name, _, tag = kind.partition(":")
    match name:
        case "tag":
            return Tag(tag)
        case "skip":
            return Skip(tag)
        case "add_prev":
            _expect(reader, "add_prev_")
            layer: Layer = AddPrevious(tag)
        case "con":
            layer = _read_convolution(reader)
        case "affine":
            layer = _read_affine(reader)
        case "relu":
            if _expect(reader, "relu_", "relu_2") == "relu_2" and reader.boolean():
                raise reader.error("a layer that is switched off")
            layer = Relu()
        case "max_pool" | "avg_pool":
            _expect(reader, f"{name}_2")
            layer = Pool(name == "avg_pool", _pair(reader), _pair(reader, 1), _pair(reader))
        case "fc":
            layer = _read_dense(reader)
        case _:
            raise ValueError(f"unknown kind of layer {kind!r}")
    # What every layer keeps between two steps of a training; empty in a finished network.
    for _ in range(3):
        reader.boolean()
    for _ in range(3 if innermost or version == 2 else 2):
        reader.tensor()
    if innermost and version == 3 and reader.integer() != 1:
        raise reader.error("a network that makes several samples of one")
    return layer


def _read_convolution(reader: Reader) -> Convolution:
    version = _expect(reader, "con_4", "con_5", "con_6")
    parameters = reader.tensor().ravel()
    n_filters = reader.integer()
    window, stride, padding = _pair(reader, 1), _pair(reader, 1), _pair(reader)
    shape, bias_shape = _alias(reader), _alias(reader)
    _training(reader)
    if version != "con_4" and not reader.boolean():
        raise reader.error("a convolution without a bias")
    if version == "con_6" and reader.boolean():
        raise reader.error("a convolution joined with a relu")
    size = math.prod(shape)
    if (
        (shape[0], *shape[2:]) != (n_filters, *window)
        or math.prod(bias_shape) != n_filters
        or size + n_filters != parameters.size
    ):
        raise reader.error(
            f"a convolution of {n_filters} filters, window {window} with weights {shape}, bias {bias_shape}, "
            f"{parameters.size} values"
        )
    return Convolution(parameters[:size].reshape(shape), parameters[size:], stride, padding)


def _read_affine(reader: Reader) -> Affine:
    """Read an affine layer, or the batch normalisation from which dlib makes one while it reads."""
    version = _expect(reader, "affine_", "affine_2", "bn_con2")
    parameters = reader.tensor().ravel()
    shape, other = _alias(reader), _alias(reader)
    n_channels = shape[1]
    if shape != (1, n_channels, 1, 1) or other != shape or parameters.size != 2 * n_channels:
        raise reader.error(f"a scale of shape {shape}, a shift of {other}, {parameters.size} values")
    scale, shift = parameters[:n_channels], parameters[n_channels:]
    if version != "bn_con2":
        if reader.integer() != 0:  # 0: one value a channel
            raise reader.error("an affine layer that is not for convolutions")
        if version == "affine_2" and reader.boolean():
            raise reader.error("a layer that is switched off")
        return Affine(scale, shift)
    reader.tensor()  # the means and deviations of the last batch
    reader.tensor()
    means, variances = reader.tensor().ravel(), reader.tensor().ravel()
    if means.size != n_channels or variances.size != n_channels:
        raise reader.error(f"{means.size} means, {variances.size} variances for {n_channels} channels")
    reader.integer()  # how many batches were seen and how many are averaged
    reader.integer()
    _training(reader)
    epsilon = np.float32(reader.real())
    if not (variances + epsilon > 0).all():
        raise reader.error("a batch normalisation with a variance that is not positive")
    scale = scale / np.sqrt(variances + epsilon)
    return Affine(scale, shift - scale * means)


def _read_dense(reader: Reader) -> Dense:
    version = _expect(reader, "fc_2", "fc_3")
    n_outputs, n_inputs = reader.integer(), reader.integer()
    parameters = reader.tensor().ravel()
    _alias(reader)
    _alias(reader)
    has_bias = reader.integer() == 0
    _training(reader)
    if version == "fc_3":
        has_bias = reader.boolean() and has_bias
    size = n_inputs * n_outputs
    if min(n_inputs, n_outputs) < 1 or parameters.size != size + has_bias * n_outputs:
        raise reader.error(f"a matrix of {n_inputs}x{n_outputs} with {parameters.size} values")
    return Dense(parameters[:size].reshape(n_inputs, n_outputs), parameters[size:] if has_bias else None)


def _expect(reader: Reader, *known: str) -> str:
    """Read the string that a layer begins with."""
    found = reader.string()
    if found not in known:
        raise reader.error(f"{found[:40]!r} where {' or '.join(known)} is expected")
    return found


def _pair(reader: Reader, least: int = 0) -> tuple[int, int]:
    """Read two sizes: rows or y, then columns or x."""
    pair = reader.integer(), reader.integer()
    if not all(least <= size <= 2**16 for size in pair):
        raise reader.error(f"sizes {pair}; {least} to {2**16} are allowed")
    return pair


def _alias(reader: Reader) -> tuple[int, int, int, int]:
    """Read the shape of a part of a tensor."""
    reader.version("alias_tensor", 1)
    return reader.integer(), reader.integer(), reader.integer(), reader.integer()


def _training(reader: Reader) -> None:
    """Pass over the four learning rates and weight decays of a layer."""
    for _ in range(4):
        reader.real()
