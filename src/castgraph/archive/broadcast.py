"""Broadcast IDs: ``{STATION}_{YYYYMMDD}_{HHMMSS}[_{Title}]``, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

STATION_PATTERN = "[A-Za-z0-9]+"
TITLE_PATTERN = "[A-Za-z0-9._-]+"
BROADCAST_PATTERN = rf"{STATION_PATTERN}_[0-9]{{8}}_[0-9]{{6}}(?:_{TITLE_PATTERN})?"
"""Regular expression of a broadcast ID; file names are made of IDs, so it holds no slash and no space."""

_PARTS = re.compile(
    rf"(?P<station>{STATION_PATTERN})_(?P<start>[0-9]{{8}}_(?!24)[0-9]{{6}})(?:_(?P<title>{TITLE_PATTERN}))?"
)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What a broadcast ID says.

    Attributes
    ----------
    id
        The ID itself.
    station
        The station, as the archive writes it.
    start
        When the broadcast began, UTC.
    title
        The title as the ID has it, with underscores; empty when there is none.
    """

    id: str
    station: str
    start: datetime
    title: str

    @classmethod
    def parse(cls, broadcast_id: str) -> Broadcast:
        """Read a broadcast ID.

        Parameters
        ----------
        broadcast_id
            For example ``RUSSIA1_20220519_083000_60_minut``.

        Returns
        -------
        Broadcast

        Raises
        ------
        ValueError
            When it is not of the form ``{STATION}_{YYYYMMDD}_{HHMMSS}[_{Title}]``, or holds no real date.

        Examples
        --------
        >>> broadcast = Broadcast.parse("RUSSIA1_20220519_083000_60_minut")
        >>> broadcast.station, broadcast.title
        ('RUSSIA1', '60_minut')
        """
        match = _PARTS.fullmatch(broadcast_id)
        if match is None or len(broadcast_id) > 200:
            raise ValueError(
                f"{broadcast_id[:200]!r} is not a broadcast ID; the form is STATION_YYYYMMDD_HHMMSS or "
                "STATION_YYYYMMDD_HHMMSS_Title (letters, digits, '.', '_', '-'; at most 200 characters)"
            )
        try:
            # In a list of a million it counts that strptime takes twenty times as long.
            start = datetime.fromisoformat(f"{match['start']}Z")
        except ValueError as error:
            raise ValueError(f"{broadcast_id!r} is not a broadcast ID: no such date or time") from error
        return cls(broadcast_id, match["station"], start, match["title"] or "")


def frame_name(broadcast_id: str, frame: int) -> str:
    """Name the picture file of a frame as the archive does.

    Examples
    --------
    >>> frame_name("RUSSIA1_20220519_083000_60_minut", 16)
    'RUSSIA1_20220519_083000_60_minut-000016.jpg'
    """
    return f"{broadcast_id}-{frame:06d}.jpg"
