"""What does not count: what was on air before, and suspects."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.finished import write

from castgraph.base import tables
from castgraph.run.uncounted import read_uncounted

MORNING, EVENING, LATE = (f"NTV_20240102_{hour}0000_News" for hour in ("07", "19", "23"))
ALL = [MORNING, EVENING, LATE]


def replays(path: Path, *rows: tuple[str, int, int, str, int]) -> Path:
    """Write a table: broadcast, first and last frame, where it was before, and the first frame there."""
    start = datetime(2024, 1, 2, tzinfo=UTC)
    return write(
        path / "replays.parquet",
        tables.REPLAYS,
        [
            {"broadcast": name, "first_frame": first, "last_frame": last, "earlier_broadcast": earlier}
            | {"earlier_first_frame": there, "earlier_last_frame": there + last - first}
            | {"start": start + timedelta(hours=ALL.index(name), seconds=4 * first), "kind": "scene"}
            for name, first, last, earlier, there in rows
        ],
    )


def suspects(path: Path, *rows: dict[str, Any], timezone: str = "UTC") -> Path:
    """Write a table of suspects."""
    facts = tables.provenance("suspects", {"timezone": timezone})
    return write(
        path / "suspects.parquet", tables.SUSPECTS, [{"station": "NTV"} | row for row in rows], facts
    )


def stretches(found: tables.Replayed) -> dict[str, list[list[int]]]:
    return {name: each.tolist() for name, each in found.items()}


def test_nothing_is_left_out_where_nothing_is_given() -> None:
    assert read_uncounted(None, None, ALL).all == {}


def test_a_suspect_is_left_out_as_a_whole(tmp_path: Path) -> None:
    given = suspects(tmp_path, {"broadcast": EVENING}, {"broadcast": "NTV_20240109_190000_News"})
    found = read_uncounted(None, given, ALL)
    assert set(found.all) == set(found.suspected) == {EVENING}
    frames = np.array([1, 2, 50_000], np.int32)
    assert tables.is_replayed(found.all, EVENING, frames).all()
    assert not tables.is_replayed(found.all, MORNING, frames).any()


@pytest.mark.parametrize(
    ("timezone", "day", "left_out"),
    [
        ("UTC", date(2024, 1, 2), {MORNING, EVENING, LATE}),
        ("Europe/Moscow", date(2024, 1, 2), {MORNING, EVENING}),  # the last begins at two in the morning
        ("Europe/Moscow", date(2024, 1, 3), {LATE}),
        ("America/Los_Angeles", date(2024, 1, 1), {MORNING}),
    ],
)
def test_a_day_of_a_station_is_what_began_on_it_there(
    tmp_path: Path, timezone: str, day: date, left_out: set[str]
) -> None:
    given = suspects(tmp_path, {"broadcast": None, "day": day}, timezone=timezone)
    other = "OWN_20240102_070000_News"
    assert set(read_uncounted(None, given, [*ALL, other]).suspected) == left_out


def test_replays_are_left_out_beside_suspects(tmp_path: Path) -> None:
    again = replays(tmp_path, (LATE, 5, 9, MORNING, 1), (EVENING, 1, 3, MORNING, 11))
    found = read_uncounted(again, suspects(tmp_path, {"broadcast": EVENING}), ALL)
    assert stretches(found.replayed) == {LATE: [[5, 9]]}
    assert set(found.all) == {LATE, EVENING}


def test_what_was_first_on_air_in_a_suspect_counts_once_where_it_is_on_air_next(tmp_path: Path) -> None:
    again = replays(
        tmp_path,
        (LATE, 5, 9, MORNING, 1),
        (EVENING, 20, 24, MORNING, 1),
        (EVENING, 40, 44, MORNING, 31),  # other footage
        (LATE, 60, 64, EVENING, 50),  # not of the suspect
    )
    found = read_uncounted(again, suspects(tmp_path, {"broadcast": MORNING}), ALL)
    assert stretches(found.replayed) == {LATE: [[5, 9], [60, 64]]}
