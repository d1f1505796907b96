"""The reference engine: dlib called exactly as the package face_recognition calls it.

It gives the boxes of ``face_recognition.face_locations(picture, upsample)`` and the embeddings of
``face_recognition.face_encodings(picture, boxes)`` (5-point landmarks, one jitter), bit for bit; a test
holds it to that. The package itself is not imported, for two reasons: on import it loads the 68-point
landmark model, whose licence forbids commercial use, and its locations come without their scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dlib
import numpy as np
from numpy.typing import NDArray

from castgraph.faces import align
from castgraph.faces.engine import Detection, Engine
from castgraph.faces.frame import Picture
from castgraph.faces.models import CNN_DETECTOR, EMBEDDER, checksums, model_path


def load(
    detector: str,
    upsample: int,
    min_size_px: int,
    score_threshold: float,
    embedder: None,  # `castgraph.faces.detectors.problems` refuses any
    providers: Sequence[str],
) -> Engine:
    """Load the reference engine; see `castgraph.faces.load_engine`. It always runs on the CPU."""
    return Engine(
        models=checksums(detector),
        detect=(hog if detector == "hog" else _cnn)(upsample, min_size_px, score_threshold),
        align=align.load(kernel=False),
        embed=_embedder(),
    )


def hog(upsample: int, min_size_px: int, score_threshold: float) -> Callable[[Picture], list[Detection]]:
    """Load dlib's own HOG detector."""
    detector = dlib.get_frontal_face_detector()

    def detect(picture: Picture) -> list[Detection]:
        boxes, scores, _ = detector.run(picture, upsample, score_threshold)
        found = (_detection(box, score) for box, score in zip(boxes, scores, strict=True))
        return [box for box in found if box.shorter_side >= min_size_px]

    return detect


def _cnn(upsample: int, min_size_px: int, score_threshold: float) -> Callable[[Picture], list[Detection]]:
    detector = dlib.cnn_face_detection_model_v1(str(model_path(CNN_DETECTOR)))

    def detect(picture: Picture) -> list[Detection]:
        found = (_detection(face.rect, face.confidence) for face in detector(picture, upsample))
        # Suppression goes from the best score down, so what is left out here suppressed nothing that stays.
        return [box for box in found if box.score >= score_threshold and box.shorter_side >= min_size_px]

    return detect


def _detection(box: dlib.rectangle, score: float) -> Detection:
    return Detection(box.left(), box.top(), box.right(), box.bottom(), score)


def _embedder() -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    model = dlib.face_recognition_model_v1(str(model_path(EMBEDDER)))

    def embed(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        # One by one: in a batch dlib's last bits may differ from face_recognition's.
        return np.array([model.compute_face_descriptor(chip) for chip in chips], dtype=np.float32)

    return embed
