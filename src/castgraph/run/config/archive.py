"""The section ``archive``: where broadcasts come from, and how much of them is taken."""

from __future__ import annotations

from typing import Annotated, Literal

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
        r"(?![Ff][Ii][Ll][Ee]:)(?=.*\{broadcast\})(?=.*\{frame\})(?!.*://[^/?#]*@)[^\x00-\x1f]*",
        f"an address on the web with {{broadcast}} and {{frame}}, {_NO_LOGIN}",
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
    frame_url: Link | None = Field(
        None,
        description="Where a person can see a frame, such as "
        "`https://viewer.example/?id={broadcast}&frame={frame}`; both are filled in. It becomes the "
        "`evidence` of every edge. `null`: the Visual Explorer's viewer for what comes from there, the file "
        "and the second for a video of your own, nothing for anything else.",
    )
    frame_seconds: float = Field(4, gt=0, description="Seconds between two frames.")
    picture_numbers: Literal["auto", "names", "order"] = Field(
        "auto",
        description="Which frame each picture of a folder is. `names`: the one that its name ends with; "
        "pictures whose names end with no number, or with that of another, are left out. `order`: 1, 2, 3, … "
        "in the order of the names. `auto`: by their names where the numbers can be those of frames, else in "
        "their order; the log tells which. They can be where all are different, at least half of those from "
        "the first to the last are there, they do not go up by a step larger than 1, the first is at most "
        "21,600 (a day), and they are neither times of day nor the counter of a camera (`IMG_4711`). Numbers "
        "from 0 on are raised by 1.",
    )
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
