"""The server of a review: the page, the API that it asks and answers by, and pictures of faces and frames."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from castgraph.archive.media.zips import MAX_FRAME_NUMBER
from castgraph.pages.review import pictures
from castgraph.pages.review.desk import Desk, RefusedError
from castgraph.pages.review.page import ASSETS, SERVED_POLICY, asset, page
from castgraph.pages.review.results import Results
from castgraph.pages.server import files
from castgraph.pages.server.frames import OpenFrames, number
from castgraph.pages.server.guard import Guard, is_secret, secret
from castgraph.pages.server.serving import serve
from castgraph.pages.server.workflow import Workflow, by_hand
from castgraph.people.pictures import PictureError
from castgraph.run.corrections import clustering_of, file_of

_QUESTIONS, _PEOPLE = 40, 500  # at a time, unless the page says
_MOST = 10**6  # that a page can skip


class ServedAddresses:
    """Where a server has its pictures: under a path that nobody can guess."""

    def __init__(self, key: str, results: Results) -> None:
        self._key, self._results = key, results

    def crop(self, row: int) -> str:
        """Give the address of a face."""
        places = self._results.places
        return f"pictures/{self._key}/crop/{places.broadcast[row]}/{places.face[row]}.jpg"

    def frames(self, broadcast: int) -> str:
        """Give that of the frames of a broadcast."""
        return f"pictures/{self._key}/frame/{broadcast}/{{frame}}.jpg"

    def picture(self, row: int) -> None:
        """Give none: any frame can be had."""

    def more(self, row: int, part: int | None) -> str:
        """Give that of more faces of a person, or of a part of one."""
        asked = dict(zip(("broadcast", "face"), self._face(row), strict=True))
        if part is not None:
            asked |= dict(zip(("other_broadcast", "other_face"), self._face(part), strict=True))
        return f"/api/faces?{urlencode(asked)}"

    def _face(self, row: int) -> tuple[str, int]:
        places = self._results.places
        return places.broadcasts[places.broadcast[row]], int(places.face[row])


def review(
    run: Path,
    clustering: str = "",
    path: Path | None = None,
    *,
    say: Callable[[str], None],
    by: str = "",
    port: int = 0,
    browser: bool = True,
) -> None:
    """Serve the review of a clustering until interrupted.

    Parameters
    ----------
    run
        The results of the run.
    clustering
        As for `castgraph.run.corrections.clustering_of`.
    path
        The file of corrections; by default that of the run.
    by
        Who decides.
    say, port, browser
        As for `castgraph.pages.server.serving.serve`.

    Raises
    ------
    CorrectionsError, FileNotFoundError, ValueError, OSError
        When the file has faults, the run is not finished or names no file, or the port is taken.
    """
    found = Review(run, clustering_of(run, clustering), path, by)
    try:
        serve(found.served, say, port=port, browser=browser)
    finally:
        if log := found.log_of_run():
            say(f"the run goes on; its log: {log}")
        found.close()


def corrections_file(run: Path, given: Path | None) -> Path:
    """Tell the file of corrections: the one that is given, else that of the run.

    Raises
    ------
    ValueError
        When there is neither.
    """
    path = given or file_of(run)
    if path is None:
        raise ValueError(
            f"{run}: the configuration names no file of corrections; write people.corrections into it, or "
            "name a file with --corrections"
        )
    return path


class Review:
    """A review of a clustering, and what its page asks for.

    Parameters are those of `review`; `workflow` is what is run again, see
    `castgraph.pages.server.workflow.Workflow`.
    """

    def __init__(
        self,
        run: Path,
        clustering: str,
        path: Path | None = None,
        by: str = "",
        workflow: Workflow | None = None,
    ) -> None:
        self._key, self._run = secret(), run
        path = corrections_file(run, path)
        self._desk = Desk(run, clustering, path, partial(ServedAddresses, self._key), by)
        self._frames = OpenFrames(run)
        self._workflow = workflow or Workflow(run)
        self._port = 0

    def close(self) -> None:
        """Close what is open."""
        self._frames.close()

    def log_of_run(self) -> Path | None:
        """Give the log of the run that was started and is at work; None for none."""
        return self._workflow.log if self._workflow.state()["state"] == "running" else None

    def served(self, port: int, token: str = "") -> tuple[ASGIApp, str]:
        """Make the application, and give the path of its page."""
        token = token or secret()
        self._port = port
        calls: dict[str, tuple[str, Callable[[Request], Response]]] = {
            "/api/review": ("GET", self._begin),
            "/api/questions": ("GET", self._questions),
            "/api/people": ("GET", self._people),
            "/api/faces": ("GET", self._faces),
            "/api/decide": ("POST", self._decide),
            "/api/effect": ("POST", self._effect),
            "/api/undo": ("POST", self._undo),
            "/pictures/{key}/crop/{broadcast}/{face}.jpg": ("GET", self._crop),
            "/pictures/{key}/frame/{broadcast}/{frame}.jpg": ("GET", self._frame),
            "/": ("GET", self._page),
            "/{name}": ("GET", self._asset),
        }
        routes = [
            Route(path, partial(_told, call), methods=[method]) for path, (method, call) in calls.items()
        ]
        routes.insert(0, Route("/api/run", partial(_told, self._run_again), methods=["GET", "POST"]))
        pages = Starlette(routes=routes)
        pages.router.redirect_slashes = False
        return Guard(pages, port, token, SERVED_POLICY), f"/#token={token}"

    # ---- the page ----------------------------------------------------------------------------------------

    def _page(self, request: Request) -> Response:
        return Response(page(self._run.name, is_served=True), media_type="text/html")

    def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return files.not_found("no such file")
        return Response(asset(name), headers={"Content-Type": files.TYPES[Path(name).suffix]})

    # ---- what it asks ------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> Response:
        most = _number(request, "most", _QUESTIONS)
        hint = self._hint()
        facts = {
            "static": False,
            "command": by_hand(self._run),
            # On its port, so that a page that is open finds it again.
            "start": f"uv run castgraph review {shlex.quote(str(self._run))} --port {self._port}",
            "named_by_run": not hint,
            "hint": hint,
        }
        return _with_etag(self._desk.document(most, facts))

    def _questions(self, request: Request) -> Response:
        skip, most = _number(request, "skip", 0), _number(request, "most", _QUESTIONS)
        return _with_etag(self._desk.questions(skip, most, request.query_params.get("kind", "")))

    def _people(self, request: Request) -> Response:
        skip, most = _number(request, "skip", 0), _number(request, "most", _PEOPLE)
        return _with_etag(self._desk.people(skip, most, request.query_params.get("show", "all")))

    def _faces(self, request: Request) -> Response:
        asked = request.query_params
        other = None
        if "other_broadcast" in asked:
            other = asked["other_broadcast"], _number(request, "other_face", 0, MAX_FRAME_NUMBER)
        face = _number(request, "face", 0, MAX_FRAME_NUMBER)
        found = self._desk.faces(asked.get("broadcast", ""), face, other, _number(request, "skip", 0))
        return JSONResponse(found)

    def _decide(self, request: Request) -> Response:
        return _with_etag(self._desk.decide(_body(request), request.headers.get("if-match")))

    def _effect(self, request: Request) -> Response:
        return JSONResponse(self._desk.effect(_body(request)))

    def _undo(self, request: Request) -> Response:
        return _with_etag(self._desk.undo(request.headers.get("if-match"), _body(request)))

    def _run_again(self, request: Request) -> Response:
        if request.method == "POST":
            if hint := self._hint():
                raise RefusedError(HTTPStatus.CONFLICT, error=hint)
            if not self._workflow.start():
                raise RefusedError(HTTPStatus.CONFLICT, error="the run is at work")
        found = {"command": by_hand(self._run), "changed": self._desk.is_outdated()}
        return JSONResponse(self._workflow.state() | found)

    def _hint(self) -> str:
        """Say what is to be done for the run to take the file of corrections; empty for nothing."""
        named, path = file_of(self._run), self._desk.path
        if named is not None and named.resolve() == path.resolve():
            return ""
        return (
            f"{self._run / 'config.yaml'} does not name {path}: write it into people.corrections of the "
            "configuration of the run, and run that"
        )

    # ---- pictures ----------------------------------------------------------------------------------------

    def _crop(self, request: Request) -> Response:
        return self._picture(request, "face", "size", pictures.SIZES, pictures.cut_face)

    def _frame(self, request: Request) -> Response:
        return self._picture(request, "frame", "width", pictures.WIDTHS, pictures.cut_whole)

    def _picture(
        self,
        request: Request,
        what: str,
        measure: str,
        pixels: tuple[int, int, int],
        cut: Callable[..., bytes],
    ) -> Response:
        if not is_secret(request.path_params["key"], self._key):
            return files.not_found("open the address that the command has printed")
        results, why = self._desk.shown()
        least, usual, most = pixels
        given = request.query_params.get(measure, "")
        broadcast = number(request.path_params["broadcast"], 0, len(results.places.broadcasts) - 1)
        which = number(request.path_params[what], 0, MAX_FRAME_NUMBER)
        size = number(given, least, most) if given else usual
        if broadcast is None or which is None or size is None:
            return files.not_found(f"no such {what}, or a {measure} that is not between {least} and {most}")
        try:
            jpeg = cut(self._frames, results, why, broadcast, which, size)
        except (LookupError, PictureError) as error:
            return files.not_found(str(error.args[0]))
        return Response(jpeg, media_type="image/jpeg")


def _told(call: Callable[[Request], Response], request: Request) -> Response:
    """Answer a request, or say why not."""
    try:
        return call(request)
    except RefusedError as error:
        return JSONResponse(error.told, error.status.value)


def _with_etag(found: dict[str, Any]) -> Response:
    return JSONResponse(found, headers={"ETag": f'"{found["etag"]}"'})


def _number(request: Request, name: str, usual: int, most: int = _MOST) -> int:
    given = request.query_params.get(name, "")
    found = number(given, 0, most) if given else usual
    if found is None:
        raise RefusedError(
            HTTPStatus.UNPROCESSABLE_ENTITY, error=f"{name}: allowed: a whole number up to {most}"
        )
    return found


def _body(request: Request) -> Any:
    """Read the JSON that a request has; the guard has read it already."""
    try:
        return json.loads(request.state.body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error="what was sent is no JSON") from error
