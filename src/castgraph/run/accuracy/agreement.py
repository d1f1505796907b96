"""How far two people who judged the same sample agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from castgraph.run.accuracy.questions import UNSURE


class Agreement(NamedTuple):
    """How far two judges agree.

    Attributes
    ----------
    n
        Questions that both answered, other than by ``?``.
    same
        Of these, those with the same answer.
    kappa
        Cohen's kappa: 1 where all are the same, 0 where they agree no better than by chance; None where both
        gave one and the same answer throughout, or none.
    """

    n: int
    same: int
    kappa: float | None


def agreement(first: Mapping[str, str], second: Mapping[str, str], asked: Sequence[str]) -> Agreement:
    """Compare the answers of two judges.

    Parameters
    ----------
    first, second
        Question → answer; empty, or missing, where there is none.
    asked
        The questions to compare.

    References
    ----------
    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20,
    1960.

    Examples
    --------
    >>> agreement({"a": "yes", "b": "no", "c": "no"}, {"a": "yes", "b": "no", "c": "yes"}, ["a", "b", "c"])
    Agreement(n=3, same=2, kappa=0.4)
    """
    pairs = [(first.get(name, ""), second.get(name, "")) for name in asked]
    pairs = [pair for pair in pairs if not {"", UNSURE} & set(pair)]
    n, same = len(pairs), sum(one == other for one, other in pairs)
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(count * others[answer] for answer, count in ones.items())  # times n squared
    kappa = None if by_chance == n * n else round((same * n - by_chance) / (n * n - by_chance), 6)
    return Agreement(n, same, kappa)
