"""The model files: where they are, whether they are whole, and their networks in onnxruntime.

The weights are dlib's own, as the package face_recognition_models installs them. Its two networks are
converted to ONNX once, into a cache folder that all jobs of all runs share.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from castgraph.base.files import atomic
from castgraph.faces.dat import Network, Reader, read_network

EMBEDDER = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
CNN_DETECTOR = "mmod_human_face_detector.dat"

CHECKSUMS: Mapping[str, str] = {
    EMBEDDER: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    CNN_DETECTOR: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
}
"""File name → SHA-256 of the model files that castgraph knows."""

_CONVOLUTION = ("con", "affine", "relu")
_BLOCK = ("con", "affine", "relu", "con", "affine")
_RESIDUAL = ("tag:1", *_BLOCK, "add_prev:1", "relu")
_RESIDUAL_DOWN = ("tag:1", *_BLOCK, "tag:2", "skip:1", "avg_pool", "add_prev:2", "relu")

LAYERS: Mapping[str, tuple[str, ...]] = {
    EMBEDDER: (
        *_CONVOLUTION,
        "max_pool",
        *_RESIDUAL * 3,
        *(*_RESIDUAL_DOWN, *_RESIDUAL * 3),
        *(*_RESIDUAL_DOWN, *_RESIDUAL * 2) * 2,
        *_RESIDUAL_DOWN,
        "avg_pool",
        "fc",
    ),
    CNN_DETECTOR: (*_CONVOLUTION * 6, "con"),
}
"""Model file → the kinds of its network's layers, from the input to the output.

