"""The section ``archive``: where broadcasts come from, and how much of them is taken."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Section, matching

_NO_LOGIN = "without user name and password (they belong into ~/.netrc)"
_HOST = r"https?://[^/?#@\s\\]+"

Place = Annotated[
    str,
    matching(
        rf"{_HOST}(?:/[^?#\x00-\x1f]*)?|file:///[^\x00-\x1f]*|[^:\x00-\x1f]+",
        f"https://… or http://… (without '?' and '#'), file:///… or a folder, {_NO_LOGIN}",
    ),
]
Link = Annotated[
    str,
    matching(
        r"(?=.*\{broadcast\})(?=.*\{frame\})(?!.*://[^/?#]*@)[^\x00-\x1f]*",
        f"an address with {{broadcast}} and {{frame}}, {_NO_LOGIN}",
    ),
]


class Archive(Section):
    """Where inventories and ZIPs lie, and how much of a broadcast is taken."""

    base_url: Place = Field(
        "https://storage.googleapis.com/data.gdeltproject.org/gdeltv3/iatv/visualexplorer/",
        description="`https://…`, `http://…`, `file:///…` or a folder. There lie "
        "`{STATION}.{YYYYMMDD}.inventory.json` and `{ID}.zip`. The default is the GDELT TV Visual Explorer. "
        "A user name and password are not taken here: put them into `~/.netrc`.",
    )
    frame_url: Link = Field(
        "https://api.gdeltproject.org/api/v2/tvv/tvv?id={broadcast}&frame={frame}",
        description="Where a person can see a frame; `{broadcast}` and `{frame}` are filled in. It becomes "
        "the `evidence` of every edge. The default is the Visual Explorer's viewer.",
    )
    frame_seconds: float = Field(4, gt=0, description="Seconds between two frames.")
    programme: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None,
        description="Which programme of a recording to take; `null` for the best one. It is the number of "
        "the service in a transport stream, and of the video stream, from 1 on, in another file that has "
        "several. Where a recording has several, the `reason` of its broadcast tells them, and which was "
        "taken. A recording that does not have the one asked for is `damaged`.",
    )
    give_up: bool = Field(
        False,
        description="`true`: a broadcast that cannot be had becomes a row, and the run goes on. Its status "
        "is `unreachable`; it was refused, or there were server errors or no connection, in all attempts; "
        "`castgraph retry` asks for it again. `false`: its job fails, the others go on, and the same command "
        "tries again.",
    )
    inventory_hours: float = Field(
        12,
        gt=0,
        description="Hours after which an inventory of the last five days is fetched again. The archive may "
        "still add shows to it. Older days are settled: their inventories are fetched once more when they "
        "become so, and kept.",
    )
    max_frames: Annotated[int, Field(ge=1, le=1000000), WHOLE] = Field(
        50000, description="Most frames of one broadcast. Further ones are refused."
    )
    max_frame_mb: float = Field(
        20,
        gt=0,
        description="Largest unpacked frame, in MiB. A larger one is damaged (a decompression bomb).",
    )
    max_broadcast_mb: float = Field(
        20480, gt=0, description="Most that one broadcast may take on disk, unpacked, in MiB."
    )
