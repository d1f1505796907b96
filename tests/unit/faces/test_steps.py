"""Networks as steps of the native kernel, against a plain evaluation of the file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.faces.tflite_networks import Made, evaluated, ints, numbers

from castgraph.faces import native
from castgraph.faces.models import BLAZEFACE, tflite_network
from castgraph.faces.steps import Step, program
from castgraph.faces.tflite import RELU, SAME, VALID, Network, TfliteError

pytestmark = pytest.mark.skipif(native.kernel is None, reason="the package was built without a compiler")
KERNELS = pytest.mark.parametrize("kernel", native.kernels())


def picture(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def loaded(network: Network, kernel: str = "") -> Callable[[np.ndarray], list[np.ndarray]]:
    return native.kernel.Network(*program(network), kernel=kernel).run


def agree(network: Network, seen: np.ndarray, kernel: str) -> None:
    found, expected = loaded(network, kernel)(seen), evaluated(network, seen[None] / 127.5 - 1)
    assert len(found) == len(expected)
    for ours, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, plain[0], rtol=0, atol=2e-6 * max(1, np.abs(plain).max()))


class Sparse(Made):
    """A file in the making, of what the kernel knows."""

    def padded(self, value: int) -> int:
        n, rows, columns, channels = self.shape(value)
        around = self.constant(ints(0, 0, 1, 1, 1, 1, 0, 0).reshape(4, 2))
        return self.add("PAD", [value, around], (n, rows + 2, columns + 2, channels))

    def shape(self, value: int) -> list[int]:
        return self.tensors[value][0].tolist()

    def first(self, filters: int) -> int:
        _, rows, columns, _ = self.shape(0)
        inputs = [self.padded(0), self.constant(numbers(filters, 3, 3, 3)), self.constant(numbers(filters))]
        return self.add(
            "CONV_2D", inputs, (1, rows // 2, columns // 2, filters),
            padding=VALID, stride_rows=2, stride_columns=2, activation=RELU,
        )  # fmt: skip

    def filtered(self, value: int, stride: int) -> int:
        _, rows, columns, channels = self.shape(value)
        inputs = [
            self.padded(value),
            self.constant(numbers(1, 3, 3, channels)),
            self.constant(numbers(channels)),
        ]
        return self.add(
            "DEPTHWISE_CONV_2D", inputs, (1, rows // stride, columns // stride, channels),
            padding=VALID, stride_rows=stride, stride_columns=stride,
        )  # fmt: skip

    def matrix(self, value: int, filters: int, *, relu: bool, share: float = 0.3) -> int:
        """Multiply each pixel with a matrix of which a share is not zero."""
        _, rows, columns, channels = self.shape(value)
        weights = numbers(filters, 1, 1, channels)
        weights[np.random.default_rng(channels).random(weights.shape) >= share] = 0
        return self.add(
            "CONV_2D", [value, self.constant(weights), self.constant(numbers(filters))],
            (1, rows, columns, filters),
            padding=SAME, stride_rows=1, stride_columns=1, activation=int(relu),
        )  # fmt: skip

    def plus(self, a: int, b: int, *, relu: bool) -> int:
        return self.add("ADD", [a, b], self.shape(a), activation=int(relu))

    def enlarged(self, value: int) -> int:
        _, rows, columns, channels = self.shape(value)
        size = self.constant(ints(2 * rows, 2 * columns))
        return self.add(
            "RESIZE_BILINEAR", [value, size], (1, 2 * rows, 2 * columns, channels), half_pixel_centers=1
        )

    def places(self, value: int) -> Network:
        _, rows, columns, channels = self.shape(value)
        spread = self.add(
            "DEPTH_TO_SPACE", [self.filtered(value, 2)], (1, rows, columns, channels // 4), block=2
        )
        return self.network(spread)


@KERNELS
@pytest.mark.parametrize(("rows", "columns"), [(192, 320), (32, 32), (64, 160), (352, 32)])
def test_blazeface(rows: int, columns: int, kernel: str) -> None:
    network = tflite_network(BLAZEFACE)
    agree(network, picture(rows, columns), kernel)
    for flat in (np.zeros((rows, columns, 3), np.uint8), np.full((rows, columns, 3), 255, np.uint8)):
        agree(network, flat, kernel)


@KERNELS
@given(
    rows=st.integers(1, 6), columns=st.integers(1, 24), channels=st.integers(1, 9),
    share=st.sampled_from([0, 0.2, 1]), relu=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None)
def test_networks_of_any_size(
    kernel: str, rows: int, columns: int, channels: int, share: float, relu: bool, seed: int
) -> None:
    """Depthwise convolutions with both strides, sums in either order, enlargement, and places."""
    made = Sparse(1, 8 * rows, 8 * columns, 3)
    x = made.first(channels)
    x = made.plus(x, made.matrix(made.filtered(x, 1), channels, relu=False, share=share), relu=relu)
    small = made.matrix(made.filtered(x, 2), 2 * channels, relu=relu, share=share)
    small = made.plus(made.matrix(made.filtered(small, 1), 2 * channels, relu=False), small, relu=True)
    beside = made.matrix(x, 4 * channels, relu=True)
    x = made.plus(beside, made.enlarged(made.matrix(small, 4 * channels, relu=relu)), relu=False)
    agree(made.places(x), picture(8 * rows, 8 * columns, seed), kernel)


def test_pictures_of_other_sizes_do_not_disturb_each_other() -> None:
    run = loaded(tflite_network(BLAZEFACE))
    wanted = [run(picture(32, 64)), run(picture(96, 32))]
    run(np.full((192, 320, 3), 255, np.uint8))
    for found, expected in zip([run(picture(32, 64)), run(picture(96, 32))], wanted, strict=True):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_several_threads_may_share_a_network() -> None:
    run = loaded(tflite_network(BLAZEFACE))
    seen = [picture(64, 96, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(run, seen))
    for ours, one in zip(found, seen, strict=True):
        np.testing.assert_array_equal(ours[0], run(one)[0])


def test_a_size_that_the_strides_do_not_divide_is_refused() -> None:
    run = loaded(tflite_network(BLAZEFACE))
    for shape in ((33, 64), (32, 48), (0, 32)):
        with pytest.raises(ValueError, match="size"):
            run(np.zeros((*shape, 3), np.uint8))
    assert run(picture(32, 32))[0].shape == (64, 16)


def not_divided(made: Sparse, x: int) -> Network:
    return made.network(x)


def twice_filtered(made: Sparse, x: int) -> Network:
    return made.places(made.filtered(x, 1))


def a_larger_window(made: Sparse, x: int) -> Network:
    _, rows, columns, channels = made.shape(x)
    inputs = [made.padded(x), made.constant(numbers(4, 3, 3, channels)), made.constant(numbers(4))]
    options = {"padding": VALID, "stride_rows": 1, "stride_columns": 1}
    return made.places(made.add("CONV_2D", inputs, (1, rows, columns, 4), **options))


def zeros_around_twice(made: Sparse, x: int) -> Network:
    _, rows, columns, channels = made.shape(x)
    inputs = [made.padded(x), made.constant(numbers(1, 3, 3, channels)), made.constant(numbers(channels))]
    options = {"padding": SAME, "stride_rows": 1, "stride_columns": 1}
    return made.places(made.add("DEPTHWISE_CONV_2D", inputs, (1, rows + 2, columns + 2, channels), **options))


def a_picture_with_zeros_around_twice(made: Sparse, _: int) -> Network:
    _, rows, columns, _ = made.shape(0)
    inputs = [made.padded(0), made.constant(numbers(4, 3, 3, 3)), made.constant(numbers(4))]
    options = {"padding": SAME, "stride_rows": 2, "stride_columns": 2}
    return made.places(made.add("CONV_2D", inputs, (1, rows // 2 + 1, columns // 2 + 1, 4), **options))


def a_narrower_matrix(made: Sparse, x: int) -> Network:
    _, rows, columns, channels = made.shape(x)
    inputs = [x, made.constant(numbers(4, 1, 1, channels - 1)), made.constant(numbers(4))]
    options = {"padding": VALID, "stride_rows": 1, "stride_columns": 1}
    return made.places(made.add("CONV_2D", inputs, (1, rows, columns, 4), **options))


def a_sum_of_images(made: Sparse, x: int) -> Network:
    other = made.matrix(x, 4, relu=True)
    return made.places(made.plus(other, made.matrix(x, 4, relu=True), relu=False))


def corners_aligned(made: Sparse, x: int) -> Network:
    _, rows, columns, channels = made.shape(x)
    size = made.constant(ints(2 * rows, 2 * columns))
    shape = (1, 2 * rows, 2 * columns, channels)
    large = made.add("RESIZE_BILINEAR", [x, size], shape, half_pixel_centers=1, align_corners=1)
    return made.places(large)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (not_divided, "RESHAPE"),
        (twice_filtered, "places of a tensor that nothing makes"),
        (a_larger_window, "CONV_2D"),
        (zeros_around_twice, "DEPTHWISE_CONV_2D"),
        (a_picture_with_zeros_around_twice, "CONV_2D"),
        (a_narrower_matrix, "CONV_2D"),
        (a_sum_of_images, "ADD"),
        (corners_aligned, "RESIZE_BILINEAR"),
    ],
)
def test_what_is_not_known_is_refused(network: Callable[[Sparse, int], Network], message: str) -> None:
    made = Sparse(1, 16, 16, 3)
    with pytest.raises(TfliteError, match=message):
        program(network(made, made.first(4)))


def step(**changes: object) -> Step:
    zeros = np.zeros(4, np.float32)
    matrix = {"starts": np.array([0, 1, 2, 2, 2], np.int32), "inputs": np.array([0, 26], np.int32)}
    return Step("first", 2, -1, 0, weights=np.ones(2, np.float32), bias=zeros, **matrix)._replace(**changes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "second"},
        {"kind": "plain", "input": 0},
        {"kind": "plain", "input": 7},
        {"output": 1},
        {"output": -1},
        {"stride": 0},
        {"added": 3},
        {"starts": np.array([0, 1, 2, 2, 9], np.int32)},
        {"starts": np.array([0, 2, 1, 2, 2], np.int32)},
        {"inputs": np.array([0, 27], np.int32)},
        {"inputs": np.array([0, -1], np.int32)},
        {"bias": np.zeros(3, np.float32)},
    ],
    ids=str,
)
def test_steps_that_do_not_fit_together_are_refused(wrong: dict[str, object]) -> None:
    places = Step("places", 2, 0, 0, filters=np.zeros(36, np.float32), shifts=np.zeros(4, np.float32))
    [found] = native.kernel.Network([step(), places], 1, 1).run(picture(8, 8))
    assert found.tolist() == [[0.0]] * 16
    with pytest.raises(ValueError, match=r"step|image|matrix|stride|added"):
        native.kernel.Network([step(**wrong), places], 1, 1)
