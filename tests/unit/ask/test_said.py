"""What was said, asked: where, who was on the screen, and what stands out."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ask.conftest import ANN, BEA, CAST, CID, DAY, LATER, OTHER, link, when, write, write_run

from castgraph.ask.results import Results
from castgraph.ask.said import SAID, TOGETHER, WORDS, said, said_together, words
from castgraph.ask.views import QueryError, Views
from castgraph.ask.who import Person
from castgraph.base import tables

# Frames are 4 seconds apart; in DAY Ann is in 1, 2, 3 and 10, Bea in 2, 5 and 10.
SPOKEN = {
    DAY: [
        (0, 3, "Good évening"),
        (3, 6, "from the café"),
        (12, 14, "nobody café"),
        (36, 38, "=the LAST café"),
    ],
    LATER: [(100, 101, "café")],  # 24 seconds after the last frame that shows somebody
    OTHER: [(4, 5, "café")],
}


def with_words(run: Path, spoken: dict[str, list[tuple[float, float, str]]], **statuses: str) -> Path:
    write(
        run / "utterances.parquet",
        tables.UTTERANCES,
        [
            {"broadcast": name, "utterance": n, "seconds": float(start), "text": text, "language": "en"}
            | {
                "start": when(name, 1) + timedelta(seconds=start),
                "end": when(name, 1) + timedelta(seconds=end),
            }
            for name in sorted(spoken)
            for n, (start, end, text) in enumerate(spoken[name], 1)
        ],
    )
    rows = [{"broadcast": name, "status": statuses.get(name, "ok"), "reason": ""} for name in sorted(spoken)]
    write(run / "transcripts.parquet", tables.TRANSCRIPTS, rows)
    standing = [
        {"person_id": ids[0], "other_id": ids[1], "language": "en", "word": word, "n": 4, "n_rest": 1}
        | {"n_words": 9, "n_broadcasts": 1, "log_odds": 1.0, "z": z}
        for ids, word, z in (((BEA, ""), "café", 2.5), ((ANN, BEA), "lake", 3.0), ((ANN, BEA), "boat", 2.0))
    ]
    standing.sort(key=lambda row: (row["person_id"], row["other_id"]))
    write(run / "linkage-0.52" / "words.parquet", tables.WORDS, standing)
    return run


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Views:
    run = write_run(tmp_path_factory.mktemp("results") / "spoken", CAST)
    return Views(Results(with_words(run, SPOKEN, **{OTHER: "shifted"})))


def rows(columns: tuple[str, ...], found: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in found]


def test_a_word_is_found_with_who_was_on_the_screen(views: Views) -> None:
    found = rows(SAID, said(views, "CAFE"))
    assert len(found) == 5
    assert [row["time"] for row in found] == sorted(row["time"] for row in found)
    by_text = {(row["broadcast"], row["text"]): row for row in found}
    first = by_text[DAY, "from the café"]
    assert (first["frame"], first["link"], first["time"]) == (
        1,
        link(DAY, 1),
        when(DAY, 1) + timedelta(seconds=3),
    )
    # From 3 to 6 seconds are the frames 1 and 2.
    assert first["people"] == "=Bea\x1b[31m, Ann Lee"
    assert by_text[DAY, "nobody café"]["frame"] == 4
    assert by_text[DAY, "nobody café"]["people"] == ""
    wrong = by_text[OTHER, "café"]
    assert (wrong["frame"], wrong["people"], wrong["link"], wrong["transcript"]) == (None, "", "", "shifted")
    assert by_text[LATER, "café"]["frame"] == 26


def test_a_phrase_goes_on_in_the_next_utterance(views: Views) -> None:
    [found] = rows(SAID, said(views, "evening from"))
    assert found["text"] == "Good évening from the café"
    assert found["people"] == "=Bea\x1b[31m, Ann Lee"
    assert said(views, "evening café") == []


def test_what_is_no_question_is_refused(views: Views, run: Path) -> None:
    with pytest.raises(QueryError, match="no word"):
        said(views, "…")
    without = Views(Results(run))
    for question in (
        lambda: said(without, "x"),
        lambda: said_together(without, Person(ANN, "Ann"), Person(BEA, "Bea")),
        lambda: words(without, [Person(ANN, "Ann")]),
    ):
        with pytest.raises(QueryError, match="the run has not made it"):
            question()
    with pytest.raises(QueryError, match="words asks for one, or for two"):
        words(views, [Person(each, each) for each in (ANN, BEA, CID)])
    with pytest.raises(QueryError, match="words asks for one, or for two"):
        words(views, [Person(ANN, "Ann")] * 2)


def test_what_was_said_while_two_were_together(views: Views) -> None:
    ann, bea, cid = Person(ANN, "Ann"), Person(BEA, "Bea"), Person(CID, "Cid")
    found = rows(TOGETHER, said_together(views, ann, bea))
    assert [(row["frame"], row["text"], row["shows"], row["link"]) for row in found] == [
        (2, "from the café", "both", link(DAY, 2)),
        (10, "=the LAST café", "both", link(DAY, 10)),
    ]
    near = rows(TOGETHER, said_together(views, ann, bea, within=8))
    assert [row["text"] for row in near] == ["Good évening", "from the café", "=the LAST café"]
    assert near[0]["shows"] == "Ann"
    assert said_together(views, ann, cid) == []  # in OTHER alone, whose times are wrong
    assert said_together(views, bea, cid) == []


def test_words_that_stand_out_are_told_of_one_and_of_two(views: Views) -> None:
    assert [row["word"] for row in rows(WORDS, words(views, [Person(BEA, "Bea")]))] == ["café"]
    pair = rows(WORDS, words(views, [Person(BEA, "Bea"), Person(ANN, "Ann")]))
    assert [(row["word"], row["z"]) for row in pair] == [("lake", 3.0), ("boat", 2.0)]
    assert words(views, [Person(ANN, "Ann")]) == []
