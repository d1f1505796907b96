"""The words for what has become of a broadcast."""

from typing import get_args

from castgraph.base.statuses import ASK_AGAIN, NOT_OK, NOT_READ, READ, STATUSES, Word
from castgraph.pages.theme import LIGHT


def test_every_word_is_in_the_table_and_has_a_colour() -> None:
    assert tuple(STATUSES) == get_args(Word)
    assert set(STATUSES) <= set(LIGHT)


def test_the_lists_are_those_that_were_told_to_users() -> None:
    assert set(READ) == {"ok", "partial"}
    assert NOT_READ == ("missing", "unreachable", "damaged", "empty")
    assert set(ASK_AGAIN) == {"missing", "unreachable", "damaged", "partial"}
    assert set(NOT_OK) == set(STATUSES) - {"ok"}
