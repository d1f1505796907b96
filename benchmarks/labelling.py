"""Measure how broadcasts that are not what their title says are found in a made-up decade of evening news.

    uv run python benchmarks/labelling.py [--json FILE] [--only NAME,NAME,...] [--days N] [--seeds N]

The decade is made up by `decade.py`: three stations, 3,484 days, 18 million rows; no real broadcast is in it.

Figures
-------
``--json`` writes them flat, with ``n_days`` and ``n_rows``:

- ``pearson_s``: from the table of entities to the correlation of all pairs of stations by day, in two
  threads; ``peak_mb`` is the peak of memory, measured in a process of its own;
- ``dips_s``: from the correlation to the runs of days in which a station departs;
- ``found_first`` and ``found_last``: by how many days the run of the decade, one station off for five weeks,
  is found too late (or, below 0, too early); not there where it is not found;
- ``recall``: the share of seeded runs of a week or more that are found, in decades of fewer labels, as many
  as ``--seeds`` says; ``recall_35`` and so on: of those of so many days. A run is found where one of the same
  station shares half of its days with data at least, and half of the other's;
- ``false_alarms_per_station_year``: what is found there beside them.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

import decade
from castgraph.base.files import atomic
from castgraph.labelling import dips, published
from decade import DAYS, STATIONS, Spell

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)

TARGETS = {"pearson_s": "60", "peak_mb": "4,000", "false_alarms_per_station_year": "1"}
LENGTHS = (35, 14, 7, 1)
"""Days of the runs that are put into a decade, some of each."""

EACH = 5
FEW = {"n_entities": 700, "seconds": 9000}
"""What makes a decade small: what is found depends little on it."""

FIVE_WEEKS = (2, 880, 35)
"""KPIX, from 1 December 2012 on."""


def planted(seed: int, n_days: int = DAYS) -> list[Spell]:
    """Draw runs of all lengths, for stations by turns, that lie apart from each other."""
    rng = np.random.default_rng([seed, 18])
    lengths = rng.permutation(np.repeat(LENGTHS, EACH))
    lengths = lengths[: max(1, n_days // 120)]
    room = n_days // len(lengths)
    return [
        Spell(
            int(rng.integers(len(STATIONS))),
            _weekday(n * room + int(rng.integers(20, room - 55))),
            int(length),
        )
        for n, length in enumerate(lengths)
    ]


def _weekday(number: int) -> int:
    """Give that day, or else the Monday after it: on other days nothing is compared."""
    return number if decade.day(number).weekday() < 5 else number + 7 - decade.day(number).weekday()


def found(correlation: pa.Table, spells: Sequence[Spell]) -> tuple[list[bool], int]:
    """Tell which runs are found, and how many others are."""
    runs = dips.find(correlation).to_pylist()
    with_data = set(correlation["day"].to_pylist())
    hits, used = [], set()
    for spell in spells:
        days = {day for number in spell.days if (day := decade.day(number)) in with_data}
        overlaps = [
            n
            for n, run in enumerate(runs)
            if run["station"] == STATIONS[spell.station]
            and 2 * len(days & (inside := {day for day in with_data if run["first"] <= day <= run["last"]}))
            >= max(len(days), len(inside))
        ]
        hits.append(bool(overlaps))
        used.update(overlaps)
    return hits, len(runs) - len(used)


def searched(seed: int, n_days: int) -> tuple[list[tuple[int, bool]], int]:
    """Search a small decade: the length of each run and whether it is found, and the number of others."""
    spells = planted(seed, n_days)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "entities.parquet"
        decade.write(path, spells, seed=seed, n_days=n_days, **FEW)
        correlation = published.correlate(path, threads=1)
    hits, n_false = found(correlation, spells)
    return [(spell.n_days, hit) for spell, hit in zip(spells, hits, strict=True)], n_false


def recalled(n_seeds: int, n_days: int) -> dict[str, float]:
    """Search several small decades."""
    by_length: dict[int, list[bool]] = defaultdict(list)
    n_false = 0
    for seed in range(n_seeds):
        hits, n = searched(seed, n_days)
        n_false += n
        for length, hit in hits:
            by_length[length].append(hit)
    figures = {f"recall_{length}": float(np.mean(by_length[length])) for length in sorted(by_length)}
    long = [hit for length, hits in by_length.items() if length >= 7 for hit in hits]
    years = n_seeds * len(STATIONS) * n_days / 365.25
    return {"recall": float(np.mean(long)), **figures, "false_alarms_per_station_year": n_false / years}


def whole(n_days: int) -> dict[str, float]:
    """Correlate the whole decade, and find the five weeks in it."""
    spell = Spell(FIVE_WEEKS[0], min(FIVE_WEEKS[1], n_days // 2), FIVE_WEEKS[2])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "entities.parquet"
        n_rows = decade.write(path, [spell], n_days=n_days)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, peak, correlation = pool.apply(_correlated, (path,))
    start = time.perf_counter()
    runs = [row for row in dips.find(correlation).to_pylist() if row["station"] == STATIONS[spell.station]]
    figures = {
        "n_days": n_days,
        "n_rows": n_rows,
        "pearson_s": seconds,
        "peak_mb": peak,
        "dips_s": time.perf_counter() - start,
    }
    days = [day for day in map(decade.day, spell.days) if day.weekday() < 5]
    near = [run for run in runs if run["first"] <= days[-1] and run["last"] >= days[0]]
    if near:
        figures["found_first"] = (near[0]["first"] - days[0]).days
        figures["found_last"] = (near[-1]["last"] - days[-1]).days
    return figures


def _correlated(path: Path) -> tuple[float, float, pa.Table]:
    start = time.perf_counter()
    correlation = published.correlate(path, threads=2)
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, correlation


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    only: Annotated[str, typer.Option(help="pearson, recall.")] = "pearson,recall",
    days: Annotated[int, typer.Option(min=700, help="How many days.")] = DAYS,
    seeds: Annotated[int, typer.Option(min=1, help="How many small decades are searched.")] = 5,
) -> None:
    """Measure how wrong labels are found in a decade that is made up."""
    parts = {"pearson": lambda: whole(days), "recall": lambda: recalled(seeds, days)}
    names = only.split(",")
    if unknown := [name for name in names if name not in parts]:
        sys.exit(f"error: --only {unknown[0]}: there are {', '.join(parts)}")
    figures: dict[str, float] = {}
    for name in names:
        with Console(stderr=True).status(name):
            figures |= parts[name]()
    table = Table("", "", "at most", title=f"{days:,} days of {len(STATIONS)} stations")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.4g}" if value < 1000 else f"{value:,.0f}", TARGETS.get(name, "-"))
    console.print(table)
    if json_file:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
