"""The ready questions, and who is meant in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.ask.conftest import (
    ANN,
    BEA,
    CAST,
    CID,
    DAY,
    LATER,
    OTHER,
    SECONDS,
    Cast,
    link,
    when,
    write,
    write_run,
)

from castgraph.ask import questions
from castgraph.ask.results import Results
from castgraph.ask.views import QueryError, Views
from castgraph.ask.who import Person, somebody
from castgraph.base import tables

BROADCASTS = (DAY, LATER, OTHER)


@pytest.fixture(scope="module")
def views(run: Path) -> Views:
    return Views(Results(run))


def person(person_id: str) -> Person:
    return Person(person_id, f"Person {person_id}")


def rows(answer: Any) -> list[dict[str, Any]]:
    return answer.read_all().to_pylist()


@st.composite
def casts(draw: st.DrawFn) -> Cast:
    places = st.tuples(st.sampled_from(BROADCASTS), st.integers(1, 12), st.sampled_from((ANN, BEA, CID, "")))
    faces = draw(st.lists(places, min_size=1, max_size=30))
    return Cast([*faces, (DAY, 1, ANN), (DAY, 2, BEA)], read=dict.fromkeys(BROADCASTS, 12))


@given(cast=casts(), within=st.sampled_from((0, 4, 9, 40)))
def test_together_is_symmetric_and_finds_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, cast: Cast, within: int
) -> None:
    views = Views(Results(write_run(tmp_path_factory.mktemp("results") / "one", cast)))
    found = rows(questions.together(views, person(ANN), person(BEA), within))
    assert found == rows(questions.together(views, person(BEA), person(ANN), within))
    seen = {name: {face[:2] for face in cast.faces if face[2] == name} for name in (ANN, BEA)}
    expected = set()
    for one, other in ((ANN, BEA), (BEA, ANN)):
        for broadcast, frame in seen[one]:
            gaps = [abs(frame - there) for name, there in seen[other] if name == broadcast]
            if gaps and (min(gaps) == 0 or SECONDS * min(gaps) <= within):
                expected.add((broadcast, frame, float(SECONDS * min(gaps))))
    assert {(row["broadcast"], row["frame"], row["seconds"]) for row in found} == expected
    assert len(found) == len(expected)
    for row in found:
        place = row["broadcast"], row["frame"]
        shown = "both" if place in seen[ANN] & seen[BEA] else f"Person {ANN if place in seen[ANN] else BEA}"
        assert (row["shows"], row["link"], row["time"]) == (shown, link(*place), when(*place))


@given(cast=casts(), by=st.sampled_from(questions.UNITS), every=st.booleans())
@settings(max_examples=max(settings().max_examples // 2, 5))
def test_a_timeline_adds_up_to_the_screen_time(
    tmp_path_factory: pytest.TempPathFactory, cast: Cast, by: str, every: bool
) -> None:
    run = write_run(tmp_path_factory.mktemp("results") / "one", cast)
    views = Views(Results(run))
    people = tables.read(Results(run).path("people"), tables.PEOPLE).to_pylist()
    found = rows(questions.timeline(views, [person(row["person_id"]) for row in people], by, every=every))
    for row in people:
        of_person = [each for each in found if each["person_id"] == row["person_id"]]
        assert sum(each["seconds"] for each in of_person) == row["screen_seconds"]
        assert len({each[by] for each in of_person}) == len(of_person)
        if every:
            assert sum(each["seconds_read"] for each in of_person) == 3 * 12 * SECONDS
    assert all(row["link"] for row in found if row["seconds"])
    assert all(row["share"] == row["seconds"] / row["seconds_read"] for row in found)


def test_a_day_begins_where_the_zone_says(views: Views) -> None:
    found = rows(questions.timeline(views, [person(ANN)], "day"))
    assert [(str(row["day"]), row["seconds"]) for row in found] == [
        ("2024-01-02", 16.0), ("2024-01-09", 8.0), ("2024-02-01", 8.0), ("2024-02-02", 8.0)
    ]  # fmt: skip
    found = rows(questions.timeline(views, [person(ANN)], "day", timezone="Europe/Moscow"))
    assert [str(row["day"]) for row in found] == ["2024-01-02", "2024-01-09", "2024-02-02"]
    with pytest.raises(ValueError, match="'Moscow' is no time zone"):
        questions.timeline(views, [person(ANN)], "day", timezone="Moscow")


def test_a_show_is_one_over_its_broadcasts(views: Views) -> None:
    found = rows(questions.timeline(views, [person(ANN), person(BEA)], "show"))
    assert [(row["name"], row["show"], row["n_broadcasts"], row["seconds_read"]) for row in found] == [
        ("Ann Lee", "Evening News", 2, 200.0),
        ("Ann Lee", "without a title", 1, 16.0),
        ("=Bea\x1b[31m", "Evening News", 2, 200.0),
    ]


def test_the_first_frame_of_each(views: Views) -> None:
    found = rows(questions.first(views, [person(CID), person(BEA)]))
    assert [(row["person_id"], row["broadcast"], row["frame"], row["link"]) for row in found] == [
        (BEA, DAY, 2, link(DAY, 2)),
        (CID, OTHER, 2, link(OTHER, 2)),
    ]


def test_partners_with_the_first_frame_of_each(views: Views) -> None:
    found = rows(questions.partners(views, person(ANN)))
    assert [(row["name"], row["same_frame"], row["adjacent"], row["seconds"]) for row in found] == [
        ("Ann Lea", 2, 3, 8.0),
        ("=Bea\x1b[31m", 2, 2, 8.0),
    ]
    assert [row["link"] for row in found] == [link(OTHER, 2), link(DAY, 2)]
    back = [row for row in rows(questions.partners(views, person(BEA))) if row["person_id"] == ANN]
    assert [(row["same_frame"], row["link"]) for row in back] == [(2, link(DAY, 2))]


def test_who_is_in_a_broadcast(views: Views) -> None:
    found = rows(questions.show(views, DAY))
    assert [(row["person_id"], row["n_frames"], row["seconds"], row["link"]) for row in found] == [
        (ANN, 4, 16.0, link(DAY, 1)),
        (BEA, 3, 12.0, link(DAY, 2)),
    ]
    with pytest.raises(QueryError, match=f"no broadcast 'evening'; perhaps {DAY}, {LATER}"):
        questions.show(views, "evening")
    with pytest.raises(QueryError, match="no broadcast '%'; the table broadcasts tells them"):
        questions.show(views, "%")


def test_nobody_is_together_with_himself(views: Views) -> None:
    with pytest.raises(QueryError, match="twice"):
        questions.together(views, person(ANN), person(ANN))


# ---- who is meant ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [ANN, "k7q2", " K7Q2 ", "Ann Lee", "Person ZZ99", "zz99"])
def test_people_by_id_and_by_name(make_run: Callable[..., Path], text: str) -> None:
    cast = Cast([*CAST.faces, (DAY, 7, "ZZ99")], names=CAST.names)
    found = somebody(Views(Results(make_run("names", cast))), text)
    assert found.person_id == (ANN if text.strip() in (ANN, "k7q2", "Ann Lee") else "ZZ99")


@pytest.mark.parametrize(("written", "meant"), [("m3xo", "M3X0"), ("a1bl", "A1B1"), ("AIB1", "A1B1")])
def test_letters_that_look_like_digits(make_run: Callable[..., Path], written: str, meant: str) -> None:
    run = make_run("alike", Cast([(DAY, 1, "M3X0"), (DAY, 2, "A1B1")]))
    assert somebody(Views(Results(run)), written).person_id == meant


def test_accents_apart_are_the_same_name(make_run: Callable[..., Path]) -> None:
    run = make_run("accents", Cast([(DAY, 1, ANN)], names={ANN: "Zoë"}))
    assert somebody(Views(Results(run)), "Zoe\u0308").person_id == ANN


def test_a_name_of_two_people_is_told(make_run: Callable[..., Path]) -> None:
    cast = Cast([(DAY, 1, ANN), (DAY, 1, BEA), (DAY, 2, BEA)], names={ANN: "Ann", BEA: "Ann"})
    with pytest.raises(QueryError, match=r"'Ann' may be M3XA \(Ann, 8 s\) or K7Q2 \(Ann, 4 s\); say the ID"):
        somebody(Views(Results(make_run("two", cast))), "Ann")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ann", r"did you mean K7Q2 \(Ann Lee, 40 s\) or A1B2 \(Ann Lea, 8 s\)\?"),
        ("ANN LEE", r"did you mean K7Q2 \(Ann Lee"),
        ("ZZZZ", "nobody has that ID"),
        ("", "nobody has that ID"),
        ("' OR 1=1 --", "nobody has that ID"),
    ],
)
def test_nobody_of_that_name(views: Views, text: str, told: str) -> None:
    with pytest.raises(QueryError, match=rf"^nobody is called .*{told}"):
        somebody(views, text)


def test_somebody_who_was_merged_is_told(make_run: Callable[..., Path]) -> None:
    run = make_run("merged", CAST)
    change = {"from": "DEAD", "to": ANN, "kind": "merged", "n_faces": 5, "broadcast": DAY}
    write(Results(run).path("people_changes"), tables.PEOPLE_CHANGES, [change])
    with pytest.raises(QueryError, match=r"DEAD is no more: the faces are now of Ann Lee \(K7Q2"):
        somebody(Views(Results(run)), "dead")
