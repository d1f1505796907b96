"""CenterFace against a plain decoding of the same output, and on pictures of many kinds."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.unit.faces.pictures import pictures

from castgraph.faces import centerface, hog
from castgraph.faces.engine import Detection, load_engine
from castgraph.faces.models import CENTERFACE, model_path, session

Detector = Callable[[np.ndarray], list[Detection]]
Outputs = list[np.ndarray]


@pytest.fixture(scope="module")
def detect() -> Detector:
    return centerface.load(0, 0, 0.5)


@pytest.fixture(scope="module")
def demo_pictures(demo: Path) -> list[np.ndarray]:
    return pictures(demo, 2)


@pytest.fixture(scope="module")
def portrait(demo: Path) -> Image.Image:
    """A face with a little around it, 210×230 pixels."""
    path = sorted((demo / "gallery").glob("*/1.jpg"))[0]
    return Image.open(path).convert("RGB").crop((90, 120, 300, 350))


def scene(size: tuple[int, int], *faces: tuple[Image.Image, float, int, int]) -> np.ndarray:
    """A grey picture with faces: each is scaled and put at left, top, which may be outside."""
    picture = Image.new("RGB", size, (90, 90, 90))
    for face, scale, left, top in faces:
        picture.paste(face.resize((round(face.width * scale), round(face.height * scale))), (left, top))
    return np.asarray(picture)


def overlap(a: Detection, b: Detection) -> float:
    """Intersection over union."""
    width = max(0, min(a.right, b.right) - max(a.left, b.left) + 1)
    height = max(0, min(a.bottom, b.bottom) - max(a.top, b.top) + 1)
    areas = sum((box.right - box.left + 1) * (box.bottom - box.top + 1) for box in (a, b))
    return width * height / (areas - width * height)


def near(found: list[Detection], face: Detection, least: float) -> bool:
    return any(overlap(other, face) >= least for other in found)


# --- what the network tells, decoded


def plain(outputs: Outputs, height: int, width: int, threshold: float) -> list[Detection]:
    """Decode point by point, as the papers' code does, but that boxes are not cut at the border."""
    heatmap, scale, offset, _ = outputs
    found = []
    for row in range(heatmap.shape[2]):
        for column in range(heatmap.shape[3]):
            score = float(heatmap[0, 0, row, column])
            y = (row + float(offset[0, 0, row, column]) + 0.5) * 4
            x = (column + float(offset[0, 1, row, column]) + 0.5) * 4
            if score > threshold and 0 <= x < width and 0 <= y < height:
                tall, wide = (float(np.exp(np.float64(scale[0, axis, row, column]))) * 4 for axis in (0, 1))
                found.append((score, x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2))
    found.sort(key=lambda face: -face[0])
    kept: list[tuple[float, ...]] = []
    for face in found:
        if all(shared(face[1:], other[1:]) < 0.3 for other in kept):
            kept.append(face)
    rounded = [(score, *map(whole, sides)) for score, *sides in kept]
    return [Detection(left, top, right - 1, bottom - 1, score) for score, left, top, right, bottom in rounded]


def shared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def whole(value: float) -> int:
    """Halves go away from zero."""
    return int(np.copysign(np.floor(abs(value) + 0.5), value))


def telling(outputs: Outputs) -> SimpleNamespace:
    """A network that says the same of every picture."""
    return SimpleNamespace(
        get_inputs=lambda: [SimpleNamespace(name="picture")], run=lambda names, pictures: outputs
    )


def agree(found: list[Detection], expected: list[Detection]) -> None:
    assert [face[:4] for face in found] == [face[:4] for face in expected]
    np.testing.assert_allclose([face.score for face in found], [face.score for face in expected], rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 70), st.floats(0.05, 0.95))
