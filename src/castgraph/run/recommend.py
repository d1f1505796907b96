"""Which clustering of a sweep to begin with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TOLERANCE = 0.01
"""A balance this near to the best counts as good as the best."""

STABLE = 0.99
"""Least adjusted Rand index between neighbours that are of one stretch."""

PREFERRED = ("linkage", "dbscan")
"""Of several algorithms the first of these that is among them is looked at: it does best on known people."""

FEW_PAIRS = 100
"""Of fewer pairs a rate says little: with none wrong among 100, three in a hundred may be."""

Row = Mapping[str, Any]


def recommend(rows: Sequence[Row]) -> tuple[str | None, str]:
    """Choose a clustering: the middle of the longest stretch of eps that does well and changes little.

    The *balance* of a clustering is the share of adjacent pairs that it keeps together minus three times the
    share of pairs in one frame that it takes for one person (Youden's J of telling the two kinds of pairs
    apart, with a false merge thrice as bad as a split). It is 0 or less for nobody, for one giant person and
    for guessing. A clustering does well when its balance is
    above 0 and within `TOLERANCE` of the best.

    The balance cannot see that people were merged who are never in one frame, or that one was split between
    broadcasts. Where it leaves several, stability decides: neighbours that do well and have an adjusted Rand
    index of at least `STABLE` form a stretch. The longest wins; then the one whose least index is larger, to
    0.001; then the one nearest to the middle of all that do well. Of two values equally near to a middle the
    smaller is taken, since a false merge does more harm than a split.

    Parameters
    ----------
    rows
        The clusterings, each followed by its next where it has one, with the columns of
        `castgraph.base.tables.SWEEP`; ``next`` and ``ari_next`` may be missing. Of the algorithms with
        several clusterings only one is looked at: the first of `PREFERRED`, or that of the first row.

    Returns
    -------
    clustering : str or None
        None when no balance is above 0, when there is one clustering alone, and when the choice would be the
        smallest or largest eps of all.
    reason : str
        One sentence.

    References
    ----------
    W. J. Youden, "Index for rating diagnostic tests", Cancer 3, 1950.
    """
    if not rows:
        return None, "There is no clustering."
    counts = Counter(row["algorithm"] for row in rows)  # in the order of the rows
    several = [name for name, n in counts.items() if n > 1] or [*counts]
    algorithm = next((name for name in PREFERRED if name in several), several[0])
    rows = [row for row in rows if row["algorithm"] == algorithm]
    best = max((row["balance"] for row in rows if row["balance"] is not None), default=None)
    if best is None:
        return None, (
            "None is recommended: without two faces with a person in one frame, or without adjacent pairs, "
            "nothing tells a good clustering from a bad one."
        )
    if best <= 0:
        return None, (
            "None is recommended: no clustering keeps a larger share of the adjacent pairs together than "
            "three times that of the pairs in one frame that it takes for one person."
        )
    if len(rows) == 1:
        name = rows[0]["clustering"]
        return None, (
            f"None is recommended: {name} is the only clustering by {algorithm}, with nothing to compare it "
            f"with. It {_numbers(rows[0])}{_few(rows[0])}."
        )
    stretches = list(_stretches(rows, best - TOLERANCE))
    centre = _middle([row for stretch in stretches for row in stretch])
    stretch = min(stretches, key=lambda stretch: _rank(stretch, centre))
    middle = _middle(stretch)
    chosen = min(stretch, key=lambda row: (round(abs(_step(row) - middle), 9), _step(row)))
    name = chosen["clustering"]
    numbers = f"it {_numbers(chosen)} (the best is {best:.3f}){_few(chosen)}"
    if sides := _sides(rows, [chosen]):
        return None, (
            f"None is recommended: {name} does best or nearly so, but at the edge of what was tried, and "
            f"beyond it may be better: {numbers}. Compare {sides}, too."
        )
    if len(stretch) == 1:
        return name, (
            f"{name} does best or nearly so, and its neighbours do worse or differ much: {numbers}."
            f"{_wider(rows, stretch)}"
        )
    ends = " to ".join(row["clustering"] for row in (stretch[0], stretch[-1]))
    least = math.floor(1000 * _least_index(stretch)) / 1000
    return name, (
        f"{name} is the middle of the longest stretch that does well and hardly changes, {ends} "
        f"(adjusted Rand index of neighbours at least {least:.3f}): {numbers}.{_wider(rows, stretch)}"
    )


def _wider(rows: Sequence[Row], stretch: Sequence[Row]) -> str:
    """Tell where more should be compared; empty unless the stretch lies at the edge of that."""
    sides = _sides(rows, stretch)
    return f" That is the edge of what was tried: compare {sides}, too." if sides else ""


def _sides(rows: Sequence[Row], chosen: Sequence[Row]) -> str:
    """Tell on which sides nothing was tried beyond what is chosen; empty when there is more on both."""
    steps, own = [_step(row) for row in rows], [_step(row) for row in chosen]
    what = "min_samples" if rows[0]["eps"] is None else "eps"
    ends = (("smaller", min(own), min(steps)), ("larger", max(own), max(steps)))
    sides = [side for side, end, last in ends if end == last]
    return f"{' and '.join(sides)} {what}" if sides else ""


def _few(row: Row) -> str:
    """Warn where the numbers rest on few pairs."""
    few = [
        f"{row[column]} {what}"
        for column, what in (
            ("frame_pairs", "pairs of people in one frame"),
            ("adjacent_pairs", "adjacent pairs"),
        )
        if row[column] < FEW_PAIRS
    ]
    return f"; beware, this rests on {' and '.join(few)}" if few else ""


def _stretches(rows: Sequence[Row], least: float) -> Iterator[list[Row]]:
    """Split the rows that do well into runs of neighbours that differ little."""
    stretch: list[Row] = []
    for row in rows:
        well = row["balance"] is not None and row["balance"] >= least and row["balance"] > 0
        if stretch and not (well and _near(stretch[-1], row)):
            yield stretch
            stretch = []
        if well:
            stretch.append(row)
    if stretch:
        yield stretch


def _near(row: Row, other: Row) -> bool:
    ari = row.get("ari_next")
    return row.get("next") == other["clustering"] and ari is not None and ari >= STABLE


def _rank(stretch: Sequence[Row], centre: float) -> tuple[float, ...]:
    """Sort the best stretch first; lengths are rounded, as 0.42 - 0.40 is not 0.40 - 0.38."""
    return (
        -round(_step(stretch[-1]) - _step(stretch[0]), 9),
        -round(_least_index(stretch), 3),
        round(abs(_middle(stretch) - centre), 9),
        _step(stretch[0]),
    )


def _least_index(stretch: Sequence[Row]) -> float:
    return min((row["ari_next"] for row in stretch[:-1]), default=0.0)


def _middle(rows: Sequence[Row]) -> float:
    steps = [_step(row) for row in rows]
    return (min(steps) + max(steps)) / 2


def _step(row: Row) -> float:
    """Tell what the clusterings of one algorithm differ in."""
    return float(row["min_samples"] or 0) if row["eps"] is None else float(row["eps"])


def _numbers(row: Row) -> str:
    kept, violations = (f"{100 * row[column]:.1f} %" for column in ("adjacent_kept", "violation_rate"))
    return (
        f"keeps {kept} of the adjacent pairs together and takes {violations} of the pairs in one frame for "
        f"one person, a balance of {row['balance']:.3f}"
    )
