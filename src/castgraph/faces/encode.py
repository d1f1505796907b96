"""The encode job: every frame of one broadcast through an engine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from castgraph import tables
from castgraph.archive import Manifest, UnzippedFrame
from castgraph.faces.engine import Engine, Face, Picture
from castgraph.faces.frame import UnreadableFrameError, phash, read_frame

log = logging.getLogger(__name__)

BATCH = 16
"""Frames that are decoded and handed to the engine together; it bounds the memory of a long broadcast."""

LOG_EVERY = 500
"""Frames between two lines in the log."""


def encode(manifest: Manifest, folder: Path, engine: Engine) -> tuple[pa.Table, pa.Table]:
    """Find and encode the faces of one broadcast.

    Parameters
    ----------
    manifest
        What `castgraph.archive.unzip` made of the broadcast's ZIP.
    folder
        Where the frames lie.
    engine
        What finds and embeds the faces.

    Returns
    -------
    faces : Table
        The face table (`castgraph.tables.FACES`), sorted by frame, left; empty when there is no face.
    frames : Table
        The frame table (`castgraph.tables.FRAMES`), one row for each frame of the manifest. A frame that
        cannot be decoded has the status ``unreadable`` and a reason.

    Raises
    ------
    FileNotFoundError
        When a frame of the manifest is not in the folder any more: the job must run again.
    """
    face_rows: list[dict[str, Any]] = []
    frame_rows: list[dict[str, Any]] = []
    for batch in _batches(manifest.frames):
        read = [_read(folder, entry) for entry in batch]
        pictures = [picture for picture in read if not isinstance(picture, str)]
        found = iter(engine.encode(pictures))
        for entry, picture in zip(batch, read, strict=True):
            key = {"broadcast": manifest.broadcast, "frame": entry.frame}
            if isinstance(picture, str):
                status = "damaged" if entry.file is None else "unreadable"
                frame_rows.append(key | {"n_faces": 0, "status": status, "reason": picture})
                continue
            faces = next(found)
            face_rows.extend(key | face._asdict() for face in faces)
            frame_rows.append(key | _frame_row(picture, faces))
        if len(frame_rows) // LOG_EVERY > (len(frame_rows) - len(batch)) // LOG_EVERY:
            log.info("%d of %d frames, %d faces", len(frame_rows), len(manifest.frames), len(face_rows))
    log.info("%d frames, %d faces: done", len(frame_rows), len(face_rows))
    return (
        pa.Table.from_pylist(face_rows, schema=tables.FACES),
        pa.Table.from_pylist(frame_rows, schema=tables.FRAMES),
    )


def _batches(frames: Sequence[UnzippedFrame]) -> Iterator[Sequence[UnzippedFrame]]:
    return (frames[start : start + BATCH] for start in range(0, len(frames), BATCH))


def _read(folder: Path, entry: UnzippedFrame) -> Picture | str:
    """Give the decoded frame, or the reason why there is none."""
    if entry.file is None:
        return entry.reason
    try:
        return read_frame(folder / entry.file)
    except UnreadableFrameError as error:
        log.warning("frame %d: %s", entry.frame, error)
        return str(error)


def _frame_row(picture: Picture, faces: Sequence[Face]) -> dict[str, Any]:
    height, width = picture.shape[:2]
    return {
        "width": width,
        "height": height,
        "n_faces": len(faces),
        "status": "ok",
        "reason": "",
        "phash": phash(picture),
    }
