"""Inventories: which broadcasts a station had on a day, and selecting among them.

The archive's own inventories are now and then missing or broken, and what they say beside the IDs is free
text. They are read once, checked, and kept in a form of our own in which nothing is hostile and nothing is
skipped in silence.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Unpack

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.fetch import FetchOptions, TooLargeError, fetch, join
from castgraph.archive.listing.choose import Choice, parse_all
from castgraph.base import csvs, files, times
from castgraph.base.text import line, quoted, shortened

log = logging.getLogger(__name__)

MAX_INVENTORY_BYTES = 10 * 2**20
"""An inventory larger than this is damaged; a day of a station takes some tens of kilobytes."""

_MAX_LISTED = 100  # refused shows that are told one by one
_MAX_TEXT = 300  # characters kept of a title

_COLUMNS = ("broadcast", "station", "start", "title", "program", "source", "origin")


@dataclass(frozen=True, slots=True)
class Show:
    """A show of an inventory: its ID, which is a broadcast ID, and what the station calls it, for people."""

    id: str
    title: str
    runtime: str


@dataclass(frozen=True, slots=True)
class RefusedShow:
    """What an inventory lists but is no broadcast of its station, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """The shows of a station on a day.

    Attributes
    ----------
    station, day
        Of what it is the inventory.
    status
        ``ok``; ``missing`` when the archive has none; ``damaged`` when it cannot be read.
    reason
        Why it is not ok; empty when it is.
    shows
        The shows, in the order of the inventory; their IDs are valid and different.
    refused
        The first 100 entries that are no show of this station.
    n_refused
        How many such entries there are.
    """

    station: str
    day: date
    status: Literal["ok", "missing", "damaged"]
    reason: str
    shows: tuple[Show, ...] = ()
    refused: tuple[RefusedShow, ...] = ()
    n_refused: int = 0


@dataclass(frozen=True, slots=True)
class Selected:
    """A broadcast to work on: what its ID says, the title that the inventory gives, its source and origin.

    The origin is the source's name in paths; see `castgraph.archive.origin`.
    """

    broadcast: str
    station: str
    start: datetime
    title: str
    program: str = ""
    source: str = ""
    origin: str = ""


class ReportedInventory(NamedTuple):
    """The state of an inventory in the report on all of a run: a row of ``inventories.csv``."""

    station: str
    day: date
    status: str
    n_shows: int
    n_refused: int
    reason: str
    archive: str  # its name in paths; see `castgraph.archive.archive_name`

    @property
    def name(self) -> str:
        """What it is called in file names and by `castgraph status`, for example ``NTV.20261001``."""
        return f"{self.station}.{self.day:%Y%m%d}"


def inventory_name(station: str, day: date) -> str:
    """Name the archive's inventory of a station and a day, for example ``NTV.20261001.inventory.json``."""
    return f"{station}.{day:%Y%m%d}.inventory.json"


def fetch_inventory(
    base_url: str, station: str, day: date, destination: Path, **options: Unpack[FetchOptions]
) -> Inventory:
    """Fetch an inventory and write it to `destination` in our form, whatever state it is in.

    Parameters
    ----------
    base_url
        Where the archive lies; see `castgraph.archive.fetch.join`.
    station, day
        Of what to fetch the inventory.
    destination
        The JSON file to write, for `read_inventory`. An inventory that is there and could be read is not
        replaced by one that is missing or damaged.
    **options
        How patiently to fetch; see `castgraph.archive.fetch.fetch`.

    Returns
    -------
    Inventory
        What was found now.

    Raises
    ------
    FetchError
        When the archive does not answer. An inventory that is missing or damaged is no error.
    """
    source = join(base_url, inventory_name(station, day))

    def damage(path: Path) -> str:
        return _check(station, day, path.read_bytes()).reason

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory.json"
        try:
            fetched = fetch(source, path, max_bytes=MAX_INVENTORY_BYTES, check=damage, **options)
        except TooLargeError:
            inventory = Inventory(station, day, "damaged", f"larger than {MAX_INVENTORY_BYTES} bytes")
        else:
            if fetched.status == "ok":
                inventory = _check(station, day, path.read_bytes())
            else:
                inventory = Inventory(station, day, "missing", fetched.reason)
    if inventory.status != "ok" and _is_ok(destination):
        log.warning("%s: %s; what was there before is kept", inventory.status, inventory.reason)
    else:
        files.write_json(destination, {**asdict(inventory), "day": day.isoformat()})
    return inventory


def _is_ok(path: Path) -> bool:
    """Tell whether an inventory is there that could be read."""
    try:
        return read_inventory(path).status == "ok"
    except (OSError, ValueError):
        return False


def read_inventory(path: Path) -> Inventory:
    """Read an inventory that `fetch_inventory` wrote, of this castgraph or of another version.

    Raises
    ------
    ValueError
        When the file is none.
    """
    try:
        value = files.known(Inventory, json.loads(path.read_text(encoding="utf-8")))
        value["day"] = date.fromisoformat(value["day"])
        for name, kind in (("shows", Show), ("refused", RefusedShow)):
            value[name] = tuple(kind(**files.known(kind, each)) for each in value.get(name, ()))
        return Inventory(**value)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not an inventory written by castgraph: {error!r}") from error


