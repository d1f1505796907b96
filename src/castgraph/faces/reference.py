"""The reference engine: dlib called exactly as the package face_recognition calls it.

It gives the boxes of ``face_recognition.face_locations(picture, upsample)`` and the embeddings of
``face_recognition.face_encodings(picture, boxes)`` (5-point landmarks, one jitter), bit for bit; a test
holds it to that. The package itself is not imported, for two reasons: on import it loads the 68-point
landmark model, whose licence forbids commercial use, and its locations come without their scores.
The models are those that the package face_recognition_models installs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dlib
import numpy as np

from castgraph.faces.engine import Face, Picture
from castgraph.faces.frame import sharpness

EMBEDDER = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
CNN_DETECTOR = "mmod_human_face_detector.dat"

CHIP_SIZE = 150
CHIP_PADDING = 0.25
"""Size and padding of the aligned chip that dlib's embedder is trained on."""


def model_path(name: str) -> Path:
    """Find a model file of the package face_recognition_models (without importing it).

    Raises
    ------
    FileNotFoundError
        When the package or the file is not there.
    """
    spec = find_spec("face_recognition_models")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    for folder in folders:
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"model file {name} not found in {folders or 'any installed package'}; "
        "it comes with the package face_recognition_models: run `uv sync --reinstall-package "
        "face-recognition-models`"
    )


@dataclass(frozen=True, slots=True)
class ReferenceEngine:
    """dlib's detector, 5-point landmark model and face embedder; see `load`."""

    models: Mapping[str, str]
    detector: str
    upsample: int
    detect: Any
    find_landmarks: Any
    embed: Any

    def encode(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        """Find and embed the faces of each picture, sorted by left, then top."""
        return [sorted(self._faces(picture), key=lambda face: (face.left, face.top)) for picture in pictures]

    def _faces(self, picture: Picture) -> list[Face]:
        height, width = picture.shape[:2]
        faces = []
        for rect, score in self._detections(picture):
            # face_recognition trims the box to the picture before it looks for landmarks.
            box = dlib.rectangle(
                max(rect.left(), 0), max(rect.top(), 0), min(rect.right(), width), min(rect.bottom(), height)
            )
            landmarks = self.find_landmarks(picture, box)
            chip = dlib.get_face_chip(picture, landmarks, CHIP_SIZE, CHIP_PADDING)
            embedding = self.embed.compute_face_descriptor(picture, landmarks, 1)
            faces.append(
                Face(
                    top=box.top(),
                    right=box.right(),
                    bottom=box.bottom(),
                    left=box.left(),
                    score=score,
                    sharpness=sharpness(chip),
                    landmarks=np.array([(p.x, p.y) for p in landmarks.parts()], dtype=np.float32).ravel(),
                    embedding=np.array(embedding, dtype=np.float32),
                )
            )
        return faces

    def _detections(self, picture: Picture) -> list[tuple[Any, float]]:
        if self.detector == "hog":
            rects, scores, _ = self.detect.run(picture, self.upsample, 0.0)
            return list(zip(rects, scores, strict=True))
        return [(found.rect, found.confidence) for found in self.detect(picture, self.upsample)]


def load(detector: str, upsample: int) -> ReferenceEngine:
    """Load the reference engine; see `castgraph.faces.load_engine`."""
    if detector not in ("hog", "cnn"):
        raise ValueError(f"faces.detector: no detector {detector!r}; there are hog, cnn")
    paths = [model_path(name) for name in (EMBEDDER, LANDMARKS, *[CNN_DETECTOR] * (detector == "cnn"))]
    return ReferenceEngine(
        models={path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths},
        detector=detector,
        upsample=upsample,
        detect=(
            dlib.get_frontal_face_detector()
            if detector == "hog"
            else dlib.cnn_face_detection_model_v1(str(model_path(CNN_DETECTOR)))
        ),
        find_landmarks=dlib.shape_predictor(str(model_path(LANDMARKS))),
        embed=dlib.face_recognition_model_v1(str(model_path(EMBEDDER))),
    )
