"""The archive of broadcasts: their IDs, the inventories that list them, and the ZIPs that hold their frames.

``broadcast`` reads broadcast IDs and names frames; ``fetch`` gets a file from the archive, be it on the web
or in a folder; ``inventory`` tells which broadcasts a station had on a day, and selects among them; ``zips``
fetches the ZIP of a broadcast and takes the frames out of it. All that the archive gives is taken as hostile.
"""

from castgraph.archive.broadcast import BROADCAST_PATTERN, STATION_PATTERN, Broadcast, frame_name
from castgraph.archive.fetch import FetchError
from castgraph.archive.inventory import (
    Inventory,
    Selected,
    fetch_inventory,
    listed,
    read_inventory,
    read_selection,
    select,
    write_inventory_report,
    write_selection,
)
from castgraph.archive.zips import (
    FrameError,
    FrameReader,
    Limits,
    Manifest,
    UnzippedFrame,
    download,
    read_manifest,
    unzip,
    write_manifest,
)

__all__ = [
    "BROADCAST_PATTERN",
    "STATION_PATTERN",
    "Broadcast",
    "FetchError",
    "FrameError",
    "FrameReader",
    "Inventory",
    "Limits",
    "Manifest",
    "Selected",
    "UnzippedFrame",
    "download",
    "fetch_inventory",
    "frame_name",
    "listed",
    "read_inventory",
    "read_manifest",
    "read_selection",
    "select",
    "unzip",
    "write_inventory_report",
    "write_manifest",
    "write_selection",
]
