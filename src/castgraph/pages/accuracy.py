"""The sheet on which people judge a sample of a run: one page that holds all its pictures."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from PIL import Image

from castgraph.base import files
from castgraph.base.text import counted, shortened
from castgraph.pages import theme
from castgraph.people import pictures
from castgraph.run.accuracy.answers import write_sample
from castgraph.run.accuracy.draw import Item, Sample, Shown
from castgraph.run.accuracy.population import Face
from castgraph.run.accuracy.questions import KINDS, UNSURE, Question, questions
from castgraph.run.shown import RunFrames

SHEET = "sheet.html"

FACE_PX = 160
_FRAME_PX = 800  # the longer side of a frame
_QUALITY = 82
_MOST_BUTTONS = 6  # answers that are shown side by side

_SECONDS = {"frame": 20, "face": 8, "person": 8, "pair": 8, "noise": 12, "edge": 15}
"""What a piece takes to be judged, about."""

Facts = dict[str, Any]


class _Picture(NamedTuple):
    """A picture for the page, and the size that it had."""

    uri: str
    width: int
    height: int
    full_width: int
    full_height: int
    font_size: float


class _Needed(NamedTuple):
    """What is wanted of one frame."""

    frame: int
    whole: bool
    faces: list[Face]


class _Pictures(NamedTuple):
    """All pictures of a sheet, and why some are not there."""

    frames: dict[tuple[str, int], _Picture]
    faces: dict[Face, str]
    problems: list[str]


def write_sheet(folder: Path, run: Path, sample: Sample, *, fetch: bool = False) -> list[str]:
    """Write the folder of a sample: the sheet, the table to fill in, and what was drawn.

    Parameters
    ----------
    folder
        A folder that is not there yet, or has nothing in it.
    run
        The results of the run, for example ``results/demo``; the ZIPs lie in ``resources/zips`` beside
        ``results``.
    sample
        What was drawn of it.
    fetch
        Whether to fetch ZIPs that are not there, for the time of need.

    Returns
    -------
    list of str
        What could not be shown, and why; in its place the page says so.

    Raises
    ------
    ValueError
        When there is something in the folder, no picture can be had, or the run's files are not of a run.
    OSError
        When a file of the run is not there or the disk fails.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there already, perhaps with answers; name another folder with --to")
    made = _make(run, sample.items, fetch=fetch)
    if not made.frames and not made.faces:
        raise ValueError(
            f"no picture can be had: {made.problems[0]}" if made.problems else "nothing was drawn"
        )
    with files.atomic_directory(folder) as part:
        write_sample(part, run, sample.facts)
        _write_page(part / SHEET, sample, made)
    return made.problems


# ---- the pictures ----------------------------------------------------------------------------------------


def _make(run: Path, items: Sequence[Item], *, fetch: bool) -> _Pictures:
    """Make all pictures; every ZIP is opened once and every frame decoded once."""
    frames = RunFrames(run, fetch=fetch)
    made = _Pictures({}, {}, [])
    for broadcast, wanted in sorted(_wanted(items).items()):
        reasons: list[str] = []
        with frames.of(broadcast) as read:
            for needed in wanted:
                try:
                    _show(read(needed.frame), broadcast, needed, made)
                except (LookupError, pictures.PictureError) as error:
                    reasons.append(str(error))
        if reasons:
            told = f"{counted(len(reasons), 'frame')} cannot be shown: {shortened(reasons[0], 200)}"
            made.problems.append(f"{broadcast}: {told}{frames.hint(broadcast)}")
    return made


def _wanted(items: Sequence[Item]) -> dict[str, list[_Needed]]:
    """Sort what is shown by broadcast and frame."""
    whole = {(shown.broadcast, shown.frame) for item in items for shown in item.shown}
    faces: dict[tuple[str, int], set[Face]] = defaultdict(set)
    for face in (face for item in items for strip in item.strips for face in strip):
        faces[face.broadcast, face.frame].add(face)
    places = sorted(whole | faces.keys())
    return {
        broadcast: [
            _Needed(frame, (broadcast, frame) in whole, sorted(faces.get((broadcast, frame), ())))
            for _, frame in group
        ]
        for broadcast, group in groupby(places, key=lambda place: place[0])
    }


