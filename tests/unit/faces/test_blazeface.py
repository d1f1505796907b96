"""BlazeFace against a plain decoding of the same output, and on pictures of many kinds."""

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.unit.faces.pictures import pictures

from castgraph.faces import blazeface, hog, native
from castgraph.faces.blazeface import POINTS, averaged, decoded, network, places, sizes
from castgraph.faces.engine import Detection, load_engine

Detector = Callable[[np.ndarray], list[Detection]]


@functools.cache
def loaded(upsample: int) -> Detector:
    return blazeface.load(upsample)


@pytest.fixture(scope="module")
def detect() -> Detector:
    return loaded(0)


@pytest.fixture(scope="module")
def demo_pictures(demo: Path) -> list[np.ndarray]:
    return pictures(demo, 2)


@pytest.fixture(scope="module")
def portrait(demo: Path) -> Image.Image:
    """A face with a little around it, 210×230 pixels."""
    path = sorted((demo / "gallery").glob("*/1.jpg"))[0]
    return Image.open(path).convert("RGB").crop((90, 120, 300, 350))


def scene(width: int, height: int, *faces: tuple[Image.Image, float, int, int]) -> np.ndarray:
    """A grey picture with faces: each is scaled and put at left, top, which may be outside."""
    picture = Image.new("RGB", (width, height), (90, 90, 90))
    for face, scale, left, top in faces:
        picture.paste(face.resize((round(face.width * scale), round(face.height * scale))), (left, top))
    return np.asarray(picture)


