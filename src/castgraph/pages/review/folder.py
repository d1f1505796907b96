"""The page of a review that needs no server: a folder with questions, faces and frames in it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from castgraph.base import files
from castgraph.base.text import counted
from castgraph.pages.explorer.columns import script_json
from castgraph.pages.review import pictures
from castgraph.pages.review.desk import Desk, RefusedError
from castgraph.pages.review.page import ASSETS, asset, page
from castgraph.pages.review.results import Results
from castgraph.pages.server.frames import OpenFrames
from castgraph.people.pictures import PictureError

MOST = 200
"""Questions, unless somebody wants more: each brings a dozen faces."""

_MOST_PEOPLE = 1_000
_FACE_PX, _FRAME_PX = 192, 640


class FolderAddresses:
    """Where a folder has its pictures; which of them are asked for is remembered."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self.faces: dict[str, int] = {}
        self.frames_of: dict[str, int] = {}

    def crop(self, row: int) -> str:
        """Give the address of a face."""
        return self._noted(self.faces, "faces", row)

    def frames(self, broadcast: int) -> None:
        """Give none: not all frames come along."""

    def picture(self, row: int) -> str:
        """Give the address of the frame of a face."""
        return self._noted(self.frames_of, "frames", row)

    def more(self, row: int, part: int | None) -> None:
        """Give none."""

    def _noted(self, noted: dict[str, int], folder: str, row: int) -> str:
        places = self._results.places
        address = f"{folder}/{places.broadcast[row]}-{places.face[row]}.jpg"
        noted[address] = row
        return address


def write_review(
    folder: Path, run: Path, clustering: str, path: Path, *, most: int = MOST, by: str = "", command: str
) -> list[str]:
    """Write the page of a review into a folder.

    Parameters
    ----------
    folder
        A folder that is not there yet, or has nothing in it.
    run, clustering, path, by
        As for `castgraph.pages.review.desk.Desk`.
    most
        Questions, the first ones.
    command
        How the run is run again.

    Returns
    -------
    list of str
        What could not be shown, and why.

    Raises
    ------
    ValueError
        When there is something in the folder; else as `Desk`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there already; name another folder")
    made: list[FolderAddresses] = []

    def addresses(results: Results) -> FolderAddresses:
        made.append(FolderAddresses(results))
        return made[-1]

    desk = Desk(run, clustering, path, addresses, by, whole=True)
    facts = {
        "static": True,
        "command": command,
        "named_by_run": True,
        "hint": "",
        "undo": None,
        "bring": bring_in(run),
    }
    document = desk.document(most, facts)
    for question in document["questions"]:
        question["effect"] = _effect(desk, question)
    document["people"] = desk.people(0, _MOST_PEOPLE)["people"]
    document["etag"] = None
    with files.atomic_directory(folder) as part:
        missing = _write_pictures(part, run, desk, made[-1])
        for holder, key in _addresses(document):
            if holder[key] in missing:
                holder["why"], holder[key] = missing[holder[key]], None
        for name in ASSETS:
            (part / name).write_bytes(asset(name))
        (part / "questions.js").write_text(f"CG.review({script_json(document)});\n", encoding="utf-8")
        (part / "index.html").write_text(page(run.name, is_served=False), encoding="utf-8")
    if not missing:
        return []
    return [f"{counted(len(missing), 'picture')} cannot be shown: {next(iter(missing.values()))}"]


def bring_in(run: Path) -> str:
    """Give the command that brings in what the page saves."""
    return (
        f"uv run castgraph people add {shlex.quote(str(run))} {shlex.quote(f'corrections-{run.name}.yaml')}"
    )


def _effect(desk: Desk, question: dict[str, Any]) -> dict[str, Any] | None:
    """Tell what the answer yes would change; None where there is none, or it would be asked about."""
    yes = question["answers"].get("yes")
    if not yes:
        return None
    try:
        found: dict[str, Any] = desk.effect({"decisions": yes})["effect"]
    except RefusedError:
        return None
    return found


def _addresses(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Go through all addresses of pictures."""
    for question in document["questions"]:
        for row in question["rows"]:
            for face in row["faces"]:
                yield face, "crop"
                yield face, "picture"
    for person in document["people"]:
        yield person, "portrait"


def _write_pictures(folder: Path, run: Path, desk: Desk, addresses: FolderAddresses) -> dict[str, str]:
    """Write all pictures; give the addresses of those that cannot be had, and why."""
    frames, (results, why) = OpenFrames(run), desk.shown()
    places = results.places
    missing: dict[str, str] = {}

    def write(address: str, make: Callable[[], bytes]) -> None:
        try:
            jpeg = make()
        except (LookupError, PictureError) as error:
            missing[address] = str(error.args[0])
            return
        path = folder / address
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg)

    try:
        for address, row in sorted(addresses.faces.items(), key=lambda each: each[1]):
            of, face = int(places.broadcast[row]), int(places.face[row])
            write(address, lambda: pictures.cut_face(frames, results, why, of, face, _FACE_PX))  # noqa: B023
        for address, row in sorted(addresses.frames_of.items(), key=lambda each: each[1]):
            of, frame = int(places.broadcast[row]), int(places.frame[row])
            write(address, lambda: pictures.cut_whole(frames, results, why, of, frame, _FRAME_PX))  # noqa: B023
    finally:
        frames.close()
    return missing
