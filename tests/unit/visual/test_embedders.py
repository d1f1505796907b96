"""Embedders beside that of castgraph: a network of one's own, CLIP and a service on this machine."""

import base64
import io
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from tests.unit.visual.made import picture

from castgraph.base.models import ModelError
from castgraph.visual.clip import load_clip
from castgraph.visual.embedder import EmbedderError, load
from castgraph.visual.own import load_own
from castgraph.visual.vertex import load_vertex

RED, BLUE = picture("red"), picture("blue")


# ---- networks of one's own


def save(path: Path, nodes, inputs, output, constants=()) -> str:
    graph = helper.make_graph(nodes, "made", inputs, [output], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, Any]:
    """Two networks of three numbers: the mean colour of a picture, and three values for each token."""
    value = helper.make_tensor_value_info
    images = save(
        tmp_path / "images.onnx",
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)],
        [value("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
        value("y", TensorProto.FLOAT, ["n", 3]),
    )
    table = np.array([[0.1, 0.1, 0.1], [1, -1, -1], [-1, -1, 1]], np.float32)
    texts = save(
        tmp_path / "texts.onnx",
        [
            helper.make_node("Gather", ["t", "ids"], ["e"]),
            helper.make_node("ReduceSum", ["e", "one"], ["y"], keepdims=0),
        ],
        [value("ids", TensorProto.INT64, ["n", 4])],
        value("y", TensorProto.FLOAT, ["n", 3]),
        [numpy_helper.from_array(table, "t"), numpy_helper.from_array(np.array([1]), "one")],
    )
    return {
        "name": "made",
        "images": images,
        "texts": None,
        "tokenizer": None,
        "size": 32,
        "crop": False,
        "mean": 127.5,
        "std": 127.5,
        "text_length": 4,
        "sha256": None,
        "_texts": texts,
    }


def test_a_network_of_ones_own(pair: dict[str, Any]) -> None:
    embedder = load({"embedder": "onnx", "onnx": pair})
    seen = embedder.pictures([RED, BLUE])
    assert embedder.size == 3
    assert embedder.name.startswith("onnx-made-")
    assert seen.vectors.argmax(axis=1).tolist() == [0, 2]
    np.testing.assert_allclose(np.linalg.norm(seen.vectors, axis=1), 1, atol=1e-6)
    assert seen.labels == [[], []]
    assert embedder.pictures([]).vectors.shape == (0, 3)
    assert embedder.words is None


class Tokenizer:
    """Stands for that of the package: a token a word, filled up with 0."""

    @classmethod
    def from_file(cls, path: str) -> "Tokenizer":
        json.loads(Path(path).read_text())
        return cls()

    def enable_truncation(self, length: int) -> None:
        self.length = length

    def enable_padding(self, length: int) -> None:
        self.length = length

    def encode_batch(self, texts):
        ids = [[{"red": 1, "blue": 2}.get(word, 0) for word in text.split()][: self.length] for text in texts]
        return [
            SimpleNamespace(ids=each + [0] * (self.length - len(each)), attention_mask=[1] * self.length)
            for each in ids
        ]


def test_words_are_near_to_pictures_of_them(pair: dict[str, Any], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Tokenizer))
    (tmp_path / "tokenizer.json").write_text("{}")
    pair |= {"texts": pair["_texts"], "tokenizer": str(tmp_path / "tokenizer.json")}
    embedder = load_own(pair)
    words = embedder.words(["a red thing", "blue"])
    cosines = words @ embedder.pictures([RED, BLUE]).vectors.T
    assert cosines.argmax(axis=1).tolist() == [0, 1]
    (tmp_path / "tokenizer.json").write_text("no JSON")
    with pytest.raises(EmbedderError, match=r"no tokenizer\.json"):
        load_own(pair)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(EmbedderError, match="uv sync --extra clip"):
        load_own(pair)


