"""What an archive has: its stations, and the shows of a station.

An archive on the web has no table of contents. Google Cloud Storage, where the GDELT TV Visual Explorer lies,
tells the names of the files of a bucket that allows it, in order, from any name on. So the stations are found
by asking for the first name, then for the first one after all that begin like it, and so on: two requests a
station rather than thousands. https://cloud.google.com/storage/docs/json_api/v1/objects/list

Whether the bucket of the Visual Explorer allows it is not known. Where it does not, the channel inventory of
the GDELT Project tells the stations.
https://blog.gdeltproject.org/visual-explorer-new-channel-inventory-json-file-for-programmatic-discovery/
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import quote, unquote, urlencode, urlsplit

from castgraph.archive.broadcast import STATION_PATTERN
from castgraph.archive.fetch import FetchError, FetchOptions, fetch
from castgraph.archive.listing.inventory import Inventory, fetch_inventory, read_inventory
from castgraph.archive.listing.lists import read_names

GDELT = "https://storage.googleapis.com/data.gdeltproject.org/gdeltv3/iatv/visualexplorer/"
"""The GDELT TV Visual Explorer, the archive when no other is named."""

_CHANNELS = "https://api.gdeltproject.org/api/v2/tvv/tvv?mode=chaninv"
_MAX_REQUESTS = 5000  # some hundred are usual; what a server says must not keep us for ever
_MAX_ANSWER_BYTES = 2**20
_NAME = re.compile(r"([A-Za-z0-9]{1,100})([._])([0-9]{8})(?![0-9])")
_SHAPE = re.compile(r"([A-Za-z0-9]*)([._]?)([0-9]{0,8})(.?)", re.DOTALL)
_ADVICE = "give the list of its ZIPs, where there is one, with --list"
_LAST = "\U0010ffff"  # no character comes after it


@dataclass(frozen=True, slots=True)
class Station:
    """A station of an archive.

    Attributes
    ----------
    station
        As the archive writes it.
    first, last
        The first and the last day of which there is something; None where that is not known.
    n_inventories, n_broadcasts
        How many inventories and ZIPs it has; None where that is not known.
    """

    station: str
    first: date
    last: date | None = None
    n_inventories: int | None = None
    n_broadcasts: int | None = None


def inventories(
    base_url: str, station: str, days: Sequence[date], *, threads: int = 4, **options: Unpack[FetchOptions]
) -> list[Inventory]:
    """Fetch the inventories of a station, several at a time.

    Parameters
    ----------
    base_url
        Where the archive lies; see `castgraph.archive.fetch.join`.
    station, days
        Of what to fetch them.
    threads
        How many at a time.
    **options
        How patiently to fetch; see `castgraph.archive.fetch.fetch`.

    Returns
    -------
    list of Inventory
        One a day, in the order of `days`; also of days whose inventory is missing or damaged.

    Raises
    ------
    FetchError
        When the archive does not answer.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(threads) as pool:

        def one(day: date) -> Inventory:
            path = Path(folder) / f"{day}.json"
            fetch_inventory(base_url, station, day, path, **options)
            return read_inventory(path)

        return list(pool.map(one, days))


def stations(base_url: str, **options: Unpack[FetchOptions]) -> list[Station]:
    """Tell which stations an archive has.

    Parameters
    ----------
    base_url
        Where the archive lies. Of a folder all files are counted; on the web nothing is counted, and of most
        stations only the first day is known.
    **options
        How patiently to fetch; see `castgraph.archive.fetch.fetch`.

    Returns
    -------
    list of Station
        Sorted by name.

    Raises
    ------
    FetchError
        When the archive is on the web and does not answer, or does not list its files.
    ValueError
        When there is no such folder.
    """
    parts = urlsplit(base_url)
    if parts.scheme in ("http", "https"):
        try:
            return _of_a_bucket(base_url, options)
        except FetchError:
            if base_url.rstrip("/") != GDELT.rstrip("/"):
                raise
            return _of_channels(_ask(_CHANNELS, options))
    try:
        paths = list(Path(unquote(parts.path) if parts.scheme == "file" else base_url).iterdir())
    except OSError as error:
        raise ValueError(f"{base_url}: cannot be read ({error.strerror})") from error
    return count(path.name for path in paths if path.name.endswith((".zip", ".inventory.json")))


def stations_of_list(path: Path) -> list[Station]:
    """Tell which stations a list has, such as the archive's master list of ZIP addresses.

    Parameters
    ----------
    path
        See `castgraph.archive.listing.lists.read_list`. Entries that are no broadcasts are left out.

    Returns
    -------
    list of Station
        Sorted by name.

    Raises
    ------
    ValueError
        When the file cannot be read or lists nothing.
    """
    return [
        Station(each.station, each.first, each.last, None, each.n_broadcasts)
        for each in count(read_names(path))
    ]


