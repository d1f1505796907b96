"""When an inventory is fetched again."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from castgraph.run.inventories import edition, note

DAY = date(2026, 10, 1)
END = datetime(2026, 10, 2, tzinfo=UTC)
HOURS = timedelta(hours=1)


@pytest.fixture
def wanted(tmp_path: Path):
    """Give which edition is wanted at a moment."""
    return lambda now, hours=12: edition(tmp_path / "a.json", tmp_path / "ledger" / "a.json", DAY, now, hours)


@pytest.fixture
def fetch(tmp_path: Path, wanted):
    """Fetch what is wanted, which takes a minute; tell whether that had Snakemake do anything."""
    recorded = []

    def fetch(now, hours=12) -> bool:
        asked = wanted(now, hours)
        if recorded and recorded[-1] == asked:
            return False
        (tmp_path / "a.json").touch()
        assert wanted(now + timedelta(minutes=1), hours) == asked  # also in the process of the job
        note(tmp_path / "ledger" / "a.json", asked, now)
        recorded.append(asked)
        return True

    return fetch


def test_an_inventory_is_fetched_again_when_it_is_old_and_when_its_day_is_settled(fetch) -> None:
    fetched = [n for n in range(300) if fetch(END + n * HOURS)]
    assert fetched == [0, 13, 26, 39, 52, 65, 78, 91, 104, 117, 120]


@pytest.mark.parametrize("second", range(0, 12 * 3600, 1801))
def test_two_runs_in_a_row_fetch_once(second: int, fetch) -> None:
    """The age counts, not a window of the clock that may end between the two."""
    assert fetch(END + timedelta(seconds=second))
    assert not fetch(END + timedelta(seconds=second + 2))


def test_one_of_a_settled_day_is_fetched_once(fetch) -> None:
    assert fetch(END + timedelta(days=5))
    assert not any(fetch(END + timedelta(days=n), hours=0.01) for n in (5, 6, 5000))


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"edition": "x"}', '{"edition": 1, "fetched": 2}'])
def test_without_a_record_the_file_tells_the_age(content: str | None, wanted, tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    os.utime(tmp_path / "a.json", (END.timestamp(), END.timestamp()))
    if content is not None:
        (tmp_path / "ledger").mkdir()
        (tmp_path / "ledger" / "a.json").write_text(content)
    assert wanted(END + 12 * HOURS) == ""
    assert wanted(END + 13 * HOURS) == "after 2026-10-02T00:00:00+00:00"
