"""Measure how broadcasts under a wrong title are found in made-up television, and what else is suspected.

    uv run python benchmarks/likeness.py [--json FILE] [--seeds N] [--episodes FILE]

Three titles of one station are made up for ten months, with hosts, reporters, guests, news and labels
that change; no real broadcast is in it. In each seeded run some broadcasts have what another title has, or
something that no title has. ``--episodes`` takes a table of the columns ``series``, ``video``, ``time`` and
``character``, of which single episodes, and ten and sixty at once, are filed under the other series.

Figures: precision and recall of each kind of fault with 95 % intervals (Wilson), and false suspects by 1,000
broadcasts.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.labelling.likeness import judge

sys.path.append(str(Path(__file__).resolve().parent.parent))
from tests.unit.labelling.made import Show, Television

NAMES = ("Evening News", "Morning Desk", "Night Talk")
N_DAYS = 300
Score = tuple[int, int, int, int]
"""Found, missed, suspected wrongly, and broadcasts in all."""


def shows(kinds: tuple[str, ...]) -> list[Show]:
    """Make the titles of a station."""
    return [
        Show(name, hour=hour, kinds=kinds, n_guests=guests)
        for name, hour, guests in zip(NAMES, (18, 7, 22), (3, 3, 6), strict=True)
    ]


def scored(table: pa.Table, wrong: set[str]) -> Score:
    """Judge a table of which it is known what is wrong."""
    rows = judge(table).to_pylist()
    suspects = {row["broadcast"] for row in rows if row["verdict"] == "suspect"}
    return len(suspects & wrong), len(wrong - suspects), len(suspects - wrong), len(rows)


def made(seed: int, fault: str, kinds: tuple[str, ...]) -> Score:
    """Make a run with a fault, and judge it."""
    rng = np.random.default_rng(seed)
    wrong: dict[tuple[str, str, int], str] = {}
    if fault == "five weeks":
        first, which = int(rng.integers(50, 130)), int(rng.integers(3))
        instead = NAMES[(which + 1) % 3] if seed % 2 else "something else"
        wrong = {("NTV", NAMES[which], n): instead for n in range(first, first + 25)}
    elif fault != "nothing":
        for which in range(3):
            instead = NAMES[(which + 1) % 3] if fault == "another title" else f"something {which}"
            wrong["NTV", NAMES[which], int(rng.integers(210))] = instead
    table = Television(shows(kinds), N_DAYS, seed=seed, drift=0.5, wrong=wrong).table()
    ids = sorted(set(table["broadcast"].to_pylist()))
    of_title = {name: [each for each in ids if each.endswith(name.replace(" ", "_"))] for name in NAMES}
    return scored(table, {of_title[title][n] for _, title, n in wrong})


def episodes(path: Path, n: int, seed: int) -> Score:
    """File some episodes of two series under the other one."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts[row["series"], row["video"]][row["character"]] += float(row["time"])  # type: ignore[assignment]
    titles = sorted({series for series, _ in counts})
    names = sorted(name for _, name in counts)
    wrong = set(np.random.default_rng(seed).choice(names, n, replace=False).tolist())
    place: Counter[str] = Counter()
    rows = []
    for (series, name), of in sorted(counts.items()):
        place[series] += 1
        start = datetime(1964, 9, 17, 20, tzinfo=UTC) + timedelta(weeks=place[series])
        title = titles[1 - titles.index(series)] if name in wrong else series
        rows += [
            {"broadcast": name, "station": "NTV", "show": title, "start": start}
            | {"kind": "person", "entity": entity, "count": count}
            for entity, count in of.items()
        ]
    return scored(pa.Table.from_pylist(rows, tables.ENTITIES), wrong)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson, 1927)."""
    z = 1.96
    middle, away = hits + z**2 / 2, z * (hits * (n - hits) / max(n, 1) + z**2 / 4) ** 0.5
    return (middle - away) / (n + z**2), (middle + away) / (n + z**2)


def measured(seeds: int, path: Path | None) -> Iterator[tuple[str, Callable[[int], Score], int]]:
    """Give what is measured, and how often."""
    everything = ("person", "label", "word", "faces", "shot")
    for label, kinds in (("all", everything), ("people", ("person",)), ("words", ("word",))):
        for fault in ("nothing", "another title", "something else", "five weeks"):
            yield f"{fault}, {label}", lambda seed, f=fault, k=kinds: made(seed, f, k), seeds  # type: ignore[misc]
    if path:
        for n, share in ((0, 200), (1, 1), (10, 10), (60, 20)):
            yield f"{n} episodes", lambda seed, n=n: episodes(path, n, seed), max(seeds * 10 // share, 1)  # type: ignore[misc]


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Made-up runs of each kind; ten times as many swaps.")
    ] = 20,
    episodes: Annotated[Path | None, typer.Option(help="A table of two series.")] = None,
) -> None:
    """Measure how wrong titles are found."""
    figures: dict[str, float] = {}
    table = Table("", "runs", "wrong", "precision", "recall", "false by 1,000")
    for name, run, n in measured(seeds, episodes):
        found, missed, false, rows = np.sum([run(seed) for seed in range(n)], axis=0).tolist()
        shares = {"precision": (found, found + false), "recall": (found, found + missed)}
        told = []
        for of, (hits, among) in shares.items():
            low, high = wilson(hits, among)
            told.append(f"{hits / among:.3f} ({low:.3f} to {high:.3f})" if among else "-")
            if among:
                figures[f"{name}: {of}"] = hits / among
        figures[f"{name}: false_by_1000"] = 1000 * false / rows
        table.add_row(name, str(n), str(found + missed), *told, f"{1000 * false / rows:.2f}")
    Console(width=120).print(table)
    if json_file:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
