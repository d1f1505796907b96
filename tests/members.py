"""People of tests: person 3 has the ID P03."""

from collections.abc import Sequence

import numpy as np

from castgraph.base import tables


def person(number: int) -> str:
    """Give the ID of a person."""
    return f"P{number:02d}"


def members(labels: Sequence[int] | np.ndarray) -> tables.Members:
    """Make the groups of faces people, as they are numbered."""
    numbers = np.array(labels, np.int32)
    why = np.where(numbers == tables.NOISE, tables.WHY.index("noise"), 0).astype(np.int8)
    return tables.Members(numbers, why, [person(n) for n in range(numbers.max(initial=-1) + 1)])
