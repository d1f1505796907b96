"""Answers: what is written for each, what it changes, and that the run then gives the people they say."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cast import CLUSTERING, ONE, TWO, identified, suggested
from tests.unit.pages.review.conftest import CAST, Open, Tab

from castgraph.base import tables
from castgraph.pages.review import questions
from castgraph.people.corrections import read_corrections
from castgraph.run.forget import choose, forget

FILE = Path("corrections.yaml")
TRUTH = [who for frames in CAST.values() for shown in frames for who in shown]
NOISE = tables.WHY.index("noise")


def people(run: Path) -> list[str | None]:
    """The ID of each face."""
    return tables.read(run / CLUSTERING / "members.parquet", tables.MEMBERS)["person_id"].to_pylist()


def kinds() -> list[str]:
    return [each.kind for each in read_corrections(FILE)] if FILE.exists() else []


def names(*persons: tuple[dict[str, Any], str]) -> list[dict[str, Any]]:
    return [{"person": anchor, "name": name, "source": "caption"} for anchor, name in persons]


def test_what_is_asked(tab: Tab) -> None:
    asked = tab.reload()
    found = [question["kind"] for question in asked["questions"]]
    assert sorted(found[:3]) == ["member", "same", "split"]
    assert set(found[3:]) == {"who"}
    assert asked["n_questions"] == len(found) == sum(asked["progress"]["open"].values())
    gains = [question["gain"] for question in asked["questions"][:3]]
    assert gains == sorted(gains, reverse=True)
    seconds = [question["seconds"] for question in asked["questions"][3:]]
    assert seconds == sorted(seconds, reverse=True)
    for question in asked["questions"]:
        assert len(question["rows"]) == (1 if question["kind"] == "who" else 2)
        for row in question["rows"]:
            shown = row["faces"]
            assert len(shown) == min(6, row["n_faces"])
            places = {(face["broadcast"], face["frame"]) for face in shown}
            assert len(places) == len(shown)
            for face in shown:
                assert (face["width"], face["height"], face["n_frames"]) == (
                    640,
                    360,
                    len(CAST[face["broadcast"]]),
                )
            if row["n_broadcasts"] > 1:
                assert "elsewhere" in {face["role"] for face in shown}


def test_pictures_and_more_faces(tab: Tab, run: Path) -> None:
    question = tab.questions("split")[0]
    for row in question["rows"]:
        for face in row["faces"]:
            for address in (face["crop"], f"{face['crop']}?size=96", face["frames"].replace("{frame}", "2")):
                assert tab.get(f"/{address}").headers["content-type"] == "image/jpeg"
    larger, smaller = (tab.get(row["more"]).json() for row in question["rows"])
    assert (larger["n_faces"], smaller["n_faces"]) == tuple(row["n_faces"] for row in question["rows"])
    of = [{(face["broadcast"], *face["box"]) for face in part["faces"]} for part in (larger, smaller)]
    assert larger["next"] is None
    assert of[0]
    assert of[1]


def test_the_right_answers_give_the_right_people(tab: Tab, run: Path) -> None:
    """Whoever is asked answers what is true; the run then has the people that there are."""
    for _ in range(20):
        suggestions = [each for each in tab.questions() if each["kind"] != "who"]
        if not suggestions:
            break
        told = tab.answer(suggestions[0], "yes")
        assert told["effect"]["problems"] == []
        assert suggestions[0]["id"] in told["closed"]
    for number, question in enumerate(tab.questions("who")):
        tab.answer(question, "name", names((question["rows"][0]["anchor"], f"Person of {number}")))
    assert tab.questions() == []
    assert tab.reload()["progress"]["share"] == 1
    identified(run, FILE)
    found = people(run)
    assert {frozenset(n for n, who in enumerate(TRUTH) if who == one) for one in set(TRUTH)} == {
        frozenset(n for n, one in enumerate(found) if one == person) for person in set(found)
    }
    suggested(run)
    # A new server, after the run, asks nothing.
    assert tab.reload()["questions"] == []


def test_the_effect_is_what_the_run_gives(tab: Tab, run: Path) -> None:
    """Each answer alone: the people that it says it changes have those seconds after the run."""
    before = identified(run)
    for question in tab.questions():
        for answer in ("yes", "no"):
            if answer not in question["answers"]:
                continue
            blocks = question["answers"][answer]
            told = tab.post("/api/effect", {"decisions": blocks}).json()["effect"]
            FILE.write_text(yaml.safe_dump(blocks))
            after = identified(run, FILE)
            FILE.unlink()
            changed = {
                person: (before.get(person, 0), after.get(person, 0))
                for person in before.keys() | after.keys()
                if before.get(person) != after.get(person)
            }
            known = {row["person"]: (row["before"], row["after"]) for row in told["people"] if row["person"]}
            new = [row["after"] for row in told["people"] if not row["person"]]
            assert known == {person: both for person, both in changed.items() if person in before}
            assert sorted(new) == sorted(both[1] for person, both in changed.items() if person not in before)
            assert told["n_people"] == [len(before), len(after)]
            identified(run)


def test_pairs_that_change(tab: Tab) -> None:
    """0 is taken for two; as one person all pairs of the second become pairs of the first."""
    [question] = tab.questions("same")
    told = tab.post("/api/effect", {"decisions": question["answers"]["yes"]}).json()["effect"]
    # With 1 (in truth 1 and 2), 3 to 5 and each other: by frames and those next to them.
    assert told["pairs"][0] - told["lost"] - told["merged"] + told["gained"] == told["pairs"][1]
    assert told["merged"] > 0
    assert told["gained"] == 0
    assert told["seconds"] == min(row["seconds"] for row in question["rows"])


@pytest.mark.parametrize("kind", ["same", "split", "member"])
@pytest.mark.parametrize("answer", ["yes", "no", "unsure"])
def test_nothing_is_asked_twice(open_tab: Open, run: Path, kind: str, answer: str) -> None:
    """Not by the same server, nor by another one, nor after the run."""
    tab = open_tab()
    [question] = tab.questions(kind)
    told = tab.answer(question, answer)
    assert question["id"] in told["closed"]
    assert told["progress"]["n_unsure"] == (answer == "unsure")
    for _ in range(2):
        assert question["id"] not in {each["id"] for each in tab.questions()}
        assert tab.questions(kind) == []
        tab = open_tab()
    again = tab.post("/api/decide", {"question": question["id"], "answer": "unsure"})
    assert (again.status, again.json()["error"]) == (409, "this question is answered")
    if FILE.exists():
        identified(run, FILE)
        suggested(run)
    assert open_tab().questions(kind) == []


def test_some_marked_faces_leave(tab: Tab, run: Path) -> None:
    [question] = tab.questions("split")
    marked = [face["anchor"] for face in question["rows"][1]["faces"][:2]]
    told = tab.answer(question, "yes", [{"split": marked}])
    assert [row["after"] for row in told["effect"]["people"] if not row["person"]] == [8.0]
    assert tab.questions("split") == []  # not asked twice, although it may be two still
    identified(run, FILE)
    new = [person for person in set(people(run)) if people(run).count(person) == 2]
    assert len(new) == 1


def test_a_split_of_many_faces_names_two(tab: Tab, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a person of thousands of faces not all are sent to the page and back; it comes to the same."""
    [question] = tab.questions("split")
    tab.answer(question, "yes")
    written = FILE.read_text()
    tab.undo()
    monkeypatch.setattr(questions, "_MOST_NAMED", 1)
    [short] = tab.questions("split")
    assert [list(block) for block in short["answers"]["yes"]] == [["part"], ["different"]]
    etag = tab.etag
    told = tab.answer(short, "yes")
    assert FILE.read_text() == written
    assert short["id"] in told["closed"]
    # The reply was lost, and it is sent again.
    tab.etag = etag
    tab.answer(short, "yes")
    assert FILE.read_text() == written
    one, other = short["answers"]["yes"][0]["part"]
    for block in (
        {"part": [one, other]},
        {"part": [one, one]},
        {"part": [one]},
        {"part": 5},
        {"part": [{}, {}]},
    ):
        assert tab.decide(block).status in (409, 422)
    assert FILE.read_text() == written


