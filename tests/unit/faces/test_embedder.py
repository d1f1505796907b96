"""Embedders of the user's own, and the faces that are cut out for them."""

import hashlib
from pathlib import Path

import dlib
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.unit.faces.networks import expected, network
from tests.unit.faces.pictures import pictures

from castgraph.base.models import ModelError
from castgraph.faces import align, embedder
from castgraph.faces.embedder import Embedder, load_embedder
from castgraph.faces.engine import load_engine
from castgraph.faces.models import EMBEDDER, LANDMARKS, model_path, onnx_path


@pytest.fixture(scope="module")
def chips() -> np.ndarray:
    """Smooth pictures of 112×112, of 20 colours."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    return small.repeat(28, axis=1).repeat(28, axis=2)


def own(path: Path, **options) -> Embedder:
    return Embedder(str(path), "mine", **options)


def test_embeddings_are_what_the_network_gives_at_unit_length(chips: np.ndarray, tmp_path: Path) -> None:
    loaded = load_embedder(own(network(tmp_path / "a.onnx")))
    found = loaded.embed(chips)
    assert (found.shape, found.dtype, loaded.embedding_size) == ((20, 7), np.float32, 7)
    np.testing.assert_allclose(found, expected((chips - 127.5) / 127.5), atol=1e-5)
    assert loaded.checksum == hashlib.sha256((tmp_path / "a.onnx").read_bytes()).hexdigest()
    assert loaded.embed(chips[:0]).shape == (0, 7)


def test_colours_and_scale_are_as_the_network_takes_them(chips: np.ndarray, tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx")
    mean, std = (10, 20.5, 30), (1, 2, 3.5)
    found = load_embedder(own(path, mean=mean, std=std, channels="bgr")).embed(chips)
    np.testing.assert_allclose(found, expected((chips[..., ::-1] - np.array(mean)) / std), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": ("n", 3, "h", "w")},
        {"shape": (1, 3, 112, 112)},
        {"shape": (8, 3, 112, 112)},
        {"shape": ("n", 112, 112, 3)},
        {"shape": ("n", 3, 112, 112), "outputs": 2},
        {"shape": ("n", 3, 112, 112), "flat": False},
    ],
    ids=["any size", "one by one", "eight at a time", "channels last", "two outputs", "with empty sides"],
)
def test_networks_of_several_forms(options: dict, chips: np.ndarray, tmp_path: Path) -> None:
    found = load_embedder(own(network(tmp_path / "a.onnx", **options))).embed(chips)
    np.testing.assert_allclose(found, expected((chips - 127.5) / 127.5), atol=1e-5)


def test_batches_are_bounded(chips: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = network(tmp_path / "a.onnx")
    whole = load_embedder(own(path)).embed(chips)
    monkeypatch.setattr(embedder, "BATCH", 3)
    np.testing.assert_allclose(load_embedder(own(path)).embed(chips), whole, atol=1e-6)


def test_dlibs_own_network_gives_its_own_embeddings_at_unit_length(demo: Path, tmp_path: Path) -> None:
    model = onnx.load(onnx_path(EMBEDDER, "whole"))
    [entry] = model.graph.input
    model.graph.node.insert(0, helper.make_node("Cast", ["chips"], [entry.name], to=TensorProto.UINT8))
    entry.CopyFrom(helper.make_tensor_value_info("chips", TensorProto.FLOAT, ["n", 150, 150, 3]))
    onnx.save(model, tmp_path / "dlib.onnx")
    section = {"onnx": str(tmp_path / "dlib.onnx"), "name": "dlib", "size": 150, "mean": 0, "std": 1}
    engine = load_engine("fast", "hog", 1, embedder=section | {"alignment": "dlib"})
    some = pictures(demo, 1)[:2]
    ours = [face for faces in engine.encode(some) for face in faces]
    of_dlib = load_engine("fast", "hog", 1).encode(some)
    theirs = [face for faces in of_dlib for face in faces]
    assert len(ours) == len(theirs) > 1
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            our.embedding, their.embedding / np.linalg.norm(their.embedding), atol=1e-6
        )
        assert our.sharpness == their.sharpness


def of_integers(path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["data"], ["same"])],
        "g",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("same", TensorProto.FLOAT, None)],
    )
    graph.node.append(helper.make_node("Cast", ["same"], ["whole"], to=TensorProto.INT64))
    graph.output[0].CopyFrom(helper.make_tensor_value_info("whole", TensorProto.INT64, None))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def with_weights_elsewhere(path: Path) -> None:
    network(path)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)


def with_another_input(path: Path) -> None:
    network(path)
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("phase_train", TensorProto.BOOL, []))
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, r"cannot be read \(No such file"),
        (lambda path: path.mkdir(), r"cannot be read \(Is a directory"),
        (lambda path: path.write_bytes(b""), "is no ONNX model"),
        (lambda path: path.write_bytes(b"no model " * 100), "is no ONNX model"),
        (lambda path: path.write_bytes(network(path).read_bytes()[:-500]), "is no ONNX model"),
        (with_weights_elsewhere, "with its weights in it"),
        (with_another_input, "has 2 inputs; allowed: one"),
        (lambda path: network(path, shape=("n", 3, 160, 160)), "160×160 pixels; faces.embedder.size is 112"),
        (lambda path: network(path, shape=("n", 1, 112, 112)), "of 1 channels; allowed: 3"),
        (of_integers, "gives int64 of shape"),
        (lambda path: network(path, factor=float("nan")), "NaN or infinite"),
        (lambda path: network(path, factor=float("inf")), "NaN or infinite"),
        (lambda path: network(path, factor=0), "nothing but zeros"),
        (lambda path: network(path, dimensions=1), "gives 1 numbers a picture; allowed: 2 to 4096"),
        (lambda path: network(path, dimensions=4097), "gives 4097 numbers a picture"),
    ],
)
def test_files_that_are_no_embedder_are_refused(make, told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    make(path)
    with pytest.raises(ModelError, match=told) as error:
        load_embedder(own(path))
    assert str(error.value).startswith(f"faces.embedder.onnx: {path} ")
    assert "\n" not in str(error.value)


def test_another_file_than_the_one_that_is_wanted_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    load_embedder(own(path, sha256=right))
    network(path, bias=1)
    with pytest.raises(ModelError, match=f"has the SHA-256 .*; faces.embedder.sha256 is {right}"):
        load_embedder(own(path, sha256=right))


# --- how faces are cut out


def dlib_points(chip: np.ndarray) -> np.ndarray:
    """dlib's 5 points of the face that fills a chip of 112×112."""
    predict = dlib.shape_predictor(str(model_path(LANDMARKS)))
    # The square of the detector, for a chip where the eyes are 35 pixels apart.
    return np.array([(p.x, p.y) for p in predict(chip, dlib.rectangle(16, 30, 95, 109)).parts()], float)


