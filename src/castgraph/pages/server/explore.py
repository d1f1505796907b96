"""The server of the explorer: its folder, read-only, and any frame of its run, cut out of the ZIPs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from castgraph.archive.media.zips import MAX_FRAME_NUMBER
from castgraph.base import tables
from castgraph.pages.explorer.data import in_order, people_shown
from castgraph.pages.explorer.evidence import Blur, cut_frame, faces_in, to_blur
from castgraph.pages.server import files
from castgraph.pages.server.frames import OpenFrames, number
from castgraph.pages.server.guard import Guard, is_secret, secret
from castgraph.pages.server.serving import serve
from castgraph.people.pictures import PictureError
from castgraph.people.places import Places, read_places
from castgraph.run import config as configuration
from castgraph.run.corrections import clustering_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

WIDTHS = (64, 640, 1920)
"""Least, usual and most pixels of the width of a frame."""

_MOST_PEOPLE = 20  # that a picture may be about
_INDEX = "index.html"
_PRESENT = '<meta name="castgraph-frames" content="{}">'


def explore(
    run: Path,
    clustering: str = "",
    *,
    say: Callable[[str], None],
    port: int = 0,
    browser: bool = True,
) -> None:
    """Serve the explorer of a clustering until interrupted.

    Parameters
    ----------
    run
        The results of the run.
    clustering
        As for `castgraph.run.corrections.clustering_of`.
    say, port, browser
        As for `castgraph.pages.server.serving.serve`.

    Raises
    ------
    FileNotFoundError, ValueError, OSError
        When the clustering has no explorer, tables do not fit each other, or the port is taken.
    """
    pictures = Pictures(run, clustering_of(run, clustering))
    try:
        serve(lambda at: explorer(pictures, at), say, port=port, browser=browser)
    finally:
        pictures.close()


def explorer(pictures: Pictures, port: int) -> tuple[ASGIApp, str]:
    """Make the application, and give the path of its page.

    All of it lies under a path that nobody can guess: who has an account on the machine can connect, too.
    """
    key = secret()
    there = files.listed(pictures.folder)

    def file(request: Request) -> Response:
        nonlocal there
        name = request.path_params["name"] or _INDEX
        if not is_secret(request.path_params["key"], key):
            return files.not_found("open the address that the command has printed")
        if name != _INDEX:
            return files.answer(there, name)
        there = files.listed(pictures.folder)  # a run may have made it again
        page = files.answer(there, _INDEX)
        head, found, rest = bytes(page.body).partition(b"</head>")
        meta = _PRESENT.format(f"/{key}/frame").encode()
        return Response(head + meta + found + rest, page.status_code, media_type="text/html")

    def frame(request: Request) -> Response:
        if not is_secret(request.path_params["key"], key):
            return files.not_found("open the address that the command has printed")
        asked = request.query_params
        try:
            people = [each for each in asked.get("people", "").split(",") if each][:_MOST_PEOPLE]
            jpeg = pictures.cut(
                request.path_params["broadcast"], request.path_params["frame"], people, asked.get("width", "")
            )
        except (LookupError, PictureError) as error:
            return files.not_found(str(error.args[0]))
        return Response(jpeg, media_type="image/jpeg")

    def no_icon(request: Request) -> Response:
        return Response(status_code=204)

    routes = [
        Route("/favicon.ico", no_icon),
        Route("/{key}/frame/{broadcast}/{frame}.jpg", frame),
        Route("/{key}/{name:path}", file),
    ]
    pages = Starlette(routes=routes)
    pages.router.redirect_slashes = False
    return Guard(pages, port, secret(), POLICY), f"/{key}/"


class _Run(NamedTuple):
    """What is known of a run, and the tables that it was read from, as they were."""

    broadcasts: list[str]
    places: Places
    members: tables.Members
    shown: dict[str, int]  # person_id → number in `members`
    blur: Blur
    state: tuple[int, ...]


class Pictures:
    """Pictures of the frames of a clustering, in which faces are blurred as the explorer has it.

    Parameters
    ----------
    run
        The results of the run.
    clustering
        The name of its folder.

    Raises
    ------
    FileNotFoundError, ValueError, OSError
        When it has no explorer, or tables do not fit each other.
    """

    def __init__(self, run: Path, clustering: str) -> None:
        self._run, self._clustering = run, run / clustering
        self.folder = self._clustering / "explorer"
        if not (self.folder / _INDEX).is_file():
            raise FileNotFoundError(
                f"no {self.folder / _INDEX}; run it again, with explorer.enabled in its configuration"
            )
        self._frames = OpenFrames(run)
        self._known = self._read()

    def cut(self, broadcast: str, frame: str, people: list[str], width: str) -> bytes:
        """Make a picture of a frame.

        Parameters
        ----------
        broadcast, frame, width
            Numbers, as a request has them: of the broadcast in the explorer, of the frame, and of pixels;
            the width may be empty.
        people
            Whom the picture is about; others are blurred where `explorer.blur` says so.

        Returns
        -------
        bytes
            A JPEG.

        Raises
        ------
        LookupError
            When there is no such frame, or it cannot be had.
        PictureError
            When it cannot be read.
        """
        try:
            if self._known.state != self._state():  # the run was run again: perhaps somebody is left out now
                self._known = self._read()
        except (OSError, ValueError) as error:
            raise LookupError("the run is being made again") from error
        known = self._known
        which = number(broadcast, 0, len(known.broadcasts) - 1)
        at = number(frame, 1, MAX_FRAME_NUMBER)
        least, usual, most = WIDTHS
        pixels = number(width, least, most) if width else usual
        if which is None or at is None or pixels is None:
            raise LookupError(
                f"allowed: broadcasts 0 to {len(known.broadcasts) - 1}, frames from 1, "
                f"widths {least} to {most}"
            )
        name = known.broadcasts[which]
        data = self._frames.read(name, at)
        about = [known.shown[each] for each in people if each in known.shown]
        rows = faces_in(known.places, name, at)
        blurred = to_blur(known.places.boxes, known.members, rows, about, known.blur)
        return cut_frame(data, blurred, pixels).jpeg

    def close(self) -> None:
        """Close what is open."""
        self._frames.close()

    def _tables(self) -> list[Path]:
        here = self._clustering
        return [self._run / "faces.parquet", here / "members.parquet", here / "people.parquet"]

    def _state(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in self._tables())

    def _read(self) -> _Run:
        state = self._state()
        faces, members, people = self._tables()
        path = self._run / "config.yaml"
        try:
            config = configuration.load(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
        except (OSError, configuration.ConfigError, yaml.YAMLError) as error:
            raise ValueError(f"{path}, which tells who is blurred, cannot be used: {error}") from error
        columns = ["person_id", "name_from", "screen_seconds"]
        everybody = tables.read(people, tables.PEOPLE, columns)
        found = tables.read_members(members, faces, everybody["person_id"].to_pylist())
        only_named = config["explorer"]["people"] == "named"
        shown = people_shown(everybody, config["people"]["min_seconds"], only_named=only_named)
        ids = set(shown["person_id"].to_pylist())
        broadcasts = tables.read(self._run / "broadcasts.parquet", tables.BROADCASTS, ["broadcast", "start"])
        return _Run(
            in_order(broadcasts)["broadcast"].to_pylist(),
            read_places(faces),
            found,
            {name: place for place, name in enumerate(found.ids) if name in ids},
            config["explorer"]["blur"],
            state,
        )
