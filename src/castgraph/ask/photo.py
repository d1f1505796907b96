"""The faces of a photo, encoded as those of a run are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from castgraph.ask.results import Results
from castgraph.ask.views import QueryError
from castgraph.base.text import counted
from castgraph.faces.engine import Engine, Face, load_engine
from castgraph.run.config.faces import Faces
from castgraph.run.shown import home_of


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
        there = home_of(results.run) / embedder["onnx"]
        settings["embedder"] = {**embedder, "onnx": str(there if there.is_file() else embedder["onnx"])}
    return lambda: load_engine(**settings)


def one_face(photo: Path, faces: Sequence[Face], number: int | None) -> NDArray[np.float32]:
    """Choose a face of a photo.

    Parameters
    ----------
    photo
        For messages.
    faces
        What `castgraph.faces.photo.faces_of` gives.
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
