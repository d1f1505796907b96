"""The reference engine gives what face_recognition gives, bit for bit."""

import numpy as np
import pytest
from PIL import Image

from castgraph.faces.engine import Engine, load_engine
from castgraph.faces.frame import read_frame


@pytest.fixture(scope="module")
def pictures(frames, face_recognition) -> list[np.ndarray]:
    """Frames with none, one and several faces, and one with a face that the border cuts off."""
    manifest, folder = frames
    chosen = [read_frame(folder / manifest.frames[n].file).picture for n in (0, 4, 12, 20, 28, 36)]
    whole = face_recognition.load_image_file(folder / manifest.frames[4].file)
    [(top, _, bottom, left), *_] = face_recognition.face_locations(whole, 1)
    cut = np.ascontiguousarray(whole[top + (bottom - top) // 8 :, left:])
    return [*chosen, cut]


@pytest.mark.slow
def test_boxes_and_embeddings_are_those_of_face_recognition(
    engine: Engine, pictures, face_recognition
) -> None:
    n_faces = 0
    for picture, faces in zip(pictures, engine.encode(pictures), strict=True):
        boxes = face_recognition.face_locations(picture, 1)
        encodings = face_recognition.face_encodings(picture, boxes)
        expected = sorted(
            (((left, top), (top, right, bottom, left), encoding.astype(np.float32).tolist())
             for (top, right, bottom, left), encoding in zip(boxes, encodings, strict=True)),
        )  # fmt: skip
        found = [((f.left, f.top), (f.top, f.right, f.bottom, f.left), f.embedding.tolist()) for f in faces]
        assert found == expected
        n_faces += len(faces)
    assert n_faces >= len(pictures) // 2


@pytest.mark.slow
def test_landmarks_are_those_of_face_recognition(engine: Engine, pictures, face_recognition) -> None:
    picture = pictures[1]
    for face in engine.encode([picture])[0]:
        [expected] = face_recognition.face_landmarks(
            picture, [(face.top, face.right, face.bottom, face.left)], model="small"
        )
        points = [tuple(point) for point in face.landmarks.reshape(5, 2).astype(int).tolist()]
        assert points[:2] == expected["right_eye"]
        assert points[2:4] == expected["left_eye"]
        assert points[4:] == expected["nose_tip"]


def test_scores_and_sharpness_are_told(engine: Engine, pictures) -> None:
    faces = [face for faces in engine.encode(pictures) for face in faces]
    assert all(face.score > 0 for face in faces)
    assert all(face.sharpness > 0 for face in faces)


def test_a_batch_gives_what_single_pictures_give(engine: Engine, pictures) -> None:
    together = engine.encode(pictures[:3])
    for picture, faces in zip(pictures[:3], together, strict=True):
        [alone] = engine.encode([picture])
        assert [face[:6] for face in alone] == [face[:6] for face in faces]


@pytest.mark.slow
def test_cnn_detector_gives_the_boxes_of_face_recognition(pictures, face_recognition) -> None:
    small = np.asarray(Image.fromarray(pictures[1]).resize((320, 180)))
    [faces] = load_engine("reference", "cnn", 0).encode([small])
    expected = sorted(
        face_recognition.face_locations(small, 0, model="cnn"), key=lambda box: (box[3], box[0])
    )
    assert [(f.top, f.right, f.bottom, f.left) for f in faces] == expected
    assert faces


def test_tiny_and_empty_pictures_hold_no_face(engine: Engine) -> None:
    pictures = [np.zeros((1, 1, 3), np.uint8), np.zeros((2, 300, 3), np.uint8)]
    assert engine.encode(pictures) == [[], []]
    assert engine.encode([]) == []


def test_models_are_named_with_checksums_and_the_68_point_model_is_not_among_them(engine: Engine) -> None:
    assert set(engine.models) == {
        "dlib_face_recognition_resnet_model_v1.dat",
        "shape_predictor_5_face_landmarks.dat",
    }
    assert all(len(checksum) == 64 for checksum in engine.models.values())


@pytest.mark.parametrize(("engine_name", "detector"), [("slow", "hog"), ("reference", "yolo")])
def test_unknown_engines_and_detectors_are_named(engine_name: str, detector: str) -> None:
    with pytest.raises(ValueError, match=r"no (engine 'slow'|detector 'yolo'); there are"):
        load_engine(engine_name, detector, 1)


@pytest.mark.slow
def test_limits_are_kept_and_what_dlib_cannot_do_is_refused(pictures) -> None:
    boxes = load_engine("reference", "hog", 1).detect(pictures[1])
    side = max(box.right - box.left + 1 for box in boxes)
    assert load_engine("reference", "hog", 1, side).detect(pictures[1])
    assert load_engine("reference", "hog", 1, side + 1).detect(pictures[1]) == []
    best = max(box.score for box in boxes)
    assert load_engine("reference", "hog", 1, 0, best + 0.01).detect(pictures[1]) == []
    with pytest.raises(ValueError, match=r"faces.score_threshold: found -0.1.*use engine fast"):
        load_engine("reference", "cnn", 1, 0, -0.1)


@pytest.mark.parametrize("detector", ["blazeface", "centerface"])
def test_detectors_that_are_not_of_dlib_are_refused(detector: str) -> None:
    with pytest.raises(ValueError, match=rf"faces.detector: found '{detector}'; allowed: hog or cnn with"):
        load_engine("reference", detector, 0)