def _show(data: bytes, broadcast: str, needed: _Needed, made: _Pictures) -> None:
    faces = [(face.box, FACE_PX) for face in needed.faces]
    frame = pictures.decode_frame(data, None if needed.whole else faces)
    for face in needed.faces:
        made.faces[face] = _uri(pictures.cut_face(frame, face.box, FACE_PX))
    if needed.whole:
        full = frame.width, frame.height
        frame.image.thumbnail((_FRAME_PX, _FRAME_PX), Image.Resampling.LANCZOS)
        made.frames[broadcast, needed.frame] = _Picture(
            _uri(frame.image), *frame.image.size, *full, 0.05 * min(full)
        )


def _uri(picture: Image.Image) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(pictures.encode(picture, _QUALITY)).decode()}"


@cache
def _no_picture() -> _Picture:
    return _Picture(_uri(pictures.placeholder(FACE_PX)), FACE_PX, FACE_PX, FACE_PX, FACE_PX, 0)


# ---- the page --------------------------------------------------------------------------------------------


def _write_page(page: Path, sample: Sample, made: _Pictures) -> None:
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    by_kind = {kind: [item for item in sample.items if item.kind == kind] for kind in KINDS}
    theme.render(
        page,
        "accuracy.html.j2",
        facts=sample.facts,
        sections=[
            {
                "kind": kind,
                "title": KINDS[kind].title,
                "how": KINDS[kind].how,
                "entries": [_entry(item, sample.names, made) for item in found],
            }
            for kind, found in by_kind.items()
            if found
        ],
        n_questions=sum(len(questions(item.written())) for item in sample.items),
        minutes=sum(_SECONDS[item.kind] for item in sample.items) / 60,
        face_px=FACE_PX,
        policy=f"sha256-{digest}",
        script=Markup(script),  # noqa: S704 (our own)
    )


def _entry(item: Item, names: Sequence[str], made: _Pictures) -> Facts:
    return {
        "id": item.id,
        "told": names[item.people[0]] if item.kind in ("face", "person") else "",
        "frames": [_frame(shown, made) for shown in item.shown],
        "strips": list(_strips(item, names, made)),
        "questions": [_question(each) for each in questions(item.written())],
    }


def _frame(shown: Shown, made: _Pictures) -> Facts:
    picture = made.frames.get((shown.broadcast, shown.frame))
    boxes = [] if picture is None else [_box(face, mark, picture) for face, mark in shown.boxes]
    told = f"{shown.broadcast}, frame {shown.frame}"
    return {"picture": picture or _no_picture(), "boxes": boxes, "told": told}


def _box(face: Face, mark: str, picture: _Picture) -> Mapping[str, Any]:
    top, right, bottom, left = face.box
    above = top - 0.3 * picture.font_size
    inside = max(top, 0) + 1.1 * picture.font_size
    return {
        "x": left,
        "y": top,
        "width": max(right - left, 0),
        "height": max(bottom - top, 0),
        "mark": mark,
        "text_x": max(left, 0) + 0.1 * picture.font_size,
        "text_y": f"{above if above > picture.font_size else inside:.1f}",
    }


def _strips(item: Item, names: Sequence[str], made: _Pictures) -> Iterator[Facts]:
    """Name the faces that are shown side by side: what is asked for, then the people by their marks."""
    marks = {"pair": "AB", "edge": "AB", "noise": "\N{BULLET}123"}.get(item.kind, " ")
    people = (None, *item.people) if item.kind == "noise" else item.people
    for mark, person, strip in zip(marks, people, item.strips, strict=False):
        name = "the face" if person is None else "" if mark == " " else f"{mark}: {names[person]}"
        faces = [
            {
                "uri": made.faces.get(face) or _no_picture().uri,
                "told": f"{face.broadcast}, frame {face.frame}",
            }
            for face in strip
        ]
        yield {"name": name, "faces": faces, "first": mark == " "}


def _question(question: Question) -> Facts:
    few = len(question.allowed) <= _MOST_BUTTONS and question.allowed
    choices = [*question.allowed.items(), (UNSURE, "cannot tell")] if few else []
    return {"id": question.id, "text": question.text, "choices": choices, "told": question.told()}
