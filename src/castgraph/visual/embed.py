"""One broadcast: every frame through an embedder, byte-identical ones once, near-identical ones joined."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image

from castgraph.archive import FrameError, FrameReader, Limits
from castgraph.archive.media.zips import read_placeholder
from castgraph.base import tables
from castgraph.faces.frame import Picture, UnreadableFrameError, decode, phash
from castgraph.visual.alike import alike
from castgraph.visual.embedder import BATCH, Embedder, Labels, Vectors

log = logging.getLogger(__name__)

THUMBNAIL = 160
"""Longer side of a thumbnail, in pixels."""

_QUALITY = 80
_LOG_EVERY = 500


class Line(NamedTuple):
    """A line of text on the screen, and its box in pixels of the frame."""

    text: str
    box: tuple[int, int, int, int]  # top, right, bottom, left


Reader = Callable[[Picture], Sequence[Line]]
"""Reads the text on a picture."""


class _Frame(NamedTuple):
    """A frame as it was read."""

    picture: Picture | None
    reason: str = ""
    status: str = "ok"
    hash: int = 0
    thumbnail: bytes = b""


class Embedded(NamedTuple):
    """What `embed` makes of a broadcast.

    Attributes
    ----------
    table
        Of the schema `castgraph.base.tables.visual`.
    status, reason
        Why nothing of it could be read; ``ok`` where something could.
    n_embedded, n_alike
        Pictures that went through the embedder, and frames that are nearly identical to an earlier one.
    """

    table: pa.Table
    status: str
    reason: str
    n_embedded: int
    n_alike: int


def embed(
    zip_path: Path, broadcast: str, embedder: Embedder, limits: Limits, reader: Reader | None = None
) -> Embedded:
    """Embed the frames of one broadcast.

    Parameters
    ----------
    zip_path
        Its ZIP, or the placeholder of one that cannot be had.
    broadcast
        Its ID.
    embedder
        What turns pictures into numbers.
    limits
        How much to take.
    reader
        What reads the text on a picture; None not to. Of frames that are alike the first one is read.

    Returns
    -------
    Embedded
        A row for each frame that the ZIP lists; the same bytes in, the same rows out.

    Raises
    ------
    EmbedderError
        When the embedder cannot go on.
    OSError
        When the disk fails.
    """
    if (placeholder := read_placeholder(zip_path)) is not None:
        return Embedded(_table(broadcast, [], [], [], embedder.size), *placeholder, 0, 0)
    try:
        with FrameReader(zip_path, broadcast, limits) as archive:
            return _embed(archive, broadcast, embedder, limits, reader)
    except FrameError as error:
        reason = str(error).removeprefix(f"{zip_path}: ")
        return Embedded(_table(broadcast, [], [], [], embedder.size), "damaged", reason, 0, 0)


def _embed(
    archive: FrameReader, broadcast: str, embedder: Embedder, limits: Limits, reader: Reader | None
) -> Embedded:
    numbers = archive.frames
    if embedder.announce is not None and numbers:
        embedder.announce(len(numbers))
    places: list[int] = []  # of each frame that of its like among the different ones
    seen: list[_Frame] = []
    vectors: list[Vectors] = [np.empty((0, embedder.size), np.float32)]
    labels: list[Labels] = []
    n_embedded = 0
    for batch in _batches_ahead(_different(archive, numbers, limits, places)):
        pictures = [frame.picture for frame in batch if frame.picture is not None]
        if pictures:
            found = embedder.pictures(pictures)
            vectors.append(found.vectors)
            labels += found.labels
        before, n_embedded = n_embedded, n_embedded + len(pictures)
        if n_embedded // _LOG_EVERY > before // _LOG_EVERY:
            log.info("%d pictures of at most %d", n_embedded, len(numbers))
        seen += [frame._replace(picture=None) for frame in batch]
    read = [n for n, frame in enumerate(seen) if frame.status == "ok"]
    whole = np.concatenate(vectors)
    first = alike(np.array([seen[n].hash for n in read], np.uint64), whole)
    rows: list[dict[str, object]] = [
        {"status": frame.status, "reason": frame.reason, "labels": [], "scores": []} for frame in seen
    ]
    first_frame: dict[int, int] = {}
    for number, place in zip(numbers, places, strict=True):
        first_frame.setdefault(place, number)
    for row, place in enumerate(read):
        leads = first[row] == row
        rows[place] |= {
            "phash": seen[place].hash,
            "alike": first_frame[read[first[row]]],
            "labels": [name for name, _ in labels[row]],
            "scores": [score for _, score in labels[row]],
            "embedding": row,
            "thumbnail": seen[place].thumbnail if leads else None,
        }
    if reader is not None:
        _read_texts(archive, reader, rows, first_frame)
    told = [dict(rows[place]) for place in places]
    for number, row_of in zip(numbers, told, strict=True):
        if row_of.get("alike") != number:
            row_of["thumbnail"] = None
    n_alike = sum(row.get("alike") not in (None, number) for number, row in zip(numbers, told, strict=True))
    log.info("%d frames, %d embedded, %d like an earlier one", len(numbers), n_embedded, n_alike)
    status = "ok" if read else "damaged" if numbers else "empty"
    reason = "" if read else seen[0].reason if seen else "no entry of the ZIP is a frame"
    table = _table(broadcast, numbers, told, whole, embedder.size)
    return Embedded(table, status, reason, n_embedded, n_alike)


def _different(
    archive: FrameReader, numbers: Sequence[int], limits: Limits, places: list[int]
) -> Iterator[_Frame]:
    """Read the frames that are unlike every earlier one; `places` gets that of each."""
    known: dict[bytes, int] = {}
    n_bytes = 0
    for number in numbers:
        try:
            content = archive.read(number) if n_bytes <= limits.max_total_bytes else None
            reason = f"the frames have more than {limits.max_total_bytes} bytes together"
        except FrameError as error:
            content, reason = None, str(error).partition("is damaged: ")[2]
        n_bytes += len(content or b"")
        told = reason.encode() if content is None else content
        key = hashlib.blake2b(told, digest_size=32, person=b"none" if content is None else b"").digest()
        is_new = key not in known
        places.append(known.setdefault(key, len(known)))
        if is_new:
            yield _Frame(None, reason, "damaged") if content is None else _decoded(number, content)


def _decoded(number: int, content: bytes) -> _Frame:
    try:
        picture = decode(content).picture
    except UnreadableFrameError as error:
        log.warning("frame %d is unreadable: %s", number, error)
        return _Frame(None, str(error), "unreadable")
    return _Frame(picture, hash=phash(picture), thumbnail=thumbnail(picture))


def thumbnail(picture: Picture) -> bytes:
    """Make a small JPEG of a picture; equal pictures give equal bytes."""
    image = Image.fromarray(picture)
    # Means of whole pixels as far as they go, in a third of the time.
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=1.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, comment=None)
    return buffer.getvalue()


def _read_texts(
    archive: FrameReader,
    reader: Reader,
    rows: Sequence[dict[str, object]],
    first_frame: dict[int, int],
) -> None:
    """Read the text of the first of frames that are alike, and give it to all of them."""
    lines: dict[object, tuple[list[str], list[list[int]]]] = {}
    for place, row in enumerate(rows):
        if row["status"] != "ok":
            continue
        if row["alike"] not in lines:
            frame = decode(archive.read(first_frame[place]))
            across, down = frame.width / frame.picture.shape[1], frame.height / frame.picture.shape[0]
            found = reader(frame.picture)
            boxes = [
                [round(side * by) for side, by in zip(line.box, (down, across, down, across), strict=True)]
                for line in found
            ]
            lines[row["alike"]] = [line.text for line in found], boxes
        row["texts"], row["text_boxes"] = lines[row["alike"]]


def _batches_ahead(frames: Iterator[_Frame]) -> Iterator[tuple[_Frame, ...]]:
    """Give the frames, `BATCH` at a time; while some are in use, a thread reads the next."""

    def batch() -> tuple[_Frame, ...]:
        return tuple(islice(frames, BATCH))

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(batch)
        while found := coming.result():
            coming = thread.submit(batch)
            yield found


def _table(
    broadcast: str,
    numbers: Sequence[int],
    rows: Sequence[dict[str, object]],
    vectors: Vectors | Sequence[object],
    size: int,
) -> pa.Table:
    """Make the table of a broadcast; in `rows` an embedding is a row of `vectors`."""
    schema = tables.visual(size)
    plain = pa.schema([field for field in schema if field.name != "embedding"])
    front = [
        {"broadcast": broadcast, "frame": number, **row} for number, row in zip(numbers, rows, strict=True)
    ]
    table = pa.Table.from_pylist([{k: v for k, v in row.items() if k != "embedding"} for row in front], plain)
    at = np.array([row.get("embedding", -1) for row in rows], np.int64)
    values = np.zeros((len(rows), size), np.float16)
    if len(rows):
        values[at >= 0] = np.asarray(vectors)[at[at >= 0]]
    column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), size, mask=pa.array(at < 0))
    return table.append_column(schema.field("embedding"), column)


def is_worse(embedded: Embedded, path: str | os.PathLike[str]) -> bool:
    """Tell whether a broadcast was read before, and nothing can be had of it now."""
    if embedded.status in ("ok", "empty"):
        return False
    try:
        was_read = "ok" in tables.read(path, tables.VISUAL, ["status"])["status"].unique().to_pylist()
    except (FileNotFoundError, tables.TableError):
        return False
    if was_read:
        log.warning("it is %s now (%s): its table stays as it is", embedded.status, embedded.reason)
    return was_read
