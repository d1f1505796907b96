"""The embedder against dlib's: in each native kernel of this machine, and on onnxruntime."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import dlib
import numpy as np
import pytest
from tests.unit.faces.pictures import pictures

from castgraph.faces import embed, native
from castgraph.faces.models import EMBEDDER, LANDMARKS, model_path

ENGINES = pytest.mark.parametrize("kernel", [*native.kernels(), None], ids=lambda name: name or "onnxruntime")


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (40, 150, 150, 3), dtype=np.uint8)


def chips_of(frames: list[np.ndarray]) -> np.ndarray:
    """The aligned chips of the faces of frames."""
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(model_path(LANDMARKS)))
    return np.stack(
        [
            dlib.get_face_chip(frame, landmarks(frame, box), 150, 0.25)
            for frame in frames
            for box in detector(frame, 0)
        ]
    )


class Known(NamedTuple):
    """Chips, and their embeddings by dlib."""

    chips: np.ndarray
    embeddings: np.ndarray


def known(chips: np.ndarray) -> Known:
    reference = dlib.face_recognition_model_v1(str(model_path(EMBEDDER)))
    return Known(chips, np.array([reference.compute_face_descriptor(chip) for chip in chips]))


@pytest.fixture(scope="module")
def real(sample: Path) -> Known:
    return known(chips_of(pictures(sample, 2)))


@pytest.fixture(scope="module")
def drawn(demo: Path) -> Known:
    return known(chips_of(pictures(demo, 2)))


@pytest.fixture(scope="module")
def extreme() -> Known:
    chips = np.zeros((3, 150, 150, 3), np.uint8)
    chips[1] = 255
    chips[2, ::2, ::2] = 255
    return known(chips)


def compared(wanted: Known, kernel: str | None) -> float:
    """The largest difference to dlib in any number of an embedding."""
    found = embed.load(kernel=kernel)(wanted.chips)
    assert found.shape == (len(wanted.chips), 128)
    assert found.dtype == np.float32
    return float(np.abs(found - wanted.embeddings).max())


@ENGINES
def test_real_faces_are_embedded_as_by_dlib(real: Known, kernel: str | None) -> None:
    assert len(real.chips) >= 10
    assert compared(real, kernel) < 1e-5


@ENGINES
@pytest.mark.slow
def test_demo_faces_are_embedded_as_by_dlib(drawn: Known, kernel: str | None) -> None:
    assert len(drawn.chips) >= 8
    assert compared(drawn, kernel) < 1e-5


@ENGINES
def test_extreme_chips_are_embedded_as_by_dlib(extreme: Known, kernel: str | None) -> None:
    assert compared(extreme, kernel) < 1e-5


@ENGINES
def test_a_chip_does_not_depend_on_those_beside_it(noise: np.ndarray, kernel: str | None) -> None:
    run = embed.load(kernel=kernel)
    together = run(noise)
    for start, stop in [(0, 1), (39, 40), (3, 10), (15, 33)]:
        np.testing.assert_array_equal(run(noise[start:stop]), together[start:stop])
    np.testing.assert_array_equal(run(noise[::-1]), together[::-1])


@pytest.mark.skipif(native.kernel is None, reason="the package was built without a compiler")
def test_the_kernel_is_used_unless_another_provider_is_asked_for(
    noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = embed.load()(noise[:1])
    np.testing.assert_array_equal(found, embed.load(kernel=native.kernels()[0])(noise[:1]))
    without = embed.load(kernel=None)(noise[:1])
    assert (found != without).any()  # other roundings
    monkeypatch.setattr(native, "kernel", None)
    np.testing.assert_array_equal(embed.load()(noise[:1]), without)


def test_several_threads_may_share_an_embedder(noise: np.ndarray) -> None:
    run = embed.load()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(run, np.split(noise[:8], 4)))
    np.testing.assert_array_equal(np.concatenate(found), run(noise[:8]))


def test_batches_on_onnxruntime_are_bounded(noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = embed.load(kernel=None)(noise[:7])
    monkeypatch.setattr(embed, "BATCH", 3)
    np.testing.assert_array_equal(embed.load(kernel=None)(noise[:7]), whole)


@ENGINES
def test_no_chips_give_no_embeddings(kernel: str | None) -> None:
    assert embed.load(kernel=kernel)(np.empty((0, 150, 150, 3), np.uint8)).shape == (0, 128)


def test_chips_may_lie_in_memory_in_any_order(noise: np.ndarray) -> None:
    run = embed.load()
    np.testing.assert_array_equal(run(noise[:2, :, ::-1]), run(noise[:2, :, ::-1].copy()))


@pytest.mark.skipif(native.kernel is None, reason="the package was built without a compiler")
def test_a_network_that_does_not_fit_together_is_refused() -> None:
    def layer(
        filters: int, channels: int, window: int, stride: int = 1
    ) -> tuple[np.ndarray, np.ndarray, int]:
        weights = np.zeros((filters, channels, window, window), np.float32)
        return weights, np.zeros(filters, np.float32), stride

    stem, last = layer(32, 3, 7, 2), layer(32, 32, 1)
    native.kernel.Embedder(40, stem, [(layer(32, 32, 3), layer(32, 32, 3))], last)
    for wrong in (
        (40, layer(32, 1, 7, 2), [], last),  # not RGB
        (40, layer(20, 3, 7, 2), [], layer(32, 20, 1)),  # no whole vectors
        (8, stem, [], last),  # nothing is left of the picture
        (40, stem, [(layer(64, 32, 3), layer(64, 64, 3))], layer(32, 64, 1)),  # more channels, not halved
        (40, stem, [(layer(32, 32, 3), layer(32, 64, 3))], last),
        (40, stem, [(layer(32, 32, 5), layer(32, 32, 3))], last),  # no window of 3x3
        (40, stem, [], layer(32, 32, 3)),
    ):
        with pytest.raises(ValueError, match=r"filters|fit|zeros|channels"):
            native.kernel.Embedder(*wrong)
