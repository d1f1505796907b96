"""When an inventory is fetched again: the archive adds shows to those of the last days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from castgraph.run import ledger

SETTLED_DAYS = 5
"""Days after which the archive adds nothing to an inventory any more.

Source: the GDELT Project, "Television Explorer: New Inventory Tables": a show may come up to five days late.
"""


def edition(inventory: Path, record: Path, day: date, now: datetime, hours: float) -> str:
    """Name the edition of an inventory that a run wants; another name means that it is fetched again.

    Parameters
    ----------
    inventory
        The file of the inventory, if it was fetched.
    record
        What `note` keeps of it. Where that is lost the date of the file tells when it was fetched.
    day
        The day of the inventory, UTC.
    now
        The present moment, aware.
    hours
        How old the inventory of a day that was not settled when it was fetched may get.

    Returns
    -------
    str
        That which is there, or another one when it is too old, or when its day was not settled then and is
        now. Before, during and after the job that fetches it, this is the same.
    """
    noted = ledger.read(record)
    try:
        present = str(noted["edition"])
        fetched = datetime.fromisoformat(noted["fetched"])
    except (KeyError, TypeError, ValueError):
        present = ""
        try:
            fetched = datetime.fromtimestamp(inventory.stat().st_mtime, UTC)
        except OSError:
            return present
    settled = datetime.combine(day, time(), UTC) + timedelta(days=1 + SETTLED_DAYS)
    is_due = fetched < settled and (now >= settled or now - fetched > timedelta(hours=hours))
    return f"after {fetched.isoformat()}" if is_due else present


def note(record: Path, edition: str, fetched: datetime) -> None:
    """Keep in mind which edition of an inventory was fetched, and when."""
    ledger.change(record, lambda _: {"edition": edition, "fetched": fetched.isoformat()})
