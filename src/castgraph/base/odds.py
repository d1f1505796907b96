"""Which words, or labels of pictures, are more frequent in one part than in the rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PRIOR_WORDS = 500.0
"""How many words the prior counts for: what is said in fewer is held to be like everything else."""


class Odds(NamedTuple):
    """How words stand out.

    Attributes
    ----------
    log_odds
        Logarithm of the ratio of the odds of each word; shape (n_words,).
    z
        The same over its standard error; shape (n_words,).
    """

    log_odds: NDArray[np.float64]
    z: NDArray[np.float64]


def log_odds(
    here: NDArray[np.integer],
    rest: NDArray[np.integer],
    n_here: int | NDArray[np.integer],
    n_rest: int | NDArray[np.integer],
    prior_words: float = PRIOR_WORDS,
) -> Odds:
    """Weigh words by their log odds, with an informative Dirichlet prior.

    Parameters
    ----------
    here, rest
        How often each word is said in a part, and in everything else; shape (n_words,). Each is said once at
        least.
    n_here, n_rest
        All words of the part and of the rest, those that are not asked for, too; of each word those of its
        language where there are several.
    prior_words
        How many words the prior counts for. It has each word as often as here and the rest together do.

    Returns
    -------
    Odds
        Positive where a word is said more here; 0 where no other word is said anywhere. |z| of 1.96 or more
        is as rare as 1 in 20, were there nothing but chance; of thousands of words many are.

    References
    ----------
    Monroe, Colaresi and Quinn, "Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the
    Content of Political Conflict", Political Analysis 16 (2008), 372-403: the informative Dirichlet prior.

    Examples
    --------
    >>> found = log_odds(np.array([8, 2]), np.array([0, 8]), 10, 8)
    >>> found.z.round(2).tolist()
    [0.6, -0.67]
    """
    y, other = here.astype(np.float64), rest.astype(np.float64)
    share = (y + other) / (n_here + n_rest)
    prior = prior_words * share
    # Of the only word that is said the odds are infinite, here as there.
    several = share < 1
    delta = np.log((y + prior) / np.where(several, n_here + prior_words - y - prior, 1))
    delta -= np.log((other + prior) / np.where(several, n_rest + prior_words - other - prior, 1))
    delta = np.where(several, delta, 0.0)
    return Odds(delta, delta / np.sqrt(1 / (y + prior) + 1 / (other + prior)))
