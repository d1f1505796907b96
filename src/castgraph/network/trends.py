"""Who rose and who fell in the network over time."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc


class Change(NamedTuple):
    """How the place of somebody in the network changed.

    Attributes
    ----------
    person_id
        Who.
    before, after
        Mean PageRank in the first and in the second half of the periods; 0 counts where the person was not
        in the network.
    """

    person_id: str
    before: float
    after: float

    @property
    def difference(self) -> float:
        """How far the person rose; below 0 for one who fell."""
        return self.after - self.before


def halves(centrality: pa.Table) -> tuple[list[str], list[str]]:
    """Tell the periods of the first and of the second half; the middle one of an odd number is in neither."""
    parts = sorted(pc.unique(centrality["part"]).to_pylist())
    half = len(parts) // 2
    return parts[:half], parts[len(parts) - half :]


def rose_and_fell(centrality: pa.Table, most: int) -> tuple[list[Change], list[Change]]:
    """Tell whose PageRank rose and whose fell most, from the first half of the periods to the second.

    Parameters
    ----------
    centrality
        Of the schema `castgraph.base.tables.CENTRALITY`.
    most
        How many of each.

    Returns
    -------
    rose, fell : list of Change
        The largest difference first; empty where there are fewer than two periods.

    Examples
    --------
    >>> rows = [("2024-W01", "Ada", 0.5), ("2024-W01", "Bo", 0.5), ("2024-W02", "Bo", 0.75),
    ...         ("2024-W02", "Cy", 0.25)]
    >>> names = ["part", "person_id", "pagerank"]
    >>> rose, fell = rose_and_fell(pa.Table.from_pylist([dict(zip(names, row)) for row in rows]), 5)
    >>> [each.person_id for each in rose], [each.person_id for each in fell]
    (['Bo', 'Cy'], ['Ada'])
    """
    parts = sorted(pc.unique(centrality["part"]).to_pylist())
    half = len(parts) // 2
    if not half:
        return [], []
    halves = dict.fromkeys(parts[:half], 0) | dict.fromkeys(parts[-half:], 1)
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    columns = (centrality[name].to_pylist() for name in ("part", "person_id", "pagerank"))
    for name, person, rank in zip(*columns, strict=True):
        if name in halves:
            sums[person][halves[name]] += rank / half
    changes = sorted(
        (Change(person, *means) for person, means in sums.items()),
        key=lambda each: (-each.difference, each.person_id),
    )
    fell = sorted(changes, key=lambda each: (each.difference, each.person_id))
    return (
        [each for each in changes[:most] if each.difference > 0],
        [each for each in fell[:most] if each.difference < 0],
    )
