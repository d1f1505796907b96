"""Log odds with an informative prior, against the formula written out word by word."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.base.odds import log_odds

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 5000)).filter(any), min_size=2, max_size=20)


def plainly(counts: list[tuple[int, int]], alpha_0: float) -> list[tuple[float, float]]:
    """Monroe, Colaresi and Quinn (2008), a word at a time."""
    n_i, n_j = (sum(column) for column in zip(*counts, strict=True))
    found = []
    for y_i, y_j in counts:
        alpha = alpha_0 * (y_i + y_j) / (n_i + n_j)
        odds_i = (y_i + alpha) / (n_i + alpha_0 - y_i - alpha)
        odds_j = (y_j + alpha) / (n_j + alpha_0 - y_j - alpha)
        delta = math.log(odds_i) - math.log(odds_j)
        variance = 1 / (y_i + alpha) + 1 / (y_j + alpha)
        found.append((delta, delta / math.sqrt(variance)))
    return found


@given(COUNTS, st.floats(1, 10_000))
def test_it_is_the_formula(counts: list[tuple[int, int]], prior: float) -> None:
    here, rest = np.array(counts).T
    found = log_odds(here, rest, int(here.sum()), int(rest.sum()), prior)
    for word, (delta, z) in enumerate(plainly(counts, prior)):
        assert found.log_odds[word] == pytest.approx(delta, rel=1e-9, abs=1e-9)
        assert found.z[word] == pytest.approx(z, rel=1e-9, abs=1e-9)


@given(COUNTS)
def test_the_rest_is_the_other_way_about(counts: list[tuple[int, int]]) -> None:
    here, rest = np.array(counts).T
    n_here, n_rest = int(here.sum()), int(rest.sum())
    one, other = log_odds(here, rest, n_here, n_rest), log_odds(rest, here, n_rest, n_here)
    assert np.allclose(one.z, -other.z)


def test_a_rare_word_stands_out_less_than_one_that_is_said_often_in_the_same_ratio() -> None:
    found = log_odds(np.array([2, 200]), np.array([1, 100]), 10_000, 10_000)
    assert 0 < found.z[0] < found.z[1]
    assert found.z[1] > 1.96 > found.z[0]


def test_words_of_two_languages_are_weighed_each_by_its_own() -> None:
    both = log_odds(np.array([5, 7]), np.array([3, 9]), np.array([50, 400]), np.array([80, 90]))
    alone = [log_odds(np.array([5]), np.array([3]), 50, 80), log_odds(np.array([7]), np.array([9]), 400, 90)]
    assert both.z.tolist() == [each.z[0] for each in alone]


def test_the_only_word_that_is_said_stands_out_nowhere() -> None:
    found = log_odds(np.array([8]), np.array([2]), 8, 2)
    assert (found.log_odds.tolist(), found.z.tolist()) == ([0.0], [0.0])
