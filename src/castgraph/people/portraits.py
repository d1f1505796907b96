"""Portraits and contact sheets of people.

The pictures are made in two steps, so that every ZIP is opened once and every frame decoded once: first the
faces are cut out broadcast by broadcast, then the contact sheets are put together person by person. Between
the two the thumbnails of a broadcast lie in one file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.media import zips
from castgraph.archive.media.frames import frames_of
from castgraph.base import csvs
from castgraph.base import times as times_
from castgraph.base.boxes import BOX
from castgraph.people import pictures, sheets
from castgraph.people.centre import rows_by_person
from castgraph.people.sightings import Link
from castgraph.people.table import broadcast_codes, contact_faces, portrait_name

log = logging.getLogger(__name__)

COLUMNS = ("broadcast", "frame", *BOX)
"""What of the merged face table is read."""

SHEET_FACES = "faces.csv"
"""The file beside the contact sheets: what each face on them is, and where its frame can be seen."""

SHEET_COLUMNS = ("sheet", "place", "person_id", "name", "broadcast", "frame", "time", "distance", "link")

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
    to: Path | int  # the file of a portrait, or the number of a thumbnail


class _BroadcastJob(NamedTuple):
    """The faces to be cut out of the frames of one broadcast, sorted by frame."""

    broadcast: str
    zip_path: Path
    source: str
    cuts: list[_Cut]
    thumbnails: Path  # gets the thumbnails, one after the other


class _Stored(NamedTuple):
    """Where a thumbnail lies for a while."""

    path: Path
    begin: int
    size: int


class _Shown(NamedTuple):
    """A face that a contact sheet shows."""

    thumbnail: int
    distance: float
    doubtful: bool
    broadcast: Broadcast
    frame: int
    time: datetime


class _Sheet(NamedTuple):
    """A contact sheet that is planned: a row of the people table, and faces."""

    person: dict[str, Any]
    faces: list[_Shown]


class _SheetJob(NamedTuple):
    """A contact sheet to be put together from thumbnails."""

    sheet: _Sheet
    thumbnails: list[_Stored]
    path: Path


def write_portraits(
    people: pa.Table,
    faces: pa.Table,
    person: NDArray[np.int32],
    distances: NDArray[np.floating[Any]],
    outlier: NDArray[np.bool_],
    times: NDArray[np.datetime64],
    zip_path: Callable[[str], Path] | Path,
    portraits_dir: Path,
    sheets_dir: Path | None,
    *,
    link: Link,
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
        The people table (`castgraph.base.tables.PEOPLE`), or its first rows: who is left out gets no picture.
    faces
        The merged face table it was made of; only `COLUMNS` are read.
    person
        Of each face, in the order of `faces`, the row of its person in the people table;
        `castgraph.base.tables.NOISE` for none.
    distances, outlier
        Of each face how far it is from the middle of its person, and whether that is unusually far; see
        `castgraph.people.centre.Middles`.
    times
        When each face was on air, UTC, shape (n_faces,); see `castgraph.faces.times.face_times`.
    zip_path
        The folder of the ZIPs, or what gives the ZIP of a broadcast.
    portraits_dir
        Folder that gets a picture a person, such as ``K7Q2.jpg``: a square of `size` pixels.
    sheets_dir
        Folder that gets a contact sheet a person, of the same name, and `SHEET_FACES`, which tells of every
        face on them what it is; None for no sheets.
    link
        Gives the address of a frame; see `castgraph.archive.frame_links`.
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
        When `sheet_faces` is out of bounds, or `person` does not have a number for each face.

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
        planned: list[_Sheet] = []
        if sheets_dir is not None:
            thumbnail_cuts, planned = _plan_sheets(
                people, faces, person, distances, outlier, times, sheet_faces
            )
            cuts += thumbnail_cuts
        zip_of = zip_path if callable(zip_path) else partial(_zip_in, zip_path)
        jobs = _by_broadcast(cuts, zip_of, sources or {}, folder)
        options = {**(fetch_options or {}), "limits": limits}
        cut_faces = partial(_cut_faces, base_url=base_url, fetch_options=options, scratch=folder)
        stored: dict[int, _Stored] = {}
        with _processes(workers) as run:
            for problem, made in run(cut_faces, jobs):
                stored |= made
                if problem:
                    log.warning(problem)
            log.info("%d faces cut out of %d broadcasts", len(cuts), len(jobs))
            if sheets_dir is not None:
                for _ in run(_write_sheet, _sheet_jobs(planned, stored, sheets_dir)):
                    pass
                csvs.write(sheets_dir / SHEET_FACES, SHEET_COLUMNS, _sheet_rows(planned, link))
    log.info("portraits of %d people, %d contact sheets", len(people), len(planned))


def _zip_in(folder: Path, broadcast: str) -> Path:
    return folder / f"{broadcast}.zip"


@contextmanager
def _processes(workers: int) -> Iterator[_Map[Any, Any]]:
    """Give a ``map`` over `workers` processes; with one, the work is done in this process."""
    if workers == 1:
        yield map
        return
    # Forked processes could inherit a lock that another thread of this one holds.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
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
    person: NDArray[np.int32],
    distances: NDArray[np.floating[Any]],
    outlier: NDArray[np.bool_],
    times: NDArray[np.datetime64],
    limit: int,
) -> tuple[list[tuple[str, _Cut]], list[_Sheet]]:
    """Choose the faces of every sheet, and number their thumbnails."""
    codes, broadcast_ids = broadcast_codes(faces)
    broadcasts = [Broadcast.parse(broadcast_id) for broadcast_id in broadcast_ids]
    frames = faces["frame"].to_numpy()
    boxes = [faces[side].to_numpy() for side in BOX]
    described = people.to_pylist()

    cuts: list[tuple[str, _Cut]] = []
    planned: list[_Sheet] = []
    for number, rows in rows_by_person(person, len(faces)):
        if number >= len(described):
            break
        shown: list[_Shown] = []
        for row in rows[contact_faces(distances[rows], outlier[rows], limit)].tolist():
            broadcast, frame = broadcasts[codes[row]], int(frames[row])
            top, right, bottom, left = (int(side[row]) for side in boxes)
            box = top, right, bottom, left
            cut = _Cut(frame, box, sheets.THUMBNAIL, _THUMBNAIL_QUALITY, len(cuts))
            time = times[row].astype("datetime64[s]").item()
            apart, doubtful = float(distances[row]), bool(outlier[row])
            shown.append(_Shown(len(cuts), apart, doubtful, broadcast, frame, time))
            cuts.append((broadcast.id, cut))
        planned.append(_Sheet(described[number], shown))
    return cuts, planned


def _sheet_rows(planned: Iterable[_Sheet], link: Link) -> Iterator[tuple[object, ...]]:
    """Tell of every face on the sheets what it is: `SHEET_COLUMNS`."""
    for person, faces in planned:
        told = person["portrait"], person["person_id"], person["name"]
        for place, face in enumerate(faces, start=1):
            broadcast, frame = face.broadcast.id, face.frame
            yield (
                told[0],
                place,
                *told[1:],
                broadcast,
                frame,
                times_.second(face.time),
                round(face.distance, 4),
                link(broadcast, frame),
            )


def _sheet_jobs(
    planned: Iterable[_Sheet], stored: Mapping[int, _Stored], folder: Path
) -> Iterator[_SheetJob]:
    for sheet in planned:
        thumbnails = [stored[face.thumbnail] for face in sheet.faces]
        yield _SheetJob(sheet, thumbnails, folder / portrait_name(sheet.person["person_id"]))


def _by_broadcast(
    cuts: Sequence[tuple[str, _Cut]],
    zip_of: Callable[[str], Path],
    sources: Mapping[str, str],
    scratch: Path,
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
            scratch / f"{number}.thumbnails",
        )
        for number, broadcast in enumerate(sorted(grouped))
    ]


# Doing: these run in the worker processes.


def _cut_faces(
    job: _BroadcastJob, *, base_url: str | None, fetch_options: Mapping[str, Any], scratch: Path
) -> tuple[str, dict[int, _Stored]]:
    """Make the pictures of one broadcast; tell what went wrong, or nothing, and where its thumbnails lie."""
    problems: list[str] = []
    stored: dict[int, _Stored] = {}
    with (
        frames_of(
            job.broadcast, job.zip_path, job.source, base_url=base_url, scratch=scratch, **fetch_options
        ) as read,
        job.thumbnails.open("wb") as thumbnails,
    ):
        for frame, cuts in groupby(job.cuts, key=attrgetter("frame")):
            wanted = list(cuts)
            try:
                found = _faces_of(read(frame), wanted)
            except (LookupError, pictures.PictureError) as error:
                problems.append(f"frame {frame}: {error}")
                found = [pictures.placeholder(cut.size) for cut in wanted]
            for cut, picture in zip(wanted, found, strict=True):
                data = pictures.encode(picture, cut.quality)
                if isinstance(cut.to, Path):
                    cut.to.write_bytes(data)
                else:
                    stored[cut.to] = _Stored(job.thumbnails, thumbnails.tell(), len(data))
                    thumbnails.write(data)
    if not problems:
        return "", stored
    return f"{job.broadcast}: {len(problems)} frame(s) could not be shown; {problems[0]}", stored


def _faces_of(data: bytes, cuts: Sequence[_Cut]) -> list[Image.Image]:
    frame = pictures.decode_frame(data, [(cut.box, cut.size) for cut in cuts])
    return [pictures.cut_face(frame, cut.box, cut.size) for cut in cuts]


def _write_sheet(job: _SheetJob) -> None:
    person, faces = job.sheet
    shown = [
        sheets.SheetFace(
            _read(stored),
            face.distance,
            face.doubtful,
            sheets.place_captions(face.broadcast.station, face.frame, face.time),
        )
        for stored, face in zip(job.thumbnails, faces, strict=True)
    ]
    facts = sheets.facts(person, len(shown))
    sheet = sheets.draw_sheet(person["name"], person["person_id"], facts, shown)
    job.path.write_bytes(pictures.encode(sheet, SHEET_QUALITY))


def _read(stored: _Stored) -> bytes:
    with stored.path.open("rb") as file:
        file.seek(stored.begin)
        return file.read(stored.size)
