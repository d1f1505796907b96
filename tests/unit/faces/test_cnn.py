"""The CNN detector on onnxruntime against dlib's."""

from collections.abc import Callable
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image
from tests.unit.faces.pictures import pictures

from castgraph.faces import cnn
from castgraph.faces.engine import Detection
from castgraph.faces.models import CNN_DETECTOR, model_path

Detector = Callable[[np.ndarray], list[Detection]]


@pytest.fixture(scope="module")
def reference() -> Callable[[np.ndarray, int], list[Detection]]:
    """dlib's detector; on one core it takes 1.3 s for 640x360, and four times as long upsampled."""
    network = dlib.cnn_face_detection_model_v1(str(model_path(CNN_DETECTOR)))

    def detect(picture: np.ndarray, upsample: int) -> list[Detection]:
        return [
            Detection(f.rect.left(), f.rect.top(), f.rect.right(), f.rect.bottom(), f.confidence)
            for f in network(picture, upsample)
        ]

    return detect


@pytest.fixture(scope="module")
def plain() -> Detector:
    return cnn.load(0)


@pytest.fixture(scope="module")
def demo_pictures(demo: Path) -> list[np.ndarray]:
    return pictures(demo, 1)[:2]


@pytest.fixture(scope="module")
def portrait(demo: Path) -> np.ndarray:
    """A picture of 120x130 pixels that a face fills."""
    path = sorted((demo / "gallery").glob("*/1.jpg"))[0]
    return np.asarray(Image.open(path).convert("RGB").crop((90, 120, 300, 350)).resize((120, 130)))


def agree(found: list[Detection], expected: list[Detection]) -> None:
    assert [face[:4] for face in found] == [face[:4] for face in expected]
    np.testing.assert_allclose(
        [face.score for face in found], [face.score for face in expected], rtol=0, atol=1e-4
    )


def test_real_faces_are_those_of_dlib(plain: Detector, reference, sample: Path) -> None:
    n_faces = 0
    for picture in pictures(sample, 1)[::3]:
        expected = reference(picture, 0)
        agree(plain(picture), expected)
        n_faces += len(expected)
    assert n_faces >= 2


@pytest.mark.slow
def test_demo_faces_are_those_of_dlib(plain: Detector, reference, demo_pictures) -> None:
    n_faces = 0
    for picture in demo_pictures:
        expected = reference(picture, 0)
        agree(plain(picture), expected)
        n_faces += len(expected)
    assert n_faces >= 2


@pytest.mark.slow
@pytest.mark.parametrize(("upsample", "by"), [(1, 2), (2, 4)])
def test_upsampled_faces_are_those_of_dlib(
    reference, demo_pictures: list[np.ndarray], upsample: int, by: int
) -> None:
    picture = demo_pictures[0]
    small = np.asarray(Image.fromarray(picture).resize((picture.shape[1] // by, picture.shape[0] // by)))
    expected = reference(small, upsample)
    agree(cnn.load(upsample)(small), expected)
    assert expected


@pytest.mark.parametrize(
    ("height", "width", "upsample"),
    [
        *[(130, 120, 0), (131, 800, 0), (700, 121, 0), (400, 410, 0), (110, 105, 0)],
        *[(130, 120, 1), (80, 60, 1), (47, 45, 2)],
    ],
)
def test_pictures_of_any_shape(
    reference, portrait: np.ndarray, height: int, width: int, upsample: int
) -> None:
    """The levels of the pyramid are laid out in another way for each shape."""
    picture = np.full((height, width, 3), 90, np.uint8)
    small = Image.fromarray(portrait).resize((min(width, 120), min(height, 130)))
    for top, left in [(0, 0), (height - small.height, width - small.width)]:
        picture[top : top + small.height, left : left + small.width] = small
    expected = reference(picture, upsample)
    agree(cnn.load(upsample)(picture), expected)
    assert expected


def test_a_portrait_has_a_face(plain: Detector, portrait: np.ndarray) -> None:
    [face] = plain(portrait)
    assert face.left < 60 < face.right
    assert face.top < 65 < face.bottom


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (4, 4), (7, 9)])
def test_tiny_pictures_have_no_faces(plain: Detector, shape: tuple[int, int]) -> None:
    assert plain(np.zeros((*shape, 3), np.uint8)) == []


def test_a_lower_threshold_only_adds_faces(plain: Detector, demo_pictures) -> None:
    low, high = cnn.load(0, score_threshold=-1.2), cnn.load(0, score_threshold=0.5)
    n_more = 0
    for picture in demo_pictures:
        faces = plain(picture)
        assert all(face.score > 0 for face in faces)
        assert high(picture) == [face for face in faces if face.score > 0.5]
        assert low(picture)[: len(faces)] == faces
        n_more += len(low(picture)) - len(faces)
    assert n_more > 0


def test_the_best_face_comes_first(demo_pictures) -> None:
    for picture in demo_pictures:
        scores = [face.score for face in cnn.load(0, score_threshold=-1.2)(picture)]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("min_size_px", [60, 180, 10_000])
def test_small_faces_are_not_looked_for(portrait: np.ndarray, min_size_px: int) -> None:
    """Large faces are found as before, though the rows of small ones are not computed."""
    picture = np.full((480, 640, 3), 90, np.uint8)
    for left, scale in [(5, 2.5), (330, 1.5), (540, 0.6)]:
        face = Image.fromarray(portrait).resize((round(120 * scale), round(130 * scale)))
        picture[10 : 10 + face.height, left : left + face.width] = face
    every = cnn.load(1)(picture)
    sides = [min(face.right - face.left, face.bottom - face.top) + 1 for face in every]
    assert len(every) == 3
    found = cnn.load(1, min_size_px)(picture)
    agree(found, [face for face, side in zip(every, sides, strict=True) if side >= min_size_px])


def test_strips_do_not_change_the_result(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    detect = cnn.load(1, score_threshold=-1.2)
    monkeypatch.setattr(cnn, "STRIP", 10_000)
    whole = detect(portrait)
    monkeypatch.setattr(cnn, "STRIP", 3)
    agree(detect(portrait), whole)
    assert len(whole) > 1


def test_the_picture_may_be_a_view(plain: Detector, portrait: np.ndarray) -> None:
    wide = np.zeros((130, 240, 3), np.uint8)
    wide[:, ::2] = portrait
    assert plain(wide[:, ::2]) == plain(portrait)