def drawn(points: np.ndarray, side: int) -> np.ndarray:
    """A picture that is bright about five points."""
    y, x = np.mgrid[:side, :side]
    near = np.min([(x - px) ** 2 + (y - py) ** 2 for px, py in points], axis=0)
    return np.repeat((255 * np.exp(-near / 40)).astype(np.uint8)[..., None], 3, axis=2)


def test_weights_beside_the_file_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checksum would not tell them; onnxruntime would find them in the working directory."""
    monkeypatch.chdir(tmp_path)
    weights = numpy_helper.from_array(np.ones((8, 3, 16, 16), np.float32), "weights")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["data", "weights"], ["embedding"], strides=[16, 16])],
        "g",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "whole.onnx")
    assert load_embedder(own(tmp_path / "whole.onnx")).embedding_size == 8 * 7 * 7
    onnx.save(model, "a.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ModelError, match="with its weights in it"):
        load_embedder(own(tmp_path / "a.onnx"))


@pytest.mark.parametrize("size", [112, 160])
@pytest.mark.parametrize(("angle", "scale"), [(0, 1), (25, 2.5), (-40, 4), (90, 1.7)])
def test_the_points_of_a_face_come_to_lie_on_the_template(size: int, angle: float, scale: float) -> None:
    template = np.array(align.ARCFACE)
    turn = np.exp(1j * np.radians(angle))
    there = (template[:, 0] + 1j * template[:, 1] - (56 + 56j)) * turn * scale + (300 + 320j)
    points = np.stack([there.real, there.imag], axis=1).round()
    shape = dlib.full_object_detection(
        dlib.rectangle(0, 0, 600, 600), dlib.points([dlib.point(int(x), int(y)) for x, y in points])
    )
    chip = align.ALIGNMENTS["arcface"](drawn(points, 640), shape, size)
    assert chip.shape == (size, size, 3)
    for x, y in (template * size / 112).round().astype(int):
        around = chip[y - 6 : y + 7, x - 6 : x + 7, 0].astype(float)
        down, right = np.unravel_index(around.argmax(), around.shape)
        assert max(abs(down - 6), abs(right - 6)) <= 1 + size / 112


def test_eyes_of_real_faces_lie_where_arcface_has_them(sample: Path) -> None:
    eyes = []
    engine = load_engine("fast", "hog", 1)
    cut = align.load(None, "arcface", 112)
    for picture in pictures(sample, 1):
        eyes += [
            points[:4].reshape(2, 2, 2).mean(axis=1)
            for box in engine.detect(picture)
            for points in [dlib_points(cut(picture, box).chip)]
        ]
    assert len(eyes) >= 5
    # arcface_dst: (38.3, 51.7) and (73.5, 51.5); dlib tells the eye on the right first.
    np.testing.assert_allclose(np.median(eyes, axis=0), [[73.5, 51.5], [38.3, 51.7]], atol=3)


def test_an_engine_with_an_embedder_of_ones_own(demo: Path, tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx")
    given = {"onnx": str(path), "name": "mine"}
    engine = load_engine("fast", "hog", 1, embedder=given)
    assert engine.embedding_size == 7
    assert engine.models["a.onnx"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert set(engine.models) == {"a.onnx", LANDMARKS}
    [picture] = pictures(demo, 1)[:1]
    [faces] = engine.encode([picture])
    [of_dlib] = load_engine("fast", "hog", 1).encode([picture])
    assert [face[:5] for face in faces] == [face[:5] for face in of_dlib]
    assert all(np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-6) for face in faces)
    with pytest.raises(ValueError, match=r"faces\.embedder: .*reference, which is dlib itself"):
        load_engine("reference", "hog", 1, embedder=given)
