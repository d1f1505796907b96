"""The server of a review: other hands on its file, requests that cannot be, and runs that lack something."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from tests.asgi import ask
from tests.cast import CLUSTERING, ONE, made, suggested
from tests.unit.pages.review.conftest import CAST, HOST, Open, Tab, label

from castgraph.base import tables
from castgraph.pages.server.review import Review, corrections_file
from castgraph.pages.server.workflow import Workflow, command
from castgraph.people.corrections import CorrectionsError, read_corrections
from castgraph.run import ledger, reviewed

FILE = Path("corrections.yaml")
HOSTILE = '</script><img src=x onerror="alert(1)">'


def anchor(tab: Tab, place: int = 0) -> dict[str, Any]:
    return tab.get("/api/people").json()["people"][place]["anchor"]


def named(where: dict[str, Any], name: str = "Ann") -> dict[str, Any]:
    return {"person": where, "name": name, "source": "caption"}


# ---- other hands -----------------------------------------------------------------------------------------


def test_two_tabs(tab: Tab, open_tab: Open) -> None:
    """The second is told what the first has decided; then it can go on."""
    other = open_tab()
    question = tab.questions("same")[0]
    tab.answer(question, "yes")
    late = other.decide(named(anchor(other)))
    assert late.status == 412
    told = late.json()
    assert (len(told["came"]), told["went"], told["etag"]) == (1, [], tab.etag)
    assert yaml.safe_load(told["came"][0])[0]["same"]
    assert len(read_corrections(FILE)) == 1
    assert question["id"] not in {each["id"] for each in other.reload()["questions"]}
    assert other.decide(named(anchor(other))).status == 200
    assert tab.undo().status == 412


def test_an_edit_by_hand_in_between(tab: Tab) -> None:
    FILE.write_text("# Ours.\n")
    tab.reload()
    tab.decide(named(anchor(tab)))
    written = FILE.read_text()
    FILE.write_text(f"{written}\n# By hand.\n- ignore: {json.dumps(anchor(tab, 1))}\n  reason: asked\n")
    found = tab.decide({"ignore": anchor(tab, 2), "reason": "x"})
    assert found.status == 412
    assert ["ignore" in each for each in found.json()["came"]] == [True]
    FILE.write_text(written.replace("Ann", "Ann Example"))
    found = tab.decide({"ignore": anchor(tab, 2), "reason": "x"}).json()
    assert ("Ann Example" in found["came"][0], "Ann Example" in found["went"][0]) == (True, False)
    tab.reload()
    assert tab.decide({"ignore": anchor(tab, 2), "reason": "x"}).status == 200
    assert FILE.read_text().startswith("# Ours.\n")


def test_a_state_that_nobody_knows(tab: Tab) -> None:
    tab.decide(named(anchor(tab)))
    found = tab.post("/api/undo", {}, **{"If-Match": '"of yesterday"'})
    assert (found.status, found.json()["came"]) == (412, None)
    headers = {"Host": HOST, "Origin": f"http://{HOST}", "Content-Type": "application/json"}
    headers |= {"X-Castgraph-Token": "of-this-test", "Sec-Fetch-Site": "same-origin"}
    assert ask(tab.app, "POST", "/api/undo", headers, b"{}").status == 428


def test_a_file_that_was_broken_by_hand(tab: Tab, open_tab: Open) -> None:
    """It is told with its line, nothing is written, and it goes on when it is mended."""
    where = anchor(tab)
    tab.decide(named(where))
    good = FILE.read_text()
    FILE.write_text(f"{good}- samee: []\n")
    for found in (tab.get("/api/review"), tab.decide(named(where, "Bob")), tab.undo()):
        assert found.status == 409
        assert "corrections.yaml, line 5" in found.json()["error"]
    assert FILE.read_text() == f"{good}- samee: []\n"
    with pytest.raises(CorrectionsError, match="did you mean same"):
        open_tab()
    FILE.write_text(good)
    assert tab.undo().status == 200


def test_the_opposite_was_decided(tab: Tab) -> None:
    blocks = tab.questions("same")[0]["answers"]
    assert tab.decide(*blocks["no"]).status == 200
    found = tab.decide(*blocks["yes"])
    assert found.status == 409
    assert "line 1: says different of these faces" in found.json()["error"]
    assert [each.kind for each in read_corrections(FILE)] == ["different"]


def test_what_does_not_apply_is_told(tab: Tab) -> None:
    nowhere = {"broadcast": "NTV_19990101_000000", "frame": 1, "at": [1, 1]}
    found = tab.decide({"ignore": nowhere, "reason": "x"}).json()
    assert len(found["effect"]["problems"]) == 1
    assert "no such broadcast in the run" in found["effect"]["problems"][0]
    # Of the next decision it is not told again.
    assert tab.decide(named(anchor(tab))).json()["effect"]["problems"] == []
    assert len(tab.reload()["notes"]) == 1


def test_a_link_in_the_place_of_the_file(tab: Tab, tmp_path: Path) -> None:
    """What it leads to is changed, as with the commands; the link stays."""
    (tmp_path / "kept").mkdir()
    FILE.symlink_to(tmp_path / "kept" / "mine.yaml")
    (tmp_path / "kept" / "mine.yaml").write_text("# mine\n")
    tab.reload()
    assert tab.decide(named(anchor(tab))).status == 200
    assert FILE.is_symlink()
    assert "Ann" in (tmp_path / "kept" / "mine.yaml").read_text()


# ---- requests that cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"decisions": NaN}', "allowed: a list"),
        ([], "allowed: an object"),
        ({"decisions": {}}, "allowed: a list"),
        ({"decisions": []}, "found none"),
        ({"decisions": [1]}, "allowed: an object"),
        ({"decisions": [{}]}, "allowed: one of not_a_face"),
        ({"decisions": [{"same": [], "different": []}]}, "allowed: one of not_a_face"),
        ({"decisions": [{"same": []}]}, "same: found"),
        ({"decisions": [{"same": "K7Q2"}]}, "same: found"),
        ({"decisions": [{"ignore": {"broadcast": "x", "frame": 1, "at": [1, 1]}}]}, "reason: found nothing"),
        (
            {"decisions": [{"ignore": {"broadcast": "x", "frame": 0, "at": [1, 1]}, "reason": "x"}]},
            "ignore.frame",
        ),
        (
            {"decisions": [{"ignore": {"broadcast": "x", "frame": 1e300, "at": [1, 1]}, "reason": "x"}]},
            "ignore.frame",
        ),
        ({"decisions": [{"ignore": {"broadcast": "x", "frame": 1, "at": [1]}, "reason": "x"}]}, "ignore.at"),
        (
            {"decisions": [{"ignore": {"broadcast": "a\nb", "frame": 1, "at": [1, 1]}, "reason": "x"}]},
            "ignore.broadcast",
        ),
        (
            {"decisions": [{"ignore": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "reason": "a\nb"}]},
            "reason: found",
        ),
        (
            {"decisions": [{"ignore": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "reason": "x" * 201}]},
            "reason: found",
        ),
        (
            {"decisions": [{"ignore": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "reason": "\ud800"}]},
            "reason: found",
        ),
        (
            {"decisions": [{"portrait": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "note": "\x1b[31m"}]},
            "note: found",
        ),
        ({"decisions": [{"portrait": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "x": 1}]}, "x: found"),
        ({"decisions": [{"portrait": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "by": 5}]}, "by: found"),
        ({"decisions": [{"portrait": {"broadcast": "x", "frame": 1, "at": [1, 1]}, "on": 5}]}, "on: found"),
        ({"decisions": [{"same": [{"broadcast": "x", "frame": 1, "at": [1, 1]}] * 2}]}, "one face twice"),
        ({"decisions": [{}], "answer": "perhaps"}, "answer: found"),
        ({"decisions": [{}], "answer": []}, "answer: found"),
        ({"decisions": [{}], "path": "/etc/passwd"}, "'path'"),
        ({"decisions": [{}] * 2001}, "at most 2,000"),
        ({"answer": "unsure"}, "only a question"),
    ],
)
def test_what_cannot_be_decided(held: Tab, body: Any, told: str) -> None:
    found = held.post("/api/decide", body)
    assert (found.status, told in found.json()["error"]) == (422, True), found.body
    assert "Traceback" not in found.body.decode()
    assert held.reload()["progress"]["n_decisions"] == 0


@pytest.mark.parametrize("question", ["same:0:0", 5, [], {}, "x" * 10_000])
def test_a_question_that_there_is_not(held: Tab, question: Any) -> None:
    assert held.post("/api/decide", {"question": question, "answer": "unsure"}).status == 409


@pytest.mark.parametrize(
    "path",
    [
        "/api/questions?skip=-1",
        "/api/questions?most=1e3",
        f"/api/people?most={'9' * 5000}",
        "/api/faces?face=x",
        "/api/review?most=x",
    ],
)
def test_numbers_that_are_none(held: Tab, path: str) -> None:
    assert held.get(path).status == 422


@pytest.mark.parametrize(
    "path",
    [
        "/api/faces",
        f"/api/faces?broadcast={ONE}&face=9999",
        f"/api/faces?broadcast={ONE}&face=0&other_broadcast=x&other_face=0",
        "/api/other",
        "/api/../review.js",
        "/review.py",
        "/../corrections.yaml",
        "/corrections.yaml",
        "/web/review.js",
        "/pictures/x/crop/0/0.jpg",
        "/pictures//crop/0/0.jpg",
    ],
)
def test_what_there_is_not(held: Tab, path: str) -> None:
    assert held.get(path).status == 404


def test_pictures_that_there_are_not(tab: Tab) -> None:
    crop = tab.questions()[0]["rows"][0]["faces"][0]["crop"]
    key = "/" + crop.split("/crop/")[0]
    for path in (
        *("/crop/9/0.jpg", "/crop/0/99999.jpg", "/crop/-1/0.jpg", f"/crop/{'9' * 5000}/0.jpg"),
        *("/crop/0/0.jpg?size=95", "/crop/0/0.jpg?size=513", "/crop/../0.jpg", "/crop/0/0.png"),
        *("/frame/0/0.jpg", "/frame/0/99.jpg", "/frame/0/1.jpg?width=5000", "/frame/0/%2e%2e.jpg"),
    ):
        assert tab.get(key + path).status == 404, path
    assert tab.get(f"{key}/crop/0/0.jpg").status == 200


def test_nothing_is_told_without_the_token(tab: Tab) -> None:
    for path in ("review", "questions", "people", "faces", "run"):
        assert ask(tab.app, "GET", f"/api/{path}", {"Host": HOST}).status == 403
    page = ask(tab.app, "GET", "/", {"Host": HOST})
    assert page.status == 200
    assert b"of-this-test" not in page.body
    assert b"<script>" not in page.body
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name, kind in (("review.js", "text/javascript"), ("review.css", "text/css")):
        assert ask(tab.app, "GET", f"/{name}", {"Host": HOST}).headers["content-type"].startswith(kind)


def test_html_in_names_and_titles_stays_text(tab: Tab, open_tab: Open) -> None:
    block = named(anchor(tab), HOSTILE) | {"note": HOSTILE}
    found = tab.decide(block)
    assert found.status == 200
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"
    [kept] = read_corrections(FILE)
    assert (kept.name, kept.note) == (HOSTILE, HOSTILE)
    assert open_tab().get("/api/people?show=named").json()["people"][0]["name"] == HOSTILE


# ---- runs that lack something, and large ones ------------------------------------------------------------


def test_a_run_without_suggestions(run: Path, open_tab: Open) -> None:
    (run / CLUSTERING / "suggestions.parquet").unlink()
    (run / "constraints.parquet").unlink()
    found = open_tab().reload()
    assert {each["kind"] for each in found["questions"]} == {"who"}
    assert any("suggestions.parquet: only names are asked for" in note for note in found["notes"])


def test_a_run_without_zips(run: Path, tmp_path: Path, tab: Tab) -> None:
    shutil.rmtree(tmp_path / "resources")
    question = tab.questions("same")[0]
    face = question["rows"][0]["faces"][0]
    for address in (face["crop"], face["frames"].replace("{frame}", "1")):
        found = tab.get(f"/{address}")
        assert found.status == 404
        assert found.body.endswith(b".zip is not there\n")
    tab.answer(question, "yes")


@pytest.mark.parametrize("name", ["labels.parquet", "people.parquet", "members.parquet"])
def test_a_run_that_is_not_finished(run: Path, open_tab: Open, name: str) -> None:
    (run / CLUSTERING / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}; the run is not finished"):
        open_tab()


def test_a_run_that_names_no_file(run: Path) -> None:
    text = (run / "config.yaml").read_text().replace("corrections: corrections.yaml", "corrections: null")
    (run / "config.yaml").write_text(text)
    with pytest.raises(ValueError, match="names no file of corrections"):
        corrections_file(run, None)
    tab = Tab(Review(run, CLUSTERING, Path("mine.yaml")))
    found = tab.reload()
    assert (found["named_by_run"], "does not name mine.yaml" in found["hint"]) == (False, True)
    # It would be run without what was decided.
    refused = tab.post("/api/run", {})
    assert (refused.status, refused.json()["error"]) == (409, found["hint"])
    (run / "config.yaml").write_text(text.replace("corrections: null", "corrections: mine.yaml"))
    assert tab.reload()["hint"] == ""


def test_ten_thousand_suggestions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """150 people, each of them perhaps one with each other."""
    monkeypatch.chdir(tmp_path)
    run = made(tmp_path, {ONE: [[who] for who in range(150) for _ in range(2)]})
    members = tables.read(run / CLUSTERING / "members.parquet", tables.MEMBERS).to_pylist()
    first = {row["person_id"]: row["face"] for row in reversed(members)}
    pairs = [(one, other) for one in first for other in first if one < other][:10_000]
    rows = [
        {"kind": "same", "person_id": one, "other_id": other, "probability": 0.5, "seconds": 8.0}
        | {"gain": 4.0, "distance": 0.5, "reason": "alike", "broadcast": ONE, "other_broadcast": ONE}
        | {"face": first[one], "frame": first[one] + 1, "other_face": first[other]}
        | {"other_frame": first[other] + 1}
        for one, other in pairs
    ]
    table = pa.Table.from_pylist(rows, schema=tables.SUGGESTIONS)
    tables.write(run / CLUSTERING / "suggestions.parquet", table, {}, tables.SUGGESTIONS)
    tab = Tab(Review(run, CLUSTERING))
    asked = tab.reload()
    assert (asked["n_questions"], asked["progress"]["open"]["same"]) == (10_150, 10_000)
    assert len(asked["questions"]) == 200
    question = asked["questions"][0]
    told = tab.answer(question, "yes")
    assert question["id"] in told["closed"]
    # What would be asked of both is asked once.
    assert len(told["closed"]) > 100
    assert told["n_questions"] + len(told["closed"]) == 10_150 + len(told["opened"])
    page = tab.get("/api/questions?skip=5000&most=10&kind=same").json()
    assert len(page["questions"]) == 10


# ---- running it again ------------------------------------------------------------------------------------


def waited(tab: Tab) -> dict[str, Any]:
    for _ in range(200):
        found = tab.get("/api/run").json()
        if found["state"] not in ("none", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_the_run_is_run_again(run: Path, open_tab: Open, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; print('made: \\x1b[31mpeople'); pathlib.Path('ran').write_text(str(sys.argv))"
    )
    hold = "import time\nwhile not __import__('pathlib').Path('go').exists(): time.sleep(.02)\n"
    tab = open_tab(Workflow(run, [sys.executable, "-c", f"{hold}{script}", "a;b"]))
    assert tab.get("/api/run").json()["state"] == "none"
    assert tab.post("/api/run", {}).json()["state"] == "running"
    again = tab.post("/api/run", {})
    assert (again.status, again.json()["error"]) == (409, "the run is at work")
    (tmp_path / "go").touch()
    found = waited(tab)
    assert (found["state"], found["code"], found["lines"]) == ("done", 0, ["made: [31mpeople"])
    assert "a;b" in (tmp_path / "ran").read_text()
    assert "snakemake" in found["command"]
    assert found["changed"] is False
    suggested(run)
    (run / CLUSTERING / "members.parquet").touch()
    assert tab.get("/api/run").json()["changed"] is True
    tab.reload()
    assert tab.get("/api/run").json()["changed"] is False


def test_tables_that_are_being_made(run: Path, tab: Tab) -> None:
    """While a run writes them the page goes on with those that it knows."""
    asked = tab.reload()
    path = run / CLUSTERING / "labels.parquet"
    kept = path.read_bytes()
    for content in (None, kept[:100], b""):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        assert tab.reload()["questions"] == asked["questions"]
        assert tab.get("/api/run").json()["changed"] is (content is not None)
    assert tab.decide(named(anchor(tab))).status == 200
    path.write_bytes(kept)
    tab.reload()
    assert tab.get("/api/run").json()["changed"] is False


def test_a_run_that_fails(run: Path, open_tab: Open) -> None:
    tab = open_tab(Workflow(run, [sys.executable, "-c", "print('no'); raise SystemExit(3)"]))
    tab.post("/api/run", {})
    found = waited(tab)
    assert (found["state"], found["code"], found["lines"]) == ("failed", 3, ["no"])
    assert tab.post("/api/run", {}).status == 200  # once more
    assert waited(tab)["code"] == 3


def test_how_it_is_run(run: Path, tmp_path: Path) -> None:
    assert command(run)[-4:] == ["--cores", "all", "--configfile", "results/made-up/config.yaml"]
    assert "--snakefile" in command(run)
    (tmp_path / "Snakefile").touch()
    assert "--snakefile" not in command(run)


# ---- what is remembered ----------------------------------------------------------------------------------


def test_what_is_remembered_is_a_decision_of_the_ledger(tab: Tab, run: Path, open_tab: Open) -> None:
    tab.answer(tab.questions("same")[0], "unsure")
    path = run.parent / "ledger" / "reviewed" / "made-up.json"
    [entry] = [each for each in ledger.ENTRIES if each.path == "reviewed/{run}.json"]
    assert entry.kind is ledger.Kind.DECISION
    [step] = reviewed.steps(run)
    assert (step.kind, step.answer, len(step.faces)) == ("same", "unsure", 2)
    for damaged in ("", "[]", '{"steps": 5}', '{"steps": [5, {"file": []}, null]}'):
        path.write_text(damaged)
        assert open_tab().reload()["undo"] is None


def test_faces_that_are_elsewhere_now(run: Path, tab: Tab, tmp_path: Path, open_tab: Open) -> None:
    """What was answered holds as long as it is about the same people, also where the run has grown."""
    tab.answer(tab.questions("same")[0], "unsure")
    first = "NTV_20240101_190000_News"
    kept = (run.parent / "ledger" / "reviewed" / "made-up.json").read_bytes()
    shutil.rmtree(run)
    made(tmp_path, {first: [[6]] * 4, **CAST}, label)
    suggested(run)
    (run.parent / "ledger" / "reviewed" / "made-up.json").write_bytes(kept)
    assert open_tab().questions("same") == []
    shutil.rmtree(run.parent / "ledger" / "reviewed")
    assert len(open_tab().questions("same")) == 1
