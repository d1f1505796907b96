"""The native HOG detector gives dlib's boxes, with every kernel that the machine can run."""

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import dlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from castgraph.archive import unzip
from castgraph.faces import hog, native, reference
from castgraph.faces.engine import Detection, load_engine
from castgraph.faces.frame import read_frame

KERNELS = native.kernels()
SCORE_ERROR = 5e-5
"""Sums in another order; scores are of the order of 1, summed from 3,100 products."""


@cache
def load_hog(kernel: str, threshold: float) -> Callable[[np.ndarray], list[Detection]]:
    return hog.load(0, 0, threshold, kernel=kernel)


@cache
def load_dlib(threshold: float) -> Callable[[np.ndarray], list[Detection]]:
    return reference.hog(0, 0, threshold)


@pytest.fixture(scope="module")
def real(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[np.ndarray, list[Detection]]]:
    """Frames of the real sample, with dlib's boxes."""
    folder, theirs = tmp_path_factory.mktemp("real"), reference.hog(1, 0, 0.0)
    found = []
    for path in sorted(sample.glob("*.zip")):
        for entry in unzip(path, path.stem, folder).frames[::8]:
            picture = read_frame(folder / entry.file).picture
            found.append((picture, theirs(picture)))
    return found


with_kernel = pytest.mark.skipif(not KERNELS, reason="castgraph was built without a compiler")


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    """A random picture with edges in all directions, with boxes at a low threshold."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def assert_same(found: list[Detection], expected: list[Detection], threshold: float = 0.0) -> None:
    """The same boxes with the same scores; only one at the very threshold may be in one list alone."""
    ours = {box[:4]: box.score for box in found}
    theirs = {box[:4]: box.score for box in expected}
    for box in ours.keys() & theirs.keys():
        assert ours[box] == pytest.approx(theirs[box], abs=SCORE_ERROR)
    odd = [ours.get(box, theirs.get(box)) for box in ours.keys() ^ theirs.keys()]
    assert all(abs(score - threshold) <= SCORE_ERROR for score in odd)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("upsample", [0, 1, 2])
def test_demo_frames_get_the_boxes_of_dlib(kernel: str, upsample: int, frames) -> None:
    manifest, folder = frames
    ours, theirs = hog.load(upsample, 0, 0.0, kernel=kernel), reference.hog(upsample, 0, 0.0)
    n_faces = 0
    for entry in manifest.frames[4:23:6] if upsample < 2 else manifest.frames[4:5]:
        picture = read_frame(folder / entry.file).picture
        found, expected = ours(picture), theirs(picture)
        assert [box[:4] for box in found] == [box[:4] for box in expected]
        assert_same(found, expected)
        n_faces += len(expected)
    assert n_faces


@pytest.mark.parametrize("kernel", KERNELS)
@given(height=st.integers(1, 210), width=st.integers(1, 210), seed=st.integers(0, 2**20))
def test_pictures_of_any_size_get_the_boxes_of_dlib(kernel: str, height: int, width: int, seed: int) -> None:
    picture = smooth(height, width, seed)
    # At a low threshold every corner of the picture makes boxes, and suppression depends on their scores.
    assert_same(load_hog(kernel, -2.0)(picture), load_dlib(-2.0)(picture), threshold=-2.0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_equal_channels_and_pure_directions_are_decided_as_by_dlib(kernel: str) -> None:
    """Gradients along the axes, of one strength in several channels, are where a tie could go another way."""
    y, x = np.mgrid[:150, :170]
    bars = np.stack([(x // 9 % 2) * 200, (y // 7 % 2) * 200, ((x + y) // 11 % 2) * 200], axis=-1)
    for picture in (bars.astype(np.uint8), bars[..., ::-1].astype(np.uint8)):
        picture = np.ascontiguousarray(picture)
        ours, theirs = load_hog(kernel, -3.0)(picture), load_dlib(-3.0)(picture)
        assert sorted(box.score for box in ours) == pytest.approx(
            sorted(box.score for box in theirs), abs=SCORE_ERROR
        )


@with_kernel
@pytest.mark.parametrize("kernel", KERNELS)
@given(
    sizes=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    scale=st.sampled_from([(5 / 6, 5 / 6), (2.0, 2.0), (1.0, 1.0), (0.2, 3.0)]),
    seed=st.integers(0, 2**20),
)
def test_resizing_is_that_of_dlib_to_the_bit(kernel: str, sizes, scale, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (*sizes, 3), dtype=np.uint8)
    height, width = (max(1, round(side * by)) for side, by in zip(sizes, scale, strict=True))
    found = native.kernel.resize(picture, height, width, kernel)
    np.testing.assert_array_equal(found, dlib.resize_image(picture, height, width))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_real_sample_gets_the_boxes_of_dlib(kernel: str, real) -> None:
    """Boxes differ where both scores are within 1 % of the threshold alone, of which dlib's are about 3.5."""
    ours = hog.load(1, 0, 0.0, kernel=kernel)
    n_faces, n_differ = 0, 0
    for picture, expected in real:
        found = ours(picture)
        differ = {box[:4] for box in found} ^ {box[:4] for box in expected}
        assert all(abs(box.score) <= 0.035 for box in found + expected if box[:4] in differ)
        n_faces += len(expected)
        n_differ += len(differ)
    assert n_faces >= 20
    assert n_differ <= 1