dlib has them in its types ``face_recognition_model_v1`` and ``cnn_face_detection_model_v1``; the files hold
everything else.
"""

PARTS: Mapping[str, tuple[str, ...]] = {EMBEDDER: ("whole",), CNN_DETECTOR: ("stem", "head")}
"""Model file → the parts that its network is converted in; see `castgraph.faces.convert`."""

CONVERTER_VERSION = 1
"""Raised on purpose when `castgraph.faces.convert` makes other files of the same model."""

CPU = ("CPUExecutionProvider",)


class ModelError(RuntimeError):
    """A model that is missing, altered or cannot be prepared; the message says what to do."""


def model_path(name: str) -> Path:
    """Find a model file of the package face_recognition_models (without importing it).

    Parameters
    ----------
    name
        A file name in `CHECKSUMS`.

    Returns
    -------
    Path
        A file with the known checksum.

    Raises
    ------
    ModelError
        When the package or the file is not there, or when the file is not the known one.
    """
    path, _ = _read_model(name)
    return path


def _read_model(name: str) -> tuple[Path, bytes]:
    spec = find_spec("face_recognition_models")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    remedy = (
        "it comes with the package face_recognition_models: run `uv sync --reinstall-package "
        "face-recognition-models`, or `pip install --force-reinstall face-recognition-models==0.3.0`"
    )
    for folder in folders:
        path = Path(folder) / "models" / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ModelError(f"model file {path} cannot be read ({error.strerror}); {remedy}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != CHECKSUMS[name]:
            raise ModelError(
                f"model file {path} is altered or cut off: its SHA-256 is {found}, it must be "
                f"{CHECKSUMS[name]}; {remedy}"
            )
        return path, data
    raise ModelError(f"model file {name} not found in {folders or 'any installed package'}; {remedy}")


def checksums(detector: str) -> dict[str, str]:
    """Name the model files that an engine uses with a detector, each with its SHA-256."""
    names = (EMBEDDER, LANDMARKS, *[CNN_DETECTOR] * (detector == "cnn"))
    return {name: CHECKSUMS[name] for name in names}


def network(name: str) -> Network:
    """Read a network from its model file.

    Parameters
    ----------
    name
        A file name in `LAYERS`.

    Raises
    ------
    ModelError
        When the model file is missing or altered.
    """
    _, data = _read_model(name)
    return read_network(Reader(data, name), LAYERS[name])


def cache_folder() -> Path:
    """Tell where converted models are kept.

    Returns
    -------
    Path
        ``$CASTGRAPH_CACHE``, else ``castgraph`` in ``$XDG_CACHE_HOME``, else ``~/.cache/castgraph``.
    """
    if own := os.environ.get("CASTGRAPH_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "castgraph"
    return Path.home() / ".cache" / "castgraph"


def onnx_path(name: str, part: str) -> Path:
    """Convert a network to ONNX, unless it lies in the cache.

    Many processes may ask at once: one converts, the others wait for it. A file that is not what was once
    written is made again.

    Parameters
    ----------
    name
        A file name in `PARTS`.
    part
        A part of it.

    Returns
    -------
    Path
        The ONNX file; its name tells the model file's checksum and the converter's version. Its own
        checksum lies beside it.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or when the cache folder cannot be written.
    """
    path = _cached(name, part)
    if _is_whole(path):
        return path
    _, data = _read_model(name)
    try:
        with _locked(path.with_suffix(".lock")):
            if not _is_whole(path):  # another process may have been first
                converted = _convert(name, part, data)
                with atomic(path) as new:
                    new.write_bytes(converted)
                with atomic(_checksum_path(path)) as new:
                    new.write_text(
                        f"{hashlib.sha256(converted).hexdigest()}  {path.name}\n", encoding="ascii"
                    )
    except OSError as error:
        raise ModelError(
            f"converted models cannot be kept in {path.parent} ({error}); set CASTGRAPH_CACHE to a folder "
            "that can be written"
        ) from error
    return path


def _cached(name: str, part: str) -> Path:
    file = f"{Path(name).stem}-{CHECKSUMS[name][:16]}-v{CONVERTER_VERSION}-{part}.onnx"
    return cache_folder() / file


def _checksum_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _is_whole(path: Path) -> bool:
    """Tell whether a file of the cache is there and what was written."""
    try:
        words = _checksum_path(path).read_text(encoding="ascii", errors="replace").split()
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return False
    return words[:1] == [found]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that other processes wait for; the system releases it when this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(name: str, part: str, data: bytes) -> bytes:
    # Imported here: jobs that find the cache filled do not need the package onnx.
    from castgraph.faces import convert

    network = read_network(Reader(data, name), LAYERS[name])
    return bytes(convert.to_onnx(network, part).SerializeToString())


class Prepared(NamedTuple):
    """A file that `prepare` found or made."""

    path: Path
    state: str  # ``as published``, ``in the cache`` or ``converted now``
    checksum: str  # SHA-256


def prepare() -> list[Prepared]:
    """Check every model file and convert every network that is not in the cache yet.

    Returns
    -------
    list of Prepared
        The model files, and after each what is converted from it.

    Raises
    ------
    ModelError
        See `onnx_path`.
    """
    files = []
    for name in CHECKSUMS:
        files.append(Prepared(model_path(name), "as published", CHECKSUMS[name]))
        for part in PARTS.get(name, ()):
            state = "in the cache" if _is_whole(_cached(name, part)) else "converted now"
            path = onnx_path(name, part)
            files.append(Prepared(path, state, _checksum_path(path).read_text(encoding="ascii").split()[0]))
    return files


def session(name: str, providers: Sequence[str] = CPU, part: str = "whole") -> onnxruntime.InferenceSession:
    """Load a network into onnxruntime; one thread, and memory that does not grow with the pictures' sizes.

    Parameters
    ----------
    name, part
        As for `onnx_path`.
    providers
        onnxruntime's execution providers, the preferred one first.

    Raises
    ------
    ModelError
        See `onnx_path`; or when a provider that is there does not start.
    ValueError
        When onnxruntime does not offer a provider.
    """
    check_providers(providers)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors only
    options.enable_mem_pattern = False  # shapes differ from picture to picture
    path = onnx_path(name, part)
    loaded = onnxruntime.InferenceSession(path, options, providers=list(providers))
    if loaded.get_providers()[0] != providers[0]:  # onnxruntime falls back to another one silently
        raise ModelError(
            f"compute.providers: {providers[0]} does not start on this machine (see onnxruntime's "
            f"requirements for it); {loaded.get_providers()[0]} would"
        )
    return loaded


def check_providers(providers: Sequence[str]) -> None:
    """Raise `ValueError` unless onnxruntime offers every provider."""
    offered = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in offered:
            raise ValueError(
                f"compute.providers: the installed onnxruntime has no {provider!r}; "
                f"it has {', '.join(offered)}"
            )
    if not providers:
        raise ValueError(f"compute.providers: none is given; there are {', '.join(offered)}")