def count(names: Iterable[str]) -> list[Station]:
    """Count names of inventories (``STATION.YYYYMMDD…``) and of broadcasts (``STATION_YYYYMMDD…``)."""
    found: dict[str, tuple[str, str, int, int]] = {}
    for name in names:
        match = _NAME.match(name)
        if match is None:
            continue
        station, mark, day = match.groups()
        if _day(day) is None:
            continue
        first, last, n_inventories, n_broadcasts = found.get(station, (day, day, 0, 0))
        is_inventory = mark == "."
        found[station] = (
            min(first, day), max(last, day), n_inventories + is_inventory, n_broadcasts + (not is_inventory)
        )  # fmt: skip
    return [
        Station(name, date.fromisoformat(first), date.fromisoformat(last), *counts)
        for name, (first, last, *counts) in sorted(found.items())
    ]


def _of_a_bucket(base_url: str, options: FetchOptions) -> list[Station]:
    """Tell the stations of a bucket, and the first day of each."""
    parts = urlsplit(base_url)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    bucket, prefix = unquote(bucket), f"{unquote(prefix)}/" if prefix else ""
    if not bucket:
        raise FetchError(f"{base_url}: not the address of a bucket; {_ADVICE}")
    listing = f"{parts.scheme}://{parts.netloc}/storage/v1/b/{quote(bucket, safe='')}/o"
    found: dict[str, date] = {}
    offset = ""
    for _ in range(_MAX_REQUESTS):
        name = _first_name(listing, prefix, offset, options)
        if name is None:
            return [Station(station, day) for station, day in sorted(found.items())]
        seen, offset = next_station(name)
        if seen:
            station, day = seen
            found[station] = min(day, found.get(station, day))
    raise FetchError(f"{listing}: more than {_MAX_REQUESTS} different beginnings of names; {_ADVICE}")


def _of_channels(answer: Mapping[str, Any]) -> list[Station]:
    """Read the channel inventory of the GDELT Project, believing nothing in it."""
    channels = answer.get("channels")
    found = {}
    for channel in channels if isinstance(channels, list) else []:
        if not isinstance(channel, dict):
            continue
        name, first = channel.get("id"), _day(str(channel.get("startDate")))
        if isinstance(name, str) and re.fullmatch(STATION_PATTERN, name) and first:
            # 99999999 is no day: it goes on.
            found[name] = Station(name, first, _day(str(channel.get("endDate"))))
    if not found:
        raise FetchError(f"{_CHANNELS}: not a list of channels; {_ADVICE}")
    return [found[name] for name in sorted(found)]


def next_station(name: str) -> tuple[tuple[str, date] | None, str]:
    """Tell the station and the day that a file belongs to, if any, and from which name on to look for others.

    The files of a station lie in two places, as ``X.20240101…`` and as ``X_20240101…``; between them may lie
    those of stations whose names begin alike, such as ``XY``.
    """
    match = _SHAPE.match(name)
    start, mark, digits, after = match.groups() if match else ("", "", "", "")
    beginning = start + mark + digits
    if not mark:
        return None, _behind(start + after) if after else f"{name} "
    if not start:
        return None, _behind(mark)
    if len(digits) < 8:
        return None, f"{beginning}0" if after < "0" else _behind(beginning)
    if "0" <= after <= "9":
        return None, _behind(f"{beginning}9")
    day = _day(digits)
    return ((start, day), _behind(start + mark)) if day else (None, _behind(beginning))


def _behind(beginning: str) -> str:
    """Tell what comes behind all names that begin like this."""
    last = beginning[-1]
    return beginning[:-1] + (chr(ord(last) + 1) if last < "~" else _LAST)


def _first_name(listing: str, prefix: str, offset: str, options: FetchOptions) -> str | None:
    """Ask for the first name in a folder of a bucket that is not before `offset`; None when there is none."""
    query = {"prefix": prefix, "startOffset": prefix + offset, "maxResults": "1"}
    page = ""
    for _ in range(10):  # a page may be empty although others follow
        asked = query | {"fields": "items(name),nextPageToken"} | ({"pageToken": page} if page else {})
        answer = _ask(f"{listing}?{urlencode(asked)}", options)
        items, page = answer.get("items", []), answer.get("nextPageToken", "")
        if items == [] and page:
            continue
        if items == []:
            return None
        try:
            name = items[0]["name"]
            if isinstance(name, str) and name.startswith(prefix) and name[len(prefix) :] >= offset:
                return name[len(prefix) :]
        except (TypeError, KeyError, IndexError):
            pass
        break
    raise FetchError(f"{listing}: the server's list of names cannot be understood; {_ADVICE}")


def _ask(address: str, options: FetchOptions) -> dict[str, Any]:
    """Ask for a page of a bucket's list."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.json"
        try:
            fetched = fetch(address, path, max_bytes=_MAX_ANSWER_BYTES, **options)
        except FetchError as error:
            raise FetchError(
                f"the list of what the archive has cannot be had ({error}); {_ADVICE}"
            ) from error
        try:
            answer = json.loads(path.read_bytes()) if fetched.status == "ok" else None
        except (ValueError, RecursionError):
            answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("nextPageToken", ""), str):
        reason = fetched.reason or "the answer is not JSON"
        raise FetchError(f"the list of what the archive has cannot be had ({address}: {reason}); {_ADVICE}")
    return answer


@cache
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
