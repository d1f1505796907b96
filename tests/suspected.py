"""What is found of broadcasts that are not what their title says, made up: the tables of the page."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from castgraph.base import tables

FIRST = datetime(2024, 1, 1, 19, tzinfo=UTC)
SETTINGS = {"timezone": "UTC", "weekdays": ["mon", "tue", "wed", "thu", "fri"], "above": 10}
NOT_JUDGED = {"verdict": "not judged", "own": None, "z": None, "reason": "it is the only one of its title"}


def judged(n: int, title: str = "Evening_Review", station: str = "DEMO1", **more: Any) -> dict[str, Any]:
    """One that was judged, on the nth day."""
    start = FIRST + timedelta(days=n)
    return {
        "broadcast": f"{station}_{start:%Y%m%d_%H%M%S}_{title}",
        "station": station,
        "show": title.replace("_", " "),
        "title": title.replace("_", " "),
        "start": start,
        "day": start.date(),
        "n_same": 9,
        "own": 0.8 + 0.01 * (n % 7),
        "own_r": 0.7,
        "before": 0.8,
        "after": 0.81,
        "other": 0.2,
        "other_title": "Morning Desk",
        "other_broadcast": "",
        "z": -0.2,
        "p": 0.4,
        "q": 0.9,
        "verdict": "usual",
        "reason": "",
        **more,
    }


def suspect(n: int, **more: Any) -> dict[str, Any]:
    """One that is a suspect, on the nth day."""
    like = judged(n, "Morning_Desk")["broadcast"]
    return judged(
        n,
        **{
            "own": 0.21,
            "other": 0.83,
            "other_broadcast": like,
            "z": -7.5,
            "q": 0.00002,
            "verdict": "suspect",
            "reason": "like Morning Desk (0.83), and not like the 9 others of Evening Review (0.21)",
            **more,
        },
    )


def write_tables(
    folder: Path,
    likeness: Iterable[Mapping[str, Any]],
    *,
    missing: Mapping[str, str] | None = None,
    stations: Iterable[str] = ("ABC", "CBS", "NBC"),
    days: int = 0,
    dips: Iterable[tuple[str, int, int]] = (),
) -> None:
    """Write the tables into a folder: broadcasts, and how alike stations are on some days.

    `dips` are of a station, from one of the days to another. Who is missing in suspects is ``missing``,
    ``missing_name`` and ``link`` of the table of suspects.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(likeness)
    of_suspects = {"run": 0, "missing": "", "missing_name": "", "link": "", **(missing or {})}
    names = sorted(stations)
    noise = np.random.default_rng(0)
    first, pairs = date(2012, 1, 2), [(a, b) for a in names for b in names if a < b]
    dips = list(dips)
    correlation = [
        {"day": first + timedelta(days=n), "station": a, "other": b, "n_entities": 300, "reason": ""}
        | {"r": float(np.clip(mean + 0.06 * noise.standard_normal(), -1, 1))}
        for n in range(days)
        if (first + timedelta(days=n)).weekday() < 5
        for a, b in pairs
        for away in [any(begin <= n <= end and station in (a, b) for station, begin, end in dips)]
        for mean in [0.25 if away else 0.72 + 0.08 * np.sin(n / 58)]
    ]
    departing = [
        {"station": station, "first": first + timedelta(days=begin), "last": first + timedelta(days=end)}
        | {"n_days": 5 * (end - begin + 1) // 7, "r": 0.25, "usual": 0.72, "z": -8.1, "p": 1e-9, "q": 1e-7}
        for station, begin, end in sorted(dips)
    ]
    facts = tables.provenance("suspects", SETTINGS)
    found = {
        "correlation": (correlation, tables.CORRELATION),
        "dips": (departing, tables.DIPS),
        "likeness": (rows, tables.LIKENESS),
        "suspects": ([of_suspects | row for row in rows if row["verdict"] == "suspect"], tables.SUSPECTS),
    }
    for name, (of_table, schema) in found.items():
        tables.write(folder / f"{name}.parquet", pa.Table.from_pylist(of_table, schema), facts, schema)