def test_boxes_are_those_of_a_plain_decoding(seed: int, height: int, width: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    points = tuple(-(-side // 32) * 8 for side in (height, width))

    def values(n: int, low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, (1, n, *points)).astype(np.float32)

    outputs = [values(1, 0, 1), values(2, -1, 2.5), values(2, -1, 1), values(10, 0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(centerface, "session", lambda *_: telling(outputs))
        found = centerface.load(0, 0, threshold)(np.zeros((height, width, 3), np.uint8))
    expected = plain(outputs, height, width, threshold)
    agree(found, [face for face in expected if face.shorter_side >= 1])


def test_boxes_of_real_output_are_those_of_a_plain_decoding(
    detect: Detector, demo_pictures: list[np.ndarray]
) -> None:
    network = session(CENTERFACE)
    n_faces = 0
    for picture in demo_pictures[::2]:
        outputs = network.run(None, {"input.1": centerface.tensor(picture)})
        found = detect(picture)
        agree(found, plain(outputs, *picture.shape[:2], 0.5))
        n_faces += len(found)
    assert n_faces >= 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_are_none_give_no_face(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(3):
        outputs = [np.full((1, n, 8, 8), 0.9, np.float32) for n in (1, 2, 2, 10)]
        outputs[place][:] = value
        monkeypatch.setattr(centerface, "session", lambda *_, made=outputs: telling(made))
        faces = centerface.load(0, 0, 0.5)(np.zeros((32, 32, 3), np.uint8))
        assert all(abs(side) < 2**21 for face in faces for side in face[:4])


def test_the_network_is_that_of_the_file_for_any_size() -> None:
    as_published = onnxruntime.InferenceSession(model_path(CENTERFACE), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    batch = random.integers(0, 256, (10, 3, 32, 32)).astype(np.float32)
    expected = as_published.run(None, {"input.1": batch})
    for ours, theirs in zip(session(CENTERFACE).run(None, {"input.1": batch}), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
    [heatmap, *_] = session(CENTERFACE).run(None, {"input.1": np.zeros((1, 3, 64, 96), np.float32)})
    assert heatmap.shape == (1, 1, 16, 24)


# --- faces


def test_the_faces_of_hog_are_found(detect: Detector, demo_pictures: list[np.ndarray]) -> None:
    find = hog.load(1, 0, 0.0)
    n_faces = 0
    for picture in demo_pictures:
        faces = find(picture)
        assert all(near(detect(picture), face, 0.3) for face in faces)
        n_faces += len(faces)
    assert n_faces >= 10


def test_real_faces_of_hog_are_found(detect: Detector, sample: Path) -> None:
    find = hog.load(1, 0, 0.0)
    missed = n_faces = 0
    for picture in pictures(sample, 3):
        found = detect(picture)
        faces = find(picture)
        missed += sum(not near(found, face, 0.3) for face in faces)
        n_faces += len(faces)
    assert n_faces >= 20
    assert missed <= 0.03 * n_faces


@pytest.mark.slow
def test_embeddings_are_those_of_the_faces_of_hog(demo_pictures: list[np.ndarray]) -> None:
    """The landmark model is given the box that it expects."""
    ours = load_engine("fast", "centerface", 0).encode(demo_pictures)
    theirs = load_engine("fast", "hog", 1).encode(demo_pictures)
    distances = [
        min(float(np.linalg.norm(face.embedding - other.embedding)) for other in found)
        for found, expected in zip(ours, theirs, strict=True)
        for face in expected
    ]
    assert len(distances) >= 10
    assert np.median(distances) < 0.2
    assert max(distances) < 0.4


@pytest.mark.slow
def test_a_face_whose_forehead_is_cut_is_aligned(demo_pictures: list[np.ndarray]) -> None:
    engine = load_engine("fast", "centerface", 0)
    moved = []
    for picture in demo_pictures:
        for face in engine.encode([picture])[0]:
            height = face.bottom - face.top
            below = picture[face.top + height // 4 :]  # from the eyebrows down
            moved += [
                float(np.linalg.norm(cut.embedding - face.embedding))
                for cut in engine.encode([below])[0]
                if abs(cut.left - face.left) < 0.3 * height and cut.top < height
            ]
    assert len(moved) >= 8
    assert np.median(moved) < 0.35
    assert max(moved) < 0.5


def test_doubling_finds_smaller_faces(detect: Detector, portrait: Image.Image) -> None:
    picture = scene((320, 180), (portrait, 0.08, 100, 70), (portrait, 0.4, 200, 20))
    small, large = Detection(102, 72, 114, 86, 0), Detection(210, 30, 274, 100, 0)
    assert not near(detect(picture), small, 0.2)
    for upsample in (1, 2):
        found = centerface.load(upsample, 0, 0.5)(picture)
        assert near(found, small, 0.2)
        assert near(found, large, 0.3)


def test_limits_are_kept(detect: Detector, portrait: Image.Image) -> None:
    picture = scene((640, 360), (portrait, 0.3, 10, 10), (portrait, 0.6, 200, 60), (portrait, 1.2, 380, 30))
    every = detect(picture)
    assert len(every) == 3
    assert [face.score for face in every] == sorted((face.score for face in every), reverse=True)
    for side in sorted(face.shorter_side for face in every):
        assert centerface.load(0, side, 0.5)(picture) == [f for f in every if f.shorter_side >= side]
    best = every[0].score
    assert centerface.load(0, 0, best - 1e-6)(picture) == every[:1]
    assert centerface.load(0, 0, best + 1e-6)(picture) == []
    assert centerface.load(0, 0, 0.2)(picture)[:3] == every


# --- pictures of any kind


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (16, 16), (31, 33)])
def test_tiny_pictures(detect: Detector, shape: tuple[int, int]) -> None:
    assert detect(np.full((*shape, 3), 128, np.uint8)) == []
    assert centerface.load(2, 0, 0.5)(np.full((*shape, 3), 128, np.uint8)) == []


def test_a_face_fills_a_tiny_picture(portrait: Image.Image) -> None:
    picture = np.asarray(portrait.resize((16, 16)))
    [face] = centerface.load(2, 0, 0.5)(picture)
    assert near([face], Detection(2, 1, 13, 14, 0), 0.4)


def test_no_face_in_noise_and_flat_pictures(detect: Detector) -> None:
    random = np.random.default_rng(0)
    for picture in (
        np.zeros((360, 640, 3), np.uint8),
        np.full((360, 640, 3), 255, np.uint8),
        random.integers(0, 256, (360, 640, 3), dtype=np.uint8),
    ):
        assert detect(picture) == []


@pytest.mark.parametrize(("left", "top"), [(-60, 60), (490, 60), (200, -60), (200, 210)])
def test_faces_cut_by_the_border(detect: Detector, portrait: Image.Image, left: int, top: int) -> None:
    picture = scene((640, 360), (portrait, 1, left, top))
    faces = detect(picture)
    assert near(faces, Detection(left + 30, top + 20, left + 170, top + 210, 0), 0.4)
    [found] = load_engine("fast", "centerface", 0).encode([picture])
    assert len(found) == len(faces)
    for face in found:
        assert 0 <= face.left < face.right <= 640
        assert 0 <= face.top < face.bottom <= 360
        assert np.isfinite(face.embedding).all()


def test_tiles_find_what_the_whole_picture_does(
    demo_pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = centerface.load(0, 0, 0.5)
    n_faces = 0
    for picture in demo_pictures[:8]:
        expected = detect(picture)
        monkeypatch.setattr(centerface, "TILE", 288)
        monkeypatch.setattr(centerface, "OVERLAP", 128)
        found = detect(picture)
        monkeypatch.undo()
        assert all(near(found, face, 0.6) for face in expected if face.score > 0.6)
        assert all(near(expected, face, 0.3) for face in found if face.score > 0.7)
        n_faces += len(expected)
    assert n_faces >= 8


@pytest.mark.slow
def test_a_very_wide_frame(detect: Detector, portrait: Image.Image) -> None:
    """Small faces lie on the borders of tiles; the large one is in no tile as a whole."""
    small = [(portrait, 0.3, 1050, 300), (portrait, 0.3, 2010, 1050), (portrait, 0.5, 3960, 2020)]
    picture = scene((4096, 2160), *small, (portrait, 6, 2200, 40))
    found = detect(picture)
    for face, scale, left, top in [*small, (portrait, 6, 2200, 40)]:
        width, height = face.width * scale, face.height * scale
        sides = left + 0.15 * width, top + 0.1 * height, left + 0.8 * width, top + 0.9 * height
        assert sum(overlap(other, Detection(*map(int, sides), 0)) > 0.4 for other in found) == 1
    assert len(found) == 4


@pytest.mark.parametrize("size", [(4096, 2160), (2160, 4096), (300, 29_000), (1281, 1281), (1500, 1100)])
@pytest.mark.parametrize("upsample", [0, 1])
def test_memory_does_not_grow_with_the_frame(
    size: tuple[int, int], upsample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes through the network at once is no larger than a tile, and all of the picture goes through."""
    shapes = []

    def run(_: object, pictures: dict[str, np.ndarray]) -> Outputs:
        [picture] = pictures.values()
        shapes.append(picture.shape)
        rows, columns = picture.shape[2] // 4, picture.shape[3] // 4
        return [np.zeros((1, n, rows, columns), np.float32) for n in (1, 2, 2, 10)]

    network = SimpleNamespace(get_inputs=telling([]).get_inputs, run=run)
    monkeypatch.setattr(centerface, "session", lambda *_: network)
    assert centerface.load(upsample, 0, 0.5)(np.zeros((*size[::-1], 3), np.uint8)) == []
    areas = [rows * columns for _, _, rows, columns in shapes]
    assert max(areas) <= 1.1 * centerface.TILE**2
    assert sum(areas) >= size[0] * size[1] * 4**upsample
    assert {(shape[2] % 32, shape[3] % 32) for shape in shapes} == {(0, 0)}
