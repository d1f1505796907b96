"""Inventories: which broadcasts a station had on a day, and selecting among them.

The archive's own inventories are now and then missing or broken, and what they say beside the IDs is free
text. They are read once, checked, and kept in a form of our own in which nothing is hostile and nothing is
skipped in silence.
"""

from __future__ import annotations

import csv
import json
import logging
import reprlib
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Unpack

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.fetch import FetchOptions, TooLargeError, fetch, join
from castgraph.archive.listing.choose import Choice, parse_all
from castgraph.base import files

log = logging.getLogger(__name__)

MAX_INVENTORY_BYTES = 10 * 2**20
"""An inventory larger than this is damaged; a day of a station takes some tens of kilobytes."""

_MAX_LISTED = 100  # refused shows, or wrong IDs, that are told one by one
_MAX_TEXT = 300  # characters kept of a title
_JOINERS = "\u200c\u200d"  # format characters that belong to the spelling of Persian and of Indian languages

_COLUMNS = ("broadcast", "station", "start", "title", "program", "source", "origin")
_REPORT_COLUMNS = ("station", "day", "status", "n_shows", "n_refused", "reason", "archive")

_SHORT = reprlib.Repr()
_SHORT.maxstring = _MAX_LISTED


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
    _write_csv(
        path,
        _COLUMNS,
        (
            (
                row.broadcast,
                row.station,
                _utc(row.start),
                row.title,
                no_formula(row.program),
                row.source,
                row.origin,
            )
            for row in rows
        ),
    )


def read_selection(path: Path) -> list[str]:
    """Read the IDs of the broadcasts in the column ``broadcast`` of a CSV file, such as a selection.

    Returns
    -------
    list of str
        In the order of the file.

    Raises
    ------
    ValueError
        When the column is not there, or holds something that is not a broadcast ID.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if "broadcast" not in (rows.fieldnames or ()):
            raise ValueError(f"{path}: no column 'broadcast'; the columns are {rows.fieldnames or []}")
        ids = [row["broadcast"] or "" for row in rows]
    try:
        parse_all(ids)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return ids


def read_selected(path: Path) -> list[Selected]:
    """Read what `write_selection` wrote.

    Raises
    ------
    ValueError
        When the file is no selection, or one of an earlier castgraph.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise ValueError(
                f"{path}: the columns are {rows.fieldnames or []}, not {list(_COLUMNS)}; an earlier "
                "castgraph has made it, and the next run makes it again"
            )
        return [Selected(start=datetime.fromisoformat(row.pop("start")), **row) for row in rows]


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
    _write_csv(
        path,
        _REPORT_COLUMNS,
        (
            (
                each.station,
                each.day.isoformat(),
                each.status,
                len(each.shows),
                each.n_refused,
                each.reason,
                archive,
            )
            for each in sorted(inventories, key=lambda each: (each.station, each.day))
        ),
    )


def read_inventory_report(path: Path) -> list[dict[str, str]]:
    """Read what `write_inventory_report` wrote, a dict for each inventory."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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
            title = _clean(show.get("title")) or _clean(show.get("program"))
            kept[show_id] = Show(show_id, title, _clean(show.get("runtime")))
            continue
        n_refused += 1
        if len(refused) < _MAX_LISTED:
            refused.append(RefusedShow(_short(show_id), reason))
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


def _clean(text: object) -> str:
    """Make one short line of text that has no control characters; of what is not text, nothing."""
    if not isinstance(text, str):
        return ""
    kept = [
        " " if c.isspace() else c
        for c in text
        if c.isspace() or c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs"}
    ]
    return " ".join("".join(kept).split())[:_MAX_TEXT]


def _selected(broadcast: Broadcast, program: str = "", source: str = "") -> Selected:
    return Selected(broadcast.id, broadcast.station, broadcast.start, broadcast.title, program, source)


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _short(value: object) -> str:
    return _SHORT.repr(value)[:_MAX_LISTED]


def no_formula(text: str) -> str:
    """Keep a spreadsheet from taking text of an inventory for a formula, or for several cells."""
    text = _clean(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with files.atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
