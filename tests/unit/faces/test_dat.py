"""Reading dlib's serialisation: plain values, networks, damaged and hostile files."""

import math
import struct
import time

import dlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.faces.dat import (
    AddPrevious,
    Convolution,
    DatError,
    Metric,
    Mmod,
    Network,
    Pool,
    Reader,
    read_network,
)
from castgraph.faces.models import CNN_DETECTOR, EMBEDDER, LAYERS, model_path, network


def integer(value: int) -> bytes:
    """An integer as dlib writes it."""
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def real(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**53)) + integer(exponent - 53)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_integers(value: int) -> None:
    reader = Reader(integer(value))
    assert reader.integer() == value
    assert reader.left == 0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_reals(value: float) -> None:
    assert Reader(real(value)).real() == value


def test_reals_that_are_no_numbers() -> None:
    assert Reader(integer(0) + integer(32000)).real() == math.inf
    assert Reader(integer(0) + integer(32001)).real() == -math.inf
    assert math.isnan(Reader(integer(0) + integer(32002)).real())


def test_what_dlib_wrote_is_read_as_dlib_reads_it() -> None:
    """dlib's Python objects give their serialisation when they are pickled."""
    numbers = [0.0, 1.0, -2.5, 1 / 3, 1e-300, -1e300, 2.0**-1074]
    vector = dlib.vector(numbers)
    state = vector.__reduce_ex__(2)[2]
    [data] = state if isinstance(state, tuple) else (state,)
    raw = data if isinstance(data, bytes) else data.encode("latin-1")
    reader = Reader(raw)
    assert reader.matrix().tolist() == [[number] for number in numbers]
    assert reader.left == 0


def test_strings_bytes_and_bools() -> None:
    reader = Reader(integer(5) + "fünf".encode() + b"\xff" + b"1" + b"0")
    assert (reader.string(), reader.byte(), reader.boolean(), reader.boolean()) == ("fünf", 255, True, False)


@pytest.mark.parametrize("sign", [1, -1])
def test_matrices_of_both_formats(sign: int) -> None:
    values = [[1.5, -2.0, 0.0], [4.0, 5.0, 6.25]]
    data = integer(sign * 2) + integer(sign * 3) + b"".join(real(v) for row in values for v in row)
    matrix = Reader(data).matrix()
    assert matrix.tolist() == values
    assert matrix.dtype == np.float64


def test_tensors() -> None:
    values = np.arange(12, dtype="<f4").reshape(1, 3, 2, 2)
    data = b"".join(map(integer, (2, 1, 3, 2, 2))) + values.tobytes()
    np.testing.assert_array_equal(Reader(data).tensor(), values)


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (Reader.integer, b""),
        (Reader.integer, b"\x00"),
        (Reader.integer, b"\x09" + bytes(9)),
        (Reader.integer, b"\x11\x01"),
        (Reader.integer, b"\x04\x01"),
        (Reader.boolean, b"x"),
        (Reader.string, integer(2**62) + b"abc"),
        (Reader.string, integer(-1) + b"abc"),
        (Reader.string, integer(1) + b"\xff"),
        (Reader.real, integer(1) + integer(20000)),
        (Reader.matrix, integer(-(2**31)) + integer(-(2**31)) + bytes(100)),
        (Reader.matrix, integer(-2) + integer(3) + bytes(100)),
        (Reader.tensor, b"".join(map(integer, (2, 1, 2**20, 2**20, 2**20)))),
        (Reader.tensor, b"".join(map(integer, (2, 1, -1, -1, 1)))),
        (Reader.tensor, integer(3)),
        (Reader.count, integer(2**40) + bytes(10)),
    ],
)
def test_what_is_not_there_is_an_error_that_names_the_file(read, data: bytes) -> None:
    with pytest.raises(DatError, match=r"^bad\.dat: byte \d+ of \d+: "):
        read(Reader(data, "bad.dat"))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (Reader.integer, Reader.real, Reader.string, Reader.matrix, Reader.tensor):
        reader = Reader(data)
        try:
            read(reader)
        except DatError:
            continue
        assert 0 <= reader.left < len(data)


