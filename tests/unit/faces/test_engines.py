"""The fast engine gives the faces of the reference engine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from castgraph.archive import unzip
from castgraph.faces.engine import Engine, Face, load_engine
from castgraph.faces.frame import read_frame
from castgraph.faces.models import FILES

EMBEDDING_ERROR = 1e-4
BATCH = 3


@pytest.fixture(scope="module")
def fast() -> Engine:
    return load_engine("fast", "hog", 1)


@pytest.mark.slow
def test_demo_faces_are_those_of_the_reference(fast: Engine, engine: Engine, frames) -> None:
    manifest, folder = frames
    pictures = [read_frame(folder / entry.file).picture for entry in manifest.frames[::5]]
    assert_same(fast.encode(pictures), engine.encode(pictures))


def test_real_faces_are_those_of_the_reference(
    fast: Engine, engine: Engine, sample: Path, tmp_path: Path
) -> None:
    n_faces = 0
    for pictures in _batches(sample, tmp_path):
        found = fast.encode(pictures)
        assert_same(found, engine.encode(pictures))
        n_faces += sum(map(len, found))
    assert n_faces >= 20


def _batches(sample: Path, folder: Path) -> Iterator[list[np.ndarray]]:
    for path in sorted(sample.glob("*.zip")):
        entries = unzip(path, path.stem, folder).frames[::9]
        yield [read_frame(folder / entry.file).picture for entry in entries[:BATCH]]


def assert_same(found: list[list[Face]], expected: list[list[Face]]) -> None:
    """Same boxes, and from the same boxes the same landmarks, sharpness and embedding."""
    for ours, theirs in zip(found, expected, strict=True):
        assert [face[:4] for face in ours] == [face[:4] for face in theirs]
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our.landmarks, their.landmarks)
            assert our.sharpness == their.sharpness
            assert our.score == pytest.approx(their.score, abs=5e-5)
            assert np.abs(our.embedding - their.embedding).max() <= EMBEDDING_ERROR


def test_a_face_does_not_depend_on_the_other_pictures_of_its_batch(fast: Engine, frames) -> None:
    manifest, folder = frames
    pictures = [read_frame(folder / entry.file).picture for entry in manifest.frames[4:12]]
    for picture, together in zip(pictures, fast.encode(pictures), strict=True):
        [alone] = fast.encode([picture])
        assert [face[:6] for face in alone] == [face[:6] for face in together]
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one.embedding, other.embedding, rtol=0, atol=1e-6)


@pytest.mark.parametrize("detector", ["hog", "cnn", "centerface"])
def test_tiny_pictures_hold_no_face(detector: str) -> None:
    tiny = [np.zeros((height, width, 3), np.uint8) for height, width in [(1, 1), (1, 300), (300, 1), (7, 9)]]
    for upsample in (0, 1, 2):
        engine = load_engine("fast", detector, upsample)
        assert engine.encode(tiny) == [[], [], [], []]
    assert engine.encode([]) == []


def test_a_provider_that_is_not_there_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"compute\.providers.*NoSuchExecutionProvider.*CPUExecutionProvider"
    ):
        load_engine("fast", "hog", 1, providers=["NoSuchExecutionProvider"])


@pytest.mark.parametrize("detector", ["hog", "cnn"])
def test_models_are_named_with_checksums_and_the_68_point_model_is_not_among_them(detector: str) -> None:
    engine = load_engine("fast", detector, 1)
    assert dict(engine.models) == dict(load_engine("reference", detector, 1).models)
    assert not any("68" in name for name in engine.models)
    assert ("mmod_human_face_detector.dat" in engine.models) == (detector == "cnn")


def test_the_model_of_another_detector_is_named() -> None:
    models = dict(load_engine("fast", "centerface", 0).models)
    assert models.pop("centerface.onnx") == FILES["centerface.onnx"].checksum
    assert models == dict(load_engine("fast", "hog", 1).models)