def test_networks_that_do_not_fit_are_told(pair: dict[str, Any], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Tokenizer))
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "none.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"visual\.onnx\.images: .*none\.onnx is no ONNX"):
        load_own(pair | {"images": str(tmp_path / "none.onnx")})
    with pytest.raises(ModelError, match=r"visual\.onnx\.size is 64"):
        load_own(pair | {"size": 64})
    tokenizer = {"tokenizer": str(tmp_path / "tokenizer.json")}
    with pytest.raises(EmbedderError, match=r"visual\.onnx\.texts: .*no ONNX"):
        load_own(pair | tokenizer | {"texts": str(tmp_path / "none.onnx")})
    with pytest.raises(EmbedderError, match="tokens as whole numbers"):
        load_own(pair | tokenizer | {"texts": pair["images"]})
    two = save(
        tmp_path / "two.onnx",
        [helper.make_node("Cast", ["ids"], ["y"], to=TensorProto.FLOAT)],
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", 4])],
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4]),
    )
    with pytest.raises(EmbedderError, match=r"shape \(1, 4\).*3 for each"):
        load_own(pair | tokenizer | {"texts": two}).words(["red"])
    assert onnx.load(two)


# ---- CLIP


class Model:
    """Stands for the package's own: a vector for each picture or text."""

    made: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def __init__(self, name: str, **options: Any) -> None:
        if options["cache_dir"].startswith("/nowhere"):
            raise OSError("no network")
        Model.made.append((name, options))

    def embed(self, given, batch_size: int = 1) -> Iterator[np.ndarray]:
        for each in given:
            mean = np.asarray(each).mean(axis=(0, 1)) if isinstance(each, Image.Image) else [len(each), 1, 1]
            yield np.resize(np.asarray(mean, np.float32), 512)


def test_clip_by_fastembed(monkeypatch, tmp_path: Path) -> None:
    package = SimpleNamespace(ImageEmbedding=Model, TextEmbedding=Model, __version__="9")
    monkeypatch.setitem(sys.modules, "fastembed", package)
    Model.made.clear()
    embedder = load({"embedder": "clip", "model_path": None})
    assert embedder.pictures([RED, BLUE]).vectors.shape == (2, embedder.size)
    assert len(Model.made) == 1  # that of texts is not needed yet
    assert embedder.words(["two men"]).shape == (1, 512)
    assert [name.rpartition("-")[2] for name, _ in Model.made] == ["vision", "text"]

    folder = tmp_path / "clip-ViT-B-32-vision"
    with pytest.raises(EmbedderError, match=r"visual\.model_path: no .*clip-ViT-B-32-vision"):
        load_clip(str(tmp_path))
    folder.mkdir()
    (folder / "model.onnx").touch()
    load_clip(str(tmp_path))
    assert Model.made[-1][1]["specific_model_path"] == str(folder)


def test_clip_that_is_not_there_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)
    with pytest.raises(EmbedderError, match=r"uv sync --extra clip.*lite0"):
        load_clip(None)
    monkeypatch.setitem(sys.modules, "fastembed", SimpleNamespace(ImageEmbedding=Model, TextEmbedding=Model))
    monkeypatch.setenv("CASTGRAPH_CACHE", "/nowhere")
    with pytest.raises(EmbedderError, match=r"no network.*visual\.model_path"):
        load_clip(None)


# ---- the service


