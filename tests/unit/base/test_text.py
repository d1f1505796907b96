"""Texts for people: in one line, not too long, harmless."""

import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formulas import FORMULAS

from castgraph.base.text import counted, is_formula, line, no_formula, quoted, shortened

TEXTS = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A  B\tC\r\nD\0E\u2028F\u3000G", "A B C DE F G"),
        ("\u202egnorw\u200b \x1b[31m", "gnorw [31m"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("half \ud83d, private \ue000, none \uffff", "half \ufffd, private \ufffd, none \ufffd"),
        ("", ""),
    ],
)
def test_a_text_becomes_one_line_that_can_be_printed(text: str, shown: str) -> None:
    assert line(text) == shown


@given(TEXTS)
def test_a_line_is_fit_for_terminals_and_xml_and_stays_as_it_is(text: str) -> None:
    shown = line(text)
    assert line(shown) == shown
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    element = ET.Element("name", label=shown)
    assert ET.fromstring(ET.tostring(element, encoding="utf-8")).attrib["label"] == shown


@given(TEXTS, st.integers(1, 20))
def test_a_shortened_text_keeps_its_beginning(text: str, most: int) -> None:
    whole, short = line(text), shortened(text, most)
    assert len(short) <= most
    assert short == whole or (short.endswith("…") and whole.startswith(short[:-1]))
    assert shortened(short, most) == short


def test_what_is_quoted_is_short_and_shows_what_is_odd() -> None:
    assert quoted("a\x1b\n") == r"'a\x1b\n'"
    assert len(quoted(["x" * 90] * 9)) == 100
    assert len(quoted("x" * 900)) == 100


def test_nouns_are_counted() -> None:
    assert [counted(n, "pair") for n in (0, 1, 1200)] == ["0 pairs", "1 pair", "1,200 pairs"]
    assert [counted(n, "person", "people") for n in (1, 2)] == ["1 person", "2 people"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert is_formula(text)
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "1+1", "'=1", "x=1", "Ольга", "./=1", "https://example.org/?a=1", "–", "1TV"]
)
def test_other_texts_stay(text: str) -> None:
    assert no_formula(text) == text
