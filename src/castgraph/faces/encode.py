"""The encode job: every frame of one broadcast through an engine.

Frames that are byte-identical go through it once. The others are taken in batches that depend on nothing but
the frames, so the tables are the same, byte for byte, for every number of worker processes.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import multiprocessing
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.archive import Manifest, UnzippedFrame
from castgraph.base import files, tables
from castgraph.base.cores import Cores, Crew
from castgraph.faces.engine import Engine, Face
from castgraph.faces.frame import MAX_PIXELS, Picture, UnreadableFrameError, phash, read_frame

log = logging.getLogger(__name__)

BATCH = 16
"""Frames that are decoded and handed to the engine together, at most."""

BATCH_PIXELS = MAX_PIXELS
"""Pixels of a batch of more than one frame; 16 frames of 853×480 have fewer."""

TASK = 4 * BATCH
"""Frames that a worker process is given at a time: whole batches, so that the split changes nothing."""

LOG_EVERY = 500
"""Frames between two lines in the log."""

_T = TypeVar("_T")


class Encoded(NamedTuple):
    """What `encode` makes of a broadcast.

    Attributes
    ----------
    faces
        The face table (`castgraph.base.tables.encoded_faces`), sorted by frame, left; empty when there is no
        face.
    frames
        The frame table (`castgraph.base.tables.FRAMES`), one row for each frame of the manifest. A frame that
        cannot be decoded has the status ``unreadable`` and a reason; one that is ``ok`` has a reason where
        something about its file is odd.
    models
        File name → SHA-256 of every model file that was used.
    """

    faces: pa.Table
    frames: pa.Table
    models: Mapping[str, str]


class _Read(NamedTuple):
    """What became of one frame: its picture, and its row of the frame table but for the faces."""

    frame: int
    picture: Picture | None
    row: dict[str, Any]


class _Part(NamedTuple):
    """The tables of some frames, without the columns that say which frames they are."""

    faces: pa.Table
    frames: pa.Table


def encode(
    manifest: Manifest,
    folder: Path,
    load: Callable[[], Engine],
    *,
    workers: int = 1,
    cores: Cores | None = None,
) -> Encoded:
    """Find and encode the faces of one broadcast.

    Parameters
    ----------
    manifest
        What `castgraph.archive.unzip` made of the broadcast's ZIP.
    folder
        Where the frames lie.
    load
        Gives the engine that finds and embeds the faces. For several workers it must be picklable, such as a
        `functools.partial` of `castgraph.faces.load_engine`: each loads its own.
    workers
        Processes that share the frames, this one among them. The tables do not depend on it.
    cores
        Where cores are borrowed for further workers while they are idle; none with None.

    Returns
    -------
    Encoded

    Raises
    ------
    FileNotFoundError
        When a frame of the manifest is not in the folder any more: the job must run again.
    RuntimeError
        When a worker process dies that works on one of the job's own cores. What `load` or the engine raises
        comes through as it is.
    """
    unique, places = _unique(folder, manifest.frames)
    log.info("%d frames, %d of them unlike every earlier one", len(manifest.frames), len(unique))
    models: dict[str, str] = {}
    tasks: dict[int, list[_Part]] = defaultdict(list)  # they end in any order
    n_frames = n_faces = 0
    for task, used, part in _encode(folder, unique, load, workers, cores):
        models.update(used)
        tasks[task].append(part)
        _log_bad(unique, task, tasks[task])
        before, n_frames = n_frames, n_frames + part.frames.num_rows
        n_faces += part.faces.num_rows
        if n_frames // LOG_EVERY > before // LOG_EVERY:
            log.info("%d of %d frames, %d faces", n_frames, len(unique), n_faces)
    parts = [part for task in sorted(tasks) for part in tasks[task]]
    faces, frames = _joined(manifest, parts, places)
    log.info("%d frames, %d faces: done", frames.num_rows, faces.num_rows)
    return Encoded(faces, frames, models)


def is_worse(manifest: Manifest, faces: Path, frames: Path, *, replaced: bool = False) -> bool:
    """Tell whether a broadcast was read before, and nothing can be had of it now.

    Parameters
    ----------
    manifest
        What is there of it now.
    faces, frames
        The tables of before, if there are any. Those of an earlier castgraph are of no use to anybody.
    replaced
        Whether a source that is damaged now has taken the place of the one that was read, as a recording has.
    """
    if manifest.frames or manifest.status == "empty" or (replaced and manifest.status == "damaged"):
        return False
    try:
        faces_now = tables.encoded_faces(tables.embedding_size(faces))
        with tables.opened(faces, faces_now), tables.opened(frames, tables.FRAMES) as file:
            was_read = "ok" in file.read(["status"])["status"].unique().to_pylist()
    except (FileNotFoundError, tables.TableError):
        return False
    if was_read:
        log.warning(
            "%s is %s now (%s): its tables stay as they are",
            manifest.broadcast,
            manifest.status,
            manifest.reason,
        )
    return was_read


def write_encoded(encoded: Encoded, facts: Mapping[str, Any], faces: Path, frames: Path) -> None:
    """Write both tables of a broadcast; neither takes its place before the other is whole, too."""
    with files.atomic_together(faces, frames) as parts:
        for part, table, schema in zip(
            parts, encoded[:2], (encoded.faces.schema, tables.FRAMES), strict=True
        ):
            with tables.writer(part, schema, facts) as add:
                add(table)


def _unique(folder: Path, entries: Sequence[UnzippedFrame]) -> tuple[list[UnzippedFrame], NDArray[np.int64]]:
    """Give the frames that are unlike any earlier one, and for each frame the place of its like in them."""
    unique: list[UnzippedFrame] = []
    known: dict[bytes | str, int] = {}
    places = np.empty(len(entries), dtype=np.int64)
    for n, entry in enumerate(entries):
        key = entry.reason if entry.file is None else _digest(folder / entry.file)
        places[n] = known.setdefault(key, len(unique))
        if places[n] == len(unique):
            unique.append(entry)
    return unique, places


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, functools.partial(hashlib.blake2b, digest_size=32)).digest()


def _encode(
    folder: Path,
    frames: Sequence[UnzippedFrame],
    load: Callable[[], Engine],
    workers: int,
    cores: Cores | None,
) -> Iterator[tuple[int, Mapping[str, str], _Part]]:
    """Encode frames here and in worker processes; give each batch's task by number, its models, its tables.

    The batches of one task come in order.
    """
    tasks = [frames[start : start + TASK] for start in range(0, len(frames), TASK)]
    beside = min(workers, len(tasks)) - 1
    with Crew(
        tasks, functools.partial(_work, folder), functools.partial(_worker, load), beside, cores
    ) as crew:
        try:
            engine = load()
            yield 0, engine.models, _part([], [], engine.embedding_size)  # also where there is no frame
            while not crew.is_done:
                for task, part in _parts(engine, folder, crew.own()):
                    yield task, engine.models, part
                    yield from _by_batch(crew.look())
                yield from _by_batch(crew.rest())
        except BrokenExecutor as error:
            raise RuntimeError(
                f"a worker process died while {workers} shared the frames of {folder.name}; "
                "was it killed for its memory? Less is needed with a lower compute.threads"
            ) from error


def _by_batch(
    done: Iterable[tuple[int, tuple[Mapping[str, str], Sequence[_Part]]]],
) -> Iterator[tuple[int, Mapping[str, str], _Part]]:
    for task, (models, parts) in done:
        for part in parts:
            yield task, models, part


def _parts(
    engine: Engine, folder: Path, tasks: Iterable[tuple[int, Sequence[UnzippedFrame]]]
) -> Iterator[tuple[int, _Part]]:
    """Encode the frames of tasks; give the tables of each batch, with the number of its task."""
    for task, batch in _ahead((task, batch) for task, frames in tasks for batch in _batches(folder, frames)):
        pictures = [read.picture for read in batch if read.picture is not None]
        try:
            found = iter(engine.encode(pictures) if pictures else [])
        except Exception as error:
            error.add_note(f"while encoding frames {batch[0].frame} to {batch[-1].frame}")
            raise
        faces = [
            [] if read.picture is None else _in_frame(next(found), read.picture, read.row) for read in batch
        ]
        yield (
            task,
            _part(
                [face._asdict() for one in faces for face in one],
                [read.row | {"n_faces": len(one)} for read, one in zip(batch, faces, strict=True)],
                engine.embedding_size,
            ),
        )


def _part(faces: list[dict[str, Any]], frames: list[dict[str, Any]], size: int) -> _Part:
    # `_joined` puts the others in front.
    return _Part(
        pa.Table.from_pylist(faces, schema=pa.schema(list(tables.encoded_faces(size))[3:])),
        pa.Table.from_pylist(frames, schema=pa.schema(list(tables.FRAMES)[3:])),
    )


def _ahead(items: Iterator[_T]) -> Iterator[_T]:
    """Give the items; while one is in use, a thread makes the next."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _batches(folder: Path, frames: Sequence[UnzippedFrame]) -> Iterator[list[_Read]]:
    """Read frames, `BATCH` at a time, or as few as their size allows."""
    for start in range(0, len(frames), BATCH):
        batch: list[_Read] = []
        free = BATCH_PIXELS
        for entry in frames[start : start + BATCH]:
            read = _read(folder, entry)
            pixels = 0 if read.picture is None else read.picture.shape[0] * read.picture.shape[1]
            if batch and pixels > free:
                yield batch
                batch, free = [], BATCH_PIXELS
            batch.append(read)
            free -= pixels
        yield batch


