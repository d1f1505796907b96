"""The native landmarks are dlib's, whatever the picture and the box."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import dlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.faces.pictures import pictures

from castgraph.faces import align, hog, native
from castgraph.faces.engine import Aligned, Detection
from castgraph.faces.frame import Picture
from castgraph.faces.models import LANDMARKS, model_path

NATIVE = pytest.mark.skipif(native.kernel is None, reason="the package was built without a compiler")
BOXES = st.tuples(st.integers(-300, 600), st.integers(-300, 600), st.integers(0, 700), st.integers(0, 700))


@cache
def loaded(*, kernel: bool) -> Callable[[Picture, Detection], Aligned]:
    return align.load(align.Square(1, 0, 0), kernel=kernel)


def same(picture: Picture, box: Detection) -> None:
    ours, theirs = (loaded(kernel=kernel)(picture, box) for kernel in (True, False))
    np.testing.assert_array_equal(ours.landmarks, theirs.landmarks)
    np.testing.assert_array_equal(ours.chip, theirs.chip)


@NATIVE
@given(st.integers(1, 80), st.integers(1, 80), BOXES, st.integers(0, 99))
@settings(deadline=None)
def test_boxes_of_any_size_anywhere(
    height: int, width: int, sides: tuple[int, int, int, int], seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    left, top, across, down = sides
    box = Detection(left, top, left + across, top + down, 1.0)
    predictor = dlib.shape_predictor(str(model_path(LANDMARKS)))
    expected = predictor(picture, dlib.rectangle(*box[:4])).parts()
    found = native.kernel.Landmarks(model_path(LANDMARKS).read_bytes()).find(picture, *box[:4])
    assert found == [(point.x, point.y) for point in expected]


def agree(frames: list[Picture], shifts: tuple[int, ...]) -> None:
    """The faces of some frames, with boxes as they are found, moved and made longer."""
    find = hog.load(1, 0, 0)
    found = [(picture, box) for picture in frames for box in find(picture)]
    assert len(found) >= 10
    for picture, box in found:
        for shift in shifts:
            same(picture, box._replace(left=box.left + shift, bottom=box.bottom + shift))


@NATIVE
def test_faces_of_the_demo(demo: Path) -> None:
    agree(pictures(demo, 2), (0, -15, 30))


@NATIVE
def test_real_faces(sample: Path) -> None:
    agree(pictures(sample, 6), (0,))


@NATIVE
def test_threads_may_share_it(demo: Path) -> None:
    picture = pictures(demo, 40)[0]
    boxes = [Detection(20 * n, 10 * n, 20 * n + 80, 10 * n + 80, 1.0) for n in range(16)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda box: loaded(kernel=True)(picture, box), boxes))
    for box, one in zip(boxes, found, strict=True):
        np.testing.assert_array_equal(one.landmarks, loaded(kernel=False)(picture, box).landmarks)


def test_dlib_finds_them_without_a_kernel(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, box = pictures(demo, 40)[0], Detection(100, 100, 200, 200, 1.0)
    monkeypatch.setattr(native, "kernel", None)
    found = align.load(align.Square(1, 0, 0))(picture, box)
    np.testing.assert_array_equal(found.chip, loaded(kernel=False)(picture, box).chip)


@NATIVE
@given(share=st.floats(0, 1, exclude_max=True))
@settings(deadline=None, max_examples=20)
def test_a_file_that_is_cut_off_is_refused(share: float) -> None:
    content = model_path(LANDMARKS).read_bytes()
    with pytest.raises(ValueError, match="not a shape predictor"):
        native.kernel.Landmarks(content[: int(share * len(content))])


@NATIVE
@given(place=st.integers(0, 60), byte=st.integers(0, 255))
@settings(deadline=None, max_examples=40)
def test_a_damaged_file_is_refused_or_finds_something(place: int, byte: int) -> None:
    content = bytearray(model_path(LANDMARKS).read_bytes())
    content[place] = byte
    try:
        found = native.kernel.Landmarks(bytes(content)).find(np.zeros((50, 60, 3), np.uint8), 5, 5, 40, 40)
    except ValueError as error:
        assert "not a shape predictor" in str(error)
    else:
        assert len(found) == 5
