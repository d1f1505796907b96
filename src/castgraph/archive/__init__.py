"""The archive of broadcasts: their IDs, the inventories that list them, and the ZIPs that hold their frames.

``broadcast`` reads broadcast IDs and names frames; ``fetch`` gets a file from the archive, be it on the web
or in a folder. ``listing`` tells which broadcasts there are: by inventories, lists, tables and folders, and
which of them are wanted. ``media`` makes the ZIP of a broadcast, whatever it comes from: the archive, another
ZIP, a folder of images or a video, and takes the frames out of it. All that comes from outside is taken as
hostile.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from castgraph.archive.broadcast import BROADCAST_PATTERN, STATION_PATTERN, Broadcast, frame_name
    from castgraph.archive.fetch import FetchError, fetch_options
    from castgraph.archive.links import frame_links
    from castgraph.archive.listing.choose import Choice
    from castgraph.archive.listing.inventory import (
        Inventory,
        Selected,
        fetch_inventory,
        listed,
        read_inventory,
        read_inventory_report,
        read_selection,
        select,
        write_inventory_report,
        write_selection,
    )
    from castgraph.archive.listing.left_alone import (
        LeftAlone,
        grouped,
        read_left_alone,
        write_left_alone,
    )
    from castgraph.archive.listing.local import is_local
    from castgraph.archive.media.sources import about_n_frames, archive_name, obtain, origin, relative
    from castgraph.archive.media.zips import (
        FrameError,
        FrameReader,
        Limits,
        Manifest,
        UnzippedFrame,
        read_manifest,
        unzip,
        write_manifest,
    )

__all__ = [
    "BROADCAST_PATTERN",
    "STATION_PATTERN",
    "Broadcast",
    "Choice",
    "FetchError",
    "FrameError",
    "FrameReader",
    "Inventory",
    "LeftAlone",
    "Limits",
    "Manifest",
    "Selected",
    "UnzippedFrame",
    "about_n_frames",
    "archive_name",
    "fetch_inventory",
    "fetch_options",
    "frame_links",
    "frame_name",
    "grouped",
    "is_local",
    "listed",
    "obtain",
    "origin",
    "read_inventory",
    "read_inventory_report",
    "read_left_alone",
    "read_manifest",
    "read_selection",
    "relative",
    "select",
    "unzip",
    "write_inventory_report",
    "write_left_alone",
    "write_manifest",
    "write_selection",
]

_MODULES = (
    *("broadcast", "listing.choose", "listing.left_alone", "listing.local", "media.zips", "fetch"),
    *("listing.inventory", "media.sources", "links"),
)
"""Where these names are, what takes least to import first: planning and every job import this package."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            found = import_module(f"{__name__}.{module}")
            if hasattr(found, name):
                value: object = getattr(found, name)
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
