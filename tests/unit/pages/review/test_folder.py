"""The page that needs no server, and bringing in what it saves."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from tests.cast import identified
from tests.unit.pages.review.conftest import Open
from typer.testing import CliRunner, Result

from castgraph.cli import app
from castgraph.people.corrections import read_corrections

FILE = Path("corrections.yaml")
HOSTILE = "</script><b>\u2028"


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def written(run: Path, *arguments: object) -> dict[str, Any]:
    """Write a page, and read what it says."""
    found = cli("review", run, "--page", "page", *arguments)
    assert found.exit_code == 0, found.output
    assert "castgraph people add" in found.stdout
    text = Path("page/questions.js").read_text()
    assert text.startswith("CG.review(")
    assert text.endswith(");\n")
    return json.loads(text[len("CG.review(") : -len(");\n")])


def test_the_page_has_all_that_it_shows(run: Path, open_tab: Open) -> None:
    served = open_tab().reload()
    document = written(run)
    assert document["static"] is True
    assert document["etag"] is None
    assert not FILE.exists()
    # One shape: only addresses differ, and what a server would tell on the way.
    assert document.keys() - served.keys() == {"people", "bring"}
    assert [each["id"] for each in document["questions"]] == [each["id"] for each in served["questions"]]
    for question, other in zip(document["questions"], served["questions"], strict=True):
        assert question.keys() - other.keys() == {"effect"}
        assert question["answers"] == other["answers"]
        assert (question["effect"] is None) == (question["kind"] == "who")
        for row, its in zip(question["rows"], other["rows"], strict=True):
            assert row.keys() == its.keys()
            assert row["more"] is None
            for n, face in enumerate(row["faces"]):
                assert face["frames"] is None
                assert (face["picture"] is None) == (n > 0)
                for address, size in ((face["crop"], (192, 192)), (face["picture"], (640, 360))):
                    if address:
                        with Image.open(io.BytesIO((Path("page") / address).read_bytes())) as image:
                            assert image.size == size
    assert all((Path("page") / each["portrait"]).is_file() for each in document["people"])
    page = Path("page/index.html").read_text()
    assert "connect-src 'none'" in page
    assert "castgraph-review" not in page
    assert [line for line in page.splitlines() if "<script" in line] == [
        '<script src="review.js"></script>',
        '<script src="questions.js"></script>',
    ]


def test_fewer_questions_and_a_folder_that_is_there(run: Path) -> None:
    assert len(written(run, "--most", 2)["questions"]) == 2
    found = cli("review", run, "--page", "page")
    assert (found.exit_code, "is there already" in found.stderr) == (1, True)


def test_names_end_no_script(run: Path, open_tab: Open) -> None:
    tab = open_tab()
    anchor = tab.get("/api/people").json()["people"][0]["anchor"]
    name = HOSTILE.strip("\u2028")
    assert tab.decide({"person": anchor, "name": name, "source": name}).status == 200
    assert written(run)["people"][0]["name"] == name
    assert "</script" not in Path("page/questions.js").read_text()


def test_pictures_that_cannot_be_had(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "resources")
    document = written(run)
    faces = [face for each in document["questions"] for row in each["rows"] for face in row["faces"]]
    assert {face["crop"] for face in faces} == {None}
    assert all(face["why"].endswith(".zip is not there") for face in faces)


# ---- bringing in -----------------------------------------------------------------------------------------


def saved(*blocks: dict[str, Any], name: str = "saved.yaml") -> Path:
    """What the page saves: YAML of its own making, with a comment."""
    Path(name).write_text("# unsure: same:1:2\n" + "".join(f"- {json.dumps(each)}\n" for each in blocks))
    return Path(name)


def test_what_a_page_saves_comes_in(run: Path) -> None:
    FILE.write_text("# Ours.\n")
    document = written(run)
    blocks = [block for each in document["questions"] for block in each["answers"].get("yes", [])]
    found = cli("people", "add", run, saved(*blocks))
    assert (found.exit_code, found.stderr) == (0, "")
    assert f"corrections.yaml: {len(blocks)} decisions of saved.yaml" in found.stdout
    assert FILE.read_text().startswith("# Ours.\n")
    assert len(read_corrections(FILE)) == len(blocks)
    before = FILE.read_bytes()
    again = cli("people", "add", run, "saved.yaml")
    assert f"0 decisions of saved.yaml, {len(blocks)} were there" in again.stdout
    assert FILE.read_bytes() == before
    effects = [each["effect"] for each in document["questions"] if each["effect"]]
    people = identified(run, FILE)
    assert len(people) == effects[0]["n_people"][0] + sum(
        each["n_people"][1] - each["n_people"][0] for each in effects
    )
    # The commands know them as theirs.
    assert cli("people", "undo", run).exit_code == 0
    assert len(read_corrections(FILE)) == len(blocks) - 1


def refused(run: Path, path: Path, *arguments: object) -> list[str]:
    before = FILE.read_bytes() if FILE.exists() else None
    found = cli("people", "add", run, path, *arguments)
    assert found.exit_code == 1, found.output
    assert isinstance(found.exception, SystemExit)
    assert (FILE.read_bytes() if FILE.exists() else None) == before
    return found.stderr.splitlines()


def test_all_or_none_with_every_conflict(run: Path, open_tab: Open) -> None:
    tab = open_tab()
    [same], [split] = tab.questions("same"), tab.questions("split")
    who = [each["rows"][0]["anchor"] for each in tab.questions("who")[:2]]
    named = {"person": who[0], "name": "Ann", "source": "caption"}
    tab.decide(*same["answers"]["no"], *split["answers"]["no"], named)
    path = saved(
        *same["answers"]["yes"],
        {"ignore": who[1], "reason": "fine by itself"},
        *split["answers"]["yes"],
        named | {"name": "Bob"},
    )
    told = refused(run, path)
    assert len(told) == 3
    assert "saved.yaml, line 2: same, but corrections.yaml, line " in told[0]
    assert "saved.yaml, line 5: different, but corrections.yaml, line " in told[1]
    assert "calls the person at" in told[2]
    assert "'Bob'; corrections.yaml" in told[2]


def test_decisions_of_another_run(run: Path) -> None:
    nowhere = {"broadcast": "NTV_19990101_000000", "frame": 1, "at": [1, 1]}
    path = saved({"ignore": nowhere, "reason": "x"}, {"not_a_face": nowhere})
    told = refused(run, path)
    assert len(told) == 2
    assert all("no such broadcast in the run" in each for each in told)
    assert cli("people", "add", run, path, "--anyway").exit_code == 0
    assert len(read_corrections(FILE)) == 2


def test_decisions_that_contradict_by_their_people(run: Path, open_tab: Open) -> None:
    """Other faces of the same two people: only the clustering tells that it is a contradiction."""
    tab = open_tab()
    [same] = tab.questions("same")
    tab.decide(*same["answers"]["no"])
    others = [row["faces"][1]["anchor"] for row in same["rows"]]
    [told] = refused(run, saved({"same": others}))
    assert "are of two people by different, and of one by same" in told


@pytest.mark.parametrize("text", ["- x", "{", "- same: []", "\xff"])
def test_a_file_that_is_none(run: Path, text: str) -> None:
    Path("bad.yaml").write_bytes(text.encode("latin-1"))
    assert refused(run, Path("bad.yaml"))[0].startswith("error: bad.yaml")


def test_nothing_to_bring_in(run: Path) -> None:
    found = cli("people", "add", run, saved())
    assert (found.exit_code, "0 decisions" in found.stdout) == (0, True)
    assert yaml.safe_load(FILE.read_text() if FILE.exists() else "") is None