def test_the_embedder() -> None:
    net = network(EMBEDDER)
    assert net.loss == Metric()
    assert net.input.size == (150, 150)
    convolutions = [layer for layer in net.layers if isinstance(layer, Convolution)]
    assert len(convolutions) == 29  # dlib's documentation: a ResNet network with 29 conv layers
    assert sum(isinstance(layer, AddPrevious) for layer in net.layers) == 14
    assert convolutions[0].weights.shape == (32, 3, 7, 7)
    assert net.layers[-2] == Pool(mean=True, window=(0, 0), stride=(1, 1), padding=(0, 0))
    assert net.layers[-1].weights.shape == (256, 128)
    assert net.layers[-1].bias is None


def test_the_detector() -> None:
    net = network(CNN_DETECTOR)
    assert isinstance(net.loss, Mmod)
    assert net.loss.windows == ((80, 80),)
    assert 0 < net.loss.nms.iou < 1
    assert (net.input.padding, net.input.outer_padding) == (10, 11)
    np.testing.assert_allclose(net.input.averages, (122.782, 117.001, 104.298), atol=1e-4)
    shapes = [layer.weights.shape for layer in net.layers if isinstance(layer, Convolution)]
    assert shapes[0] == (16, 3, 5, 5)
    assert shapes[-1] == (1, 45, 9, 9)


@pytest.fixture(scope="module")
def detector() -> bytes:
    return model_path(CNN_DETECTOR).read_bytes()


def read_detector(data: bytes) -> Network:
    return read_network(Reader(data, CNN_DETECTOR), LAYERS[CNN_DETECTOR])


def test_a_network_cut_off_anywhere_is_refused(detector: bytes) -> None:
    for size in [*range(0, 400, 7), *range(400, len(detector), 20011), len(detector) - 1]:
        with pytest.raises(DatError, match=CNN_DETECTOR):
            read_detector(detector[:size])


def test_bytes_after_the_network_are_refused(detector: bytes) -> None:
    with pytest.raises(DatError, match="1 bytes follow"):
        read_detector(detector + b"\x00")


def test_another_network_is_refused(detector: bytes) -> None:
    with pytest.raises(DatError, match="version"):
        read_network(Reader(detector, CNN_DETECTOR), LAYERS[EMBEDDER])


def test_damage_is_refused_or_harmless_and_soon_known(detector: bytes) -> None:
    """Flipped bytes either hit a weight, or something that is checked; never is there a long loop."""
    random = np.random.default_rng(3)
    began = time.monotonic()
    for place in [*range(300), *random.integers(0, len(detector), 100).tolist()]:
        damaged = bytearray(detector)
        damaged[place] ^= int(random.integers(1, 256))
        try:
            net = read_detector(bytes(damaged))
        except DatError:
            continue
        assert len(net.layers) == len(LAYERS[CNN_DETECTOR])
    assert time.monotonic() - began < 20


def test_announced_sizes_are_not_believed(detector: bytes) -> None:
    """A weight tensor that claims to be huge is refused before anything is allocated."""
    start = detector.index(b"con_4") + len(b"con_4")
    huge = b"".join(map(integer, (2, 2**31, 2**31, 1, 1)))
    with pytest.raises(DatError, match="does not fit"):
        read_detector(detector[:start] + huge + detector[start:])


def test_a_weight_is_where_the_file_has_it(detector: bytes) -> None:
    place = detector.index(b"con_4") + len(b"con_4") + len(integer(2) + integer(1216) + 3 * integer(1))
    [first] = struct.unpack_from("<f", detector, place)
    convolution = read_detector(detector).layers[0]
    assert isinstance(convolution, Convolution)
    assert convolution.weights[0, 0, 0, 0] == np.float32(first)
