"""The server of the explorer: what is in its folder, and frames of its run."""

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from starlette.types import ASGIApp
from tests.asgi import Answer, ask
from tests.cast import CLUSTERING, ONE, TWO, box, identified, made

from castgraph.base import tables
from castgraph.pages.server.explore import Pictures, explorer
from castgraph.pages.server.frames import OpenFrames

HOST = "127.0.0.1:8000"
CAST = {ONE: [[0, 1], [0], [1, 2], []], TWO: [[2, 0], [1]]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that no test changes."""
    home = tmp_path_factory.mktemp("finished")
    folder = made(home, CAST) / CLUSTERING / "explorer"
    (folder / "data").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><html><head></head><body></body></html>")
    (folder / "data" / "people.js").write_text("CG.put()")
    return home


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path / "results" / "made-up"


class Server:
    """A server, and its page."""

    def __init__(self, run: Path) -> None:
        self.app: ASGIApp
        self.pictures = Pictures(run, CLUSTERING)
        self.app, self.path = explorer(self.pictures, 8000)

    def get(self, path: str) -> Answer:
        return ask(self.app, "GET", self.path + path, {"Host": HOST})

    def picture(self, path: str) -> np.ndarray:
        found = self.get(path)
        assert (found.status, found.headers["content-type"]) == (200, "image/jpeg"), found.body
        with Image.open(io.BytesIO(found.body)) as image:
            return np.asarray(image.convert("L")).astype(int)


def stripes(picture: np.ndarray, place: int) -> float:
    """How much the pixels of a face differ from their neighbours: much, unless it is blurred."""
    top, right, bottom, left = box(place)
    return float(np.abs(np.diff(picture[top + 5 : bottom - 5, left + 5 : right - 5], axis=1)).mean())


def ids(run: Path) -> dict[int, str]:
    """The IDs by who it is, whose first faces are in the first frames."""
    members = tables.read(run / CLUSTERING / "members.parquet", tables.MEMBERS).to_pylist()
    faces = [who for frames in CAST.values() for shown in frames for who in shown]
    return {who: row["person_id"] for who, row in zip(faces, members, strict=True)}


def test_the_page_knows_where_frames_are(run: Path) -> None:
    server = Server(run)
    page = server.get("")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    [address] = re.findall(
        r'<head><meta name="castgraph-frames" content="([^"]+)"></head>', page.body.decode()
    )
    assert address == f"{server.path}frame"
    assert server.get("data/people.js").body == b"CG.put()"
    assert ask(server.app, "GET", f"{address}/0/1.jpg", {"Host": HOST}).status == 200
    (run / CLUSTERING / "explorer" / "data" / "new.js").write_text("CG.new()")
    assert server.get("data/new.js").status == 404  # until the page is loaded again
    server.get("index.html")
    assert server.get("data/new.js").status == 200


def test_who_does_not_know_the_address_gets_nothing(run: Path) -> None:
    server = Server(run)
    for path in ("/", "/index.html", "/frame/0/1.jpg", "/x/", "/x/frame/0/1.jpg", f"{server.path[:-2]}/"):
        found = ask(server.app, "GET", path, {"Host": HOST})
        assert found.status == 404
        assert b"castgraph-frames" not in found.body
    assert ask(server.app, "GET", server.path, {"Host": "evil.example"}).status == 421
    assert ask(server.app, "POST", server.path, {"Host": HOST, "Origin": f"http://{HOST}"}).status == 403


HOSTILE = [
    *(
        "frame/2/1.jpg",
        "frame/-1/1.jpg",
        "frame/0/0.jpg",
        "frame/0/-1.jpg",
        "frame/0/1e1.jpg",
        "frame/0/99.jpg",
    ),
    *("frame/0/999999999999999999999.jpg", f"frame/0/{'9' * 5000}.jpg", f"frame/{'9' * 5000}/1.jpg"),
    *("frame/0/１.jpg", "frame/../0/1.jpg", "frame/0/../../../secret.jpg", "frame/0/1.png"),
    *("frame/0/1.jpg?width=0", "frame/0/1.jpg?width=100000", "frame/0/1.jpg?width=640.5"),
    *(f"frame/0/1.jpg?width={'9' * 5000}", "../config.yaml"),
]


def test_hostile_addresses(run: Path) -> None:
    server = Server(run)
    assert {path: server.get(path).status for path in HOSTILE} == dict.fromkeys(HOSTILE, 404)
    assert server.get(f"frame/0/1.jpg?people={'K7Q2,' * 1000}").status == 200


def test_frames_and_their_width(run: Path) -> None:
    server = Server(run)
    assert server.picture("frame/0/1.jpg").shape == (360, 640)
    assert server.picture("frame/1/2.jpg?width=320").shape == (180, 320)
    # Broadcasts are numbered as in the explorer: by their start.
    assert stripes(server.picture("frame/0/3.jpg"), 1) > 20
    assert server.picture("frame/0/4.jpg").max() < 10


def test_who_is_ignored_is_blurred_whatever_is_asked(run: Path, tmp_path: Path) -> None:
    server, people = Server(run), ids(run)
    assert stripes(server.picture("frame/0/1.jpg"), 1) > 20
    x, y = (box(1)[1] + box(1)[3]) / 2, (box(1)[0] + box(1)[2]) / 2
    block = [{"ignore": {"broadcast": ONE, "frame": 1, "at": [x, y]}, "reason": "a child"}]
    (tmp_path / "corrections.yaml").write_text(yaml.safe_dump(block))
    identified(run, tmp_path / "corrections.yaml")
    for query in ("", f"?people={people[1]}", f"?people={','.join(people.values())}"):
        # The server that runs already sees it.
        picture = server.picture(f"frame/0/1.jpg{query}")
        assert stripes(picture, 0) > 20
        assert stripes(picture, 1) < 5


def configured(run: Path, **keys: str) -> None:
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["explorer"] |= keys
    path.write_text(yaml.safe_dump(config))


def test_others_are_blurred_where_the_explorer_has_it_so(run: Path) -> None:
    configured(run, blur="others")
    server, people = Server(run), ids(run)
    for query, clear in (
        ("", set()),
        (f"?people={people[0]}", {0}),
        (f"?people={people[2]}", set()),  # who is elsewhere
        (f"?people={people[0]},{people[1]}", {0, 1}),
        ("?people=*", set()),
        ("?people=,,", set()),
        (f"?people={people[0].lower()}", set()),
    ):
        picture = server.picture(f"frame/0/1.jpg{query}")
        assert {place for place in (0, 1) if stripes(picture, place) > 20} == clear, query


def test_who_is_not_in_the_explorer_is_not_shown_by_asking(run: Path, tmp_path: Path) -> None:
    """With only named people in it, others are blurred whoever asks for them."""
    block = {"person": {"broadcast": ONE, "frame": 2, "at": [50, 130]}, "name": "Ann", "source": "caption"}
    (tmp_path / "corrections.yaml").write_text(yaml.safe_dump([block]))
    identified(run, tmp_path / "corrections.yaml")
    configured(run, blur="others", people="named")
    server, people = Server(run), ids(run)
    picture = server.picture(f"frame/0/1.jpg?people={people[0]},{people[1]}")
    assert stripes(picture, 0) > 20
    assert stripes(picture, 1) < 5


def test_frames_that_cannot_be_had(run: Path, tmp_path: Path) -> None:
    server = Server(run)
    path = tmp_path / "resources" / "zips" / "gdelt" / f"{TWO}.zip"
    kept = path.read_bytes()
    for content, reason in ((None, "is not there"), (kept[:100], "not a zip file")):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        found = server.get("frame/1/1.jpg")
        assert (found.status, found.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert reason in found.body.decode()
    path.write_bytes(kept)
    assert server.get("frame/1/1.jpg").status == 200
    assert server.get("frame/1/9.jpg").status == 404


def test_a_run_that_is_made_again_shows_nothing_meanwhile(run: Path) -> None:
    server = Server(run)
    (run / CLUSTERING / "members.parquet").unlink()
    found = server.get("frame/0/1.jpg")
    assert (found.status, found.body) == (404, b"the run is being made again\n")


def test_only_some_zips_are_open_at_a_time(run: Path) -> None:
    frames = OpenFrames(run, most=1)
    one, two = frames.read(ONE, 1), frames.read(TWO, 1)
    assert one != two
    assert frames.read(ONE, 1) == one
    assert len(frames._open) == 1
    frames.close()


def test_a_run_without_an_explorer(run: Path) -> None:
    shutil.rmtree(run / CLUSTERING / "explorer")
    with pytest.raises(FileNotFoundError, match=r"explorer/index.html; run it again"):
        Pictures(run, CLUSTERING)