def select(inventories: Iterable[Inventory], choice: Choice) -> list[Selected]:
    """Select the broadcasts of some inventories.

    Parameters
    ----------
    inventories
        Where to look. Of a broadcast that several list, the first entry is taken.
    choice
        What is wanted. What it includes is selected even if no inventory lists it.

    Returns
    -------
    list of Selected
        Sorted by ID, without duplicates.
    """
    found: dict[str, Selected] = {}
    for inventory in inventories:
        for show in inventory.shows:
            broadcast = Broadcast.parse(show.id)
            if choice.takes(broadcast):
                source = choice.include.get(show.id, "")
                found.setdefault(show.id, _selected(broadcast, show.title, source))
    for row in listed(choice.include):
        found.setdefault(row.broadcast, row)
    return [found[broadcast_id] for broadcast_id in sorted(found)]


def listed(sources: Mapping[str, str]) -> list[Selected]:
    """Select broadcasts by a plain list of their IDs, with their sources.

    Returns
    -------
    list of Selected
        Sorted by ID; `program` is empty.

    Raises
    ------
    ValueError
        When some are not broadcast IDs; it tells how many, and the first ten.
    """
    rows = [_selected(broadcast, source=sources[broadcast.id]) for broadcast in parse_all(sources)]
    return sorted(rows, key=lambda row: row.broadcast)


def write_selection(path: Path, rows: Iterable[Selected]) -> None:
    """Write selected broadcasts to a CSV file, a column for each attribute of `Selected`; start is UTC."""
    csvs.write(
        path,
        _COLUMNS,
        (
            (
                row.broadcast,
                row.station,
                times.utc(row.start),
                row.title,
                line(row.program),
                row.source,
                row.origin,
            )
            for row in rows
        ),
    )


def read_selection(path: Path) -> list[Selected]:
    """Read what `write_selection` wrote.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When the file is no selection, or one of an earlier castgraph.
    """
    try:
        rows = csvs.read(path, _COLUMNS)
        return [
            _selected(broadcast, row["program"], row["source"], row["origin"])
            for broadcast, row in zip(parse_all(row["broadcast"] for row in rows), rows, strict=True)
        ]
    except ValueError as error:
        raise ValueError(
            f"{path} is no selection ({error}); perhaps an earlier castgraph has made it, and the next run "
            "makes it again"
        ) from error


def write_inventory_report(path: Path, inventories: Iterable[Inventory], archive: str = "") -> None:
    """Write the state of each inventory to the CSV file `path`, sorted by station and day.

    Parameters
    ----------
    path
        The file to write. The columns are station, day, status, n_shows, n_refused, reason, archive.
    inventories
        All that the broadcasts of a run were chosen from; none where they are listed.
    archive
        The name of their archive, for paths; see `castgraph.archive.archive_name`.
    """
    csvs.write(
        path,
        ReportedInventory._fields,
        (
            (
                each.station,
                times.day(each.day),
                each.status,
                len(each.shows),
                each.n_refused,
                each.reason,
                archive,
            )
            for each in sorted(inventories, key=lambda each: (each.station, each.day))
        ),
    )


def read_inventory_report(path: Path) -> list[ReportedInventory]:
    """Read the states of inventories that `write_inventory_report` wrote.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is something else.
    """
    try:
        return [
            ReportedInventory(
                row["station"],
                date.fromisoformat(row["day"]),
                row["status"],
                int(row["n_shows"]),
                int(row["n_refused"]),
                row["reason"],
                row["archive"],
            )
            for row in csvs.read(path, ReportedInventory._fields)
        ]
    except ValueError as error:
        raise ValueError(
            f"{path} is no report on inventories ({error}); perhaps an earlier castgraph has made it, and "
            "the next run makes it again"
        ) from error


def _check(station: str, day: date, content: bytes) -> Inventory:
    """Read the archive's inventory of a station and a day, believing nothing in it."""
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Inventory(station, day, "damaged", f"not JSON: {error}")
    shows = value.get("shows") if isinstance(value, dict) else None
    if not isinstance(shows, list):
        return Inventory(station, day, "damaged", "not an object with a list 'shows'")
    kept: dict[str, Show] = {}
    refused: list[RefusedShow] = []
    n_refused = 0
    for show in shows:
        show_id: Any = show.get("id") if isinstance(show, dict) else show
        reason = _refusal(show_id, station, kept) if isinstance(show, dict) else "not an object"
        if not reason:
            title = _title(show.get("title")) or _title(show.get("program"))
            kept[show_id] = Show(show_id, title, _title(show.get("runtime")))
            continue
        n_refused += 1
        if len(refused) < _MAX_LISTED:
            refused.append(RefusedShow(quoted(show_id), reason))
    return Inventory(station, day, "ok", "", tuple(kept.values()), tuple(refused), n_refused)


def _refusal(show_id: object, station: str, kept: dict[str, Show]) -> str:
    """Tell why a show of this ID is refused; empty when it is not."""
    if not isinstance(show_id, str):
        return "the ID is not text"
    try:
        broadcast = Broadcast.parse(show_id)
    except ValueError:
        return "not a broadcast ID"
    if broadcast.station != station:
        return f"of another station than {station}"
    return "listed before" if show_id in kept else ""


def _title(value: object) -> str:
    """Make a short line of a text; of what is not text, nothing."""
    return shortened(value, _MAX_TEXT) if isinstance(value, str) else ""


def _selected(broadcast: Broadcast, program: str = "", source: str = "", origin: str = "") -> Selected:
    return Selected(
        broadcast.id, broadcast.station, broadcast.start, broadcast.title, program, source, origin
    )
