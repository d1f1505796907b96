"""The model files of faces: which there are, and their networks in onnxruntime.

The weights are dlib's own, as the package face_recognition_models installs them. Its two networks are
converted to ONNX once, into the cache of `castgraph.base.models`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from castgraph.base import models
from castgraph.base.models import CPU, ModelError
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
            return path, models.read_model(path, CHECKSUMS[name], remedy)
        except FileNotFoundError:
            continue
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


def onnx_path(name: str, part: str) -> Path:
    """Convert a network to ONNX, unless it lies in the cache; see `castgraph.base.models.cached`.

    Parameters
    ----------
    name
        A file name in `PARTS`.
    part
        A part of it.

    Returns
    -------
    Path
        The ONNX file; its name tells the model file's checksum and the converter's version.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or when the cache folder cannot be written.
    """
    return models.cached(_cached(name, part), lambda: _convert(name, part))


def _cached(name: str, part: str) -> str:
    return f"{Path(name).stem}-{CHECKSUMS[name][:16]}-v{CONVERTER_VERSION}-{part}.onnx"


def _convert(name: str, part: str) -> bytes:
    # Imported here: jobs that find the cache filled do not need the package onnx.
    from castgraph.faces import convert

    return bytes(convert.to_onnx(network(name), part).SerializeToString())


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
            was_there = models.is_whole(models.cache_folder() / _cached(name, part))
            path = onnx_path(name, part)
            state = "in the cache" if was_there else "converted now"
            files.append(Prepared(path, state, models.checksum(path)))
    return files


def session(name: str, providers: Sequence[str] = CPU, part: str = "whole") -> onnxruntime.InferenceSession:
    """Load a network into onnxruntime; see `castgraph.base.models.session`.

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
    models.check_providers(providers)  # before anything is converted
    return models.session(onnx_path(name, part), providers)
