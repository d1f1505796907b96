"""The embedder on onnxruntime against dlib's."""

from pathlib import Path

import dlib
import numpy as np
import pytest
from tests.unit.faces.pictures import pictures

from castgraph.faces import embed
from castgraph.faces.models import EMBEDDER, LANDMARKS, model_path


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


def compared(chips: np.ndarray) -> float:
    """The largest difference to dlib in any number of an embedding."""
    reference = dlib.face_recognition_model_v1(str(model_path(EMBEDDER)))
    expected = np.array([reference.compute_face_descriptor(chip) for chip in chips])
    found = embed.load()(chips)
    assert found.shape == (len(chips), 128)
    assert found.dtype == np.float32
    return float(np.abs(found - expected).max())


def test_real_faces_are_embedded_as_by_dlib(sample: Path) -> None:
    chips = chips_of(pictures(sample, 2))
    assert len(chips) >= 10
    assert compared(chips) < 1e-5


@pytest.mark.slow
def test_demo_faces_are_embedded_as_by_dlib(demo: Path) -> None:
    chips = chips_of(pictures(demo, 2))
    assert len(chips) >= 8
    assert compared(chips) < 1e-5


def test_extreme_chips_are_embedded_as_by_dlib() -> None:
    chips = np.zeros((3, 150, 150, 3), np.uint8)
    chips[1] = 255
    chips[2, ::2, ::2] = 255
    assert compared(chips) < 1e-5


def test_a_chip_does_not_depend_on_those_beside_it(noise: np.ndarray) -> None:
    run = embed.load()
    together = run(noise)
    for start, stop in [(0, 1), (39, 40), (3, 10), (15, 33)]:
        np.testing.assert_array_equal(run(noise[start:stop]), together[start:stop])
    np.testing.assert_array_equal(run(noise[::-1]), together[::-1])


def test_batches_are_bounded(noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = embed.load()(noise[:7])
    monkeypatch.setattr(embed, "BATCH", 3)
    np.testing.assert_array_equal(embed.load()(noise[:7]), whole)


def test_no_chips_give_no_embeddings() -> None:
    assert embed.load()(np.empty((0, 150, 150, 3), np.uint8)).shape == (0, 128)