def shared(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of left, top, right, bottom."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def same(a: Detection, b: Detection, least: float) -> bool:
    return shared(a[:4], b[:4]) >= least


# --- what the network tells, decoded as MediaPipe's calculators do it


def plain_boxes(values: np.ndarray, logits: np.ndarray, columns: int, threshold: float) -> list[tuple]:
    """Score of each place, its box and points; best first."""
    found = []
    for place, (value, logit) in enumerate(zip(values.tolist(), logits.tolist(), strict=True)):
        score = 1 / (1 + math.exp(-min(100, max(-100, logit))))
        x = (place % (columns // 4) + 0.5) * 4 + value[0]
        y = (place // (columns // 4) + 0.5) * 4 + value[1]
        width, height = value[2:4]
        if score > threshold and width > 0 and height > 0:
            points = (
                here + way for here, way in zip((x - value[0], y - value[1]) * 6, value[4:], strict=True)
            )
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            found.append((score, (*box, *points)))
    return sorted(found, key=lambda face: -face[0])


def plain_faces(found: list[tuple]) -> list[tuple]:
    """Weighted non-maximum suppression."""
    faces = []
    while found:
        alike = [face for face in found if shared(face[1], found[0][1]) > 0.3]
        weight = sum(score for score, _ in alike)
        box = tuple(sum(score * box[side] for score, box in alike) / weight for side in range(16))
        faces.append((found[0][0], box))
        found = [face for face in found if face not in alike]
    return faces


def output(seed: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """What a network might tell of an input: some places of a few faces, and noise."""
    random = np.random.default_rng(seed)
    n_places = rows * columns // 16
    values = random.normal(0, 5, (n_places, 16)).astype(np.float32)
    values[:, 2:4] = random.normal(20, 12, (n_places, 2))
    return values, random.normal(-4, 4, n_places).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.sampled_from([32, 64]), st.sampled_from([32, 96]), st.floats(0.05, 0.95))
@settings(deadline=None)
def test_faces_are_those_of_a_plain_decoding(seed: int, rows: int, columns: int, threshold: float) -> None:
    values, logits = output(seed, rows, columns)
    found = plain_boxes(values, logits, columns, threshold)
    boxes, scores = decoded(values, logits, columns, threshold)
    np.testing.assert_allclose(boxes, np.array([box for _, box in found]).reshape(-1, 16), rtol=0, atol=1e-4)
    np.testing.assert_allclose(scores, [score for score, _ in found])
    faces = plain_faces([(score, tuple(box)) for score, box in zip(scores, boxes.tolist(), strict=True)])
    boxes, scores = averaged(boxes, scores)
    np.testing.assert_allclose(boxes, np.array([box for _, box in faces]).reshape(-1, 16), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(scores, [score for score, _ in faces])


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_boxes_does_not_count(seed: int) -> None:
    boxes, scores = decoded(*output(seed, 32, 64), 64, 0.2)
    order = np.random.default_rng(seed).permutation(len(scores))
    for part, other in zip(averaged(boxes, scores), averaged(boxes[order], scores[order]), strict=True):
        np.testing.assert_allclose(part, other)


def test_faces_of_real_output_are_those_of_a_plain_decoding(
    detect: Detector, demo_pictures: list[np.ndarray]
) -> None:
    run = network()
    n_faces = 0
    for picture in demo_pictures[::2]:
        small = Image.fromarray(picture).resize((320, 180), Image.Resampling.BILINEAR, reducing_gap=1.0)
        entry = np.zeros((192, 320, 3), np.uint8)
        entry[:180] = small
        expected = plain_faces(plain_boxes(*run(entry), 320, 0.5))
        found = detect(picture)
        scale = picture.shape[1] / 320
        for face, (score, box) in zip(found, expected, strict=True):
            left, top, right, bottom = (side * scale for side in box[:4])
            assert face[:4] == pytest.approx((left, top, right - 1, bottom - 1), abs=0.501)
            assert face.score == pytest.approx(score)
        n_faces += len(found)
    assert n_faces >= 3


@pytest.mark.parametrize("kernel", native.kernels())
def test_faces_are_those_of_onnxruntime(demo_pictures: list[np.ndarray], kernel: str) -> None:
    runs = [network(kernel=name) for name in (kernel, None)]
    n_faces = 0
    for picture in demo_pictures[::2]:
        (ours, scores), (theirs, their_scores) = (averaged(*places(run, picture, 0, 0.5)) for run in runs)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)
        np.testing.assert_allclose(scores, their_scores, rtol=0, atol=1e-5)
        n_faces += len(ours)
    assert n_faces >= 3


def test_the_kernel_is_used_unless_another_provider_is_asked_for(
    demo_pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = demo_pictures[0][:64, :64].copy()
    found, without = network()(entry)[0], network(kernel=None)(entry)[0]
    assert (found == without).all() == (native.kernel is None)  # other roundings
    monkeypatch.setattr(native, "kernel", None)
    np.testing.assert_array_equal(network()(entry)[0], without)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("column", [0, 1, 2, 3, None])
def test_numbers_that_are_none_give_no_face(
    value: float, column: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, logits = np.full((64, 16), 10, np.float32), np.zeros(64, np.float32)
    if column is None:
        logits[:] = value
    else:
        values[:, column] = value
    monkeypatch.setattr(blazeface, "network", lambda *_: lambda _: (values, logits))
    found = blazeface.load(0, score_threshold=0.1)(np.zeros((32, 32, 3), np.uint8))
    assert bool(found) == (column is None and value > 0)


# --- pictures


def test_demo_faces_are_those_of_hog_and_more(detect: Detector, demo_pictures: list[np.ndarray]) -> None:
    find, n_faces, n_found, n_all = hog.load(1, 0, 0), 0, 0, 0
    for picture in demo_pictures:
        found = detect(picture)
        for face in find(picture):
            n_faces += 1
            n_found += any(same(face, other, 0.4) for other in found)
        n_all += len(found)
    assert n_faces >= 10
    assert n_found >= 0.9 * n_faces
    assert n_all >= n_found


def test_real_faces_are_those_of_hog_and_more(detect: Detector, sample: Path) -> None:
    find, n_faces, n_found = hog.load(1, 0, 0), 0, 0
    for picture in pictures(sample, 4):
        found = detect(picture)
        for face in find(picture):
            n_faces += 1
            n_found += any(same(face, other, 0.4) for other in found)
    assert n_found >= 0.95 * n_faces > 0


@pytest.mark.parametrize(
    ("height", "width", "upsample", "expected"),
    [
        (360, 640, 0, [(180, 320)]),
        (360, 640, 1, [(360, 640), (180, 320)]),
        (2160, 4096, 0, [(169, 320)]),
        (16, 16, 0, [(16, 16)]),
        (16, 16, 2, [(64, 64)]),
        (640, 640, 0, [(320, 320), (160, 160)]),
        (640, 640, 1, [(640, 640), (320, 320), (160, 160)]),
        (5000, 3, 0, [(320, 1)]),
    ],
)
def test_sizes(height: int, width: int, upsample: int, expected: list[tuple[int, int]]) -> None:
    assert sizes(height, width, upsample) == expected


@pytest.mark.parametrize("upsample", [0, 1])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.9])
@pytest.mark.parametrize(("width", "height"), [(640, 360), (480, 640), (500, 500), (1920, 1080), (300, 169)])
def test_a_face_is_found_once_whatever_its_share_of_the_frame(
    portrait: Image.Image, width: int, height: int, share: float, upsample: int
) -> None:
    """A box is about half as high as the portrait; only its share of the frame counts."""
    scale = share * min(width, height) / 115
    left, top = round(width / 2 - 105 * scale), round(height / 2 - 115 * scale)
    [face] = loaded(upsample)(scene(width, height, (portrait, scale, left, top)))
    assert abs((face.left + face.right) / 2 - width / 2) < 30 * scale
    assert 0.7 < (face.bottom - face.top) / (share * min(width, height)) < 1.5


@pytest.fixture(scope="module")
def small_faces(portrait: Image.Image) -> np.ndarray:
    """A picture with 18 faces, which are as high as a twelfth to a 20th of it."""
    small = [(portrait, 0.16 + 0.02 * m, 25 + 100 * n, 30 + 110 * m) for n in range(6) for m in range(3)]
    return scene(640, 360, *small)


def test_the_points_are_where_they_should_be(portrait: Image.Image) -> None:
    picture = scene(640, 360, (portrait, 1, 200, 60))
    faces, _ = averaged(*places(network(), picture, 0, 0.5))
    [[left, top, right, bottom, *points]] = faces.tolist()
    right_eye, left_eye, nose, mouth, *_ = zip(points[::2], points[1::2], strict=True)
    assert len(points) == 2 * len(POINTS)
    assert left < right_eye[0] < nose[0] < left_eye[0] < right
    assert top < right_eye[1] < nose[1] < mouth[1] < bottom


def test_upsampling_finds_smaller_faces(small_faces: np.ndarray, detect: Detector) -> None:
    assert len(detect(small_faces)) < 12
    assert len(loaded(1)(small_faces)) >= 17


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (16, 16), (31, 33), (360, 640)])
def test_pictures_without_a_face(shape: tuple[int, int]) -> None:
    for upsample in (0, 1, 2):
        assert loaded(upsample)(np.full((*shape, 3), 90, np.uint8)) == []


def test_a_picture_of_the_largest_size(portrait: Image.Image, detect: Detector) -> None:
    picture = scene(4096, 2160, (portrait, 4, 300, 300), (portrait, 6, 2200, 100))
    assert len(detect(picture)) == 2


def test_a_face_at_the_border(portrait: Image.Image) -> None:
    """Boxes may reach beyond the frame; the landmarks and the face table get along with it."""
    picture = scene(640, 360, (portrait, 1, -60, 60), (portrait, 1, 490, 60), (portrait, 1, 250, 190))
    engine = load_engine("fast", "blazeface", 0)
    faces = engine.detect(picture)
    assert len(faces) == 3
    assert any(face.left < 0 or face.right >= 640 or face.bottom >= 360 for face in faces)
    [encoded] = engine.encode([picture])
    assert len(encoded) == 3
    for face in encoded:
        assert 0 <= face.left < face.right <= 640
        assert 0 <= face.top < face.bottom <= 360


def test_a_higher_threshold_finds_no_other_faces(small_faces: np.ndarray) -> None:
    low, high = (blazeface.load(0, score_threshold=threshold)(small_faces) for threshold in (0.2, 0.7))
    for faces, threshold in ((low, 0.2), (high, 0.7)):
        scores = [face.score for face in faces]
        assert scores == sorted(scores, reverse=True)
        assert all(score > threshold for score in scores)
    assert all(any(same(face, other, 0.7) for other in low) for face in high)
    assert 0 < len(high) < len(low)


@pytest.mark.parametrize("min_size_px", [60, 100, 10_000])
def test_small_faces_are_left_out(portrait: Image.Image, detect: Detector, min_size_px: int) -> None:
    picture = scene(640, 360, (portrait, 1.4, 5, 10), (portrait, 0.8, 350, 60), (portrait, 0.4, 540, 60))
    every = detect(picture)
    assert len(every) == 3
    found = blazeface.load(0, min_size_px)(picture)
    assert found == [face for face in every if face.shorter_side >= min_size_px]


def test_the_picture_may_be_a_view(detect: Detector, portrait: Image.Image) -> None:
    picture = np.asarray(portrait)
    wide = np.zeros((picture.shape[0], picture.shape[1] * 2, 3), np.uint8)
    wide[:, ::2] = picture
    assert detect(wide[:, ::2]) == detect(picture) != []