class Service:
    """What the server was asked, and what it answers next: a status, or None for a vector."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.address = ""


@pytest.fixture
def service() -> Iterator[Service]:
    known = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known.asked.append({"path": self.path, "token": self.headers["authorization"], **body})
            status, content = known.answers.pop(0) if known.answers else (200, self.vector(body))
            self.send_response(status)
            if status == 429:
                self.send_header("retry-after", "7")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def vector(self, body: dict[str, Any]) -> bytes:
            [instance] = body["instances"]
            size = body["parameters"]["dimension"]
            if "text" in instance:
                return json.dumps({"predictions": [{"textEmbedding": [1.0] * size}]}).encode()
            content = base64.b64decode(instance["image"]["bytesBase64Encoded"])
            with Image.open(io.BytesIO(content)) as image:
                assert max(image.size) <= 512
                mean = np.asarray(image.convert("RGB")).mean(axis=(0, 1))
            return json.dumps({"predictions": [{"imageEmbedding": np.resize(mean, size).tolist()}]}).encode()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known.address = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(service: Service, tmp_path: Path):
    """Load the embedder with other settings; gives it and the waits."""

    def make(**settings: Any):
        waits: list[float] = []
        given = {"project": "my-project", "location": "us-central1", "model": "multimodalembedding@001"}
        given |= {"dimensions": 128, "per_minute": 60, "price": 0.01, "most_usd": 1.0}
        given |= {"endpoint": service.address, **settings}
        return load_vertex(given, token=lambda: "secret", cache=tmp_path / "known", sleep=waits.append), waits

    return make


def test_the_service_is_asked_once_of_each_picture(service: Service, ask) -> None:
    embedder, waits = ask()
    large = np.repeat(np.repeat(RED, 8, 0), 12, 1)
    first = embedder.pictures([RED, BLUE, large])
    assert first.vectors.shape == (3, 128)
    assert len(service.asked) == 3
    assert service.asked[0]["token"] == "Bearer secret"
    assert service.asked[0]["path"].endswith("/models/multimodalembedding@001:predict")
    assert [round(each) for each in waits] == [1, 2]  # 60 a minute; nothing really waits here
    again, _ = ask()
    np.testing.assert_array_equal(again.pictures([BLUE, RED]).vectors, first.vectors[[1, 0]])
    assert len(service.asked) == 3
    assert again.words(["two men"]).shape == (1, 128)


def test_a_quota_that_is_used_up_in_the_middle_is_no_loss(service: Service, ask) -> None:
    embedder, waits = ask(per_minute=100_000)
    embedder.pictures([RED])
    service.answers = [(429, b"{}")] * 6
    with pytest.raises(EmbedderError, match=r"quota is used up, after 6 attempts.*goes on from there"):
        embedder.pictures([RED, BLUE])
    assert [each for each in waits if each > 1] == [7.0] * 5
    service.answers = [(503, b""), (429, b"")]
    assert ask()[0].pictures([RED, BLUE]).vectors.shape == (2, 128)
    assert len(service.asked) == 1 + 6 + 3


def test_costs_are_told_before_the_first_call_and_kept_within(service: Service, ask, caplog) -> None:
    embedder, _ = ask(most_usd=0)
    with pytest.raises(
        EmbedderError, match=r"57 requests .* at most 0\.57 USD.*most_usd is 0: nothing was asked"
    ):
        embedder.announce(57)
    with pytest.raises(EmbedderError, match="no more is asked"):
        embedder.pictures([RED])
    assert service.asked == []
    embedder, _ = ask(most_usd=0.02)
    with caplog.at_level("INFO"):
        embedder.announce(2)
    assert "at most 0.02 USD" in caplog.text
    embedder.pictures([RED, BLUE])
    with pytest.raises(EmbedderError, match=r"0\.02 USD are spent"):
        embedder.pictures([picture("green")])
    assert len(service.asked) == 2
    assert ask(most_usd=0.02)[0].pictures([RED]).vectors.shape == (1, 128)  # known ones cost nothing


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, b'{"error": "not yours"}'), "refuses .403.: .*not yours"),
        ((200, b"no JSON"), "something else than vectors"),
        ((200, b'{"predictions": [{"imageEmbedding": [1, 2]}]}'), "something else"),
        ((200, json.dumps({"predictions": [{"imageEmbedding": [0] * 128}]}).encode()), "nothing but zeros"),
        ((302, b""), "refuses .302."),
    ],
)
def test_other_answers_are_told(service: Service, ask, answer: tuple[int, bytes], told: str) -> None:
    service.answers = [answer]
    with pytest.raises(EmbedderError, match=told):
        ask()[0].pictures([RED])


def test_credentials_are_not_sent_in_the_clear(ask) -> None:
    with pytest.raises(EmbedderError, match="https"):
        ask(endpoint="http://example.org")


def test_a_service_without_its_package_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(EmbedderError, match="uv sync --extra vertex"):
        load({"embedder": "vertex", "vertex": {}})