def test_undo_without_limit(tab: Tab, open_tab: Open) -> None:
    FILE.write_text("# Of the study.\n\n# Nothing yet.\n")
    tab.reload()
    before, asked = FILE.read_bytes(), [each["id"] for each in tab.questions()]
    for kind, answer in (("same", "yes"), ("split", "no"), ("member", "unsure"), ("who", "name")):
        question = tab.questions(kind)[0]
        blocks = names((question["rows"][0]["anchor"], "Ann")) if answer == "name" else None
        tab.answer(question, answer, blocks)
    tab = open_tab()  # also by another server, later
    for answer in ("name", "unsure", "no", "yes"):
        assert tab.reload()["undo"]["answer"] == answer
        told = tab.undo().json()
        assert told["undone"]["answer"] == answer
        assert told["undone"]["unsure"] == (answer == "unsure")
        assert told["opened"]
    assert FILE.read_bytes() == before
    assert [each["id"] for each in tab.questions()] == asked
    assert tab.reload()["undo"] is None
    assert tab.undo().status == 409


def test_undo_puts_back_what_was_replaced(tab: Tab) -> None:
    anchor = tab.questions("who")[0]["rows"][0]["anchor"]
    assert tab.decide(*names((anchor, "Ann"))).status == 200
    first = FILE.read_text()
    assert tab.decide(*names((anchor, "Bob"))).status == 200
    assert kinds() == ["person"]
    assert tab.undo().status == 200
    assert FILE.read_text() == first


