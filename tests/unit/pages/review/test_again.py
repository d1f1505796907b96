"""The server of a review: what is sent twice, who is left out and found again, what undo asks again."""

from pathlib import Path

from tests.unit.pages.review.conftest import Tab

from castgraph.people.corrections import read_corrections
from castgraph.run import reviewed

FILE = Path("corrections.yaml")


def test_an_answer_that_is_sent_twice_is_written_once(tab: Tab, run: Path) -> None:
    """The page sends again what it had no answer to, with the state of the file that it knows."""
    question = tab.questions("same")[0]
    body = {"question": question["id"], "answer": "yes", "decisions": question["answers"]["yes"]}
    before = tab.etag
    first = tab.post("/api/decide", body).json()
    again = tab.post("/api/decide", body, **{"If-Match": f'"{before}"'})
    assert (again.status, again.json()["etag"]) == (200, first["etag"])
    assert len(read_corrections(FILE)) == len(reviewed.steps(run)) == 1
    unsure = {"question": tab.questions("split")[0]["id"], "answer": "unsure", "decisions": []}
    assert [tab.post("/api/decide", unsure).status for _ in range(2)] == [200, 200]
    assert len(reviewed.steps(run)) == 2
    # Another answer to it is none that is sent twice.
    assert (
        tab.post("/api/decide", {**body, "answer": "no", "decisions": question["answers"]["no"]}).status
        == 409
    )


def test_who_is_left_out_is_found_again_and_taken_back_in(tab: Tab, run: Path) -> None:
    one, other = tab.get("/api/people").json()["people"][:2]
    assert (one["ignored"], one["reviewed"], one["n_faces"] > 1) == ("", False, True)
    assert len(tab.get(one["more"]).json()["faces"]) == one["n_faces"]
    for each in (one, other):
        assert tab.decide({"ignore": each["anchor"], "reason": f"not {each['person']}"}).status == 200
    ignored = tab.get("/api/people?show=ignored").json()
    assert ignored["n_people"] == 2
    assert [(each["person"], each["ignored"], each["seconds"]) for each in ignored["people"]] == [
        (each["person"], f"not {each['person']}", each["seconds"]) for each in (one, other)
    ]
    assert {each["portrait"] for each in ignored["people"]} == {None}
    decision = {"ignore": ignored["people"][0]["anchor"], "reason": "as it is written"}
    back = tab.post("/api/undo", {"decision": decision})
    assert back.status == 200, back.body
    assert "ignore" in back.json()["undone"]["blocks"][0]
    assert [each.reason for each in read_corrections(FILE)] == [f"not {other['person']}"]
    assert len(reviewed.steps(run)) == 1
    assert tab.post("/api/undo", {"decision": decision}).status == 409
    assert tab.get("/api/people").json()["people"][0]["person"] == one["person"]


def test_undo_tells_which_question_is_asked_again(tab: Tab) -> None:
    for kind in ("same", "split", "member", "who"):
        question = tab.questions(kind)[0]
        tab.post("/api/decide", {"question": question["id"], "answer": "unsure", "decisions": []})
        found = tab.undo().json()
        assert found["undone"]["question"] == question["id"]
        assert question["id"] in {each["id"] for each in found["opened"]}


def test_the_page_has_its_colours(tab: Tab) -> None:
    page, colours = tab.get("/").body.decode(), tab.get("/colours.css").body.decode()
    assert page.index('href="colours.css"') < page.index('href="review.css"')
    assert "--paper:" in colours and "prefers-color-scheme: dark" in colours
    assert tab.reload()["start"].endswith("--port 8000")
