"""Words, folding, and where a phrase is said."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.transcripts.search import Hit, Said, finder
from castgraph.transcripts.text import folded, is_word, searched, stop_words, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The U.N. met; nothing – else…", ["the", "u.n", "met", "nothing", "else"]),
        ("Поезд №5 идёт!", ["поезд", "5", "идёт"]),
        ("हिन्दी में समाचार", ["हिन्दी", "में", "समाचार"]),
        ("中国新闻", ["中", "国", "新", "闻"]),
        ("Don’t, can't", ["don't", "can't"]),
        ("cafe\u0301", ["café"]),
        ("", []),
    ],
)
def test_words_of_any_script(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_elisions_part_words_where_the_language_has_them() -> None:
    assert words("l'homme d’État", "fr") == ["l", "homme", "d", "état"]
    assert words("l'homme") == ["l'homme"]


def test_stop_words_are_those_of_the_language() -> None:
    assert not is_word("and", stop_words("en"))
    assert not is_word("don't", stop_words("en"))
    assert not is_word("и", stop_words("ru"))
    assert not is_word("l", stop_words("fr"))
    assert is_word("and", stop_words("ru"))
    assert stop_words("xx") == frozenset()
    assert not is_word("2,024")


@given(st.text())
def test_folding_is_the_same_for_all_spellings(text: str) -> None:
    once = folded(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert folded(unicodedata.normalize(form, text)) == once


@given(st.text(st.characters(categories=["Lu", "Ll", "Zs", "Nd"])))
def test_a_text_is_found_in_itself_whatever_its_case(text: str) -> None:
    if searched(text):
        here = [Said("X_20260101_100000", 1, 0, 1, text)]
        assert list(finder(text)(here)) == [Hit("X_20260101_100000", 1, 1)]


def hits(phrase: str, *texts: str, pause: int = 0) -> list[tuple[int, int]]:
    said = [
        Said("X_20260101_100000", n, n * (1_000_000 + pause), n * (1_000_000 + pause) + 1_000_000, text)
        for n, text in enumerate(texts, 1)
    ]
    return [hit[1:] for hit in finder(phrase)(said)]


def test_a_phrase_is_found_by_whole_words() -> None:
    assert hits(
        "Prime minister", "the prime minister", "a prime number", "primeminister", "PRIME-MINISTER"
    ) == [
        (1, 1),
        (4, 4),
    ]
    assert hits("елка", "Ёлка горит", "ёлки") == [(1, 1)]
    assert hits("etat", "L’État, c'est moi") == [(1, 1)]
    assert hits("中国", "新中国", "中外国") == [(1, 1)]
    assert hits("cafe", "Cafe\u0301!", "café") == [(1, 1), (2, 2)]


def test_a_phrase_goes_on_in_the_next_utterances() -> None:
    assert hits("a b c", "x a", "b", "c y", "a b c a", "b c") == [(1, 3), (4, 4), (4, 5)]
    assert hits("a b", "a", "b", pause=6_000_000) == []
    other = [Said("X_20260101_100000", 1, 0, 1, "a"), Said("Y_20260101_100000", 1, 0, 1, "b")]
    assert list(finder("a b")(other)) == []


@given(
    st.lists(st.text(st.sampled_from("ab "), max_size=4), max_size=6), st.sampled_from(["a", "a a", "a b a"])
)
def test_phrases_are_found_as_in_one_text(texts: list[str], phrase: str) -> None:
    wanted = phrase.split()
    placed = [(word, n) for n, text in enumerate(texts, 1) for word in text.split()]
    expected = []
    for n in range(len(placed) - len(wanted) + 1):
        part = placed[n : n + len(wanted)]
        # An utterance without words parts nothing, as it holds none.
        between = range(part[0][1], part[-1][1] + 1)
        if [word for word, _ in part] == wanted and {place for _, place in part} == set(between):
            expected.append((part[0][1], part[-1][1]))
    assert hits(phrase, *texts) == list(dict.fromkeys(expected))


@pytest.mark.parametrize("phrase", ["", "  ", "…!?", "\u0301"])
def test_a_phrase_without_a_word_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="no word"):
        finder(phrase)