def test_undo_leaves_alone_what_was_changed_by_hand(tab: Tab) -> None:
    one, two = tab.questions("who")[:2]
    tab.answer(one, "name", names((one["rows"][0]["anchor"], "Ann")))
    tab.answer(two, "name", names((two["rows"][0]["anchor"], "Bob")))
    FILE.write_text(FILE.read_text().replace("Bob", "Bob Example"))
    tab.reload()
    assert tab.undo().status == 200  # the last that is still there
    assert "Bob Example" in FILE.read_text()
    assert "Ann" not in FILE.read_text()


# ---- names -----------------------------------------------------------------------------------------------


def test_a_name_that_somebody_has_is_asked_about(tab: Tab) -> None:
    one, two = (each["rows"][0]["anchor"] for each in tab.questions("who")[:2])
    assert tab.decide(*names((one, "Ann Example"))).status == 200
    before = FILE.read_bytes()
    found = tab.decide(*names((two, "ann  example")))
    assert found.status == 409
    [other] = found.json()["others"]
    assert other["name"] == "Ann Example"
    assert FILE.read_bytes() == before
    # One person: nobody is merged by a name, but by this.
    assert tab.decide({"same": [two, other["anchor"]]}).status == 200
    assert tab.undo().status == 200
    # Two people of one name; then it is not asked again.
    assert tab.decide({"different": [two, other["anchor"]]}, *names((two, "ann example"))).status == 200
    assert kinds() == ["person", "different", "person"] or sorted(kinds()) == [
        "different",
        "person",
        "person",
    ]
    assert tab.undo().status == 200
    assert tab.decide(*names((two, "Ann Example")), anyway=True).status == 200


def test_two_of_one_name_at_once(tab: Tab) -> None:
    one, two = (each["rows"][0]["anchor"] for each in tab.questions("who")[:2])
    assert tab.decide(*names((one, "Ann"), (two, "Ann"))).status == 409
    assert not FILE.exists()
    assert tab.decide({"same": [one, two]}, *names((one, "Ann"))).status == 200


def test_people_of_two_names_that_become_one(tab: Tab) -> None:
    """No name is lost without a question; the one that is said then takes the place of both."""
    one, two = (each["rows"][0]["anchor"] for each in tab.questions("who")[:2])
    assert tab.decide(*names((one, "Ann"), (two, "Bob"))).status == 200
    found = tab.decide({"same": [one, two]})
    assert (found.status, found.json()["names"]) == (409, ["Ann", "Bob"])
    assert tab.decide({"same": [one, two]}, *names((one, "Bob"))).status == 200
    assert sorted(kinds()) == ["person", "same"]
    assert [each["name"] for each in tab.get("/api/people?show=named").json()["people"]] == ["Bob"]
    assert tab.undo().status == 200
    assert sorted(kinds()) == ["person", "person"]