def test_small_faces_are_not_looked_for(frames) -> None:
    manifest, folder = frames
    picture = read_frame(folder / manifest.frames[4].file).picture
    boxes = hog.load(1, 0, 0.0)(picture)
    largest = max(side(box) for box in boxes)
    assert hog.load(1, largest, 0.0)(picture) == [box for box in boxes if side(box) >= largest]
    # A box that a smaller one stood in the way of may come up, a smaller one never.
    assert all(side(box) > largest for box in hog.load(1, largest + 1, 0.0)(picture))
    assert hog.load(1, 2 * largest, 0.0)(picture) == []


@pytest.mark.parametrize("kernel", KERNELS)
@given(height=st.integers(150, 400), width=st.integers(150, 400), seed=st.integers(0, 2**20))
def test_the_best_face_is_found_up_to_its_own_size(kernel: str, height: int, width: int, seed: int) -> None:
    """No level is skipped that holds a box of the wanted size; boxes at the border are larger than others."""
    picture = smooth(height, width, seed)
    boxes = load_hog(kernel, -2.0)(picture)
    if boxes:
        best = boxes[0]
        assert hog.load(0, side(best), -2.0, kernel=kernel)(picture)[0] == best


def side(box: Detection) -> int:
    return min(box.right - box.left, box.bottom - box.top) + 1


def test_a_view_of_a_picture_is_read_as_the_picture(frames) -> None:
    manifest, folder = frames
    picture = read_frame(folder / manifest.frames[4].file).picture
    wide = np.concatenate([picture, picture], axis=1)
    detect = hog.load(0, 0, -0.5)
    assert detect(wide[:, : picture.shape[1]]) == detect(picture)


@with_kernel
def test_an_unknown_kernel_is_named() -> None:
    with pytest.raises(ValueError, match=r"no kernel 'sse9' on this machine; there are .*portable"):
        hog.load(1, 0, 0.0, kernel="sse9")


def test_without_a_native_build_dlib_is_used_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, frames
) -> None:
    manifest, folder = frames
    picture = read_frame(folder / manifest.frames[4].file).picture
    expected = reference.hog(1, 0, 0.0)(picture)
    monkeypatch.setattr(native, "kernel", None)
    native.say_if_missing.cache_clear()  # an earlier test may have made it speak, or found nothing to say
    with caplog.at_level(logging.WARNING):
        assert load_engine("fast", "hog", 1).detect(picture) == expected
        load_engine("fast", "blazeface", 0)
    assert native.kernels() == []
    assert len([line for line in caplog.messages if "without a compiler" in line]) == 1


def test_another_detector_than_the_kernel_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = bytearray(dlib.get_frontal_face_detector().__getstate__()[0])
    assert state[8:10] == b"\x01\x08"  # pixels of a cell
    state[9] = 4

    class Other:
        def __getstate__(self) -> tuple[bytes]:
            return (bytes(state),)

    monkeypatch.setattr(dlib, "get_frontal_face_detector", Other)
    hog.filters.cache_clear()
    with pytest.raises(ValueError, match=r"\[4, 0, 80, 80, 1000, 64, 64\].*the kernel knows \[8, 0, 80"):
        hog.filters()
