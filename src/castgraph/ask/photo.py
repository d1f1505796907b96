"""The faces of a photo, encoded as those of a run are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.archive.media import images, jpeg
from castgraph.ask.results import Results
from castgraph.ask.views import QueryError
from castgraph.base.text import counted
from castgraph.faces.engine import Engine, Face, load_engine
from castgraph.faces.frame import Picture, UnreadableFrameError, decode
from castgraph.run.config.faces import Faces

_LONGER_SIDES = (1280, 0, 640, 320)
"""Sizes in which a face is looked for, in pixels of the longer side, until one is found; 0: its own.

Detectors are made for frames of television; in a large photograph a face may be larger than they know.
"""


def run_engine(results: Results) -> Callable[[], Engine]:
    """Give what loads the encoder of a run, as its own configuration has it.

    Raises
    ------
    QueryError
        When no configuration is kept with the results.
    """
    section: Mapping[str, Any] = results.config.get("faces") or {}
    if not section:
        raise QueryError(
            f"{results.run / 'config.yaml'} does not tell the encoder of the run, with which a photo has to "
            "be encoded"
        )
    # Of an older run the section has more keys.
    settings = {key: section[key] for key in Faces.model_fields if key in section}
    if embedder := settings.get("embedder"):
        # As the workflow finds it: from where results/ lies.
        there = results.run.resolve().parent.parent / embedder["onnx"]
        settings["embedder"] = {**embedder, "onnx": str(there if there.is_file() else embedder["onnx"])}
    return lambda: load_engine(**settings)


def faces_of(photo: Path, load: Callable[[], Engine]) -> list[Face]:
    """Find and encode the faces of a photo.

    Parameters
    ----------
    photo
        A picture of any kind that castgraph reads; it is taken as hostile.
    load
        Gives the encoder.

    Returns
    -------
    list of Face
        From left to right; boxes in pixels of the upright photo. Empty when there is none.

    Raises
    ------
    QueryError
        When it is no picture, is broken, or is too large.
    OSError
        When the file cannot be read.
    """
    try:
        picture, width, _, _ = decode(images.upright(photo))
    except (jpeg.PictureError, UnreadableFrameError) as error:
        raise QueryError(f"{photo}: {error}") from error
    engine = load()
    tried = set()
    for longer in _LONGER_SIDES:
        made = _smaller(picture, longer)
        if made.shape in tried:
            continue
        tried.add(made.shape)
        if found := engine.encode([made])[0]:
            scale = width / made.shape[1]
            return [_scaled(face, scale) for face in found]
    return []


def one_face(photo: Path, faces: Sequence[Face], number: int | None) -> NDArray[np.float32]:
    """Choose a face of a photo.

    Parameters
    ----------
    photo
        For messages.
    faces
        What `faces_of` gives.
    number
        Which, from 1; None for the only one.

    Returns
    -------
    ndarray of shape (d,), float32
        Its embedding.

    Raises
    ------
    QueryError
        When there is none, or none of that number, or there are several and no number is given; the message
        tells where they are.
    """
    if not faces:
        raise QueryError(f"{photo}: no face is found in it")
    where = ", ".join(
        f"{place} at {face.left}, {face.top} ({face.right - face.left}×{face.bottom - face.top} pixels)"
        for place, face in enumerate(faces, 1)
    )
    told = f"{photo}: {counted(len(faces), 'face')}, from left to right {where}"
    if number is None and len(faces) > 1:
        raise QueryError(f"{told}; choose one with --face")
    if number is not None and not 1 <= number <= len(faces):
        raise QueryError(f"{told}; there is no --face {number}")
    return faces[(number or 1) - 1].embedding


def _smaller(picture: Picture, longer: int) -> Picture:
    height, width = picture.shape[:2]
    share = longer / max(height, width) if longer else 1
    if share >= 1:
        return picture
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _scaled(face: Face, scale: float) -> Face:
    box = {side: round(getattr(face, side) * scale) for side in ("top", "right", "bottom", "left")}
    return face._replace(**box, landmarks=face.landmarks * np.float32(scale))
