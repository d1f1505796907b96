"""What a run does not count: footage that was on air before, and broadcasts that are suspects."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables

_WHOLE = (1, np.iinfo(np.int32).max)
"""The stretch that is all of a broadcast."""

_REPLAYS = [
    *("broadcast", "first_frame", "last_frame", "start"),
    *("earlier_broadcast", "earlier_first_frame", "earlier_last_frame"),
]


class Uncounted(NamedTuple):
    """Stretches of broadcasts that do not count, as `castgraph.base.tables.without_replays` takes them.

    Attributes
    ----------
    replayed
        What was on air before.
    suspected
        Broadcasts that are not what their title says, whole.
    """

    replayed: tables.Replayed
    suspected: tables.Replayed

    @property
    def all(self) -> tables.Replayed:
        """Both."""
        return {**self.replayed, **self.suspected}


def read_uncounted(
    replays: str | os.PathLike[str] | None,
    suspects: str | os.PathLike[str] | None,
    broadcasts: Iterable[str],
) -> Uncounted:
    """Read what does not count.

    Parameters
    ----------
    replays
        The table of what is on air again; None where that counts each time.
    suspects
        The table of suspects; None where they count. A suspect of which only station and day are known stands
        for all broadcasts of that station that began on that day.
    broadcasts
        The IDs of the run.

    Returns
    -------
    Uncounted
        Where the first showing of a replay lies in a suspect, the next one that is in none counts instead.

    Raises
    ------
    TableError
        When an earlier castgraph made a table.
    """
    suspected = {name: np.array([_WHOLE], np.int32) for name in _suspected(suspects, broadcasts)}
    if replays is None:
        return Uncounted({}, suspected)
    if not suspected:
        return Uncounted(tables.read_replayed(replays), suspected)
    found: dict[str, list[tuple[int, int]]] = {}
    instead: set[tuple[str, int, int]] = set()  # first showings, of which a later one counts
    rows = tables.read(replays, tables.REPLAYS, _REPLAYS).to_pylist()
    for row in sorted(rows, key=itemgetter("start", "broadcast", "first_frame")):
        if row["broadcast"] in suspected:
            continue
        earlier, first, last = (row[f"earlier_{key}"] for key in ("broadcast", "first_frame", "last_frame"))
        if earlier in suspected and not any(
            name == earlier and begin <= last and first <= end for name, begin, end in instead
        ):
            instead.add((earlier, first, last))
        else:
            found.setdefault(row["broadcast"], []).append((row["first_frame"], row["last_frame"]))
    return Uncounted({name: np.array(each, np.int32) for name, each in found.items()}, suspected)


def _suspected(suspects: str | os.PathLike[str] | None, broadcasts: Iterable[str]) -> list[str]:
    """Tell which of the broadcasts are suspects."""
    if suspects is None:
        return []
    rows = tables.read(suspects, tables.SUSPECTS, ["broadcast", "station", "day"]).to_pylist()
    names = {row["broadcast"] for row in rows}
    days = {(row["station"], row["day"]) for row in rows if row["broadcast"] is None}
    zone = ZoneInfo(tables.read_provenance(suspects)["settings"]["timezone"])

    def of_day(name: str) -> tuple[str, date]:
        broadcast = Broadcast.parse(name)
        return broadcast.station, broadcast.start.astimezone(zone).date()

    return [name for name in broadcasts if name in names or (days and of_day(name) in days)]