def test_the_grid(tab: Tab) -> None:
    everybody = tab.get("/api/people").json()
    assert everybody["n_people"] == len(everybody["people"]) == 6
    seconds = [each["seconds"] for each in everybody["people"]]
    assert seconds == sorted(seconds, reverse=True)
    assert tab.get(f"/{everybody['people'][0]['portrait']}").status == 200
    anchors = [each["anchor"] for each in everybody["people"]]
    # Name one, merge two and ignore two: one step, and all or none.
    blocks = [
        *names((anchors[0], "Ann")),
        {"same": anchors[1:3]},
        {"ignore": anchors[3], "reason": "a child"},
        {"ignore": anchors[4], "reason": "a poster"},
    ]
    broken = [*blocks[:-1], {"ignore": anchors[4]}]
    assert tab.decide(*broken).status == 422
    assert not FILE.exists()
    told = tab.decide(*blocks).json()
    assert told["progress"]["n_people"] == 3
    assert told["progress"]["n_ignored"] == 2
    assert len(kinds()) == 4
    page = tab.get("/api/people?skip=1&most=1&show=unnamed").json()
    assert (len(page["people"]), page["n_people"]) == (1, 2)
    assert tab.undo().status == 200
    assert kinds() == []


def test_who_is_left_out_is_shown_no_more(tab: Tab) -> None:
    question = tab.questions("who")[0]
    face = question["rows"][0]["faces"][0]
    assert tab.get(f"/{face['crop']}").status == 200
    block = {"ignore": question["rows"][0]["anchor"], "reason": "a child"}
    told = tab.answer(question, "ignore", [block])
    assert question["id"] in told["closed"]
    found = tab.get(f"/{face['crop']}")
    assert (found.status, found.body) == (404, b"this face is left out\n")
    assert tab.undo().status == 200
    assert tab.get(f"/{face['crop']}").status == 200


def test_what_is_no_face(tab: Tab, run: Path) -> None:
    face = tab.questions("who")[0]["rows"][0]["faces"][0]
    assert tab.decide({"not_a_face": face["anchor"]}, answer="not_a_face").status == 200
    identified(run, FILE)
    why = tables.read(run / CLUSTERING / "members.parquet", tables.MEMBERS)["why"].to_pylist()
    assert why.count("not_a_face") == 1


def test_progress_counts_screen_time(tab: Tab) -> None:
    asked = tab.reload()
    assert asked["progress"]["share"] == 0
    everybody = tab.get("/api/people").json()["people"]
    total = sum(each["seconds"] for each in everybody)
    assert asked["progress"]["seconds"] == total
    tab.decide(*names((everybody[0]["anchor"], "Ann")))
    told = tab.decide({"ignore": everybody[1]["anchor"], "reason": "x"}).json()["progress"]
    assert told["reviewed_seconds"] == everybody[0]["seconds"] + everybody[1]["seconds"]
    assert told["seconds"] == total
    assert (told["n_named"], told["n_ignored"], told["n_decisions"]) == (1, 1, 2)


def test_by_whom_and_when(open_tab: Open) -> None:
    tab = open_tab(by="ann")
    question = tab.questions("same")[0]
    tab.answer(question, "no")
    [found] = read_corrections(FILE)
    assert found.by == "ann"
    assert found.on is not None
    assert {anchor.broadcast for anchor in found.anchors} <= {ONE, TWO}


def test_who_is_forgotten_is_in_no_answer(tab: Tab, run: Path) -> None:
    one, two = (each["rows"][0] for each in tab.questions("who")[:2])
    for row, name in ((one, "Ann"), (one, "Ann Example"), (two, "Bob"), (two, "Bob Example")):
        assert tab.decide(*names((row["anchor"], name))).status == 200
    identified(run, FILE)
    shutil.rmtree(run.parent / "ledger" / "register")
    forget(run, choose(run, CLUSTERING, [one["person"]]), FILE)
    kept = (run.parent / "ledger" / "reviewed" / "made-up.json").read_text()
    assert "Ann" not in kept
    assert "Bob" in kept
