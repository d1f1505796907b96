"""Portraits and contact sheets of people.

The pictures are made in two steps, so that every ZIP is opened once and every frame decoded once: first the
faces are cut out broadcast by broadcast, then the contact sheets are put together person by person.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from wand.image import Image

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.media import zips
from castgraph.archive.media.frames import frames_of
from castgraph.people import pictures, sheets
from castgraph.people.centre import centre
from castgraph.people.places import BOX
from castgraph.people.table import broadcast_codes, contact_faces, portrait_name, rows_by_person

log = logging.getLogger(__name__)

COLUMNS = ("broadcast", "frame", *BOX)
"""What of the merged face table is read."""

PORTRAIT_QUALITY = 90
SHEET_QUALITY = 85
_THUMBNAIL_QUALITY = 95  # thumbnails are encoded again as part of a sheet

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
_Map = Callable[[Callable[[_Job], _Result], Iterable[_Job]], Iterator[_Result]]


class _Cut(NamedTuple):
    """One face to be cut out of a frame, and the picture to be made of it."""

    frame: int
    box: pictures.Box
    size: int
    quality: int
    path: Path


class _BroadcastJob(NamedTuple):
    """The faces to be cut out of the frames of one broadcast, sorted by frame."""

    broadcast: str
    zip_path: Path
    source: str
    cuts: list[_Cut]


class _SheetJob(NamedTuple):
    """A contact sheet to be put together from thumbnails."""

    name: str
    facts: str
    faces: list[sheets.SheetFace]
    path: Path


def write_portraits(
    people: pa.Table,
    faces: pa.Table,
    embeddings: NDArray[np.float32],
    labels: ArrayLike,
    times: NDArray[np.datetime64],
    zip_path: Callable[[str], Path] | Path,
    portraits_dir: Path,
    sheets_dir: Path | None,
    *,
    size: int = 192,
    sheet_faces: int = 48,
    workers: int = 1,
    base_url: str | None = None,
    sources: Mapping[str, str] | None = None,
    limits: zips.Limits = zips.DEFAULT_LIMITS,
    fetch_options: Mapping[str, Any] | None = None,
    scratch: Path,
) -> None:
    """Write a portrait and a contact sheet of every person.

    Parameters
    ----------
    people
        The people table (`castgraph.base.tables.PEOPLE`), or some rows of it: who is left out gets no
        picture.
    faces
        The merged face table it was made of; only `COLUMNS` are read.
    embeddings
        Of each face, shape (n_faces, 128). Those of one person at a time are copied.
    labels
        One integer a face, in the order of `faces`; -1 is noise.
    times
        When each face was on air, UTC, shape (n_faces,); see `castgraph.faces.times.face_times`.
    zip_path
        The folder of the ZIPs, or what gives the ZIP of a broadcast.
    portraits_dir
        Folder that gets one ``person-00012.jpg`` a person: a square of `size` pixels.
    sheets_dir
        Folder that gets a contact sheet a person, of the same name; None for no sheets.
    size
        Pixels of a portrait.
    sheet_faces
        The most faces on a contact sheet; 1 to 500. Of no account without sheets.
    workers
        Processes. More than one need the calling script to be importable (``if __name__ == "__main__":``).
    base_url
        Where a ZIP that is not there any more is fetched from; None not to fetch.
    sources
        Broadcast ID → source, of broadcasts that come from elsewhere; see `castgraph.archive.obtain`.
    limits
        How much is taken of a broadcast: those under which its frames were encoded.
    fetch_options
        Passed on to `castgraph.archive.obtain`.
    scratch
        Folder for temporary files. What is put there is removed again.

    Raises
    ------
    ValueError
        When `sheet_faces` is out of bounds, or there are not as many labels as faces.

    Notes
    -----
    A face whose frame cannot be had gets a grey placeholder, and the log names the broadcast. The pictures do
    not depend on `workers`.
    """
    if sheets_dir is not None and not 1 <= sheet_faces <= sheets.MAX_FACES:
        raise ValueError(f"sheet_faces is {sheet_faces}; allowed: 1 to {sheets.MAX_FACES}")
    for folder in (portraits_dir, sheets_dir, scratch):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="portraits-", dir=scratch) as temporary:
        folder = Path(temporary)
        cuts = _portrait_cuts(people, portraits_dir, size)
        sheet_jobs: list[_SheetJob] = []
        if sheets_dir is not None:
            thumbnail_cuts, sheet_jobs = _plan_sheets(
                people, faces, embeddings, labels, times, sheets_dir, sheet_faces, folder
            )
            cuts += thumbnail_cuts
        zip_of = zip_path if callable(zip_path) else partial(_zip_in, zip_path)
        jobs = _by_broadcast(cuts, zip_of, sources or {})
        options = {**(fetch_options or {}), "limits": limits}
        cut_faces = partial(_cut_faces, base_url=base_url, fetch_options=options, scratch=folder)
        with _processes(workers) as run:
            for problem in run(cut_faces, jobs):
                if problem:
                    log.warning(problem)
            log.info("%d faces cut out of %d broadcasts", len(cuts), len(jobs))
            for _ in run(_write_sheet, sheet_jobs):
                pass
    log.info("portraits of %d people, %d contact sheets", len(people), len(sheet_jobs))


def _zip_in(folder: Path, broadcast: str) -> Path:
    return folder / f"{broadcast}.zip"


@contextmanager
def _processes(workers: int) -> Iterator[_Map[Any, Any]]:
    """Give a ``map`` over `workers` processes; with one, the work is done in this process."""
    if workers == 1:
        with pictures.limited_resources():
            yield map
        return
    # Forked processes could inherit a lock that another thread of this one holds.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=pictures.limit_resources) as pool:
        yield pool.map


# Planning: what is cut out of which frame.


def _portrait_cuts(people: pa.Table, folder: Path, size: int) -> list[tuple[str, _Cut]]:
    rows = people.select(["person_id", "broadcast", "frame", *BOX]).to_pylist()
    return [
        (
            row["broadcast"],
            _Cut(
                row["frame"],
                (row["top"], row["right"], row["bottom"], row["left"]),
                size,
                PORTRAIT_QUALITY,
                folder / portrait_name(row["person_id"]),
            ),
        )
        for row in rows
    ]


def _plan_sheets(
    people: pa.Table,
    faces: pa.Table,
    embeddings: NDArray[np.float32],
    labels: ArrayLike,
    times: NDArray[np.datetime64],
    sheets_dir: Path,
    limit: int,
    scratch: Path,
) -> tuple[list[tuple[str, _Cut]], list[_SheetJob]]:
    """Choose the faces of every sheet; their thumbnails go to a folder a person in `scratch`."""
    codes, broadcast_ids = broadcast_codes(faces)
    broadcasts = [Broadcast.parse(broadcast_id) for broadcast_id in broadcast_ids]
    frames = faces["frame"].to_numpy()
    boxes = [faces[side].to_numpy() for side in BOX]
    described = dict(enumerate(people.to_pylist()))

    cuts: list[tuple[str, _Cut]] = []
    jobs: list[_SheetJob] = []
    for person, rows in rows_by_person(labels, len(faces)):
        if person not in described:
            continue
        middle = centre(embeddings[rows])
        folder = scratch / f"person-{person:05d}"
        folder.mkdir()
        shown: list[sheets.SheetFace] = []
        for index in contact_faces(middle, limit):
            row = rows[index]
            broadcast, frame = broadcasts[codes[row]], int(frames[row])
            picture = folder / f"{row}.jpg"
            top, right, bottom, left = (int(side[row]) for side in boxes)
            box = top, right, bottom, left
            cuts.append((broadcast.id, _Cut(frame, box, sheets.THUMBNAIL, _THUMBNAIL_QUALITY, picture)))
            time = times[row].astype("datetime64[s]").item()
            captions = sheets.place_captions(broadcast.station, frame, time)
            distance, doubtful = float(middle.distances[index]), bool(middle.outlier[index])
            shown.append(sheets.SheetFace(picture, distance, doubtful, captions))
        facts = sheets.facts(described[person], len(shown))
        jobs.append(
            _SheetJob(described[person]["name"], facts, shown, sheets_dir / described[person]["portrait"])
        )
    return cuts, jobs


def _by_broadcast(
    cuts: Sequence[tuple[str, _Cut]], zip_of: Callable[[str], Path], sources: Mapping[str, str]
) -> list[_BroadcastJob]:
    """Group the cuts by broadcast, and sort them by frame."""
    grouped: dict[str, list[_Cut]] = {}
    for broadcast, cut in cuts:
        grouped.setdefault(broadcast, []).append(cut)
    return [
        _BroadcastJob(
            broadcast,
            zip_of(broadcast),
            sources.get(broadcast, ""),
            sorted(grouped[broadcast], key=attrgetter("frame")),
        )
        for broadcast in sorted(grouped)
    ]


# Doing: these run in the worker processes.


def _cut_faces(
    job: _BroadcastJob, *, base_url: str | None, fetch_options: Mapping[str, Any], scratch: Path
) -> str:
    """Make the pictures of one broadcast; tell what went wrong, or nothing."""
    problems: list[str] = []
    with frames_of(
        job.broadcast, job.zip_path, job.source, base_url=base_url, scratch=scratch, **fetch_options
    ) as read:
        for frame, cuts in groupby(job.cuts, key=attrgetter("frame")):
            wanted = list(cuts)
            try:
                picture, times_smaller = pictures.decode_frame(read(frame))
                with picture:
                    for cut in wanted:
                        face = pictures.cut_face(picture, _smaller(cut.box, times_smaller), cut.size)
                        _write(cut.path, face, cut.quality)
            except (LookupError, pictures.PictureError) as error:
                problems.append(f"frame {frame}: {error}")
                for cut in wanted:
                    _write(cut.path, pictures.placeholder(cut.size), cut.quality)
    if not problems:
        return ""
    return f"{job.broadcast}: {len(problems)} frame(s) could not be shown; {problems[0]}"


def _smaller(box: pictures.Box, times: int) -> pictures.Box:
    top, right, bottom, left = box
    return top // times, right // times, bottom // times, left // times


def _write_sheet(job: _SheetJob) -> None:
    _write(job.path, sheets.draw_sheet(job.name, job.facts, job.faces), SHEET_QUALITY)


def _write(path: Path, picture: Image, quality: int) -> None:
    """Write a picture and let go of it."""
    with picture:
        path.write_bytes(pictures.encode(picture, quality))