def _read(folder: Path, entry: UnzippedFrame) -> _Read:
    if entry.file is None:
        return _Read(entry.frame, None, {"status": "damaged", "reason": entry.reason})
    try:
        picture, width, height, note = read_frame(folder / entry.file)
    except UnreadableFrameError as error:
        return _Read(entry.frame, None, {"status": "unreadable", "reason": str(error)})
    row = {"width": width, "height": height, "status": "ok", "reason": note, "phash": phash(picture)}
    return _Read(entry.frame, picture, row)


def _in_frame(faces: list[Face], picture: Picture, row: Mapping[str, Any]) -> list[Face]:
    """Give the faces of a picture in pixels of its frame, which may be larger."""
    across, down = row["width"] / picture.shape[1], row["height"] / picture.shape[0]
    if across == down == 1:
        return faces
    points = np.tile(np.array([across, down], np.float32), 5)
    return [
        face._replace(
            top=round(face.top * down),
            right=round(face.right * across),
            bottom=round(face.bottom * down),
            left=round(face.left * across),
            landmarks=face.landmarks * points,
        )
        for face in faces
    ]


def _joined(
    manifest: Manifest, parts: Sequence[_Part], places: NDArray[np.int64]
) -> tuple[pa.Table, pa.Table]:
    """Join the tables of the unique frames and repeat the rows of frames that are like an earlier one."""
    faces = pa.concat_tables([part.faces for part in parts])
    frames = pa.concat_tables([part.frames for part in parts])
    n_faces = frames["n_faces"].to_numpy()
    first = np.cumsum(n_faces) - n_faces  # row of the first face of each unique frame
    counts = n_faces[places]
    rows = np.repeat(first[places] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    numbers = np.array([entry.frame for entry in manifest.frames], dtype=np.int32)
    seconds = pa.array([entry.seconds for entry in manifest.frames], pa.float64())
    face = np.arange(len(rows), dtype=np.int32)
    schema = tables.encoded_faces(faces.schema.field("embedding").type.list_size)
    return (
        _fronted(manifest.broadcast, schema, [face, np.repeat(numbers, counts)], faces.take(rows)),
        _fronted(manifest.broadcast, tables.FRAMES, [numbers, seconds], frames.take(places)),
    )


def _fronted(broadcast: str, schema: pa.Schema, columns: Sequence[Any], table: pa.Table) -> pa.Table:
    """Put the broadcast and the columns that differ between like frames in front of the others."""
    ids = pa.DictionaryArray.from_arrays(np.zeros(len(table), dtype=np.int32), [broadcast])
    rest = table.combine_chunks().columns
    return pa.table([ids, *columns, *rest], schema.names).cast(schema)


def _log_bad(frames: Sequence[UnzippedFrame], task: int, parts: Sequence[_Part]) -> None:
    """Log what is wrong with the frames of the last part of a task."""
    last = parts[-1].frames
    first = task * TASK + sum(part.frames.num_rows for part in parts[:-1])
    entries = frames[first : first + last.num_rows]
    for entry, row in zip(entries, last.select(["status", "reason"]).to_pylist(), strict=True):
        if row["status"] != "ok":
            log.warning("frame %d is %s: %s", entry.frame, row["status"], row["reason"])


# --- worker processes


def _worker(load: Callable[[], Engine]) -> ProcessPoolExecutor:
    """Make a worker: a process that loads an engine of its own with its first task."""
    return ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),  # a fork of a process with threads may hang
        initializer=_start_worker,
        initargs=(load,),
    )


_worker_engine: Callable[[], Engine]  # in a worker process, where `_start_worker` sets it


def _start_worker(load: Callable[[], Engine]) -> None:
    global _worker_engine
    # Loaded with the first task, not here: what fails in an initializer is lost.
    _worker_engine = functools.cache(load)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has ended in whatever way, rather than wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(folder: Path, frames: Sequence[UnzippedFrame]) -> tuple[dict[str, str], list[_Part]]:
    engine = _worker_engine()
    return dict(engine.models), [part for _, part in _parts(engine, folder, [(0, frames)])]
